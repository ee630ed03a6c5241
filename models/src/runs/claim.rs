//! One process writes a run directory: it is claimed when the run begins or goes on, and locked until that process ends.
//!
//! The claim is a lock of the operating system on the file `run.lock`. Such a lock ends with its process, so one that
//! was killed blocks nobody; a file that merely exists would. The file stays, for taking it away would let two processes
//! lock two files of one name. The claim alone decides: there is no look beforehand that another process could outdate.
//!
//! What makes a directory a run is its state file, which is written last. Until then `run.lock` says that what lies beside
//! it is an unfinished beginning: the command that began it may begin it again, and no file of somebody else's is ever
//! taken for one.

use super::files::{CONFIG_FILE, HISTORY_FILE, SAMPLES_FOLDER};
use crate::model::MODEL_FILE;
use crate::training::state::STATE_FILE;
use crate::{Error, Result};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The file that is locked.
pub(super) const LOCK_FILE: &str = "run.lock";
/// What it says while a run begins.
const BEGINNING: &[u8] = b"A run of narrows begins here; what lies beside this file is not complete.\n";
/// Where runs without a name of their own go.
const RUNS: &str = "runs";
/// How often a folder that is taken away at the same moment is made again.
const ATTEMPTS: usize = 100;
/// Temporary files this old belong to a process that was killed.
const STALE: Duration = Duration::from_secs(60);

/// A run directory that this process alone writes. Unless [`Claim::keep`] is called, everything that the claim made is
/// taken away again when it is dropped.
pub(super) struct Claim {
    folder: PathBuf,
    /// Closed before the folder is taken away: some systems keep a name until then.
    lock: File,
    made: Made,
    /// Whether `run.lock` was not there before.
    made_lock: bool,
    /// Whether the run's own files may have been written.
    began: bool,
    kept: bool,
}

/// The folders that were not there before, outermost first; those that are empty are taken away when it is dropped.
#[derive(Default)]
struct Made(Vec<PathBuf>);

impl Claim {
    /// Claims a folder for a new run: makes it, or takes one that holds no run.
    pub(super) fn begin(folder: &Path) -> Result<Self> {
        Self::try_begin(folder, true)?.ok_or_else(|| taken_away(folder))
    }

    /// Claims `runs/NAME-N`, a new folder, with the number after the highest one there.
    pub(super) fn begin_numbered(name: &str) -> Result<Self> {
        let folder = Path::new(RUNS);
        let mut number = highest(folder, name)?;
        loop {
            number = number.checked_add(1).ok_or_else(|| {
                Error::usage(format!("{RUNS} holds the last number that {name}-N can have; give --out"))
            })?;
            // Where another process has been faster, the next number may be free.
            if let Some(claim) = Self::try_begin(&folder.join(format!("{name}-{number}")), false)? {
                return Ok(claim);
            }
        }
    }

    /// `None` for a folder that is there already, unless `existing` ones will do.
    fn try_begin(folder: &Path, existing: bool) -> Result<Option<Self>> {
        let mut failure = taken_away(folder);
        for _ in 0..ATTEMPTS {
            let mut made = Made::default();
            made.parents(folder)?;
            match fs::create_dir(folder) {
                Ok(()) => made.0.push(folder.to_path_buf()),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && !existing => return Ok(None),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => {}
                Err(error) => {
                    let again = error.kind() == io::ErrorKind::NotFound;
                    failure = Error::io("create the folder", folder, error);
                    // The process that had made a parent may have taken it away.
                    if again {
                        continue;
                    }
                    return Err(failure);
                }
            }
            if let Some(mut claim) = Self::lock(folder, made, "wait until it ends, or give another --out")? {
                claim.refuse_taken()?;
                return Ok(Some(claim));
            }
        }
        Err(failure)
    }

    /// Claims the folder of a run that goes on.
    pub(super) fn resume(folder: &Path) -> Result<Self> {
        let run = folder.display();
        let has = |file: &str| folder.join(file).exists();
        let none = || Error::data(format!("{run} holds no run that could be resumed"));
        if !(has(STATE_FILE) || has(LOCK_FILE)) {
            return Err(none());
        }
        let claim = Self::lock(folder, Made::default(), "wait until it ends")?;
        let mut claim = claim.ok_or_else(none)?;
        if has(STATE_FILE) {
            claim.kept = true;
            return Ok(claim);
        }
        Err(Error::data(if claim.holds_a_beginning() {
            format!(
                "{run} was left before its first checkpoint, and there is nothing to go on from; begin it again: the \
                 same settings with --out {run}"
            )
        } else {
            format!("{run} holds no run that could be resumed: its {STATE_FILE} is not there; begin another with --out")
        }))
    }

    /// The folder.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Says in `run.lock` that what follows is a beginning.
    pub(super) fn mark_beginning(&mut self) -> Result<()> {
        self.began = true;
        self.say(BEGINNING)
    }

    /// The run has its state: it is one, and stays whatever comes.
    pub(super) fn keep(&mut self) -> Result<()> {
        self.say(b"")?;
        self.kept = true;
        self.made.0.clear();
        Ok(())
    }

    /// Locks a folder's file; `None` if the folder was taken away meanwhile.
    fn lock(folder: &Path, made: Made, remedy: &str) -> Result<Option<Self>> {
        let path = folder.join(LOCK_FILE);
        let open = |new: bool| OpenOptions::new().read(true).write(true).create_new(new).open(&path);
        let (opened, made_lock) = match open(true) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => (open(false), false),
            other => (other, true),
        };
        let lock = match opened {
            Ok(lock) => lock,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::io("open", &path, error)),
        };
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let folder = folder.display();
                return Err(Error::usage(format!("{folder} is being written by another process; {remedy}")));
            }
            Err(TryLockError::Error(error)) => {
                return Err(Error::io("lock (choose a folder on a file system that has locks)", &path, error));
            }
        }
        if !is_named(&lock, &path) {
            return Ok(None);
        }
        let folder = folder.to_path_buf();
        remove_stale(&folder);
        Ok(Some(Self { folder, lock, made, made_lock, began: false, kept: false }))
    }

    /// Refuses a folder that holds a run, or files of a run's names that no beginning has left.
    fn refuse_taken(&mut self) -> Result<()> {
        let folder = self.folder.display();
        if self.folder.join(STATE_FILE).exists() {
            return Err(Error::usage(format!(
                "{folder} holds a run already; give another --out, or go on with --resume {folder}"
            )));
        }
        let stranger = self.stranger();
        match stranger.filter(|_| !self.says_beginning()) {
            Some(file) => Err(Error::usage(format!(
                "{} holds a {file} already, which a run would write over; give another --out",
                self.folder.display()
            ))),
            None => Ok(()),
        }
    }

    /// Whether nothing but a beginning lies here.
    fn holds_a_beginning(&mut self) -> bool {
        self.says_beginning() || self.stranger().is_none()
    }

    /// A file that a run would write over.
    fn stranger(&self) -> Option<&'static str> {
        [CONFIG_FILE, MODEL_FILE, HISTORY_FILE].into_iter().find(|file| self.folder.join(file).exists())
    }

    fn says_beginning(&mut self) -> bool {
        let mut text = Vec::new();
        let read = self.lock.rewind().and_then(|()| (&self.lock).take(1024).read_to_end(&mut text));
        read.is_ok() && text == BEGINNING
    }

    fn say(&mut self, text: &[u8]) -> Result<()> {
        let said = self.lock.set_len(0).and_then(|()| self.lock.rewind()).and_then(|()| self.lock.write_all(text));
        said.and_then(|()| self.lock.sync_all())
            .map_err(|error| Error::io("write", &self.folder.join(LOCK_FILE), error))
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if self.kept {
            return;
        }
        // The error that led here is what the caller must see.
        if self.began {
            for file in [CONFIG_FILE, MODEL_FILE, STATE_FILE, HISTORY_FILE] {
                let _ = fs::remove_file(self.folder.join(file));
            }
            let _ = fs::remove_dir(self.folder.join(SAMPLES_FOLDER));
        }
        if self.made_lock {
            let _ = fs::remove_file(self.folder.join(LOCK_FILE));
        }
    }
}

impl Made {
    /// Makes the folders above `folder`.
    fn parents(&mut self, folder: &Path) -> Result<()> {
        let above = folder.ancestors().skip(1);
        let missing = above.take_while(|parent| !parent.as_os_str().is_empty() && !parent.exists());
        let missing: Vec<&Path> = missing.collect();
        for parent in missing.into_iter().rev() {
            match fs::create_dir(parent) {
                Ok(()) => self.0.push(parent.to_path_buf()),
                // Another process was faster, or takes its own away.
                Err(error) if matches!(error.kind(), io::ErrorKind::AlreadyExists | io::ErrorKind::NotFound) => {}
                Err(error) => return Err(Error::io("create the folder", parent, error)),
            }
        }
        Ok(())
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        for folder in self.0.iter().rev() {
            // One that holds anything stays.
            let _ = fs::remove_dir(folder);
        }
    }
}

fn taken_away(folder: &Path) -> Error {
    Error::usage(format!("{} is taken away whenever it is made; give another --out", folder.display()))
}

/// The highest N of the names `NAME-N` in a folder, 0 for none.
fn highest(folder: &Path, name: &str) -> Result<u64> {
    let failed = |error| Error::io("read the folder", folder, error);
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(failed(error)),
    };
    let mut last = 0;
    for entry in entries {
        let entry = entry.map_err(failed)?.file_name();
        let number = entry.to_str().and_then(|entry| entry.strip_prefix(name)?.strip_prefix('-')?.parse().ok());
        last = last.max(number.unwrap_or(0));
    }
    Ok(last)
}

/// Whether the file still has its name: another process that gave up may have taken it away between opening and locking.
#[cfg(unix)]
fn is_named(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (file.metadata(), fs::metadata(path)) {
        (Ok(own), Ok(named)) => (own.dev(), own.ino()) == (named.dev(), named.ino()),
        _ => false,
    }
}

/// Elsewhere a file that is open keeps its name.
#[cfg(not(unix))]
fn is_named(_: &File, path: &Path) -> bool {
    path.exists()
}

/// Removes the temporary files that killed processes have left; failing to is no harm.
fn remove_stale(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let temporary = name.to_str().is_some_and(crate::files::is_temporary);
        let age = entry.metadata().and_then(|metadata| metadata.modified()).ok().and_then(|time| time.elapsed().ok());
        if temporary && age.is_some_and(|age| age > STALE) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(claim: Result<Claim>) -> String {
        claim.err().expect("a refusal").to_string()
    }

    #[test]
    fn one_claim_at_a_time_and_nothing_is_left_of_one_given_up() {
        let folder = tempfile::tempdir().unwrap();
        let run = folder.path().join("a/b/run");
        let claim = Claim::begin(&run).unwrap();
        assert!(refused(Claim::begin(&run)).contains("another process; wait until it ends, or give another --out"));
        assert!(refused(Claim::resume(&run)).contains("another process"));
        drop(claim);
        assert!(!folder.path().join("a").exists());
        fs::create_dir_all(&run).unwrap();
        drop(Claim::begin(&run).unwrap());
        assert!(run.exists() && fs::read_dir(&run).unwrap().count() == 0);
    }

    #[test]
    fn a_beginning_is_begun_again_and_nobody_elses_files_are_taken_for_one() {
        let folder = tempfile::tempdir().unwrap();
        let run = folder.path().join("run");
        let mut claim = Claim::begin(&run).unwrap();
        claim.mark_beginning().unwrap();
        fs::write(run.join(CONFIG_FILE), "").unwrap();
        // As if the process had been killed: nothing is taken away.
        claim.kept = true;
        claim.made.0.clear();
        drop(claim);
        assert!(refused(Claim::resume(&run)).contains("the same settings with --out"));
        let mut claim = Claim::begin(&run).unwrap();
        claim.mark_beginning().unwrap();
        fs::write(run.join(STATE_FILE), "").unwrap();
        claim.keep().unwrap();
        drop(claim);
        assert!(refused(Claim::begin(&run)).contains("go on with --resume"));
        drop(Claim::resume(&run).unwrap());
        fs::remove_file(run.join(STATE_FILE)).unwrap();
        assert!(refused(Claim::begin(&run)).contains("holds a config.toml already"));
        assert!(refused(Claim::resume(&run)).contains("begin another"));
        assert!(run.join(CONFIG_FILE).exists());
    }
    #[test]
    fn what_killed_processes_left_is_taken_away_when_it_is_old() {
        let folder = tempfile::tempdir().unwrap();
        let (old, new) = (folder.path().join(".narrows-a.part"), folder.path().join(".narrows-b.part"));
        let long_ago = std::time::SystemTime::now() - 2 * STALE;
        File::create(&old).unwrap().set_modified(long_ago).unwrap();
        File::create(&new).unwrap();
        let _claim = Claim::begin(folder.path()).unwrap();
        assert!(!old.exists() && new.exists());
    }

    /// Folder and lock are made and taken away by all at once, and yet never two have them.
    #[test]
    fn never_two_at_a_time() {
        use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
        let folder = tempfile::tempdir().unwrap();
        let run = folder.path().join("a/run");
        let (inside, claims) = (AtomicU32::new(0), AtomicU32::new(0));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..500 {
                        let Ok(claim) = Claim::begin(&run) else { continue };
                        assert_eq!(inside.fetch_add(1, SeqCst), 0);
                        claims.fetch_add(1, SeqCst);
                        inside.fetch_sub(1, SeqCst);
                        drop(claim);
                    }
                });
            }
        });
        assert!(claims.into_inner() > 0);
        // An empty folder or lock that two have raced for may be left, and is no obstacle.
        Claim::begin(&run).unwrap();
    }
}
