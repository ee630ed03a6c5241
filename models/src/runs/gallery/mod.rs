//! The figures of a lecture on autoencoders, computed anew on data at hand and put on one page that needs nothing else.
//!
//! * `options`: what to make it of. `studio`: the data and the models that several sections
//!   share. `part`: what a section gives.
//! * `arithmetic`: unpooling and the convolution matrix, on small numbers. `filters`: what first layers answer to, of
//!   images; `patches`: of photographs. `penalty`: the price of activity.
//! * `variational`: samples, the plane of codes, ways between images. `repair`: denoising and inpainting. `anomalies`:
//!   what is unlike a class. `neighbours`: search. `narrowing`: compression, and codes of two numbers.
//!
//! A section that cannot be made, say for data without classes, is a sentence on the page. The same options give the
//! same page, at any number of threads.
//!
//! ```no_run
//! use narrows::engine::Threads;
//! use narrows::runs::gallery::{GalleryOptions, gallery};
//!
//! # fn main() -> narrows::Result<()> {
//! let options = GalleryOptions::default();
//! let made = Threads::Current.run(|split| gallery(&options, split, &mut |section| eprintln!("{section}")))?;
//! made.page.write("gallery.html".as_ref())?;
//! # Ok(())
//! # }
//! ```

mod anomalies;
mod arithmetic;
mod filters;
mod narrowing;
mod neighbours;
mod options;
mod part;
mod patches;
mod penalty;
mod repair;
mod studio;
#[cfg(test)]
mod tests;
mod variational;

pub use options::GalleryOptions;

use crate::Result;
use crate::report::page::Page;
use narrows_engine::Split;
use part::Part;
use std::collections::BTreeMap;
use studio::Studio;

/// A gallery.
#[derive(Debug, Clone)]
pub struct Gallery {
    /// The page.
    pub page: Page,
    /// What was measured, by name.
    pub figures: BTreeMap<&'static str, f64>,
}

/// A section: its heading, and what makes it.
type Maker = (&'static str, fn(&Studio<'_>) -> Result<Part>);

/// All sections, in the order of the page.
const SECTIONS: [Maker; 10] = [
    ("Unpooling", arithmetic::unpooling),
    ("The convolution matrix", arithmetic::convolution),
    ("What hidden units answer to", filters::filters),
    ("Patches of natural images", patches::patches),
    ("The sparsity penalty", penalty::penalty),
    ("Variational autoencoders", variational::variational),
    ("Denoising and inpainting", repair::repair),
    ("Anomaly detection", anomalies::anomalies),
    ("Search", neighbours::neighbours),
    ("Compression and codes of two numbers", narrowing::narrowing),
];

/// Trains the models and makes the page; `progress` is told of each section before it is made.
///
/// # Errors
/// Data or photographs that cannot be read; data that are no images; no memory.
pub fn gallery(options: &GalleryOptions, split: Split, progress: &mut dyn FnMut(&str)) -> Result<Gallery> {
    let studio = Studio::open(options, split)?;
    let mut page = Page::new("Autoencoders: a gallery").subtitle(studio.words());
    let mut figures = BTreeMap::new();
    for (heading, make) in SECTIONS {
        progress(heading);
        let part = make(&studio).unwrap_or_else(|error| Part::text(format!("Not shown: {error}.")));
        figures.extend(part.figures);
        page = page.section(crate::report::page::Section { heading: heading.into(), ..part.section });
    }
    Ok(Gallery { page, figures })
}
