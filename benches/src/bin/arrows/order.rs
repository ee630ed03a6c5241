//! The order of a crate's folders, and what goes against it: circles of files, arrows that point up, folders that
//! import each other.

use crate::imports::Arrows;
use crate::modules::Crate;
use std::collections::BTreeSet;

/// A folder, or one file of it, and the folders that it may import.
type Rule = (&'static str, &'static [&'static str]);

/// The engine's: `ops -> tape, conv, gemm; conv -> gemm -> simd -> base; optim -> simd`. The tape speaks of its
/// operations' slices (simd) and noise (random); its trait `Real` alone brings the kernels of conv and gemm together.
/// An optimiser takes the ranges of its parameters from a plan.
const ENGINE: &[Rule] = &[
    ("base", &[]),
    ("simd", &["base"]),
    ("gemm", &["simd", "base"]),
    ("conv", &["gemm", "simd", "base"]),
    ("random", &["simd", "base"]),
    ("scan", &["gemm", "simd", "base"]),
    ("tape/real.rs", &["conv", "gemm", "random", "simd", "base"]),
    ("tape", &["random", "simd", "base"]),
    ("ops", &["tape", "conv", "gemm", "random", "simd", "base"]),
    ("optim", &["tape", "simd", "base"]),
    ("profile", &["tape", "ops", "base"]),
];

/// What every file of the models may import.
const WORDS: [&str; 4] = ["error.rs", "suggest.rs", "figure.rs", "files.rs"];

/// The models': `cli -> runs -> applications, training, metrics, report -> model -> autoencoders -> bodies, objective ->
/// nn -> settings; model -> data, linalg`. Training and metrics do not know each other: `runs` and `applications` bring
/// them together.
const MODELS: &[Rule] = &[
    ("error.rs", &[]),
    ("suggest.rs", &[]),
    ("figure.rs", &[]),
    ("files.rs", &[]),
    ("tensors.rs", &[]),
    ("settings", &[]),
    ("data", &["settings"]),
    ("linalg", &["data"]),
    ("nn", &["settings"]),
    ("bodies", &["nn", "data", "settings"]),
    ("objective", &["nn", "data", "settings"]),
    ("autoencoders", &["bodies", "objective", "linalg", "nn", "data", "settings"]),
    ("model", &["autoencoders", "objective", "nn", "data", "settings", "tensors.rs"]),
    ("training", &["model", "autoencoders", "objective", "nn", "data", "settings", "tensors.rs"]),
    ("metrics", &["model", "autoencoders", "objective", "linalg", "nn", "data"]),
    ("report", &["data"]),
    ("applications", &["metrics", "report", "model", "linalg", "data", "tensors.rs"]),
    ("presets", &["training"]),
    (
        "runs",
        &[
            "applications",
            "training",
            "metrics",
            "report",
            "model",
            "autoencoders",
            "objective",
            "linalg",
            "data",
            "settings",
            "tensors.rs",
        ],
    ),
    (
        "cli",
        &[
            "runs",
            "presets",
            "applications",
            "training",
            "metrics",
            "model",
            "autoencoders",
            "objective",
            "data",
            "settings",
        ],
    ),
    ("main.rs", &["cli"]),
    ("guides", &[]),
];

/// The order of the crate in `folder`; none where nothing is stated, and then no arrow points up.
pub(crate) fn rules(folder: &str) -> &'static [Rule] {
    match folder.trim_end_matches('/') {
        folder if folder.ends_with("engine/src") => ENGINE,
        folder if folder.ends_with("models/src") => MODELS,
        _ => &[],
    }
}

/// Why an import is against the order.
pub(crate) fn against(rules: &[Rule], from: &str, to: &str) -> Option<String> {
    let (own, other) = (top(from), top(to));
    // A macro that is exported has its path at the root, wherever it stands.
    if rules.is_empty() || own == other || from == "lib.rs" || to == "lib.rs" {
        return None;
    }
    let stands = |folder: &str| rules.iter().any(|(known, _)| *known == folder);
    if let Some(unknown) = [own, other].into_iter().find(|folder| !stands(folder)) {
        return Some(format!("{unknown} has no place in the order"));
    }
    let rule = rules.iter().find(|(known, _)| *known == from).or_else(|| rules.iter().find(|(known, _)| *known == own));
    let may = WORDS.contains(&other) || rule.is_some_and(|(_, allowed)| allowed.contains(&other));
    (!may).then(|| format!("{own} may not import {other}"))
}

/// The first folder of a path, or the file beside the folders.
fn top(path: &str) -> &str {
    path.split('/').next().unwrap_or(path)
}

/// The files of every circle: each reaches all others.
pub(crate) fn circles(all: &Crate, arrows: &Arrows) -> Vec<BTreeSet<usize>> {
    let reached: Vec<BTreeSet<usize>> = (0..all.files.len()).map(|file| reach(file, arrows)).collect();
    let of = |file: usize| -> BTreeSet<usize> {
        reached[file].iter().copied().filter(|&other| reached[other].contains(&file)).collect()
    };
    let circles: BTreeSet<BTreeSet<usize>> = (0..all.files.len()).map(of).filter(|circle| circle.len() > 1).collect();
    circles.into_iter().collect()
}

/// What a file imports, and what that imports, and so on.
fn reach(file: usize, arrows: &Arrows) -> BTreeSet<usize> {
    let (mut reached, mut waiting) = (BTreeSet::new(), vec![file]);
    while let Some(from) = waiting.pop() {
        let next = arrows.range((from, 0)..=(from, usize::MAX)).map(|((_, to), _)| *to);
        waiting.extend(next.filter(|&to| reached.insert(to)));
    }
    reached
}

/// Folders beside each other of which each has a file that imports one of the other.
pub(crate) fn mutual_folders(all: &Crate, arrows: &Arrows) -> Vec<(String, String)> {
    let pairs: BTreeSet<(String, String)> =
        arrows.keys().filter_map(|&(from, to)| siblings(&all.files[from], &all.files[to])).collect();
    pairs.iter().filter(|(a, b)| a < b && pairs.contains(&(b.clone(), a.clone()))).cloned().collect()
}

/// The folders beside each other in which two files stand, if neither stands above.
fn siblings(from: &str, to: &str) -> Option<(String, String)> {
    let (from, to): (Vec<&str>, Vec<&str>) = (from.split('/').collect(), to.split('/').collect());
    let same = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let are_folders = same + 1 < from.len() && same + 1 < to.len();
    are_folders.then(|| (from[..=same].join("/"), to[..=same].join("/")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imports::arrows;

    #[test]
    fn arrows_point_one_way() {
        let rules = rules("x/engine/src/");
        assert_eq!(against(rules, "conv/passes.rs", "gemm/mod.rs"), None);
        assert_eq!(against(rules, "gemm/a.rs", "gemm/b.rs"), None);
        assert_eq!(against(rules, "tape/real.rs", "conv/mod.rs"), None);
        assert!(
            against(rules, "tape/plan.rs", "conv/mod.rs").is_some_and(|why| why.contains("tape may not import conv"))
        );
        assert!(against(rules, "base/error.rs", "simd/mod.rs").is_some());
        assert!(against(rules, "simd/mod.rs", "parallel.rs").is_some_and(|why| why.contains("no place")));
    }

    #[test]
    fn circles_and_folders_that_import_each_other() {
        let sources = [
            ("lib.rs", "mod a; mod b;"),
            ("a/mod.rs", "pub mod x; pub mod y; pub mod z;"),
            ("a/x.rs", "use super::y::Y; pub struct X;"),
            ("a/y.rs", "use super::x::X; use crate::b::w::W; pub struct Y;"),
            ("a/z.rs", "pub struct Z;"),
            ("b/mod.rs", "pub mod w;"),
            ("b/w.rs", "use crate::a::z::Z; pub struct W;"),
        ];
        let all = Crate::read(sources.map(|(path, text)| (path.to_owned(), text.to_owned())).into());
        let arrows = arrows(&all);
        let circles = circles(&all, &arrows);
        let names: Vec<Vec<&str>> =
            circles.iter().map(|circle| circle.iter().map(|&file| all.files[file].as_str()).collect()).collect();
        assert_eq!(names, [["a/x.rs", "a/y.rs"]]);
        assert_eq!(mutual_folders(&all, &arrows), [("a".to_owned(), "b".to_owned())]);
    }
}
