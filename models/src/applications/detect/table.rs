//! What was judged, as CSV: a header and a line for each row, for a file or a stream.

use super::judge::Judgement;
use super::names::FeatureNames;
use std::fmt::Write;

/// Features that a line names.
const NAMED: usize = 3;

/// The header, with its end of line: row, score, p_value, anomaly, then the three features that add most to the score,
/// what the model expected of them and what was seen; `label` at the end where rows have labels.
pub fn header(labelled: bool) -> String {
    let mut text = String::from("row,score,p_value,anomaly");
    for name in ["feature", "expected", "seen"] {
        (1..=NAMED).for_each(|place| push(&mut text, format_args!(",{name}{place}")));
    }
    text.push_str(if labelled { ",label\n" } else { "\n" });
    text
}

/// The header of lines without features.
pub(super) fn brief_header() -> String {
    "row,score,p_value,anomaly\n".into()
}

/// Appends a line without features.
pub(super) fn brief(text: &mut String, row: u64, score: f64, p_value: Option<f64>, anomaly: bool) {
    push(text, format_args!("{row},"));
    number(text, score);
    text.push(',');
    if let Some(p_value) = p_value {
        // Seven digits are more than a few hundred training scores can tell.
        number(text, f64::from(p_value as f32));
    }
    text.push_str(if anomaly { ",1\n" } else { ",0\n" });
}

/// Appends the line of row number `row`. What is not known stays empty; numbers have as many digits as bring them back.
pub fn line(text: &mut String, row: u64, judgement: &Judgement, names: &FeatureNames, label: Option<&str>) {
    let Judgement { score, anomaly, p_value, .. } = *judgement;
    push(text, format_args!("{row},"));
    number(text, score);
    text.push(',');
    if let Some(p_value) = p_value {
        push(text, format_args!("{p_value}"));
    }
    push(text, format_args!(",{}", u8::from(anomaly)));
    let most = judgement.contributions();
    for place in 0..NAMED {
        text.push(',');
        if let Some(one) = most.get(place) {
            quoted(text, &names.name(one.feature));
        }
    }
    for place in 0..NAMED {
        text.push(',');
        number(text, most.get(place).map_or(f64::NAN, |one| f64::from(one.expected)));
    }
    for place in 0..NAMED {
        text.push(',');
        number(text, most.get(place).map_or(f64::NAN, |one| one.seen));
    }
    if let Some(label) = label {
        text.push(',');
        quoted(text, label);
    }
    text.push('\n');
}

/// A number, in f32's fewer digits where it is one; nothing for a missing one.
fn number(text: &mut String, value: f64) {
    let narrow = value as f32;
    if value.is_nan() {
        return;
    }
    let mut buffer = zmij::Buffer::new();
    let digits = if f64::from(narrow) == value { buffer.format(narrow) } else { buffer.format(value) };
    text.push_str(digits.strip_suffix(".0").unwrap_or(digits));
}

/// A field in quotes where it needs them (RFC 4180).
fn quoted(text: &mut String, field: &str) {
    if field.contains(['"', ',', '\n', '\r']) {
        text.push('"');
        text.push_str(&field.replace('"', "\"\""));
        text.push('"');
    } else {
        text.push_str(field);
    }
}

/// Writing to a string never fails.
fn push(text: &mut String, what: std::fmt::Arguments<'_>) {
    let _ = text.write_fmt(what);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_in_the_order_of_the_header() {
        assert_eq!(
            header(true),
            "row,score,p_value,anomaly,feature1,feature2,feature3,expected1,expected2,expected3,seen1,seen2,seen3,label\n"
        );
        let mut text = String::new();
        let mut judgement = Judgement::default();
        (judgement.score, judgement.anomaly, judgement.p_value) = (0.1, true, Some(0.25));
        line(&mut text, 7, &judgement, &FeatureNames::default(), Some("a, \"b\""));
        line(&mut text, 8, &Judgement::default(), &FeatureNames::default(), None);
        assert_eq!(text, "7,0.1,0.25,1,,,,,,,,,,\"a, \"\"b\"\"\"\n8,0,,0,,,,,,,,,\n");
        assert_eq!(text.lines().last().unwrap().split(',').count(), header(false).split(',').count());
    }

    #[test]
    fn numbers_come_back() {
        let mut text = String::new();
        for value in [f64::from(0.1f32), 0.1, f64::NAN, 3.0, 1e300] {
            text.clear();
            number(&mut text, value);
            assert!(text.parse().map_or(value.is_nan(), |back: f64| back == value || back as f32 == value as f32));
        }
    }
}
