//! `report.html` of what a model was put to use for: a page for a person with a browser, beside a command's figures.
//!
//! * `codes`: how codes lie, beside PCA's; a run's own page shows them in the same way. `detect`: scores, the ROC curve,
//!   the highest rows. `search`: queries with their neighbours. `compress`: what comes back, beside JPEG.
//!   `filled`: noise taken away, and hidden parts filled.
//! * `origin`: what each page says of how it came about.
//!
//! Each takes what the application returned and gives a [`Page`](crate::report::page::Page), to be written.

mod codes;
mod compress;
mod detect;
mod filled;
mod origin;
mod search;

pub use codes::{CodesPage, Kept, Sampled, Sampling, class_name, encode, scatter};
pub use compress::compress;
pub use detect::detect;
pub use filled::{Layers, denoise, inpaint};
pub use origin::Origin;
pub use search::{MOST_NEIGHBOURS, search};

#[cfg(test)]
mod tests;
