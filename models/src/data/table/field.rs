//! One field: missing, a number, or a word.

use std::borrow::Cow;

/// What says that a value is missing, beside nothing at all; letters of any size.
const MISSING: [&[u8]; 8] = [b"na", b"n/a", b"nan", b"null", b"none", b"?", b"<null>", b"<na>"];
/// Words for no and yes.
const TRUTHS: [(&str, &str); 4] = [("false", "true"), ("no", "yes"), ("f", "t"), ("n", "y")];

/// A field without blanks and quotes around it.
#[inline]
pub(super) fn plain(field: &[u8]) -> Cow<'_, [u8]> {
    let field = field.trim_ascii();
    match field {
        [b'"', inner @ .., b'"'] => {
            if inner.windows(2).any(|pair| pair == b"\"\"") {
                let mut out = Vec::with_capacity(inner.len());
                let mut quote = false;
                for &byte in inner {
                    if byte == b'"' && !quote {
                        quote = true;
                        continue;
                    }
                    quote = false;
                    out.push(byte);
                }
                return Cow::Owned(out.trim_ascii().to_vec());
            }
            Cow::Borrowed(inner.trim_ascii())
        }
        _ => Cow::Borrowed(field),
    }
}

/// Whether it says that there is no value.
#[inline]
pub(super) fn is_missing(field: &[u8]) -> bool {
    field.is_empty()
        || (field.len() <= 6
            && matches!(field[0], b'n' | b'N' | b'?' | b'<')
            && MISSING.iter().any(|word| field.eq_ignore_ascii_case(word)))
}

/// The number that it is, if it is a finite one.
#[inline]
pub(super) fn number(field: &[u8], decimal: u8) -> Option<f64> {
    let field = field.strip_prefix(b"+").unwrap_or(field);
    let parsed = if decimal == b',' && field.contains(&b',') {
        let mut buffer = [0u8; 64];
        let place = buffer.get_mut(..field.len())?;
        place.copy_from_slice(field);
        if place.contains(&b'.') {
            return None;
        }
        place.iter_mut().filter(|byte| **byte == b',').for_each(|byte| *byte = b'.');
        fast_float2::parse::<f64, _>(&*place)
    } else {
        fast_float2::parse::<f64, _>(field)
    };
    parsed.ok().filter(|x| x.is_finite())
}

/// The words for no and yes that all of `words` are among, in small letters.
pub(super) fn truths<'a>(words: impl Iterator<Item = &'a str> + Clone) -> Option<(&'static str, &'static str)> {
    TRUTHS.into_iter().find(|(no, yes)| {
        let fits = |word: &str| word.eq_ignore_ascii_case(no) || word.eq_ignore_ascii_case(yes);
        words.clone().next().is_some() && words.clone().all(fits)
    })
}

/// A field as text, for messages and levels.
pub(super) fn text(field: &[u8]) -> String {
    String::from_utf8_lossy(field).into_owned()
}

/// Text without ends of lines and other control characters, for names and messages.
pub(super) fn one_line(text: String) -> String {
    if text.chars().any(char::is_control) { text.replace(char::is_control, " ") } else { text }
}

/// A field as text of at most 40 letters, for messages.
pub(super) fn short(field: &[u8]) -> String {
    let text = one_line(text(field));
    match text.char_indices().nth(40) {
        Some((at, _)) => format!("{}...", &text[..at]),
        None => text,
    }
}
