//! What is fuzzed: one function per parser of foreign bytes. Any input must end in a value or an error.
//!
//! The binaries in `fuzz_targets` hand their input to these functions and exist only with the feature `libfuzzer`; a
//! test replays a few inputs on every build. A function checks what a value promises, not only that nothing panics.

use narrows::data::{Rows, idx};

/// An IDX file of images.
pub fn idx_images(data: &[u8]) {
    if let Ok(set) = idx::parse_images(data, "fuzz", data.len() as u64) {
        assert_eq!(set.samples().len(), set.len() * set.features());
        assert!(!set.is_empty() && set.image().is_none_or(|shape| shape.features() == Some(set.features())));
        let mut row = vec![0.0; set.features()];
        assert!((0..set.len() as u32).all(|at| set.read(&[at], &mut row).is_ok() && row.iter().all(|x| x.is_finite())));
        // Elements are at least a byte, so memory is bounded by the input.
        assert!(set.bytes() <= 8 * data.len());
    }
}

/// An IDX file of labels.
pub fn idx_labels(data: &[u8]) {
    if let Ok(labels) = idx::parse_labels(data, "fuzz", data.len() as u64) {
        assert!(labels.len() <= data.len());
        assert!(labels.iter().all(|&label| label < narrows::data::MAX_CLASSES));
    }
}

/// A model file.
pub fn model_file(data: &[u8]) {
    let _ = narrows::model::Model::parse(data, "fuzz");
}

/// The state of a run, and going on from it.
pub fn state_file(data: &[u8]) {
    use narrows::training::{Config, Prepared, Silent, Trainer, prepare};
    let Ok(saved) = narrows::training::state::parse(data, "fuzz") else { return };
    let dataset = narrows::data::digits().expect("the digits are embedded");
    let rows: Vec<u32> = (0..100).collect();
    let config = Config::of("undercomplete").and_then(|it| it.with(&[("hidden", "5"), ("code", "3"), ("epochs", "3")]));
    let prepared = prepare(&config.expect("known keys"), &dataset, &rows);
    let Prepared { model, config, .. } = prepared.expect("a configuration that makes sense");
    let mut trainer = Trainer::new(model, config.training, &dataset, rows, Vec::new()).expect("memory");
    if trainer.restore(saved).is_ok() {
        let limit = trainer.step_count().saturating_add(3);
        let _ = trainer.run(narrows_engine::Split::Serial, Some(limit), &mut Silent, &mut |_| Ok(false));
    }
}

/// A configuration.
pub fn config_toml(data: &[u8]) {
    use narrows::autoencoders::Registry;
    use narrows::training::Config;
    let registry = Registry::standard();
    if let Ok(text) = std::str::from_utf8(data)
        && let Ok(config) = Config::from_toml(text, "fuzz", &registry)
    {
        let again = Config::from_toml(&config.to_toml(), "fuzz", &registry);
        assert!(again.is_ok_and(|again| again == config), "a configuration must be read as it was written");
    }
}

/// A compressed file: what stands before its checksum, which no change would get past.
pub fn compressed(data: &[u8]) {
    use narrows::applications::compress::{Packed, sealed};
    if let Ok(packed) = Packed::parse(&sealed(data.to_vec()), "fuzz") {
        let bytes = packed.to_bytes().expect("what was read can be written").0;
        assert!(
            Packed::parse(&bytes, "fuzz").is_ok_and(|again| again == packed),
            "a file must be read as it was written"
        );
    }
}

#[cfg(test)]
mod tests {
    /// A small file of each kind; the fuzzers find the rest.
    const SEEDS: [&[u8]; 9] = [
        b"",
        b"\0\0\x08\x03\0\0\0\x02\0\0\0\x01\0\0\0\x02\x01\x02\x03\x04",
        b"\0\0\x08\x01\0\0\0\x03\x00\x01\x02",
        b"\0\0\x0d\x02\0\0\0\x01\0\0\0\x01\x7f\xc0\0\0",
        b"\0\0\x0e\x03\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x10\0\0\0\0\0\0\0{\"__metadata__\":",
        // Two rows of two numbers, and three of an entry and a label.
        b"NRWC\x01\0\0\0\0\0\0\0\0\0\x02\x02\0\x80\x3f\x10\0\0\x3f\x20\x03\x40\xff\x80\0",
        b"NRWC\x01\0\0\0\0\0\0\0\0\x02\x03\x01\x02\x05\x40\xff\x80\0",
        b"[model]\ncode = 3\n[training]\nepochs = 3\n",
    ];

    /// Every target, as the fuzzers call it.
    const TARGETS: [fn(&[u8]); 6] = [
        super::idx_images,
        super::idx_labels,
        super::model_file,
        super::state_file,
        super::config_toml,
        super::compressed,
    ];

    #[test]
    fn seeds_and_all_their_beginnings_and_changed_bytes() {
        for (target, seed) in TARGETS.iter().flat_map(|target| SEEDS.iter().map(move |seed| (target, seed))) {
            (0..=seed.len()).for_each(|end| target(&seed[..end]));
            for at in 0..seed.len() {
                for value in [0x00, 0x01, 0x7f, 0x80, 0xff] {
                    let mut changed = seed.to_vec();
                    changed[at] = value;
                    target(&changed);
                }
            }
        }
    }
}
