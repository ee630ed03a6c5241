//! Writing files so that they are whole or not there.
//!
//! Content goes to a temporary file beside the destination, is flushed and synced, and is renamed over it; then the
//! folder is synced, so that the name survives a power cut too. A failure at any point leaves the old file as it was
//! and nothing beside it. What is not a regular file (`/dev/stdout`, a pipe) cannot be renamed over and is written
//! directly.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, BufWriter, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

const BUFFER: usize = 1 << 16;
/// How the names of temporary files begin and end.
const TEMPORARY: (&str, &str) = (".narrows-", ".part");

/// Writes the file `path` with what `write` puts out, all or nothing. The writer is buffered, and flushed afterwards.
/// An existing file keeps its permissions, and a symbolic link stays one: the file it points to is replaced.
///
/// # Errors
/// If the folder does not exist, `path` is a folder, `write` fails, or the system refuses any step; the message names
/// `path`. No temporary file stays behind, and an existing file is as it was.
pub fn write_atomically(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
    try_write(path, |file, _| buffered(file, write)).map_err(|error| Error::io("write", path, error))
}

/// The same for a writer that wants a path: `write` fills the file of the path it is given, in place.
///
/// # Errors
/// As for [`write_atomically`].
pub fn write_path_atomically(path: &Path, write: impl FnOnce(&Path) -> io::Result<()>) -> Result<()> {
    try_write(path, |_, place| write(place)).map_err(|error| Error::io("write", path, error))
}

/// Writes `bytes` to the file `path`, all or nothing. See [`write_atomically`].
///
/// # Errors
/// As for [`write_atomically`].
pub fn write_bytes_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    write_atomically(path, |writer| writer.write_all(bytes))
}

/// Reads a regular file of at most `limit` bytes.
///
/// # Errors
/// It cannot be read, is no regular file (a device may never end) or is longer.
pub fn read_limited(path: &Path, limit: u64) -> Result<Vec<u8>> {
    let failed = |error| Error::io("read", path, error);
    let metadata = fs::metadata(path).map_err(failed)?;
    if !metadata.is_file() {
        return Err(failed(remedy(ErrorKind::InvalidInput, "it is no regular file; name one")));
    }
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(limit.saturating_add(1)).read_to_end(&mut bytes));
    read.map_err(failed)?;
    if bytes.len() as u64 > limit {
        return Err(failed(remedy(ErrorKind::InvalidInput, &format!("it is longer than {limit} bytes"))));
    }
    Ok(bytes)
}

/// Whether a file's name is that of a temporary file, which a killed process may have left.
pub(crate) fn is_temporary(name: &str) -> bool {
    name.starts_with(TEMPORARY.0) && name.ends_with(TEMPORARY.1)
}

fn try_write(path: &Path, write: impl FnOnce(&mut File, &Path) -> io::Result<()>) -> io::Result<()> {
    let Some(target) = Target::of(path)? else {
        return write(&mut OpenOptions::new().write(true).open(path)?, path);
    };
    // From here on the temporary file removes itself unless it is renamed.
    let mut temporary = temporary_in(&target.folder)?;
    let place = temporary.path().to_owned();
    let ordinary = temporary.as_file().metadata()?.permissions();
    write(temporary.as_file_mut(), &place)?;
    target.replace(temporary, ordinary)
}

/// A file to be, or to be replaced.
#[derive(Debug)]
struct Target {
    path: PathBuf,
    folder: PathBuf,
    existing: Option<Metadata>,
}

impl Target {
    /// The file that `path` names; `None` of what cannot be renamed over.
    fn of(path: &Path) -> io::Result<Option<Self>> {
        let existing = match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => {
                return Err(remedy(ErrorKind::IsADirectory, "it is a folder; name a file"));
            }
            Ok(metadata) if !metadata.is_file() => return Ok(None),
            Ok(metadata) => Some(metadata),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let path = if existing.is_some() { fs::canonicalize(path)? } else { path.to_owned() };
        if path.file_name().is_none() {
            return Err(remedy(ErrorKind::InvalidInput, "it does not name a file; give a file's name"));
        }
        let folder = folder_of(&path);
        if !folder.is_dir() {
            return Err(remedy(ErrorKind::NotFound, "its folder does not exist; create it first"));
        }
        Ok(Some(Self { path, folder, existing }))
    }

    /// Puts the temporary file in place, with the permissions of what it replaces, or else `ordinary` ones.
    fn replace(self, temporary: tempfile::NamedTempFile, ordinary: fs::Permissions) -> io::Result<()> {
        // Opened anew: a writer that was given the path may have put another file there.
        let file = OpenOptions::new().write(true).open(temporary.path())?;
        file.set_permissions(self.existing.map_or(ordinary, |existing| existing.permissions()))?;
        file.sync_all()?;
        temporary.persist(&self.path).map_err(|failed| failed.error)?;
        sync_folder(&self.folder)
    }
}

/// A file that is written piece by piece, and is there when [`finish`](Self::finish) has succeeded; dropped before, it
/// leaves nothing behind and an existing file as it was. What is no regular file is written directly, and cannot be
/// sought in.
#[derive(Debug)]
pub struct Atomic {
    path: PathBuf,
    place: Place,
}

#[derive(Debug)]
enum Place {
    Temporary(BufWriter<tempfile::NamedTempFile>, Box<Target>),
    Direct(BufWriter<File>),
}

impl Atomic {
    /// Begins the file `path`.
    ///
    /// # Errors
    /// As for [`write_atomically`].
    pub fn create(path: &Path) -> Result<Self> {
        let place = || -> io::Result<Place> {
            Ok(match Target::of(path)? {
                Some(target) => {
                    Place::Temporary(BufWriter::with_capacity(BUFFER, temporary_in(&target.folder)?), Box::new(target))
                }
                None => Place::Direct(BufWriter::with_capacity(BUFFER, OpenOptions::new().write(true).open(path)?)),
            })
        };
        let place = place().map_err(|error| Error::io("write", path, error))?;
        Ok(Self { path: path.to_owned(), place })
    }

    /// Puts the file in place.
    ///
    /// # Errors
    /// As for [`write_atomically`].
    pub fn finish(self) -> Result<()> {
        let finished = match self.place {
            Place::Temporary(file, target) => {
                file.into_inner().map_err(|failed| failed.into_error()).and_then(|file| {
                    let ordinary = file.as_file().metadata()?.permissions();
                    target.replace(file, ordinary)
                })
            }
            Place::Direct(mut file) => file.flush(),
        };
        finished.map_err(|error| Error::io("write", &self.path, error))
    }

    /// What it will be called.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Write for Atomic {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.place {
            Place::Temporary(file, _) => file.write(bytes),
            Place::Direct(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.place {
            Place::Temporary(file, _) => file.flush(),
            Place::Direct(file) => file.flush(),
        }
    }
}

impl Seek for Atomic {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match &mut self.place {
            Place::Temporary(file, _) => file.seek(to),
            Place::Direct(file) => file.seek(to),
        }
    }
}

/// A file without a name in `folder`, which is gone when it is closed: for what must wait until the rest is known.
///
/// # Errors
/// The system refuses.
pub(crate) fn unnamed_in(folder: &Path) -> Result<File> {
    tempfile::tempfile_in(folder).map_err(|error| Error::io("write a temporary file in", folder, error))
}

/// A folder whose files appear together: it is filled under another name and renamed. Dropped before it is put in place,
/// it leaves nothing behind.
#[derive(Debug)]
pub(crate) struct AtomicFolder {
    target: PathBuf,
    temporary: tempfile::TempDir,
}

impl AtomicFolder {
    /// Begins the folder `target`, which must not exist, or be empty.
    ///
    /// # Errors
    /// It holds something, or is no folder; the folder it is to stand in does not exist; the system refuses.
    pub(crate) fn create(target: &Path) -> Result<Self> {
        let failed = |error| Error::io("write", target, error);
        if target.file_name().is_none() {
            return Err(failed(remedy(ErrorKind::InvalidInput, "it does not name a folder; give a name")));
        }
        match fs::read_dir(target).map(|mut entries| entries.next().is_some()) {
            Ok(false) => {}
            Ok(true) => return Err(failed(remedy(ErrorKind::AlreadyExists, "it is not empty; name a new folder"))),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(failed(error)),
        }
        // Without a slash at its end, whose folder would be itself.
        let target: PathBuf = target.components().collect();
        let folder = folder_of(&target);
        if !folder.is_dir() {
            let error = remedy(ErrorKind::NotFound, "the folder it is to stand in does not exist; create it first");
            return Err(Error::io("write", &target, error));
        }
        let mut builder = tempfile::Builder::new();
        builder.prefix(TEMPORARY.0).suffix(TEMPORARY.1);
        #[cfg(unix)]
        let builder = {
            use std::os::unix::fs::PermissionsExt;
            builder.permissions(fs::Permissions::from_mode(0o777))
        };
        let temporary = builder.tempdir_in(&folder).map_err(|error| Error::io("write", &target, error))?;
        Ok(Self { target, temporary })
    }

    /// Where its files are to be put.
    pub(crate) fn path(&self) -> &Path {
        self.temporary.path()
    }

    /// What it will be called.
    pub(crate) fn target(&self) -> &Path {
        &self.target
    }

    /// Puts the folder in place.
    ///
    /// # Errors
    /// The system refuses; something has come to stand there.
    pub(crate) fn finish(self) -> Result<()> {
        let place = || -> io::Result<()> {
            match fs::remove_dir(&self.target) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            fs::rename(self.temporary.path(), &self.target)?;
            sync_folder(&folder_of(&self.target))
        };
        place().map_err(|error| Error::io("write", &self.target, error))
    }
}

fn buffered(file: &mut File, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut writer = BufWriter::with_capacity(BUFFER, file);
    let written = write(&mut writer).and_then(|()| writer.flush());
    // Dropping a `BufWriter` would try to write again what just failed.
    let _ = writer.into_parts();
    written
}

fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// A new file with the permissions any new file gets; `tempfile` alone makes it private.
fn temporary_in(folder: &Path) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(TEMPORARY.0).suffix(TEMPORARY.1);
    #[cfg(unix)]
    let builder = {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o666))
    };
    builder.tempfile_in(folder)
}

/// Makes the new name last. File systems that cannot sync a folder say so; there is nothing more to do on them.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if !cfg!(unix) {
        return Ok(());
    }
    match File::open(folder).and_then(|folder| folder.sync_all()) {
        Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => Ok(()),
        other => other,
    }
}

fn remedy(kind: ErrorKind, text: &str) -> io::Error {
    io::Error::new(kind, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn writes_and_replaces() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        write_bytes_atomically(&path, b"one").unwrap();
        write_atomically(&path, |writer| (0..100_000).try_for_each(|_| writer.write_all(b"two"))).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two".repeat(100_000));
        assert_eq!(names(folder.path()), ["a.txt"]);
    }

    #[test]
    fn a_failure_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        let full = |writer: &mut dyn Write| {
            writer.write_all(&[7; 1 << 18])?;
            Err(ErrorKind::StorageFull.into())
        };
        let message = write_atomically(&path, full).unwrap_err().to_string();
        assert!(message.starts_with(&format!("cannot write {}: ", path.display())), "{message}");
        assert_eq!(names(folder.path()), [""; 0]);
        fs::write(&path, "old").unwrap();
        assert!(write_atomically(&path, full).is_err());
        assert_eq!(
            (fs::read(&path).unwrap().as_slice(), names(folder.path())),
            (&b"old"[..], vec!["a.txt".to_owned()])
        );
    }

    #[test]
    fn says_what_is_wrong_with_the_path() {
        let folder = tempfile::tempdir().unwrap();
        let message = |path: &Path| write_bytes_atomically(path, b"x").unwrap_err().to_string();
        assert!(message(&folder.path().join("no/a.txt")).contains("its folder does not exist; create it first"));
        assert!(message(folder.path()).contains("it is a folder"));
        assert!(message(Path::new("")).contains("does not name a file"));
        fs::write(folder.path().join("file"), "").unwrap();
        assert!(message(&folder.path().join("file/a.txt")).contains("cannot write"));
    }

    #[cfg(unix)]
    #[test]
    fn devices_links_and_permissions() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        write_bytes_atomically(Path::new("/dev/null"), b"x").unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
        if cfg!(target_os = "linux") {
            assert!(write_bytes_atomically(Path::new("/dev/full"), b"x").is_err());
        }
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        fs::write(&file, "old").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        symlink(&file, &link).unwrap();
        write_bytes_atomically(&link, b"new").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&file).unwrap(), b"new");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
