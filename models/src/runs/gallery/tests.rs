//! The whole page, with models that are hardly trained.

use super::*;
use crate::report::page::Item;

fn quick() -> GalleryOptions {
    GalleryOptions { rows: 300, tried: 100, length: 0.002, ..GalleryOptions::default() }
}

#[test]
fn a_page_of_the_digits_has_all_sections_and_needs_nothing_else() {
    let mut told = Vec::new();
    let made = gallery(&quick(), Split::Serial, &mut |section| told.push(section.to_owned())).unwrap();
    let html = made.page.to_html().unwrap();
    for (heading, _) in SECTIONS {
        assert!(html.contains(&format!("<h2>{heading}</h2>")), "{heading}");
    }
    assert_eq!(told, SECTIONS.map(|(heading, _)| heading.to_owned()));
    // What a picture's bytes spell is chance.
    let mut parts = html.split("base64,");
    let mut words = parts.next().unwrap().to_owned();
    parts.for_each(|part| words.push_str(part.split_once('"').unwrap().1));
    for part in ["http", "<script", "<link", "url(", "Not shown", "NaN"] {
        assert!(!words.contains(part), "{part}");
    }
    let pictures = made.page.sections.iter().flat_map(|section| &section.items).filter_map(|item| match item {
        Item::Picture(picture) => Some(picture),
        _ => None,
    });
    let pictures: Vec<_> = pictures.collect();
    assert!(pictures.len() >= 14 && html.matches("<img").count() == pictures.len(), "{}", pictures.len());
    assert!(pictures.iter().all(|picture| !picture.alt.is_empty() && !picture.caption.is_empty()));
    assert_eq!(html.matches("<svg").count(), 5);
    for name in ["auroc", "precision_codes", "psnr_denoised", "psnr_fine", "smoothness_plain", "trustworthiness_pca"] {
        assert!(made.figures.get(name).is_some_and(|value| value.is_finite()), "{name}: {:?}", made.figures);
    }
}

#[test]
fn what_is_no_image_is_refused() {
    let options = GalleryOptions { source: "tumours".into(), ..quick() };
    let error = gallery(&options, Split::Serial, &mut |_| ()).unwrap_err();
    assert!(error.to_string().contains("a gallery is of images"), "{error}");
    let options = GalleryOptions { photographs: Some("nowhere/at/all".into()), ..quick() };
    assert!(gallery(&options, Split::Serial, &mut |_| ()).unwrap_err().to_string().contains("nowhere/at/all"));
}
