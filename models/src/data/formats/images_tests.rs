use std::fs;

use super::*;
use crate::data::formats::looks_like_images;

fn png_of(color: png::ColorType, [width, height]: [u32; 2], bytes: &[u8]) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(color);
    encoder.write_header().unwrap().write_image_data(bytes).unwrap();
    file
}

fn grey(size: [u32; 2], value: u8) -> Vec<u8> {
    png_of(png::ColorType::Grayscale, size, &vec![value; (size[0] * size[1]) as usize])
}

fn webp_of(color: image_webp::ColorType, [width, height]: [u32; 2], bytes: &[u8]) -> Vec<u8> {
    let mut file = Vec::new();
    image_webp::WebPEncoder::new(&mut file).encode(bytes, width, height, color).unwrap();
    file
}

fn folder(files: &[(&str, Vec<u8>)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    folder
}

fn read(folder: &tempfile::TempDir) -> Dataset {
    read_images(folder.path(), &ImageOptions::default(), Part::Train).unwrap().unwrap()
}

fn message(folder: &tempfile::TempDir, options: &ImageOptions) -> String {
    read_images(folder.path(), options, Part::Train).unwrap_err().to_string()
}

#[test]
fn sub_folders_are_classes() {
    let folder = folder(&[
        ("dog/2.png", grey([2, 1], 2)),
        ("dog/1.png", grey([2, 1], 1)),
        ("cat/a.PNG", grey([2, 1], 3)),
        ("cat/._a.png", vec![]),
        ("empty/notes.txt", vec![]),
        ("overview.png", grey([5, 5], 0)),
        ("notes.txt", vec![]),
    ]);
    let data = read(&folder);
    assert_eq!(data.samples(), &Samples::U8(vec![3, 3, 1, 1, 2, 2]));
    assert_eq!((data.labels(), data.class_names().unwrap().join(" ")), (Some(&[0, 1, 1][..]), "cat dog".to_owned()));
    assert_eq!(data.image(), Some(ImageShape { channels: 1, height: 1, width: 2 }));
    assert!(
        data.notes()[0].contains("left aside 1 files that are no pictures, 1 pictures outside"),
        "{:?}",
        data.notes()
    );
    let look = looks_like_images(folder.path()).unwrap();
    assert_eq!((look.pictures, look.folders, look.small), (4, true, true));
}

#[test]
fn grey_where_all_are_and_else_colour() {
    let colour = png_of(png::ColorType::Rgb, [2, 1], &[1, 2, 3, 4, 5, 6]);
    let grey_in_colour = webp_of(image_webp::ColorType::Rgb8, [2, 1], &[7, 7, 7, 8, 8, 8]);
    let flat = folder(&[("1.png", grey([2, 1], 9)), ("2.webp", grey_in_colour.clone())]);
    assert_eq!((read(&flat).samples(), read(&flat).labels()), (&Samples::U8(vec![9, 9, 7, 8]), None));
    let mixed = folder(&[("1.png", grey([2, 1], 9)), ("2.webp", grey_in_colour), ("3.png", colour)]);
    let data = read(&mixed);
    assert_eq!(data.image(), Some(ImageShape { channels: 3, height: 1, width: 2 }));
    assert_eq!(data.samples(), &Samples::U8(vec![9, 9, 9, 9, 9, 9, 7, 8, 7, 8, 7, 8, 1, 4, 2, 5, 3, 6]));
    let options = ImageOptions { channels: Some(1), ..ImageOptions::default() };
    let data = read_images(mixed.path(), &options, Part::Train).unwrap().unwrap();
    assert_eq!(data.samples(), &Samples::U8(vec![9, 9, 7, 8, 2, 5]));
    let options = ImageOptions { channels: Some(3), ..options };
    assert_eq!(read_images(flat.path(), &options, Part::Train).unwrap().unwrap().features(), 6);
}

#[test]
fn transparency_is_laid_over_white_and_said() {
    let half = png_of(png::ColorType::GrayscaleAlpha, [2, 1], &[10, 255, 0, 0]);
    let webp = webp_of(image_webp::ColorType::Rgba8, [2, 1], &[0, 0, 0, 128, 5, 5, 5, 255]);
    let data = read(&folder(&[("1.png", half), ("2.webp", webp)]));
    assert_eq!(data.samples(), &Samples::U8(vec![10, 255, 127, 5]));
    assert!(data.notes()[0].contains("2 of 2 pictures are transparent"), "{:?}", data.notes());
}

#[test]
fn sizes_must_agree_or_be_brought_to_one() {
    let folder = folder(&[("1.png", grey([2, 2], 9)), ("2.png", grey([4, 2], 8)), ("3.png", grey([1, 1], 8))]);
    let text = message(&folder, &ImageOptions::default());
    assert!(
        text.contains("1.png has 2 x 2") && text.contains("2.png has 2 x 4") && text.contains("--resize 2x2"),
        "{text}"
    );
    let options = ImageOptions { resize: Some((1, 2)), channels: None };
    let data = read_images(folder.path(), &options, Part::Train).unwrap().unwrap();
    assert_eq!(data.samples(), &Samples::U8(vec![9, 9, 8, 8, 8, 8]));
    assert!(data.notes()[0].contains("3 of 3 pictures were brought to 1 x 2"), "{:?}", data.notes());
    let options = ImageOptions { resize: Some((0, 1 << 30)), channels: None };
    assert!(message(&folder, &options).contains("cannot resize to 0x1073741824"));
}

#[test]
fn parts_share_their_classes() {
    let folder = folder(&[
        ("train/b/1.png", grey([1, 1], 1)),
        ("train/c/2.png", grey([1, 1], 2)),
        ("test/a/3.png", grey([1, 1], 3)),
        ("test/c/4.png", grey([1, 1], 4)),
        ("val/a/5.png", grey([1, 1], 5)),
    ]);
    let data = read(&folder);
    assert_eq!((data.labels(), data.class_names().unwrap().len()), (Some(&[1, 2][..]), 3));
    assert!(data.notes()[0].contains("left aside `val`"));
    assert!(images_have_test(folder.path()).unwrap());
    let test = read_images(folder.path(), &ImageOptions::default(), Part::Test).unwrap().unwrap();
    assert_eq!((test.samples(), test.labels()), (&Samples::U8(vec![3, 4]), Some(&[0, 2][..])));
}

#[test]
fn broken_pictures_are_named() {
    let whole = grey([3, 3], 7);
    let cut = folder(&[("1.png", whole.clone()), ("2.png", whole[..whole.len() - 20].to_vec())]);
    assert!(message(&cut, &ImageOptions::default()).contains("2.png"));
    assert!(message(&folder(&[("a.txt", vec![])]), &ImageOptions::default()).contains("holds no pictures"));
    let nested = folder(&[("a/b/1.png", whole)]);
    assert!(message(&nested, &ImageOptions::default()).contains("holds folders in a class"));
}

/// Files of a few bytes that claim many pixels are refused before anything is reserved.
#[test]
fn pixels_that_a_file_cannot_hold_are_not_believed() {
    let mut png = grey([8, 8], 7);
    png[16..24].copy_from_slice(&[0, 0, 0x20, 0, 0, 0, 0x20, 0]);
    let mut crc = flate2::Crc::new();
    crc.update(&png[12..29]);
    png[29..33].copy_from_slice(&crc.sum().to_be_bytes());
    let text = parse_picture(&png, "a").unwrap_err().to_string();
    assert!(text.contains("it claims 8192 x 8192 pixels, more than its"), "{text}");
    let mut webp = webp_of(image_webp::ColorType::L8, [8, 8], &[7; 64]);
    assert!(parse_picture(&webp, "a").is_ok());
    let sizes = u32::from_le_bytes([webp[21], webp[22], webp[23], webp[24]]) | 0x1fff | 0x1fff << 14;
    webp[21..25].copy_from_slice(&sizes.to_le_bytes());
    let text = parse_picture(&webp, "a").unwrap_err().to_string();
    assert!(text.contains("8192 x 8192"), "{text}");
}

#[test]
fn large_pictures_show_in_their_headers() {
    let small = folder(&[("1.png", grey([64, 64], 7)), ("2.jpg", b"broken".to_vec())]);
    assert_eq!(looks_like_images(small.path()).map(|look| (look.folders, look.small)).unwrap(), (false, true));
    for (name, bytes) in
        [("1.png", grey([65, 1], 7)), ("2.webp", webp_of(image_webp::ColorType::L8, [1, 65], &[7; 65]))]
    {
        assert!(!looks_like_images(folder(&[(name, bytes)]).path()).unwrap().small, "{name}");
    }
}
