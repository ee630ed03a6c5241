//! The compressed file. All numbers have their lowest byte first; a varint has seven bits a byte, the lowest first.
//!
//! | bytes | what |
//! |---|---|
//! | 4 | `NRWC` |
//! | 1 | the version, 1 |
//! | 8 | the model's fingerprint, the low half of `Model::fingerprint` |
//! | 1 | what a code is: 0 numbers, 1 entries of a codebook, 2 entries with frequencies for each position |
//! | varint | rows |
//! | varint | codes of a row |
//! | varint | classes, 0 where there are no labels |
//! | varint | entries of the codebook; not for numbers |
//! | 4 to 8 a dimension | for numbers: the step (bfloat16), the deviation in steps (1 byte), the mean in eighths of a step (varint) |
//! | the rest | the codes, a stream of a range coder |
//! | 8 | XXH3 of all before |
//!
//! The tables are stored with each file, in place of in the model's, so that a model file never changes under its user's
//! hands and the model file alone decodes.

use super::counts::MOST_SYMBOLS;
use super::payload::{self, Content, Labels, MOST_APART};
use super::quantiser::Dimension;
use crate::data::{MAX_CLASSES, reserved};
use crate::{Error, Result};
use xxhash_rust::xxh3::xxh3_64;

const MAGIC: &[u8; 4] = b"NRWC";
const VERSION: u8 = 1;
const CHECKSUM: usize = 8;
/// The most codes of a row: as many as a model of 4 GiB could give.
const MOST_CODES: u64 = 1 << 30;

/// What a compressed file holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Packed {
    /// The fingerprint of the model that decodes it.
    pub model: u64,
    /// How many samples there are.
    pub rows: usize,
    /// The classes of the samples, of a model that takes them.
    pub labels: Option<Labels>,
    /// The codes.
    pub content: Content,
}

impl Packed {
    /// The file's bytes, and how many of them are codes.
    ///
    /// # Errors
    /// Codes and labels that are not of as many rows; more than the format can say; no memory.
    pub fn to_bytes(&self) -> Result<(Vec<u8>, usize)> {
        let codes = payload::write(&self.content, self.labels.as_ref())?;
        let room = 64usize.saturating_add(self.content.width().saturating_mul(16)).saturating_add(codes.len());
        let mut bytes = reserved(room, "a compressed file")?;
        bytes.extend(MAGIC);
        bytes.push(VERSION);
        bytes.extend(self.model.to_le_bytes());
        bytes.push(match self.content {
            Content::Numbers { .. } => 0,
            Content::Entries { apart: false, .. } => 1,
            Content::Entries { apart: true, .. } => 2,
        });
        let classes = self.labels.as_ref().map_or(0, |labels| labels.classes);
        [self.rows, self.content.width(), classes].iter().for_each(|&size| put(&mut bytes, size as u64));
        match &self.content {
            Content::Entries { entries, .. } => put(&mut bytes, *entries as u64),
            Content::Numbers { dimensions, .. } => dimensions.iter().for_each(|dimension| {
                let (step, centre, spread) = dimension.parts();
                bytes.extend(step.to_le_bytes());
                bytes.push(spread);
                // Small of either sign are small.
                put(&mut bytes, ((centre << 1) ^ (centre >> 63)) as u64);
            }),
        }
        bytes.extend(&codes);
        Ok((sealed(bytes), codes.len()))
    }

    /// Reads a file's bytes; `origin` names them in errors.
    ///
    /// # Errors
    /// No compressed file of this version; a damaged one, or one cut short; no memory.
    pub fn parse(bytes: &[u8], origin: &str) -> Result<Self> {
        let wrong = |what: &str| Error::data(format!("{origin}: {what}"));
        if !bytes.starts_with(MAGIC) && !MAGIC.starts_with(bytes) {
            return Err(wrong("it is no file of `narrows compress`; give one"));
        }
        match bytes.get(MAGIC.len()) {
            Some(&VERSION) => {}
            Some(version) => {
                let text = format!("it is of version {version}; this program reads version {VERSION}: compress again");
                return Err(wrong(&text));
            }
            None => return Err(wrong("it is cut short; copy it again")),
        }
        let (body, checksum) = bytes.split_at_checked(bytes.len().saturating_sub(CHECKSUM)).unwrap_or_default();
        if xxh3_64(body).to_le_bytes() != checksum {
            return Err(wrong("it is cut short or damaged; copy it again"));
        }
        let mut rest = body.get(MAGIC.len() + 1..).unwrap_or_default();
        Self::parse_body(&mut rest).map_err(|error| wrong(&error.to_string()))
    }

    /// What stands between the version and the checksum.
    fn parse_body(rest: &mut &[u8]) -> Result<Self> {
        let model = u64::from_le_bytes(take(rest)?);
        let [kind] = take(rest)?;
        let (rows, width) = (varint(rest)?, varint(rest)?);
        let classes = varint(rest)?;
        let fits = rows <= u64::from(u32::MAX) && (1..=MOST_CODES).contains(&width) && classes <= MAX_CLASSES.into();
        if !fits {
            return Err(Error::data(format!("{rows} rows of {width} codes, of {classes} classes, is no sound size")));
        }
        let (rows, width) = (rows as usize, width as usize);
        let mut content = match kind {
            0 => Content::Numbers { dimensions: dimensions(rest, width)?, values: Vec::new() },
            1 | 2 => {
                let entries = varint(rest)?.min(1 << 32) as usize;
                if entries > MOST_SYMBOLS || (kind == 2 && width.saturating_mul(entries) > MOST_APART) {
                    return Err(Error::data(format!("{width} entries of {entries} are more than it can hold")));
                }
                Content::Entries { entries, positions: width, apart: kind == 2, values: Vec::new() }
            }
            _ => return Err(Error::data(format!("codes of kind {kind} are none that this program knows"))),
        };
        let mut labels = (classes > 0).then(|| Labels { classes: classes as usize, values: Vec::new() });
        payload::read(rest, rows, &mut content, labels.as_mut())?;
        Ok(Self { model, rows, labels, content })
    }
}

/// Reads the table of numbers.
fn dimensions(rest: &mut &[u8], width: usize) -> Result<Vec<Dimension>> {
    // Each takes four bytes at least: checked before memory is reserved.
    if width > rest.len() / 4 {
        return Err(cut());
    }
    let mut dimensions = reserved(width, "the steps of codes")?;
    for _ in 0..width {
        let (step, [spread]) = (u16::from_le_bytes(take(rest)?), take(rest)?);
        let centre = varint(rest)?;
        dimensions.push(Dimension::stored(step, (centre >> 1) as i64 ^ -((centre & 1) as i64), spread)?);
    }
    Ok(dimensions)
}

/// Bytes with their checksum.
pub fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
    let checksum = xxh3_64(&bytes);
    bytes.extend(checksum.to_le_bytes());
    bytes
}

fn cut() -> Error {
    Error::data("it ends too early")
}

fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N]> {
    let (taken, left) = rest.split_first_chunk().ok_or_else(cut)?;
    *rest = left;
    Ok(*taken)
}

fn put(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

fn varint(rest: &mut &[u8]) -> Result<u64> {
    let mut value = 0u64;
    for shift in (0..63).step_by(7) {
        let [byte] = take(rest)?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err(Error::data("a number in it is too long"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn numbers(rows: usize) -> Packed {
        let dimensions =
            vec![Dimension::new(0.5, 1.0, 2.0), Dimension::new(1e-6, -70.0, 4.0), Dimension::new(3.0, 0.0, 0.0)];
        let values =
            (0..rows * 3).map(|at| (at as i32 * 37 % 11 - 5) * if at % 3 == 1 { 1 << 20 } else { 1 }).collect();
        let labels = Some(Labels { classes: 10, values: (0..rows as u32).map(|at| at % 10).collect() });
        Packed { model: 7, rows, labels, content: Content::Numbers { dimensions, values } }
    }

    #[test]
    fn a_file_cut_anywhere_or_changed_anywhere_is_refused_in_one_line() {
        let (bytes, payload) = numbers(5).to_bytes().unwrap();
        assert_eq!(Packed::parse(&bytes, "x").unwrap(), numbers(5));
        assert!(payload < bytes.len() - 40);
        let refused = |bytes: &[u8]| {
            let error = Packed::parse(bytes, "x.nrw").unwrap_err().to_string();
            assert!(error.starts_with("x.nrw: ") && !error.contains('\n'), "{error}");
        };
        (0..bytes.len()).for_each(|end| refused(&bytes[..end]));
        refused(&[&bytes[..], &[0]].concat());
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 0x10;
            refused(&changed);
        }
    }

    /// A checksum keeps nobody from lying about sizes.
    #[test]
    fn sizes_are_checked_before_memory_is_reserved() {
        let (bytes, _) = numbers(5).to_bytes().unwrap();
        let body = &bytes[..bytes.len() - CHECKSUM];
        for at in 5..body.len() {
            for value in [0, 1, 0x7f, 0x80, 0xff] {
                let mut changed = body.to_vec();
                changed[at] = value;
                let _ = Packed::parse(&sealed(changed), "x");
            }
        }
        let start = [&MAGIC[..], &[VERSION], &[0; 8]].concat();
        let lies: [&[u8]; 3] = [
            &[0, 0xff, 0xff, 0xff, 0xff, 0xf, 0xff, 0xff, 0xff, 0xff, 3, 0],
            &[1, 0xff, 0xff, 0xff, 0xff, 0xf, 1, 0, 2],
            &[2, 1, 0xff, 0xff, 0xff, 0xff, 3, 0, 0x80, 0x80, 1],
        ];
        for lie in lies {
            assert!(Packed::parse(&sealed([&start, lie].concat()), "x").is_err());
        }
    }

    proptest! {
        #[test]
        fn entries_come_back(values in proptest::collection::vec(0u32..300, 1..80), apart in any::<bool>()) {
            let rows = values.len() / 4;
            let content = Content::Entries { entries: 300, positions: 4, apart, values: values[..rows * 4].to_vec() };
            let packed = Packed { model: u64::MAX, rows, labels: None, content };
            prop_assert_eq!(Packed::parse(&packed.to_bytes().unwrap().0, "x").unwrap(), packed);
        }
    }

    #[test]
    fn what_is_no_entry_or_no_class_is_refused() {
        let content = |values| Content::Entries { entries: 3, positions: 1, apart: false, values };
        let mut packed = Packed { model: 0, rows: 1, labels: None, content: content(vec![3]) };
        assert!(packed.to_bytes().is_err());
        packed.content = content(vec![2]);
        packed.labels = Some(Labels { classes: 2, values: vec![2] });
        assert!(packed.to_bytes().is_err());
        packed.labels = Some(Labels { classes: 2, values: vec![1, 1] });
        assert!(packed.to_bytes().is_err());
    }
}
