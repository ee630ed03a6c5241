//! `.npz`, NumPy's archive of named arrays: a zip file with one `.npy` file an array.
//!
//! Which arrays are samples and labels their names say (see the module `named`). Only the arrays that are wanted are
//! unpacked, as they come; what claims to be far larger than it is packed is refused, so that a small file cannot fill
//! the memory. The archive is the crate `zip`'s work, with deflate alone.

use std::fs::File;
use std::io::{BufReader, Cursor, Read, Seek};
use std::path::Path;

use zip::ZipArchive;

use super::array::Array;
use super::words::{file_name, one_line};
use super::{named, npy};
use crate::data::{Dataset, Part};
use crate::error::{Error, Result};

/// An array may unpack to so many bytes, however well it is packed.
const FREE: u64 = 1 << 30;
/// Beyond that to so many times its packed size. Sparse samples pack to a hundredth; deflate ends at a thousandth.
const MOST_PACKED: u64 = 200;
/// Samples pack to a fifth or so; what packs tighter is unpacked with a few reallocations.
const USUAL_PACKING: u64 = 16;
/// The most arrays of a file.
const MAX_ARRAYS: usize = 1 << 16;

/// Reads one part of an `.npz` file: `x_train` and `y_train` (or `train_images`, ..), `x_test` and `y_test`; or, for a
/// file of one part, `x` and `y` (or `data`, `images`, `features`, `arr_0`; `labels`, `target`, `arr_1`); or its only
/// array. Case does not count. Labels may be whole numbers from 0 or words. `None` if it is a test part and there is none.
///
/// # Errors
/// A file that cannot be read, is no zip file, is damaged or cut short, or unpacks to more than 2^30 bytes and 200 times
/// its size; arrays of which none has a known name; those of [`read_npy`](super::read_npy).
pub fn read_npz(path: &Path, part: Part) -> Result<Option<Dataset>> {
    let (mut archive, origin) = open(path)?;
    let data = dataset(&mut archive, &origin, part)?;
    Ok(data.map(|data| data.with_name(file_name(path))))
}

/// Whether an `.npz` file has a test part, from the names of its arrays.
///
/// # Errors
/// A file that cannot be read or is no zip file.
pub fn npz_has_test(path: &Path) -> Result<bool> {
    let (archive, origin) = open(path)?;
    Ok(named::has_test(&names(&archive, &origin)?))
}

/// The same of a file's bytes as [`read_npz`]; messages call it `origin`.
///
/// # Errors
/// As for [`read_npz`].
pub fn parse_npz(bytes: &[u8], origin: &str, part: Part) -> Result<Option<Dataset>> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|error| broken(origin, &error))?;
    dataset(&mut archive, origin, part)
}

fn open(path: &Path) -> Result<(ZipArchive<BufReader<File>>, String)> {
    let file = File::open(path).map_err(|error| Error::io("open", path, error))?;
    let origin = path.display().to_string();
    let archive = ZipArchive::new(BufReader::new(file)).map_err(|error| broken(&origin, &error))?;
    Ok((archive, origin))
}

fn dataset(archive: &mut ZipArchive<impl Read + Seek>, origin: &str, part: Part) -> Result<Option<Dataset>> {
    let names = names(archive, origin)?;
    let Some(chosen) = named::choose(&names, part, origin)? else { return Ok(None) };
    let data = chosen.dataset(origin, &mut |name| array(archive, name, origin))?;
    Ok(Some(chosen.note(&names, origin).into_iter().fold(data, Dataset::with_note)))
}

/// The names of all arrays, without the ending `.npy`.
fn names(archive: &ZipArchive<impl Read + Seek>, origin: &str) -> Result<Vec<String>> {
    if archive.len() > MAX_ARRAYS {
        return Err(Error::data(format!("{origin} holds {} files, over the limit of {MAX_ARRAYS}", archive.len())));
    }
    let names = archive.file_names().filter_map(|name| Some(name.ok()?.strip_suffix(".npy")?.to_owned()));
    Ok(names.collect())
}

fn array(archive: &mut ZipArchive<impl Read + Seek>, name: &str, origin: &str) -> Result<Array> {
    let file = archive.by_name(&format!("{name}.npy")).map_err(|error| broken(origin, &error))?;
    let (packed, size) = (file.compressed_size(), file.size());
    let name = named::plain(name);
    let limit = FREE.max(packed.saturating_mul(MOST_PACKED));
    if size > limit {
        return Err(Error::data(format!(
            "{origin}: `{name}` claims to unpack from {packed} to {size} bytes, more than is believed; save it unpacked, \
             with numpy.savez"
        )));
    }
    // A size that lies is found where the stream ends or goes on; until there memory follows what has come.
    let expected = size.min(packed.saturating_mul(USUAL_PACKING));
    npy::array(file.take(limit), &format!("{origin}: `{name}`"), expected)
}

fn broken(origin: &str, error: &dyn std::fmt::Display) -> Error {
    let reason = one_line(error);
    Error::data(format!("{origin} is not a whole .npz file ({reason}); save it again, or download it again"))
}

#[cfg(test)]
#[path = "npz_tests.rs"]
mod tests;
