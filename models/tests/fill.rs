//! The tool's commands that clean, fill and make samples, on the embedded digits: their JSON and their files.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn narrows(folder: &Path, words: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_narrows")).current_dir(folder).args(words.split_whitespace()).output().unwrap()
}

fn json(folder: &Path, words: &str) -> Value {
    let output = narrows(folder, &format!("{words} --json"));
    assert!(output.status.success(), "{words}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn refusal(folder: &Path, words: &str, status: i32) -> String {
    let output = narrows(folder, words);
    let line = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(status) && line.lines().count() == 1, "{words}: {line}");
    line
}

fn is_png(path: &Path) -> bool {
    fs::read(path).is_ok_and(|bytes| bytes.starts_with(b"\x89PNG"))
}

#[test]
fn samples_are_cleaned_filled_and_made() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    json(here, "train --model variational --hidden 32 --code 4 --epochs 2 --out vae");
    let cleaned = json(here, "denoise vae --noise gaussian --level 0.5");
    assert!(cleaned["psnr"].as_f64() > cleaned["psnr_noisy"].as_f64() && cleaned["psnr_median"].is_f64(), "{cleaned}");
    assert!(is_png(&here.join(cleaned["out"].as_str().unwrap())) && cleaned["samples"] == 359);
    let cleaned = json(here, "denoise vae --count 5 --out cleaned.csv");
    assert!(cleaned.get("psnr").is_none() && cleaned["samples"] == 5, "{cleaned}");
    let table = fs::read_to_string(here.join("cleaned.csv")).unwrap();
    assert!(table.lines().count() == 6 && table.lines().all(|line| line.split(',').count() == 64), "{table}");
    let filled = json(here, "inpaint vae --mask square:4 --out filled.png");
    assert!(filled["hidden"] == 0.25 && filled["psnr_mean_fill"].is_f64() && filled["psnr_median"].is_f64());
    assert!(filled["rounds"].as_u64() > Some(1) && filled["method"] == "projection", "{filled}");
    let made = json(here, "sample vae --count 9 --out prior.png");
    assert!(made["from"] == "prior" && made["samples"] == 9 && is_png(&here.join("prior.png")), "{made}");
    let made = json(here, "sample vae --count 9 --class 3 --components 2 --out three.csv");
    assert!(made["from"] == "mixture" && made["class"] == 3, "{made}");
    let between = json(here, "interpolate vae --rows 3,17 --steps 4 --spherical --out between.csv");
    assert!(between["pairs"] == 1 && between["steps"] == 4, "{between}");
    assert_eq!(fs::read_to_string(here.join("between.csv")).unwrap().lines().count(), 5);

    assert!(refusal(here, "inpaint vae --mask middle", 2).contains("square:SIDE"));
    assert!(refusal(here, "denoise vae --noise fog", 2).contains("gaussian"));
    assert!(refusal(here, "sample vae --class 12", 2).contains("0 to 9"));
    assert!(refusal(here, "sample vae --class 3 --from prior", 2).contains("conditional"));
    assert!(refusal(here, "interpolate vae --rows 1,9999", 2).contains("0 to 1796"));
    assert!(refusal(here, "impute vae", 2).contains("missing true"));
    assert!(refusal(here, "denoise vae --out x.gif", 2).contains(".csv"));
}

#[test]
fn missing_numbers_are_filled_and_drawn() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    json(here, "train --model importance-weighted --set missing=true --hidden 64 --epochs 6 --out miwae");
    let filled = json(here, "impute miwae --hide 0.2 --out filled.csv");
    assert!(filled["rmse"].as_f64() < filled["rmse_mean"].as_f64() && filled["columns"].is_array(), "{filled}");
    let drawn = json(here, "impute miwae --draws 2 --count 3 --out drawn.csv");
    assert_eq!(drawn["out"], serde_json::json!(["drawn-1.csv", "drawn-2.csv"]));
    // Nothing is missing, so both are the data themselves.
    assert!(fs::read(here.join("drawn-1.csv")).unwrap() == fs::read(here.join("drawn-2.csv")).unwrap());
    assert_eq!(json(here, "inpaint miwae --mask random:0.3 --out x.png")["method"], "imputation");
}
