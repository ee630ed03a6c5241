//! Compression as a whole, on the embedded digits.
//!
//! The training here is too short for good pictures: what is tested is that what comes back is what the model makes of the
//! codes, and what files cost.

use super::*;
use crate::data::{Dataset, Rows, digits};
use crate::model::{Given, Session};
use crate::training::{Config, fit};

fn session(kind: &str, keys: &[(&str, &str)]) -> Session {
    let keys: Vec<_> = [("hidden", "32"), ("epochs", "2")].iter().chain(keys).copied().collect();
    Session::new(fit(&Config::of(kind).unwrap().with(&keys).unwrap(), &digits().unwrap()).unwrap())
}

fn raw(dataset: &Dataset, rows: &[u32]) -> Vec<f32> {
    let mut raw = vec![0.0; rows.len() * dataset.features()];
    dataset.read(rows, &mut raw).unwrap();
    raw.iter().map(|&x| x as f32).collect()
}

fn error(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>() / a.len() as f64
}

#[test]
fn what_comes_back_is_what_the_model_reconstructs_but_for_a_tenth_of_a_decibel() {
    let (mut session, dataset) = (session("undercomplete", &[("code", "6")]), digits().unwrap());
    let rows: Vec<u32> = (0..600).collect();
    let originals = raw(&dataset, &rows);
    let compressed = compress(&mut session, &dataset, &rows, None).unwrap();
    let back = decompress(&mut session, &compressed.bytes, "it").unwrap();
    let reconstructed = error(&originals, session.reconstruct(&originals).unwrap());
    let lost = 10.0 * (error(&originals, &back) / reconstructed).log10();
    assert!(lost > 0.0 && lost < 0.12, "{lost} dB");
    let figures = figures(&mut session, &dataset, &rows, &compressed).unwrap();
    assert!((figures.psnr.unwrap() - 10.0 * (256.0 / error(&originals, &back)).log10()).abs() < 0.1);
    assert!(figures.bytes_per_image < 5.0 && figures.payload_bytes + 60 > figures.bytes);
    let (mosaic, each) = (figures.jpeg_mosaic.unwrap(), figures.jpeg_each.unwrap());
    assert!(each.quality == 1 && each.bytes_per_image > 100.0 && mosaic.psnr > 5.0);
    // The file says nothing of who wrote it: the same again is the same.
    assert_eq!(compress(&mut session, &dataset, &rows, None).unwrap(), compressed);
}

#[test]
fn bits_and_steps_are_kept() {
    let (mut session, dataset) = (session("undercomplete", &[("code", "6")]), digits().unwrap());
    let rows: Vec<u32> = (0..1797).collect();
    for bits in [1.0, 2.5, 6.0] {
        let compressed = compress(&mut session, &dataset, &rows, Some(Rate::Bits(bits))).unwrap();
        let found = compressed.payload as f64 * 8.0 / (1797.0 * 6.0);
        assert!((found - bits).abs() < 0.02, "{found} bits, not {bits}");
    }
    let mut sizes = [4.0, 1.0, 0.25].map(|step| {
        let compressed = compress(&mut session, &dataset, &rows, Some(Rate::Step(step))).unwrap();
        assert_eq!(compressed.step, Some(step));
        compressed.payload
    });
    assert!(sizes.is_sorted());
    sizes.reverse();
    for rate in [Rate::Bits(0.0), Rate::Bits(f64::NAN), Rate::Step(0.0), Rate::Step(1e9), Rate::Loss(0.0)] {
        assert_eq!(
            compress(&mut session, &dataset, &rows, Some(rate)).unwrap_err().kind(),
            crate::error::ErrorKind::Usage
        );
    }
}

#[test]
fn one_image_is_a_small_file() {
    let (mut session, dataset) = (session("undercomplete", &[("code", "6")]), digits().unwrap());
    let compressed = compress(&mut session, &dataset, &[5], None).unwrap();
    assert!(compressed.bytes.len() < 100, "{}", compressed.bytes.len());
    assert_eq!(decompress(&mut session, &compressed.bytes, "it").unwrap().len(), 64);
    assert!(compress(&mut session, &dataset, &[], None).is_err());
}

#[test]
fn another_model_is_refused() {
    let (mut one, dataset) = (session("undercomplete", &[("code", "6")]), digits().unwrap());
    let mut other = session("undercomplete", &[("code", "6"), ("seed", "1")]);
    let compressed = compress(&mut one, &dataset, &[1, 2], None).unwrap();
    let error = decompress(&mut other, &compressed.bytes, "a.nrw").unwrap_err().to_string();
    assert!(error.contains("a.nrw was made by another model"), "{error}");
}

/// Both layouts: vectors of numbers, and the pixels of a code that is an image.
#[test]
fn entries_of_a_codebook_come_back_exactly() {
    let dense: &[_] = &[("code", "8"), ("entries", "16"), ("entry_size", "2")];
    let image: &[_] = &[("body", "convolutional"), ("entries", "16")];
    for keys in [dense, image] {
        let (mut session, dataset) = (session("vector-quantised", keys), digits().unwrap());
        let rows: Vec<u32> = (0..300).collect();
        let originals = raw(&dataset, &rows);
        let compressed = compress(&mut session, &dataset, &rows, None).unwrap();
        assert_eq!(compressed.step, None);
        let entries = session.entries(&originals).unwrap().to_vec();
        match Packed::parse(&compressed.bytes, "it").unwrap().content {
            Content::Entries { values, .. } => {
                assert!(values.len() == entries.len() && values.iter().zip(&entries).all(|(&a, &b)| a as f32 == b));
            }
            numbers => panic!("{numbers:?}"),
        }
        // No more than the bits that name an entry among all.
        assert!(compressed.payload <= entries.len() / 2 + 8, "{} of {}", compressed.payload, entries.len());
        let back = decompress(&mut session, &compressed.bytes, "it").unwrap();
        let reconstructed = session.reconstruct(&originals).unwrap();
        assert!(error(&back, reconstructed) < 1e-9, "{}", error(&back, reconstructed));
        assert!(compress(&mut session, &dataset, &rows, Some(Rate::Bits(2.0))).is_err());
    }
}

#[test]
fn a_model_that_takes_labels_finds_them_in_the_file() {
    let (mut session, dataset) = (session("conditional", &[("code", "4")]), digits().unwrap());
    let rows: Vec<u32> = (100..400).collect();
    let compressed = compress(&mut session, &dataset, &rows, Some(Rate::Step(0.001))).unwrap();
    let back = decompress(&mut session, &compressed.bytes, "it").unwrap();
    let (originals, labels) = (raw(&dataset, &rows), &dataset.labels().unwrap()[100..400]);
    let reconstructed = session.reconstruct(Given::new(&originals).labels(labels)).unwrap();
    assert!(error(&back, reconstructed) < 1e-4, "{}", error(&back, reconstructed));
}

/// Of codes that are mostly zeros, zeros cost little.
#[test]
fn sparse_codes_are_short() {
    let (mut session, dataset) = (session("k-sparse", &[("code", "64"), ("k", "4")]), digits().unwrap());
    let rows: Vec<u32> = (0..1797).collect();
    let compressed = compress(&mut session, &dataset, &rows, Some(Rate::Step(0.5))).unwrap();
    let bits = compressed.payload as f64 * 8.0 / (1797.0 * 64.0);
    assert!(bits < 0.8, "{bits}");
}
