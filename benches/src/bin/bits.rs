//! Holds a rewrite to the same bits: trains every network and model for a few steps and digests what it has learned.
//!
//! ```sh
//! cargo run --release -p narrows-benches --bin bits               # prints the digests of the backend in force
//! cargo run --release -p narrows-benches --bin bits -- --check    # compares them with benches/results/bits.txt
//! cargo run --release -p narrows-benches --bin bits -- --bless    # writes them there
//! ```
//!
//! `NARROWS_ISA` lowers the backend. The table has a line each, `NAME ISA DIGEST`, and comments that blessing keeps;
//! it holds the digests of all backends, of which one run knows its own only. Call it from the repository's root.

use narrows_benches::bits::{cases, two_threads};
use narrows_engine::Backend;
use std::collections::BTreeMap;
use std::process::ExitCode;

const TABLE: &str = "benches/results/bits.txt";

/// Digests by backend and name.
type Table = BTreeMap<(String, String), String>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mode = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => "",
        [mode @ ("--check" | "--bless")] => mode,
        _ => {
            eprintln!("give --check, --bless or nothing: see the head of benches/src/bin/bits.rs");
            return ExitCode::from(2);
        }
    };
    match run(mode) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problems) => {
            problems.iter().for_each(|problem| eprintln!("{problem}"));
            ExitCode::FAILURE
        }
    }
}

fn run(mode: &str) -> Result<(), Vec<String>> {
    let isa = Backend::current().name();
    if let Some(asked) = std::env::var("NARROWS_ISA").ok().filter(|asked| !asked.is_empty() && asked != isa) {
        return Err(vec![format!("NARROWS_ISA asks for {asked}, but {isa} would run")]);
    }
    let text = match mode {
        "" => String::new(),
        _ => std::fs::read_to_string(TABLE).map_err(|error| vec![format!("{TABLE}: {error}")])?,
    };
    let table = parse(&text).map_err(|problem| vec![problem])?;
    let (pool, mut found, mut problems) = (two_threads(), Table::new(), Vec::new());
    for case in cases() {
        match case.digest(&pool) {
            Ok(digest) => {
                println!("{} {isa} {:016x}", case.name, digest.value());
                found.insert((isa.to_owned(), case.name), format!("{:016x}", digest.value()));
            }
            Err(problem) => problems.push(format!("{} {isa}: {problem}", case.name)),
        }
    }
    match mode {
        "--check" => problems.extend(differences(&table, &found, isa)),
        "--bless" if problems.is_empty() => {
            std::fs::write(TABLE, blessed(&text, table, found, isa)).map_err(|e| vec![format!("{TABLE}: {e}")])?;
        }
        _ => {}
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

fn parse(text: &str) -> Result<Table, String> {
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    let entry = |line: &str| match line.split_whitespace().collect::<Vec<_>>()[..] {
        [name, isa, digest] => Ok(((isa.to_owned(), name.to_owned()), digest.to_owned())),
        _ => Err(format!("{TABLE}: `{line}` is not NAME ISA DIGEST")),
    };
    lines.map(entry).collect()
}

/// Every line of `isa` that differs, is missing in the table, or stands there without a network.
fn differences(table: &Table, found: &Table, isa: &str) -> Vec<String> {
    let own = |of: &Table| of.keys().filter(|key| key.0 == isa).cloned().collect::<Vec<_>>();
    let mut keys = own(table);
    keys.extend(own(found).into_iter().filter(|key| !table.contains_key(key)));
    let problem = |key: (String, String)| match (table.get(&key), found.get(&key)) {
        (Some(old), Some(new)) if old == new => None,
        (Some(old), Some(new)) => Some(format!("{} {isa}: {new}, the table has {old}", key.1)),
        (None, _) => Some(format!("{} {isa}: not in the table", key.1)),
        (_, None) => Some(format!("{} {isa}: in the table, but no digest was made", key.1)),
    };
    keys.into_iter().filter_map(problem).collect()
}

/// The table's text with the lines of `isa` replaced.
fn blessed(text: &str, mut table: Table, found: Table, isa: &str) -> String {
    table.retain(|key, _| key.0 != isa);
    table.extend(found);
    let comments = text.lines().filter(|line| line.starts_with('#')).map(|line| format!("{line}\n"));
    comments.chain(table.iter().map(|((isa, name), digest)| format!("{name} {isa} {digest}\n"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# Why.\nb avx2 02\na avx2 01\na portable 03\n";

    fn found(entries: &[(&str, &str)]) -> Table {
        entries.iter().map(|(name, digest)| (("avx2".to_owned(), (*name).to_owned()), (*digest).to_owned())).collect()
    }

    #[test]
    fn what_differs_is_named() {
        let table = parse(TEXT).unwrap();
        assert!(differences(&table, &found(&[("a", "01"), ("b", "02")]), "avx2").is_empty());
        let problems = differences(&table, &found(&[("a", "09"), ("c", "02")]), "avx2").join("\n");
        assert!(problems.contains("a avx2: 09, the table has 01"), "{problems}");
        assert!(problems.contains("b avx2: in the table") && problems.contains("c avx2: not in the table"));
        assert!(parse("a avx2").is_err());
    }

    #[test]
    fn blessing_leaves_the_other_backends_and_the_comments() {
        let table = parse(TEXT).unwrap();
        let text = blessed(TEXT, table, found(&[("a", "07")]), "avx2");
        assert_eq!(text, "# Why.\na avx2 07\na portable 03\n");
    }
}
