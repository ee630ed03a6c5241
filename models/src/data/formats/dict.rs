//! The header of an `.npy` file: a Python dict of three entries, read and written.
//!
//! `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`, its keys in any order. Nothing else of Python is read.

use super::element::Element;
use crate::error::{Error, Result};

/// The most dimensions an array may have.
const MAX_DIMENSIONS: usize = 8;
/// The longest word, in letters.
const MAX_LETTERS: usize = 1 << 12;
/// What a header's length is a multiple of, with the 10 bytes before it.
const ALIGNMENT: usize = 64;
/// The length of headers that are written, with the 10 bytes before them.
pub(super) const WRITTEN: usize = 192;
/// How a file begins.
pub(super) const MAGIC: &[u8; 6] = b"\x93NUMPY";

/// What a header says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) of: Type,
    /// Whether the first dimension varies fastest.
    pub(super) fortran: bool,
    pub(super) shape: Vec<usize>,
}

/// The type of the elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    /// Numbers; `big` says that the first byte of each is its greatest.
    Numbers { element: Element, big: bool },
    /// Words of so many letters, of 4 bytes (`wide`) or 1 each.
    Words { letters: usize, wide: bool, big: bool },
}

impl Type {
    /// The size of an element in bytes.
    pub(super) fn size(self) -> usize {
        match self {
            Self::Numbers { element, .. } => element.size(),
            Self::Words { letters, wide: true, .. } => letters.saturating_mul(4),
            Self::Words { letters, .. } => letters,
        }
    }
}

/// Reads the text of a header.
pub(super) fn parse(text: &[u8], origin: &str) -> Result<Header> {
    let nonsense =
        || Error::data(format!("{origin}: its header is not that of an .npy file; save it again with numpy.save"));
    let mut text = Text { rest: std::str::from_utf8(text).map_err(|_| nonsense())? };
    let (mut of, mut fortran, mut shape) = (None, None, None);
    text.take('{').ok_or_else(nonsense)?;
    while text.take('}').is_none() {
        let key = text.string().ok_or_else(nonsense)?;
        text.take(':').ok_or_else(nonsense)?;
        match key {
            "descr" if of.is_none() => of = Some(text.of(origin)?.ok_or_else(nonsense)?),
            "fortran_order" if fortran.is_none() => fortran = Some(text.truth().ok_or_else(nonsense)?),
            "shape" if shape.is_none() => shape = Some(text.shape().ok_or_else(nonsense)?),
            _ => return Err(nonsense()),
        }
        if text.take(',').is_none() {
            text.take('}').ok_or_else(nonsense)?;
            break;
        }
    }
    match (of, fortran, shape) {
        (Some(of), Some(fortran), Some(shape)) if text.rest.trim().is_empty() => {
            if shape.len() > MAX_DIMENSIONS {
                let found = shape.len();
                return Err(Error::data(format!("{origin} has {found} dimensions where at most 4 are samples")));
            }
            Ok(Header { of, fortran, shape })
        }
        _ => Err(nonsense()),
    }
}

/// Text that is read from its beginning.
struct Text<'a> {
    rest: &'a str,
}

impl<'a> Text<'a> {
    fn take(&mut self, sign: char) -> Option<()> {
        self.rest = self.rest.trim_start().strip_prefix(sign)?;
        Some(())
    }

    /// Text in quotes of either kind, with no escapes.
    fn string(&mut self) -> Option<&'a str> {
        let rest = self.rest.trim_start();
        let quote = rest.chars().next().filter(|first| matches!(first, '\'' | '"'))?;
        let (string, rest) = rest.strip_prefix(quote)?.split_once(quote)?;
        self.rest = rest;
        Some(string)
    }

    fn truth(&mut self) -> Option<bool> {
        let rest = self.rest.trim_start();
        let (rest, value) = match (rest.strip_prefix("True"), rest.strip_prefix("False")) {
            (Some(rest), _) => (rest, true),
            (_, rest) => (rest?, false),
        };
        self.rest = rest;
        Some(value)
    }

    /// `(3, 4)`, `(3,)` or `()`; Python 2 wrote `3L`.
    fn shape(&mut self) -> Option<Vec<usize>> {
        let mut sizes = Vec::new();
        self.take('(')?;
        while self.take(')').is_none() {
            let rest = self.rest.trim_start();
            let end = rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(rest.len());
            let (digits, rest) = rest.split_at(end);
            sizes.push(digits.parse().ok()?);
            self.rest = rest.strip_prefix('L').unwrap_or(rest);
            if self.take(',').is_none() {
                self.take(')')?;
                break;
            }
        }
        Some(sizes)
    }

    /// The type, `None` for what is no text of a type at all.
    fn of(&mut self, origin: &str) -> Result<Option<Type>> {
        if self.rest.trim_start().starts_with('[') {
            return Err(Error::data(format!("{origin} holds records; give an array of plain numbers")));
        }
        let Some(text) = self.string() else { return Ok(None) };
        let (plain, big) = match text.strip_prefix('>') {
            Some(plain) => (plain, true),
            None => (text.strip_prefix(['<', '=', '|']).unwrap_or(text), false),
        };
        let element = match plain {
            "b1" | "?" => Element::Bool,
            "u1" => Element::U8,
            "i1" => Element::I8,
            "u2" => Element::U16,
            "i2" => Element::I16,
            "u4" => Element::U32,
            "i4" => Element::I32,
            "u8" => Element::U64,
            "i8" => Element::I64,
            "f2" => Element::F16,
            "f4" => Element::F32,
            "f8" => Element::F64,
            _ => return words(plain, big).map(Some).ok_or_else(|| refused(text, origin)),
        };
        Ok(Some(Type::Numbers { element, big }))
    }
}

fn words(plain: &str, big: bool) -> Option<Type> {
    let (letters, wide) = match (plain.strip_prefix('U'), plain.strip_prefix('S')) {
        (Some(letters), _) => (letters, true),
        (_, letters) => (letters?, false),
    };
    let letters = letters.parse().ok().filter(|letters| (1..=MAX_LETTERS).contains(letters))?;
    Some(Type::Words { letters, wide, big })
}

fn refused(text: &str, origin: &str) -> Error {
    let text: String = text.chars().filter(|letter| !letter.is_control()).take(20).collect();
    let why = if text.contains('O') { ", which are Python's own" } else { "" };
    Error::data(format!(
        "{origin} holds elements of the type `{text}`{why}; save it as float32, float64, uint8 or another plain number"
    ))
}

/// The whole header of an array in the order of C, magic number and all: [`WRITTEN`] bytes, whatever the shape, so that
/// it can be written again when the number of rows is known.
pub(super) fn written(descr: &str, shape: &[usize]) -> Vec<u8> {
    let sizes: Vec<String> = shape.iter().map(usize::to_string).collect();
    let comma = if shape.len() == 1 { "," } else { "" };
    let mut text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({}{comma}), }}", sizes.join(", "));
    const { assert!(WRITTEN.is_multiple_of(ALIGNMENT)) };
    let room = WRITTEN - 11;
    text.extend(std::iter::repeat_n(' ', room.saturating_sub(text.len())));
    text.push('\n');
    let mut header = MAGIC.to_vec();
    header.extend([1, 0]);
    header.extend(u16::try_from(text.len()).unwrap_or(u16::MAX).to_le_bytes());
    header.extend(text.as_bytes());
    header
}
