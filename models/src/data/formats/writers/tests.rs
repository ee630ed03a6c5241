use std::fs;
use std::path::Path;

use super::{Header, create};
use crate::data::formats::{ImageOptions, read_images, read_npy, read_npz, read_safetensors};
use crate::data::{Column, ColumnKind, ImageShape, Part, Samples};

const SHAPE: ImageShape = ImageShape { channels: 1, height: 1, width: 2 };

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

fn images() -> Header {
    Header { labels: Some(words(&["zero", "the one"])), ..Header::of_images(SHAPE, Some((0.0, 1.0))) }
}

fn write(path: &Path, header: Header, rows: &[(&[f64], Option<&[u32]>)]) {
    let mut writer = create(path, header).unwrap();
    rows.iter().for_each(|(values, labels)| writer.write(values, *labels).unwrap());
    writer.finish().unwrap();
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn arrays_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    let rows: [(&[f64], Option<&[u32]>); 2] = [(&[0.0, 0.5, 1.0, 0.25], Some(&[1, 0])), (&[0.1, 0.2], Some(&[1]))];
    let expected = Samples::F32(vec![0.0, 0.5, 1.0, 0.25, 0.1, 0.2]);
    for name in ["a.npy", "a.npz", "a.safetensors"] {
        write(&place(name), images(), &rows);
        let data = match name {
            "a.npy" => read_npy(&place(name)).unwrap(),
            "a.npz" => read_npz(&place(name), Part::Train).unwrap().unwrap(),
            _ => read_safetensors(&place(name), Part::Train).unwrap().unwrap(),
        };
        assert_eq!((data.samples(), data.image()), (&expected, Some(SHAPE)), "{name}");
        if name != "a.npy" {
            assert_eq!(data.labels(), Some(&[1, 0, 1][..]));
            assert_eq!(data.class_names().unwrap(), ["zero", "the one"]);
        }
    }
    assert_eq!(names(folder.path()), ["a.npy", "a.npz", "a.safetensors"]);
    let bytes = Header { bytes: true, ..Header::of_columns(vec![Column::numeric("a")]) };
    write(&place("b.npy"), bytes, &[(&[-1.0, 1.5, 300.0, f64::NAN], None)]);
    assert_eq!(read_npy(&place("b.npy")).unwrap().samples(), &Samples::U8(vec![0, 2, 255, 0]));
    let doubles = Header { doubles: true, ..Header::of_columns(vec![Column::numeric("a")]) };
    write(&place("c.npz"), doubles, &[(&[0.1], None)]);
    assert_eq!(read_npz(&place("c.npz"), Part::Train).unwrap().unwrap().samples(), &Samples::F64(vec![0.1]));
}

#[test]
fn tables_as_text() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.csv");
    let columns = vec![
        Column::numeric("size, cm"),
        Column { name: "label".into(), kind: ColumnKind::Categorical, levels: words(&["red", "a \"b\""]) },
        Column { name: "new".into(), kind: ColumnKind::Boolean, levels: words(&["no", "yes"]) },
    ];
    let header = Header { labels: Some(Vec::new()), ..Header::of_columns(columns) };
    let values = [0.1_f32.into(), 0.0, 1.0, f64::NAN, 1.0, 0.0, 1e300, 2.0, f64::NAN];
    write(&path, header, &[(&values, Some(&[3, 0, 1]))]);
    let expected = "\"size, cm\",label,new,label_\n0.1,red,yes,3\n,\"a \"\"b\"\"\",no,0\n1e+300,?,,1\n";
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(text.replace("1e300", "1e+300"), expected);
    let one = folder.path().join("t.tsv");
    write(&one, Header::of_columns(vec![Column::numeric("a\tb")]), &[(&[1.0, f64::NAN], None)]);
    assert_eq!(fs::read_to_string(&one).unwrap(), "\"a\tb\"\n1\n\"\"\n");
}

#[test]
fn pictures_in_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("pictures");
    write(&place, images(), &[(&[0.0, 0.5, 1.0, 9.0, -1.0, 1.0], Some(&[1, 0, 1]))]);
    assert_eq!(names(&place), ["the one", "zero"]);
    assert_eq!(names(&place.join("the one")), ["00000.png", "00002.png"]);
    let data = read_images(&place, &ImageOptions::default(), Part::Train).unwrap().unwrap();
    assert_eq!(data.samples(), &Samples::U8(vec![0, 128, 0, 255, 255, 255]));
    let colour = Header::of_images(ImageShape { channels: 3, height: 1, width: 2 }, None);
    let flat = folder.path().join("v1.2/");
    write(&flat, colour, &[(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], None)]);
    let data = read_images(&flat, &ImageOptions::default(), Part::Train).unwrap().unwrap();
    assert_eq!(data.samples(), &Samples::U8(vec![1, 2, 3, 4, 5, 6]));
    let again = create(&flat, images()).err().unwrap().to_string();
    assert!(again.contains("it is not empty; name a new folder"), "{again}");
}

#[test]
fn what_fails_or_is_dropped_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a.csv", "a.npy", "a.npz", "a.safetensors", "a"] {
        let mut writer = create(&folder.path().join(name), images()).unwrap();
        writer.write(&[0.0, 1.0], Some(&[0])).unwrap();
        assert!(writer.write(&[0.0], Some(&[0])).is_err());
        assert!(writer.write(&[0.0, 1.0], None).is_err());
        assert!(writer.write(&[0.0, 1.0], Some(&[0, 1])).is_err());
        drop(writer);
        assert_eq!(names(folder.path()), [""; 0], "{name}");
    }
}

#[test]
fn what_cannot_be_written_is_said() {
    let message = |name: &str, header: Header| create(Path::new(name), header).err().unwrap().to_string();
    let columns = || Header::of_columns(vec![Column::numeric("a")]);
    assert!(message("/tmp/a.xlsx", columns()).contains(".xlsx is not known; name a file ending in .csv"));
    assert!(message("/tmp/a.csv", Header::default()).contains("no columns"));
    assert!(message("/tmp/folder", columns()).contains("rows that are no images do not become PNG files"));
    let deep = ImageShape { channels: 2, height: 1, width: 1 };
    assert!(message("/tmp/folder", Header::of_images(deep, None)).contains("1 or 3 channels"));
    assert!(message("/no/such/a.npy", columns()).contains("its folder does not exist"));
    #[cfg(not(feature = "parquet"))]
    assert!(message("/tmp/a.parquet", columns()).contains("--features parquet"));
}
