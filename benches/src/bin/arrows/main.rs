//! Reads a crate's sources and says where its imports go round in circles or up, and which functions are long.
//!
//! ```sh
//! cargo run -p narrows-benches --bin arrows                 # engine/src
//! cargo run -p narrows-benches --bin arrows -- models/src   # another crate: circles and functions
//! ```
//!
//! It needs only the standard library, and reads text, not what the compiler makes of it: `modules` and `imports` say
//! what that misses. `order` has the folders' order as a table. A function of more than 60 lines must stand with its
//! reason in `benches/long_functions.txt`, `PATH NAME REASON`; one that takes a raw pointer must be `unsafe`. Call it from the repository's root; it fails where
//! something is wrong.

mod functions;
mod imports;
mod lexer;
mod modules;
mod order;

use modules::Crate;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The longest function that needs no reason.
const LINES: usize = 60;
const REASONS: &str = "benches/long_functions.txt";

fn main() -> ExitCode {
    let mut folders = std::env::args().skip(1);
    let folder = folders.next().unwrap_or_else(|| "engine/src".into());
    if folders.next().is_some() || folder.starts_with('-') {
        eprintln!("name one folder of sources, or none for engine/src");
        return ExitCode::from(2);
    }
    match check(folder.trim_end_matches('/')) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}

/// Prints what is wrong; gives how much.
fn check(folder: &str) -> Result<usize, String> {
    let all = Crate::read(sources(Path::new(folder))?);
    let arrows = imports::arrows(&all);
    let name = |file: usize| all.files[file].as_str();
    let line = |from: usize, to: usize, names: &BTreeSet<String>| {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        format!("{} -> {}: {}", name(from), name(to), names.join(", "))
    };
    let circles = order::circles(&all, &arrows);
    for circle in &circles {
        println!(
            "a circle of {} files: {}",
            circle.len(),
            circle.iter().map(|&file| name(file)).collect::<Vec<_>>().join(" ")
        );
        for ((from, to), names) in arrows.iter().filter(|((from, to), _)| circle.contains(from) && circle.contains(to))
        {
            println!("    {}", line(*from, *to, names));
        }
    }
    let mut upward = 0;
    for ((from, to), names) in &arrows {
        if let Some(why) = order::against(order::rules(folder), name(*from), name(*to)) {
            println!("against the order, {why}: {}", line(*from, *to, names));
            upward += 1;
        }
    }
    let mutual = order::mutual_folders(&all, &arrows);
    for (a, b) in &mutual {
        println!("folders that import each other: {a} and {b}");
    }
    let reasons = std::fs::read_to_string(REASONS).map_err(|error| format!("{REASONS}: {error}"))?;
    let long = long_functions(&all, folder, &reasons);
    long.iter().for_each(|problem| println!("{problem}"));
    let open = open_doors(&all, folder);
    open.iter().for_each(|problem| println!("{problem}"));
    println!(
        "{folder}: {} files, {} imports; {} circles, {upward} arrows against the order, {} pairs of folders that \
         import each other, {} functions, {} open doors",
        all.files.len(),
        arrows.len(),
        circles.len(),
        mutual.len(),
        long.len(),
        open.len()
    );
    Ok(circles.len() + upward + mutual.len() + long.len() + open.len())
}

/// Safe functions that take pointers and only keep or prefetch them.
const KEEPERS: [(&str, &str); 3] =
    [("gemm/ahead.rs", "new"), ("gemm/micro.rs", "edge"), ("conv/kernels/copies.rs", "fetch")];

/// Functions that are handed a pointer and are not unsafe.
fn open_doors(all: &Crate, folder: &str) -> Vec<String> {
    let mut problems = Vec::new();
    for (file, tokens) in all.files.iter().zip(&all.tokens) {
        for name in functions::safe_with_pointers(tokens) {
            if !KEEPERS.contains(&(file.as_str(), name.as_str())) {
                problems.push(format!("{folder}/{file}: `{name}` takes a pointer and is not unsafe"));
            }
        }
    }
    problems
}

/// Long functions without a reason, and reasons without a long function.
fn long_functions(all: &Crate, folder: &str, reasons: &str) -> Vec<String> {
    let mut listed: BTreeSet<(String, String)> = BTreeSet::new();
    let mut problems = Vec::new();
    for line in reasons.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty()) {
        let mut words = line.split_whitespace();
        match (words.next(), words.next(), words.next()) {
            (Some(path), Some(name), Some(_)) => {
                if path.starts_with(&format!("{folder}/")) {
                    listed.insert((path.to_owned(), name.to_owned()));
                }
            }
            _ => problems.push(format!("{REASONS}: `{line}` is not PATH NAME REASON")),
        }
    }
    let mut found = BTreeSet::new();
    for (file, tokens) in all.files.iter().zip(&all.tokens) {
        for (name, lines) in functions::functions(tokens).into_iter().filter(|(_, lines)| *lines > LINES) {
            let key = (format!("{folder}/{file}"), name);
            if !listed.contains(&key) {
                problems.push(format!("a function of {lines} lines: {} {}", key.0, key.1));
            }
            found.insert(key);
        }
    }
    let stale =
        listed.difference(&found).map(|(path, name)| format!("{REASONS}: {path} {name} is not long, or not there"));
    problems.extend(stale);
    problems
}

/// Every Rust file beneath a folder, by its path from there.
fn sources(folder: &Path) -> Result<Vec<(String, String)>, String> {
    let mut waiting = vec![folder.to_path_buf()];
    let mut found = Vec::new();
    let failed = |path: &Path, error: std::io::Error| format!("{}: {error}", path.display());
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            let entries = std::fs::read_dir(&path).map_err(|error| failed(&path, error))?;
            let entries: Result<Vec<PathBuf>, _> = entries.map(|entry| entry.map(|entry| entry.path())).collect();
            waiting.extend(entries.map_err(|error| failed(&path, error))?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).map_err(|error| failed(&path, error))?;
            let inside = path.strip_prefix(folder).unwrap_or(&path);
            let words: Vec<_> = inside.iter().map(|word| word.to_string_lossy()).collect();
            found.push((words.join("/"), text));
        }
    }
    if found.is_empty() { Err(format!("{}: no Rust files there", folder.display())) } else { Ok(found) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_function_needs_a_reason_and_a_reason_a_long_function() {
        let body = "    x();\n".repeat(LINES + 1);
        let text = format!("fn long() {{\n{body}}}\nfn short() {{\n}}\n");
        let all = Crate::read(vec![("a.rs".into(), text)]);
        assert_eq!(long_functions(&all, "e/src", ""), ["a function of 61 lines: e/src/a.rs long"]);
        assert!(
            long_functions(&all, "e/src", "# why\ne/src/a.rs long It is a table.\nother/src/b.rs x Why.").is_empty()
        );
        let problems = long_functions(&all, "e/src", "e/src/a.rs long\ne/src/a.rs short Why.").join("\n");
        assert!(problems.contains("not PATH NAME REASON") && problems.contains("short is not long"), "{problems}");
    }
}
