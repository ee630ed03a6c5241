//! "Did you mean": the nearest known word to one that is not known.
//!
//! A suggestion must be close or there is none: a wrong one costs a user more than none does. Close is a third of the
//! word's letters to change (Damerau-Levenshtein, so that a swap counts once), or a Jaro-Winkler similarity of 0.9,
//! which finds words of which only the beginning was given.

use strsim::{damerau_levenshtein, jaro_winkler};

/// Longer words are not compared: the comparison takes time in proportion to both lengths.
const LONGEST: usize = 64;

/// The word of `known` nearest to `word`, if one is near. Case is ignored, and `_` is the same as `-`.
pub fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    if word.is_empty() || word.chars().nth(LONGEST).is_some() {
        return None;
    }
    let plain = |word: &str| word.to_lowercase().replace('_', "-");
    let word = plain(word);
    let bound = (word.chars().count() / 3).max(1);
    let close = known.iter().filter_map(|&candidate| {
        let (changes, likeness) =
            (damerau_levenshtein(&word, &plain(candidate)), jaro_winkler(&word, &plain(candidate)));
        (changes <= bound && likeness > 0.0 || likeness >= 0.9).then_some((candidate, likeness))
    });
    // The first of equals, so that the answer follows the order of `known`.
    let best = close.reduce(|best, next| if next.1 > best.1 { next } else { best });
    best.map(|(candidate, _)| candidate)
}

/// `": did you mean `WORD`?"` for the [`nearest`] known word, or nothing: the middle of an error's line.
pub fn did_you_mean(word: &str, known: &[&str]) -> String {
    nearest(word, known).map(|known| format!(": did you mean `{known}`?")).unwrap_or_default()
}

/// The line for a word of a set that is not known: `unknown WHAT `WORD`; known: ..`, with the nearest one.
pub fn unknown(what: &str, word: &str, known: &[&str]) -> String {
    format!("unknown {what} `{word}`{}; known: {}", did_you_mean(word, known), known.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: &[&str] =
        &["hidden", "code", "activation", "loss", "epochs", "batch", "lr", "optimizer", "weight-decay"];

    #[test]
    fn finds_slips_swaps_and_beginnings() {
        for (word, known) in [
            ("hiden", "hidden"),
            ("epcohs", "epochs"),
            ("optimiser", "optimizer"),
            ("Weight_Decay", "weight-decay"),
            ("activ", "activation"),
            ("lt", "lr"),
            ("los", "loss"),
        ] {
            assert_eq!(nearest(word, KEYS), Some(known), "{word}");
        }
        assert_eq!(did_you_mean("hiden", KEYS), ": did you mean `hidden`?");
    }

    #[test]
    fn stays_silent_when_far() {
        for word in ["", "zebra", "x", "temperature", &"hidden".repeat(1000)] {
            assert_eq!(nearest(word, KEYS), None, "{word}");
        }
        assert_eq!(nearest("hidden", &[]), None);
        assert_eq!(did_you_mean("zebra", KEYS), "");
    }
}
