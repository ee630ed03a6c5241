//! What messages say of files and formats.

use std::path::Path;

/// What can be read, as the remedy of an error: `give a table (.csv, ..), ..`.
pub fn formats_words() -> &'static str {
    if cfg!(feature = "parquet") {
        "give a table (.csv, .tsv, .parquet), arrays (.npy, .npz, .safetensors), a folder of images or photographs (PNG, \
         JPEG, WebP), a folder of IDX files, or `-` for a table on standard input"
    } else {
        "give a table (.csv, .tsv), arrays (.npy, .npz, .safetensors), a folder of images or photographs (PNG, JPEG, \
         WebP), a folder of IDX files, or `-` for a table on standard input"
    }
}

/// What a source of one file is called.
pub(super) fn file_name(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.display().to_string())
}

/// A decoder's words, which may quote the file: kept to a line.
pub(super) fn one_line(reason: &dyn std::fmt::Display) -> String {
    reason.to_string().replace(char::is_control, " ").chars().take(200).collect()
}
