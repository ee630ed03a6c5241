//! What the tests of all optimisers walk: settings, and their step as a formula on single numbers in `f64`.

/// One step of one parameter tensor, everything in `f64`.
pub(super) struct Scalars<'a> {
    /// The step's number, from 1.
    pub(super) t: i32,
    pub(super) lr: f64,
    pub(super) parameters: &'a mut [f64],
    /// The gradient times the clipping factor.
    pub(super) gradients: &'a [f64],
    /// Room for state, zeros before the first step, as much as any optimiser takes.
    pub(super) state: [&'a mut [f64]; 3],
}

/// One optimiser with one choice of settings.
pub(super) struct Case {
    pub(super) config: super::OptimizerConfig,
    pub(super) reference: Box<dyn Fn(Scalars<'_>)>,
    /// Whether its step jumps where a direction passes zero, so that a rounding there may show.
    pub(super) jumps: bool,
}

impl Case {
    /// The same for an optimiser that steps by signs.
    pub(super) fn jumping(self) -> Self {
        Self { jumps: true, ..self }
    }
}

/// A case; `formula` is one step, as its source writes it.
pub(super) fn case<S>(settings: S, formula: impl Fn(&S, Scalars<'_>) + 'static) -> Case
where
    S: Into<super::OptimizerConfig> + Copy + 'static,
{
    let reference = Box::new(move |scalars: Scalars<'_>| formula(&settings, scalars));
    Case { config: settings.into(), reference, jumps: false }
}
