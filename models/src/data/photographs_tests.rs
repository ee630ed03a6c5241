//! Tests of the reader of photographs: what patches are, whitening's effect, and files that are not what they say.

use std::fs;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;

/// The training part.
fn train(folder: &Path, options: &PatchOptions) -> Result<Dataset> {
    photographs(folder, options, Part::Train).map(Option::unwrap)
}

const PLAIN: PatchOptions = PatchOptions { size: 8, count: 500, whiten: false, seed: 1, held_out: 0.0, limit: None };
const WHITE: PatchOptions = PatchOptions { whiten: true, ..PLAIN };

/// A grey picture, a byte a pixel.
struct Grey {
    width: u32,
    height: u32,
    pixels: Vec<u8>,
}

/// A picture with a photograph's spectrum: waves of all frequencies, their amplitudes 1/f.
fn waves(width: u32, height: u32, seed: u64) -> Grey {
    let mut random = vec![0.0; 3 * 200];
    narrows_engine::random::fill_uniform(seed, 0, 0, -0.5f32, 0.5, &mut random);
    let mut sums = vec![0.0; (width * height) as usize];
    for wave in random.chunks_exact(3) {
        let (fy, fx, phase) = (wave[0], wave[1], wave[2]);
        for (i, sum) in (0u32..).zip(&mut sums) {
            let (y, x) = ((i / width) as f32, (i % width) as f32);
            *sum += (std::f32::consts::TAU * (fy * y + fx * x + phase)).cos() / fy.hypot(fx).max(0.01);
        }
    }
    let squares: f32 = sums.iter().map(|sum| sum * sum).sum();
    let scale = 45.0 / (squares / sums.len() as f32).sqrt();
    Grey { width, height, pixels: sums.iter().map(|sum| (128.0 + scale * sum).clamp(0.0, 255.0) as u8).collect() }
}

fn folder(pictures: &[(&str, Grey)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, picture) in pictures {
        fs::write(folder.path().join(name), bytes_of(picture, name.ends_with("png"))).unwrap();
    }
    folder
}

fn two_pictures() -> TempDir {
    folder(&[("a.png", waves(90, 60, 1)), ("b.jpg", waves(50, 70, 2))])
}

/// The picture as PNG, or else as JPEG.
fn bytes_of(picture: &Grey, png: bool) -> Vec<u8> {
    let Grey { width, height, pixels } = picture;
    match png {
        true => png_bytes(png::ColorType::Grayscale, [*width, *height], pixels),
        false => {
            let mut bytes = Vec::new();
            let encoder = jpeg_encoder::Encoder::new(&mut bytes, 90);
            encoder.encode(pixels, *width as u16, *height as u16, jpeg_encoder::ColorType::Luma).unwrap();
            bytes
        }
    }
}

fn png_bytes(color: png::ColorType, [width, height]: [u32; 2], pixels: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(color);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.write_header().unwrap().write_image_data(pixels).unwrap();
    bytes
}

fn values(data: &Dataset) -> &[f32] {
    let Samples::F32(values) = data.samples() else { panic!("patches are f32") };
    values
}

fn message(folder: &Path, options: &PatchOptions) -> String {
    let message = train(folder, options).unwrap_err().to_string();
    assert!(!message.contains(char::is_control) && message.contains(';'), "one line with a remedy: {message}");
    message
}

/// Mean and standard deviation.
fn moments(values: &[f32]) -> [f64; 2] {
    let mean = |of: &dyn Fn(f64) -> f64| values.iter().map(|&x| of(f64::from(x))).sum::<f64>() / values.len() as f64;
    let middle = mean(&|x| x);
    [middle, mean(&|x| (x - middle).powi(2)).sqrt()]
}

/// The correlation of pixels `distance` beside and above each other, over pictures `[N, height, width]`.
fn correlation(values: &[f32], height: usize, width: usize, distance: usize) -> f64 {
    let [mean, _] = moments(values);
    let v = |x: f32| f64::from(x) - mean;
    let (mut products, mut squares) = (0.0, 0.0);
    for picture in values.chunks_exact(height * width) {
        for (i, &x) in picture.iter().enumerate() {
            let right = (i % width + distance < width).then(|| &picture[i + distance]);
            for &other in right.into_iter().chain(picture.get(i + distance * width)) {
                products += v(x) * v(other);
                squares += (v(x).powi(2) + v(other).powi(2)) / 2.0;
            }
        }
    }
    products / squares
}

#[test]
fn a_patch_is_grey_less_its_mean() {
    let folder = tempfile::tempdir().unwrap();
    let colours: [[u8; 3]; 4] = [[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]];
    fs::write(folder.path().join("a.png"), png_bytes(png::ColorType::Rgb, [2, 2], colours.as_flattened())).unwrap();
    let data = train(folder.path(), &PatchOptions { size: 2, count: 3, ..PLAIN }).unwrap();
    assert_eq!((data.len(), data.features(), data.raw_range()), (3, 4, Some((0.0, 1.0))));
    assert_eq!(data.image(), Some(ImageShape { channels: 1, height: 2, width: 2 }));
    assert_eq!(data.name(), folder.path().file_name().unwrap().to_str().unwrap());
    // Grey 0.299, 0.587, 0.114, 1: mean 0.5, and sigma^2 is the mean of the four squares.
    let v = [-0.201, 0.087, -0.386, 0.5f64];
    let sigma = (v.iter().map(|v| v * v).sum::<f64>() / 4.0).sqrt();
    for (i, &x) in values(&data).iter().enumerate() {
        assert!((f64::from(x) - (0.4 * v[i % 4] / (3.0 * sigma) + 0.5)).abs() < 1e-6, "{i}: {x}");
    }
}

#[test]
fn the_seed_decides() {
    let folder = two_pictures();
    for options in [PLAIN, WHITE] {
        let data = train(folder.path(), &options).unwrap();
        assert_eq!(data, train(folder.path(), &options).unwrap());
        let other = train(folder.path(), &PatchOptions { seed: 2, ..options }).unwrap();
        assert_ne!(data.samples(), other.samples());
    }
    assert_ne!(train(folder.path(), &PLAIN).unwrap(), train(folder.path(), &WHITE).unwrap());
}

#[test]
fn values_lie_in_the_exercise_s_range() {
    let folder = two_pictures();
    for options in [PLAIN, WHITE, PatchOptions { size: 1, ..WHITE }, PatchOptions { size: 50, count: 9, ..WHITE }] {
        let data = train(folder.path(), &options).unwrap();
        assert_eq!((data.len(), data.features()), (options.count, options.size * options.size));
        assert!(values(&data).iter().all(|x| (0.1..=0.9).contains(x)));
        let [mean, deviation] = moments(values(&data));
        assert!((mean - 0.5).abs() < 0.005, "{mean}");
        // 0.4 / 3 = 0.133, less what is cut off; a patch of one pixel is its own mean.
        let expected = if options.size == 1 { 0.0 } else { 0.133 };
        assert!((deviation - expected).abs() < 0.01, "{deviation}");
    }
}

/// White noise behind the same exponential has the correlations 0.51, -0.02, -0.02, 0.01 at distances of 1 to 4 (the
/// integral of `f exp(-2 (f/f0)^4) J0(2 pi f d)`): more whitening there cannot be.
#[test]
fn whitening_flattens() {
    let folder = folder(&[("a.png", waves(200, 150, 3)), ("b.png", waves(160, 200, 4))]);
    let patches = |options: PatchOptions| {
        let data = train(folder.path(), &PatchOptions { size: 24, count: 2000, ..options }).unwrap();
        [1, 2, 3, 4].map(|distance| correlation(values(&data), 24, 24, distance))
    };
    let (plain, white) = (patches(PLAIN), patches(WHITE));
    assert!(plain[0] > 0.6 && plain[3] > 0.25, "{plain:?}");
    assert!((white[0] - 0.51).abs() < 0.1 && white[1..].iter().all(|c| c.abs() < 0.12), "{white:?}");
    let picture = Photograph::measure(folder.path().join("a.png")).unwrap().grey().unwrap();
    let neighbours = |plane: &Plane| correlation(&plane.values, plane.height, plane.width, 1);
    let (plain, white) = (neighbours(&picture), neighbours(&Whitening::new().apply(&picture).unwrap()));
    assert!(plain > 0.85 && white < 0.6, "{plain} becomes {white}");
}

#[test]
fn one_grey_becomes_the_middle() {
    let folder = folder(&[("a.png", Grey { width: 40, height: 30, pixels: vec![77; 40 * 30] })]);
    for options in [PLAIN, WHITE, PatchOptions { size: 7, ..PLAIN }] {
        let data = train(folder.path(), &options).unwrap();
        assert!(values(&data).iter().all(|&x| x == 0.5));
    }
}

#[test]
fn places_are_uniform() {
    let photograph = |height, width| Photograph { path: PathBuf::new(), height, width };
    let photographs = [photograph(3, 2), photograph(2, 2), photograph(2, 3)];
    let options = PatchOptions { size: 2, count: 12_000, ..PLAIN };
    let regions = Regions::of(&photographs, &options, Part::Train);
    let places = regions.draw(&options, Part::Train).unwrap();
    let count = |photograph, row, column| {
        let here = |place: &&Place| (place.region, place.row, place.column) == (photograph, row, column);
        places.iter().filter(here).count() as f64
    };
    let counts = [count(0, 0, 0), count(0, 1, 0), count(1, 0, 0), count(2, 0, 0), count(2, 0, 1)];
    assert_eq!(counts.iter().sum::<f64>(), 12_000.0);
    for (count, expected) in counts.iter().zip([2000.0, 2000.0, 4000.0, 2000.0, 2000.0f64]) {
        assert!((count - expected).abs() < 5.0 * expected.sqrt(), "{counts:?}");
    }
    assert_eq!(regions.draw(&PatchOptions { count: 100, ..options }, Part::Train).unwrap(), places[..100]);
}

#[test]
fn test_patches_share_no_pixel_with_training_patches() {
    let photograph = |height, width| Photograph { path: PathBuf::new(), height, width };
    let photographs = [photograph(40, 30), photograph(9, 50), photograph(12, 15), photograph(8, 16)];
    for held_out in [0.01, 0.2, 0.5, 0.9] {
        let options = PatchOptions { size: 8, count: 1000, held_out, ..PLAIN };
        let regions = [Part::Train, Part::Test].map(|part| Regions::of(&photographs, &options, part));
        // Of a photograph that has no room for two, nothing is tested on.
        assert_eq!(regions.each_ref().map(|regions| regions.0.len()), [4, 3]);
        let mut seen = vec![vec![[false; 2]; 2000]; photographs.len()];
        for (number, (regions, part)) in regions.iter().zip([Part::Train, Part::Test]).enumerate() {
            for place in regions.draw(&options, part).unwrap() {
                let region = &regions.0[place.region as usize];
                let (row, column) =
                    (region.rows.start + place.row as usize, region.columns.start + place.column as usize);
                assert!(row + 8 <= region.rows.end && column + 8 <= region.columns.end);
                for pixel in (0..64).map(|i| (row + i / 8) * photographs[region.photograph].width + column + i % 8) {
                    seen[region.photograph][pixel][number] = true;
                }
            }
        }
        assert!(seen.iter().flatten().all(|seen| *seen != [true; 2]), "{held_out}");
    }
}

#[test]
fn a_test_part_is_scaled_as_the_training_part_is() {
    let folder = two_pictures();
    let options = PatchOptions { count: 400, held_out: 0.25, ..WHITE };
    let parts = [Part::Train, Part::Test].map(|part| photographs(folder.path(), &options, part).unwrap().unwrap());
    assert_eq!(parts.each_ref().map(Dataset::len), [300, 100]);
    let made = parts[0].patches().unwrap();
    assert_eq!((parts[1].patches(), made.size, made.whiten), (Some(made), 8, true));
    // And other photographs by the limit that a model keeps.
    let other = train(folder.path(), &made.options(50, 9)).unwrap();
    assert_eq!((other.len(), other.patches()), (50, Some(made)));
    assert!(photographs(folder.path(), &WHITE, Part::Test).unwrap().is_none());
    let small = self::folder(&[("a.png", waves(15, 15, 1))]);
    let text = photographs(small.path(), &options, Part::Train).unwrap_err().to_string();
    assert!(text.contains("smaller than two patches side by side"), "{text}");
    for held_out in [1.0, -0.1, f64::NAN, 0.001] {
        assert!(train(folder.path(), &PatchOptions { held_out, ..options }).is_err(), "{held_out}");
    }
}

#[test]
fn names_decide_what_is_read_and_in_which_order() {
    let folder = folder(&[("b.png", waves(20, 20, 1)), ("a.png", waves(20, 20, 2)), ("c.png", waves(7, 90, 2))]);
    fs::rename(folder.path().join("a.png"), folder.path().join("A.JPEG")).unwrap();
    fs::write(folder.path().join("notes.txt"), "x").unwrap();
    fs::write(folder.path().join("._b.png"), "x").unwrap();
    fs::create_dir(folder.path().join("d.png")).unwrap();
    let names = |paths: Vec<PathBuf>| paths.iter().map(|path| path.file_name().unwrap().to_owned()).collect::<Vec<_>>();
    assert_eq!(names(list(folder.path(), 3).unwrap()), ["A.JPEG", "b.png", "c.png"]);
    let data = train(folder.path(), &PLAIN).unwrap();
    // The photograph that is too narrow changes nothing.
    fs::remove_file(folder.path().join("c.png")).unwrap();
    assert_eq!(data, train(folder.path(), &PLAIN).unwrap());
}

#[test]
fn refuses_what_makes_no_sense() {
    let folder = two_pictures();
    let ask = |size, count| message(folder.path(), &PatchOptions { size, count, ..PLAIN });
    assert!(ask(0, 1).contains("give a size of 1 to 64"));
    assert!(ask(65, 1).contains("patches of 65 x 65 pixels; give a size of 1 to 64"));
    assert!(ask(8, 0).contains("0 patches"));
    assert!(ask(8, usize::MAX).contains("over the limit of 4194304; ask for fewer"));
    assert!(ask(64, 1).contains("each of its 2 photographs is smaller than a patch of 64 x 64 pixels"));
    let empty = tempfile::tempdir().unwrap();
    assert!(message(empty.path(), &PLAIN).contains("holds no photographs; put files ending in .jpg"));
    let missing = empty.path().join("no");
    assert!(train(&missing, &PLAIN).unwrap_err().to_string().starts_with("cannot read the folder"));
    let message = list(folder.path(), 1).unwrap_err().to_string();
    assert!(message.ends_with("holds more than 1 photographs; divide it over several folders"), "{message}");
}

#[test]
fn names_the_file_that_is_none() {
    let folder = two_pictures();
    let broken = folder.path().join("bad.jpg");
    let complain = |bytes: &[u8], reason: &str| {
        fs::write(&broken, bytes).unwrap();
        let message = message(folder.path(), &PLAIN);
        assert!(message.contains("bad.jpg: ") && message.contains(reason), "{message}");
    };
    complain(b"", "neither JPEG nor PNG");
    complain(b"words, not pixels", "neither JPEG nor PNG");
    complain(b"GIF89a\x08\0\x08\0\0\0\0", "neither JPEG nor PNG");
    let jpeg = bytes_of(&waves(40, 40, 3), false);
    (3..jpeg.len()).step_by(7).chain([jpeg.len() - 2, jpeg.len() - 1]).for_each(|end| {
        complain(&jpeg[..end], "it is cut short; replace or remove the file");
    });
    let png = bytes_of(&waves(40, 40, 3), true);
    // The last chunk, of 12 bytes, says only that it is the last.
    (8..png.len() - 12).step_by(7).for_each(|end| complain(&png[..end], "replace or remove the file"));
    let sized = [0xff, 0xc0, 0, 11, 8];
    let at = jpeg.windows(5).position(|part| part == sized).unwrap() + 5;
    let mut huge = jpeg.clone();
    huge[at..at + 4].fill(0xff);
    complain(&huge, "65535 x 65535 pixels are over the limit of 67108864");
    fs::write(&broken, [&jpeg[..], b"what a telephone adds"].concat()).unwrap();
    train(folder.path(), &PLAIN).unwrap();
}

/// A PNG header that promises what the file does not hold.
#[test]
fn does_not_believe_a_header() {
    let folder = tempfile::tempdir().unwrap();
    let mut png = bytes_of(&waves(9, 9, 1), true);
    for (width, height, reason) in [(1u32 << 30, 1u32 << 30, ""), (1 << 20, 1 << 7, "over the limit"), (8192, 8192, "")]
    {
        png[16..20].copy_from_slice(&width.to_be_bytes());
        png[20..24].copy_from_slice(&height.to_be_bytes());
        let mut check = flate2::Crc::new();
        check.update(&png[12..29]);
        png[29..33].copy_from_slice(&check.sum().to_be_bytes());
        fs::write(folder.path().join("a.png"), &png).unwrap();
        let message = message(folder.path(), &PLAIN);
        assert!(message.contains("a.png: ") && message.contains(reason), "{message}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn damage_ends_in_patches_or_in_one_line(
        png: bool,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut bytes = bytes_of(&waves(24, 17, 5), png);
        for (place, byte) in changes {
            let at = place.index(bytes.len());
            bytes[at] = byte;
        }
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.jpg"), bytes).unwrap();
        match train(folder.path(), &PatchOptions { count: 20, ..WHITE }) {
            Ok(data) => prop_assert!(values(&data).iter().all(|x| (0.1..=0.9).contains(x))),
            Err(error) => prop_assert!(!error.to_string().contains(char::is_control), "{error}"),
        }
    }
}

/// Not a check: figures of a folder of real photographs.
/// `PHOTOGRAPHS=folder cargo test --release -p narrows --lib photographs::tests::figures -- --ignored --nocapture`
#[test]
#[ignore = "prints figures of the folder in PHOTOGRAPHS"]
fn figures() {
    let folder = PathBuf::from(std::env::var_os("PHOTOGRAPHS").expect("name a folder in PHOTOGRAPHS"));
    let near = |values: &[f32], height, width| {
        [1, 2, 3, 4].map(|distance| format!("{:.3}", correlation(values, height, width, distance))).join(" ")
    };
    for path in list(&folder, MAX_FILES).unwrap() {
        let picture = Photograph::measure(path).unwrap().grey().unwrap();
        for plane in [Whitening::new().apply(&picture).unwrap(), picture] {
            println!("{} x {}: {}", plane.height, plane.width, near(&plane.values, plane.height, plane.width));
        }
    }
    for (whiten, size) in [(false, 8), (true, 8), (false, 16), (true, 16)] {
        let start = std::time::Instant::now();
        let data = train(&folder, &PatchOptions { size, count: 10_000, whiten, ..PLAIN }).unwrap();
        let (time, values) = (start.elapsed(), values(&data));
        let [mean, deviation] = moments(values);
        println!("whiten {whiten}, size {size}: {mean:.5} +- {deviation:.5}, {}, {time:?}", near(values, size, size));
    }
}
