//! Views that do not fit their slices, sides that do not fit each other, and sizes from nothing to more than can be
//! counted: an error or a product.

use super::*;
use crate::base::{Backend, ErrorKind};
use crate::{Context, Split};

#[test]
fn wrong_views_are_refused() {
    let mut data = [0.0f32; 12];
    assert!(MatrixRef::new(&data, 3, 4, 4, 1).is_ok());
    assert!(MatrixRef::new(&data, 3, 4, 5, 1).is_err());
    assert!(MatrixRef::new(&data, 2, 2, usize::MAX, 1).is_err());
    assert!(MatrixRef::new(&data, usize::MAX, usize::MAX, 1, 1).is_err());
    assert!(MatrixRef::new(&data, usize::MAX, 0, 7, 1).is_ok());
    assert!(MatrixRef::new(&data, 30, 12, 0, 1).is_ok());
    assert!(MatrixMut::new(&mut data, 30, 12, 0, 1).is_err());
    assert!(MatrixMut::new(&mut data, 3, 3, 2, 1).is_err());
    assert!(MatrixMut::new(&mut data, 3, 4, 1, 3).is_ok());
    assert!(MatrixMut::new(&mut data, 1, 12, 0, 1).is_ok());
    let (a, b) = ([0.0f32; 6], [0.0f32; 6]);
    let a = MatrixRef::row_major(&a, 2, 3).unwrap();
    let b = MatrixRef::row_major(&b, 3, 2).unwrap();
    let mut product = |b, epilogue: &Epilogue<f32>| {
        let c = MatrixMut::row_major(&mut data, 2, 2).unwrap();
        gemm(Context::new(Split::Serial), 1.0, a, b, 0.0, c, epilogue)
    };
    assert!(product(b, &Epilogue::none()).is_ok());
    assert!(product(b.t(), &Epilogue::none()).unwrap_err().message().contains("cannot multiply 2 x 3 by"));
    let bias = Epilogue { bias: Some(Bias::PerRow(&[0.0; 3])), activation: Activation::Identity };
    assert_eq!(product(b, &bias).unwrap_err().message(), "a bias of 3 elements where 2 are needed");
}

#[test]
fn packed_operands_without_elements() {
    for (k, n) in [(0, 5), (5, 0), (0, 1 << 50)] {
        let b = MatrixRef::<f32>::new(&[], k, n, 1, 1).unwrap();
        let packed = PackedB::new(Context::new(Split::Serial), b).unwrap();
        assert_eq!((packed.rows(), packed.cols()), (k, n));
        let wide = n.min(8);
        let mut c = vec![1.0; 3 * wide];
        let a = MatrixRef::new(&[0.0; 15], 3, k, k, 1).unwrap();
        let to = MatrixMut::row_major(&mut c, 3, wide).unwrap();
        let done = gemm_packed(Split::Serial, 1.0, a, &packed, 0.0, to, &Epilogue::none());
        assert_eq!(done.is_ok(), wide == n);
        assert!(wide != n || c.iter().all(|&c| c == 0.0));
    }
    let tall = MatrixRef::<f32>::new(&[], usize::MAX, 0, 1, 1).unwrap();
    assert!(PackedB::new(Context::new(Split::Serial), tall).is_ok());
}

/// Whatever sides and strides a caller names, the answer is an error or a product: no sum or product of them overflows.
#[test]
fn sides_and_strides_that_no_memory_holds() {
    const MAX: usize = usize::MAX;
    let mut data = [1.0f32; 12];
    let sides = [0, 1, 2, 3, MAX / 4, MAX / 2, MAX / 2 + 1, MAX - 1, MAX];
    let count = sides.len();
    let views = (0..count.pow(4)).map(|i| [0, 1, 2, 3].map(|digit| sides[i / count.pow(digit) % count]));
    let none = Epilogue::none();
    let context = Context::new(Split::Serial);
    for [rows, cols, row, col] in views {
        for data in [&data[..], &[]] {
            let Ok(view) = MatrixRef::new(data, rows, cols, row, col) else { continue };
            let transposed = view.t();
            assert_eq!((transposed.rows(), transposed.cols()), (cols, rows));
            // A view that repeats its rows or columns may be longer than memory; its copy is refused.
            for view in [view, transposed] {
                let elements = view.rows().checked_mul(view.cols());
                let packed = PackedB::new(context, view);
                assert_eq!(packed.is_ok(), elements.is_some_and(|len| len < 1 << 20), "{rows} x {cols}, {row}, {col}");
                if let Err(error) = packed {
                    assert_eq!(error.kind(), ErrorKind::OutOfMemory, "{error}");
                }
            }
        }
        match MatrixMut::new(&mut data, rows, cols, row, col) {
            Ok(to) => assert!(to.rows().checked_mul(to.cols()).is_some_and(|len| len <= 12)),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Shape);
                continue;
            }
        }
        // Operands without depth, and those of another depth than one another.
        let a = MatrixRef::<f32>::new(&[], rows, 0, row, col).unwrap();
        let b = MatrixRef::<f32>::new(&[], 0, cols, row, col).unwrap();
        let long = MatrixRef::<f32>::new(&[], 0, MAX, row, col).unwrap();
        let mut product = |a, b, transposed: bool, epilogue: &Epilogue<f32>| {
            let to = MatrixMut::new(&mut data, rows, cols, row, col).unwrap();
            gemm(context, 0.5, a, b, 1.0, if transposed { to.t() } else { to }, epilogue)
        };
        assert!(product(a, b, false, &none).is_ok(), "{rows} x {cols}, {row}, {col}");
        assert!(product(b.t(), a.t(), true, &none).is_ok(), "{rows} x {cols}, {row}, {col}");
        assert_eq!(product(a, long, false, &none).is_ok(), cols == MAX);
        let wrong = Epilogue { bias: Some(Bias::PerRow(&[1.0; 13])), activation: Activation::Identity };
        assert!(product(a, b, false, &wrong).is_err());
    }
    assert!(data.iter().all(|&x| x == 1.0));
}

#[test]
fn transposes_in_slices_are_checked() {
    const MAX: usize = usize::MAX;
    for backend in Backend::available() {
        let from: Vec<f32> = (0..13 * 21).map(|i| i as f32).collect();
        let mut to = vec![0.0; 19 * 14];
        super::transpose(backend, [13, 19], (&from, 21), (&mut to, 14)).unwrap();
        for (i, j) in (0..13).flat_map(|i| (0..19).map(move |j| (i, j))) {
            assert_eq!(to[j * 14 + i], from[i * 21 + j], "{backend}");
        }
        for (sides, rows) in [
            ([14, 19], [21, 14]),
            ([13, 20], [21, 14]),
            ([13, 19], [MAX, 14]),
            ([MAX, MAX], [1, 1]),
            ([2, MAX], [1, 1]),
        ] {
            let error = super::transpose(backend, sides, (&from, rows[0]), (&mut to, rows[1])).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Shape, "{error}");
        }
        assert!(super::transpose::<f32>(backend, [0, MAX], (&[], MAX), (&mut [], MAX)).is_ok());
    }
}
