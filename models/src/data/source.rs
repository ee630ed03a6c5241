//! What `--data` may name, and opening it.
//!
//! One place decides from the words a user gives, and another what is done for each kind of source; the readers beside it only read. The parts can be opened one by one,
//! because a training process need not hold the test part in memory and an evaluation need not hold the training part.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::folder::{self, Listing, READS, few};
use super::formats::{self, ImageOptions};
use super::rows::ImageShape;
use super::table::{self, STDIN, TableOptions, TableReader};
use super::{Dataset, Part, PatchOptions, digits, photographs, tumours};
use crate::error::{Error, Result};
use crate::suggest;

/// What chooses between two readings of a path.
const IDX: &str = "idx:";
const PHOTOGRAPHS: &str = "photographs:";
const TABLE: &str = "table:";
const IMAGES: &str = "images:";

/// Both parts of a source.
#[derive(Debug, Clone, PartialEq)]
pub struct Splits {
    /// The training part, `[N, features]`.
    pub train: Dataset,
    /// The test part, `[M, features]`, where the source has one; else hold one out with [`split`](super::split()).
    pub test: Option<Dataset>,
}

/// How a source is read, each kind by what concerns it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ReadOptions {
    /// Patches of photographs.
    pub patches: PatchOptions,
    /// Folders of images.
    pub images: ImageOptions,
    /// Tables.
    pub table: TableOptions,
    /// Rows that are images of this shape although the source does not say so.
    pub image: Option<ImageShape>,
}

/// Where data comes from. Made by [`Source::parse`]; nothing is read before a part is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    place: Place,
    options: ReadOptions,
}

/// What kind of source it is, and where.
#[derive(Debug, Clone, PartialEq)]
enum Place {
    Digits,
    Tumours,
    Stdin,
    IdxFolder(PathBuf),
    Photographs(PathBuf),
    Images(PathBuf),
    Table(PathBuf),
    Npy(PathBuf),
    Npz(PathBuf),
    Safetensors(PathBuf),
    Parquet(PathBuf),
}

impl Place {
    /// The path, and what it must be written with where its name alone says something else.
    fn path(&self) -> Option<(&Path, &'static str)> {
        match self {
            Self::Digits | Self::Tumours | Self::Stdin => None,
            Self::IdxFolder(path) => Some((path, IDX)),
            Self::Photographs(path) => Some((path, PHOTOGRAPHS)),
            Self::Images(path) => Some((path, IMAGES)),
            Self::Table(path) => Some((path, TABLE)),
            Self::Npy(path) | Self::Npz(path) | Self::Safetensors(path) | Self::Parquet(path) => Some((path, "")),
        }
    }
}

impl Source {
    /// What `spec` names: `digits` or `tumours`, which are embedded; `-` for a table on standard input; the path of a table
    /// (.csv, .tsv, .txt, plain or .gz; .parquet), of arrays (.npy, .npz, .safetensors) or of a folder of IDX files, of images
    /// or of photographs (`./digits` for a folder of that name). Pictures in sub-folders, and pictures of at most 64 pixels
    /// a side, are images, each a sample; patches are cut out of larger ones. A folder of IDX files may hold one picture
    /// that does not belong to them. `idx:PATH`, `images:PATH` and `photographs:PATH` say which are meant, and `table:PATH`
    /// is a table of any name.
    ///
    /// # Errors
    /// If `spec` may be read in two ways, or is something that this version does not read.
    pub fn parse(spec: &str) -> Result<Self> {
        Ok(Self { place: place(spec)?, options: ReadOptions::default() })
    }

    /// What names this source in every working directory, for [`Self::parse`].
    ///
    /// # Errors
    /// A path that is not there, or is not UTF-8.
    pub fn spelling(&self) -> Result<String> {
        let Some((path, prefix)) = self.place.path() else {
            return Ok(match self.place {
                Place::Tumours => "tumours",
                Place::Stdin => "-",
                _ => "digits",
            }
            .into());
        };
        let whole = std::fs::canonicalize(path).map_err(|error| Error::io("find", path, error))?;
        let plain = whole
            .to_str()
            .ok_or_else(|| Error::data(format!("{}: the path is not UTF-8; rename it", whole.display())))?;
        let is_alike = |other: Place| std::mem::discriminant(&other) == std::mem::discriminant(&self.place);
        Ok(if place(plain).is_ok_and(is_alike) { plain.to_owned() } else { format!("{prefix}{plain}") })
    }

    /// The same source, read so.
    #[must_use]
    pub fn with_options(self, options: ReadOptions) -> Self {
        let place = match self.place {
            // Who gives a size means images.
            Place::Photographs(path) if options.images.resize.is_some() => Place::Images(path),
            place => place,
        };
        Self { place, options }
    }

    /// The path that it reads, if it reads one.
    pub fn path(&self) -> Option<&Path> {
        self.place.path().map(|(path, _)| path)
    }

    /// Whether it can be read once only.
    pub fn is_stream(&self) -> bool {
        self.place == Place::Stdin
    }

    /// Whether it has a test part of its own; reads no data.
    ///
    /// # Errors
    /// A folder that cannot be listed.
    pub fn has_test(&self) -> Result<bool> {
        match &self.place {
            Place::Digits | Place::Tumours | Place::Stdin | Place::Table(_) | Place::Npy(_) | Place::Parquet(_) => {
                Ok(false)
            }
            Place::Images(path) => formats::images_have_test(path),
            Place::Npz(path) => formats::npz_has_test(path),
            Place::Safetensors(path) => formats::safetensors_has_test(path),
            Place::Photographs(_) => Ok(self.options.patches.tested() > 0),
            Place::IdxFolder(path) => folder::has_test(path),
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
        let ReadOptions { patches, table, images, .. } = &self.options;
        let dataset = match &self.place {
            Place::Images(path) => formats::read_images(path, images, Part::Train)?.ok_or_else(|| nothing(path)),
            Place::Npy(path) => formats::read_npy(path),
            Place::Npz(path) => formats::read_npz(path, Part::Train)?.ok_or_else(|| nothing(path)),
            Place::Safetensors(path) => formats::read_safetensors(path, Part::Train)?.ok_or_else(|| nothing(path)),
            Place::Parquet(path) => formats::read_parquet(path, table.label_name()),
            Place::Digits => digits(),
            Place::Tumours => tumours(table),
            Place::Stdin => table::read_stdin(table),
            Place::Table(path) => table::read_table(path, table),
            Place::Photographs(path) => photographs(path, patches, Part::Train)?.ok_or_else(|| nothing(path)),
            Place::IdxFolder(path) => folder::load(path, Part::Train)?.ok_or_else(|| nothing(path)),
        };
        self.shaped(dataset?)
    }

    /// Opens the test part only; `None` if the source has none.
    ///
    /// # Errors
    /// If it is damaged or does not fit in memory; the message names the file.
    pub fn test(&self) -> Result<Option<Dataset>> {
        let dataset = match &self.place {
            Place::Digits | Place::Tumours | Place::Stdin | Place::Table(_) | Place::Npy(_) | Place::Parquet(_) => None,
            Place::Images(path) => formats::read_images(path, &self.options.images, Part::Test)?,
            Place::Npz(path) => formats::read_npz(path, Part::Test)?,
            Place::Safetensors(path) => formats::read_safetensors(path, Part::Test)?,
            Place::Photographs(path) => photographs(path, &self.options.patches, Part::Test)?,
            Place::IdxFolder(path) => folder::load(path, Part::Test)?,
        };
        dataset.map(|dataset| self.shaped(dataset)).transpose()
    }

    /// A table that is read as it comes, by a model's columns; `None` where the source is of another kind.
    ///
    /// # Errors
    /// As for [`TableReader::open`].
    pub fn reader(&self) -> Result<Option<TableReader>> {
        let table = &self.options.table;
        if table.schema.is_none() {
            return Ok(None);
        }
        match &self.place {
            Place::Stdin => TableReader::stream(Box::new(std::io::stdin()), STDIN, table).map(Some),
            Place::Table(path) => TableReader::open(path, table).map(Some),
            _ => Ok(None),
        }
    }

    /// Rows of numbers as the images that they are said to be.
    fn shaped(&self, dataset: Dataset) -> Result<Dataset> {
        match self.options.image {
            Some(image) if dataset.image().is_none() => dataset.with_image(image),
            _ => Ok(dataset),
        }
    }
}

/// Finds out what `spec` names.
fn place(spec: &str) -> Result<Place> {
    match spec {
        "digits" => return Ok(Place::Digits),
        "tumours" => return Ok(Place::Tumours),
        "-" => return Ok(Place::Stdin),
        "" => return Err(Error::usage(format!("the name of the data is empty; {READS}"))),
        _ => {}
    }
    if let Some(path) = spec.strip_prefix(TABLE) {
        return Ok(Place::Table(path.into()));
    }
    if let Some(path) = spec.strip_prefix(IMAGES) {
        return Ok(Place::Images(path.into()));
    }
    if let Some(path) = spec.strip_prefix(PHOTOGRAPHS) {
        Listing::read(Path::new(path)).map_err(|error| unread(path, error))?;
        return Ok(Place::Photographs(path.into()));
    }
    let (path, chosen) = spec.strip_prefix(IDX).map_or((spec, false), |path| (path, true));
    if !chosen && Path::new(path).is_file() {
        return of_file(path);
    }
    let listing = Listing::read(Path::new(path)).map_err(|error| unread(path, error))?;
    let pictures = listing.photographs();
    if chosen || (listing.has_images() && pictures.len() < 2) {
        return Ok(Place::IdxFolder(path.into()));
    }
    if listing.has_images() {
        return Err(Error::usage(format!(
            "{spec} holds IDX files and {} pictures ({}); give {IDX}{spec}, {IMAGES}{spec} or {PHOTOGRAPHS}{spec}",
            pictures.len(),
            few(pictures)
        )));
    }
    let look = formats::looks_like_images(Path::new(path))?;
    Ok(match (look.pictures, look.folders || look.small) {
        (0, _) => Place::IdxFolder(path.into()),
        (_, true) => Place::Images(path.into()),
        (_, false) => Place::Photographs(path.into()),
    })
}

/// What a file is, by its ending.
fn of_file(spec: &str) -> Result<Place> {
    let lower = spec.to_ascii_lowercase();
    let plain = lower.strip_suffix(".gz").unwrap_or(&lower);
    if [".csv", ".tsv", ".txt"].iter().any(|ending| plain.ends_with(ending)) {
        return Ok(Place::Table(spec.into()));
    }
    match Path::new(&lower).extension().and_then(std::ffi::OsStr::to_str) {
        Some("npy") => Ok(Place::Npy(spec.into())),
        Some("npz") => Ok(Place::Npz(spec.into())),
        Some("safetensors") => Ok(Place::Safetensors(spec.into())),
        Some("parquet") => Ok(Place::Parquet(spec.into())),
        _ => Err(not_read(spec)),
    }
}

/// Whether two names are of one source, from this working directory: `digits` is never the folder `./digits`.
pub fn is_same(a: &str, b: &str) -> bool {
    let whole = |spec: &str| Source::parse(spec).and_then(|source| source.spelling()).ok();
    a == b || whole(a).is_some_and(|a| whole(b) == Some(a))
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

fn nothing(path: &Path) -> Error {
    Error::data(format!("{} holds no training images; put a train-images file there", path.display()))
}

/// The error for what could not be listed as a folder.
fn unread(spec: &str, error: std::io::Error) -> Error {
    match (error.kind(), suggest::nearest(spec, &["digits", "tumours"])) {
        (ErrorKind::NotFound, Some(known)) => {
            Error::data(format!("no such file or folder: {spec}; did you mean `{known}`?"))
        }
        (ErrorKind::NotFound, None) => Error::data(format!("no such file or folder: {spec}; {READS}")),
        (ErrorKind::NotADirectory, _) => not_read(spec),
        _ => Error::io("read the folder", Path::new(spec), error),
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
        assert!(message(Path::new("")).contains("empty"));
        assert!(message(Path::new("/no/such")).starts_with("no such file or folder: /no/such; give `digits`"));
        let folder = tempfile::tempdir().unwrap();
        for (name, part) in
            [("table.xls", "does not read .xls files"), ("a-idx3-ubyte", "give its folder"), ("x", "folder")]
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

    fn pictures(folder: &Path, names: &[&str]) {
        names.iter().for_each(|name| fs::write(folder.join(name), "x").unwrap());
    }

    /// Row 51 of what others met.
    #[test]
    fn two_readings_of_a_folder_are_refused_with_the_spellings_that_choose() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_str().unwrap();
        fs::write(folder.path().join("train-images-idx3-ubyte"), b"\0\0\x08\x03\0\0\0\x01\0\0\0\x01\0\0\0\x02ab")
            .unwrap();
        pictures(folder.path(), &["logo.jpg"]);
        assert_eq!(place(path).unwrap(), Place::IdxFolder(path.into()));
        assert_eq!(open_part(path, Part::Train).unwrap().unwrap().notes().len(), 1);
        pictures(folder.path(), &["b.png"]);
        let message = message(folder.path());
        assert!(message.contains(&format!("give idx:{path}, images:{path} or photographs:{path}")), "{message}");
        let (idx, cut) = (format!("idx:{path}"), format!("photographs:{path}"));
        let chosen = Source::parse(&idx).unwrap();
        assert!(chosen.spelling().unwrap().starts_with("idx:") && chosen.train().is_ok());
        assert!(matches!(place(&cut).unwrap(), Place::Photographs(..)));
        assert!(is_same(&idx, &idx) && !is_same(&idx, &cut));
        fs::remove_file(folder.path().join("b.png")).unwrap();
        assert!(is_same(&idx, path) && !is_same(&cut, path));
    }

    #[test]
    fn digits_are_never_a_folder_of_that_name() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("digits");
        fs::create_dir(&inner).unwrap();
        assert!(!is_same("digits", inner.to_str().unwrap()));
        assert!(is_same("digits", "digits") && !is_same("digits", "./digits"));
        assert!(is_same(inner.to_str().unwrap(), &format!("{}/../digits", inner.display())));
    }
}
