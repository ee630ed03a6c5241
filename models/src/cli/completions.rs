//! `narrows completions`: a script that teaches a shell the commands and flags.

use std::path::PathBuf;

use clap::CommandFactory;
use clap_complete::Shell;

use super::common;
use crate::error::Result;
use crate::files;

/// Print the completion script of a shell
///
/// For example: narrows completions bash > ~/.local/share/bash-completion/completions/narrows
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The shell
    shell: Shell,
    /// Write the script to this file instead of stdout
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Runs the command for the tool that `C` declares.
pub(super) fn run<C: CommandFactory>(args: &Args) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut C::command(), "narrows", &mut script);
    match &args.out {
        Some(path) => files::write_bytes_atomically(path, &script),
        None => common::to_stdout(&String::from_utf8_lossy(&script)),
    }
}
