//! A folder of IDX files, as MNIST and its relatives are published.
//!
//! Names are read as `STEM-idxN-TYPE` or `STEM.idxN-TYPE`, each plain or `.gz` (plain first where both are there). The
//! stems `...train-images` and `...t10k-images` or `...test-images` are the training and the test part; an only images
//! file of another name is a training part. Labels have the stem of their images with `labels` in place of `images`;
//! they may be missing, but what is there must match. Photographs beside them are left aside, and said to be.

use std::path::{Path, PathBuf};

use super::photographs::is_photograph;
use super::{Dataset, Part, idx};
use crate::error::{Error, Result};

/// The remedy of every error about a source.
pub(super) const READS: &str = "give `digits` or `tumours` (embedded), a table (.csv, or - for one on standard input), arrays (.npy, .npz, .safetensors), \
     a folder of IDX files, plain or .gz, of images or of photographs";
/// The names that are read, for those whose files have others.
const NAMES: &str = "names such as train-images-idx3-ubyte or train-images-idx3-ubyte.gz are read, and photographs \
                     ending in .jpg, .jpeg or .png";
/// Names that a message gives of many.
const SHOWN: usize = 3;

/// What a folder holds, by the names.
#[derive(Debug)]
pub(super) struct Listing {
    folder: PathBuf,
    /// By stem, the plain one where there is also a packed one.
    idx: Vec<IdxFile>,
    /// The names of its photographs, in order.
    photographs: Vec<String>,
    /// All other names, in order, those of folders with a slash.
    others: Vec<String>,
}

impl Listing {
    /// Lists a folder, once: what it is shows in the error of that.
    pub(super) fn read(folder: &Path) -> std::io::Result<Self> {
        let mut listing =
            Self { folder: folder.to_owned(), idx: Vec::new(), photographs: Vec::new(), others: Vec::new() };
        for entry in std::fs::read_dir(folder)? {
            let (entry, name) = entry.map(|entry| (entry.path(), entry.file_name()))?;
            let is_file = entry.is_file();
            let known = name.to_str().filter(|_| is_file).and_then(|name| recognise(folder, name));
            let shown = name.display().to_string();
            match known {
                Some(file) => listing.idx.push(file),
                None if is_file && is_photograph(&entry) => listing.photographs.push(shown),
                None => listing.others.push(if entry.is_dir() { format!("{shown}/") } else { shown }),
            }
        }
        let files = &mut listing.idx;
        files.sort_by(|a, b| (&a.stem, a.labels, a.packed, &a.path).cmp(&(&b.stem, b.labels, b.packed, &b.path)));
        files.dedup_by(|later, first| later.stem == first.stem && later.labels == first.labels);
        listing.photographs.sort_unstable();
        listing.others.sort_unstable();
        Ok(listing)
    }

    /// Whether it holds IDX files other than labels.
    pub(super) fn has_images(&self) -> bool {
        self.idx.iter().any(|file| !file.labels)
    }

    /// The names of its photographs.
    pub(super) fn photographs(&self) -> &[String] {
        &self.photographs
    }

    /// What was found where nothing was looked for, as the end of a sentence.
    fn found(&self) -> String {
        match self.others.len() {
            0 if self.photographs.is_empty() => "it is empty".into(),
            0 => format!("it holds {}", few(&self.photographs)),
            _ => format!("it holds {}", few(&self.others)),
        }
    }
}

/// A few names of many: `a, b, c and 4 more`.
pub(super) fn few(names: &[String]) -> String {
    let first = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

/// Loads one part of the folder. The training part must be there; `None` if there is no test part.
///
/// # Errors
/// If the folder is missing or unreadable, if the images are missing or ambiguous, if a file cannot be used (see
/// [`idx::parse_images`]), or if there are not as many labels as images.
pub(super) fn load(folder: &Path, part: Part) -> Result<Option<Dataset>> {
    let listing = list(folder)?;
    let Some(images) = choose_images(&listing, part)? else { return Ok(None) };
    let mut data = idx::read_images(&images.path)?;
    if let Some(found) = labels_of(images, &listing.idx) {
        let (labels, note) = idx::read_labels(&found.path)?;
        if labels.len() != data.len() {
            return Err(Error::data(format!(
                "{}: labels that do not match: {} labels for the {} images of {}; put files of one set together",
                found.path.display(),
                labels.len(),
                data.len(),
                images.path.display()
            )));
        }
        data = data.with_labels(labels)?;
        data = note.into_iter().fold(data, Dataset::with_note);
    }
    if !listing.photographs.is_empty() {
        let aside = few(&listing.photographs);
        data = data.with_note(format!("{}: read its IDX files, and left aside {aside}", folder.display()));
    }
    let name = folder.file_name().map_or_else(|| folder.display().to_string(), |name| name.display().to_string());
    Ok(Some(data.with_name(name)))
}

/// Whether the folder has a test part, from the names of its files.
///
/// # Errors
/// If it cannot be listed.
pub(super) fn has_test(folder: &Path) -> Result<bool> {
    choose_images(&list(folder)?, Part::Test).map(|found| found.is_some())
}

fn list(folder: &Path) -> Result<Listing> {
    Listing::read(folder).map_err(|error| Error::io("read the folder", folder, error))
}

/// An IDX file, by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
struct IdxFile {
    path: PathBuf,
    stem: String,
    labels: bool,
    packed: bool,
}

/// Reads a file's name: `train-images-idx3-ubyte.gz` has the stem `train-images`.
fn recognise(folder: &Path, name: &str) -> Option<IdxFile> {
    let (whole, packed) = name.strip_suffix(".gz").map_or((name, false), |name| (name, true));
    let types = ["-ubyte", "-byte", "-short", "-int", "-float", "-double"];
    let untyped = types.iter().find_map(|suffix| whole.strip_suffix(suffix)).unwrap_or(whole);
    let front = untyped.strip_suffix(|digit: char| digit.is_ascii_digit())?;
    let stem = front.strip_suffix("-idx").or_else(|| front.strip_suffix(".idx"))?;
    let labels = stem.ends_with("labels") || (untyped.ends_with('1') && !stem.ends_with("images"));
    Some(IdxFile { path: folder.join(name), stem: stem.to_owned(), labels, packed })
}

fn choose_images(listing: &Listing, part: Part) -> Result<Option<&IdxFile>> {
    let Listing { folder, idx: files, .. } = listing;
    let of = |endings: &[&str]| -> Vec<&IdxFile> {
        let ends = |file: &IdxFile| endings.iter().any(|ending| file.stem.ends_with(ending));
        files.iter().filter(|file| !file.labels && ends(file)).collect()
    };
    let (train, test) = (of(&["train-images"]), of(&["t10k-images", "test-images"]));
    let (candidates, standard) = match part {
        Part::Train if train.is_empty() && test.is_empty() => (of(&[""]), "train-images"),
        Part::Train => (train, "train-images"),
        Part::Test => (test, "t10k-images"),
    };
    match candidates.as_slice() {
        [only] => Ok(Some(only)),
        [] if part == Part::Test => Ok(None),
        [] if files.is_empty() => {
            let found = listing.found();
            Err(Error::data(format!("{} holds no IDX files: {NAMES}; {found}; rename or move them", folder.display())))
        }
        [] => Err(Error::data(format!(
            "{} holds no training images; put train-images-idx3-ubyte or train-images-idx3-ubyte.gz there",
            folder.display()
        ))),
        [first, second, ..] => {
            let exact = candidates.iter().find(|file| file.stem == standard).copied();
            exact.map(Some).ok_or_else(|| {
                Error::data(format!(
                    "{} holds several sets of images, such as {} and {}; put each set in a folder of its own",
                    folder.display(),
                    first.stem,
                    second.stem
                ))
            })
        }
    }
}

/// The labels that go with the images: by stem; where the images are not called so, also the only other file.
fn labels_of<'a>(images: &IdxFile, files: &'a [IdxFile]) -> Option<&'a IdxFile> {
    let named = |stem: &str| files.iter().find(|file| file.labels && file.stem == stem);
    match images.stem.strip_suffix("images") {
        Some(front) => named(&format!("{front}labels")),
        None => named(&images.stem).or_else(|| files.iter().find(|file| file.labels && files.len() == 2)),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::data::Samples;

    fn images(count: u8) -> Vec<u8> {
        let mut file = vec![0, 0, 8, 3, 0, 0, 0, count, 0, 0, 0, 1, 0, 0, 0, 2];
        file.extend((0..count).flat_map(|row| [row, row]));
        file
    }

    fn labels(count: u8) -> Vec<u8> {
        let mut file = vec![0, 0, 8, 1, 0, 0, 0, count];
        file.extend(0..count);
        file
    }

    fn folder(files: &[(&str, Vec<u8>)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        files.iter().for_each(|(name, data)| fs::write(folder.path().join(name), data).unwrap());
        folder
    }

    fn message(folder: &tempfile::TempDir, part: Part) -> String {
        load(folder.path(), part).unwrap_err().to_string()
    }

    #[test]
    fn both_parts_by_either_naming() {
        for joint in ["-", "."] {
            let name = |stem: &str| format!("{stem}{joint}idx{}-ubyte", if stem.ends_with("images") { 3 } else { 1 });
            let (a, b, c) = (name("train-images"), name("train-labels"), name("t10k-images"));
            let folder = folder(&[(&a, images(3)), (&b, labels(3)), (&c, images(2)), ("notes.txt", vec![])]);
            let train = load(folder.path(), Part::Train).unwrap().unwrap();
            assert_eq!((train.len(), train.labels()), (3, Some(&[0, 1, 2][..])));
            let test = load(folder.path(), Part::Test).unwrap().unwrap();
            assert_eq!((test.len(), test.labels()), (2, None));
            assert_eq!(test.samples(), &Samples::U8(vec![0, 0, 1, 1]));
        }
    }

    #[test]
    fn plain_before_packed_and_exact_before_prefixed() {
        let folder = folder(&[
            ("train-images-idx3-ubyte.gz", b"\x1f\x8bbroken".to_vec()),
            ("train-images-idx3-ubyte", images(2)),
            ("other-train-images-idx3-ubyte", images(5)),
        ]);
        assert_eq!(load(folder.path(), Part::Train).unwrap().unwrap().len(), 2);
        assert!(load(folder.path(), Part::Test).unwrap().is_none());
    }

    #[test]
    fn an_only_file_of_another_name() {
        let named = folder(&[("faces.idx3-ubyte", images(4)), ("people.idx1-ubyte", labels(4))]);
        let data = load(named.path(), Part::Train).unwrap().unwrap();
        assert_eq!((data.len(), data.classes()), (4, 4));
        let two = folder(&[("cats-idx3-ubyte", images(4)), ("dogs-idx3-ubyte", images(4))]);
        assert!(message(&two, Part::Train).contains("several sets of images, such as cats and dogs"));
        let test_only = folder(&[("t10k-images-idx3-ubyte", images(4))]);
        assert!(message(&test_only, Part::Train).contains("no training images"));
        assert!(load(test_only.path(), Part::Test).unwrap().is_some());
        assert!(message(&folder(&[]), Part::Train).contains("no IDX files: names such as"));
    }

    #[test]
    fn labels_must_match_and_files_be_whole() {
        let folder = folder(&[("train-images-idx3-ubyte", images(3)), ("train-labels-idx1-ubyte", labels(2))]);
        let text = message(&folder, Part::Train);
        assert!(text.contains("labels that do not match: 2 labels for the 3 images"), "{text}");
        fs::write(folder.path().join("train-images-idx3-ubyte"), &images(3)[..19]).unwrap();
        let text = message(&folder, Part::Train);
        assert!(text.contains("is cut short: expected 22 bytes, got 19; download it again"), "{text}");
    }

    /// Row 38 of what others met: names that browsers and systems change, and what lies in folders of its own.
    #[test]
    fn says_which_names_it_looks_for_and_what_it_found() {
        let folder = folder(&[
            ("train-images-idx3-ubyte (1).gz", images(2)),
            ("train-labels-idx1-ubyte.GZ", labels(2)),
            ("a.webp", vec![]),
            ("b.webp", vec![]),
        ]);
        fs::create_dir(folder.path().join("cats")).unwrap();
        let text = message(&folder, Part::Train);
        for part in ["train-images-idx3-ubyte.gz are read", "ending in .jpg", "`cats/`", "and 2 more; rename"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(message(&self::folder(&[]), Part::Train).contains("it is empty"));
    }

    /// Row 51: a picture beside the files is left aside, and said to be.
    #[test]
    fn a_stray_picture_is_noted() {
        let folder = folder(&[("train-images-idx3-ubyte", images(2)), ("logo.jpg", b"x".to_vec())]);
        let data = load(folder.path(), Part::Train).unwrap().unwrap();
        assert!(matches!(data.notes(), [note] if note.contains("left aside `logo.jpg`")), "{:?}", data.notes());
    }
}
