//! Run directories as scripts meet them: several processes at a time, signals, logs, and runs that go on under other
//! circumstances than they began.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// A run of a few milliseconds.
const SMALL: &[&str] = &["--hidden", "16", "--code", "4", "--epochs", "3", "--threads", "1"];
/// How long a process may take for what it does at once.
const PATIENCE: Duration = Duration::from_secs(60);

fn start(folder: &Path, words: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_narrows"));
    command.current_dir(folder).args(words).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

fn narrows(folder: &Path, words: &[&str]) -> Output {
    start(folder, words).wait_with_output().unwrap()
}

/// What a command that succeeds says.
fn said(folder: &Path, words: &[&str]) -> String {
    let output = narrows(folder, words);
    assert!(output.status.success(), "{words:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

/// The line of a command that fails with `status`.
fn refusal(folder: &Path, words: &[&str], status: i32) -> String {
    let output = narrows(folder, words);
    let line = text(&output.stderr);
    assert_eq!(output.status.code(), Some(status), "{words:?}: {line}");
    assert!(line.starts_with("narrows: ") && line.lines().count() == 1, "{words:?}: {line}");
    line
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// An IDX folder of 60 images of 4 by 4.
fn write_images(folder: &Path, pixel: impl Fn(u32) -> u8) {
    fs::create_dir_all(folder).unwrap();
    let mut file = vec![0, 0, 8, 3];
    [60u32, 4, 4].iter().for_each(|dimension| file.extend(dimension.to_be_bytes()));
    file.extend((0..60 * 16).map(pixel));
    fs::write(folder.join("train-images-idx3-ubyte"), file).unwrap();
}

/// Row 44 of the cases: of two processes one owns the folder, and the other says which and what to do.
#[test]
fn of_two_processes_one_owns_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    for round in 0..8 {
        let out = format!("r{round}");
        let children: Vec<Child> = ["1", "2"]
            .iter()
            .map(|seed| start(folder.path(), &[&["train", "--out", &out, "--seed", seed], SMALL].concat()))
            .collect();
        let outputs: Vec<Output> = children.into_iter().map(|child| child.wait_with_output().unwrap()).collect();
        let owners = outputs.iter().filter(|output| output.status.success()).count();
        assert_eq!(owners, 1, "{:?}", outputs.iter().map(|output| text(&output.stderr)).collect::<Vec<_>>());
        let other = outputs.iter().find(|output| !output.status.success()).unwrap();
        let line = text(&other.stderr);
        assert_eq!((other.status.code(), line.lines().count()), (Some(2), 1), "{line}");
        assert!(line.contains(&out) && line.contains("give another --out"), "{line}");
        // The owner's files are one run's.
        said(folder.path(), &["train", "--resume", &out, "--quiet"]);
    }
}

/// A run that is at work is not gone on with by another process.
#[cfg(unix)]
#[test]
fn a_run_at_work_is_not_resumed() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = start(folder.path(), &["train", "--out", "run", "--epochs", "1000000", "--threads", "1"]);
    wait_for(&folder.path().join("run/history.csv"));
    let line = refusal(folder.path(), &["train", "--resume", "run"], 2);
    assert!(line.contains("run is being written by another process; wait until it ends"), "{line}");
    // Killed without a word: its lock goes with it.
    child.kill().unwrap();
    child.wait().unwrap();
    said(folder.path(), &["train", "--resume", "run", "--steps", "1"]);
}

/// Row 45: runs without a name that begin at the same time are as many folders.
#[test]
fn runs_without_a_name_are_as_many_folders() {
    let folder = tempfile::tempdir().unwrap();
    for round in 1..=4 {
        let seeds = ["1", "2", "3", "4"];
        let begin = |seed: &&str| start(folder.path(), &[&["train", "--quiet", "--seed", seed], SMALL].concat());
        let children: Vec<Child> = seeds.iter().map(begin).collect();
        let mut runs: Vec<String> = children
            .into_iter()
            .map(|child| {
                let output = child.wait_with_output().unwrap();
                assert!(output.status.success(), "{}", text(&output.stderr));
                text(&output.stdout)
            })
            .collect();
        runs.sort();
        runs.dedup();
        assert_eq!(runs.len(), 4, "{runs:?}");
        assert!(runs.iter().all(|run| folder.path().join(run.trim_end()).join("report.html").is_file()));
        assert_eq!(fs::read_dir(folder.path().join("runs")).unwrap().count(), 4 * round);
    }
}

/// A folder with files of a run's names that are somebody's own is left as it is.
#[test]
fn nobody_elses_files_are_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("mine");
    fs::create_dir(&run).unwrap();
    fs::write(run.join("config.toml"), "epochs = 1\n").unwrap();
    let line = refusal(folder.path(), &[&["train", "--out", "mine"], SMALL].concat(), 2);
    assert!(line.contains("mine holds a config.toml already"), "{line}");
    assert_eq!(fs::read(run.join("config.toml")).unwrap(), b"epochs = 1\n");
    assert_eq!(fs::read_dir(&run).unwrap().count(), 1);
    // What fails takes away what it made.
    refusal(folder.path(), &["train", "--out", "a/b/c", "--data", "nowhere"], 1);
    refusal(folder.path(), &["train", "--code", "64"], 2);
    #[cfg(target_os = "linux")]
    assert!(refusal(folder.path(), &["train", "--out", "/proc/run"], 1).contains("cannot create the folder /proc/run"));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

/// What a process leaves that is killed before its first checkpoint is begun again, as the refused resume advises.
#[test]
fn an_unfinished_beginning_is_begun_again() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    said(folder.path(), &[&["train", "--out", "whole"], SMALL].concat());
    fs::create_dir(&run).unwrap();
    fs::write(run.join("run.lock"), "A run of narrows begins here; what lies beside this file is not complete.\n")
        .unwrap();
    fs::copy(folder.path().join("whole/config.toml"), run.join("config.toml")).unwrap();
    let line = refusal(folder.path(), &["train", "--resume", "run"], 1);
    assert!(line.contains("begin it again: the same settings with --out run"), "{line}");
    said(folder.path(), &[&["train", "--out", "run"], SMALL].concat());
    let model = |run: &str| fs::read(folder.path().join(run).join("model.safetensors")).unwrap();
    assert!(model("run") == model("whole"));
    assert!(refusal(folder.path(), &["train", "--resume", "nowhere"], 1).contains("nowhere holds no run"));
}

/// Row 14: with less patience than has been waited already there is nothing to do, and the kept weights stay.
#[test]
fn less_patience_leaves_the_kept_weights() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    // A rate that soon overshoots.
    let settings = ["--validation", "0.2", "--lr", "0.05", "--schedule", "constant", "--threads", "1", "--json"];
    let train = |out: &str, more: &[&str]| -> serde_json::Value {
        let words = [&["train", "--out", out, "--epochs", "200"], &settings[..], more].concat();
        serde_json::from_str(&said(at, &words)).unwrap()
    };
    let ended = train("ended", &["--patience", "2"]);
    assert_eq!(ended["ended_early"], true);
    let file = |run: &str, name: &str| fs::read(at.join(run).join(name)).unwrap();
    let before = [file("ended", "model.safetensors"), file("ended", "state.safetensors")];
    let line = refusal(at, &["train", "--resume", "ended", "--patience", "1"], 2);
    assert!(line.contains("keeps its best weights") && line.contains("more --patience than 2"), "{line}");
    assert!(before == [file("ended", "model.safetensors"), file("ended", "state.safetensors")]);
    // Stopped while it waited, with more patience: over by then with less.
    let steps = ended["steps"].to_string();
    train("stopped", &["--patience", "9", "--steps", &steps]);
    let words = ["train", "--resume", "stopped", "--patience", "1", "--json", "--threads", "1"];
    let over: serde_json::Value = serde_json::from_str(&said(at, &words)).unwrap();
    assert_eq!((&over["steps"], &over["ended_early"]), (&ended["steps"], &true.into()));
    assert_eq!(over["squared_error"], ended["squared_error"]);
    // What the line advises goes on.
    let words = ["train", "--resume", "ended", "--patience", "3", "--json", "--threads", "1"];
    let more: serde_json::Value = serde_json::from_str(&said(at, &words)).unwrap();
    assert!(more["steps"].as_u64() > ended["steps"].as_u64());
}

/// Row 15: more epochs stretch the schedule, and the rate's jump is said.
#[test]
fn a_stretched_schedule_is_said() {
    let folder = tempfile::tempdir().unwrap();
    for (schedule, said_of) in [("cosine", true), ("step", true), ("constant", false)] {
        said(folder.path(), &[&["train", "--out", schedule, "--schedule", schedule], SMALL].concat());
        let summary = said(folder.path(), &["train", "--resume", schedule, "--epochs", "8"]);
        let line = summary.lines().find(|line| line.contains("the learning rate was"));
        assert_eq!(line.is_some(), said_of, "{summary}");
        if let Some(line) = line {
            assert!(line.contains("over all 8 epochs") && line.matches("e-").count() == 2, "{line}");
        }
        // Nothing moves where nothing changes.
        assert!(!said(folder.path(), &["train", "--resume", schedule]).contains("the learning rate was"));
    }
}

/// Row 17: other data than the run began with need a word.
#[test]
fn other_data_need_a_word() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let pixel = |i: u32| ((i * 37) % 251) as u8;
    write_images(&at.join("data"), pixel);
    let words = ["train", "--out", "run", "--data", "data", "--code", "4", "--steps", "2", "--threads", "1"];
    said(at, &words);
    // The same data in another place are the same.
    write_images(&at.join("moved"), pixel);
    said(at, &["train", "--resume", "run", "--data", "moved", "--steps", "3"]);
    write_images(&at.join("moved"), |i| 255 - pixel(i));
    let resume = ["train", "--resume", "run", "--steps", "4"];
    let line = refusal(at, &resume, 1);
    assert!(line.contains("moved") && line.contains("--accept-changed-data"), "{line}");
    let summary = said(at, &[&resume[..], &["--accept-changed-data"]].concat());
    assert!(summary.contains("other training samples"), "{summary}");
    // From then on these are the run's data.
    said(at, &["train", "--resume", "run", "--steps", "5"]);
    assert!(refusal(at, &[&words[..], &["--accept-changed-data"]].concat(), 2).contains("--resume"));
}

#[cfg(unix)]
fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status().unwrap().success());
}

#[cfg(unix)]
fn wait_for(file: &Path) {
    let started = Instant::now();
    while !file.exists() {
        assert!(started.elapsed() < PATIENCE, "{} does not come", file.display());
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Row 47: a signal that was ignored at the start stays ignored.
#[cfg(target_os = "linux")]
#[test]
fn an_ignored_signal_stays_ignored() {
    let folder = tempfile::tempdir().unwrap();
    for (ignored, ends) in [("HUP", "INT"), ("INT", "HUP"), ("INT HUP", "TERM")] {
        let run = folder.path().join(ends);
        let line = format!("trap '' {ignored}; exec \"$0\" train --epochs 4000000 --threads 1 --out {ends} --quiet");
        let mut command = Command::new("sh");
        command.args(["-c", &line, env!("CARGO_BIN_EXE_narrows")]).current_dir(folder.path());
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        wait_for(&run.join("history.csv"));
        ignored.split(' ').for_each(|name| signal(&child, name));
        std::thread::sleep(Duration::from_millis(200));
        assert!(child.try_wait().unwrap().is_none(), "{ignored} was ignored, and ended the run");
        signal(&child, ends);
        assert_eq!(child.wait().unwrap().code(), Some(130), "{ends}");
        assert!(run.join("report.html").is_file(), "{ends} ends a run in order");
    }
}

/// Row 49: a log gets a line soon after the start, and then every few seconds.
#[cfg(unix)]
#[test]
fn a_log_tells_where_a_run_stands() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let mut command = Command::new(env!("CARGO_BIN_EXE_narrows"));
    command.args(["train", "--epochs", "4000000", "--threads", "1", "--out", "run"]).current_dir(folder.path());
    let stderr = fs::File::create(&log).unwrap();
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(stderr).spawn().unwrap();
    let started = Instant::now();
    let lines = |count: usize| loop {
        let text = fs::read_to_string(&log).unwrap();
        if text.lines().filter(|line| line.starts_with("epoch ")).count() >= count {
            return (text, started.elapsed());
        }
        assert!(started.elapsed() < PATIENCE, "{text}");
        std::thread::sleep(Duration::from_millis(20));
    };
    let (first, _) = lines(1);
    assert!(first.starts_with("run: undercomplete ") && first.contains("loss") && first.contains("left"), "{first}");
    let (all, after) = lines(2);
    assert!(after < Duration::from_secs(20) && !all.contains('\x1b'), "{after:?}: {all}");
    signal(&child, "TERM");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    // Nothing of it is printed if nobody wants it.
    let quiet = narrows(folder.path(), &[&["train", "--quiet", "--out", "quiet"], SMALL].concat());
    assert!(quiet.stderr.is_empty());
}
