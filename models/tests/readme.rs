//! The worked examples of the README, run as they stand: each line between its markers is a command of the tool.

use std::path::Path;
use std::process::Command;

/// The lines between the markers, without the fences and what stands behind a `#`.
fn commands() -> Vec<String> {
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md")).unwrap();
    let (_, rest) = readme.split_once("<!-- worked -->").unwrap();
    let (block, _) = rest.split_once("<!-- /worked -->").unwrap();
    let code = |line: &str| line.split(" #").next().unwrap_or_default().trim().to_owned();
    block.lines().map(code).filter(|line| !line.is_empty() && !line.starts_with("```")).collect()
}

#[test]
fn every_worked_example_runs() {
    let folder = tempfile::tempdir().unwrap();
    let tool = Path::new(env!("CARGO_BIN_EXE_narrows"));
    let commands = commands();
    assert!(commands.len() > 20);
    for command in commands {
        // A shell, for a pipe is among them.
        let command = command.replace("narrows ", &format!("{} ", tool.display()));
        let output = Command::new("sh").args(["-c", &command]).current_dir(folder.path()).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command}\n{error}");
    }
    for made in ["digits.csv", "digits.nrw", "back.npz", "clean.png", "filled.png", "new.png", "between.png", "odd.csv"]
    {
        assert!(folder.path().join(made).metadata().is_ok_and(|file| file.len() > 50), "{made}");
    }
}
