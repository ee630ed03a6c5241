//! Signals that ask the process to end: the first ends a run after its step, a second one ends the process at once.
//!
//! One that was ignored when the process started stays ignored: SIGHUP under `nohup`, SIGINT in what a script runs in the
//! background. The system tells which these are in `/proc/self/status`, as Linux has it. Where there is no such file
//! SIGHUP is left as it is found: a closed terminal then ends the process at once, and the run goes on from its last
//! checkpoint, which is better than to end what `nohup` was to keep.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use crate::error::{Error, Result};

/// The exit status of a run that a signal has stopped: 128 and the number of an interrupt.
pub(super) const STOPPED: u8 = 130;

/// Whether somebody has asked the process to end.
static INTERRUPTED: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);

/// Whether Ctrl-C or a termination signal has come: a run then stops after its step and writes a checkpoint.
pub(super) fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::Relaxed)
}

/// Catches the signals that are not ignored.
///
/// # Errors
/// The system refuses.
pub(super) fn catch() -> Result<()> {
    let ignored = std::fs::read_to_string("/proc/self/status").ok().and_then(|status| ignored(&status));
    let mut caught = vec![SIGINT, SIGTERM];
    #[cfg(unix)]
    if ignored.is_some() {
        caught.push(signal_hook::consts::SIGHUP);
    }
    caught.retain(|&signal| !ignored.is_some_and(|ignored| is_in(ignored, signal)));
    for signal in caught {
        // In this order: the first signal finds the flag down and raises it, a second one finds it raised.
        flag::register_conditional_shutdown(signal, i32::from(STOPPED), Arc::clone(&INTERRUPTED))
            .and_then(|_| flag::register(signal, Arc::clone(&INTERRUPTED)))
            .map_err(|error| Error::usage(format!("cannot catch signal {signal}: {error}")))?;
    }
    Ok(())
}

/// The set of ignored signals, a bit for each, from the text of `/proc/self/status`.
fn ignored(status: &str) -> Option<u64> {
    let set = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
    u64::from_str_radix(set.trim(), 16).ok()
}

/// Signals count from 1.
fn is_in(set: u64, signal: i32) -> bool {
    u32::try_from(signal - 1).is_ok_and(|bit| set.checked_shr(bit).is_some_and(|rest| rest & 1 == 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_systems_set_is_read() {
        let status =
            "Name:\tnarrows\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000001001\nSigCgt:\t0000000000000002\n";
        let set = ignored(status).unwrap();
        assert_eq!([1, 2, 13, 15].map(|signal| is_in(set, signal)), [true, false, true, false]);
        assert!(!is_in(u64::MAX, 0) && !is_in(u64::MAX, 65));
        assert_eq!((ignored("Name:\tnarrows\n"), ignored("SigIgn:\tx\n")), (None, None));
    }
}
