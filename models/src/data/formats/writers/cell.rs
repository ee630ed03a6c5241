//! A value as text.
//!
//! A number is the shortest text that reads back the same, in f32 where an f32 holds it (most come out of models that
//! compute in it), else in f64. Classes are their words, and `?` for the number after the last, which stands for all that
//! were not seen in training; a number that is none of these stays a number.

use crate::data::{Column, ColumnKind};

/// Writes a value of `column`; nothing of one that is missing.
pub(super) fn put(value: f64, column: Option<&Column>, out: &mut Vec<u8>) {
    match column.filter(|column| column.kind != ColumnKind::Numeric) {
        _ if value.is_nan() => {}
        None => number(value, out),
        Some(column) => match word(value, column) {
            Some(word) => out.extend_from_slice(word.as_bytes()),
            None => number(value, out),
        },
    }
}

/// The word of a class; `None` where there is none for this number.
fn word(value: f64, column: &Column) -> Option<&str> {
    let levels = &column.levels;
    if value.fract() != 0.0 || value < 0.0 || value > levels.len() as f64 || levels.is_empty() {
        return None;
    }
    match levels.get(value as usize) {
        Some(level) => Some(level),
        None if column.kind == ColumnKind::Categorical => Some("?"),
        None => None,
    }
}

/// The shortest text of a number.
fn number(value: f64, out: &mut Vec<u8>) {
    let mut buffer = zmij::Buffer::new();
    let single = value as f32;
    // The shortest text of a large f32 may be another whole number.
    let text = match f64::from(single) == value && value.fract() != 0.0 {
        true => buffer.format(single),
        false => buffer.format(value),
    };
    out.extend_from_slice(text.strip_suffix(".0").unwrap_or(text).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_read_back() {
        let text = |value: f64| {
            let mut out = Vec::new();
            number(value, &mut out);
            String::from_utf8(out).unwrap()
        };
        for (value, expected) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (3.0, "3"),
            (-17.0, "-17"),
            (0.1, "0.1"),
            (f64::from(0.1_f32), "0.1"),
            (2.5, "2.5"),
        ] {
            assert_eq!(text(value), expected);
        }
        for value in [1e300, 1.0 / 3.0, 5e-324, 123_456_789.123, 1e15, 2f64.powi(60), f64::INFINITY] {
            assert_eq!(text(value).parse::<f64>().unwrap(), value, "{}", text(value));
        }
        let single = 1.0_f32 / 3.0;
        assert_eq!(text(single.into()).parse::<f32>().unwrap(), single);
        assert_eq!(text(single.into()), "0.33333334");
    }

    #[test]
    fn classes_are_words() {
        let text = |value: f64, column: &Column| {
            let mut out = Vec::new();
            put(value, Some(column), &mut out);
            String::from_utf8(out).unwrap()
        };
        let levels = ["red".to_owned(), "green".to_owned()].to_vec();
        let colour = Column { name: "colour".into(), kind: ColumnKind::Categorical, levels: levels.clone() };
        assert_eq!(
            [0.0, 1.0, 2.0, 3.0, 0.5, -1.0, f64::NAN].map(|value| text(value, &colour)),
            ["red", "green", "?", "3", "0.5", "-1", ""]
        );
        let truth = Column { kind: ColumnKind::Boolean, ..colour };
        assert_eq!([0.0, 1.0, 2.0].map(|value| text(value, &truth)), ["red", "green", "2"]);
        let bare = Column { levels: Vec::new(), ..truth };
        assert_eq!(text(1.0, &bare), "1");
    }
}
