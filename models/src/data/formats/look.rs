//! A quick look at a folder of pictures: headers only, to tell images that are samples from photographs that patches
//! are cut from.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::tree::Tree;
use crate::data::pictures;
use crate::error::Result;

/// The longest side of a picture that is one sample as it stands, in pixels.
const SMALL: usize = 64;
/// What of a file is read. Longer beginnings (previews, profiles) have photographs.
const BEGINNING: u64 = 1 << 16;

/// What a folder of pictures looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Look {
    /// How many pictures there are, in all sub-folders.
    pub pictures: usize,
    /// Whether there are sub-folders with pictures, which are classes or parts.
    pub folders: bool,
    /// Whether no picture has a side of more than 64 pixels.
    pub small: bool,
}

/// Looks at the names and headers of the pictures in `folder` and its sub-folders; stops reading headers at the first
/// large picture. A file that is no picture whatever its name is no reason to be large: reading tells.
///
/// # Errors
/// A folder that cannot be listed.
pub fn looks_like_images(folder: &Path) -> Result<Look> {
    let (paths, folders) = Tree::all(folder)?;
    let small = !paths.iter().any(|path| is_large(path));
    Ok(Look { pictures: paths.len(), folders, small })
}

fn is_large(path: &Path) -> bool {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(BEGINNING).read_to_end(&mut bytes));
    match (read, pictures::peek(&bytes)) {
        (Ok(_), Some([height, width])) => height.max(width) > SMALL,
        (Ok(read), None) => read as u64 == BEGINNING,
        (Err(_), _) => false,
    }
}
