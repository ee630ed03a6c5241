//! The examples run, as a reader would run them.

#[path = "../examples/embed.rs"]
mod embed;

#[test]
fn a_program_of_ones_own() {
    embed::main().unwrap();
}
