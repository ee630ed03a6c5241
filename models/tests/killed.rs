//! A run that is killed at any moment is begun again or gone on with by the command that the message names, and gives
//! the weights of an uninterrupted one, bit for bit.
//!
//! All of it, 200 kills: `cargo test -p narrows --release --test killed -- --ignored`.

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// A run of about as many steps as take as long as reading, planning and the figures around them.
const WORDS: &[&str] =
    &["train", "--data", "digits", "--hidden", "32", "--code", "8", "--epochs", "60", "--threads", "1", "--quiet"];
/// Early kills come within this time of the start: the folder is claimed and the first files are written in it.
const EARLY: Duration = Duration::from_millis(30);

fn command(folder: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_narrows"));
    command.current_dir(folder).args(words).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn begin(out: &str) -> Vec<&str> {
    [WORDS, &["--out", out]].concat()
}

/// What the message of a refused beginning says to do instead.
fn advised<'a>(output: &Output, out: &'a str) -> Vec<&'a str> {
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert!(message.lines().count() == 1 && message.contains(&format!("go on with --resume {out}")), "{message}");
    vec!["train", "--resume", out, "--threads", "1", "--quiet"]
}

fn kill_after(mut child: Child, delay: Duration) {
    std::thread::sleep(delay);
    // One that is done already cannot be killed, and need not be.
    let _ = child.kill();
    child.wait().unwrap();
}

/// A number below `below` from a sequence that is the same in every run of the test.
fn drawn(state: &mut u64, below: Duration) -> Duration {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    below.mul_f64((*state >> 11) as f64 / (1u64 << 53) as f64)
}

/// Begins again or goes on, as the message says, and kills that.
fn follow_and_kill(at: &Path, delay: Duration) {
    let mut child = command(at, &begin("run")).spawn().unwrap();
    std::thread::sleep(delay);
    if child.try_wait().unwrap().is_some_and(|status| status.code() == Some(2)) {
        let words = advised(&child.wait_with_output().unwrap(), "run");
        kill_after(command(at, &words).spawn().unwrap(), delay);
    } else {
        kill_after(child, Duration::ZERO);
    }
}

/// Kills `early` beginnings within their first milliseconds and the rest at any moment, kills what follows the advice
/// too, and then lets it end.
fn kill_and_follow_the_advice(kills: usize, early: usize) {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let started = Instant::now();
    let whole = command(at, &begin("whole")).output().unwrap();
    let length = started.elapsed();
    assert!(whole.status.success(), "{}", String::from_utf8_lossy(&whole.stderr));
    let expected = std::fs::read(at.join("whole/model.safetensors")).unwrap();
    let mut state = 1;
    let (mut begun_again, mut gone_on) = (0, 0);
    for kill in 0..kills {
        let span = if kill < early { EARLY } else { length };
        kill_after(command(at, &begin("run")).spawn().unwrap(), drawn(&mut state, span));
        // Every other time what follows the advice is killed too.
        if kill % 2 == 1 {
            follow_and_kill(at, drawn(&mut state, span));
        }
        let again = command(at, &begin("run")).output().unwrap();
        if again.status.success() {
            begun_again += 1;
        } else {
            let resumed = command(at, &advised(&again, "run")).output().unwrap();
            assert!(resumed.status.success(), "kill {kill}: {}", String::from_utf8_lossy(&resumed.stderr));
            gone_on += 1;
        }
        let model = std::fs::read(at.join("run/model.safetensors")).unwrap();
        assert!(model == expected, "kill {kill}: other weights");
        for file in ["config.toml", "state.safetensors", "history.csv", "report.html", "samples/reconstructions.png"] {
            assert!(at.join("run").join(file).exists(), "kill {kill}: {file}");
        }
        std::fs::remove_dir_all(at.join("run")).unwrap();
    }
    assert!(kills < 100 || (begun_again > 0 && gone_on > 0), "{begun_again} begun again, {gone_on} gone on with");
    println!("{begun_again} begun again, {gone_on} gone on with; a whole run takes {length:?}");
}

#[test]
fn a_killed_run_is_finished_by_what_the_message_says() {
    kill_and_follow_the_advice(12, 6);
}

#[test]
#[ignore = "takes minutes"]
fn a_run_killed_two_hundred_times_is_finished_by_what_the_message_says() {
    kill_and_follow_the_advice(200, 50);
}
