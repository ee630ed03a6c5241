//! Every page is one file that needs nothing else, shows what it must, and says how it came about.

use super::*;
use crate::applications::compress::compress_source;
use crate::applications::denoise::denoise_noise;
use crate::applications::detect::{DetectRequest, Truth, detect as find};
use crate::applications::inpaint::{InpaintOptions, inpaint as fill};
use crate::applications::mask::Mask;
use crate::applications::samples::Samples;
use crate::applications::search::{Queries, SearchOptions, search as look};
use crate::data::{Column, DataSettings, Known, PartName, Rows, Schema, Stream, digits};
use crate::metrics::Corrupter;
use crate::model::{Model, Session};
use crate::objective::CorruptionName;
use crate::report::page::Page;
use crate::training::{Config, fit};
use narrows_engine::Split;
use std::sync::Arc;

fn model() -> Model {
    let keys = [("hidden", "32"), ("code", "4"), ("epochs", "2")];
    fit(&Config::of("undercomplete").unwrap().with(&keys).unwrap(), &digits().unwrap()).unwrap()
}

fn origin() -> Origin {
    Origin {
        command: "narrows <words>".into(),
        data: "digits".into(),
        settings: vec![("cutoff".into(), "value:1".into())],
        threads: 1,
    }
}

/// One file, and in it these parts.
fn check(page: &Page, parts: &[&str]) -> String {
    let html = page.to_html().unwrap();
    for part in ["http", "<script", "<link", "url("] {
        assert!(!html.contains(part), "{part}");
    }
    let said = ["undercomplete 64-32-4", "narrows &#60;words&#62;", "value:1", "machine", "UTC", "digits"];
    for part in said.iter().chain(parts) {
        assert!(html.contains(part), "{part}: {html}");
    }
    assert_eq!(html.matches("<img").count(), html.matches("alt=\"").count());
    assert!(!html.contains("alt=\"\""));
    html
}

#[test]
fn of_what_is_odd() {
    let model = Arc::new(model());
    let request = |truth| DetectRequest { cutoff: Some("quantile:0.9".parse().unwrap()), truth, data: None };
    let mut session = Session::new(Arc::clone(&model));
    let found = find(Arc::clone(&model), &request(Some(Truth::Normal("0,1".into()))), Split::Serial).unwrap();
    let html = check(
        &detect(&mut session, &found, &origin()).unwrap(),
        &["cutoff", "anomalous", "PCA: area", "nearest neighbours: area", "average precision", "quantile:0.9", "x["],
    );
    let plots = html.matches("<svg").count();
    assert_eq!(html.matches("<img").count(), 2);
    let plain = find(model, &request(None), Split::Serial).unwrap();
    let html = check(&detect(&mut session, &plain, &origin()).unwrap(), &["--normal"]);
    assert!(!html.contains("AUROC") && html.matches("<svg").count() == plots - 1);
}

#[test]
fn of_codes_in_memory_and_of_rows_as_they_come() {
    let mut session = Session::new(model());
    let stream = session.model().open(None, PartName::Auto).unwrap();
    let sampled = Sampling::default().finish(&stream, 0).unwrap();
    let CodesPage { page, kept } = encode(&mut session, &sampled, &origin(), Split::Serial).unwrap();
    let html = check(&page, &["PCA trustworthiness", "continuity", "359 rows", "Coloured by class"]);
    assert_eq!(html.matches("<svg").count(), 2);
    let kept = kept.unwrap();
    assert!(kept.code.trustworthiness > 0.6 && kept.pca.unwrap().trustworthiness > 0.8, "{kept:?}");

    let folder = tempfile::tempdir().unwrap();
    let (file, rows) = (folder.path().join("rows.csv"), digits().unwrap());
    let mut text = (0..64).map(|x| format!("x{x}")).collect::<Vec<_>>().join(",") + "\n";
    let mut row = [0.0; 64];
    for number in 0..40 {
        rows.read(&[number], &mut row).unwrap();
        text += &(row.map(|x: f64| x.to_string()).join(",") + "\n");
    }
    std::fs::write(&file, text).unwrap();
    let name = file.to_str().unwrap();
    let columns = (0..64).map(|x| Column::numeric(format!("x{x}"))).collect();
    let schema = Some(std::sync::Arc::new(Schema { columns, ..Schema::default() }));
    let known = Known { schema, ..Known::default() };
    let mut stream = Stream::open(&DataSettings::default(), name, &known, PartName::Auto).unwrap();
    let mut sampling = Sampling::default();
    while let Some(chunk) = stream.next_chunk().unwrap() {
        sampling.add(&chunk).unwrap();
    }
    let sampled = sampling.finish(&stream, 0).unwrap();
    assert_eq!((sampled.dataset.len(), sampled.which.as_str()), (40, "the first 40 rows"));
    let CodesPage { kept, .. } = encode(&mut session, &sampled, &origin(), Split::Serial).unwrap();
    assert!(kept.is_some_and(|kept| kept.pca.is_some()));
}

#[test]
fn of_neighbours() {
    let mut session = Session::new(model());
    let options = SearchOptions { k: 3, picture: true, queries: Queries::Rows(vec![0, 7]), ..Default::default() };
    let searched = look(&mut session, &options).unwrap();
    let parts = ["precision at 3, by the data", "cosine", "<img", "its neighbours: row (label) distance"];
    check(&search(session.model(), &searched, &origin()), &parts);
}

#[test]
fn of_what_is_compressed() {
    let mut session = Session::new(model());
    let source = compress_source(&mut session, "digits", None).unwrap();
    let page = compress(&mut session, &source, &origin()).unwrap();
    check(&page, &["At quality", "bits of a pixel", "<img", "359 samples"]);
}

#[test]
fn of_what_is_repaired() {
    let (mut session, dataset) = (Session::new(model()), digits().unwrap());
    let samples = Samples::read(session.model(), &dataset, &(0..30).collect::<Vec<_>>()).unwrap();
    let mut noise = Corrupter::new(CorruptionName::Gaussian, 0.3, 64, true).unwrap();
    let cleaned = denoise_noise(&mut session, &samples, &mut noise, 1, Split::Serial).unwrap();
    let originals = samples.singles(24);
    let layers = Layers {
        originals: &originals,
        spoilt: Some(&cleaned.noisy),
        repaired: &cleaned.cleaned,
        range: dataset.raw_range(),
        samples: 30,
    };
    let page = denoise(session.model(), &layers, Some(&cleaned.figures), &origin()).unwrap();
    check(&page, &["PSNR, cleaned", "median filter", "<img", "30 samples"]);

    let mask = Mask::parse("square:4", session.model().data().image.unwrap()).unwrap();
    let options = InpaintOptions { rounds: 3, ..Default::default() };
    let filled = fill(&mut session, &samples, &mask, &options, Split::Serial).unwrap();
    let layers = Layers { spoilt: Some(&filled.masked), repaired: &filled.filled, ..layers };
    let page = inpaint(session.model(), &layers, &filled.figures, &origin()).unwrap();
    check(&page, &["by projection", "PSNR, mean image", "<img"]);
}
