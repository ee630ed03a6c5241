//! `y = a b`: the product of two matrices, or of two stacks of them, either of which may be read transposed.
//!
//! The last two dimensions are the matrix, those before are the stack; for one number of features a sample, `[N, K]`,
//! the batch is the matrix's rows. Stacks are equal, or one operand has none and meets every matrix of the other.
//! Backward: `da = dy bᵀ`, `db = aᵀ dy`, summed in the stack's order over what an operand met.
//!
//! A stack over one matrix is one product of all its rows. Other stacks are a product each: small ones are shared among
//! threads, large ones one after the other by all of them. flops: 2 M K P each, twice that backward.

use crate::base::parallel::Placed;
use crate::base::{Context, Error};
use crate::gemm::{Epilogue, MatrixMut, MatrixRef, gemm};
use crate::tape::{Backward, Forward, Operation, Real, Shape, Spec, Tape, Var, Wanted};

/// Whether each operand is read transposed.
struct Matmul([bool; 2]);

/// Multiply-adds from which on threads share one product.
const LARGE: usize = 600_000;

impl<T: Real> Tape<T> {
    /// `a b`: `[.., M, K]` and `[.., K, P]` give `[.., M, P]`. The leading sizes, the batch among them, are equal, or
    /// one operand has none and meets every matrix of the other; `[N, K]` and a fixed `[K, P]` give `[N, P]`.
    #[track_caller]
    pub fn matmul(&self, a: Var, b: Var) -> Var {
        self.record(Matmul([false, false]), &[a, b])
    }

    /// `aᵀ b`: `[.., K, M]` and `[.., K, P]` give `[.., M, P]`. Of two batches, `[N, M]` and `[N, P]`, it is the sum
    /// over samples, `[M, P]`.
    #[track_caller]
    pub fn matmul_at(&self, a: Var, b: Var) -> Var {
        self.record(Matmul([true, false]), &[a, b])
    }

    /// `a bᵀ`: `[.., M, K]` and `[.., P, K]` give `[.., M, P]`: every row of `a` against every row of `b`.
    #[track_caller]
    pub fn matmul_bt(&self, a: Var, b: Var) -> Var {
        self.record(Matmul([false, true]), &[a, b])
    }
}

/// A dimension of a recorded shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dim {
    Batch,
    Of(usize),
}

/// The dimensions of a shape, the batch among them: those of the stack, then rows and columns of the matrix.
fn dims(shape: &Shape) -> Option<(Vec<Dim>, [Dim; 2])> {
    let batch = shape.is_batch().then_some(Dim::Batch);
    let mut all: Vec<Dim> = batch.into_iter().chain(shape.sizes().iter().map(|&size| Dim::Of(size))).collect();
    let columns = all.pop()?;
    let rows = all.pop()?;
    Some((all, [rows, columns]))
}

/// The shape with these dimensions, if the batch stands first or nowhere.
fn shape_of(dims: &[Dim]) -> Option<Shape> {
    let batch = dims.first() == Some(&Dim::Batch);
    let sizes = dims[usize::from(batch)..].iter().map(|dim| match dim {
        Dim::Batch => None,
        Dim::Of(size) => Some(*size),
    });
    let sizes: Vec<usize> = sizes.collect::<Option<_>>()?;
    Some(if batch { Shape::batch(&sizes) } else { Shape::fixed(&sizes) })
}

/// An operand of a run: one matrix, or a stack of them, all read transposed or none.
#[derive(Clone, Copy)]
struct Stack<'a, T> {
    data: &'a [T],
    count: usize,
    rows: usize,
    columns: usize,
    transposed: bool,
}

impl<'a, T: Real> Stack<'a, T> {
    fn of(data: &'a [T], shape: Shape, samples: usize) -> Self {
        let (rows, columns) = match *shape.sizes() {
            [.., rows, columns] => (rows, columns),
            [columns] if shape.is_batch() => (samples, columns),
            _ => (1, 1),
        };
        Self { data, count: data.len() / (rows * columns).max(1), rows, columns, transposed: false }
    }

    /// The transposes, if `transposed`.
    fn read(self, transposed: bool) -> Self {
        Self { transposed: self.transposed != transposed, ..self }
    }

    /// All rows of all matrices as those of one.
    fn as_one(self) -> Self {
        Self { count: 1, rows: self.count * self.rows, ..self }
    }

    /// Matrix `i`; the only one, where there is one.
    fn at(&self, i: usize) -> Result<MatrixRef<'a, T>, Error> {
        let each = self.rows * self.columns;
        let start = if self.count > 1 { i * each } else { 0 };
        let matrix = MatrixRef::row_major(&self.data[start..start + each], self.rows, self.columns)?;
        Ok(if self.transposed { matrix.t() } else { matrix })
    }

    /// Rows and columns as they are read.
    fn sizes(&self) -> [usize; 2] {
        if self.transposed { [self.columns, self.rows] } else { [self.rows, self.columns] }
    }
}

/// `to_i = x_i y_i` for all matrices of the larger stack, or `to = Σ_i x_i y_i` where `to` has room for one.
fn multiply<T: Real>(context: Context, x: Stack<'_, T>, y: Stack<'_, T>, to: Wanted<'_, T>) -> Result<(), Error> {
    let count = x.count.max(y.count);
    let ([rows, common], columns) = (x.sizes(), y.sizes()[1]);
    let each = rows * columns;
    let one = |context: Context, i: usize, to: &mut [T], accumulate: bool| {
        let beta = if accumulate { T::ONE } else { T::ZERO };
        let to = MatrixMut::row_major(to, rows, columns)?;
        gemm(context, T::ONE, x.at(i)?, y.at(i)?, beta, to, &Epilogue::none())
    };
    if to.slice.len() == each {
        return (0..count).try_for_each(|i| one(context, i, to.slice, to.accumulate || i > 0));
    }
    if each.saturating_mul(common) >= LARGE {
        let mut matrices = to.slice.chunks_exact_mut(each).enumerate();
        return matrices.try_for_each(|(i, slice)| one(context, i, slice, to.accumulate));
    }
    let split = context.split.gated(to.slice.len().saturating_mul(common), LARGE);
    let grain = (LARGE / (each * common).max(1)).max(1) * each;
    split.try_parts(Placed { slice: to.slice, from: 0 }, grain, &|part: Placed<'_, T>| {
        let mut matrices = part.slice.chunks_exact_mut(each).enumerate();
        matrices.try_for_each(|(i, slice)| one(context.serial(), part.from / each + i, slice, to.accumulate))
    })
}

impl Matmul {
    /// The shape of the result, and the common size.
    fn result(&self, inputs: &[Shape]) -> Result<(Shape, Dim), String> {
        let too_few = |shape: &Shape| format!("{shape} is no matrix; give [.., rows, columns]");
        let (a_stack, mut a) = dims(&inputs[0]).ok_or_else(|| too_few(&inputs[0]))?;
        let (b_stack, mut b) = dims(&inputs[1]).ok_or_else(|| too_few(&inputs[1]))?;
        if self.0[0] {
            a.reverse();
        }
        if self.0[1] {
            b.reverse();
        }
        if a[1] != b[0] {
            return Err(format!("the common sizes of {} and {} differ", inputs[0], inputs[1]));
        }
        if a_stack != b_stack && !a_stack.is_empty() && !b_stack.is_empty() {
            return Err(format!("the leading sizes of {} and {} differ; one may have none", inputs[0], inputs[1]));
        }
        let stack = if a_stack.is_empty() { b_stack } else { a_stack };
        let all: Vec<Dim> = stack.into_iter().chain([a[0], b[1]]).collect();
        let output = shape_of(&all).ok_or("the batch would not stand first in the result")?;
        Ok((output, a[1]))
    }

    /// Both operands of a run, and whether the first one's stack was made one matrix.
    fn stacks<'a, T: Real>(&self, a: Stack<'a, T>, b: Stack<'a, T>) -> (Stack<'a, T>, Stack<'a, T>) {
        let a = if b.count == 1 && !self.0[0] { a.as_one() } else { a };
        (a.read(self.0[0]), b.read(self.0[1]))
    }
}

impl<T: Real> Operation<T> for Matmul {
    fn name(&self) -> &'static str {
        match self.0 {
            [false, false] => "matmul",
            [true, false] => "matmul_at",
            _ => "matmul_bt",
        }
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Spec, String> {
        let (output, common) = self.result(inputs)?;
        let mut spec = Spec::new(output, 2).reading(&[0, 1]);
        let elements = 2u64.saturating_mul(output.sample_elements() as u64);
        spec.flops = match common {
            Dim::Batch => (0, elements),
            Dim::Of(size) if output.is_batch() => (0, elements.saturating_mul(size as u64)),
            Dim::Of(size) => (elements.saturating_mul(size as u64), 0),
        };
        Ok(spec)
    }

    fn forward(&self, run: Forward<'_, T>) -> Result<(), Error> {
        let inputs = run.inputs;
        let a = Stack::of(inputs.get(0)?, inputs.shape(0), inputs.rows());
        let b = Stack::of(inputs.get(1)?, inputs.shape(1), inputs.rows());
        let (a, b) = self.stacks(a, b);
        multiply(run.context, a, b, Wanted { slice: run.output, accumulate: false })
    }

    fn backward(&self, mut run: Backward<'_, T>) -> Result<(), Error> {
        let inputs = run.inputs;
        let a = Stack::of(inputs.get(0)?, inputs.shape(0), inputs.rows());
        let b = Stack::of(inputs.get(1)?, inputs.shape(1), inputs.rows());
        let (a, b) = self.stacks(a, b);
        let ([rows, _], [_, columns]) = (a.sizes(), b.sizes());
        let count = a.count.max(b.count);
        let dy = Stack { data: &*run.output_gradient, count, rows, columns, transposed: false };
        if let Some(target) = run.gradients.of(0)?.wanted() {
            match self.0[0] {
                false => multiply(run.context, dy, b.read(true), target)?,
                true => multiply(run.context, b, dy.read(true), target)?,
            }
        }
        if let Some(target) = run.gradients.of(1)?.wanted() {
            match self.0[1] {
                false => multiply(run.context, a.read(true), dy, target)?,
                true => multiply(run.context, dy.read(true), a, target)?,
            }
        }
        Ok(())
    }
}

#[cfg(feature = "cases")]
pub(super) mod cases {
    use crate::Shape;
    use crate::ops::cases::*;

    pub(in crate::ops) fn all() -> Vec<Case> {
        vec![
            case!(
                "matmul, a batch times a matrix",
                |s| vec![batch(s.columns, Domain::Real), fixed(&[s.columns, s.other], Domain::Real)],
                |t, v| t.matmul(v[0], v[1]),
                |x| products(x, [1, 1], [s.rows, s.columns, s.other], [false, false]),
            ),
            case!(
                "matmul, a stack times a matrix",
                |s| vec![of(&[3, s.columns]), fixed(&[s.columns, s.other], Domain::Real)],
                |t, v| t.matmul(v[0], v[1]),
                |x| products(x, [s.rows, 1], [3, s.columns, s.other], [false, false]),
            ),
            case!(
                "matmul, a matrix times a stack",
                |s| vec![fixed(&[s.other, s.columns], Domain::Real), of(&[s.columns, 2])],
                |t, v| t.matmul(v[0], v[1]),
                |x| products(x, [1, s.rows], [s.other, s.columns, 2], [false, false]),
            ),
            case!(
                "matmul, a stack times a stack",
                |s| vec![of(&[2, 3, s.columns]), of(&[2, s.columns, s.other])],
                |t, v| t.matmul(v[0], v[1]),
                |x| products(x, [2 * s.rows; 2], [3, s.columns, s.other], [false, false]),
            ),
            case!(
                "matmul_at of two batches, summed over samples",
                |s| vec![batch(s.columns, Domain::Real), batch(s.other, Domain::Real)],
                |t, v| t.matmul_at(v[0], v[1]),
                |x| products(x, [1, 1], [s.columns, s.rows, s.other], [true, false]),
            ),
            case!(
                "matmul_at, a stack times a matrix",
                |s| vec![of(&[s.columns, 3]), fixed(&[s.columns, s.other], Domain::Real)],
                |t, v| t.matmul_at(v[0], v[1]),
                |x| products(x, [s.rows, 1], [3, s.columns, s.other], [true, false]),
            ),
            case!("matmul_bt, one stack twice", |s| vec![of(&[3, s.columns])], |t, v| t.matmul_bt(v[0], v[0]), |x| {
                let twice = [x[0].clone(), x[0].clone()];
                products(&twice, [s.rows; 2], [3, s.columns, 3], [false, true])
            },),
            case!(
                "matmul_bt, a batch against the rows of a table",
                |s| vec![batch(s.columns, Domain::Real), fixed(&[s.other, s.columns], Domain::Real)],
                |t, v| t.matmul_bt(v[0], v[1]),
                |x| products(x, [1, 1], [s.rows, s.columns, s.other], [false, true]),
            ),
        ]
    }

    fn of(sizes: &[usize]) -> CaseInput {
        CaseInput { shape: Shape::batch(sizes), domain: Domain::Real }
    }

    /// The definition, of stacks of so many.
    fn products(x: &[Vec<f64>], counts: [usize; 2], [m, k, p]: [usize; 3], transposed: [bool; 2]) -> Vec<f64> {
        let a = |i: usize, row: usize, at: usize| {
            let start = if counts[0] > 1 { i * m * k } else { 0 };
            x[0][start + if transposed[0] { at * m + row } else { row * k + at }]
        };
        let b = |i: usize, at: usize, column: usize| {
            let start = if counts[1] > 1 { i * k * p } else { 0 };
            x[1][start + if transposed[1] { column * k + at } else { at * p + column }]
        };
        let element = |at: usize| {
            let (i, row, column) = (at / (m * p), at / p % m, at % p);
            (0..k).map(|at| a(i, row, at) * b(i, at, column)).sum()
        };
        (0..counts[0].max(counts[1]) * m * p).map(element).collect()
    }
}

#[cfg(test)]
mod tests {
    use crate::{Parameters, Shape, Tape};

    #[test]
    fn shapes_that_meet_and_shapes_that_do_not() {
        type Method = fn(&Tape<f32>, crate::Var, crate::Var) -> crate::Var;
        let parameters = Parameters::<f32>::new();
        let of = |a: Shape, b: Shape, method: Method| {
            let tape = Tape::new(&parameters, 2);
            let y = method(&tape, tape.input("a", a), tape.input("b", b));
            tape.infer(&[y]).map(|_| tape.shape(y).to_string()).map_err(|error| error.message().to_owned())
        };
        let (batch, fixed) = (Shape::batch, Shape::fixed);
        assert_eq!(of(batch(&[2, 3]), fixed(&[3, 4]), Tape::matmul).unwrap(), "[N, 2, 4]");
        assert_eq!(of(fixed(&[2, 3]), batch(&[3, 4]), Tape::matmul).unwrap(), "[N, 2, 4]");
        assert_eq!(of(fixed(&[5, 2, 3]), fixed(&[5, 4, 3]), Tape::matmul_bt).unwrap(), "[5, 2, 4]");
        assert_eq!(of(batch(&[3]), batch(&[4]), Tape::matmul_at).unwrap(), "[3, 4]");
        let refused = [
            (of(batch(&[3]), fixed(&[4, 3]), Tape::matmul), "matmul(`a` [N, 3], `b` [4, 3]): the common sizes of"),
            (of(batch(&[2, 3]), fixed(&[5, 3, 4]), Tape::matmul), "the leading sizes of"),
            (of(batch(&[3]), batch(&[3]), Tape::matmul_bt), "the batch would not stand first"),
            (of(fixed(&[3]), fixed(&[3, 4]), Tape::matmul), "[3] is no matrix"),
            (of(batch(&[3]), batch(&[3]), Tape::matmul), "the common sizes"),
        ];
        for (result, words) in refused {
            let error = result.unwrap_err();
            assert!(error.contains(words), "{error}");
        }
    }
}
