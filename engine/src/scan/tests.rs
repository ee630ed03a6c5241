//! Against sums in `f64` over all pairs, on every backend and at several numbers of threads.

use super::*;
use crate::base::{Backend, Context, Split, Threads};
use crate::simd::PhiloxKernels;

const DISTANCES: [Distance; 2] = [Distance::Euclidean, Distance::Cosine];

fn numbers(len: usize, stream: u64) -> Vec<f32> {
    let mut values = vec![0.0; len];
    PhiloxKernels::<f32>::of(Backend::current()).uniform(7, stream, 0, -1.0, 2.0, &mut values);
    values
}

/// The definition: all rows by distance and then by number.
fn naive(request: &Request<'_, f32>, distance: Distance, query: usize) -> Vec<(f64, u32)> {
    let a: Vec<f64> = request.query(query).iter().map(|&x| x.into()).collect();
    let norm = |a: &[f64]| a.iter().map(|x| x * x).sum::<f64>().sqrt();
    let mut all: Vec<(f64, u32)> = (0..)
        .zip(request.rows.chunks_exact(request.width))
        .map(|(row, b)| {
            let b: Vec<f64> = b.iter().map(|&x| x.into()).collect();
            let squares = |p: f64, q: f64| a.iter().zip(&b).map(|(a, b)| (a / p - b / q).powi(2)).sum::<f64>();
            let distance = match distance {
                Distance::Euclidean => squares(1.0, 1.0).sqrt(),
                Distance::Cosine if norm(&a) == 0.0 || norm(&b) == 0.0 => 1.0,
                Distance::Cosine => squares(norm(&a), norm(&b)) / 2.0,
            };
            (distance, row)
        })
        .collect();
    all.retain(|&(_, row)| request.excluded(query) != Some(row));
    all.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    all
}

fn found(context: Context, request: &Request<'_, f32>, distance: Distance) -> (Vec<u32>, Vec<f32>) {
    let wanted = request.query_count() * request.k;
    let (mut indices, mut distances) = (vec![0; wanted], vec![0.0; wanted]);
    nearest(context, request, distance, &mut indices, &mut distances).unwrap();
    (indices, distances)
}

/// Distances to a relative error, and the rows where no other lies as near.
fn check(context: Context, request: &Request<'_, f32>, distance: Distance, what: &str) {
    let (indices, distances) = found(context, request, distance);
    for query in 0..request.query_count() {
        let expected = naive(request, distance, query);
        for place in 0..request.k {
            let (row, value) = (indices[query * request.k + place], distances[query * request.k + place]);
            let what = format!("{what} {distance:?}, {}: query {query}, place {place}", context.backend);
            let Some(&(wanted, nearest)) = expected.get(place) else {
                assert_eq!((row, value), (NO_ROW, f32::INFINITY), "{what}");
                continue;
            };
            let is_close = (f64::from(value) - wanted).abs() <= 2e-7 * wanted + 1e-30 || wanted as f32 == value;
            assert!(is_close, "{what}: {value} for {wanted}");
            // Unit vectors are rounded in f64; of distances no nearer than that neither comes first.
            let rounding = 1e-12 * wanted + if distance == Distance::Cosine { 1e-14 * wanted.sqrt() } else { 1e-30 };
            let is_near = |i: usize| expected.get(i).is_some_and(|e| (e.0 - wanted).abs() <= rounding);
            let has_equal = is_near(place + 1) || (place > 0 && is_near(place - 1));
            assert!(row == nearest || has_equal, "{what}: row {row} for {nearest}");
        }
    }
}

#[test]
fn awkward_sizes_are_those_of_the_definition() {
    let sizes = [
        (1, 1, 1, 1),
        (1, 1, 1, 3),
        (1, 2100, 30, 10),
        (3, 5, 2, 5),
        (7, 1030, 17, 3),
        (8, 40, 1, 1),
        (9, 1025, 33, 12),
        (70, 200, 9, 250),
        (130, 1500, 5, 2),
        (20, 300, 100, 1),
    ];
    for backend in Backend::available() {
        let context = Context { backend, split: Split::Serial };
        for (q, n, width, k) in sizes {
            let (queries, rows) = (numbers(q * width, 1), numbers(n * width, 2));
            let exclude: Vec<u32> = (0..q as u32).map(|query| query % n as u32).collect();
            let request = Request::new(&queries, &rows, width, k);
            for (request, distance) in DISTANCES.iter().flat_map(|&d| [(request, d), (request.excluding(&exclude), d)])
            {
                check(context, &request, distance, &format!("{q} x {n} x {width}, {k}"));
            }
        }
    }
}

/// What breaks a product of `f32`: rows far from 0, all alike, zeros, of very different, huge and tiny sizes.
#[test]
fn no_cancellation_or_overflow_reaches_the_result() {
    let width = 19;
    let values = numbers(600 * width, 3);
    let scaled = |scale: &dyn Fn(usize) -> f32, shift: f32| -> Vec<f32> {
        values.iter().enumerate().map(|(at, x)| x * scale(at / width) + shift).collect()
    };
    let mut doubles = scaled(&|row| if row % 3 == 0 { 0.0 } else { 1.0 }, 0.0);
    doubles.copy_within(0..300 * width, 300 * width);
    let sets = [
        ("far away", scaled(&|_| 1e-3, 5000.0)),
        ("one far away", scaled(&|row| if row == 17 { 1e12 } else { 1.0 }, 0.0)),
        ("twice, with zeros", doubles),
        ("alike", scaled(&|_| 0.0, 3.0)),
        ("nearly alike", scaled(&|_| 1e-7, 1.0)),
        ("huge", scaled(&|row| if row % 2 == 0 { 3e38 } else { 1e30 }, 0.0)),
        ("tiny", scaled(&|_| 1e-30, 0.0)),
        ("tinier", scaled(&|_| 1e-44, 0.0)),
        ("all sizes", scaled(&|row| 10f32.powi((row % 70) as i32 - 35), 0.0)),
    ];
    for backend in Backend::available() {
        let context = Context { backend, split: Split::Serial };
        for (what, rows) in &sets {
            for (count, distance) in [2, 30].iter().flat_map(|&count| DISTANCES.map(|distance| (count, distance))) {
                let queries = &rows[10 * width..(10 + count) * width];
                let exclude: Vec<u32> = (10..10 + count as u32).collect();
                check(context, &Request::new(queries, rows, width, 7), distance, what);
                check(context, &Request::new(queries, rows, width, 4).excluding(&exclude), distance, what);
            }
        }
    }
}

#[test]
fn equals_come_by_number_and_backends_and_threads_agree() {
    let (n, width, k) = (9000, 8, 21);
    let mut rows = numbers(n * width, 4);
    rows.copy_within(0..n / 2 * width, n / 2 * width);
    let bits: Vec<u64> = rows.iter().map(|x| u64::from(x.to_bits() & 0xff)).collect();
    for (count, distance) in [1, 5, 300].iter().flat_map(|&count| DISTANCES.map(|distance| (count, distance))) {
        let request = Request::new(&rows[..count * width], &rows, width, k);
        let expected = found(Context { backend: Backend::portable(), split: Split::Serial }, &request, distance);
        assert_eq!(expected.0[..2], [0, n as u32 / 2]);
        let words = Request::new(&bits[..count], &bits, 1, k);
        let hamming = |context| {
            let (mut indices, mut distances) = (vec![0; count * k], vec![0; count * k]);
            nearest_hamming(context, &words, &mut indices, &mut distances).unwrap();
            (indices, distances)
        };
        let expected_bits = hamming(Context::new(Split::Serial));
        for backend in Backend::available() {
            for threads in [1, 2, 3, 7] {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                Threads::Pool(&pool).run(|split| {
                    let context = Context { backend, split };
                    assert!(found(context, &request, distance) == expected, "{count}, {backend}, {threads} threads");
                    assert!(hamming(context) == expected_bits, "{count} in bits, {backend}, {threads} threads");
                });
            }
        }
    }
}

#[test]
fn bits_are_counted() {
    for backend in Backend::available() {
        for (q, n, width, k) in [(1, 1, 1, 1), (3, 70, 64, 4), (20, 333, 65, 9), (2, 50, 200, 60), (9, 40, 500, 3)] {
            let words = usize::div_ceil(width, 64);
            let (a, b) = (numbers(q * width, 5), numbers(n * width, 6));
            let thresholds = numbers(width, 7);
            let packed = |values: &[f32]| {
                let mut out = vec![0; values.len() / width * words];
                pack_bits(values, &thresholds, &mut out).unwrap();
                out
            };
            let (queries, rows) = (packed(&a), packed(&b));
            let (mut indices, mut distances) = (vec![0; q * k], vec![0; q * k]);
            let exclude = vec![0; q];
            let request = Request::new(&queries, &rows, words, k).excluding(&exclude);
            nearest_hamming(Context { backend, split: Split::Serial }, &request, &mut indices, &mut distances).unwrap();
            for (a, found) in a.chunks(width).zip(indices.chunks(k).zip(distances.chunks(k))) {
                let differ =
                    |b: &[f32]| (0..width).filter(|&i| (a[i] > thresholds[i]) != (b[i] > thresholds[i])).count();
                let mut all: Vec<(u32, u32)> =
                    b.chunks(width).enumerate().skip(1).map(|(row, b)| (differ(b) as u32, row as u32)).collect();
                all.sort_unstable();
                all.resize(k.max(n), (u32::MAX, NO_ROW));
                let found: Vec<(u32, u32)> = found.1.iter().copied().zip(found.0.iter().copied()).collect();
                assert_eq!(found, all[..k], "{q} x {n} x {width}, {backend}");
            }
        }
    }
}

#[test]
fn what_makes_no_sense_is_an_error() {
    let context = Context::new(Split::Serial);
    let (a, b) = ([1.0; 6], [1.0; 12]);
    let run = |request: Request<'_, f32>, indices: usize, distances: usize| {
        let (mut indices, mut distances) = (vec![0; indices], vec![0.0; distances]);
        nearest(context, &request, Distance::Euclidean, &mut indices, &mut distances)
            .map_err(|error| error.message().to_owned())
    };
    assert!(run(Request::new(&a, &b, 3, 2), 4, 4).is_ok());
    assert!(run(Request::new(&[], &b, 3, 2), 0, 0).is_ok());
    for (request, len, words) in [
        (Request::new(&a, &b, 0, 2), 4, "the width of a row is 0"),
        (Request::new(&a, &b, 3, 0), 0, "the number of neighbours is 0"),
        (Request::new(&a, &b, 4, 1), 1, "6 numbers are no queries of 4"),
        (Request::new(&a, &b[..7], 3, 1), 2, "7 numbers are no rows of 3"),
        (Request::new(&a, &[], 3, 1), 2, "there are no rows"),
        (Request::new(&a, &b, 3, 2), 3, "into 3 indices and 3 distances; 4 are needed"),
        (Request::new(&a, &b, 3, usize::MAX), 3, "more bytes of memory than can be counted"),
        (Request::new(&a, &b, 3, 2).excluding(&[1]), 4, "1 rows left out for 2 queries"),
    ] {
        let message = run(request, len, len).unwrap_err();
        assert!(message.contains(words), "{message}");
    }
    assert!(run(Request::new(&a, &b, 3, 2), 4, 3).is_err());
    assert!(pack_bits(&a, &[], &mut []).is_err() && pack_bits(&a, &[0.0; 3], &mut [0]).is_err());
    assert!(nearest_hamming(context, &Request::new(&[1], &[2], 1, 0), &mut [], &mut []).is_err());
}

#[test]
fn what_is_not_finite_is_refused_with_its_place() {
    let width = 3;
    let good = numbers(2000 * width, 8);
    for (count, distance) in [1, 40].iter().flat_map(|&count| DISTANCES.map(|distance| (count, distance))) {
        for (threads, value) in [(1, f32::NAN), (3, f32::INFINITY), (3, f32::NEG_INFINITY)] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let message = |queries: &[f32], rows: &[f32]| {
                let (mut indices, mut distances) = (vec![0; count], vec![0.0; count]);
                let request = Request::new(queries, rows, width, 1);
                let run = |split| nearest(Context::new(split), &request, distance, &mut indices, &mut distances);
                Threads::Pool(&pool).run(run).unwrap_err().message().to_owned()
            };
            let mut rows = good.clone();
            for row in [1999, 1500, 1024] {
                rows[row * width + 2] = value;
                let expected = format!("nearest: row {row}, column 2 (from 0) is {value}, but must be finite");
                assert_eq!(message(&good[..count * width], &rows), expected, "{count} {distance:?}");
            }
            rows = good[..count * width].to_vec();
            rows[count * width - 1] = value;
            let expected = format!("nearest: query {}, column 2 (from 0) is {value}, but must be finite", count - 1);
            assert_eq!(message(&rows, &good), expected);
        }
    }
}
