//! Gzip as files have it: one member or several, and what may stand behind the last.
//!
//! Tapes and some servers pad files with zeros, and telephones and mail programs add what they like. A member that is
//! whole (its checksum is right) stays whole whatever follows, so the rest is left aside, and said to be: `gzip` and
//! Python do the same. `flate2`'s own reader of several members takes any such rest for a damaged header.

use std::io::{BufRead, Read, Result};

use flate2::bufread::GzDecoder;

/// Every member begins so.
pub(super) const MAGIC: [u8; 2] = [0x1f, 0x8b];

/// The unpacked content of all members.
pub(super) struct Members<R> {
    /// None at the end.
    decoder: Option<GzDecoder<R>>,
    /// Bytes behind the last member, and whether all are 0.
    rest: Option<(u64, bool)>,
}

impl<R: BufRead> Members<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { decoder: Some(GzDecoder::new(reader)), rest: None }
    }

    /// What was left aside, in words; known when all is read.
    pub(super) fn note(&self) -> Option<String> {
        self.rest.map(|(bytes, zeros)| {
            let what = if zeros { "zeros" } else { "bytes that are not gzip" };
            format!("{bytes} {what} behind its packed data are left aside")
        })
    }

    /// Goes on behind a member that is whole.
    fn next(&mut self, decoder: GzDecoder<R>) -> Result<()> {
        let mut reader = decoder.into_inner();
        let start = reader.fill_buf()?;
        if start.starts_with(&MAGIC) || start == &MAGIC[..1] {
            self.decoder = Some(GzDecoder::new(reader));
            return Ok(());
        }
        let (mut bytes, mut zeros) = (0, true);
        loop {
            let part = reader.fill_buf()?;
            if part.is_empty() {
                break;
            }
            let length = part.len();
            zeros &= part.iter().all(|&byte| byte == 0);
            bytes += length as u64;
            reader.consume(length);
        }
        self.rest = (bytes > 0).then_some((bytes, zeros));
        Ok(())
    }
}

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, out: &mut [u8]) -> Result<usize> {
        while let Some(mut decoder) = self.decoder.take() {
            match decoder.read(out) {
                Ok(0) if !out.is_empty() => self.next(decoder)?,
                result => {
                    self.decoder = Some(decoder);
                    return result;
                }
            }
        }
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn packed(text: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn read(bytes: &[u8]) -> Result<(String, Option<String>)> {
        let mut members = Members::new(bytes);
        let mut text = String::new();
        members.read_to_string(&mut text)?;
        Ok((text, members.note()))
    }

    #[test]
    fn members_follow_each_other_and_a_rest_is_left_aside() {
        let (one, two) = (packed(b"one"), packed(b"two"));
        assert_eq!(read(&one).unwrap(), ("one".into(), None));
        assert_eq!(read(&[&one[..], &two].concat()).unwrap(), ("onetwo".into(), None));
        let (text, note) = read(&[&one[..], &two, &[0; 512]].concat()).unwrap();
        assert_eq!(
            (text.as_str(), note.unwrap().as_str()),
            ("onetwo", "512 zeros behind its packed data are left aside")
        );
        let (text, note) = read(&[&one[..], b"rubbish"].concat()).unwrap();
        assert_eq!(text, "one");
        assert!(note.unwrap().starts_with("7 bytes that are not gzip"));
    }

    #[test]
    fn a_member_that_is_not_whole_is_an_error() {
        let one = packed(b"one");
        assert!((0..one.len()).all(|end| read(&one[..end]).is_err()));
        assert!((1..one.len()).all(|end| read(&[&one[..], &one[..end]].concat()).is_err()));
        let mut wrong = one.clone();
        wrong[one.len() - 8] ^= 1;
        assert!(read(&[&wrong[..], &[0; 9]].concat()).is_err());
    }
}
