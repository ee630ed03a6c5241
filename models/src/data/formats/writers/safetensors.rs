//! Tensors as `.safetensors`: `x`, and `y` with labels; the names of classes in the metadata, as a JSON list.
//!
//! The file is put together here, because the crate `safetensors` wants all of it in memory. `y` stands first: readers
//! that map the file want every tensor aligned to its type.

use std::io::Write;
use std::path::Path;

use super::header::{Header, RowWriter};
use super::spool::Spool;
use crate::data::formats::safetensors::CLASS_NAMES;
use crate::error::{Error, Result};
use crate::files::Atomic;

pub(super) struct Safetensors {
    spool: Spool,
    file: Atomic,
}

impl Safetensors {
    pub(super) fn create(path: &Path, header: Header) -> Result<Self> {
        Ok(Self { file: Atomic::create(path)?, spool: Spool::create(path, header)? })
    }
}

impl RowWriter for Safetensors {
    fn write(&mut self, values: &[f64], labels: Option<&[u32]>) -> Result<()> {
        self.spool.write(values, labels)
    }

    fn finish(self: Box<Self>) -> Result<()> {
        let Self { mut spool, mut file } = *self;
        let header = header(&spool)?;
        let write = |file: &mut Atomic, spool: &mut Spool| {
            file.write_all(&(header.len() as u64).to_le_bytes())?;
            file.write_all(header.as_bytes())?;
            spool.label_bytes().try_for_each(|bytes| file.write_all(&bytes))?;
            spool.copy_to(file)
        };
        write(&mut file, &mut spool).map_err(|error| spool.failed(error))?;
        file.finish()
    }
}

fn header(spool: &Spool) -> Result<String> {
    let labels = 8 * spool.labels.len() as u64;
    let end = labels + spool.bytes();
    let mut text = "{".to_owned();
    if let Some(names) = &spool.header.labels {
        if !names.is_empty() {
            let json = |text: Option<String>| {
                text.ok_or_else(|| Error::data(format!("{}: names of classes are no text", spool.path().display())))
            };
            let list = json(serde_json::to_string(names).ok())?;
            let list = json(serde_json::to_string(&list).ok())?;
            text += &format!(r#""__metadata__":{{"{CLASS_NAMES}":{list}}},"#);
        }
        text += &format!(r#""y":{{"dtype":"I64","shape":[{}],"data_offsets":[0,{labels}]}},"#, spool.rows);
    }
    let (dtype, shape) = (spool.numbers.safetensors(), spool.header.shape(spool.rows));
    text += &format!(r#""x":{{"dtype":"{dtype}","shape":{shape:?},"data_offsets":[{labels},{end}]}}}}"#);
    text.extend(std::iter::repeat_n(' ', text.len().next_multiple_of(8) - text.len()));
    Ok(text)
}
