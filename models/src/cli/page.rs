//! The flag `--report` of commands that have something to show: a page for people, beside their results.

use std::path::{Path, PathBuf};

use super::common::{self, Common};
use crate::applications::pages::Origin;
use crate::error::Result;
use crate::model::Model;

/// Where a page goes.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct PageArgs {
    /// Write a page that shows the result, one file with all that it needs inside
    #[arg(long, value_name = "FILE.html")]
    pub(super) report: Option<PathBuf>,
}

impl PageArgs {
    /// Writes a page, if one was asked for, and says where it is.
    pub(super) fn write(&self, common: &Common, write: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
        let Some(path) = &self.report else { return Ok(()) };
        write(path)?;
        if !common.json && !common.quiet {
            common::to_stderr(&format!("page: {}\n", common::printable(&path.display().to_string())));
        }
        Ok(())
    }
}

/// How a page came about: the command as it was typed, and the settings in effect that have a value.
pub(super) fn origin(model: &Model, data: Option<&str>, settings: &[(&str, Option<String>)], threads: usize) -> Origin {
    let quoted = |word: std::ffi::OsString| {
        let word = word.to_string_lossy().into_owned();
        let plain = |letter: char| letter.is_alphanumeric() || "-_./:,=+%@".contains(letter);
        if !word.is_empty() && word.chars().all(plain) { word } else { format!("'{}'", word.replace('\'', "'\\''")) }
    };
    let words: Vec<String> = std::env::args_os().skip(1).map(quoted).collect();
    let given = settings.iter().filter_map(|(name, value)| Some(((*name).to_owned(), value.clone()?)));
    Origin {
        command: format!("narrows {}", words.join(" ")),
        data: data.unwrap_or(&model.source().source).to_owned(),
        settings: given.collect(),
        threads,
    }
}
