//! What is fuzzed: one function per parser of foreign bytes. Any input must end in a value or an error.
//!
//! The binaries in `fuzz_targets` hand their input to these functions and exist only with the feature `libfuzzer`; a
//! test replays a few inputs on every build. A function checks what a value promises, not only that nothing panics.

use narrows::data::formats::{parse_npy, parse_npz, parse_picture, parse_safetensors};
use narrows::data::{Dataset, Part, Rows, Samples, idx};

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

/// What a reader of a format promises of its data, whatever the bytes were.
fn check(set: &Dataset) {
    assert_eq!(set.samples().len(), set.len() * set.features());
    assert!(!set.is_empty() && set.image().is_none_or(|shape| shape.features() == Some(set.features())));
    assert!(set.labels().is_none_or(|labels| labels.len() == set.len()));
    assert!(set.class_names().is_none_or(|names| names.len() >= set.classes()));
    let good = |value: f64| value.is_finite() || (value.is_nan() && set.has_missing());
    assert!(match set.samples() {
        Samples::U8(_) => true,
        Samples::F32(values) => values.iter().all(|&value| good(value.into())),
        Samples::F64(values) => values.iter().all(|&value| good(value)),
        _ => false,
    });
    assert!(set.notes().iter().all(|note| !note.contains('\n')));
}

/// Errors are one line.
fn check_error(error: &narrows::Error) {
    assert!(!error.to_string().contains('\n'), "{error}");
}

/// An array of NumPy's.
pub fn npy(data: &[u8]) {
    match parse_npy(data, "fuzz") {
        Ok(set) => {
            check(&set);
            // Elements are at least a byte and become eight at most.
            assert!(set.bytes() <= 8 * data.len());
        }
        Err(error) => check_error(&error),
    }
}

/// An archive of NumPy's arrays.
pub fn npz(data: &[u8]) {
    for part in [Part::Train, Part::Test] {
        match parse_npz(data, "fuzz", part) {
            Ok(set) => set.iter().for_each(check),
            Err(error) => check_error(&error),
        }
    }
}

/// A safetensors file of samples.
pub fn safetensors_data(data: &[u8]) {
    for part in [Part::Train, Part::Test] {
        match parse_safetensors(data, "fuzz", part) {
            Ok(set) => set.iter().for_each(check),
            Err(error) => check_error(&error),
        }
    }
}

/// A picture: PNG, JPEG or WebP.
pub fn picture(data: &[u8]) {
    match parse_picture(data, "fuzz") {
        Ok(set) => check(&set),
        Err(error) => check_error(&error),
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

/// A table as text: found out, and read once more by what was found.
pub fn table(data: &[u8]) {
    let options = narrows::data::TableOptions::default();
    let Ok(dataset) = narrows::data::parse_table(data.to_vec(), "fuzz", &options) else { return };
    let columns = narrows::data::Rows::columns(&dataset).unwrap_or_default().to_vec();
    let schema = narrows::data::Schema { columns, ..Default::default() };
    let known = options.with_schema(Some(std::sync::Arc::new(schema)));
    let _ = narrows::data::parse_table(data.to_vec(), "fuzz", &known);
}

#[cfg(test)]
mod tests {
    /// A small file of each kind; the fuzzers find the rest.
    const SEEDS: [&[u8]; 16] = [
        b"a;b;class\n1,5;\"x\"\"y\";A\n;z;B\n",
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
        b"\x93NUMPY\x01\x007\x00{'descr':'<f4','fortran_order':True,'shape':(2,1,1,3)}\x0a\x00\x00\x80?\x00\x00\x00\
          \x00\x00\x00\x00\xc0\x00\x00@@\x00\x00\xc0\x7f\x00\x00\xa0@",
        b"PK\x03\x04\x14\x00\x00\x00\x08\x00\x00\x00!\x00T|\x84]A\x00\x00\x00@\x00\x00\x00\x05\x00\x00\x00x.npy\x9b\
          \xec\x17\xea\x1b\x10\xc9\xc8`\xc2P\xad\x9e\x92Z\x9c\x5c\xa4n\xa5^Sj\xa8\xae\xa3\x9e\x96_TR\x94\x98\x17\x9f_\
          \x94\x92\x0a\x14uK\xcc)N\xd5Q/\xceH,HU\xb7\xd20\xd21\xd4\xac\xe5bd\x02\x00PK\x03\x04\x14\x00\x00\x00\x00\
          \x00\x00\x00!\x00B\x89\xeezE\x00\x00\x00E\x00\x00\x00\x05\x00\x00\x00y.npy\x93NUMPY\x01\x003\x00{'descr':'<\
          U1','fortran_order':False,'shape':(2,)}\x0aa\x00\x00\x00b\x00\x00\x00PK\x01\x02\x14\x03\x14\x00\x00\x00\x08\
          \x00\x00\x00!\x00T|\x84]A\x00\x00\x00@\x00\x00\x00\x05\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80\x01\
          \x00\x00\x00\x00x.npyPK\x01\x02\x14\x03\x14\x00\x00\x00\x00\x00\x00\x00!\x00B\x89\xeezE\x00\x00\x00E\x00\
          \x00\x00\x05\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80\x01d\x00\x00\x00y.npyPK\x05\x06\x00\x00\x00\
          \x00\x02\x00\x02\x00f\x00\x00\x00\xcc\x00\x00\x00\x00\x00",
        b"8\x00\x00\x00\x00\x00\x00\x00{\"x\":{\"dtype\":\"F16\",\"shape\":[2,1],\"data_offsets\":[0,4]}}\x00<\x00~",
        b"\x89PNG\x0d\x0a\x1a\x0a\x00\x00\x00\x0dIHDR\x00\x00\x00\x02\x00\x00\x00\x02\x08\x04\x00\x00\x00\xd8\xbf\xc5\
          \xaf\x00\x00\x00\x12IDATx\x9cc`dbfa`ec\xe7\x00\x00\x00\x8c\x00%(R\x82\xe5\x00\x00\x00\x00IEND\xaeB`\x82",
        b"RIFF\x1a\x00\x00\x00WEBPVP8L\x0d\x00\x00\x00/\x00\x00\x00\x10\x07\x10\x11\x11\x88\x88\xfe\x07\x00",
        b"\xff\xd8\xff\xdb\x00C\x00\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\
          \x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\
          \x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\xff\xc0\x00\x0b\x08\x00\x03\x00\
          \x02\x01\x01\x11\x00\xff\xc4\x00\x14\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\
          \x00\xff\xc4\x00\x14\x10\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xda\x00\
          \x08\x01\x01\x00\x00?\x00?\xff\xd9",
    ];

    /// Every target, as the fuzzers call it.
    const TARGETS: [fn(&[u8]); 11] = [
        super::idx_images,
        super::idx_labels,
        super::npy,
        super::npz,
        super::safetensors_data,
        super::picture,
        super::table,
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
