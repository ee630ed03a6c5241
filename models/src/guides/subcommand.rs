//! # Adding a subcommand
//!
//! One file of `models/src/cli` and a line of `commands!` in that folder's `mod.rs`. Help and the shells' completions
//! follow. Work that a caller of the library wants too is a file of
//! [`applications`](crate::applications), with its line there; the subcommand then only reads flags, calls it, and puts
//! the result out. `cli/probe.rs` with `applications/probe.rs` is a short example.
//!
//! ```text
//! size::Size,
//! ```
//!
//! The file:
//!
//! ```text
//! //! `narrows size`: how many numbers a model's code has.
//!
//! /// Say how many numbers a model's code has
//! ///
//! /// For example: narrows size runs/undercomplete-1
//! #[derive(Debug, clap::Args)]
//! pub(super) struct Args {
//!     /// A run directory, or a model.safetensors
//!     run: PathBuf,
//!     #[command(flatten)]
//!     common: Common,
//! }
//!
//! pub(super) fn run(args: &Args) -> Result<()> {
//!     let model = Model::load(&args.run)?;
//!     let code = model.code_size();
//!     common::to_stdout(&match (args.common.json, args.common.quiet) {
//!         (true, _) => common::json(&Size { code, run: args.run.display().to_string() })?,
//!         (false, true) => format!("{code}\n"),
//!         (false, false) => format!("{}, {} numbers in a code\n", model.layers(), common::count(code as u64)),
//!     })
//! }
//! ```
//!
//! The manners of all of them:
//!
//! * `Common` has `--seed`, `--threads`, `--json` and `--quiet`; threads come from `common.pool()`.
//! * The result goes to stdout: text, with `--quiet` the one line that matters most, with `--json` one object on one
//!   line and nothing else. Progress goes to stderr.
//! * A file for `--out` is written whole or not at all ([`files`](crate::files)).
//! * An error is an [`Error`](crate::Error) of one line that names the thing and the remedy; its kind decides the exit
//!   status, 2 for what makes no sense and 1 for what failed. The first paragraph of the documentation is the line in
//!   `narrows --help`, the rest the help of the subcommand.
//!
//! Tests: what it does in `tests/cli.rs`, with the real program; its names under `--json` in `tests/figures.rs`. The
//! tour in `README.md` has a line for each.
