//! Impossible sizes: whatever is recorded of them, there is a plan or an error, and never a panic or an overflow.

use narrows_engine::conv::Pool;
use narrows_engine::gemm::Activation::{Identity, Sigmoid};
use narrows_engine::ops::{Axis, ColumnLikelihood, ConvOptions, ConvTransposeOptions, Reduction};
use narrows_engine::{Parameters, Shape, Tape, Var};
use proptest::prelude::*;

type Record = fn(&Tape<f32>, [Var; 3], usize) -> Var;

/// Every operation that is not a function of each number alone, and one that is.
const OPERATIONS: &[Record] = &[
    |t, [x, ..], _| t.tanh(x),
    |t, [x, y, _], _| t.add(x, y),
    |t, [x, y, _], _| t.div(x, y),
    |t, [x, y, _], _| t.maximum(y, x),
    |t, [x, ..], _| t.clamp(x, 0.0, 1.0),
    |t, [x, ..], _| t.sum(x),
    |t, [x, ..], _| t.sum_over(x, Axis::Row),
    |t, [x, ..], _| t.mean_over(x, Axis::Column),
    |t, [x, y, z], _| t.squared_norm(&[x, y, z, x]),
    |t, [x, y, z], _| t.concatenate(&[x, y, z, x]),
    |t, [x, ..], n| t.slice(x, n / 2..n),
    |t, [x, ..], n| t.top_k(x, n),
    |t, [x, ..], _| t.random_mask(x, 0.5),
    |t, [x, ..], n| t.random_mask_exact(x, n),
    |t, [x, ..], _| t.normal_noise(x),
    |t, [x, ..], _| t.dropout(x, 0.5),
    |t, [x, ..], _| t.softmax(x),
    |t, [x, ..], _| t.log_softmax(x),
    |t, [x, ..], _| t.argmax(x),
    |t, [x, y, _], _| t.gather_rows(x, y),
    |t, [x, _, _], n| t.one_hot(x, n),
    |t, [x, y, _], n| t.one_hot_columns(x, Some(y), &[ColumnLikelihood::Categorical(n), ColumnLikelihood::Gaussian]),
    |t, [x, y, z], n| {
        let kinds = [ColumnLikelihood::Categorical(n), ColumnLikelihood::Gaussian];
        t.column_likelihood(x, y, Some(z), &kinds, true)
    },
    |t, [x, ..], _| t.permute(x, &[1, 0]),
    |t, [x, y, _], _| t.matmul(x, y),
    |t, [x, y, _], _| t.matmul_at(x, y),
    |t, [x, y, _], _| t.matmul_bt(x, y),
    |t, [x, y, z], _| t.layer_norm(x, y, z, 1e-5),
    |t, [x, y, z], _| t.batch_norm(x, y, z, 1e-5),
    |t, [x, y, z], _| t.batch_norm_given(x, y, y, z, 1e-5),
    |t, [x, ..], _| t.batch_moments(x),
    |t, [x, y, _], _| t.mean_squared_error(x, y, Reduction::Mean),
    |t, [x, y, _], _| t.binary_cross_entropy(x, y, Reduction::SumOverFeatures),
    |t, [x, y, _], _| t.softmax_cross_entropy(x, y, Reduction::Mean),
    |t, [x, ..], _| t.sparsity_divergence(x, 0.1),
    |t, [x, y, z], _| t.linear(x, y, Some(z), Sigmoid),
    |t, [x, y, _], _| t.linear_transposed(x, y, None, Identity),
    |t, [x, y, _], _| t.jacobian_norm(x, y, Sigmoid),
    |t, [x, ..], n| t.reshape(x, Shape::fixed(&[n, 2])),
    |t, [x, ..], n| t.crop2d(x, [n, 1]),
    |t, [x, ..], n| t.upsample_nearest2d(x, [n, 2]),
    |t, [x, ..], n| t.upsample_bilinear2d(x, [n, n], true),
    |t, [x, ..], _| t.max_pool2d(x, Pool::new(2)),
    |t, [x, ..], _| t.avg_pool2d(x, Pool::new(3).padding(1)),
    |t, [x, y, _], _| t.conv2d(x, y, None, ConvOptions::default().padding(1), Identity),
    |t, [x, y, _], _| {
        t.conv_transpose2d(x, y, None, ConvTransposeOptions::default().stride(2).output_padding(1), Identity)
    },
];

fn size() -> impl Strategy<Value = usize> {
    let near = |n: usize| prop_oneof![Just(n), Just(n - 1), Just(n / 2), Just(n / 3), Just(n / 8)];
    let small = prop_oneof![Just(1usize), Just(2), Just(3), Just(8193)];
    prop_oneof![
        4 => small,
        1 => near(usize::MAX),
        1 => near(1 << 60),
        1 => near(1 << 59),
        1 => near(1 << 57),
        1 => near(1 << 32),
        1 => near(1 << 24),
    ]
}

fn shape() -> impl Strategy<Value = Shape> {
    let sizes = prop::collection::vec(size(), 0..4);
    (any::<bool>(), sizes).prop_map(|(batch, sizes)| if batch { Shape::batch(&sizes) } else { Shape::fixed(&sizes) })
}

/// Whether all its numbers can be counted.
fn countable(shape: Shape, rows: usize) -> bool {
    let rows = if shape.is_batch() { rows } else { 1 };
    shape.sizes().iter().try_fold(rows, |n, &size| n.checked_mul(size)).is_some()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn impossible_sizes_are_errors(
        first in shape(),
        (second, third) in (shape(), shape()),
        // Mostly shapes that have something to do with each other.
        kinds in prop::array::uniform2(0usize..6),
        rows in prop_oneof![Just(1usize), Just(2), size()],
        n in size(),
    ) {
        let like = |kind: usize, other: Shape| match kind {
            0 | 1 => first,
            2 => Shape::fixed(&[first.last()]),
            3 => first.with_last(1),
            4 => Shape::fixed(&[n, first.last()]),
            _ => other,
        };
        let shapes = [first, like(kinds[0], second), like(kinds[1], third)];
        let mut parameters = Parameters::<f32>::new();
        let a = parameters.add("a", &[1]).unwrap();
        for record in OPERATIONS {
            let tape = Tape::new(&parameters, rows);
            let inputs = shapes.map(|shape| tape.input("x", shape));
            let fed = [tape.mul(inputs[0], tape.parameter(a)), inputs[1], inputs[2]];
            let y = record(&tape, fed, n);
            let plans = [tape.infer(&[y]), tape.train(tape.sum(y))];
            for plan in plans.into_iter().flatten() {
                prop_assert!(shapes.iter().all(|&shape| countable(shape, rows)), "{shapes:?} {rows}");
                // Counted without overflow.
                prop_assert!(plan.operations().all(|operation| operation.bytes > 0));
                // More than any address space has: an error, and no abort.
                if plan.bytes() > 1 << 56 {
                    prop_assert!(plan.workspace().is_err());
                }
            }
        }
    }
}
