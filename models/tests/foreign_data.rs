//! Data as others have them: ranges that nobody announced, a value that does not fit, names that mean two things. Each
//! test is a thing that somebody met, tried with the real program.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use narrows::data::{Samples, digits};

fn narrows(folder: &Path, words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_narrows"));
    command.current_dir(folder).args(words).args(["--threads", "1"]).output().unwrap()
}

fn json(folder: &Path, words: &[&str]) -> serde_json::Value {
    let output = narrows(folder, &[words, &["--json"]].concat());
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn refusal(folder: &Path, words: &[&str]) -> String {
    let output = narrows(folder, words);
    assert!(!output.status.success(), "{words:?}");
    String::from_utf8(output.stderr).unwrap()
}

fn idx(code: u8, sizes: &[u32], data: &[u8]) -> Vec<u8> {
    let head = [0, 0, code, sizes.len() as u8];
    head.into_iter().chain(sizes.iter().flat_map(|size| size.to_be_bytes())).chain(data.iter().copied()).collect()
}

fn floats(rows: u32, values: &[f32]) -> Vec<u8> {
    let bytes: Vec<u8> = values.iter().flat_map(|x| x.to_be_bytes()).collect();
    idx(0x0d, &[rows, values.len() as u32 / rows], &bytes)
}

fn put(folder: &Path, name: &str, file: &str, bytes: &[u8]) {
    fs::create_dir_all(folder.join(name)).unwrap();
    fs::write(folder.join(name).join(file), bytes).unwrap();
}

fn pixels() -> Vec<u8> {
    let digits = digits().unwrap();
    let Samples::U8(pixels) = digits.samples() else { panic!("bytes") };
    pixels.clone()
}

const TRAIN: &str = "train-images-idx3-ubyte";
const TEST: &str = "t10k-images-idx3-ubyte";

/// Row 5: bytes that end at 16 or at 1 and fractions that end at 0.01 are scaled by the range that is measured.
#[test]
fn any_range_beats_pca_with_the_defaults() {
    let folder = tempfile::tempdir().unwrap();
    let pixels = pixels();
    let masks: Vec<u8> = pixels.iter().map(|&x| u8::from(x > 7)).collect();
    let small: Vec<f32> = pixels.iter().map(|&x| f32::from(x) / 1600.0).collect();
    put(folder.path(), "bytes", TRAIN, &idx(8, &[1797, 8, 8], &pixels));
    put(folder.path(), "masks", TRAIN, &idx(8, &[1797, 8, 8], &masks));
    put(folder.path(), "small", TRAIN, &floats(1797, &small));
    for (data, range) in [("bytes", "0 to 16"), ("masks", "0 to 1"), ("small", "0 to 0.01")] {
        let words = ["train", "--data", data, "--out", &format!("run-{data}"), "--epochs", "40"];
        let output = narrows(folder.path(), &words);
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert!(said.contains(&format!("scaling: range {range} (measured)")), "{said}");
        let figures = json(folder.path(), &["eval", &format!("run-{data}")]);
        let (error, pca) = (&figures["squared_error"], &figures["pca_squared_error"]);
        assert!(error.as_f64().unwrap() < pca.as_f64().unwrap(), "{data}: {error} where PCA reaches {pca}");
    }
}

/// Rows 6 and 7: a value beyond the loss's range is named before anything is trained, wherever it stands.
#[test]
fn a_value_that_does_not_fit_is_named_before_training() {
    let folder = tempfile::tempdir().unwrap();
    let mut values: Vec<f32> = pixels().iter().map(|&x| f32::from(x) / 16.0).collect();
    values.truncate(400 * 64);
    put(folder.path(), "data", TRAIN, &floats(400, &values));
    values[7 * 64 + 3] = 40.0;
    put(folder.path(), "data", TEST, &floats(400, &values));
    let line = refusal(folder.path(), &["train", "--data", "data", "--out", "run", "--epochs", "1"]);
    assert!(line.contains("data: row 7, column 3 (from 0) is 40") && line.contains("--loss mse"), "{line}");
    assert!(!folder.path().join("run").exists());
    // What it advises helps.
    json(folder.path(), &["train", "--data", "data", "--out", "run", "--epochs", "1", "--loss", "mse"]);
    // So is a validation row beyond the ranges of the training rows.
    values[7 * 64 + 3] = 0.5;
    (0..400).for_each(|row| values[row * 64] = row as f32 % 2.0);
    values[11 * 64] = 60.0;
    put(folder.path(), "other", TRAIN, &floats(400, &values));
    let words = ["train", "--data", "other", "--scaling", "minmax", "--validation", "0.2", "--out", "none"];
    let refused = (0..8).map(|seed| refusal(folder.path(), &[&words[..], &["--seed", &seed.to_string()]].concat()));
    assert!(
        refused.into_iter().all(|line| line.contains("(from 0) is") && line.contains("cross-entropy takes 0 to 1"))
    );
    // Foreign data.
    json(folder.path(), &["train", "--data", "digits", "--out", "digits-run", "--epochs", "1"]);
    let line = refusal(folder.path(), &["eval", "digits-run", "--data", "other"]);
    assert!(line.contains("other: row 11, column 0 (from 0) is 60, which is scaled to 3.75"), "{line}");
    let line = refusal(folder.path(), &["reconstruct", "digits-run", "--data", "other", "--count", "400"]);
    assert!(line.contains("other: row 11, column 0 (from 0) is 60"), "{line}");
}

/// Row 10: numbers that training could not bear are refused before it begins.
#[test]
fn huge_numbers_are_refused_before_training() {
    let folder = tempfile::tempdir().unwrap();
    let values: Vec<f32> = (0..200 * 8).map(|at| ((at * 37 % 101) as f32 - 50.0) * 1e15).collect();
    put(folder.path(), "data", TRAIN, &floats(200, &values));
    let words = ["train", "--data", "data", "--out", "run", "--epochs", "1", "--code", "3", "--loss", "mse"];
    let line = refusal(folder.path(), &[&words[..], &["--scaling", "none"]].concat());
    assert!(line.contains("row 0, column 0") && line.contains("train with --scaling standard"), "{line}");
    json(folder.path(), &[&words[..], &["--scaling", "standard"]].concat());
}

/// One spelling is one source: `digits` is embedded, `./digits` is the folder of that name.
#[test]
fn a_folder_named_digits_is_another_source() {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "digits", TRAIN, &idx(8, &[500, 8, 8], &pixels()[..500 * 64]));
    json(folder.path(), &["train", "--data", "digits", "--out", "embedded", "--epochs", "1"]);
    json(folder.path(), &["train", "--data", "./digits", "--out", "folder", "--epochs", "1"]);
    let samples = |run, data| json(folder.path(), &["eval", run, "--data", data])["samples"].as_u64().unwrap();
    // Of the model's own source what was held out, of the other one all.
    let own = json(folder.path(), &["eval", "embedded"])["samples"].as_u64().unwrap();
    assert_eq!(samples("embedded", "digits"), own);
    assert_eq!(samples("embedded", "./digits"), 500);
    let words = ["reconstruct", "embedded", "--data", "./digits", "--count", "600", "--out", "all.png"];
    assert_eq!(json(folder.path(), &words)["samples"], 500, "every command takes the same rows");
    assert_eq!(samples("folder", "digits"), 1797);
    let own = json(folder.path(), &["eval", "folder"])["samples"].as_u64().unwrap();
    assert!(own < 500 && samples("folder", "./digits") == own);
}

/// Row 51: a stray picture is left aside, several are a question.
#[test]
fn pictures_beside_idx_files() {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "data", TRAIN, &idx(8, &[500, 8, 8], &pixels()[..500 * 64]));
    put(folder.path(), "data", "logo.jpg", b"x");
    let output = narrows(folder.path(), &["train", "--data", "data", "--out", "one", "--epochs", "1"]);
    let said = [output.stdout, output.stderr].concat();
    assert!(String::from_utf8_lossy(&said).contains("left aside `logo.jpg`"));
    put(folder.path(), "data", "b.png", b"x");
    let line = refusal(folder.path(), &["train", "--data", "data", "--out", "two", "--epochs", "1"]);
    assert!(line.contains("give idx:data, images:data or photographs:data"), "{line}");
    json(folder.path(), &["train", "--data", "idx:data", "--out", "two", "--epochs", "1"]);
    json(folder.path(), &["eval", "two"]);
    fs::remove_file(folder.path().join("data/b.png")).unwrap();
    for command in ["eval", "reconstruct"] {
        let output = narrows(folder.path(), &[command, "one"]);
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(said.contains("left aside `logo.jpg`"), "{said}");
    }
}
