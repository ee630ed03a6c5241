use std::io::Write;

use super::*;
use crate::data::Samples;
use crate::data::formats::npy::tests::file;

/// Made by NumPy: `savez_compressed(f, X_train=arange(6, dtype='f4').reshape(3, 2), y_train=array(['b', 'a', 'b']))`.
const OF_NUMPY: &str = "504b03042d000000080000002100ccca9cbdffffffffffffffff0b001400585f747261696e2e6e707901001000980000000000000055\
     000000000000009bec17ea1b10c9c850c650ad9e925a9c5ca46ea5a06e9366a2aea3a09e965f54529498179f5f94920a12774bcc294e\
     058a17672416a402f91ac63a0a469a3a0ab50a64032e063068b007120e4004c40d40bcc00100504b03042d000000080000002100083f\
     ec16ffffffffffffffff0b001400795f747261696e2e6e7079010010008c000000000000004c000000000000009bec17ea1b10c9c850\
     c650ad9e925a9c5ca46ea5a06e136aa8aea3a09e965f54529498179f5f94920a12774bcc294e058a17672416a402f91ac63a9a3a0ab5\
     0a1400ae24060686442006d100504b01022d032d000000080000002100ccca9cbd55000000980000000b000000000000000000000080\
     0100000000585f747261696e2e6e7079504b01022d032d000000080000002100083fec164c0000008c0000000b000000000000000000\
     0000800192000000795f747261696e2e6e7079504b05060000000002000200720000001b0100000000";

fn of_numpy() -> Vec<u8> {
    let digits: Vec<u8> =
        OF_NUMPY.bytes().filter_map(|digit| char::from(digit).to_digit(16)).map(|it| it as u8).collect();
    digits.chunks(2).map(|pair| 16 * pair[0] + pair[1]).collect()
}

fn archive(arrays: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in arrays {
        let options = zip::write::SimpleFileOptions::default();
        zip.start_file(format!("{name}.npy"), options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn bytes(shape: &str, elements: &[u8]) -> Vec<u8> {
    file("|u1", "False", shape, elements)
}

fn message(bytes: &[u8]) -> String {
    let text = parse_npz(bytes, "a.npz", Part::Train).unwrap_err().to_string();
    assert!(text.contains("a.npz") && !text.contains('\n'), "{text}");
    text
}

#[test]
fn a_file_of_numpys_own_with_words_for_labels() {
    let data = parse_npz(&of_numpy(), "a", Part::Train).unwrap().unwrap();
    assert_eq!(data.samples(), &Samples::F32(vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0]));
    assert_eq!(data.labels(), Some(&[1, 0, 1][..]));
    assert_eq!(data.class_names().unwrap(), ["a", "b"]);
    assert!(parse_npz(&of_numpy(), "a", Part::Test).unwrap().is_none());
}

#[test]
fn two_parts_have_the_same_classes() {
    let word = |words: &str| {
        let letters: Vec<u8> = words.chars().flat_map(|letter| u32::from(letter).to_be_bytes()).collect();
        file(">U1", "False", &format!("({},)", words.len()), &letters)
    };
    let file = archive(&[
        ("x_train", bytes("(2, 1)", &[1, 2])),
        ("y_train", word("cb")),
        ("x_test", bytes("(1, 1)", &[3])),
        ("y_test", word("a")),
        ("notes", bytes("(1,)", &[0])),
    ]);
    let train = parse_npz(&file, "a", Part::Train).unwrap().unwrap();
    assert_eq!((train.labels(), train.class_names().unwrap().len()), (Some(&[2, 1][..]), 3));
    assert!(train.notes()[0].contains("left aside `notes`"), "{:?}", train.notes());
    let test = parse_npz(&file, "a", Part::Test).unwrap().unwrap();
    assert_eq!((test.len(), test.labels(), test.class_names().unwrap()[2].as_str()), (1, Some(&[0][..]), "c"));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("set.npz");
    std::fs::write(&path, &file).unwrap();
    assert!(npz_has_test(&path).unwrap());
    assert_eq!(read_npz(&path, Part::Test).unwrap().unwrap().name(), "set.npz");
}

#[test]
fn labels_are_whole_numbers() {
    let with = |labels: Vec<u8>| archive(&[("x", bytes("(2, 1)", &[1, 2])), ("y", labels)]);
    let data = parse_npz(&with(bytes("(2, 1)", &[4, 0])), "a", Part::Train).unwrap().unwrap();
    assert_eq!(data.labels(), Some(&[4, 0][..]));
    assert!(message(&with(bytes("(3,)", &[0, 1, 2]))).contains("3 labels do not match 2 samples"));
    assert!(message(&with(bytes("(2, 2)", &[0, 1, 2, 3]))).contains("where labels have [N]"));
    assert!(message(&with(file("|i1", "False", "(2,)", &[0, 255]))).contains("the label -1 of row 1"));
    let named = archive(&[
        ("x", bytes("(2, 1)", &[1, 2])),
        ("y", bytes("(2,)", &[1, 0])),
        ("class_names", file("|S2", "False", "(2,)", b"no\0a")),
    ]);
    let data = parse_npz(&named, "a", Part::Train).unwrap().unwrap();
    assert_eq!(data.class_names().unwrap()[0], "no");
}

#[test]
fn damaged_archives_are_errors() {
    let whole = of_numpy();
    (0..whole.len()).for_each(|end| assert!(parse_npz(&whole[..end], "a", Part::Train).is_err(), "{end}"));
    for at in 0..whole.len() {
        for value in [0x00, 0x01, 0x7f, 0xff] {
            let mut changed = whole.clone();
            changed[at] = value;
            let _ = parse_npz(&changed, "a", Part::Train);
        }
    }
    assert!(message(b"PK").contains("is not a whole .npz file"));
    assert!(message(&archive(&[])).contains("holds no arrays"));
    assert!(message(&archive(&[("a", bytes("(1,)", &[0])), ("b", bytes("(1,)", &[0]))])).contains("`a`, `b`"));
    assert!(message(&archive(&[("x", bytes("(4,)", &[0; 3]))])).contains("cut short"));
}

/// The size in the archive's own list is what the reservation must not believe.
#[test]
fn a_size_that_lies_is_refused() {
    let mut file = archive(&[("x", bytes("(1000,)", &[0; 1000]))]);
    let list = file.windows(4).position(|four| four == b"PK\x01\x02").unwrap();
    file[list + 24..list + 28].copy_from_slice(&0xf000_0000_u32.to_le_bytes());
    let text = message(&file);
    assert!(text.contains("more than is believed") || text.contains("not a whole"), "{text}");
    file[list + 24..list + 28].copy_from_slice(&64_u32.to_le_bytes());
    let _ = parse_npz(&file, "a", Part::Train);
}
