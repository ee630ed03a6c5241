//! Tests of data sets: what they promise, what they refuse, subsets and missing values.

use super::*;
use crate::data::Block;

fn bytes(count: u8) -> Samples {
    Samples::U8((0..count).collect())
}

#[test]
fn rows_and_accessors() {
    let shape = ImageShape { channels: 1, height: 2, width: 3 };
    let data = Dataset::new("six", bytes(12), 6).unwrap().with_image(shape).unwrap();
    let data = data.with_labels(vec![4, 1]).unwrap().with_range(0.0, 16.0).unwrap().with_name("seven");
    assert_eq!((data.name(), data.len(), data.features(), data.classes()), ("seven", 2, 6, 5));
    assert_eq!((data.image(), data.labels(), data.raw_range()), (Some(shape), Some(&[4, 1][..]), Some((0.0, 16.0))));
    assert_eq!(data.bytes(), data.samples().bytes() + 8);
    let mut row = [0.0; 6];
    data.read(&[1], &mut row).unwrap();
    assert_eq!(row, [6.0, 7.0, 8.0, 9.0, 10.0, 11.0]);
    assert!(data.read(&[2], &mut row).unwrap_err().to_string().contains("no row 2"));
    assert!(data.read(&[u32::MAX], &mut row).is_err());
    assert!(data.read(&[0], &mut row[..5]).is_err());
}

#[test]
fn refuses_what_it_does_not_promise() {
    assert!(Dataset::new("none", Samples::U8(vec![]), 1).is_err());
    assert!(Dataset::new("none", bytes(3), 0).is_err());
    assert!(Dataset::new("ragged", bytes(5), 2).is_err());
    let message = Dataset::new("x", Samples::F32(vec![0.0, 1.0, 2.0, f32::NAN]), 2).unwrap_err().to_string();
    assert!(message.contains("row 1, column 1"), "{message}");
    assert!(Dataset::new("x", Samples::F32(vec![f32::INFINITY]), 1).is_err());
    let data = Dataset::new("four", bytes(4), 2).unwrap();
    assert!(data.clone().with_labels(vec![1]).unwrap_err().to_string().contains("1 labels do not match 2 samples"));
    assert!(data.clone().with_labels(vec![1, MAX_CLASSES]).is_err());
    assert!(data.clone().with_image(ImageShape { channels: 1, height: usize::MAX, width: 3 }).is_err());
    assert!(data.clone().with_range(1.0, 1.0).is_err());
    assert!(data.with_range(0.0, f64::NAN).is_err());
}

#[test]
fn subset_keeps_order_type_and_labels() {
    let data = Dataset::new("d", bytes(8), 2).unwrap().with_labels(vec![0, 1, 2, 3]).unwrap();
    let part = data.subset(&[3u32, 0, 3]).unwrap();
    assert_eq!(part.samples(), &Samples::U8(vec![6, 7, 0, 1, 6, 7]));
    assert_eq!((part.labels(), part.raw_range()), (Some(&[3, 0, 3][..]), None));
    assert_eq!(data.subset(&[1usize]).unwrap().len(), 1);
    assert!(data.subset(&[4usize]).unwrap_err().to_string().contains("rows are 0 to 3"));
    assert!(data.subset(&[-1i32]).is_err());
    assert!(data.subset::<u32>(&[]).is_err());
}

#[test]
fn a_value_may_be_missing_only_where_that_was_said() {
    let values = || Samples::F64(vec![0.0, f64::NAN, 2.0, 3.0]);
    assert!(Dataset::new("x", values(), 2).unwrap_err().to_string().contains("row 0, column 1"));
    let data = Dataset::with_missing("x", values(), 2).unwrap();
    assert!(data.has_missing() && data.subset(&[0u32]).unwrap().has_missing());
    assert!(Dataset::with_missing("x", Samples::F32(vec![f32::INFINITY]), 1).is_err());
}

#[test]
fn blocks_give_every_row_once_and_as_it_is() {
    let columns = vec![Column::numeric("height")];
    let values: Vec<f64> = (0..100_000).map(|row| 1e9 + f64::from(row) / 8.0).collect();
    let data = Dataset::new("d", Samples::F64(values.clone()), 1).unwrap().with_columns(columns).unwrap();
    assert_eq!((Rows::columns(&data).unwrap()[0].name.as_str(), data.count()), ("height", Some(100_000)));
    assert!(data.clone().with_columns(Vec::new()).is_err());
    let blocks: Vec<Block> = data.blocks(None).map(Result::unwrap).collect();
    assert!(blocks.len() > 1);
    assert!(blocks.iter().flat_map(|block| &block.values).eq(&values));
    assert!(blocks.iter().flat_map(|block| block.rows.iter().copied()).eq(0..100_000));
    let chosen: Vec<Block> = data.blocks(Some(&[7, 3])).map(Result::unwrap).collect();
    assert_eq!(chosen, [Block { rows: vec![7, 3], values: vec![values[7], values[3]] }]);
    assert!(data.blocks(Some(&[100_000])).next().unwrap().is_err());
}
