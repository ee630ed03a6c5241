//! Which of a file's named arrays are samples and which are labels, for `.npz` and `.safetensors` alike.
//!
//! By the names that the world's files have: `x_train`, `y_train`, `x_test`, `y_test` and their kin make two parts; `x`,
//! `data`, `images`, `features` or `arr_0` with `y`, `labels`, `target` or `arr_1` make one; an only array is the
//! samples whatever its name. Case does not count. What is left aside is said.

use super::array::Array;
use crate::data::{Dataset, Part};
use crate::error::{Error, Result};

/// Samples and labels of one part, in the order in which they are looked for.
const WHOLE: [(&str, &[&str]); 6] = [
    ("x", LABELS),
    ("data", LABELS),
    ("images", LABELS),
    ("features", LABELS),
    ("samples", LABELS),
    ("arr_0", &["arr_1"]),
];
const LABELS: &[&str] = &["y", "labels", "label", "targets", "target"];
const TRAIN: [(&str, &[&str]); 3] =
    [("x_train", &["y_train"]), ("train_images", &["train_labels"]), ("train_data", &["train_labels"])];
const TEST: [(&str, &[&str]); 3] =
    [("x_test", &["y_test"]), ("test_images", &["test_labels"]), ("test_data", &["test_labels"])];
/// What classes are called: an array of words.
const CLASS_NAMES: [&str; 3] = ["class_names", "target_names", "label_names"];
/// Names that a message gives of many.
const SHOWN: usize = 8;

/// The arrays of a part.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Chosen<'a> {
    samples: &'a str,
    labels: Option<&'a str>,
    /// The labels of the other part.
    other_labels: Option<&'a str>,
    class_names: Option<&'a str>,
}

/// Whether a file with these arrays has a test part.
pub(super) fn has_test(names: &[String]) -> bool {
    pair(names, &TEST).is_some()
}

/// The arrays of `part`; `None` if that is a test part and there is none.
///
/// # Errors
/// Names of which none is known, unless it is the only one.
pub(super) fn choose<'a>(names: &'a [String], part: Part, origin: &str) -> Result<Option<Chosen<'a>>> {
    let (train, test) = (pair(names, &TRAIN), pair(names, &TEST));
    let (own, other) = match part {
        Part::Test if test.is_none() => return Ok(None),
        Part::Test => (test, train),
        Part::Train => (train, test),
    };
    let own = own.or_else(|| pair(names, &WHOLE)).or(match names {
        [only] => Some((only.as_str(), None)),
        _ => None,
    });
    let Some((samples, labels)) = own else {
        let shown: Vec<String> = names.iter().take(SHOWN).map(|name| format!("`{}`", plain(name))).collect();
        let more = if names.len() > SHOWN { format!(" and {} more", names.len() - SHOWN) } else { String::new() };
        let found = if names.is_empty() { "no arrays".to_owned() } else { shown.join(", ") + &more };
        return Err(Error::data(format!(
            "{origin} holds {found}; name the samples `x` and their labels `y`, or `x_train`, `y_train`, `x_test`, `y_test`"
        )));
    };
    let class_names = CLASS_NAMES.iter().find_map(|known| find(names, known));
    Ok(Some(Chosen { samples, labels, other_labels: other.and_then(|(_, labels)| labels), class_names }))
}

/// The first known pair whose samples are there, with its labels if these are.
fn pair<'a>(names: &'a [String], known: &[(&str, &[&str])]) -> Option<(&'a str, Option<&'a str>)> {
    known.iter().find_map(|(samples, labels)| {
        let labels = labels.iter().find_map(|labels| find(names, labels));
        find(names, samples).map(|samples| (samples, labels))
    })
}

fn find<'a>(names: &'a [String], known: &str) -> Option<&'a str> {
    names.iter().find(|name| name.eq_ignore_ascii_case(known)).map(String::as_str)
}

/// A name without what would break a line.
pub(super) fn plain(name: &str) -> String {
    name.chars().filter(|letter| !letter.is_control()).take(40).collect()
}

impl Chosen<'_> {
    /// The data, with `read` giving the array of a name.
    ///
    /// # Errors
    /// Those of `read`; arrays that are no samples or labels, or do not match.
    pub(super) fn dataset(&self, origin: &str, read: &mut dyn FnMut(&str) -> Result<Array>) -> Result<Dataset> {
        let place = |name: &str| format!("{origin}: `{}`", plain(name));
        let mut data = read(self.samples)?.dataset(&place(self.samples))?;
        if let Some(name) = self.labels {
            let labels = read(name)?.labels(&place(name))?;
            let other = match (labels.are_words(), self.other_labels) {
                (true, Some(other)) => Some(read(other)?.labels(&place(other))?),
                _ => None,
            };
            let numbered = !labels.are_words();
            data = labels.give_to(data, other)?;
            if let Some(name) = self.class_names.filter(|_| numbered)
                && let Some(words) = read(name)?.words()
            {
                data = named(data, words, &place(name))?;
            }
        }
        Ok(data)
    }

    /// The names that are not looked at.
    pub(super) fn note(&self, names: &[String], origin: &str) -> Option<String> {
        let known = |name: &String| {
            let name = name.as_str();
            let own = [Some(self.samples), self.labels, self.other_labels, self.class_names];
            let part = [TRAIN, TEST].concat();
            own.contains(&Some(name))
                || part.iter().any(|(samples, labels)| {
                    name.eq_ignore_ascii_case(samples) || labels.iter().any(|label| name.eq_ignore_ascii_case(label))
                })
        };
        let aside: Vec<String> =
            names.iter().filter(|name| !known(name)).map(|name| format!("`{}`", plain(name))).collect();
        let shown = aside.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
        (!aside.is_empty()).then(|| format!("{origin}: read `{}`, and left aside {shown}", plain(self.samples)))
    }
}

/// The data with names for its classes; too few are left aside, and said to be.
pub(super) fn named(data: Dataset, names: Vec<String>, place: &str) -> Result<Dataset> {
    if names.len() < data.classes() {
        let note = format!("{place}: {} names for {} classes are left aside", names.len(), data.classes());
        return Ok(data.with_note(note));
    }
    data.with_class_names(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    fn chosen(all: &[&str], part: Part) -> Option<(String, Option<String>)> {
        let names = names(all);
        choose(&names, part, "a").unwrap().map(|it| (it.samples.to_owned(), it.labels.map(str::to_owned)))
    }

    #[test]
    fn parts_and_names() {
        let pair = |a: &str, b: &str| Some((a.to_owned(), Some(b.to_owned())));
        let mnist = ["x_train", "y_train", "x_test", "y_test"];
        assert_eq!(chosen(&mnist, Part::Train), pair("x_train", "y_train"));
        assert_eq!(chosen(&mnist, Part::Test), pair("x_test", "y_test"));
        assert_eq!(chosen(&["Y", "X"], Part::Train), pair("X", "Y"));
        assert_eq!(chosen(&["Y", "X"], Part::Test), None);
        assert_eq!(chosen(&["arr_0", "arr_1"], Part::Train), pair("arr_0", "arr_1"));
        assert_eq!(chosen(&["target", "images", "data"], Part::Train), pair("data", "target"));
        assert_eq!(chosen(&["weights"], Part::Train), Some(("weights".into(), None)));
        assert_eq!(chosen(&["train_images", "test_images"], Part::Test), Some(("test_images".into(), None)));
    }

    #[test]
    fn unknown_names_are_said() {
        let names = names(&["a", "b\n", "c"]);
        let text = choose(&names, Part::Train, "f.npz").unwrap_err().to_string();
        assert!(text.starts_with("f.npz holds `a`, `b`, `c`; name the samples `x`"), "{text}");
        let all = self::names(&["x", "y", "extra"]);
        let chosen = choose(&all, Part::Train, "f").unwrap().unwrap();
        assert_eq!(chosen.note(&all, "f").unwrap(), "f: read `x`, and left aside `extra`");
    }
}
