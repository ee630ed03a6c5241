//! `narrows presets`: the named configurations, their sources and what is expected of them.

use std::fmt::Write;

use serde_json::json;

use super::common::{self, Common};
use crate::error::Result;
use crate::presets::{self, PRESETS, Preset};

/// List the named configurations that `train --preset` takes
///
/// For example: narrows presets pytorch-vae
///
/// Prints each with what it is, what data it is for, where it is from, what is expected of it, and its settings; with
/// --quiet the names.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Show this one only
    name: Option<String>,
    #[command(flatten)]
    common: Common,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Result<()> {
    let chosen: Vec<&Preset> = match &args.name {
        Some(name) => vec![presets::preset(name)?],
        None => PRESETS.iter().collect(),
    };
    common::to_stdout(&match (args.common.json, args.common.quiet) {
        (true, _) => json_line(&chosen),
        (false, true) => chosen.iter().map(|preset| format!("{}\n", preset.name)).collect(),
        (false, false) => chosen.iter().map(|preset| text(preset)).collect(),
    })
}

/// One preset for people.
fn text(preset: &Preset) -> String {
    let mut text = format!("{}\n  {}\n", preset.name, preset.about);
    // Writing to a string does not fail.
    let _ = writeln!(text, "  data      {}", preset.data);
    let _ = writeln!(text, "  source    {}", preset.source);
    let _ = writeln!(text, "  expected  {}", preset.expected);
    let _ = writeln!(text, "  reached   {}", preset.reached);
    let settings: Vec<String> = preset
        .settings
        .iter()
        .map(|(key, value)| format!("{key} = {}", if value.is_empty() { "\"\"" } else { value }))
        .collect();
    let _ = writeln!(text, "  settings  {}", settings.join(", "));
    let _ = writeln!(text, "  command   narrows train --preset {} --data FOLDER", preset.name);
    text
}

/// All of them on one line of JSON.
fn json_line(chosen: &[&Preset]) -> String {
    let presets = chosen.iter().map(|preset| {
        let settings: serde_json::Map<_, _> =
            preset.settings.iter().map(|(key, value)| ((*key).to_owned(), json!(value))).collect();
        json!({
            "name": preset.name,
            "about": preset.about,
            "data": preset.data,
            "source": preset.source,
            "expected": preset.expected,
            "reached": preset.reached,
            "settings": settings,
        })
    });
    format!("{}\n", json!({ "presets": presets.collect::<Vec<_>>() }))
}
