//! People's own data by the command line: what is read, what is said, and what is refused in one line.

use std::path::Path;
use std::process::{Command, Output, Stdio};

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), content).unwrap();
    }

    fn run(&self, words: &str) -> Output {
        let words = words.split(' ').filter(|word| !word.is_empty());
        Command::new(env!("CARGO_BIN_EXE_narrows")).args(words).current_dir(self.0.path()).output().unwrap()
    }

    fn good(&self, words: &str) -> String {
        let output = self.run(words);
        assert!(output.status.success(), "{words}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// The one line of a refusal.
    fn refused(&self, words: &str) -> String {
        let output = self.run(words);
        let error = String::from_utf8(output.stderr).unwrap();
        let lines: Vec<&str> = error.lines().filter(|line| line.starts_with("narrows:")).collect();
        assert!(!output.status.success() && lines.len() == 1 && error.lines().count() == 1, "{words}: {error}");
        assert!(output.stdout.is_empty());
        lines[0].to_owned()
    }
}

/// A table of quantities, classes, yes and no, with holes; the columns depend on each other.
fn mixed() -> String {
    let mut text = String::from("size,sort,old,class\n");
    for i in 0..300u32 {
        let sort = ["red", "green", "blue"][(i % 3) as usize];
        let size = if i % 17 == 5 { String::new() } else { format!("{}.5", (i % 3) * 10 + i % 4) };
        let old = if i % 3 == 0 { "yes" } else { "no" };
        text += &format!("{size},{sort},{old},{}\n", if i % 3 == 2 { "b" } else { "a" });
    }
    text
}

#[test]
fn a_table_of_mixed_columns_from_training_to_new_rows() {
    let place = Place::new();
    place.write("t.csv", mixed());
    let said = place
        .good("train --data t.csv --model importance-weighted --code 2 --hidden 16 --epochs 40 --batch 16 --out m");
    for part in
        ["1 numeric (`size`), 1 categorical (`sort`), 1 boolean (`old`)", "label: `class`, 2 classes", "loss columns"]
    {
        assert!(said.contains(part), "{part}: {said}");
    }
    // Which class it is follows from what is present.
    let hidden: serde_json::Value =
        serde_json::from_str(&place.good("impute m --hide 0.3 --json --out i.csv")).unwrap();
    assert!(hidden["wrong"].as_f64() < hidden["wrong_mode"].as_f64(), "{hidden}");
    // New rows: another order of columns, one more, a class that was never seen.
    place.write("new.csv", "old,extra,sort,size\nyes,1,red,0.5\nno,2,pink,\n");
    let output = place.run("impute m --data new.csv --out f.csv");
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("`extra`") && said.contains("`pink`"), "{said}");
    let filled = std::fs::read_to_string(place.path("f.csv")).unwrap();
    let lines: Vec<&str> = filled.lines().collect();
    assert!(lines[0].starts_with("size,sort,old") && lines[1].starts_with("0.5,red,yes"), "{filled}");
    assert!(!lines[2].starts_with(','), "the size is filled: {filled}");
    place.good("sample m --count 5 --out s.csv");
    let sampled = std::fs::read_to_string(place.path("s.csv")).unwrap();
    assert!(sampled.lines().skip(1).all(|line| ["red", "green", "blue"].contains(&line.split(',').nth(1).unwrap())));
}

#[test]
fn codes_go_through_every_format_and_back() {
    let place = Place::new();
    place.good("train --epochs 2 --hidden 16 --code 4 --quiet --out m");
    for format in ["csv", "npy", "npz", "safetensors"] {
        place.good(&format!("encode m --out c.{format}"));
        place.good(&format!("decode m --data c.{format} --out d.{format}"));
    }
    place.good("decode m --data c.npy --out pictures/");
    assert_eq!(std::fs::read_dir(place.path("pictures")).unwrap().count(), 359);
    // Pictures are images again; their bytes fill 0 to 255, not the digits' 0 to 16.
    let said = place.good("train --data pictures --epochs 1 --hidden 8 --code 2 --out p");
    assert!(said.contains("64-8-2-8-64") && said.contains("range 0 to 255"), "{said}");
    let rows = |name: &str| std::fs::read_to_string(place.path(name)).unwrap();
    assert_eq!(rows("c.csv").lines().count(), 360);
    // The same codes from an array, but for the labels that it has no place for.
    let line = |text: &str| text.lines().nth(7).unwrap().split(',').take(4).map(str::to_owned).collect::<Vec<_>>();
    place.good("decode m --data c.csv --out e.csv");
    assert_eq!(line(&rows("d.csv")), line(&rows("e.csv")));
}

#[test]
fn a_stream_is_answered_line_by_line() {
    use std::io::{BufRead, BufReader, Write};
    let place = Place::new();
    place.good("train --data tumours --epochs 2 --hidden 8 --code 2 --quiet --out m");
    place.good("detect m --fit --quiet");
    place.good("reconstruct m --part all --out r.csv");
    let table = std::fs::read_to_string(place.path("r.csv")).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_narrows"))
        .args(["detect", "m", "--data", "-", "--follow", "--brief", "--quiet"])
        .current_dir(place.0.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut lines = table.lines();
    writeln!(input, "{}", lines.next().unwrap()).unwrap();
    for number in 0..3 {
        // Each row is answered before the next is written.
        writeln!(input, "{}", lines.next().unwrap()).unwrap();
        input.flush().unwrap();
        if number == 0 {
            assert_eq!(output.next().unwrap().unwrap(), "row,score,p_value,anomaly");
        }
        assert!(output.next().unwrap().unwrap().starts_with(&format!("{number},")));
    }
    drop(input);
    assert!(output.next().is_none() && child.wait().unwrap().success());
}

#[test]
fn what_does_not_fit_is_one_line() {
    let place = Place::new();
    place.good("train --data tumours --epochs 2 --hidden 8 --code 2 --quiet --out t");
    place.good("train --epochs 2 --hidden 16 --code 4 --quiet --out d");
    place.write("ragged.csv", "a,b\n1,2\n3\n");
    place.write("empty.csv", "");
    place.write("twice.csv", "a,a\n1,2\n");
    place.write("other.csv", "mean radius,texture\n1,2\n");
    place.write(
        "words.csv",
        "a,b\n".to_owned() + &"1,2\n3,5\n4,8\n7,11\n6,13\n8,1\n9,3\n10,4\n11,6\n12,7\n13,9\n".repeat(2) + "14,x\n",
    );
    place.write("hole.csv", "a,b\n1,2\n,3\n4,5\n2,1\n");
    place.write("bom.csv", "\u{feff}a,b\r\n1,2\r\n2,5\r\n3,4\r\n4,1\r\n9,2\r\n7,7\r\n");
    place.write("broken.npy", "\u{93}NUMPY nonsense");
    place.good("train --data bom.csv --code 1 --hidden 4 --epochs 1 --quiet --out b");
    let small = png(4, 4);
    std::fs::create_dir(place.path("images")).unwrap();
    place.write("images/a.png", &small);
    place.write("images/b.png", png(5, 4));
    place.write("mask.png", &small);
    let nothing: [(&str, &[&str]); 16] = [
        ("train --data ragged.csv", &["row 3 (from 1) has 1 fields"]),
        ("train --data empty.csv", &["empty.csv is empty"]),
        ("train --data twice.csv", &["both called `a`"]),
        ("train --data words.csv", &["row 24 (from 1), column `b` is `x`"]),
        ("train --data broken.npy", &["broken.npy"]),
        ("train --data hole.csv --missing false --code 1", &["missing is false"]),
        ("train --data images", &["a.png", "b.png", "--resize"]),
        ("train --data no.csv", &["no such file or folder: no.csv"]),
        ("encode t --data other.csv", &["no column `mean texture`, the model's column 2"]),
        ("encode t --data d/config.toml", &["config.toml"]),
        ("detect t --data digits", &["64 features; the model takes 30"]),
        ("inpaint d --mask mask.png", &["4", "8"]),
        ("impute d", &["takes no missing values"]),
        ("decode d --data ragged.csv", &["`code 1`"]),
        ("sample d --from prior", &["prior"]),
        ("search d --index nothing.nrw --row 999999", &["row"]),
    ];
    for (words, parts) in nothing {
        let line = place.refused(words);
        assert!(parts.iter().all(|part| line.contains(part)), "{words}: {line}");
    }
    assert!(!Path::new("runs").join("never").exists());
}

/// A black picture.
fn png(height: u32, width: u32) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, width, height);
    encoder.set_color(png::ColorType::Grayscale);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&vec![0; (height * width) as usize]).unwrap();
    writer.finish().unwrap();
    out
}
