//! `narrows inspect`: what a model is made of: layers, parameters, scaling, and the plan of its operations.

use std::fmt::Write;
use std::path::PathBuf;

use super::common::{self, Common};
use crate::error::Result;
use crate::files;
use crate::model::ModelInfo;

/// Show what a model is made of
///
/// For example: narrows inspect runs/undercomplete-1
///
/// Prints the type, the layers with their shapes, the number of parameters, the scaling and the loss, and the plan:
/// each operation with its output's shape, its floating-point operations and its bytes.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A run directory, or a model.safetensors
    run: PathBuf,
    /// Write the JSON object to this file too
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Result<()> {
    let info = common::load(&args.run, args.common.quiet)?.describe()?;
    let json = common::json(&info)?;
    if let Some(path) = &args.out {
        files::write_bytes_atomically(path, json.as_bytes())?;
    }
    common::to_stdout(&match (args.common.json, args.common.quiet) {
        (true, _) => json,
        (false, true) => head(&info),
        (false, false) => text(&info),
    })
}

/// What the model is, on one line.
fn head(info: &ModelInfo) -> String {
    format!("{} {}, {} parameters\n", info.model, info.layers, common::count(info.parameters as u64))
}

/// The description for people.
fn text(info: &ModelInfo) -> String {
    let image = info.data.image.map_or_else(String::new, |image| {
        format!(", images of {} x {} x {}", image.channels, image.height, image.width)
    });
    let objective: Vec<String> = info
        .objective
        .iter()
        .map(|(name, weight)| if *weight == 1.0 { name.clone() } else { format!("{} {name}", common::figure(*weight)) })
        .collect();
    let tensors = info.tensors.iter().map(|(name, sizes)| {
        let elements = sizes.iter().fold(1_u64, |product, &size| product.saturating_mul(size as u64));
        vec![name.clone(), format!("{sizes:?}"), common::count(elements)]
    });
    let operations = info.operations.iter().map(|line| {
        let bytes = [line.bytes, line.scratch_bytes].map(common::count);
        let figures = [line.output.clone(), common::count(line.flops)].into_iter().chain(bytes);
        [line.name.clone()].into_iter().chain(figures).chain([line.parameters.join(" ")]).collect()
    });
    format!(
        "{}  data     {}, {} features{image}\n  scaling  {}\n  code     {}\n  loss     {}\n  terms    {}\n  format   {}\n\n{}\n\
         operations of a reconstruction, for {} samples at a time in {} bytes\n{}",
        head(info),
        info.data.name,
        common::count(info.data.features as u64),
        info.data.preprocessing.scaler().name(),
        common::count(info.code as u64),
        info.loss,
        objective.join(" + "),
        info.format,
        table(&["parameter", "sizes", "numbers"], tensors),
        info.plan_rows,
        common::count(info.plan_bytes as u64),
        table(&["operation", "output", "flops", "bytes", "scratch", "parameters"], operations),
    )
}

/// A table with aligned columns: figures to the right, the first column and lists of names to the left.
fn table(head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let head = head.iter().map(|&name| name.to_owned()).collect();
    let rows: Vec<Vec<String>> = std::iter::once(head).chain(rows).collect();
    let columns = rows[0].len();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<_> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in &rows {
        let mut line = String::new();
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            // Writing to a string does not fail.
            let left = column == 0 || column == 5;
            let _ = if left { write!(line, "  {cell:<width$}") } else { write!(line, "  {cell:>width$}") };
        }
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let rows = [vec!["encoder.0.weight".to_owned(), "9".to_owned()], vec!["b".to_owned(), "1,024".to_owned()]];
        let expected = "  name              numbers\n  encoder.0.weight        9\n  b                   1,024\n";
        assert_eq!(table(&["name", "numbers"], rows.into_iter()), expected);
    }
}
