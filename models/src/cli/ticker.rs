//! A plain line on stderr every few seconds, where that is no terminal: a log tells that the process lives and where it
//! stands.
//!
//! A thread of its own prints, so that a line comes also while data are read, a long step is taken or a figure is made.
//! The first one comes after a second: what is done by then needs none.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::common::{duration, printable, to_stderr};

/// When the first line comes, and how far the others are apart.
const FIRST: Duration = Duration::from_secs(1);
const EVERY: Duration = Duration::from_secs(5);
/// What has stood so long is told with its age: nothing says otherwise that time passes.
const OLD: Duration = Duration::from_secs(2);

/// Prints lines until it is dropped.
pub(super) struct Ticker {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    status: Mutex<Status>,
    ended: Condvar,
}

struct Status {
    /// What is said once, before the next line.
    heading: Option<String>,
    words: String,
    since: Instant,
    ended: bool,
}

impl Default for Status {
    fn default() -> Self {
        Self { heading: None, words: String::new(), since: Instant::now(), ended: false }
    }
}

impl Ticker {
    /// Starts with `words`; without a thread to spare there are no lines.
    pub(super) fn start(words: &str) -> Self {
        let shared = Arc::new(Shared::default());
        let its = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("narrows-progress".into()).spawn(move || its.run());
        let ticker = Self { shared, thread: thread.ok() };
        ticker.set(words.to_owned());
        ticker
    }

    /// What the next lines say.
    pub(super) fn set(&self, words: String) {
        let mut status = self.shared.status();
        (status.words, status.since) = (words, Instant::now());
    }

    /// What is said once, before the next line.
    pub(super) fn head(&self, heading: String) {
        self.shared.status().heading = Some(heading);
    }
}

impl Shared {
    fn status(&self) -> MutexGuard<'_, Status> {
        // Words are whole whatever the thread that held them did.
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self) {
        let mut wait = FIRST;
        let mut status = self.status();
        loop {
            let waited = self.ended.wait_timeout_while(status, wait, |status| !status.ended);
            status = waited.unwrap_or_else(PoisonError::into_inner).0;
            if status.ended {
                return;
            }
            let lines = status.lines();
            // Nobody waits for a reader of the log but this thread.
            drop(status);
            to_stderr(&lines);
            status = self.status();
            wait = EVERY;
        }
    }
}

impl Status {
    fn lines(&mut self) -> String {
        let mut text = self.heading.take().map(|heading| printable(&heading) + "\n").unwrap_or_default();
        text.push_str(&printable(&self.words));
        let age = self.since.elapsed();
        if age > OLD {
            text.push_str(&format!(" (for {})", duration(age.as_secs_f64())));
        }
        text.push('\n');
        text
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.shared.status().ended = true;
        self.shared.ended.notify_all();
        if let Some(thread) = self.thread.take() {
            // It cannot be asked what became of it, and nothing depends on it.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_a_heading_once_and_an_age() {
        let mut status = Status { heading: Some("a\nb".into()), words: "reading".into(), ..Status::default() };
        assert_eq!(status.lines(), "a\\nb\nreading\n");
        status.since = Instant::now().checked_sub(Duration::from_secs(65)).unwrap_or(status.since);
        assert!(status.lines().starts_with("reading (for 65.0 s)"), "{}", status.lines());
    }

    #[test]
    fn it_ends_at_once() {
        let started = Instant::now();
        let ticker = Ticker::start("nothing");
        ticker.head("never said".into());
        drop(ticker);
        assert!(started.elapsed() < FIRST);
    }
}
