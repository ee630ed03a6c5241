//! What every command shares: the common flags, the threads, and putting out a result.
//!
//! A result is either text for people or one JSON object on one line, never both, and goes to stdout; `--out` names a
//! file for commands that make one. A reader that leaves early (`| head`) is no error. Figures that are not finite
//! become `null`, for JSON has no word for them.

use std::io::{ErrorKind, IsTerminal, Write};
use std::path::Path;

use clap::builder::RangedU64ValueParser;
use narrows_engine::Threads;
use rayon::{ThreadPool, ThreadPoolBuilder};
use serde::Serialize;

use crate::error::{Error, Result};
use crate::model::Model;

/// More threads than any machine has; a slip of the keyboard must not ask the system for a million.
const MOST_THREADS: u64 = 1024;

/// The flags that every command has.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Common")]
pub(super) struct Common {
    /// The seed of everything random: first weights, order, noise, which samples are shown
    #[arg(long, value_name = "SEED", allow_negative_numbers = true)]
    pub(super) seed: Option<u64>,
    /// How many threads compute; the number of cores if not given. The result is the same at any number
    #[arg(long, value_name = "N", allow_negative_numbers = true,
          value_parser = RangedU64ValueParser::<usize>::new().range(1..=MOST_THREADS))]
    pub(super) threads: Option<usize>,
    /// Print one JSON object on one line of stdout, and nothing else there
    #[arg(long)]
    pub(super) json: bool,
    /// Print no progress, and of the result only the one line that matters most
    #[arg(long, short)]
    pub(super) quiet: bool,
}

/// The threads of a command; owns the pool that [`Threads`] borrows.
pub(super) struct Pool(Option<ThreadPool>);

impl Common {
    /// Starts the threads that were asked for.
    ///
    /// # Errors
    /// If the system does not give as many.
    pub(super) fn pool(&self) -> Result<Pool> {
        let count = self.threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
        if count == 1 {
            return Ok(Pool(None));
        }
        let pool = ThreadPoolBuilder::new()
            .num_threads(count)
            .thread_name(|index| format!("narrows-{index}"))
            .build()
            .map_err(|error| {
                Error::training(format!("cannot start {count} threads: {error}; give a lower --threads"))
            })?;
        Ok(Pool(Some(pool)))
    }
}

impl Pool {
    /// The choice that the library takes.
    pub(super) fn threads(&self) -> Threads<'_> {
        self.0.as_ref().map_or(Threads::One, Threads::Pool)
    }

    /// How many threads these are.
    pub(super) fn count(&self) -> usize {
        self.0.as_ref().map_or(1, ThreadPool::current_num_threads)
    }
}

/// A result as a JSON object on one line; numbers that are not finite become `null`.
///
/// # Errors
/// If a result cannot be written as JSON.
pub(super) fn json(result: &impl Serialize) -> Result<String> {
    // By way of a value: its keys are sorted.
    let value = serde_json::to_value(result)
        .map_err(|error| Error::data(format!("the result cannot be written as JSON: {error}; leave --json away")))?;
    Ok(format!("{value}\n"))
}

/// Loads the model of a command, and says what of its file was converted.
///
/// # Errors
/// As for [`Model::load`].
pub(super) fn load(run: &Path, quiet: bool) -> Result<Model> {
    let model = Model::load(run)?;
    if !quiet {
        model.conversions().iter().for_each(|conversion| to_stderr(&format!("{conversion}\n")));
    }
    Ok(model)
}

/// Writes `text` to stdout. A reader that has left is no error.
///
/// # Errors
/// If the system refuses the write, for instance because the disk that stdout was sent to is full.
pub(super) fn to_stdout(text: &str) -> Result<()> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Error::io("write", Path::new("standard output"), error))
        }
        _ => Ok(()),
    }
}

/// Writes `text` to stderr; if that fails, there is nowhere left to say so.
pub(super) fn to_stderr(text: &str) {
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

/// `text` on one line. Names of files and keys are a stranger's: nothing in them may break the line or steer a terminal.
pub(super) fn printable(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_control() { line.extend(letter.escape_default()) } else { line.push(letter) }
    }
    line
}

pub(super) use crate::figure::short as figure;

/// A count with its thousands apart: `12,345`.
pub(super) fn count(value: u64) -> String {
    crate::figure::grouped(usize::try_from(value).unwrap_or(usize::MAX))
}

/// A count of things: `1 epoch`, `2,000 epochs`.
pub(super) fn counted(value: u64, thing: &str) -> String {
    format!("{} {thing}{}", count(value), if value == 1 { "" } else { "s" })
}

/// A rate for people: whole, with its thousands apart.
pub(super) fn rate(value: f64) -> String {
    // A float's cast to an integer saturates, and makes zero of what is not a number.
    count(value.round() as u64)
}

/// A duration for people: `4.1 ms`, `0.42 s`, `12.3 s`, `3 min 20 s`.
pub(super) fn duration(seconds: f64) -> String {
    match seconds {
        _ if seconds < 0.1 => format!("{:.1} ms", seconds * 1e3),
        _ if seconds < 10.0 => format!("{seconds:.2} s"),
        _ if seconds < 120.0 => format!("{seconds:.1} s"),
        _ => format!("{} min {:02.0} s", (seconds / 60.0).floor(), (seconds % 60.0).floor()),
    }
}

/// Whether `stream` may be given colours: a terminal, of a person who did not ask for none.
pub(super) fn colours(stream: &impl IsTerminal) -> bool {
    stream.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_counts_and_durations() {
        let figures = [(5.214, "5.214"), (0.01234, "0.01234"), (1234.5, "1234"), (0.0, "0"), (1e-9, "1.000e-9")];
        for (value, text) in figures {
            assert_eq!(figure(value), text);
        }
        assert_eq!(figure(f64::NAN), "NaN");
        for (value, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(count(value), text);
        }
        assert_eq!((rate(f64::NAN), rate(45_000.4)), ("0".to_owned(), "45,000".to_owned()));
        for (seconds, text) in [(0.0041, "4.1 ms"), (0.417, "0.42 s"), (12.34, "12.3 s"), (200.0, "3 min 20 s")] {
            assert_eq!(duration(seconds), text);
        }
    }

    #[test]
    fn json_never_holds_what_json_cannot() {
        #[derive(Serialize)]
        struct Figures {
            b: f64,
            a: f64,
            c: Option<f64>,
            d: f64,
        }
        let figures = Figures { b: f64::INFINITY, a: f64::NAN, c: None, d: 1.5 };
        assert_eq!(json(&figures).unwrap(), "{\"a\":null,\"b\":null,\"c\":null,\"d\":1.5}\n");
    }
}
