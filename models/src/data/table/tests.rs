use std::io::Read;
use std::sync::Arc;

use super::*;
use crate::data::rows::{Column, ColumnKind, Rows};
use crate::data::{Dataset, Samples};

fn options(changes: impl FnOnce(&mut TableKeys<'static>)) -> TableOptions {
    let mut keys = TableKeys {
        label: "",
        columns: "",
        header: HeaderName::Auto,
        delimiter: "auto",
        decimal: DecimalName::Auto,
        skip_lines: 0,
        memory: 1024,
    };
    changes(&mut keys);
    TableOptions::new(&keys).unwrap()
}

fn read(text: &str, options: &TableOptions) -> crate::Result<Dataset> {
    parse_table(text.as_bytes().to_vec(), "t.csv", options)
}

fn plain(text: &str) -> Dataset {
    read(text, &TableOptions::default()).unwrap()
}

fn refused(text: &str, options: &TableOptions) -> String {
    let message = read(text, options).unwrap_err().to_string();
    assert!(!message.contains('\n') && message.starts_with("t.csv"), "{message}");
    message
}

fn values(dataset: &Dataset) -> Vec<f64> {
    match dataset.samples() {
        Samples::F32(values) => values.iter().map(|&x| f64::from(x)).collect(),
        Samples::F64(values) => values.clone(),
        _ => {
            let rows: Vec<u32> = (0..dataset.len() as u32).collect();
            let mut values = vec![0.0; dataset.len() * dataset.features()];
            dataset.read(&rows, &mut values).unwrap();
            values
        }
    }
}

fn kinds(dataset: &Dataset) -> Vec<(&str, ColumnKind)> {
    dataset.columns().unwrap().iter().map(|column| (column.name.as_str(), column.kind)).collect()
}

fn schema_of(dataset: &Dataset) -> TableOptions {
    let classes = dataset.class_names().unwrap_or_default().to_vec();
    let schema = Schema { columns: dataset.columns().unwrap().to_vec(), classes, label: None };
    TableOptions::default().with_schema(Some(Arc::new(schema)))
}

#[test]
fn kinds_delimiter_and_decimal_are_found() {
    let text = "\u{feff}size;sort;old;class\r\n1,5;\"x;1\";yes;A\r\n2,25;y;no;B\r\n;\"x;1\";no;A\r\n0,5;y;?;B\r\n";
    let data = plain(text);
    use ColumnKind::{Boolean, Categorical, Numeric};
    assert_eq!(kinds(&data), [("size", Numeric), ("sort", Categorical), ("old", Boolean)]);
    assert_eq!(data.columns().unwrap()[1].levels, ["x;1", "y"]);
    assert_eq!(data.columns().unwrap()[2].levels, ["no", "yes"]);
    let all = values(&data);
    assert_eq!(all[..6], [1.5, 0.0, 1.0, 2.25, 1.0, 0.0]);
    assert!(all[6].is_nan() && all[11].is_nan() && data.has_missing());
    assert_eq!((data.labels(), data.class_names()), (Some(&[0, 1, 0, 1][..]), Some(&["A".into(), "B".into()][..])));
    assert!(data.notes().iter().any(|note| note.contains("`;`") && note.contains("decimal comma")));
}

#[test]
fn a_header_is_told_from_data() {
    assert_eq!(kinds(&plain("a,b\n1,2\n3,4\n")).len(), 2);
    assert_eq!(plain("a,b\n1,2\n3,4\n").len(), 2);
    let bare = plain("1,2\n3,4\n");
    assert_eq!((bare.len(), kinds(&bare)[1].0), (2, "column 2"));
    // Words over words: a name does not come again.
    assert_eq!(plain("one,two\nx,y\nz,y\nx,w\nx,y\n").len(), 4);
    assert_eq!(plain("x,y\nx,w\nz,y\n").len(), 3);
    assert_eq!(read("1,2\n3,4\n", &options(|keys| keys.header = HeaderName::Yes)).unwrap().len(), 1);
    assert_eq!(plain("5,6").len(), 1);
}

#[test]
fn labels_by_name_by_number_and_not_at_all() {
    let text = "a,b,class\n1,2,0\n3,4,9\n";
    let found = plain(text);
    assert_eq!((found.features(), found.labels()), (2, Some(&[0, 9][..])));
    assert_eq!(read(text, &options(|keys| keys.label = "none")).unwrap().features(), 3);
    let last = read("1,2,7\n3,4,8\n", &options(|keys| keys.label = "-1")).unwrap();
    assert_eq!((last.features(), last.labels()), (2, Some(&[7, 8][..])));
    assert!(refused(text, &options(|keys| keys.label = "klass")).contains("did you mean `class`"));
    assert!(refused("a,class\n1,x\n2,\n", &options(|keys| keys.label = "class")).contains("row 3"));
}

#[test]
fn what_a_column_holds_can_be_said() {
    let text = "id,n\na,1\nb,2\nc,3\nd,2\n";
    let said = read(text, &options(|keys| keys.columns = "id=ignore,n=categorical")).unwrap();
    assert_eq!((kinds(&said), values(&said)), (vec![("n", ColumnKind::Categorical)], vec![0.0, 1.0, 2.0, 1.0]));
    assert!(refused(text, &options(|keys| keys.columns = "id=numeric")).contains("row 2 (from 1), column `id` is `a`"));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kinds.toml");
    std::fs::write(&file, "[columns]\nid = \"ignore\"\nn = \"label\"\n").unwrap();
    let path: &'static str = Box::leak(file.display().to_string().into_boxed_str());
    assert!(refused(text, &options(|keys| keys.columns = path)).contains("no column to learn from"));
}

#[test]
fn names_are_left_aside_and_zeros_and_ones_follow_their_table() {
    let rows: String =
        (0..40).map(|i| format!("person {i},{},{}\n", i % 2, if i % 3 == 0 { "m" } else { "w" })).collect();
    let data = plain(&format!("who,flag,sex\n{rows}"));
    assert_eq!(kinds(&data), [("flag", ColumnKind::Boolean), ("sex", ColumnKind::Categorical)]);
    assert!(data.notes().iter().any(|note| note.contains("`who` is left aside")), "{:?}", data.notes());
    assert_eq!(kinds(&plain("a,b\n0,5\n1,6\n")), [("a", ColumnKind::Numeric), ("b", ColumnKind::Numeric)]);
}

#[test]
fn what_is_wrong_is_said_by_row_and_column() {
    let none = TableOptions::default();
    let numbers: String = (0..30).map(|i| format!("{i},{}\n", i * 2)).collect();
    let slip = refused(&format!("a,b\n{numbers}31,abc\n"), &none);
    assert!(slip.contains("row 32 (from 1), column `b` is `abc`"), "{slip}");
    let ragged = refused("a,b\n1,2\n3\n", &none);
    assert!(ragged.contains("row 3 (from 1) has 1 fields and the first 2"), "{ragged}");
    assert!(refused("569,30,m,b\n1,2,3\n", &none).contains("--skip-lines 1"));
    assert!(refused("", &none).contains("is empty"));
    assert!(refused("\n \n", &none).contains("is empty"));
    assert!(refused("a,a\n1,2\n", &none).contains("columns 1 and 2 (from 1) are both called `a`"));
    assert!(refused("\u{0}\u{1}", &none).contains("no text has"));
    let utf16 = parse_table(vec![0xff, 0xfe, b'a', 0], "t.csv", &none).unwrap_err().to_string();
    assert!(utf16.contains("UTF-16"), "{utf16}");
    assert!(refused("a,b\n1,inf\n2,3\n", &options(|keys| keys.columns = "b=numeric")).contains("no finite number"));
}

#[test]
fn a_models_columns_are_found_by_name_in_any_order() {
    let trained = plain("a,sort,class\n1,x,A\n2,y,B\n");
    let known = schema_of(&trained);
    let later = read("sort,extra,a,class\nz,9,5,C\ny,9,6,A\n", &known).unwrap();
    assert_eq!(values(&later), [5.0, 2.0, 6.0, 1.0]);
    assert_eq!(later.labels(), Some(&[2, 0][..]), "a class that is new is the next");
    let notes = later.notes().join("\n");
    assert!(notes.contains("`extra`") && notes.contains("1 values that were not seen in training, `z`"), "{notes}");
    // Without a header, by place.
    assert_eq!(values(&read("5,y\n6,x\n", &known).unwrap()), [5.0, 1.0, 6.0, 0.0]);
    let message = refused("b,sort\n1,x\n", &known);
    assert!(message.contains("no column `a`, the model's column 1") && message.contains("`b`, `sort`"), "{message}");
    assert!(refused("a,sort\n1,x\nfive,x\n", &known).contains("row 3 (from 1), column `a` is `five`"));
    assert!(refused("1,2,3,4\n", &known).contains("4 columns and no header, and the model takes 2"));
}

/// A line without an end must not fill the memory.
#[test]
fn an_endless_line_is_refused_before_it_is_held() {
    struct Endless;
    impl Read for Endless {
        fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
            out.fill(b'7');
            Ok(out.len())
        }
    }
    let schema = Schema { columns: vec![Column::numeric("a")], ..Schema::default() };
    let known = TableOptions::default().with_schema(Some(Arc::new(schema)));
    let header = std::io::Cursor::new(b"a\n".to_vec());
    let mut rows = TableRows::default();
    let read = TableReader::stream(Box::new(header.chain(Endless)), "endless", &known)
        .and_then(|mut reader| reader.next(10, &mut rows));
    let message = read.unwrap_err().to_string();
    assert!(message.contains("longer than 16 MiB"), "{message}");
}

/// Rows of a stream come as soon as they are there.
#[test]
fn a_stream_is_read_as_it_comes() {
    struct Slow(Vec<&'static [u8]>);
    impl Read for Slow {
        fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
            assert!(!self.0.is_empty(), "read beyond what was needed");
            let part = self.0.remove(0);
            out[..part.len()].copy_from_slice(part);
            Ok(part.len())
        }
    }
    let known = TableOptions::default()
        .with_schema(Some(Arc::new(Schema { columns: vec![Column::numeric("a")], ..Schema::default() })));
    let slow = Slow(vec![b"a\n", b"1\n", b"2\n"]);
    let mut reader = TableReader::stream(Box::new(slow), "slow", &known).unwrap();
    let mut rows = TableRows::default();
    for expected in [1.0, 2.0] {
        assert!(reader.next(1, &mut rows).unwrap());
        assert_eq!((rows.count, rows.values.as_slice()), (1, &[expected][..]));
    }
}

/// Whatever the bytes are, reading ends in data or in one line.
#[test]
fn any_bytes_end_in_data_or_in_one_line() {
    let good = b"a;b;class\n1,5;\"x\"\"y\";A\n2,5;z;B\n";
    for end in 0..good.len() {
        let _ = parse_table(good[..end].to_vec(), "t.csv", &TableOptions::default());
        for byte in [b'"', b'\n', b',', 0xff, b';'] {
            let mut text = good.to_vec();
            text[end] = byte;
            if let Err(error) = parse_table(text, "t.csv", &TableOptions::default()) {
                assert!(!error.to_string().contains('\n'), "{error}");
            }
        }
    }
}

/// Fields may be quoted, and hold delimiters, quotes and ends of lines.
#[test]
fn quoted_fields() {
    let data = plain("a,b\n\"say \"\"hi\"\"\",1\n\"two\nlines\",2\nplain,3\nplain,4\n");
    assert_eq!(data.columns().unwrap()[0].levels, ["plain", "say \"hi\"", "two\nlines"]);
}

/// Rows beyond the limit of memory are the same rows.
#[test]
fn more_than_memory_goes_to_a_file() {
    let text: String = (0..40_000).map(|i| format!("{},{},{}.25\n", i, i % 7, i)).collect();
    let whole = plain(&text);
    let spilled = read(&text, &options(|keys| keys.memory = 0)).unwrap();
    assert!(
        spilled.is_in_file() && !whole.is_in_file() && spilled.notes().iter().any(|note| note.contains("temporary"))
    );
    let rows = [39_999, 0, 17, 18, 20_000];
    let of = |dataset: &Dataset| {
        let mut values = vec![0.0; rows.len() * 3];
        dataset.read(&rows, &mut values).unwrap();
        values
    };
    assert_eq!(of(&whole), of(&spilled));
    assert_eq!(values(&whole.subset(&rows).unwrap()), values(&spilled.subset(&rows).unwrap()));
}
