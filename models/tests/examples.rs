//! The examples run, as a reader would run them.

#[path = "../examples/embed.rs"]
mod embed;
#[path = "../examples/own_autoencoder.rs"]
mod own_autoencoder;

#[test]
fn a_program_of_ones_own() {
    embed::main().unwrap();
}

#[test]
fn a_type_of_ones_own() {
    own_autoencoder::main().unwrap();
}
