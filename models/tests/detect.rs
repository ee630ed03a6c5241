//! `narrows detect` as a script meets it: a model of one class, its cutoff stored, other classes found.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

fn narrows(folder: &Path, words: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_narrows"));
    command.current_dir(folder).args(words.split(' ')).stdin(Stdio::null()).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn stdout(folder: &Path, words: &str) -> String {
    let output = narrows(folder, words);
    assert!(output.status.success(), "{words}: {}", text(&output.stderr));
    text(&output.stdout).to_owned()
}

fn json(folder: &Path, words: &str) -> Value {
    serde_json::from_str(&stdout(folder, words)).unwrap()
}

/// The weights of a model's file: what lies behind its header.
fn weights(file: &Path) -> Vec<u8> {
    let bytes = fs::read(file).unwrap();
    let header = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    bytes[8 + header..].to_vec()
}

#[test]
fn a_model_of_zeros_finds_other_digits_and_its_cutoff_is_changed_without_training() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    stdout(folder, "train --classes 0 --hidden 32 --code 4 --epochs 40 --threads 2 --out run --quiet");
    let before = weights(&folder.join("run/model.safetensors"));

    let first = json(folder, "detect run --json --out rows.csv");
    assert!(first["auroc"].as_f64().unwrap() > 0.95 && first["pca_auroc"].as_f64().unwrap() > 0.95, "{first}");
    assert_eq!((&first["samples"], &first["part"]), (&359.into(), &"test".into()));
    assert!(first["notes"][0].as_str().unwrap().contains("no cutoff is stored"), "{first}");
    let rows = fs::read_to_string(folder.join("rows.csv")).unwrap();
    assert!(rows.starts_with("row,score,p_value,anomaly,feature1,") && rows.lines().count() == 360);

    let fitted = json(folder, "detect run --fit --cutoff sigma:3 --json");
    assert_eq!((&fitted["cutoff_rule"], &fitted["part"]), (&"sigma:3".into(), &"train".into()));
    let second = json(folder, "detect run --json");
    assert_eq!((&second["cutoff"], &second["auroc"]), (&fitted["cutoff"], &first["auroc"]));
    assert_eq!(second["notes"], Value::Array(Vec::new()));
    assert_eq!(weights(&folder.join("run/model.safetensors")), before);
    // Other commands read the file as before, and training goes on from it.
    stdout(folder, "eval run --json");

    let shown = stdout(folder, "detect run --top 2");
    assert!(
        shown.contains("sigma:3") && shown.lines().filter(|line| line.contains("expected")).count() == 2,
        "{shown}"
    );
    let piped = narrows(folder, "detect run --out -");
    assert!(text(&piped.stdout).starts_with("row,score") && text(&piped.stderr).contains("ROC"));
    let flagged: f64 = stdout(folder, "detect run --quiet").trim().parse().unwrap();
    assert!(flagged > 0.5);
}

#[test]
fn misuse_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    stdout(folder, "train --hidden 8 --code 2 --epochs 1 --threads 2 --out run --quiet");
    for (words, status, part) in [
        ("detect run --cutoff quantil", 2, "quantile"),
        ("detect run --cutoff f1", 2, "--normal"),
        ("detect run --normal 0 --anomaly 1", 2, "cannot be used with"),
        ("detect run --normal zero", 2, "no class `zero`"),
        ("detect run --fit --out x.csv", 2, "cannot be used with"),
        ("detect run --json --out -", 2, "both write to stdout"),
        ("detect nothing", 1, "nothing"),
        ("train --classes 12 --out other", 1, "no row is of class 12"),
    ] {
        let output = narrows(folder, words);
        let line = text(&output.stderr);
        assert_eq!(output.status.code(), Some(status), "{words}: {line}");
        assert!(line.contains(part) && line.lines().count() == 1 && output.stdout.is_empty(), "{words}: {line}");
    }
}
