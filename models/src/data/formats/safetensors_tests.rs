use super::*;
use crate::data::{ImageShape, Samples};

fn file(tensors: &[(&str, Dtype, &[usize], &[u8])], names: Option<&str>) -> Vec<u8> {
    let views = tensors
        .iter()
        .map(|(name, dtype, shape, bytes)| (name.to_string(), TensorView::new(*dtype, shape.to_vec(), bytes).unwrap()));
    let metadata = names.map(|names| [(CLASS_NAMES.to_owned(), names.to_owned())].into());
    safetensors::serialize(views, metadata).unwrap()
}

fn read(bytes: &[u8]) -> Dataset {
    parse_safetensors(bytes, "a", Part::Train).unwrap().unwrap()
}

#[test]
fn every_type_is_read() {
    for (dtype, bytes, expected) in [
        (Dtype::F16, &[0, 0x3e][..], Samples::F32(vec![1.5])),
        (Dtype::BF16, &[0xc0, 0x3f], Samples::F32(vec![1.5])),
        (Dtype::F32, &[0, 0, 0xc0, 0x3f], Samples::F32(vec![1.5])),
        (Dtype::U8, &[9], Samples::U8(vec![9])),
        (Dtype::BOOL, &[1], Samples::U8(vec![1])),
        (Dtype::I64, &[254, 255, 255, 255, 255, 255, 255, 255], Samples::F64(vec![-2.0])),
    ] {
        assert_eq!(read(&file(&[("codes", dtype, &[1, 1], bytes)], None)).samples(), &expected);
    }
    let refused = parse_safetensors(&file(&[("x", Dtype::F8_E4M3, &[1], &[0])], None), "a", Part::Train);
    assert!(refused.unwrap_err().to_string().contains("F8_E4M3"));
}

#[test]
fn parts_labels_and_names() {
    let labels = [1_i64, 0].map(i64::to_le_bytes).concat();
    let bytes = file(
        &[
            ("train_images", Dtype::U8, &[2, 1, 2, 1], &[1, 2, 3, 4]),
            ("train_labels", Dtype::I64, &[2], &labels),
            ("test_images", Dtype::U8, &[1, 1, 2, 1], &[5, 6]),
        ],
        Some(r#"["cat", "dog"]"#),
    );
    let data = read(&bytes);
    assert_eq!(
        (data.image(), data.labels()),
        (Some(ImageShape { channels: 1, height: 2, width: 1 }), Some(&[1, 0][..]))
    );
    assert_eq!(data.class_names().unwrap(), ["cat", "dog"]);
    assert_eq!(parse_safetensors(&bytes, "a", Part::Test).unwrap().unwrap().len(), 1);
    (0..bytes.len()).for_each(|end| assert!(parse_safetensors(&bytes[..end], "a", Part::Train).is_err()));
}
