//! The configuration's file, and the paths in it.

use super::files::LONGEST_CONFIG;
use crate::autoencoders::Registry;
use crate::data::Source;
use crate::files::read_limited;
use crate::training::Config;
use crate::{Error, Result};
use std::path::Path;

/// Reads a configuration file of a registry's types.
///
/// # Errors
/// It cannot be read, is too long, or says what makes no sense.
pub fn read_config(path: &Path, registry: &Registry) -> Result<Config> {
    Config::from_toml(&config_text(path)?, &path.display().to_string(), registry)
}

/// The text of a configuration file.
///
/// # Errors
/// It cannot be read, is too long, or is no text.
pub fn config_text(path: &Path) -> Result<String> {
    let bytes = read_limited(path, LONGEST_CONFIG)?;
    String::from_utf8(bytes)
        .map_err(|_| Error::usage(format!("{} is not text in UTF-8; give a TOML file", path.display())))
}

/// The configuration with the whole path of its data, so that the run can be used from any folder.
pub(super) fn with_whole_path(mut config: Config) -> Result<Config> {
    config.data.source = Source::parse(&config.data.source)?.spelling()?;
    Ok(config)
}
