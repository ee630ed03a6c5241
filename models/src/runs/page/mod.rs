//! A run's page: what it reached, how it was trained, what the model does with samples, and how its codes lie.
//!
//! * `figures`: the numbers of `eval --json`, and what a reader must know of the run. `curves`: losses and terms by
//!   epoch.
//! * `samples`: reconstructions, the worst and the best of them. `codes`: the code seen from both sides. `shown`: what
//!   all of them are made of.
//!
//! Everything is of a sample of the test part, so that the page costs little beside the training. What cannot be shown
//! is a sentence on the page: a run never fails by its page.

mod codes;
mod curves;
mod figures;
mod samples;
mod shown;

pub(super) use shown::{Effort, Shown};

use crate::applications::codes::{Coded, encode_rows, pick};
use crate::report::page::{Page, Section};
use crate::{Error, Result};

/// Samples in plots of errors and codes.
const MOST: usize = 2000;

/// The page of a run.
pub(super) fn page(shown: &mut Shown<'_>) -> Page {
    let model = shown.model();
    let title = format!("{} {}", model.kind().name(), model.layers());
    let subtitle = format!("{} on {}, {}", shown.effort.words(), model.data().name, super::machine::now());
    let page = Page::new(title).subtitle(subtitle).section(figures::reached(shown));
    let picked = pick(shown.rows, MOST, shown.model().source().seed);
    let coded = encode_rows(shown.session, shown.test, &picked);
    let page = page
        .section(or_said("Samples and their reconstructions", samples::reconstructions(shown)))
        .section(curves::losses(shown));
    let page = match coded {
        Ok(coded) => of_codes(page, shown, &coded),
        Err(error) => page.section(or_said("Errors and codes", Err(error))),
    };
    page.section(or_said(codes::FILTERS, codes::filters(shown)))
        .section(figures::further(shown))
        .section(figures::details(shown))
}

fn of_codes(page: Page, shown: &mut Shown<'_>, coded: &Coded) -> Page {
    page.section(or_said("Reconstruction errors", samples::errors(shown, coded)))
        .section(or_said("The code", codes::scatter(shown, coded)))
        .section(or_said("What codes stand for", codes::decoded(shown, coded)))
}

/// A part, or a sentence in its place.
fn or_said(heading: &str, section: Result<Section>) -> Section {
    section.unwrap_or_else(|error: Error| Section::new(heading).text(format!("Not shown: {error}.")))
}
