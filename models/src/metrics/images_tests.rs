//! PSNR and SSIM against worked values and the formula written out.

use super::*;
use narrows_engine::random::fill_uniform;

fn shape(channels: usize, height: usize, width: usize) -> ImageShape {
    ImageShape { channels, height, width }
}

/// An image of uniform numbers in 0 to `range`.
fn random(image: ImageShape, range: f32, stream: u64) -> Vec<f32> {
    let mut values = vec![0.0; image.features().unwrap()];
    fill_uniform(11, stream, 0, 0.0, range, &mut values);
    values
}

/// The formula, window by window, with centred moments and a window in two dimensions.
fn direct(x: &[f32], y: &[f32], image: ImageShape, range: f64) -> f64 {
    let side = |len: usize| if len >= 11 { 11 } else { (len - 1) / 2 * 2 + 1 };
    let (rows, columns) = (side(image.height), side(image.width));
    let offsets = || (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column)));
    let weight = |(row, column): (usize, usize)| {
        let [dy, dx] = [row as f64 - (rows / 2) as f64, column as f64 - (columns / 2) as f64];
        (-(dx * dx + dy * dy) / (2.0 * 1.5 * 1.5)).exp()
    };
    let total: f64 = offsets().map(weight).sum();
    let (c1, c2) = ((0.01 * range).powi(2), (0.03 * range).powi(2));
    let (mut sum, mut count) = (0.0, 0);
    for channel in 0..image.channels {
        for (top, left) in
            (0..=image.height - rows).flat_map(|top| (0..=image.width - columns).map(move |left| (top, left)))
        {
            let at = |image_of: &[f32], (row, column): (usize, usize)| {
                f64::from(image_of[(channel * image.height + top + row) * image.width + left + column])
            };
            let mean = |f: &dyn Fn((usize, usize)) -> f64| offsets().map(|o| weight(o) / total * f(o)).sum::<f64>();
            let (mx, my) = (mean(&|o| at(x, o)), mean(&|o| at(y, o)));
            let vx = mean(&|o| (at(x, o) - mx).powi(2));
            let vy = mean(&|o| (at(y, o) - my).powi(2));
            let cov = mean(&|o| (at(x, o) - mx) * (at(y, o) - my));
            sum += (2.0 * mx * my + c1) * (2.0 * cov + c2) / ((mx * mx + my * my + c1) * (vx + vy + c2));
            count += 1;
        }
    }
    sum / count as f64
}

const SHAPES: [(usize, usize, usize); 7] =
    [(1, 1, 1), (1, 3, 5), (1, 8, 8), (3, 28, 28), (2, 11, 12), (1, 1, 100), (1, 40, 2)];

#[test]
fn psnr_is_the_formula() {
    assert!((psnr(0.01, 1.0) - 20.0).abs() < 1e-12);
    assert!((psnr(1.0, 255.0) - 48.130_803_608_679_1).abs() < 1e-9);
    assert_eq!(psnr(0.0, 1.0), f64::INFINITY);
    assert_eq!(serde_json::to_string(&psnr(0.0, 1.0)).unwrap(), "null");
}

#[test]
fn ssim_agrees_with_the_formula_written_out() {
    for (stream, (channels, height, width)) in SHAPES.into_iter().enumerate() {
        let image = shape(channels, height, width);
        for range in [1.0f32, 255.0] {
            let x = random(image, range, 2 * stream as u64);
            let noise = random(image, range, 2 * stream as u64 + 1);
            // From a copy over a likeness to another image.
            for mixed in [0.0, 0.1, 1.0] {
                let y: Vec<f32> = x.iter().zip(&noise).map(|(x, n)| x + mixed * (n - x)).collect();
                let (got, expected) = (ssim(&x, &y, image, range.into()).unwrap(), direct(&x, &y, image, range.into()));
                assert!((got - expected).abs() < 1e-9, "{image} {range} {mixed}: {got}, not {expected}");
                assert!((got - ssim(&y, &x, image, range.into()).unwrap()).abs() < 1e-15, "symmetric");
                assert!(if mixed == 0.0 { got == 1.0 } else { got < 1.0 }, "{image} {range} {mixed}: {got}");
            }
        }
    }
}

#[test]
fn worked_values() {
    // Constant images have no variance: only the means are compared.
    let image = shape(1, 14, 13);
    let got = ssim(&[0.5; 14 * 13], &[0.25; 14 * 13], image, 1.0).unwrap();
    assert!((got - (0.25 + 1e-4) / (0.3125 + 1e-4)).abs() < 1e-9, "{got}");
    // One pixel each.
    let got = ssim(&[1.0], &[0.0], shape(1, 1, 1), 1.0).unwrap();
    assert!((got - 1e-4 / 1.0001).abs() < 1e-12, "{got}");
    // A step of ±1 about 0 and its negative, in windows 1 x 3 with weights w, 1 - 2w, w: worked out by hand for one.
    let w = (-1.0f64 / 4.5).exp() / (1.0 + 2.0 * (-1.0f64 / 4.5).exp());
    let (mean, square) = (2.0 * w - (1.0 - 2.0 * w), 1.0);
    let variance = square - mean * mean;
    let expected =
        (-2.0 * mean * mean + 1e-4) * (-2.0 * variance + 9e-4) / ((2.0 * mean * mean + 1e-4) * (2.0 * variance + 9e-4));
    let got = ssim(&[1.0, -1.0, 1.0], &[-1.0, 1.0, -1.0], shape(1, 1, 3), 1.0).unwrap();
    assert!((got - expected).abs() < 1e-12, "{got}, not {expected}");
}

#[test]
fn a_shift_of_brightness_lowers_it_and_noise_more() {
    let image = shape(1, 28, 28);
    let x = random(image, 1.0, 3);
    let shifted = |by: f32| x.iter().map(|x| x + by).collect::<Vec<f32>>();
    let of = |y: &[f32]| ssim(&x, y, image, 1.0).unwrap();
    let (near, far) = (of(&shifted(0.1)), of(&shifted(0.3)));
    assert!(1.0 > near && near > far && far > 0.5, "{near} {far}");
    let inverted: Vec<f32> = x.iter().map(|x| 1.0 - x).collect();
    assert!(of(&inverted) < 0.0);
}

#[test]
fn buffers_serve_many_images() {
    let image = shape(3, 20, 17);
    let mut many = Ssim::new(image, 1.0).unwrap();
    for stream in 0..5 {
        let (x, y) = (random(image, 1.0, stream), random(image, 1.0, stream + 1));
        assert_eq!(many.measure(&x, &y).unwrap(), ssim(&x, &y, image, 1.0).unwrap());
    }
}

#[test]
fn what_makes_no_sense_is_refused() {
    for range in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(Ssim::new(shape(1, 8, 8), range).unwrap_err().to_string().contains("range"));
    }
    for (channels, height, width) in [(0, 8, 8), (1, 0, 8), (1, 8, 0), (2, usize::MAX, 3)] {
        assert!(Ssim::new(shape(channels, height, width), 1.0).is_err());
    }
    let error = ssim(&[0.0; 63], &[0.0; 64], shape(1, 8, 8), 1.0).unwrap_err().to_string();
    assert!(error.contains("63 and 64 values are not two images of [1, 8, 8]"), "{error}");
    assert!(ssim(&[0.0; 64], &[0.0; 128], shape(1, 8, 8), 1.0).is_err());
    assert!(ssim(&[f32::NAN; 64], &[0.0; 64], shape(1, 8, 8), 1.0).unwrap().is_nan());
}

/// Prints what it takes. `cargo test --release -p narrows --lib images::tests::speed -- --ignored --nocapture`
#[test]
#[ignore = "a measurement, not a check"]
fn speed() {
    let image = shape(1, 28, 28);
    let (x, y) = (random(image, 1.0, 0), random(image, 1.0, 1));
    let mut ssim = Ssim::new(image, 1.0).unwrap();
    let start = std::time::Instant::now();
    let sum: f64 = (0..10_000).map(|_| ssim.measure(&x, &y).unwrap()).sum();
    println!("10,000 images of 28x28: {:.3} s (mean {:.4})", start.elapsed().as_secs_f64(), sum / 1e4);
}
