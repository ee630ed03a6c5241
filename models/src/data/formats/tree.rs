//! Which pictures a folder of images holds, of which classes and parts, by the names alone.
//!
//! A sub-folder is a class, named after it; without sub-folders that hold pictures there are no classes. Where all such
//! sub-folders are called `train`, `test` and the like, each is a part, and holds pictures or classes of its own.

use std::path::{Path, PathBuf};

use crate::data::Part;
use crate::error::{Error, Result};

/// The most pictures of a folder.
const MAX_PICTURES: usize = 1 << 24;
const ENDINGS: [&str; 4] = ["png", "jpg", "jpeg", "webp"];
const TRAIN: &str = "train";
const TEST: &str = "test";
/// Parts that are not read.
const OTHERS: [&str; 3] = ["val", "valid", "validation"];

/// The pictures of one part.
#[derive(Debug)]
pub(super) struct Tree {
    /// Each with its class, in the order of classes and then of names.
    pub(super) pictures: Vec<(PathBuf, u32)>,
    /// The names of the classes, in order; empty if there are none.
    pub(super) classes: Vec<String>,
    /// What was left aside.
    pub(super) aside: Option<String>,
}

/// One folder.
struct Listing {
    /// In the order of their names.
    pictures: Vec<PathBuf>,
    /// The folders that hold pictures, with their names, in order.
    folders: Vec<(String, PathBuf)>,
    /// Files that are no pictures.
    others: usize,
}

impl Tree {
    /// The pictures of `part`; `None` if it is the test part and there is none.
    pub(super) fn of(folder: &Path, part: Part) -> Result<Option<Self>> {
        let listing = Listing::of(folder)?;
        let Some(parts) = listing.parts() else {
            return if part == Part::Test { Ok(None) } else { listing.tree(folder, &[]).map(Some) };
        };
        let (own, other) = if part == Part::Train { (TRAIN, TEST) } else { (TEST, TRAIN) };
        let find = |name: &str| parts.iter().find(|(known, _)| known == name).map(|(_, path)| path);
        let Some(path) = find(own) else { return Ok(None) };
        // Both parts number the classes alike, even if one lacks some.
        let classes = match find(other) {
            Some(other) => Listing::of(other)?.folders.into_iter().map(|(name, _)| name).collect(),
            None => Vec::new(),
        };
        let mut tree = Listing::of(path)?.tree(path, &classes)?;
        let others: Vec<String> = parts
            .iter()
            .filter(|(name, _)| ![TRAIN, TEST].contains(&name.as_str()))
            .map(|(name, _)| format!("`{name}`"))
            .collect();
        if !others.is_empty() {
            tree.aside = Some(format!("{}: left aside {}", folder.display(), others.join(", ")));
        }
        Ok(Some(tree))
    }

    /// Whether the folder has a test part.
    pub(super) fn has_test(folder: &Path) -> Result<bool> {
        let listing = Listing::of(folder)?;
        Ok(listing.parts().is_some_and(|parts| parts.iter().any(|(name, _)| name == TEST)))
    }

    /// Every picture of a folder and its sub-folders, and whether there are such sub-folders.
    pub(super) fn all(folder: &Path) -> Result<(Vec<PathBuf>, bool)> {
        let listing = Listing::of(folder)?;
        let mut pictures = listing.pictures;
        for (_, folder) in &listing.folders {
            let inner = Listing::of(folder)?;
            pictures.extend(inner.pictures);
            for (_, folder) in &inner.folders {
                pictures.extend(Listing::of(folder)?.pictures);
            }
        }
        Ok((pictures, !listing.folders.is_empty()))
    }
}

impl Listing {
    fn of(folder: &Path) -> Result<Self> {
        let mut listing = Self { pictures: Vec::new(), folders: Vec::new(), others: 0 };
        for path in paths(folder)? {
            let path = path?;
            if is_hidden(&path) {
            } else if path.is_dir() {
                if holds_pictures(&path, 1)? {
                    let name = path.file_name().unwrap_or_default().display().to_string();
                    listing.folders.push((name, path));
                }
            } else if is_picture(&path) {
                listing.pictures.push(path);
            } else {
                listing.others += 1;
            }
            if listing.pictures.len() > MAX_PICTURES {
                return Err(Error::data(format!(
                    "{} holds more than {MAX_PICTURES} pictures; divide it",
                    folder.display()
                )));
            }
        }
        listing.pictures.sort_unstable();
        listing.folders.sort_unstable();
        Ok(listing)
    }

    /// The sub-folders, if they are parts.
    fn parts(&self) -> Option<&[(String, PathBuf)]> {
        let is_part = |name: &str| [TRAIN, TEST].contains(&name) || OTHERS.contains(&name);
        let all = self.folders.iter().all(|(name, _)| is_part(name));
        let trains = self.folders.iter().any(|(name, _)| name == TRAIN);
        (all && trains).then_some(&self.folders)
    }

    /// The pictures of this folder, its classes numbered among all that are known.
    fn tree(self, folder: &Path, others: &[String]) -> Result<Tree> {
        let mut aside = Vec::new();
        if self.others > 0 {
            aside.push(format!("{} files that are no pictures", self.others));
        }
        let mut classes = Vec::new();
        let mut pictures: Vec<(PathBuf, u32)> = Vec::new();
        if self.folders.is_empty() {
            pictures.extend(self.pictures.into_iter().map(|path| (path, 0)));
        } else {
            if !self.pictures.is_empty() {
                aside.push(format!("{} pictures outside of its sub-folders", self.pictures.len()));
            }
            classes = self.folders.iter().map(|(name, _)| name.clone()).chain(others.iter().cloned()).collect();
            classes.sort_unstable();
            classes.dedup();
            for (name, path) in &self.folders {
                let class = classes.binary_search(name).unwrap_or_default() as u32;
                let inner = Self::of(path)?;
                if inner.pictures.is_empty() {
                    return Err(Error::data(format!(
                        "{} holds folders in a class; put its pictures straight into it",
                        path.display()
                    )));
                }
                pictures.extend(inner.pictures.into_iter().map(|path| (path, class)));
            }
        }
        if pictures.is_empty() {
            return Err(Error::data(format!(
                "{} holds no pictures; put files ending in .png, .jpg, .jpeg or .webp there, or into a sub-folder a class",
                folder.display()
            )));
        }
        let aside = (!aside.is_empty()).then(|| format!("{}: left aside {}", folder.display(), aside.join(", ")));
        Ok(Tree { pictures, classes, aside })
    }
}

/// Whether there is a picture in a folder, or in a folder of it so many levels further down.
fn holds_pictures(folder: &Path, levels: usize) -> Result<bool> {
    let mut folders = Vec::new();
    for path in paths(folder)? {
        let path = path?;
        if is_hidden(&path) {
            continue;
        }
        if is_picture(&path) && path.is_file() {
            return Ok(true);
        }
        if levels > 0 && path.is_dir() {
            folders.push(path);
        }
    }
    for folder in folders {
        if holds_pictures(&folder, levels - 1)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn paths(folder: &Path) -> Result<impl Iterator<Item = Result<PathBuf>>> {
    let unreadable = |error| Error::io("read the folder", folder, error);
    let entries = std::fs::read_dir(folder).map_err(unreadable)?;
    Ok(entries.map(move |entry| entry.map(|entry| entry.path()).map_err(unreadable)))
}

/// Hidden files are what other systems put beside pictures (`._a.png`).
fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

/// Goes by the name.
fn is_picture(path: &Path) -> bool {
    let ending = path.extension().unwrap_or_default();
    ENDINGS.iter().any(|known| ending.eq_ignore_ascii_case(known))
}
