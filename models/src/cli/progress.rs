//! Progress of a training run: for a person at a terminal a bar with epoch, loss, speed and time left, and above it one
//! line for every epoch that is over; for a log a plain line every few seconds.
//!
//! With `--quiet` nothing is drawn; what the run is and says is kept either way, because the summary tells it. The
//! words change at most ten times a second; any other step costs a look at the clock.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::common::{figure, rate};
use super::ticker::Ticker;
use crate::figure::weighted;
use crate::training::{EpochRecord, Observer, Progress, RunInfo};

/// How often the words change at most.
const EVERY: Duration = Duration::from_millis(100);

/// Draws a run's progress, and keeps what the summary tells.
pub(super) struct Display {
    bar: Option<ProgressBar>,
    /// Prints where there is no terminal.
    ticker: Option<Ticker>,
    /// The last change of the words, and where the run stood at the first step of this process.
    last: Option<Instant>,
    first: Option<(Instant, u64)>,
    /// The samples of the steps after the first.
    samples: u64,
    /// What the run is, once it is planned.
    pub(super) info: Option<RunInfo>,
    /// What a preset says of the result.
    pub(super) expected: Option<String>,
    /// What the run had to say on the way.
    pub(super) notes: Vec<String>,
}

impl Display {
    /// A display that draws on a terminal, prints elsewhere, and does neither if `quiet`.
    pub(super) fn new(quiet: bool) -> Self {
        let terminal = std::io::stderr().is_terminal();
        // Hidden until there is a plan: an error before it leaves one line on the screen, not a bar too.
        let bar = (!quiet && terminal).then(|| ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden()));
        let ticker = (!quiet && !terminal).then(|| Ticker::start("reading the data"));
        Self { bar, ticker, last: None, first: None, samples: 0, info: None, expected: None, notes: Vec::new() }
    }

    /// Takes the bar off the screen, and ends the lines.
    pub(super) fn finish(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        self.ticker = None;
    }

    fn say(&self, line: &str) {
        if let Some(bar) = &self.bar {
            bar.println(line);
        }
    }
}

impl Observer for Display {
    fn plan(&mut self, info: &RunInfo) {
        if let Some(bar) = &self.bar {
            bar.set_length(info.steps);
            let colours = super::common::colours(&std::io::stderr());
            let template = if colours { "{bar:20.cyan/dim} {wide_msg}" } else { "{bar:20} {wide_msg}" };
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style.progress_chars("━╸─"));
            }
            bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        if let Some(ticker) = &self.ticker {
            ticker.head(format!("{}: {}", info.run.display(), info.description));
            ticker.set("the first step".to_owned());
        }
        self.say(&info.description);
        for decision in &info.decisions {
            self.say(&format!("  {decision}"));
        }
        self.info = Some(info.clone());
    }

    fn stop(&mut self) -> bool {
        super::signals::interrupted()
    }

    fn phase(&mut self, what: &str) {
        self.say(what);
        if let Some(bar) = &self.bar {
            bar.set_message(what.to_owned());
        }
        if let Some(ticker) = &self.ticker {
            ticker.set(what.to_owned());
        }
    }

    fn step(&mut self, progress: &Progress) {
        if self.bar.is_none() && self.ticker.is_none() {
            return;
        }
        let now = Instant::now();
        let first = *self.first.get_or_insert((now, progress.step));
        if progress.step > first.1 {
            self.samples += progress.samples;
        }
        if self.last.is_some_and(|last| now - last < EVERY) && progress.step < progress.steps {
            return;
        }
        self.last = Some(now);
        let seconds = (now - first.0).as_secs_f64();
        let (done, to_do) = (progress.step.saturating_sub(first.1), progress.steps.saturating_sub(progress.step));
        let mut words = format!("epoch {}/{}  loss {}", progress.epoch, progress.epochs, figure(progress.loss));
        if done > 0 && seconds > 0.0 {
            let left = clock(to_do as f64 * seconds / done as f64);
            words.push_str(&format!("  {} samples/s  {left} left", rate(self.samples as f64 / seconds)));
        }
        if let Some(ticker) = &self.ticker {
            ticker.set(words);
        } else if let Some(bar) = &self.bar {
            bar.set_position(progress.step);
            bar.set_message(words);
        }
    }

    fn epoch(&mut self, record: &EpochRecord) {
        if self.bar.is_some() {
            let epochs = self.info.as_ref().map_or(record.epoch, |info| info.epochs);
            self.say(&epoch_line(record, epochs));
        }
    }

    fn note(&mut self, line: &str) {
        self.say(line);
        self.notes.push(line.to_owned());
    }
}

/// `epoch  3/30  loss 5.21  validation 5.40  45,000 samples/s`.
fn epoch_line(record: &EpochRecord, epochs: u64) -> String {
    let width = epochs.to_string().len();
    let mut line = format!("epoch {:>width$}/{epochs}  loss {}", record.epoch, figure(record.loss));
    if record.terms.len() > 1 {
        let terms = record.terms.iter().map(|term| weighted(&term.name, term.weight, term.value));
        let terms: Vec<_> = terms.collect();
        line.push_str(&format!(" ({})", terms.join(", ")));
    }
    if let Some(loss) = record.validation_loss {
        line.push_str(&format!("  validation {}", figure(loss)));
    }
    line.push_str(&format!("  {} samples/s", rate(record.samples_per_second)));
    line
}

/// Time left: `0:07`, `12:30`, `1:02:03`.
fn clock(seconds: f64) -> String {
    let seconds = seconds.ceil() as u64;
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{rest:02}") } else { format!("{minutes}:{rest:02}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objective::TermRecord;

    #[test]
    fn lines() {
        let mut record = EpochRecord {
            epoch: 3,
            step: 9,
            loss: 5.25,
            terms: vec![TermRecord { name: "reconstruction".into(), weight: 1.0, value: 5.25 }],
            phase: "training".into(),
            validation_loss: Some(5.5),
            seconds: 0.1,
            samples_per_second: 45_000.0,
            lr: 1e-3,
        };
        assert_eq!(epoch_line(&record, 30), "epoch  3/30  loss 5.250  validation 5.500  45,000 samples/s");
        record.terms.push(TermRecord { name: "kl".into(), weight: 0.5, value: 1.0 });
        record.validation_loss = None;
        let line = epoch_line(&record, 30);
        assert_eq!(line, "epoch  3/30  loss 5.250 (reconstruction 5.250, kl 1.000 x 0.5000)  45,000 samples/s");
    }

    #[test]
    fn time_left() {
        for (seconds, text) in [(6.2, "0:07"), (750.0, "12:30"), (3723.0, "1:02:03")] {
            assert_eq!(clock(seconds), text);
        }
    }
}
