use super::*;
use crate::data::{ImageShape, Samples};

/// A file as NumPy writes it.
pub(in crate::data::formats) fn file(descr: &str, fortran: &str, shape: &str, elements: &[u8]) -> Vec<u8> {
    with_header(&format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}"), elements)
}

fn with_header(text: &str, elements: &[u8]) -> Vec<u8> {
    let mut file = b"\x93NUMPY\x01\0".to_vec();
    let text = format!("{text:<117}\n");
    file.extend((text.len() as u16).to_le_bytes());
    file.extend(text.as_bytes());
    file.extend(elements);
    file
}

fn read(descr: &str, fortran: &str, shape: &str, elements: &[u8]) -> Dataset {
    parse_npy(&file(descr, fortran, shape, elements), "a.npy").unwrap()
}

fn message(bytes: &[u8]) -> String {
    let text = parse_npy(bytes, "a.npy").unwrap_err().to_string();
    assert!(text.contains("a.npy") && !text.contains('\n'), "{text}");
    text
}

/// Made by NumPy: `asfortranarray(arange(6, dtype='>i2').reshape(2, 3))`.
#[test]
fn a_file_of_numpys_own() {
    let beginning = b"\x93NUMPY\x01\0v\0{'descr': '>i2', 'fortran_order': True, 'shape': (2, 3), }";
    let file = [&beginning[..], &[b' '; 59], b"\n\0\0\0\x03\0\x01\0\x04\0\x02\0\x05"].concat();
    let data = parse_npy(&file, "a").unwrap();
    assert_eq!((data.len(), data.features(), data.image()), (2, 3, None));
    assert_eq!(data.samples(), &Samples::F64(vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0]));
}

#[test]
fn every_type_in_both_orders_of_bytes() {
    let f64s = |values: &[f64]| Samples::F64(values.to_vec());
    for (descr, little, expected) in [
        ("u1", &[7_u8, 255][..], Samples::U8(vec![7, 255])),
        ("b1", &[0, 9], Samples::U8(vec![0, 1])),
        ("i1", &[7, 255], f64s(&[7.0, -1.0])),
        ("u2", &[1, 2, 255, 255], f64s(&[513.0, 65535.0])),
        ("i2", &[1, 2, 255, 255], f64s(&[513.0, -1.0])),
        ("u4", &[0, 0, 0, 128, 1, 0, 0, 0], f64s(&[2f64.powi(31), 1.0])),
        ("i4", &[0, 0, 0, 128, 1, 0, 0, 0], f64s(&[-(2f64.powi(31)), 1.0])),
        ("f2", &[0, 0x3e, 0, 0xc0], Samples::F32(vec![1.5, -2.0])),
        ("f4", &[0, 0, 0xc0, 0x3f, 0, 0, 0, 0xc0], Samples::F32(vec![1.5, -2.0])),
        ("f8", &[0, 0, 0, 0, 0, 0, 0xf8, 0x3f, 0, 0, 0, 0, 0, 0, 0, 0xc0], f64s(&[1.5, -2.0])),
        ("i8", &[255, 255, 255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0, 0, 0, 0], f64s(&[-1.0, 2.0])),
        ("u8", &[0, 0, 0, 0, 0, 0, 0, 128, 2, 0, 0, 0, 0, 0, 0, 0], f64s(&[2f64.powi(63), 2.0])),
    ] {
        let mut big = little.to_vec();
        big.chunks_mut(little.len() / 2).for_each(<[u8]>::reverse);
        for (sign, elements) in [("<", little), ("|", little), ("=", little), (">", &big)] {
            let data = read(&format!("{sign}{descr}"), "False", "(2,)", elements);
            assert_eq!((data.samples(), data.len(), data.features()), (&expected, 2, 1), "{sign}{descr}");
            assert!(data.notes().is_empty());
        }
    }
}

#[test]
fn what_is_rounded_or_missing_is_said() {
    let long = [(1_i64 << 53) + 1, i64::MAX, 1 << 60].map(i64::to_le_bytes).concat();
    let data = read("<i8", "False", "(3,)", &long);
    assert!(data.notes()[0].contains("2 whole numbers beyond 2^53 were rounded"), "{:?}", data.notes());
    let values = [1.0_f32, f32::NAN, 3.0, f32::NAN].map(f32::to_le_bytes).concat();
    let data = read("<f4", "False", "(2, 2)", &values);
    assert!(crate::data::Rows::has_missing(&data));
    assert!(data.notes()[0].contains("2 of its 4 values are NaN"), "{:?}", data.notes());
    assert!(message(&file("<f4", "False", "(1,)", &f32::INFINITY.to_le_bytes())).contains("infinite"));
}

#[test]
fn shapes_become_rows_and_images() {
    let bytes: Vec<u8> = (0..24).collect();
    let image = |channels, height, width| Some(ImageShape { channels, height, width });
    for (shape, rows, expected) in [
        ("(24,)", 24, None),
        ("(4, 6)", 4, None),
        ("(4, 2, 3)", 4, image(1, 2, 3)),
        ("(2, 3, 2, 2)", 2, image(3, 2, 2)),
        ("(4, 1, 2, 3)", 4, image(1, 2, 3)),
        ("(4, 2, 3, 1)", 4, image(1, 2, 3)),
    ] {
        let data = read("|u1", "False", shape, &bytes);
        assert_eq!(
            (data.len(), data.image(), data.samples()),
            (rows, expected, &Samples::U8(bytes.clone())),
            "{shape}"
        );
    }
    let data = read("|u1", "False", "(2, 2, 2, 3)", &bytes);
    let Samples::U8(values) = data.samples() else { panic!("bytes") };
    assert_eq!((data.image(), &values[..12]), (image(3, 2, 2), &[0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11][..]));
    assert!(data.notes()[0].contains("were moved to [N, C, H, W]"));
    for shape in ["()", "(2, 2, 2, 2)", "(1, 2, 2, 2, 3)"] {
        let bytes = vec![0; if shape == "()" { 1 } else { 24.min(16 * (1 + shape.len() / 15)) }];
        let bytes = if shape == "(1, 2, 2, 2, 3)" { vec![0; 24] } else { bytes };
        assert!(message(&file("|u1", "False", shape, &bytes)).contains("give [N], [N, F]"), "{shape}");
    }
}

/// Every order of up to four dimensions against the definition.
#[test]
fn fortrans_order_is_undone() {
    let sizes: [usize; 4] = [70, 3, 2, 5];
    let count: usize = sizes.iter().product();
    let mut elements = vec![0; 2 * count];
    for at in 0..count {
        let (w, h, c, n) = (at % 5, at / 5 % 2, at / 10 % 3, at / 30);
        let place = n + 70 * (c + 3 * (h + 2 * w));
        elements[2 * place..][..2].copy_from_slice(&(at as u16).to_le_bytes());
    }
    let data = read("<u2", "True", "(70, 3, 2, 5)", &elements);
    assert_eq!(data.samples(), &Samples::F64((0..count).map(|at| at as f64).collect()));
}

#[test]
fn versions_and_spellings() {
    let text = "{\"shape\": (2L, ), \"fortran_order\":False,'descr':'<f4'}";
    assert_eq!(parse_npy(&with_header(text, &[0; 8]), "a").unwrap().len(), 2);
    for version in [2, 3] {
        let mut file = vec![0x93, b'N', b'U', b'M', b'P', b'Y', version, 0];
        file.extend((text.len() as u32).to_le_bytes());
        file.extend(text.as_bytes());
        file.extend([0; 8]);
        assert_eq!(parse_npy(&file, "a").unwrap().len(), 2);
    }
    let mut fourth = with_header(text, &[0; 8]);
    fourth[6] = 4;
    assert!(message(&fourth).contains("version 4"));
}

#[test]
fn nonsense_is_refused_in_a_line() {
    for text in [
        "",
        "{",
        "{}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'more': 1}",
        "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '<f4', 'fortran_order': 0, 'shape': (1,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1,,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} __import__('os')",
        "{'descr': '<f4' 'fortran_order': False 'shape': (1,)}",
    ] {
        assert!(message(&with_header(text, &[0; 4])).contains("save it again with numpy.save"), "{text}");
    }
    assert!(message(&with_header("{'descr': [('a', '<f4')], 'shape': (1,)}", &[])).contains("holds records"));
    for descr in ["|O", "<c8", "<M8[ns]", "<U0", "<f3", "", "|V4"] {
        assert!(message(&file(descr, "False", "(1,)", &[0; 8])).contains("elements of the type"), "{descr}");
    }
    assert!(message(&file("<U1", "False", "(1,)", b"a\0\0\0")).contains("holds words"));
    assert!(message(b"GIF89a\0\0").contains("is not an .npy file"));
    assert!(message(&file("|u1", "False", "(0, 4)", &[])).contains("holds no samples"));
    assert!(message(&file("|u1", "False", "(1, 1, 1, 1, 1, 1, 1, 1, 1)", &[0])).contains("9 dimensions"));
}

#[test]
fn sizes_that_lie_cost_nothing() {
    for shape in [
        "(1000000000000000000, )",
        "(1000000000, 1000000000)",
        "(4000000000000000000, 4)",
        "(0, 1000000000000000000, 99)",
    ] {
        for descr in ["|u1", "<f8", "<U4000"] {
            assert!(parse_npy(&file(descr, "False", shape, &[0; 16]), "a").is_err());
        }
    }
    let mut long = file("|u1", "False", "(1,)", &[0]);
    long[6] = 2;
    long[8..12].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(message(&long).contains("over the limit"));
}

#[test]
fn files_are_whole_or_refused() {
    let whole = file("<f4", "True", "(2, 2)", &[0; 16]);
    (0..whole.len()).for_each(|end| assert!(parse_npy(&whole[..end], "a").is_err(), "{end}"));
    assert!(message(&whole[..whole.len() - 1]).contains("is cut short: expected 144 bytes, got 143"));
    assert!(message(&[&whole[..], &[0]].concat()).contains("goes on after the 144 bytes"));
}

#[test]
fn a_file_is_called_by_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("codes.npy");
    std::fs::write(&path, file("|u1", "False", "(1, 2)", &[1, 2])).unwrap();
    assert_eq!(read_npy(&path).unwrap().name(), "codes.npy");
    assert!(read_npy(&folder.path().join("no.npy")).unwrap_err().to_string().contains("no.npy"));
}
