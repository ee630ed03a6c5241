//! The likelihood of a row of a table, each column by its own:
//!
//! `−ln p(x|z) = Σ_c −ln p_c(x_c|z)`, over the columns that are present. Numeric: Gaussian of a deviation σ_c of the
//! column's own, which is learnt (its variance has a floor of 1e-4); categorical: the softmax cross-entropy over the
//! column's levels and one for what was not seen in training; boolean: Bernoulli, from logits. One column counts once,
//! whatever its number of levels: squared error on one-hot numbers counts a column by how many levels it has
//! (Nazábal, Olmos, Ghahramani & Valera 2020, whose likelihoods of columns these are).
//!
//! A sample is `[N, columns]`, a class being its number; layers see it `[N, width]`, a class being one-hot.

use crate::Result;
use crate::data::{Column, ColumnKind};
use narrows_engine::ops::{Axis, ColumnLikelihood};
use narrows_engine::{ParameterId, Parameters, Real, Tape, Var};
use std::ops::Range;

/// The least variance of a numeric column.
const FLOOR: f64 = 1e-4;

/// Columns that lie beside each other and are treated alike: in a sample, and in what layers see.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Span {
    /// `number` is the first one's place among all numeric columns.
    Numeric {
        columns: Range<usize>,
        wide: Range<usize>,
        number: usize,
    },
    Boolean {
        columns: Range<usize>,
        wide: Range<usize>,
    },
    Categorical {
        column: usize,
        wide: Range<usize>,
    },
}

/// The columns of a table, as layers and losses see them.
#[derive(Debug, Clone, PartialEq)]
pub struct Columns {
    spans: Vec<Span>,
    kinds: Vec<ColumnLikelihood>,
    columns: usize,
    width: usize,
    numeric: usize,
    /// ln σ² of each numeric column, if there is one.
    log_variance: Option<ParameterId>,
}

/// Of a value over `[N, width]`, the part of a span and the same part of a sample.
type Part = (Var, Var);

impl Columns {
    /// Numbers that layers see of such columns: one each, of a class one for each level and one for all others.
    pub fn width(columns: &[Column]) -> usize {
        columns
            .iter()
            .map(|column| if column.kind == ColumnKind::Categorical { column.levels.len() + 1 } else { 1 })
            .sum()
    }

    /// Adds the parameters of the columns' likelihoods.
    ///
    /// # Errors
    /// No memory.
    pub fn new<T: Real>(columns: &[Column], parameters: &mut Parameters<T>) -> Result<Self> {
        let (mut spans, mut width, mut numeric) = (Vec::<Span>::new(), 0, 0);
        for (place, column) in columns.iter().enumerate() {
            match (column.kind, spans.last_mut()) {
                (ColumnKind::Categorical, _) => {
                    let wide = width..width + column.levels.len() + 1;
                    width = wide.end;
                    spans.push(Span::Categorical { column: place, wide });
                    continue;
                }
                (ColumnKind::Numeric, Some(Span::Numeric { columns, wide, .. }))
                | (ColumnKind::Boolean, Some(Span::Boolean { columns, wide })) => {
                    (columns.end, wide.end) = (place + 1, width + 1);
                }
                (ColumnKind::Numeric, _) => {
                    spans.push(Span::Numeric { columns: place..place + 1, wide: width..width + 1, number: numeric });
                }
                (ColumnKind::Boolean, _) => {
                    spans.push(Span::Boolean { columns: place..place + 1, wide: width..width + 1 });
                }
            }
            width += 1;
            numeric += usize::from(column.kind == ColumnKind::Numeric);
        }
        let log_variance = if numeric > 0 { Some(parameters.add("decoder.log_variance", &[numeric])?) } else { None };
        let kinds = columns.iter().map(|column| match column.kind {
            ColumnKind::Numeric => ColumnLikelihood::Gaussian,
            ColumnKind::Boolean => ColumnLikelihood::Bernoulli,
            ColumnKind::Categorical => ColumnLikelihood::Categorical(column.levels.len() + 1),
        });
        Ok(Self { spans, kinds: kinds.collect(), columns: columns.len(), width, numeric, log_variance })
    }

    /// What layers see of samples `[N, columns]`: `[N, width]`. `mask`, of the samples' shape, is 1 where a value is
    /// present; what is missing is 0 throughout.
    #[track_caller]
    pub fn widen<T: Real>(&self, tape: &Tape<T>, x: Var, mask: Option<Var>) -> Var {
        tape.one_hot_columns(x, mask, &self.kinds)
    }

    /// `−ln p_c` of each column, `[N, columns]`; with `plain`, a Gaussian's without `ln σ + ½ ln 2π`, so that none is
    /// negative.
    #[track_caller]
    pub fn each<T: Real>(&self, tape: &Tape<T>, raw: Var, x: Var, plain: bool) -> Var {
        tape.column_likelihood(raw, x, self.variance(tape, 0..self.numeric), &self.kinds, plain)
    }

    /// The squared error of each column, `[N, columns]`: of a class half of that of its probabilities, which is 1 where all
    /// of it lies on another.
    #[track_caller]
    pub fn squares<T: Real>(&self, tape: &Tape<T>, raw: Var, x: Var) -> Var {
        self.per_span(
            (tape, raw, x),
            |(mean, x), _, _| tape.square(tape.sub(mean, x)),
            |(logit, x)| tape.square(tape.sub(tape.sigmoid(logit), x)),
            |(logits, x), levels| {
                let away = tape.sub(tape.softmax(logits), tape.one_hot(x, levels));
                tape.scale(tape.sum_over(tape.square(away), Axis::Row), 0.5)
            },
        )
    }

    /// What a decoder gives, as means and probabilities, `[N, width]`.
    #[track_caller]
    pub fn expected<T: Real>(&self, tape: &Tape<T>, raw: Var) -> Var {
        let parts: Vec<Var> = self
            .spans
            .iter()
            .map(|span| match span {
                Span::Numeric { wide, .. } => self.wide_of(tape, raw, wide),
                Span::Boolean { wide, .. } => tape.sigmoid(self.wide_of(tape, raw, wide)),
                Span::Categorical { wide, .. } => tape.softmax(self.wide_of(tape, raw, wide)),
            })
            .collect();
        join(tape, &parts)
    }

    /// Means and probabilities `[N, width]` as a sample `[N, columns]`: of a class the likeliest level that is known.
    #[track_caller]
    pub fn collapse<T: Real>(&self, tape: &Tape<T>, expected: Var) -> Var {
        let parts: Vec<Var> = self
            .spans
            .iter()
            .map(|span| match span {
                Span::Numeric { wide, .. } | Span::Boolean { wide, .. } => self.wide_of(tape, expected, wide),
                Span::Categorical { wide, .. } => {
                    let known = wide.start..(wide.end - 1).max(wide.start + 1);
                    tape.argmax(tape.slice(expected, known))
                }
            })
            .collect();
        join(tape, &parts)
    }

    /// A sample of means and probabilities `[N, width]`: a draw of each column's distribution, `[N, columns]`.
    #[track_caller]
    pub fn draw<T: Real>(&self, tape: &Tape<T>, expected: Var) -> Var {
        let parts: Vec<Var> = self
            .spans
            .iter()
            .map(|span| match span {
                Span::Numeric { columns, wide, number } => {
                    let mean = self.wide_of(tape, expected, wide);
                    let noise = tape.normal_noise(mean);
                    match self.variance(tape, *number..number + columns.len()) {
                        Some(variance) => tape.add(mean, tape.mul(noise, tape.sqrt(variance))),
                        None => mean,
                    }
                }
                Span::Boolean { wide, .. } => {
                    let ones: Vec<Var> = wide.clone().map(|at| self.wide_of(tape, expected, &(at..at + 1))).collect();
                    let drawn: Vec<Var> = ones
                        .iter()
                        .map(|&one| {
                            let none = tape.add_scalar(tape.scale(one, -1.0), 1.0);
                            draw_class(tape, tape.concatenate(&[none, one]))
                        })
                        .collect();
                    join(tape, &drawn)
                }
                Span::Categorical { wide, .. } => {
                    let known = wide.start..(wide.end - 1).max(wide.start + 1);
                    draw_class(tape, self.wide_of(tape, expected, &known))
                }
            })
            .collect();
        join(tape, &parts)
    }

    /// What each column holds, `[columns]`: 0 quantities, 1 yes and no, 2 classes.
    pub fn kind_of_each(&self) -> Vec<usize> {
        let mut kinds = Vec::with_capacity(self.columns);
        for span in &self.spans {
            let (kind, count) = match span {
                Span::Numeric { columns, .. } => (0, columns.len()),
                Span::Boolean { columns, .. } => (1, columns.len()),
                Span::Categorical { .. } => (2, 1),
            };
            kinds.resize(kinds.len() + count, kind);
        }
        kinds
    }

    /// The places among `[N, width]` that each column takes.
    pub fn places(&self) -> Vec<Range<usize>> {
        let mut places = Vec::with_capacity(self.columns);
        for span in &self.spans {
            match span {
                Span::Numeric { wide, .. } | Span::Boolean { wide, .. } => {
                    places.extend(wide.clone().map(|at| at..at + 1))
                }
                Span::Categorical { wide, .. } => places.push(wide.clone()),
            }
        }
        places
    }

    /// σ² of some of the numeric columns, `[columns]`.
    fn variance<T: Real>(&self, tape: &Tape<T>, numbers: Range<usize>) -> Option<Var> {
        let all = tape.exp(tape.parameter(self.log_variance?));
        let whole = tape.shape(all).last() == numbers.len();
        let some = if whole { all } else { tape.slice(all, numbers) };
        Some(tape.add_scalar(some, FLOOR))
    }

    /// Makes `[N, columns]` of what each span's function makes of its part.
    fn per_span<T: Real>(
        &self,
        (tape, raw, x): (&Tape<T>, Var, Var),
        numeric: impl Fn(Part, usize, usize) -> Var,
        boolean: impl Fn(Part) -> Var,
        categorical: impl Fn(Part, usize) -> Var,
    ) -> Var {
        let parts: Vec<Var> = self
            .spans
            .iter()
            .map(|span| match span {
                Span::Numeric { columns, wide, number } => {
                    let part = (self.wide_of(tape, raw, wide), self.columns_of(tape, x, columns));
                    numeric(part, *number, columns.len())
                }
                Span::Boolean { columns, wide } => {
                    boolean((self.wide_of(tape, raw, wide), self.columns_of(tape, x, columns)))
                }
                Span::Categorical { column, wide } => {
                    let x = self.columns_of(tape, x, &(*column..column + 1));
                    categorical((self.wide_of(tape, raw, wide), x), wide.len())
                }
            })
            .collect();
        join(tape, &parts)
    }

    fn columns_of<T: Real>(&self, tape: &Tape<T>, x: Var, columns: &Range<usize>) -> Var {
        if columns.len() == self.columns { x } else { tape.slice(x, columns.clone()) }
    }

    fn wide_of<T: Real>(&self, tape: &Tape<T>, raw: Var, wide: &Range<usize>) -> Var {
        if wide.len() == self.width { raw } else { tape.slice(raw, wide.clone()) }
    }
}

fn join<T: Real>(tape: &Tape<T>, parts: &[Var]) -> Var {
    if let [one] = parts { *one } else { tape.concatenate(parts) }
}

/// A class by its probability, `[N, 1]`, of probabilities `[N, classes]`, which need not sum to 1.
fn draw_class<T: Real>(tape: &Tape<T>, probabilities: Var) -> Var {
    let logs = tape.ln(tape.add_scalar(probabilities, 1e-30));
    tape.argmax(tape.add(logs, gumbel(tape, logs)))
}

/// Numbers of Gumbel's distribution, of the shape of `like`: the place of the largest `ln p_k + g_k` is k with
/// probability p_k (Gumbel 1954). `−ln(½(n² + m²))` has it for normal n and m.
#[track_caller]
pub fn gumbel<T: Real>(tape: &Tape<T>, like: Var) -> Var {
    let [n, m] = [(); 2].map(|()| tape.square(tape.normal_noise(like)));
    tape.scale(tape.ln(tape.add_scalar(tape.scale(tape.add(n, m), 0.5), 1e-30)), -1.0)
}
