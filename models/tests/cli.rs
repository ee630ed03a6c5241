//! The tool as a script meets it: files, exit statuses, stdout and stderr, and runs that go on where they stopped.
//!
//! Every test starts the real program in a folder of its own. Training is on the embedded digits or on a few IDX
//! images written here, so that the whole file takes seconds.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// What makes a run small: one epoch of a small network.
const SMALL: &[&str] = &["--hidden", "16", "--code", "4", "--epochs", "1", "--threads", "2"];

fn narrows(folder: &Path, words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_narrows"));
    command.current_dir(folder).args(words).stdin(Stdio::null()).output().unwrap()
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// The JSON object of a command that succeeds: all that is on stdout.
fn json(folder: &Path, words: &[&str]) -> Value {
    let output = narrows(folder, words);
    assert!(output.status.success(), "{words:?}: {}", text(&output.stderr));
    // A slow machine may print a line of progress.
    assert!(words[0] == "train" || output.stderr.is_empty(), "{words:?}: {}", text(&output.stderr));
    let stdout = text(&output.stdout);
    assert_eq!(stdout.lines().count(), 1, "{stdout}");
    serde_json::from_str(stdout).unwrap()
}

/// Trains a small model to `out`.
fn train(folder: &Path, out: &str, more: &[&str]) -> Value {
    json(folder, &[&["train", "--json", "--out", out], SMALL, more].concat())
}

/// The line of a command that fails with `status`, having written nothing to stdout.
fn refusal(folder: &Path, words: &[&str], status: i32) -> String {
    let output = narrows(folder, words);
    let line = text(&output.stderr);
    assert_eq!(output.status.code(), Some(status), "{words:?}: {line}");
    assert_eq!(text(&output.stdout), "", "{words:?}");
    assert!(line.starts_with("narrows: ") && line.ends_with('\n') && line.lines().count() == 1, "{words:?}: {line:?}");
    assert!(!line.contains("panicked"), "{line}");
    line.to_owned()
}

/// The names in a folder, in order.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// An IDX file of unsigned bytes.
fn idx(dimensions: &[u32], bytes: &[u8]) -> Vec<u8> {
    let mut file = vec![0, 0, 8, u8::try_from(dimensions.len()).unwrap()];
    dimensions.iter().for_each(|dimension| file.extend(dimension.to_be_bytes()));
    file.extend(bytes);
    file
}

/// What follows the header of a safetensors file.
fn tensors(bytes: &[u8]) -> Vec<u8> {
    let length = usize::try_from(u64::from_le_bytes(bytes[..8].try_into().unwrap())).unwrap();
    bytes[8 + length..].to_vec()
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// `count` images of 4 by 4, a bright square in one of four places on some texture.
fn images(count: u32) -> Vec<u8> {
    let mut pixels = Vec::new();
    for image in 0..count {
        for pixel in 0..16 {
            let lit = (pixel / 8 == image % 2) && (pixel % 4 / 2 == image / 2 % 2);
            pixels.push(u8::try_from((image * 7 + pixel * 13) % 50 + if lit { 200 } else { 0 }).unwrap());
        }
    }
    pixels
}

/// A folder of IDX files: 64 images to train on, packed, and 20 to test on, plain.
fn write_idx(folder: &Path) {
    fs::create_dir(folder).unwrap();
    fs::write(folder.join("train-images-idx3-ubyte.gz"), packed(&idx(&[64, 4, 4], &images(64)))).unwrap();
    fs::write(folder.join("train-labels-idx1-ubyte.gz"), packed(&idx(&[64], &[1; 64]))).unwrap();
    fs::write(folder.join("t10k-images-idx3-ubyte"), idx(&[20, 4, 4], &images(20))).unwrap();
}

#[test]
fn train_makes_a_run_and_says_what_came_of_it() {
    let folder = folder();
    let run = train(folder.path(), "run", &["--epochs", "2"]);
    for key in ["squared_error", "mse", "loss", "pca_squared_error", "seconds", "samples_per_second"] {
        assert!(run[key].as_f64().is_some_and(|value| value > 0.0), "{key}: {run}");
    }
    assert!(run["terms"].is_object() && run["isa"].is_string() && run.get("bce").is_some(), "{run}");
    assert_eq!((&run["epochs"], &run["threads"], &run["run"]), (&2.into(), &2.into(), &"run".into()));
    let files = names(&folder.path().join("run"));
    for file in ["config.toml", "history.csv", "model.safetensors", "samples", "state.safetensors"] {
        assert!(files.iter().any(|name| name == file), "{file} in {files:?}");
    }
    let picture = fs::read(folder.path().join("run/samples/reconstructions.png")).unwrap();
    assert!(picture.starts_with(b"\x89PNG\r\n\x1a\n"));
    assert!(fs::read_to_string(folder.path().join("run/history.csv")).unwrap().lines().count() >= 3);
    assert!(names(folder.path()).iter().all(|name| name == "run"), "{:?}", names(folder.path()));

    // The configuration is complete: it makes the same run again.
    train(folder.path(), "again", &["--config", "run/config.toml", "--epochs", "2"]);
    let model = |run: &str| fs::read(folder.path().join(run).join("model.safetensors")).unwrap();
    assert!(model("run") == model("again"));
}

#[test]
fn eval_reconstruct_and_inspect_use_a_run_or_a_lone_model() {
    let folder = folder();
    let run = train(folder.path(), "run", &[]);
    fs::copy(folder.path().join("run/model.safetensors"), folder.path().join("lone.safetensors")).unwrap();
    for model in ["run", "lone.safetensors"] {
        let eval = json(folder.path(), &["eval", model, "--data", "digits", "--json", "--threads", "1"]);
        for key in ["squared_error", "mse", "loss"] {
            assert_eq!(eval[key], run[key], "{key} of {model}");
        }
        let reconstruct = ["reconstruct", model, "--json", "--count", "5", "--out", "picture.png"];
        assert!(json(folder.path(), &reconstruct)["squared_error"].as_f64().is_some_and(|error| error > 0.0));
        assert!(fs::read(folder.path().join("picture.png")).unwrap().starts_with(b"\x89PNG"));
        assert!(json(folder.path(), &["inspect", model, "--json"])["parameters"].as_u64().is_some_and(|n| n > 1000));
    }
    let shown = narrows(folder.path(), &["inspect", "run"]);
    assert!(shown.status.success() && text(&shown.stdout).contains("encoder.0.weight"), "{}", text(&shown.stdout));
}

#[test]
fn people_read_a_summary_without_colours() {
    let folder = folder();
    let output = narrows(folder.path(), &[&["train"], SMALL].concat());
    let stdout = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(stdout.starts_with("runs/") && stdout.contains("PCA with 4 components reaches"), "{stdout}");
    assert!(stdout.contains("samples/s") && stdout.contains("reconstructions.png") && !stdout.contains('\x1b'));
    assert!(!text(&output.stderr).contains('\x1b'));
    // The next run takes the next number.
    let output = narrows(folder.path(), &[&["train", "--quiet"], SMALL].concat());
    assert!(text(&output.stdout).trim_end().ends_with("-2"), "{}", text(&output.stdout));
    assert_eq!(names(&folder.path().join("runs")).len(), 2);
}

#[test]
fn idx_folders_are_read_packed_and_plain() {
    let folder = folder();
    write_idx(&folder.path().join("data"));
    let run = train(folder.path(), "run", &["--data", "data", "--hidden", "", "--batch", "16"]);
    assert_eq!((&run["part"], &run["samples"]), (&"test".into(), &20.into()));
    // A model of 16 features does not take the digits' 64.
    let line = refusal(folder.path(), &["eval", "run", "--data", "digits"], 1);
    assert!(line.contains("64") && line.contains("16"), "{line}");
}

#[test]
fn help_version_and_completions() {
    let folder = folder();
    let alone = narrows(folder.path(), &[]);
    assert_eq!(alone.status.code(), Some(2));
    assert!(text(&alone.stderr).contains("Usage: narrows") && alone.stdout.is_empty());
    let version = narrows(folder.path(), &["--version"]);
    assert_eq!(text(&version.stdout), format!("narrows {}\n", env!("CARGO_PKG_VERSION")));
    for command in ["train", "eval", "reconstruct", "inspect", "completions"] {
        let help = narrows(folder.path(), &[command, "--help"]);
        assert!(help.status.success() && text(&help.stdout).contains(&format!("narrows {command}")));
    }
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = narrows(folder.path(), &["completions", shell]);
        assert!(script.status.success() && text(&script.stdout).contains("reconstruct"));
    }
}

/// A reader that leaves (`| head`) is neither an error nor a panic.
#[test]
fn a_closed_stdout_is_no_panic() {
    let folder = folder();
    train(folder.path(), "run", &[]);
    for words in [&["completions", "bash"][..], &["inspect", "run"], &["eval", "run"], &["--help"]] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_narrows"));
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = command.current_dir(folder.path()).args(words).stdout(writer).stderr(Stdio::piped());
        let output = output.spawn().unwrap().wait_with_output().unwrap();
        assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""), "{words:?}");
    }
}

#[test]
fn misuse_is_one_line_and_writes_nothing() {
    let folder = folder();
    for (words, expected) in [
        (&["--code", "0"][..], "code"),
        (&["--code", "-3"], "code"),
        (&["--code", "99999999999999999999"], "code"),
        (&["--batch", "0"], "batch"),
        (&["--epochs", "0"], "epochs"),
        (&["--lr", "NaN"], "lr"),
        (&["--lr", "inf"], "lr"),
        (&["--lr", "-1"], "lr"),
        (&["--validation", "1"], "validation"),
        (&["--hidden", "16,x"], "hidden"),
        (&["--hidden", "16,0"], "hidden"),
        (&["--loss", "msw"], "mse"),
        (&["--model", "undercomplet"], "undercomplete"),
        (&["--activation", ""], "activation"),
        (&["--set", "lrr=0.1"], "`lr`"),
        (&["--set", "weight-decay-x=0.1"], "weight"),
        (&["--set", "lr"], "KEY=VALUE"),
        (&["--epocs", "3"], "'--epochs'"),
        (&["--threads", "0"], "--threads"),
        (&["--threads", "1000000"], "--threads"),
        (&["--steps", "0"], "--steps"),
        (&["--seed", "-1"], "--seed"),
        (&["--data", ""], "data is empty"),
        (&["stray"], "stray"),
    ] {
        let words = [&["train", "--out", "run", "--json"], words].concat();
        let line = refusal(folder.path(), &words, 2);
        assert!(line.contains(expected), "{words:?}: {line}");
        assert_eq!(names(folder.path()), [""; 0], "{words:?}");
    }
    assert!(refusal(folder.path(), &["trian"], 2).contains("'train'"));
    assert!(refusal(folder.path(), &["eval"], 2).contains("<RUN>"));
    assert!(refusal(folder.path(), &["reconstruct", "run", "--count", "0"], 2).contains("--count"));
}

#[test]
fn bad_data_is_one_line_and_writes_nothing() {
    let folder = folder();
    let whole = idx(&[64, 4, 4], &images(64));
    let gz = packed(&whole);
    let cases: [(&str, &str, Vec<u8>); 5] = [
        ("cut", "train-images-idx3-ubyte.gz", gz[..gz.len() / 2].to_vec()),
        ("short", "train-images-idx3-ubyte", whole[..whole.len() - 1].to_vec()),
        ("magic", "train-images-idx3-ubyte", [&[1, 2, 3, 4], &whole[4..]].concat()),
        ("empty", "train-images-idx3-ubyte", Vec::new()),
        ("labels", "train-labels-idx1-ubyte", idx(&[63], &[0; 63])),
    ];
    for (name, file, bytes) in &cases {
        fs::create_dir(folder.path().join(name)).unwrap();
        if *name == "labels" {
            fs::write(folder.path().join(name).join("train-images-idx3-ubyte"), &whole).unwrap();
        }
        fs::write(folder.path().join(name).join(file), bytes).unwrap();
        let line = refusal(folder.path(), &["train", "--data", name, "--out", "run"], 1);
        assert!(line.contains(file), "{line}");
    }
    fs::create_dir(folder.path().join("void")).unwrap();
    refusal(folder.path(), &["train", "--data", "void", "--out", "run"], 1);
    assert!(refusal(folder.path(), &["train", "--data", "no/such", "--out", "run"], 1).contains("no/such"));
    assert!(refusal(folder.path(), &["train", "--data", "two\nlines", "--out", "run"], 1).contains("two\\nlines"));
    assert!(!folder.path().join("run").exists());
}

#[test]
fn a_run_is_never_written_over() {
    let folder = folder();
    fs::write(folder.path().join("file"), "mine").unwrap();
    let words = [&["train"], SMALL].concat();
    let line = refusal(folder.path(), &[&words[..], &["--out", "file"]].concat(), 1);
    assert!(line.contains("file"), "{line}");
    refusal(folder.path(), &[&words[..], &["--out", "file/run"]].concat(), 1);
    assert_eq!(fs::read(folder.path().join("file")).unwrap(), b"mine");

    train(folder.path(), "run", &[]);
    let before = fs::read(folder.path().join("run/model.safetensors")).unwrap();
    let output = narrows(folder.path(), &[&words[..], &["--out", "run", "--seed", "9"]].concat());
    assert!(matches!(output.status.code(), Some(1 | 2)) && text(&output.stderr).contains("run"));
    assert!(fs::read(folder.path().join("run/model.safetensors")).unwrap() == before);
}

#[test]
fn a_damaged_model_is_one_line() {
    let folder = folder();
    train(folder.path(), "run", &[]);
    let path = folder.path().join("run/model.safetensors");
    let whole = fs::read(&path).unwrap();
    for length in [0, 7, 8, 100, whole.len() / 2, whole.len() - 1] {
        fs::write(&path, &whole[..length]).unwrap();
        for words in [&["eval", "run"][..], &["inspect", "run"], &["reconstruct", "run"]] {
            assert!(refusal(folder.path(), words, 1).contains("model.safetensors"), "{length}");
        }
    }
    // Another version's file: the figure in the header's metadata, everything else as it was.
    let length = usize::try_from(u64::from_le_bytes(whole[..8].try_into().unwrap())).unwrap();
    let mut header: Value = serde_json::from_slice(&whole[8..8 + length]).unwrap();
    let metadata = header["__metadata__"].as_object_mut().unwrap();
    let mut about: Value = serde_json::from_str(metadata["narrows"].as_str().unwrap()).unwrap();
    about["format"] = "999".into();
    metadata["narrows"] = about.to_string().into();
    let header = header.to_string();
    let edited = [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &whole[8 + length..]].concat();
    fs::write(&path, edited).unwrap();
    let line = refusal(folder.path(), &["inspect", "run"], 1);
    assert!(line.contains("999"), "{line}");
    assert!(refusal(folder.path(), &["eval", "nowhere"], 1).contains("nowhere"));
}

#[test]
fn a_resumed_run_is_the_uninterrupted_one_bit_for_bit() {
    let folder = folder();
    let common = ["--epochs", "2", "--batch", "100", "--validation", "0.1", "--schedule", "cosine"];
    train(folder.path(), "whole", &common);
    train(folder.path(), "parts", &[&common[..], &["--steps", "17"]].concat());
    let file = |run: &str, name: &str| fs::read(folder.path().join(run).join(name)).unwrap();
    assert!(file("whole", "model.safetensors") != file("parts", "model.safetensors"), "it did not stop");
    // At another number of threads, for that must not matter either.
    let resumed = json(folder.path(), &["train", "--resume", "parts", "--json", "--threads", "1"]);
    assert_eq!(resumed["epochs"], 2);
    for name in ["model.safetensors", "config.toml"] {
        assert!(file("whole", name) == file("parts", name), "{name} differs");
    }
    // The state's header tells how long the run took; its numbers are what must be the same.
    let state = |run: &str| tensors(&file(run, "state.safetensors"));
    assert!(state("whole") == state("parts"), "the states differ");
    assert!(refusal(folder.path(), &["train", "--resume", "nowhere"], 1).contains("nowhere"));
    let state = folder.path().join("parts/state.safetensors");
    fs::write(&state, &file("parts", "state.safetensors")[..50]).unwrap();
    let line = refusal(folder.path(), &["train", "--resume", "parts", "--epochs", "3"], 1);
    assert!(line.contains("state.safetensors"), "{line}");
}

/// A last step that breaks the weights is a failure, and what was there before it can still be used.
#[test]
fn weights_that_are_no_numbers_are_never_saved() {
    let folder = folder();
    let broken = ["train", "--steps", "2", "--lr", "1e30", "--optimizer", "sgd", "--weight-decay", "1e6", "--out", "w"];
    let line = refusal(folder.path(), &broken, 1);
    assert!(line.contains("finite") || line.contains("loss term"), "{line}");
    let evaluation = json(folder.path(), &["eval", "w", "--json"]);
    assert!(evaluation["squared_error"].is_number(), "the weights of the start must still be there");
    // One step gives weights that are numbers, but a model that is of no use.
    let once: Vec<&str> = broken
        .iter()
        .map(|word| {
            if *word == "2" {
                "1"
            } else if *word == "w" {
                "w1"
            } else {
                word
            }
        })
        .collect();
    assert!(refusal(folder.path(), &once, 1).contains("test part"));
}

/// A bad test part is found before the training, and nothing is left behind.
#[test]
fn a_bad_test_part_is_found_first() {
    let folder = folder();
    write_idx(&folder.path().join("data"));
    let labels = folder.path().join("data/t10k-labels-idx1-ubyte");
    fs::write(&labels, idx(&[3], &[0, 1, 2])).unwrap();
    let line = refusal(folder.path(), &["train", "--data", "data", "--code", "4", "--out", "run"], 1);
    assert!(line.contains("labels"), "{line}");
    assert!(!folder.path().join("run").exists());
}

/// A run is its own: another run's state, or other settings than those it was made with, are refused.
#[test]
fn search_finds_rows_and_pictures_and_keeps_its_index() {
    let folder = folder();
    let at = folder.path();
    train(at, "a", &[]);
    train(at, "b", &["--seed", "1"]);
    let all = json(at, &["search", "a", "--json", "--index", "codes", "--neighbours", "5"]);
    assert!(all["precision"].as_f64().unwrap() > 0.2 && all["raw_precision"].as_f64().unwrap() > 0.9, "{all}");
    assert_eq!((&all["queries"], &all["indexed"]), (&359.into(), &1438.into()));
    let one = json(at, &["search", "a", "--row", "3", "--index", "codes", "--json", "--out", "p.png", "-k", "4"]);
    assert_eq!((one["neighbours"][0]["neighbours"].as_array().unwrap().len(), &one["out"]), (4, &"p.png".into()));
    assert!(fs::read(at.join("p.png")).unwrap().starts_with(b"\x89PNG"));
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, 8, 8);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.write_header().unwrap().write_image_data(&[128; 64]).unwrap();
    fs::write(at.join("grey.png"), file).unwrap();
    let grey = json(at, &["search", "a", "--image", "grey.png", "--metric", "hamming", "--json"]);
    assert!(grey["precision"].is_null() && grey["neighbours"][0]["row"].is_null(), "{grey}");
    let rows = narrows(at, &["search", "a", "--row", "0", "-k", "3", "--quiet"]);
    assert_eq!(text(&rows.stdout).trim().split(',').count(), 3);
    for (words, status, part) in [
        (&["search", "a", "--row", "359"][..], 2, "its rows are 0 to 358"),
        (&["search", "a", "--queries", "5-2"], 2, "is no list of rows"),
        (&["search", "a", "--metric", "cosin"], 2, "cosine, euclidean, hamming"),
        (&["search", "a", "--index", "codes", "--metric", "hamming"], 2, "is an index by cosine"),
        (&["search", "b", "--index", "codes"], 1, "made by another model"),
        (&["search", "a", "--index", "grey.png"], 1, "not a whole safetensors file"),
        (&["search", "a", "--image", "p.png"], 1, "give one of that size"),
        (&["search", "a", "--neighbours", "0"], 2, "--neighbours"),
    ] {
        let line = refusal(at, words, status);
        assert!(line.contains(part), "{words:?}: {line}");
    }
}

#[test]
fn a_state_of_another_run_is_refused() {
    let folder = folder();
    train(folder.path(), "a", &["--steps", "5"]);
    train(folder.path(), "b", &["--steps", "5", "--seed", "7"]);
    fs::copy(folder.path().join("b/state.safetensors"), folder.path().join("a/state.safetensors")).unwrap();
    let line = refusal(folder.path(), &["train", "--resume", "a"], 2);
    assert!(line.contains("start a new run"), "{line}");
    let config = fs::read_to_string(folder.path().join("b/config.toml")).unwrap();
    let open = config.lines().find(|line| {
        // How a table is written is looked at in each file.
        let of_file = ["header", "delimiter", "decimal"].iter().any(|key| line.starts_with(key));
        line.contains("auto") && !line.starts_with("likelihood") && !of_file
    });
    assert!(open.is_none(), "a resolved configuration leaves nothing open: {config}");
    let page = fs::read_to_string(folder.path().join("b/report.html")).unwrap();
    assert!(page.contains("squared error") && page.contains("data:image/png;base64,"));
}

/// What has no end, or is too long, is refused.
#[cfg(unix)]
#[test]
fn devices_are_no_files() {
    let folder = folder();
    assert!(refusal(folder.path(), &["train", "--config", "/dev/zero"], 1).contains("regular file"));
    assert!(refusal(folder.path(), &["inspect", "/dev/zero"], 1).contains("regular file"));
    let line = refusal(folder.path(), &["train", "--seed", "18446744073709551615"], 2);
    assert!(line.contains("seed"), "{line}");
}

/// An interrupt ends a run after its step, and the run goes on from there.
#[cfg(unix)]
#[test]
fn an_interrupt_leaves_a_run_that_goes_on() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder();
    let words = ["train", "--epochs", "1000000", "--out", "run", "--json"];
    let mut command = Command::new(env!("CARGO_BIN_EXE_narrows"));
    let child = command.current_dir(folder.path()).args(words).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = child.spawn().unwrap();
    while !folder.path().join("run/history.csv").exists() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    std::thread::sleep(std::time::Duration::from_millis(50));
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", text(&output.stderr));
    let stopped: Value = serde_json::from_str(text(&output.stdout)).unwrap();
    assert_eq!(stopped["finished"], false);
    let steps = stopped["steps"].as_u64().unwrap();
    let more = json(folder.path(), &["train", "--resume", "run", "--json", "--steps", &(steps + 3).to_string()]);
    assert_eq!(more["steps"].as_u64(), Some(steps + 3));
    let mode = fs::metadata(folder.path().join("run/model.safetensors")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, fs::metadata(folder.path().join("run/config.toml")).unwrap().permissions().mode() & 0o777);
}

#[test]
fn convolutional_models_are_trained_inspected_and_put_to_use() {
    let folder = folder();
    let at = folder.path();
    for (run, upsample, parameters) in [("n", "nearest", 705), ("m", "max", 557), ("t", "transposed", 887)] {
        let more = ["--model", "convolutional", "--filters", "6,4", "--upsample", upsample];
        let trained = train(at, run, &more);
        assert_eq!(trained["parameters"], parameters, "{upsample}");
        assert!(trained["squared_error"].as_f64().unwrap() > 0.0 && trained["pca_squared_error"].is_number());
        let seen = json(at, &["inspect", run, "--json"]);
        assert_eq!(seen["layers"], "1x8x8-6x4x4-4x2x2-6x4x4-1x8x8");
        assert_eq!(seen["code"], 16);
        let evaluated = json(at, &["eval", run, "--json"]);
        assert_eq!(evaluated["squared_error"], trained["squared_error"]);
        json(at, &["reconstruct", run, "--json", "--out", "picture.png"]);
        assert!(fs::read(at.join("picture.png")).unwrap().starts_with(b"\x89PNG"));
        json(at, &["train", "--resume", run, "--epochs", "2", "--json"]);
    }
    let dense = ["--model", "convolutional", "--filters", "6,4", "--downsample", "stride", "--bottleneck", "dense"];
    train(at, "d", &dense);
    assert_eq!(json(at, &["inspect", "d", "--json"])["layers"], "1x8x8-6x4x4-4x2x2-4-4x2x2-6x4x4-1x8x8");
}

#[test]
fn presets_are_listed_and_begun_with() {
    let folder = folder();
    let listed = json(folder.path(), &["presets", "--json"]);
    let names: Vec<_> = listed["presets"].as_array().unwrap().iter().map(|preset| preset["name"].clone()).collect();
    assert!(names.contains(&"keras-conv".into()) && names.contains(&"keras-io-conv".into()));
    assert!(listed["presets"].as_array().unwrap().iter().all(|preset| preset["source"].is_string()));
    let plain = narrows(folder.path(), &["presets"]);
    assert!(text(&plain.stdout).contains("keras-conv\n"));
    // Flags and --set win over the preset.
    train(folder.path(), "a", &["--preset", "keras-conv", "--set", "batch=64"]);
    let config = fs::read_to_string(folder.path().join("a/config.toml")).unwrap();
    for line in ["type = \"convolutional\"", "filters = [16, 8, 8]", "batch = 64", "epochs = 1"] {
        assert!(config.contains(line), "{line}: {config}");
    }
}

#[test]
fn convolutions_that_make_no_sense_are_one_line() {
    let folder = folder();
    let refused = |more: &[&str]| {
        let line = refusal(folder.path(), &[&["train", "--model", "convolutional", "--out", "x"], more].concat(), 2);
        assert!(!folder.path().join("x").exists());
        line
    };
    for (more, expected) in [
        (&["--filters", ""][..], "filters is empty"),
        (&["--filters", "4,0"], "each with at least 1 unit"),
        (&["--filters", "2,2,2,2"], "give at most 3"),
        (&["--kernel", "4"], "kernel is 4; give an odd number"),
        (&["--upsample", "max", "--downsample", "stride"], "max unpooling needs the places"),
        (&["--upsample", "nearst"], "did you mean `nearest`"),
        (&["--preset", "keras-cov"], "did you mean `keras-conv`"),
    ] {
        let line = refused(more);
        assert!(line.contains(expected), "{line}");
    }
}

#[test]
fn every_type_is_trained_evaluated_and_resumed() {
    let folder = folder();
    let at = folder.path();
    let cases: &[(&str, &[&str])] = &[
        ("undercomplete", &[]),
        ("overcomplete", &["--l2", "1e-3"]),
        ("denoising", &["--corruption", "gaussian", "--corruption-level", "0.3"]),
        ("sparse", &["--sparsity", "0.05", "--sparsity-weight", "10"]),
        ("l1", &["--l1", "0.01"]),
        ("k-sparse", &["--k", "5"]),
        ("contractive", &["--contraction", "0.5"]),
        ("convolutional", &["--filters", "4,4"]),
        ("variational", &["--beta", "2", "--beta-warmup", "1"]),
        ("stacked", &["--fine-tune", "classifier", "--pretrain-epochs", "1"]),
        ("pca", &[]),
        ("vector-quantised", &["--entries", "20"]),
        ("adversarial", &["--discriminator", "20"]),
        ("conditional", &["--beta", "0.5"]),
        ("importance-weighted", &["--samples", "3"]),
    ];
    for (model, more) in cases {
        let words =
            [&["train", "--model", model, "--epochs", "2", "--threads", "1", "--out", model, "--json"], *more].concat();
        let trained = json(at, &words);
        let first = if *model == "importance-weighted" { "negative_bound" } else { "reconstruction" };
        assert!(trained["terms"][first].is_number() && trained["weights"][first] == 1.0, "{model}");
        let evaluated = json(at, &["eval", model, "--json"]);
        for key in ["squared_error", "loss", "mse", "psnr", "mean_activation", "dead_units"] {
            assert_eq!(evaluated[key], trained[key], "{model}: {key}");
        }
        assert!(evaluated["ssim"].as_f64().is_some_and(|ssim| ssim > 0.0 && ssim <= 1.0), "{model}");
        assert!(evaluated["pca_squared_error"].is_number(), "{model}");
        let probed = json(at, &["probe", model, "--json", "--epochs", "2"]);
        assert!(probed["accuracy"].as_f64().is_some_and(|share| (0.0..=1.0).contains(&share)), "{model}");
        let more = ["train", "--resume", model, "--epochs", "3", "--json"];
        if *model == "pca" {
            assert!(refusal(at, &more, 2).contains("fitted"));
            continue;
        }
        assert!(refusal(at, &["train", "--resume", model, "--lr", "0.5"], 2).contains("give more --epochs"));
        assert!(refusal(at, &["train", "--resume", model, "--batch", "7"], 2).contains("batch (it was "));
        json(at, &more);
        let history = fs::read_to_string(at.join(model).join("history.csv")).unwrap();
        assert!(history.starts_with("epoch,phase,step,lr,loss"), "{history}");
        assert!(history.contains(&format!("{first},{first}_weight")), "{history}");
    }
    let read = |model: &str| json(at, &["eval", model, "--json"]);
    let variational = json(at, &["eval", "variational", "--json", "--importance", "3"]);
    assert!(variational["nll"].as_f64().unwrap() <= variational["negative_elbo"].as_f64().unwrap() + 1.0);
    let parts = ["elbo_reconstruction", "elbo_kl"].map(|key| variational[key].as_f64().unwrap());
    assert!((parts[0] + parts[1] - variational["negative_elbo"].as_f64().unwrap()).abs() < 1e-6);
    assert_eq!(variational["kl_per_unit"].as_array().unwrap().len(), 8);
    assert_eq!(variational["weights"]["kl"], 2.0);
    assert_eq!(variational["beta_mse_equivalent"], 2.0 * 2.0 / 64.0);
    let sparse = read("k-sparse");
    assert_eq!((&sparse["codes"]["non_zeros"]["min"], &sparse["codes"]["non_zeros"]["max"]), (&5.into(), &5.into()));
    assert_eq!(read("denoising")["denoised"]["corruption"], "gaussian");
    let masked = json(at, &["eval", "pca", "--json", "--corruption", "masking", "--corruption-level", "0.5"]);
    assert_eq!(masked["denoised"]["corruption_level"], 0.5);
    assert!(read("stacked")["accuracy"].as_f64().is_some_and(|share| share > 0.1));
}

#[test]
fn choices_that_make_no_sense_are_one_line() {
    let folder = folder();
    let cases: &[(&str, &[&str], &str)] = &[
        ("sparse", &["--code-activation", "relu"], "--code-activation sigmoid"),
        ("k-sparse", &["--code", "10", "--k", "11"], "at most 10"),
        ("undercomplete", &["--code", "64"], "--model overcomplete"),
        ("overcomplete", &["--code", "64"], "larger code"),
        ("undercomplete", &["--tied", "true", "--decoder", "20"], "decoder mirror"),
        ("undercomplete", &["--loss", "bce", "--scaling", "standard"], "leave 0..1"),
        ("undercomplete", &["--output", "sigmoid", "--scaling", "standard"], "leave 0..1"),
        ("denoising", &["--corruption", "none"], "needs a corruption"),
        ("denoising", &["--corruption-level", "1.5"], "probability"),
        ("denoising", &["--corruption", "salt-and-pepper", "--scaling", "standard"], "leave 0..1"),
        ("contractive", &["--hidden", "20"], "--model stacked"),
        ("variational", &["--likelihood", "gaussian", "--loss", "bce"], "contradict"),
        ("variational", &["--body", "convolutional", "--bottleneck", "map"], "--bottleneck dense"),
        ("convolutional", &["--body", "dense"], "--body convolutional"),
        ("undercomplete", &["--sparsity", "0.1"], "no setting of undercomplete; sparse, stacked have it"),
        ("conditional", &["--entries", "3"], "vector-quantised has it"),
        ("stacked", &["--pretrain", "sparse", "--code-activation", "relu"], "sigmoid"),
        ("pca", &["--hidden", "20"], "pca is linear"),
        ("undercomplete", &["--norm", "batch", "--batch", "1"], "batch 2 or more"),
        ("undercomplete", &["--norm", "batch", "--optimizer", "lbfgs"], "--optimizer adam"),
        ("undercomplete", &["--set", "type=klingon"], "unknown model"),
        ("undercomplete", &["--patience", "3", "--epochs", "5"], "validation is 0"),
        ("undercomplete", &["--optimizer", "lbfgs", "--ema", "0.9"], "ema 0"),
        ("undercomplete", &["--tied", "yes"], "true or false"),
        ("undercomplete", &["--corruption", "maskin"], "did you mean `masking`"),
    ];
    for (model, more, expected) in cases {
        let words = [&["train", "--model", model, "--out", "x"], *more].concat();
        let line = refusal(folder.path(), &words, 2);
        assert!(line.contains(expected), "{model} {more:?}: {line}");
        assert!(!folder.path().join("x").exists());
    }
    // The defaults of a type, documented, as a file that makes the same configuration.
    let shown = narrows(folder.path(), &["train", "--model", "sparse", "--code", "7", "--show"]);
    let shown = text(&shown.stdout);
    assert!(
        shown.contains("# rho, the mean activation")
            && shown.contains("code = 7\n")
            && shown.contains("code_activation = \"sigmoid\"")
    );
    fs::write(folder.path().join("shown.toml"), shown).unwrap();
    let again = narrows(folder.path(), &["train", "--config", "shown.toml", "--show"]);
    assert_eq!(text(&again.stdout), shown);
    // What is not read is said.
    let output = narrows(folder.path(), &["train", "--epochs", "1", "--filters", "3", "--out", "y"]);
    let said = text(&output.stdout);
    assert!(said.contains("filters is not used; give --body convolutional or sequence"), "{said}");
}
