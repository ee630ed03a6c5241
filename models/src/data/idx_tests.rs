//! Tests of the IDX reader: every type, every way to be cut short, and bytes that mean nothing.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;

use super::*;

fn idx(code: u8, dims: &[u32], data: &[u8]) -> Vec<u8> {
    let mut out = vec![0, 0, code, dims.len() as u8];
    dims.iter().for_each(|dim| out.extend(dim.to_be_bytes()));
    out.extend(data);
    out
}

fn gz(data: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

fn message<T: std::fmt::Debug>(result: Result<T>) -> String {
    let message = result.unwrap_err().to_string();
    assert!(!message.contains('\n') && message.contains('x'), "one line that names the file: {message}");
    message
}

#[test]
fn images_of_two_to_four_dimensions() {
    let grey = parse_images(&idx(8, &[2, 1, 3], &[1, 2, 3, 4, 5, 6])[..], "x", 0).unwrap();
    assert_eq!((grey.len(), grey.image()), (2, Some(ImageShape { channels: 1, height: 1, width: 3 })));
    assert_eq!(grey.samples(), &Samples::U8(vec![1, 2, 3, 4, 5, 6]));
    assert_eq!(grey.bytes(), 6);
    let colour = parse_images(&idx(8, &[1, 3, 1, 2], &[0; 6])[..], "x", 0).unwrap();
    assert_eq!(colour.image(), Some(ImageShape { channels: 3, height: 1, width: 2 }));
    let vectors = parse_images(&idx(8, &[3, 2], &[0; 6])[..], "x", 0).unwrap();
    assert_eq!((vectors.len(), vectors.features(), vectors.image()), (3, 2, None));
    assert!(message(parse_images(&idx(8, &[1, 2, 2, 3], &[0; 12])[..], "x", 0)).contains("channels last"));
    assert!(message(parse_images(&idx(8, &[3], &[0; 3])[..], "x", 0)).contains("no images"));
    assert!(message(parse_images(&idx(8, &[0, 28, 28], &[])[..], "x", 0)).contains("no samples"));
    assert!(message(parse_images(&idx(8, &[2, 0, 0], &[])[..], "x", 0)).contains("no samples"));
}

#[test]
fn every_element_type() {
    let big_endian = |code, data: &[u8]| parse(&idx(code, &[2], data)[..], "x", 0).unwrap().elements;
    assert_eq!(big_endian(0x08, &[200, 1]), Samples::U8(vec![200, 1]));
    assert_eq!(big_endian(0x09, &[0xff, 1]), Samples::F32(vec![-1.0, 1.0]));
    assert_eq!(big_endian(0x0b, &[0x01, 0x00, 0xff, 0xfe]), Samples::F32(vec![256.0, -2.0]));
    assert_eq!(big_endian(0x0c, &[0, 1, 0, 0, 0xff, 0xff, 0xff, 0xff]), Samples::F64(vec![65536.0, -1.0]));
    let floats: Vec<u8> = [0.5_f32, -3.25].iter().flat_map(|value| value.to_be_bytes()).collect();
    assert_eq!(big_endian(0x0d, &floats), Samples::F32(vec![0.5, -3.25]));
    let doubles: Vec<u8> = [0.1_f64, -2e9].iter().flat_map(|value| value.to_be_bytes()).collect();
    assert_eq!(big_endian(0x0e, &doubles), Samples::F64(vec![0.1, -2e9]));
    let data: Vec<u8> = [0.0_f32, f32::NAN].iter().flat_map(|value| value.to_be_bytes()).collect();
    assert!(message(parse_images(&idx(0x0d, &[1, 2], &data)[..], "x", 0)).contains("row 0, column 1"));
}

#[test]
fn labels_are_small_whole_numbers() {
    assert_eq!(parse_labels(&idx(8, &[3], &[9, 0, 255])[..], "x", 0).unwrap(), [9, 0, 255]);
    assert_eq!(parse_labels(&idx(0x0b, &[1], &[1, 0])[..], "x", 0).unwrap(), [256]);
    assert!(message(parse_labels(&idx(0x09, &[2], &[1, 0xff])[..], "x", 0)).contains("label -1 of row 1"));
    let half = 0.5_f32.to_be_bytes();
    assert!(parse_labels(&idx(0x0d, &[1], &half)[..], "x", 0).is_err());
    assert!(parse_labels(&idx(0x0d, &[1], &f32::NAN.to_be_bytes())[..], "x", 0).is_err());
    assert!(parse_labels(&idx(0x0c, &[1], &65_536_i32.to_be_bytes())[..], "x", 0).is_err());
    assert!(message(parse_labels(&idx(8, &[1, 1], &[0])[..], "x", 0)).contains("no labels"));
}

#[test]
fn cut_short_at_every_byte() {
    let whole = idx(8, &[2, 2, 3], &[7; 12]);
    for end in 0..whole.len() {
        let message = message(parse(&whole[..end], "x", 1 << 40));
        assert!(message.contains("cut short") && message.contains(&format!("got {end};")), "{message}");
    }
    let mut longer = whole.clone();
    longer.push(0);
    assert!(message(parse(&longer[..], "x", 0)).contains("goes on after the 28 bytes"));
    let packed = gz(&whole);
    assert!(parse(Members::new(&packed[..]), "x", 0).is_ok());
    for end in 0..packed.len() {
        message(parse(Members::new(&packed[..end]), "x", 0));
    }
    for at in 0..packed.len() {
        let mut damaged = packed.clone();
        damaged[at] ^= 0x10;
        if let Ok(array) = parse(Members::new(&damaged[..]), "x", 0) {
            assert_eq!(array.elements, Samples::U8(vec![7; 12]), "a flip at {at} passed the checksum");
        }
    }
}

#[test]
fn headers_that_lie() {
    assert!(message(parse(&[0, 1, 8, 1, 0, 0, 0, 0][..], "x", 0)).contains("not an IDX file"));
    assert!(message(parse(&b"<!DOCTYPE html>"[..], "x", 0)).contains("not an IDX file"));
    assert!(message(parse(&idx(0x0a, &[1], &[0])[..], "x", 0)).contains("0x0a"));
    assert!(message(parse(&idx(8, &[], &[])[..], "x", 0)).contains("0 dimensions"));
    assert!(message(parse(&idx(8, &[1; 9], &[0])[..], "x", 0)).contains("9 dimensions"));
    for dims in [&[u32::MAX; 8][..], &[u32::MAX, u32::MAX, 0], &[1 << 16, 1 << 16], &[0x8000_0001]] {
        assert!(message(parse(&idx(8, dims, &[])[..], "x", 0)).contains("over the limit"));
    }
    // The greatest header allowed costs a chunk, not gigabytes.
    assert!(message(parse(&idx(0x0e, &[1 << 31], &[1, 2])[..], "x", 0)).contains("cut short"));
}

#[test]
fn large_arrays_end_at_their_exact_size() {
    let count = 3 * CHUNK + 17;
    let data: Vec<u8> = (0..count).map(|at| (at % 251) as u8).collect();
    for expected in [0, 100, count as u64, u64::MAX] {
        let array = parse(&idx(8, &[count as u32], &data)[..], "x", expected).unwrap();
        assert_eq!(array.elements, Samples::U8(data.clone()));
        assert_eq!(array.elements.bytes(), count);
    }
    let signed = parse(&idx(9, &[count as u32], &data)[..], "x", 0).unwrap().elements;
    assert_eq!((signed.len(), signed.bytes()), (count, 4 * count));
}

#[test]
fn files_are_known_by_content_not_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let labels = idx(8, &[2], &[3, 4]);
    let plain = folder.path().join("x-labels-idx1-ubyte.gz");
    std::fs::write(&plain, &labels).unwrap();
    assert_eq!(read_labels(&plain).unwrap(), (vec![3, 4], None));
    let packed = folder.path().join("x-labels-idx1-ubyte");
    std::fs::write(&packed, gz(&labels)).unwrap();
    assert_eq!(read_labels(&packed).unwrap(), (vec![3, 4], None));
    assert!(message(read_images(&folder.path().join("x-missing"))).contains("cannot open"));
}

/// Row 37 of what others met: padding and rubbish behind a whole gzip member.
#[test]
fn what_stands_behind_packed_data_is_left_aside_and_noted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x-images-idx3-ubyte.gz");
    let whole = gz(&idx(8, &[2, 1, 2], &[1, 2, 3, 4]));
    for (rest, words) in [(&[0u8; 512][..], "512 zeros behind"), (b"rubbish", "7 bytes that are not gzip behind")] {
        std::fs::write(&path, [&whole[..], rest].concat()).unwrap();
        let data = read_images(&path).unwrap();
        assert_eq!(data.samples(), &Samples::U8(vec![1, 2, 3, 4]));
        assert!(matches!(data.notes(), [note] if note.contains(words)), "{:?}", data.notes());
        std::fs::write(&path, [&whole[..whole.len() - 6], rest].concat()).unwrap();
        message(read_images(&path));
    }
    std::fs::write(&path, [gz(&idx(8, &[2, 1, 2], &[1, 2])), gz(&[3, 4])].concat()).unwrap();
    assert_eq!(read_images(&path).unwrap().samples(), &Samples::U8(vec![1, 2, 3, 4]));
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(data in proptest::collection::vec(any::<u8>(), 0..64), expected in any::<u64>()) {
        let _ = parse(&data[..], "x", expected);
        let _ = parse(Members::new(&data[..]), "x", expected);
    }

    #[test]
    fn arbitrary_headers_never_panic(
        code in 7_u8..16,
        dims in proptest::collection::vec(prop_oneof![0_u32..5, any::<u32>()], 0..5),
        data in proptest::collection::vec(any::<u8>(), 0..64),
    ) {
        let file = idx(code, &dims, &data);
        let _ = parse_images(&file[..], "x", file.len() as u64);
        let _ = parse_labels(&file[..], "x", 0);
    }

    #[test]
    fn bytes_come_back(rows in 1_usize..6, columns in 1_usize..6, seed in any::<u8>()) {
        let data: Vec<u8> = (0..rows * columns).map(|at| seed.wrapping_mul(at as u8)).collect();
        let array = parse(&idx(8, &[rows as u32, columns as u32], &data)[..], "x", 0).unwrap();
        prop_assert_eq!(array.dims, [rows, columns]);
        prop_assert_eq!(array.elements, Samples::U8(data));
    }
}
