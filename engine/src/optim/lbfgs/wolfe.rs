//! The line search: which step to try next, until one meets the strong Wolfe conditions.
//!
//! `Line::search` evaluates the loss at the steps that [`Wolfe`] asks for (Nocedal and Wright 2006, algorithms 3.5 and
//! 3.6). The search sees numbers alone, a step, a loss and a slope: it knows no parameters, no memory and no errors,
//! and works in `f64` whatever the parameters' type.

/// `c1`: the loss must fall by this part of what the slope promises.
const SUFFICIENT_DECREASE: f64 = 1e-4;
/// `c2`: the slope must flatten to this part of the first one.
const CURVATURE: f64 = 0.9;

/// A step along the direction, the loss there, and the loss's slope along the direction.
#[derive(Debug, Clone, Copy)]
pub(super) struct Point {
    pub(super) step: f64,
    pub(super) loss: f64,
    pub(super) slope: f64,
}

/// The strong Wolfe search as numbers alone (algorithms 3.5 and 3.6), told of one point after the other.
pub(super) struct Wolfe {
    origin: Point,
    /// The lowest point so far that has enough decrease; the origin at first.
    pub(super) low: Point,
    /// With `low`, what encloses a step that meets the conditions, once there is one.
    high: Option<Point>,
    /// How wide the last two enclosures were.
    widths: [f64; 2],
}

impl Wolfe {
    pub(super) fn new(origin: Point) -> Self {
        Self { origin, low: origin, high: None, widths: [f64::INFINITY; 2] }
    }

    /// The step to try after `point`, or `None` if that one meets the conditions.
    pub(super) fn judge(&mut self, point: Point) -> Option<f64> {
        let before = self.low;
        let enough = self.origin.loss + SUFFICIENT_DECREASE * point.step * self.origin.slope;
        if point.loss > enough || (before.step > 0.0 && point.loss >= before.loss) {
            self.high = Some(point);
        } else if point.slope.abs() <= -CURVATURE * self.origin.slope {
            return None;
        } else {
            let outwards = self.high.map_or(1.0, |high| high.step - before.step);
            if point.slope * outwards >= 0.0 {
                self.high = Some(before);
            }
            self.low = point;
        }
        Some(self.high.map_or_else(|| extrapolate(before, point), |high| self.interpolate(high)))
    }

    /// The cubic's minimum, kept off the ends; the middle where the last two steps did not narrow the enclosure by a
    /// third, or there is no cubic (the loss at `high` is infinite).
    fn interpolate(&mut self, high: Point) -> f64 {
        let width = high.step - self.low.step;
        let slow = width.abs() > 0.66 * self.widths[0];
        self.widths = [self.widths[1], width.abs()];
        let part = (cubic_minimum(self.low, high) - self.low.step) / width;
        let part = if slow || !part.is_finite() { 0.5 } else { part.clamp(0.1, 0.9) };
        self.low.step + part * width
    }
}

/// A step beyond `b`, ten times as long at most: the cubic's minimum if it lies there.
fn extrapolate(a: Point, b: Point) -> f64 {
    let (least, most) = (b.step + 0.01 * (b.step - a.step), 10.0 * b.step);
    let minimum = cubic_minimum(a, b);
    if minimum > b.step { minimum.clamp(least, most) } else { most }
}

/// Where the cubic through two points and their slopes has its minimum (formula 3.59); NaN where it has none.
fn cubic_minimum(a: Point, b: Point) -> f64 {
    let d1 = a.slope + b.slope - 3.0 * (a.loss - b.loss) / (a.step - b.step);
    let d2 = (b.step - a.step).signum() * (d1 * d1 - a.slope * b.slope).sqrt();
    b.step - (b.step - a.step) * (b.slope + d2 - d1) / (b.slope - a.slope + 2.0 * d2)
}
