//! The history: the last few steps `s` and changes of the gradient `y`, and the direction that they give.
//!
//! A ring of `2 history` buffers as long as the parameters; a new pair is swapped in, not copied. Called by `line`.

use super::config::MAX_HISTORY;
use super::space::Space;
use crate::base::{Buffer, Error};
use crate::tape::Real;

/// What a checkpoint calls the steps `s` and the gradients' changes `y`, the oldest first.
pub(super) const PAIR_NAMES: [[&str; MAX_HISTORY]; 2] = [
    [
        "s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "s12", "s13", "s14", "s15", "s16",
        "s17", "s18", "s19", "s20", "s21", "s22", "s23", "s24", "s25", "s26", "s27", "s28", "s29", "s30", "s31", "s32",
        "s33", "s34", "s35", "s36", "s37", "s38", "s39", "s40", "s41", "s42", "s43", "s44", "s45", "s46", "s47", "s48",
        "s49", "s50", "s51", "s52", "s53", "s54", "s55", "s56", "s57", "s58", "s59", "s60", "s61", "s62", "s63", "s64",
        "s65", "s66", "s67", "s68", "s69", "s70", "s71", "s72", "s73", "s74", "s75", "s76", "s77", "s78", "s79", "s80",
        "s81", "s82", "s83", "s84", "s85", "s86", "s87", "s88", "s89", "s90", "s91", "s92", "s93", "s94", "s95", "s96",
        "s97", "s98", "s99",
    ],
    [
        "y0", "y1", "y2", "y3", "y4", "y5", "y6", "y7", "y8", "y9", "y10", "y11", "y12", "y13", "y14", "y15", "y16",
        "y17", "y18", "y19", "y20", "y21", "y22", "y23", "y24", "y25", "y26", "y27", "y28", "y29", "y30", "y31", "y32",
        "y33", "y34", "y35", "y36", "y37", "y38", "y39", "y40", "y41", "y42", "y43", "y44", "y45", "y46", "y47", "y48",
        "y49", "y50", "y51", "y52", "y53", "y54", "y55", "y56", "y57", "y58", "y59", "y60", "y61", "y62", "y63", "y64",
        "y65", "y66", "y67", "y68", "y69", "y70", "y71", "y72", "y73", "y74", "y75", "y76", "y77", "y78", "y79", "y80",
        "y81", "y82", "y83", "y84", "y85", "y86", "y87", "y88", "y89", "y90", "y91", "y92", "y93", "y94", "y95", "y96",
        "y97", "y98", "y99",
    ],
];

/// The ring of steps `s` and changes of the gradient `y`.
#[derive(Debug)]
pub(super) struct Pairs<T> {
    pub(super) s: Vec<Buffer<T>>,
    pub(super) y: Vec<Buffer<T>>,
    /// `1 / sᵀy`
    pub(super) rho: Vec<f64>,
    pub(super) count: usize,
    /// The slot written next.
    pub(super) next: usize,
    /// `sᵀy / yᵀy` of the newest pair: `H0` is this times the identity.
    pub(super) scale: f64,
}

impl<T: Real> Pairs<T> {
    pub(super) fn new(history: usize, len: usize) -> Result<Self, Error> {
        let (mut s, mut y, mut rho) = (room(history)?, room(history)?, room(history)?);
        for _ in 0..history {
            s.push(Buffer::zeroed(len)?);
            y.push(Buffer::zeroed(len)?);
            rho.push(0.0);
        }
        Ok(Self { s, y, rho, count: 0, next: 0, scale: 1.0 })
    }

    pub(super) fn clear(&mut self) {
        (self.count, self.next, self.scale) = (0, 0, 1.0);
    }

    /// Where the pair lies that `age` newer ones follow.
    pub(super) fn slot(&self, age: usize) -> usize {
        (self.next + self.s.len() - 1 - age) % self.s.len()
    }

    /// `direction = -H gradient`: the two-loop recursion. Memory-bound: `8 count` slices read, `2 count` written.
    pub(super) fn direct(&self, space: Space<'_, T>, gradient: &[T], direction: &mut [T]) {
        space.scaled(-1.0, gradient, direction, false);
        let mut alpha = [0.0; MAX_HISTORY];
        for (age, alpha) in alpha.iter_mut().enumerate().take(self.count) {
            let slot = self.slot(age);
            *alpha = self.rho[slot] * space.dot(self.s[slot].as_slice(), direction);
            space.scaled(-*alpha, self.y[slot].as_slice(), direction, true);
        }
        space.scale(self.scale, direction);
        for (age, alpha) in alpha.iter().enumerate().take(self.count).rev() {
            let slot = self.slot(age);
            let beta = self.rho[slot] * space.dot(self.y[slot].as_slice(), direction);
            space.scaled(alpha - beta, self.s[slot].as_slice(), direction, true);
        }
    }

    /// Takes the pair in, in exchange for the oldest one, if the loss curves upwards along it.
    pub(super) fn offer(&mut self, space: Space<'_, T>, s: &mut Buffer<T>, y: &mut Buffer<T>) {
        let sy = space.dot(s.as_slice(), y.as_slice());
        let yy = space.dot(y.as_slice(), y.as_slice());
        let (rho, scale) = (sy.recip(), sy / yy);
        if sy <= f64::EPSILON * yy || !(rho.is_finite() && scale.is_finite()) {
            return;
        }
        std::mem::swap(&mut self.s[self.next], s);
        std::mem::swap(&mut self.y[self.next], y);
        (self.rho[self.next], self.scale) = (rho, scale);
        self.count = (self.count + 1).min(self.s.len());
        self.next = (self.next + 1) % self.s.len();
    }
}

/// An empty vector with room for `len`.
pub(super) fn room<V>(len: usize) -> Result<Vec<V>, Error> {
    let mut vector = Vec::new();
    vector.try_reserve_exact(len).map_err(|_| Error::out_of_memory(len.saturating_mul(size_of::<V>())))?;
    Ok(vector)
}
