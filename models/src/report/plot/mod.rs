//! Plots as SVG elements of a page, drawn by `plotters`.
//!
//! * [`Lines`]: losses by epoch. [`Curves`]: y(x). [`Scatter`]: points by class. [`Histogram`]: how values lie, with
//!   cutoffs. [`Roc`]: what a detector reaches.
//! * `axis`: where ticks stand, linear or logarithmic. `frame`: what all have in common. `palette`: colours, and the
//!   style sheet that gives them to a light page and to a dark one.
//!
//! No font is read: text is named as `sans-serif` and set by the browser. An element is 960 units wide and scales to
//! the page; its letters are readable at a width of 360 pixels.

mod axis;
mod curves;
mod frame;
mod histogram;
mod lines;
mod palette;
mod roc;
mod scatter;

pub use axis::Scale;
pub use curves::{Curve, Curves};
pub use frame::VerticalMark;
pub use histogram::{Group, Histogram};
pub use lines::{Line, Lines};
pub use palette::style;
pub use roc::{Roc, RocCurve};
pub use scatter::Scatter;
