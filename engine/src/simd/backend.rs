//! Which vector instruction sets this process may use.
//!
//! Detection runs once. `NARROWS_ISA=portable|avx2|avx512` lowers the choice and never raises it: asking for more
//! than the machine has gives the best there is. Tests that force a backend pass it explicitly instead, so that one
//! process can run them all.

use std::fmt;
use std::sync::OnceLock;

/// The environment variable that lowers the choice of instruction set.
pub const ISA_VARIABLE: &str = "NARROWS_ISA";

/// A set of vector instructions, ordered from the least to the most capable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Backend {
    /// What the crate was compiled for, through `wide`: SSE2 on x86-64, NEON on AArch64, SIMD128 on wasm.
    Portable,
    /// AVX2 with fused multiply-add: 256-bit vectors.
    Avx2Fma,
    /// AVX-512 (F, BW, DQ, VL): 512-bit vectors.
    Avx512,
}

impl Backend {
    /// The name that reports and `NARROWS_ISA` use.
    pub fn name(self) -> &'static str {
        match self {
            Backend::Portable => "portable",
            Backend::Avx2Fma => "avx2",
            Backend::Avx512 => "avx512",
        }
    }

    /// Whether this machine has the instructions.
    #[inline]
    pub fn is_available(self) -> bool {
        // Every kernel table asks, so the answer is found once: each backend needs what those below it need.
        static BEST: OnceLock<Backend> = OnceLock::new();
        let best = BEST.get_or_init(|| {
            let all = [Backend::Portable, Backend::Avx2Fma, Backend::Avx512];
            all.into_iter().take_while(|backend| backend.is_detected()).last().unwrap_or(Backend::Portable)
        });
        self <= *best
    }

    fn is_detected(self) -> bool {
        match self {
            Backend::Portable => true,
            #[cfg(target_arch = "x86_64")]
            Backend::Avx2Fma => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
            #[cfg(target_arch = "x86_64")]
            Backend::Avx512 => {
                is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vl")
            }
            #[cfg(not(target_arch = "x86_64"))]
            Backend::Avx2Fma | Backend::Avx512 => false,
        }
    }

    /// Every backend this machine can run, the least capable first.
    pub fn available() -> Vec<Backend> {
        [Backend::Portable, Backend::Avx2Fma, Backend::Avx512].into_iter().filter(|b| b.is_available()).collect()
    }

    /// This backend, or the best one below it that the machine has.
    #[must_use]
    pub fn lowered_to_available(self) -> Backend {
        Backend::available().into_iter().rfind(|b| *b <= self).unwrap_or(Backend::Portable)
    }

    /// The backend in use unless a caller names one: the best available, or what `NARROWS_ISA` lowers it to.
    pub fn current() -> Backend {
        static CURRENT: OnceLock<Backend> = OnceLock::new();
        *CURRENT.get_or_init(|| lowered(std::env::var(ISA_VARIABLE).ok().as_deref()))
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The best available backend that is no more capable than `request` names. An unknown name changes nothing.
fn lowered(request: Option<&str>) -> Backend {
    let best = Backend::available().into_iter().next_back().unwrap_or(Backend::Portable);
    let ceiling = match request.map(str::trim) {
        Some("portable") => Backend::Portable,
        Some("avx2") => Backend::Avx2Fma,
        _ => best,
    };
    ceiling.lowered_to_available()
}

/// Whether `NARROWS_ISA`, if set, is a name that it knows; a tool asks this once so as to refuse what would otherwise
/// change nothing.
///
/// # Errors
/// What it is, and what it may be.
pub fn check_request() -> Result<(), String> {
    match std::env::var_os(ISA_VARIABLE) {
        Some(request) => known(&request.to_string_lossy()),
        None => Ok(()),
    }
}

fn known(request: &str) -> Result<(), String> {
    match request.trim() {
        "" | "portable" | "avx2" | "avx512" => Ok(()),
        _ => Err(format!("{ISA_VARIABLE} is `{request}`; give portable, avx2 or avx512")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_override_lowers_and_never_raises() {
        let best = lowered(None);
        assert_eq!(lowered(Some("portable")), Backend::Portable);
        assert!(lowered(Some("avx2")) <= Backend::Avx2Fma);
        assert_eq!(lowered(Some("avx512")), best);
        assert_eq!(lowered(Some("nonsense")), best);
        assert!(lowered(Some("avx2")).is_available());
        assert!(Backend::Avx512.lowered_to_available().is_available());
        assert_eq!(known("foo").unwrap_err(), "NARROWS_ISA is `foo`; give portable, avx2 or avx512");
        assert!(known(" avx2").is_ok());
    }
}
