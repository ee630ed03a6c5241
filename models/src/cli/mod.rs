//! The `narrows` tool: what may be typed, and what comes back.
//!
//! One subcommand per file; each takes its own flags beside the `common` ones, calls the library and puts its result
//! out. Results go to stdout, progress and errors to stderr. An error is one line and decides the exit status: 2 for a
//! request that makes no sense, 1 for one that failed. Clap's own errors, which take several lines, are folded into
//! one here, so that a script reads every error in the same way.

mod common;
mod figures;
mod follow;
mod json;
mod keys;
mod output;
mod page;
mod progress;
mod rows;
mod signals;
mod ticker;

use std::process::ExitCode;

use clap::error::ErrorKind as ClapErrorKind;
use clap::{Parser, Subcommand};

use crate::error::{Error, ErrorKind, Result};

/// The exit status of a request that failed.
const FAILED: u8 = 1;
/// The exit status of a request that makes no sense.
const MISUSED: u8 = 2;

/// Trains and runs autoencoders on ordinary CPUs.
#[derive(Debug, Parser)]
#[command(
    name = "narrows",
    version,
    // The last of a repeated flag counts, so that a script's defaults can be overridden by appending.
    args_override_self = true,
    subcommand_required = true,
    arg_required_else_help = true,
    max_term_width = 100,
    after_help = "Start with `narrows train`: it trains on the embedded digits, in seconds, and says where the result \
                  is.\nExit status: 0 done, 1 failed, 2 misused. Results go to stdout, progress and errors to stderr."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

macro_rules! commands {
    ($($module:ident::$Name:ident,)*) => {
        $(mod $module;)*
        mod completions;

        #[derive(Debug, Subcommand)]
        enum Command {
            $($Name(Box<$module::Args>),)*
            // Beside the others, for it is made of all of them.
            Completions(completions::Args),
        }

        impl Command {
            fn run(&self) -> Result<()> {
                match self {
                    $(Self::$Name(args) => $module::run(args),)*
                    Self::Completions(args) => completions::run::<Cli>(args),
                }
            }
        }
    };
}

commands! {
    train::Train,
    eval::Eval,
    reconstruct::Reconstruct,
    encode::Encode,
    decode::Decode,
    denoise::Denoise,
    inpaint::Inpaint,
    impute::Impute,
    sample::Sample,
    interpolate::Interpolate,
    manifold::Manifold,
    filters::Filters,
    inspect::Inspect,
    probe::Probe,
    compress::Compress,
    decompress::Decompress,
    search::Search,
    detect::Detect,
    gallery::Gallery,
    presets::Presets,
}

/// Runs the tool on the process's arguments, and returns its exit status.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return refused(&error),
    };
    if let Err(error) = narrows_engine::Backend::check_request() {
        return report(&Error::usage(error.to_string()));
    }
    match cli.command.run() {
        Ok(()) if signals::interrupted() => ExitCode::from(signals::STOPPED),
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => report(&error),
    }
}

/// Prints the line of `error`, and returns its exit status.
fn report(error: &Error) -> ExitCode {
    say(&error.to_string());
    ExitCode::from(if error.kind() == ErrorKind::Usage { MISUSED } else { FAILED })
}

/// What clap puts out instead of arguments: help and the version as they are, an error on one line.
fn refused(error: &clap::Error) -> ExitCode {
    match error.kind() {
        // Nobody is left to tell when the stream is closed.
        ClapErrorKind::DisplayHelp | ClapErrorKind::DisplayVersion => {
            let _ = error.print();
            ExitCode::SUCCESS
        }
        ClapErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            let _ = error.print();
            ExitCode::from(MISUSED)
        }
        _ => {
            say(&one_line(&error.render().to_string()));
            ExitCode::from(MISUSED)
        }
    }
}

/// One line on stderr: `narrows: MESSAGE`, the name in red on a terminal.
fn say(message: &str) {
    let name = if common::colours(&std::io::stderr()) { "\x1b[1;31mnarrows:\x1b[0m" } else { "narrows:" };
    common::to_stderr(&format!("{name} {}\n", common::printable(message.trim())));
}

/// Clap's message without its usage and its farewell, on one line: `WHAT; tip: ...; see `narrows ... --help``.
fn one_line(text: &str) -> String {
    let mut line = String::new();
    let mut usage = None;
    for part in text.lines().map(str::trim) {
        let part = part.strip_prefix("error: ").unwrap_or(part);
        if let Some(found) = part.strip_prefix("Usage: ") {
            usage = Some(found);
            break;
        }
        if part.starts_with("For more information") {
            break;
        }
        match part {
            "" => {}
            _ if line.is_empty() => line.push_str(part),
            _ if part.starts_with("tip: ") => line.extend(["; ", part]),
            _ => line.extend([" ", part]),
        }
    }
    let command: Vec<_> =
        usage.unwrap_or("narrows").split(' ').take_while(|word| !word.starts_with(['-', '<', '['])).collect();
    format!("{line}; see `{} --help`", command.join(" "))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_misuse_is_one_line() {
        for (words, expected) in [
            ("train --epocs 3", "tip: a similar argument exists: '--epochs'"),
            ("trian", "tip: a similar subcommand exists: 'train'"),
            ("train --threads x", "invalid value 'x' for '--threads"),
            ("train --threads 0", "'--threads"),
            ("eval", "required arguments were not provided: <RUN>"),
            ("completions klingon", "possible values: "),
            ("train --resume a --out b", "cannot be used with"),
        ] {
            let error = Cli::try_parse_from(format!("narrows {words}").split(' ')).unwrap_err();
            let line = one_line(&error.render().to_string());
            assert!(line.contains(expected) && !line.contains('\n') && !line.contains("Usage"), "{line}");
            assert!(line.contains("see `narrows"), "{line}");
        }
    }

    #[test]
    fn empty_and_negative_values_are_values() {
        for words in [&["--hidden", ""][..], &["--lr", "-1"], &["--code", "-0.5"], &["--data", "-"]] {
            let words = ["narrows", "train"].iter().chain(words);
            assert!(Cli::try_parse_from(words).is_ok());
        }
    }
}
