//! The learning rate's course: a factor for every step, from the step's number alone.
//!
//! A linear warm-up, then a decay that starts where the warm-up ends. Being a pure function it needs no state in a
//! checkpoint. Steps count from 0; a caller that thinks in epochs multiplies by the steps in one.

use std::f64::consts::PI;

/// How the rate falls after the warm-up.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Decay {
    /// It does not.
    #[default]
    Constant,
    /// Multiplied by `factor` after every `every` steps; never, where that is 0.
    Step {
        /// Steps between two falls.
        every: u64,
        /// What each multiplies by.
        factor: f64,
    },
    /// Half a cosine, from 1 down to `final_fraction` at the end of training (Loshchilov and Hutter 2016).
    Cosine {
        /// What is left at the end.
        final_fraction: f64,
    },
}

/// A warm-up and a decay.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Schedule {
    /// Steps of linear warm-up: step `s` of them has the factor `(s + 1) / warmup`.
    pub warmup: u64,
    /// What follows.
    pub decay: Decay,
}

impl Schedule {
    /// What to multiply the learning rate by in step `step` (from 0) of `total_steps`.
    ///
    /// From `total_steps` on a cosine stays at its end. A warm-up longer than the training is cut off, not squeezed.
    pub fn factor(&self, step: u64, total_steps: u64) -> f64 {
        let Some(after) = step.checked_sub(self.warmup) else {
            return (step + 1) as f64 / self.warmup as f64;
        };
        match self.decay {
            Decay::Constant => 1.0,
            Decay::Step { every, factor } => factor.powf(after.checked_div(every).unwrap_or(0) as f64),
            Decay::Cosine { final_fraction } => {
                let span = total_steps.saturating_sub(self.warmup);
                if after >= span {
                    return final_fraction;
                }
                let progress = after as f64 / span as f64;
                final_fraction + (1.0 - final_fraction) * 0.5 * (1.0 + (PI * progress).cos())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warmup_ends_at_one() {
        let schedule = Schedule { warmup: 4, decay: Decay::Constant };
        let factors: Vec<f64> = (0..6).map(|step| schedule.factor(step, 6)).collect();
        assert_eq!(factors, [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]);
        assert_eq!(Schedule::default().factor(0, 0), 1.0);
        assert_eq!(Schedule { warmup: u64::MAX, decay: Decay::Constant }.factor(u64::MAX, 0), 1.0);
    }

    #[test]
    fn steps_fall_on_time() {
        let schedule = Schedule { warmup: 2, decay: Decay::Step { every: 3, factor: 0.5 } };
        let factors: Vec<f64> = (0..9).map(|step| schedule.factor(step, 9)).collect();
        assert_eq!(factors, [0.5, 1.0, 1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.25]);
        assert_eq!(Schedule { warmup: 0, decay: Decay::Step { every: 0, factor: 0.5 } }.factor(100, 9), 1.0);
    }

    #[test]
    fn the_cosine_has_its_corners() {
        let schedule = Schedule { warmup: 10, decay: Decay::Cosine { final_fraction: 0.1 } };
        assert_eq!(schedule.factor(9, 110), 1.0);
        assert_eq!(schedule.factor(10, 110), 1.0);
        assert!((schedule.factor(60, 110) - 0.55).abs() < 1e-12);
        assert_eq!(schedule.factor(110, 110), 0.1);
        assert_eq!(schedule.factor(u64::MAX, 110), 0.1);
        assert_eq!(schedule.factor(10, 10), 0.1);
        assert!((10..110).all(|step| schedule.factor(step + 1, 110) < schedule.factor(step, 110)));
    }
}
