//! `narrows detect` on rows as they come: what is judged goes out line by line, and nothing is held.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use crate::applications::detect::{DetectRequest, Followed, follow};
use crate::data::Stream;
use crate::error::{Error, Result};
use crate::files::Atomic;
use crate::model::Model;
use narrows_engine::{Split, Threads};

/// Judges a stream; the lines go to `out`, or to standard output for `-`.
pub(super) fn run(
    model: Arc<Model>,
    request: &DetectRequest,
    (mut stream, short): (Stream, bool),
    out: &Path,
    threads: Threads<'_>,
) -> Result<Followed> {
    let mut work = |split: Split, put: &mut dyn FnMut(&str) -> Result<()>| {
        follow(Arc::clone(&model), request, (&mut stream, short), split, put)
    };
    if out == Path::new("-") {
        return threads.run(|split| work(split, &mut super::common::to_stdout));
    }
    let mut file = Atomic::create(out)?;
    let followed = threads.run(|split| {
        work(split, &mut |text| file.write_all(text.as_bytes()).map_err(|error| Error::io("write", out, error)))
    })?;
    file.finish()?;
    Ok(followed)
}
