//! How large the blocks are: K in steps of KC, M of MC, N of NC, from the sizes of the caches.
//!
//! * KC: where tiles are wide, the rows of A that one reads, MR x KC, fill L1 at most, and the panel of B streams from
//!   L2, which its order lets the hardware foresee; narrower tiles use a panel faster, so it fills half of L1. C is
//!   read and written once for every KC, so KC is as long as that allows.
//! * MC: a block of A, MC x KC, fills an eighth of L2, beside the panels of B; where all rows fit half of L2, they are
//!   one block, and B is packed a panel at a time.
//! * NC: a block of B, KC x NC, fills a quarter of L3.
//!
//! Measured on Zen 4 (2026-11-24, one thread, share of peak at 1024^3): KC 128 0.76, 256 0.90, 384 0.91, 512 0.93,
//! 784 0.93; in f64 128 0.78, 256 0.83, 512 0.86; MC of 64 rows 0.92, 128 0.91, 256 0.90. AVX2 is flat from 256 on.
//!
//! No result depends on them: an element is one chain of multiply-adds over k, and storing it between blocks of K
//! rounds nothing.

use super::tiling::Tiling;
use std::sync::OnceLock;

/// Bytes of the data caches that one core sees.
#[derive(Debug, Clone, Copy)]
pub(super) struct Caches {
    pub(super) l1: usize,
    pub(super) l2: usize,
    pub(super) l3: usize,
}

/// The sizes of blocks, in elements.
#[derive(Debug, Clone, Copy)]
pub(super) struct Blocking {
    pub(super) kc: usize,
    pub(super) mc: usize,
    pub(super) nc: usize,
    /// The most rows that are one block.
    pub(super) whole: usize,
}

impl Blocking {
    /// For this element type and tiling, worked out once for each.
    pub(super) fn of<T>(tiling: &Tiling) -> Self {
        // One per width of elements, of tiles, and number of lanes: 2 to 16.
        static SIZES: [[[OnceLock<Blocking>; 5]; 2]; 2] = [const { [const { [const { OnceLock::new() }; 5] }; 2] }; 2];
        let wide = tiling.wide_rows > 0;
        let (rows, vectors) = if wide { (tiling.wide_rows, 3) } else { (tiling.rows, 2) };
        let size = size_of::<T>();
        *SIZES[usize::from(size > 4)][usize::from(wide)][tiling.lanes.ilog2().min(4) as usize]
            .get_or_init(|| Self::new(size, rows, vectors * tiling.lanes, wide))
    }

    /// For elements of `size` bytes and tiles of `rows` x `cols`, `wide` if those are three vectors.
    fn new(size: usize, rows: usize, cols: usize, wide: bool) -> Self {
        let caches = Caches::of_machine();
        let kc = if wide { caches.l1 / (rows * size) } else { caches.l1 / 2 / (cols * size) }.clamp(128, 512);
        let mc = (caches.l2 / 8 / (kc * size) / rows).clamp(4, 64) * rows;
        let nc = (caches.l3 / 4 / (kc * size) / cols).clamp(8, 256) * cols;
        let whole = (caches.l2 / 2 / (kc * size)).max(mc);
        Self { kc, mc, nc, whole }
    }
}

impl Caches {
    /// What a processor is assumed to have that does not tell.
    const ASSUMED: Self = Self { l1: 32 << 10, l2: 512 << 10, l3: 8 << 20 };

    /// The sizes on this machine, asked for once.
    pub(super) fn of_machine() -> Self {
        static CACHES: OnceLock<Caches> = OnceLock::new();
        *CACHES.get_or_init(|| {
            let mut caches = Self::ASSUMED;
            #[cfg(target_arch = "x86_64")]
            caches.ask_cpuid();
            caches.l1 = caches.l1.clamp(16 << 10, 256 << 10);
            caches.l2 = caches.l2.clamp(128 << 10, 8 << 20);
            caches.l3 = caches.l3.clamp(2 << 20, 256 << 20);
            caches
        })
    }

    /// Leaf 4 (Intel) or 0x8000001D (AMD): a sub-leaf per cache, the same format in both.
    #[cfg(target_arch = "x86_64")]
    #[allow(unused_unsafe)]
    fn ask_cpuid(&mut self) {
        use std::arch::x86_64::__cpuid_count;
        // SAFETY: every x86-64 processor has CPUID, and leaves 0 and 0x80000000 name the highest valid ones.
        let (highest, extended) = unsafe { (__cpuid_count(0, 0).eax, __cpuid_count(0x8000_0000, 0).eax) };
        let leaves = [(4, highest >= 4), (0x8000_001d, extended >= 0x8000_001d)];
        for leaf in leaves.into_iter().filter_map(|(leaf, valid)| valid.then_some(leaf)) {
            for index in 0..8 {
                // SAFETY: as above; the leaf is valid, and an index past the last cache returns type 0.
                let answer = unsafe { __cpuid_count(leaf, index) };
                let (kind, level) = (answer.eax & 31, answer.eax >> 5 & 7);
                let line = (answer.ebx & 0xfff) as usize + 1;
                let parts = (answer.ebx >> 12 & 0x3ff) as usize + 1;
                let ways = (answer.ebx >> 22) as usize + 1;
                let size = line * parts * ways * (answer.ecx as usize + 1);
                match (kind, level) {
                    (0, _) => break,
                    (1 | 3, 1) => self.l1 = size,
                    (1 | 3, 2) => self.l2 = size,
                    (1 | 3, 3) => self.l3 = size,
                    _ => {}
                }
            }
        }
    }
}
