//! What `--data` may name, and opening it.
//!
//! One place decides from the words a user gives; the readers beside it only read. The parts can be opened one by one,
//! because a training process need not hold the test part in memory and an evaluation need not hold the training part.

use std::path::{Path, PathBuf};

use super::{Dataset, PatchOptions, digits, folder, holds_photographs, photographs};
use crate::error::{Error, Result};
use crate::suggest;

/// The remedy of every error about a source.
pub(super) const READS: &str =
    "give `digits` (embedded), a folder of IDX files, plain or .gz, or a folder of photographs";

/// A part of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// What a model is fitted to.
    Train,
    /// What it is judged by.
    Test,
}

/// Both parts of a source.
#[derive(Debug, Clone, PartialEq)]
pub struct Splits {
    /// The training part, `[N, features]`.
    pub train: Dataset,
    /// The test part, `[M, features]`, where the source has one; else hold one out with [`split`](super::split()).
    pub test: Option<Dataset>,
}

/// Where data comes from. Made by [`Source::parse`]; nothing is read before a part is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// The digits embedded in the program; they have no test part.
    Digits,
    /// A folder of IDX files.
    IdxFolder(PathBuf),
    /// A folder of photographs, from which patches are cut; they have no test part.
    Photographs(PathBuf, PatchOptions),
}

impl Source {
    /// What `spec` names: `digits`, or the path of a folder of IDX files or of photographs (`./digits` for a folder of
    /// that name). Patches of photographs are cut as [`PatchOptions::default`] says; see [`Self::with_patches`].
    ///
    /// # Errors
    /// If `spec` is no folder, or something that this version does not read.
    pub fn parse(spec: &str) -> Result<Self> {
        let path = Path::new(spec);
        match spec {
            "digits" => Ok(Self::Digits),
            "" => Err(Error::usage(format!("the name of the data is empty; {READS}"))),
            "-" => Err(Error::data(format!("this version does not read standard input; {READS}"))),
            _ if path.is_dir() && holds_photographs(path)? => {
                Ok(Self::Photographs(path.to_owned(), PatchOptions::default()))
            }
            _ if path.is_dir() => Ok(Self::IdxFolder(path.to_owned())),
            _ if path.exists() => Err(not_read(spec)),
            _ => match suggest::nearest(spec, &["digits"]) {
                Some(known) => Err(Error::data(format!("no such folder: {spec}; did you mean `{known}`?"))),
                None => Err(Error::data(format!("no such folder: {spec}; {READS}"))),
            },
        }
    }

    /// The same source, its patches cut as `options` say, if it has any.
    #[must_use]
    pub fn with_patches(self, options: PatchOptions) -> Self {
        match self {
            Self::Photographs(path, _) => Self::Photographs(path, options),
            other => other,
        }
    }

    /// The path that it reads, if it reads one.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Digits => None,
            Self::IdxFolder(path) | Self::Photographs(path, _) => Some(path),
        }
    }

    /// Whether it has a test part of its own; reads no data.
    ///
    /// # Errors
    /// A folder that cannot be listed.
    pub fn has_test(&self) -> Result<bool> {
        match self {
            Self::Digits | Self::Photographs(..) => Ok(false),
            Self::IdxFolder(path) => folder::has_test(path),
        }
    }

    /// Opens both parts.
    ///
    /// # Errors
    /// As for [`train`](Self::train) and [`test`](Self::test); if the parts' samples differ in shape.
    pub fn open(&self) -> Result<Splits> {
        let (train, test) = (self.train()?, self.test()?);
        if let Some(test) = test.as_ref().filter(|test| shape(test) != shape(&train)) {
            return Err(Error::data(format!(
                "{}: the test part has samples {:?}, the training part {:?}; put the files of one set together",
                train.name(),
                shape(test),
                shape(&train)
            )));
        }
        Ok(Splits { train, test })
    }

    /// Opens the training part only.
    ///
    /// # Errors
    /// If it is missing, damaged or does not fit in memory; the message names the file.
    pub fn train(&self) -> Result<Dataset> {
        match self {
            Self::Digits => digits(),
            Self::Photographs(path, options) => photographs(path, options),
            Self::IdxFolder(path) => folder::load(path, Part::Train)?.ok_or_else(|| {
                Error::data(format!("{} holds no training images; put a train-images file there", path.display()))
            }),
        }
    }

    /// Opens the test part only; `None` if the source has none.
    ///
    /// # Errors
    /// If it is damaged or does not fit in memory; the message names the file.
    pub fn test(&self) -> Result<Option<Dataset>> {
        match self {
            Self::Digits | Self::Photographs(..) => Ok(None),
            Self::IdxFolder(path) => folder::load(path, Part::Test),
        }
    }
}

/// Whether what `spec` names has a test part of its own; reads no data.
///
/// # Errors
/// As for [`Source::parse`]; a folder that cannot be listed.
pub fn has_test(spec: &str) -> Result<bool> {
    Source::parse(spec)?.has_test()
}

/// Opens both parts of what `spec` names, as [`Source::parse`] reads it.
///
/// # Errors
/// As for [`Source::parse`] and [`Source::open`].
pub fn open(spec: &str) -> Result<Splits> {
    Source::parse(spec)?.open()
}

/// Opens one part only of what `spec` names; `None` if that is a test part and the source has none.
///
/// # Errors
/// As for [`Source::parse`], [`Source::train`] and [`Source::test`].
pub fn open_part(spec: &str, part: Part) -> Result<Option<Dataset>> {
    let source = Source::parse(spec)?;
    match part {
        Part::Train => source.train().map(Some),
        Part::Test => source.test(),
    }
}

/// `[C, H, W]` of an image, `[features]` of anything else.
fn shape(data: &Dataset) -> Vec<usize> {
    match data.image() {
        Some(image) => vec![image.channels, image.height, image.width],
        None => vec![data.features()],
    }
}

/// The error for a file that is there but is not a source of this version.
fn not_read(spec: &str) -> Error {
    let path = Path::new(spec);
    if spec.contains("-idx") || spec.contains(".idx") {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        return Error::data(format!("{spec} is one file of a set; give its folder, {}", folder.display()));
    }
    match path.extension() {
        Some(ending) => {
            Error::data(format!("cannot read {spec}: this version does not read .{} files; {READS}", ending.display()))
        }
        None => Error::data(format!("cannot read {spec}: it is not a folder; {READS}")),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn message(spec: &Path) -> String {
        open(spec.to_str().unwrap()).unwrap_err().to_string()
    }

    #[test]
    fn digits_are_embedded_and_have_no_test_part() {
        let splits = open("digits").unwrap();
        assert_eq!((splits.train.len(), splits.test), (1797, None));
        assert!(open_part("digits", Part::Train).unwrap().is_some());
        assert!(open_part("digits", Part::Test).unwrap().is_none());
    }

    #[test]
    fn says_what_it_reads() {
        assert!(message(Path::new("digit")).contains("did you mean `digits`?"));
        assert!(message(Path::new("-")).contains("standard input"));
        assert!(message(Path::new("")).contains("empty"));
        assert!(message(Path::new("/no/such")).starts_with("no such folder: /no/such; give `digits`"));
        let folder = tempfile::tempdir().unwrap();
        for (name, part) in
            [("table.csv", "does not read .csv files"), ("a-idx3-ubyte", "give its folder"), ("x", "folder")]
        {
            let path = folder.path().join(name);
            fs::write(&path, "1,2").unwrap();
            let message = message(&path);
            assert!(message.contains(part) && message.contains(name), "{message}");
        }
    }

    #[test]
    fn parts_must_have_one_shape() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("train-images-idx3-ubyte"), b"\0\0\x08\x03\0\0\0\x01\0\0\0\x01\0\0\0\x02ab")
            .unwrap();
        fs::write(folder.path().join("t10k-images-idx3-ubyte"), b"\0\0\x08\x03\0\0\0\x01\0\0\0\x02\0\0\0\x01ab")
            .unwrap();
        let message = message(folder.path());
        assert!(message.contains("[1, 2, 1]") && message.contains("[1, 1, 2]"), "{message}");
        assert!(open_part(folder.path().to_str().unwrap(), Part::Test).unwrap().is_some());
    }
}
