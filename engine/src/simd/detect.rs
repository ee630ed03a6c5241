//! Which vector instructions this process uses.
//!
//! `NARROWS_ISA` names a set to use in place of the one preferred, if the processor has it; it lowers the choice and
//! never raises it. Tests that force a backend pass it explicitly instead, so that one process can run them all.
#![forbid(unsafe_code)]

use super::arch;
use crate::base::{Backend, Context, Error, Split};
use std::sync::OnceLock;

/// The environment variable that lowers the choice of instruction set.
pub const ISA_VARIABLE: &str = "NARROWS_ISA";

impl Backend {
    /// Every backend of this machine, the preferred one last.
    pub fn available() -> Vec<Backend> {
        arch::all().into_iter().filter_map(|set| set.detect()).collect()
    }

    /// What the crate was compiled for, through `wide`: every machine has it.
    pub fn portable() -> Backend {
        arch::portable::backend()
    }

    /// The backend of this name, if this machine has it.
    pub fn named(name: &str) -> Option<Backend> {
        Self::available().into_iter().find(|backend| backend.name() == name)
    }

    /// The backend in use unless a caller names one: the preferred one, or what `NARROWS_ISA` lowers it to.
    pub fn current() -> Backend {
        static CURRENT: OnceLock<Backend> = OnceLock::new();
        *CURRENT.get_or_init(|| chosen(std::env::var(ISA_VARIABLE).ok().as_deref()))
    }

    /// Whether `NARROWS_ISA`, if set, is a name that it knows; a tool asks this once so as to refuse what would
    /// otherwise change nothing.
    ///
    /// # Errors
    /// What it is, and what it may be.
    pub fn check_request() -> Result<(), Error> {
        match std::env::var_os(ISA_VARIABLE) {
            Some(request) => known(&request.to_string_lossy()),
            None => Ok(()),
        }
    }
}

impl Context {
    /// The instructions in use ([`Backend::current`]) and these threads.
    pub fn new(split: Split) -> Self {
        Self { backend: Backend::current(), split }
    }
}

/// The backend that `request` names, or the preferred one where this machine has none of that name.
fn chosen(request: Option<&str>) -> Backend {
    let preferred = || Backend::available().pop().unwrap_or_else(Backend::portable);
    request.and_then(|name| Backend::named(name.trim())).unwrap_or_else(preferred)
}

fn known(request: &str) -> Result<(), Error> {
    let names: Vec<&str> = arch::all().iter().map(|set| set.name).collect();
    let request = request.trim();
    if request.is_empty() || names.contains(&request) {
        return Ok(());
    }
    Err(Error::misuse(format!("{ISA_VARIABLE} is `{request}`; give one of: {}", names.join(", "))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_override_lowers_and_never_raises() {
        let best = chosen(None);
        assert_eq!(chosen(Some("portable")), Backend::portable());
        assert!(chosen(Some("avx2")).vector_bytes() <= best.vector_bytes());
        assert_eq!(chosen(Some("avx512")), best);
        assert_eq!(chosen(Some("nonsense")), best);
        let error = known("foo").unwrap_err().to_string();
        assert!(error.starts_with("NARROWS_ISA is `foo`; give one of: portable"), "{error}");
        assert!(known(" portable").is_ok());
    }

    #[test]
    fn half_the_width_is_half_the_width() {
        for backend in Backend::available() {
            if let Some(half) = backend.half() {
                assert_eq!(2 * half.vector_bytes(), backend.vector_bytes());
            }
        }
    }
}
