//! A run's page is whole in itself, says the numbers of `eval`, and escapes what others have named.

use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Command;

/// What a command prints as JSON.
fn json(folder: &Path, words: &[&str]) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_narrows")).current_dir(folder).args(words).output().unwrap();
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Every figure, those of inner objects too; lists and nulls are no figures.
fn figures(name: &str, value: &Value, found: &mut Vec<(String, String)>) {
    match value {
        Value::Object(inner) => inner.iter().for_each(|(key, value)| figures(&format!("{name}.{key}"), value, found)),
        Value::Number(number) => found.push((name.to_owned(), number.to_string())),
        _ => {}
    }
}

fn is_whole(page: &str) {
    for part in ["http://", "https://", "<script", "<link", "@import", "url(", "Not shown"] {
        assert!(!page.contains(part), "{part}");
    }
    assert_eq!(page.matches("src=").count(), page.matches("src=\"data:image/png;base64,").count());
    assert!(page.split("<img ").skip(1).all(|picture| {
        let tag = picture.split('>').next().unwrap_or_default();
        tag.contains("alt=\"") && !tag.contains("alt=\"\"")
    }));
    assert!(page.split("<svg ").skip(1).all(|plot| plot.contains("<title>") && plot.contains("<desc>")));
}

#[test]
fn a_page_says_the_numbers_of_eval() {
    let folder = tempfile::tempdir().unwrap();
    let train = ["train", "--epochs", "2", "--code", "2", "--validation", "0.1", "--json"];
    let models = [
        ("variational", "What codes stand for"),
        ("denoising", "corrupted input"),
        ("sparse", "What fires the first layer&#39;s units most"),
    ];
    for (model, part) in models {
        json(folder.path(), &[&train[..], &["--model", model, "--out", model]].concat());
        let page = fs::read_to_string(folder.path().join(model).join("report.html")).unwrap();
        is_whole(&page);
        for part in [part, "validation", "trustworthiness", "What it means", "samples/reconstructions.png", "[model]"] {
            assert!(page.contains(part), "{model}: {part}");
        }
        let mut found = Vec::new();
        figures("", &json(folder.path(), &["eval", model, "--json"]), &mut found);
        let other = |name: &str| {
            let name = name.trim_start_matches('.');
            // Of this call, of `eval` alone, or said in words.
            let others = ["seconds", "samples_per_second", "threads", "ssim", "beta_", "weights."];
            others.iter().any(|other| name.starts_with(other))
        };
        found.retain(|(name, _)| !other(name));
        assert!(found.len() > 15, "{found:?}");
        for (name, number) in found {
            assert!(page.contains(&format!("<data value=\"{number}\">")), "{model}: {name} {number}");
        }
    }
}

/// Data that are no images have a table of what is missed most, and no pictures; their folder's name is only text.
#[test]
fn a_page_of_a_table_with_an_odd_name() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("<b&\"c");
    fs::create_dir(&data).unwrap();
    let values: Vec<u8> = (0..200 * 6).map(|at| (at * at % 251) as u8).collect();
    let head = [&[0, 0, 8, 2][..], &200u32.to_be_bytes(), &6u32.to_be_bytes()].concat();
    fs::write(data.join("train-images-idx3-ubyte"), [&head[..], &values].concat()).unwrap();
    let words = ["train", "--data", "<b&\"c", "--code", "3", "--epochs", "2", "--out", "run", "--json"];
    json(folder.path(), &words);
    let page = fs::read_to_string(folder.path().join("run/report.html")).unwrap();
    is_whole(&page);
    assert!(!page.contains("<b&") && page.contains("&#60;b&#38;&#34;c"), "{page}");
    assert!(page.contains("missed most") && !page.contains("<img"));
}
