//! `narrows detect`: which samples are unlike what a model was trained on, and why.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::builder::RangedU64ValueParser;
use serde::Serialize;

use super::common::{self, Common, figure};
use super::page::{self, PageArgs};
use crate::applications::detect::{
    Cutoff, DetectRequest, Detection, FitRequest, Followed, Labelled, Truth, detect, fit, header, line,
};
use crate::applications::pages;
use crate::data::PartName;
use crate::error::{Error, Result};
use crate::files;
use crate::model::{Model, Session, Thresholds, model_file};

/// What `--out` is for rows on stdout.
const STDOUT: &str = "-";

/// Find the samples that are unlike what a model was trained on
///
/// For example: narrows detect runs/undercomplete-1 --data digits --normal 0 --out rows.csv --report report.html
///
/// A sample's score is its reconstruction error (cross-entropy less the sample's own entropy) and, of a variational
/// model, KL. Samples that score more than the cutoff are flagged, each with its p-value among the training part and the three features that add most to its score: what
/// the model expected, and what was seen. With labels, says how well the scores tell anomalies from normal samples,
/// beside the error of a PCA of the same code size and the distance to the nearest training rows. --fit stores a cutoff with the model, whose weights stay as they are.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A run directory, or a model.safetensors
    run: PathBuf,
    /// What to judge; the model's own test part if not given. With --fit: labelled data for `f1` and `fpr`
    #[arg(long, value_name = "SRC")]
    data: Option<String>,
    /// Fit the cutoff to the scores of the training part and store it in the model's file; judges nothing
    #[arg(long, conflicts_with_all = ["out", "top", "report"])]
    fit: bool,
    /// The rule of the cutoff: quantile:0.99, contamination:0.05, sigma:3, mad:3.5 or fpr:0.01 of the training scores,
    /// f1 of labelled ones, or value:X; the stored cutoff if not given, and quantile:0.99 where none is stored
    #[arg(long, value_name = "RULE", allow_negative_numbers = true)]
    cutoff: Option<Cutoff>,
    /// The classes that are normal, by name or number, as in 0,2; all others are anomalies. Those that the model was
    /// trained on, if it was trained on some only
    #[arg(long, value_name = "NAMES", conflicts_with = "anomaly")]
    normal: Option<String>,
    /// The classes that are anomalies, by name or number; all others are normal
    #[arg(long, value_name = "NAMES")]
    anomaly: Option<String>,
    /// Judge each row as soon as it comes, and write its line: to standard output unless --out names a file
    #[arg(long, requires = "data", conflicts_with_all = ["fit", "json"])]
    follow: bool,
    /// Write row, score, p-value and flag alone, which is faster
    #[arg(long, conflicts_with = "fit")]
    brief: bool,
    /// Write every row to this file as CSV; `-` writes them to stdout, and the figures to stderr
    #[arg(long, value_name = "FILE.csv")]
    out: Option<PathBuf>,
    /// How many of the highest rows are shown
    #[arg(long, value_name = "N", default_value_t = 10, allow_negative_numbers = true,
          value_parser = RangedU64ValueParser::<usize>::new().range(0..=10_000))]
    top: usize,
    #[command(flatten)]
    page: PageArgs,
    #[command(flatten)]
    common: Common,
}

impl Args {
    fn truth(&self) -> Option<Truth> {
        let anomaly = || self.anomaly.clone().map(Truth::Anomaly);
        self.normal.clone().map(Truth::Normal).or_else(anomaly)
    }

    fn to_stdout(&self) -> bool {
        self.out.as_deref().is_some_and(|out| out.as_os_str() == STDOUT)
    }
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Result<()> {
    if args.to_stdout() && args.common.json {
        return Err(Error::usage("--out - and --json both write to stdout; give --out a file"));
    }
    let model = Arc::new(common::load(&args.run, args.common.quiet)?);
    if args.fit {
        return store(args, model);
    }
    let pool = args.common.pool()?;
    let request = DetectRequest { data: args.data.clone(), cutoff: args.cutoff, truth: args.truth() };
    // A table without labels needs no memory: only figures look at all rows at once.
    let stream = model.open(args.data.as_deref(), PartName::Auto)?;
    let piped = args.data.as_deref() == Some(STDOUT);
    let streams = stream.count().is_none() && (piped || (args.out.is_some() && !stream.is_labelled()));
    if args.follow || args.brief || streams {
        let out = args.out.clone().unwrap_or_else(|| STDOUT.into());
        let stream = if args.follow { stream.live() } else { stream };
        return followed(
            args,
            &out,
            super::follow::run(Arc::clone(&model), &request, (stream, args.brief), &out, pool.threads())?,
        );
    }
    drop(stream);
    let found = pool.threads().run(|split| detect(Arc::clone(&model), &request, split))?;
    args.page.write(&args.common, |path| {
        let settings = [
            ("cutoff", Some(found.cutoff_rule.clone())),
            ("normal", args.normal.clone()),
            ("anomaly", args.anomaly.clone()),
        ];
        let origin = page::origin(&model, args.data.as_deref(), &settings, pool.count());
        let session = Session::new(Arc::clone(&model));
        pool.threads().run(|split| pages::detect(&mut session.on(split), &found, &origin))?.write(path)
    })?;
    let text = match (args.common.json, args.common.quiet) {
        (true, _) => common::json(&Judged::of(args, &found))?,
        (false, true) => format!("{}\n", figure(found.flagged())),
        (false, false) => summary(args, &found)?,
    };
    match &args.out {
        Some(_) if args.to_stdout() => {
            common::to_stdout(&table(&found))?;
            if !args.common.quiet {
                common::to_stderr(&text);
            }
            return Ok(());
        }
        Some(out) => files::write_bytes_atomically(out, table(&found).as_bytes())?,
        None => {}
    }
    common::to_stdout(&text)
}

/// What is said of rows that were judged as they came.
fn followed(args: &Args, out: &Path, found: Followed) -> Result<()> {
    if !args.common.quiet {
        found.notes.iter().for_each(|note| common::to_stderr(&format!("{}\n", common::printable(note))));
    }
    let share = found.flagged as f64 / (found.rows as f64).max(1.0);
    let text = format!(
        "{}, {:.2} % flagged, above the cutoff {} ({})\n",
        common::counted(found.rows, "row"),
        100.0 * share,
        figure(found.cutoff),
        found.cutoff_rule
    );
    if out == Path::new(STDOUT) {
        if !args.common.quiet {
            common::to_stderr(&text);
        }
        return Ok(());
    }
    common::to_stdout(&match args.common.json {
        true => common::json(&Streamed {
            samples: found.rows,
            flagged: share,
            cutoff: found.cutoff,
            cutoff_rule: found.cutoff_rule,
            out: out.display().to_string(),
        })?,
        false => format!("{text}written: {}\n", out.display()),
    })
}

/// The result of judging a stream by the names that it has in JSON.
#[derive(Serialize)]
struct Streamed {
    samples: u64,
    flagged: f64,
    cutoff: f64,
    cutoff_rule: String,
    out: String,
}

/// Fits a cutoff and stores it.
fn store(args: &Args, mut model: Arc<Model>) -> Result<()> {
    let file = if args.run.is_dir() { model_file(&args.run) } else { args.run.clone() };
    if let Some(conversion) = model.conversions().first() {
        return Err(Error::model(format!(
            "{}: {conversion} when it was read, and storing a cutoff would keep that; give --cutoff without --fit",
            file.display()
        )));
    }
    let pool = args.common.pool()?;
    let cutoff = args.cutoff.unwrap_or(Cutoff::Quantile(0.99));
    let request = FitRequest { cutoff, data: args.data.clone(), truth: args.truth() };
    let thresholds = pool.threads().run(|split| fit(Arc::clone(&model), &request, split))?;
    let own = Arc::get_mut(&mut model).ok_or_else(|| Error::model("the model is in use elsewhere; try again"))?;
    own.set_thresholds(Some(thresholds.clone()));
    own.save(&file)?;
    let out = file.display().to_string();
    common::to_stdout(&match (args.common.json, args.common.quiet) {
        (true, _) => common::json(&Fitted::of(&thresholds, out))?,
        (false, true) => format!("{}\n", thresholds.cutoff()),
        (false, false) => format!(
            "cutoff {} ({}; scores of {} of the training part)\nstored in {out}; its weights are as they were\n",
            figure(thresholds.cutoff()),
            thresholds.rule(),
            common::counted(thresholds.scores().samples(), "sample"),
        ),
    })
}

/// Every row as CSV.
fn table(found: &Detection) -> String {
    let mut text = header(found.has_labels());
    for (place, (&row, judgement)) in found.rows.iter().zip(&found.judgements).enumerate() {
        line(&mut text, u64::from(row), judgement, &found.names, found.label(place).as_deref());
    }
    text
}

/// The figures for people, and the highest rows.
fn summary(args: &Args, found: &Detection) -> Result<String> {
    let known = found.training_samples.map(|n| format!(", {} training scores", common::count(n))).unwrap_or_default();
    let mut text = format!(
        "{} of the {} part; {:.2} % flagged, above the cutoff {} ({}{known})\n",
        common::counted(found.rows.len() as u64, "sample"),
        found.part,
        100.0 * found.flagged(),
        figure(found.cutoff),
        found.cutoff_rule,
    );
    if let Some(labelled) = &found.labelled {
        text.push_str(&figures(labelled));
    }
    found.notes.iter().for_each(|note| text.push_str(&format!("{}\n", common::printable(note))));
    let highest = found.highest(args.top)?;
    if !highest.is_empty() {
        text.push_str("highest:\n");
    }
    for place in highest {
        text.push_str(&high(found, place));
    }
    if let Some(out) = args.out.as_ref().filter(|_| !args.to_stdout()) {
        text.push_str(&format!("rows: {}\n", out.display()));
    }
    Ok(text)
}

/// How well the scores tell.
fn figures(labelled: &Labelled) -> String {
    let word = |value: Option<f64>| value.map_or_else(|| "none".to_owned(), |value| format!("{value:.4}"));
    let (ranking, confusion) = (&labelled.ranking, &labelled.confusion);
    let pca = labelled.pca_auroc.map(|pca| format!("; PCA of the same code size: {pca:.4}")).unwrap_or_default();
    let knn = labelled.knn_auroc.map(|knn| format!("; distance to 5 nearest neighbours: {knn:.4}")).unwrap_or_default();
    format!(
        "area under the ROC curve {}{pca}{knn}\naverage precision {} of {} in {}\nat the cutoff: precision {}, recall {}, F1 {}\n",
        word(ranking.auroc()),
        word(ranking.average_precision()),
        common::counted(ranking.anomalies(), "anomalous sample"),
        common::count(ranking.anomalies() + ranking.normal()),
        word(confusion.precision()),
        word(confusion.recall()),
        word(confusion.f1()),
    )
}

/// One of the highest rows: what is odd about it.
fn high(found: &Detection, place: usize) -> String {
    let (row, judgement) = (found.rows[place], &found.judgements[place]);
    let p_value = judgement.p_value.map(|p| format!(", p {}", figure(p))).unwrap_or_default();
    let label = found.label(place).map(|label| format!(", class {label}")).unwrap_or_default();
    let why: Vec<String> = judgement
        .contributions()
        .iter()
        .map(|one| {
            let (name, expected) = (found.names.name(one.feature), figure(f64::from(one.expected)));
            format!("{name} is {}, expected {expected} ({:.0} %)", figure(one.seen), 100.0 * one.share)
        })
        .collect();
    let flag = if judgement.anomaly { "*" } else { " " };
    let score = figure(judgement.score);
    format!("{flag} row {row}: {score}{p_value}{}: {}\n", common::printable(&label), common::printable(&why.join("; ")))
}

/// The figures by the names that they have in JSON.
#[derive(Serialize)]
struct Judged<'a> {
    auroc: Option<f64>,
    average_precision: Option<f64>,
    precision: Option<f64>,
    recall: Option<f64>,
    f1: Option<f64>,
    pca_auroc: Option<f64>,
    knn_auroc: Option<f64>,
    anomalies: Option<u64>,
    flagged: f64,
    cutoff: f64,
    cutoff_rule: &'a str,
    training_samples: Option<u64>,
    samples: usize,
    part: &'a str,
    notes: &'a [String],
    out: Option<String>,
    run: String,
}

impl<'a> Judged<'a> {
    fn of(args: &Args, found: &'a Detection) -> Self {
        let labelled = found.labelled.as_ref();
        let (ranking, confusion) = (labelled.map(|known| &known.ranking), labelled.map(|known| known.confusion));
        Self {
            auroc: ranking.and_then(|ranking| ranking.auroc()),
            average_precision: ranking.and_then(|ranking| ranking.average_precision()),
            precision: confusion.and_then(|confusion| confusion.precision()),
            recall: confusion.and_then(|confusion| confusion.recall()),
            f1: confusion.and_then(|confusion| confusion.f1()),
            pca_auroc: labelled.and_then(|known| known.pca_auroc),
            knn_auroc: labelled.and_then(|known| known.knn_auroc),
            anomalies: ranking.map(|ranking| ranking.anomalies()),
            flagged: found.flagged(),
            cutoff: found.cutoff,
            cutoff_rule: &found.cutoff_rule,
            training_samples: found.training_samples,
            samples: found.rows.len(),
            part: found.part,
            notes: &found.notes,
            out: args.out.as_ref().map(|out| out.display().to_string()),
            run: args.run.display().to_string(),
        }
    }
}

/// A stored cutoff by the names that it has in JSON.
#[derive(Serialize)]
struct Fitted<'a> {
    cutoff: f64,
    cutoff_rule: &'a str,
    samples: u64,
    mean: f64,
    deviation: f64,
    part: &'static str,
    out: String,
}

impl<'a> Fitted<'a> {
    fn of(thresholds: &'a Thresholds, out: String) -> Self {
        let scores = thresholds.scores();
        Self {
            cutoff: thresholds.cutoff(),
            cutoff_rule: thresholds.rule(),
            samples: scores.samples(),
            mean: scores.mean(),
            deviation: scores.deviation(),
            part: "train",
            out,
        }
    }
}
