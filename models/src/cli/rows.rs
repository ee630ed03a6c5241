//! What commands share that read rows and write rows: the flags of data, and where results go.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::Serialize;

use super::common::{self, Common};
use crate::data::formats::{Header, RowWriter, create};
use crate::data::{Column, ImageShape, PartName, Stream};
use crate::error::{Error, Result};
use crate::model::Model;

/// Which rows a command is about.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct DataArgs {
    /// Where the rows come from, as for `train`; - for a table on standard input; the model's own data if not given
    #[arg(long, value_name = "SRC")]
    pub(super) data: Option<String>,
    /// Which of them: train, test, all; if not given the test part of the model's own data, and all of any other
    #[arg(long, value_name = "PART", default_value = "auto", value_parser = part)]
    pub(super) part: PartName,
    /// Take each row as soon as it comes
    #[arg(long, requires = "data")]
    pub(super) follow: bool,
}

fn part(text: &str) -> std::result::Result<PartName, String> {
    PartName::from_str(text).map_err(|_| "give train, test or all".to_owned())
}

impl DataArgs {
    /// Opens them for a model.
    pub(super) fn open(&self, model: &Model) -> Result<Stream> {
        let stream = model.open(self.data.as_deref(), self.part)?;
        Ok(if self.follow { stream.live() } else { stream })
    }
}

/// Where rows go.
pub(super) struct Sink {
    writer: Option<Box<dyn RowWriter>>,
    out: PathBuf,
    live: bool,
}

impl Sink {
    /// Codes or other numbers, with the labels that the stream has.
    pub(super) fn new(out: &Path, columns: Vec<Column>, stream: &Stream, common: &Common) -> Result<Self> {
        Self::of(out, (columns, None, None), stream, common)
    }

    /// Samples of a model, which may be images.
    pub(super) fn samples(out: &Path, model: &Model, stream: &Stream, common: &Common) -> Result<Self> {
        let columns = crate::applications::encode::sample_columns(model);
        let data = model.data();
        Self::of(out, (columns, data.image, data.preprocessing.range()), stream, common)
    }

    fn of(
        out: &Path,
        (columns, image, range): (Vec<Column>, Option<ImageShape>, Option<(f64, f64)>),
        stream: &Stream,
        common: &Common,
    ) -> Result<Self> {
        let stdout = out == Path::new("-");
        if stdout && common.json {
            return Err(Error::usage("--json and rows on standard output exclude each other; give --out FILE"));
        }
        let labels = stream.is_labelled().then(|| stream.class_names().to_vec());
        let header = Header { columns, image, range, labels, ..Header::default() };
        Ok(Self { writer: Some(create(out, header)?), out: out.to_owned(), live: stdout })
    }

    /// Writes rows.
    pub(super) fn put(&mut self, values: &[f64], labels: Option<&[u32]>) -> Result<()> {
        match &mut self.writer {
            Some(writer) => writer.write(values, labels),
            None => Ok(()),
        }
    }

    /// Makes the file whole, and says what came of it.
    pub(super) fn finish(mut self, common: &Common, notes: &[String], result: &impl Serialize) -> Result<()> {
        if let Some(writer) = self.writer.take() {
            writer.finish()?;
        }
        if !common.quiet {
            notes.iter().for_each(|note| common::to_stderr(&format!("{}\n", common::printable(note))));
        }
        if self.live {
            return Ok(());
        }
        common::to_stdout(&match common.json {
            true => common::json(result)?,
            false => format!("{}\n", self.out.display()),
        })
    }
}
