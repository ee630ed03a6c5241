//! `narrows presets`: the named configurations, their sources and what is expected of them.

use std::fmt::Write;

use serde_json::json;

use super::common;
use crate::error::Result;
use crate::presets::{PRESETS, Preset};

/// List the named configurations that `train --preset` takes
///
/// For example: narrows presets
///
/// Prints each with what it is, where it is from, what is expected of it, and its settings.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Result<()> {
    common::to_stdout(&if args.json { json_line() } else { PRESETS.iter().map(text).collect() })
}

/// One preset for people.
fn text(preset: &Preset) -> String {
    let mut text = format!("{}\n  {}\n", preset.name, preset.about);
    // Writing to a string does not fail.
    let _ = writeln!(text, "  data      {}", preset.data);
    let _ = writeln!(text, "  source    {}", preset.source);
    let _ = writeln!(text, "  expected  {}", preset.expected);
    let settings: Vec<String> = preset
        .settings
        .iter()
        .map(|(key, value)| format!("{key} = {}", if value.is_empty() { "\"\"" } else { value }))
        .collect();
    let _ = writeln!(text, "  settings  {}", settings.join(", "));
    text
}

/// All of them on one line of JSON.
fn json_line() -> String {
    let presets = PRESETS.iter().map(|preset| {
        let settings: serde_json::Map<_, _> =
            preset.settings.iter().map(|(key, value)| ((*key).to_owned(), json!(value))).collect();
        json!({
            "name": preset.name,
            "about": preset.about,
            "data": preset.data,
            "source": preset.source,
            "expected": preset.expected,
            "settings": settings,
        })
    });
    format!("{}\n", json!({ "presets": presets.collect::<Vec<_>>() }))
}
