//! `narrows sample`: new samples.

use std::path::PathBuf;

use clap::ValueEnum;
use clap::builder::RangedU64ValueParser;
use serde::Serialize;

use super::common::{self, Common};
use super::output::{self, Numbers, Table};
use crate::applications::picture::grid_png;
use crate::applications::sample::{Origin, class_number, fit_mixture, sample};
use crate::data::{Dataset, load_train};
use crate::error::{Error, Result};
use crate::model::{Model, Session};

/// Samples in a row of a picture, at most.
const PER_ROW: usize = 32;

/// Draw new samples
///
/// For example: narrows sample runs/variational-1 --count 64 --out picture.png
///
/// From the prior of a model that has one, else from a mixture of normal distributions that is fitted to the codes of the
/// model's training part (Ghosh et al. 2020). With --class of that class alone: a conditional model is told it, for any
/// other a mixture is fitted to the codes of that class.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A run directory, or a model.safetensors
    run: PathBuf,
    /// How many samples, drawn by --seed
    #[arg(long, value_name = "N", default_value_t = 64, allow_negative_numbers = true,
          value_parser = RangedU64ValueParser::<usize>::new().range(1..=1_000_000))]
    count: usize,
    /// What codes are drawn from; the prior where the model has one, and may tell the class, if not given
    #[arg(long, value_name = "ORIGIN")]
    from: Option<From>,
    /// Components of the mixture
    #[arg(long, value_name = "K", default_value_t = 10, allow_negative_numbers = true,
          value_parser = RangedU64ValueParser::<usize>::new().range(1..=1000))]
    components: usize,
    /// Samples of this class alone, by its name or number
    #[arg(long, value_name = "CLASS", allow_negative_numbers = true)]
    class: Option<String>,
    /// What is written: a picture ending in .png, or a table; samples/sample.png in the run if not given
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
}

/// What codes are drawn from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
enum From {
    /// The model's prior
    Prior,
    /// A mixture fitted to the codes of the training part
    Mixture,
}

/// The result by the names that it has in JSON.
#[derive(Serialize)]
struct Put {
    samples: usize,
    from: From,
    components: Option<usize>,
    class: Option<u32>,
    threads: usize,
    run: String,
    out: String,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Result<()> {
    let model = common::load(&args.run, args.common.quiet)?;
    let image = model.data().image;
    let out = output::place(args.out.as_deref(), &args.run, "sample", image.is_some())?;
    let (pool, seed) = (args.common.pool()?, args.common.seed.unwrap_or(0));
    let told = model.autoencoder().takes().labels;
    let session = Session::new(model);
    let from = args.from.unwrap_or(match session.has_prior() && (args.class.is_none() || told) {
        true => From::Prior,
        false => From::Mixture,
    });
    if from == From::Prior && args.class.is_some() && !told {
        return Err(Error::usage(
            "the prior of this model is of all classes; leave --from prior away, or train a conditional model",
        ));
    }
    // The classes' names are the training part's, which may lie elsewhere by now.
    let needed = from == From::Mixture || args.class.is_some();
    let train = if needed { Some(load_train(session.model().source())) } else { None };
    let train = match (train, from) {
        (Some(Err(error)), From::Mixture) => return Err(error),
        (train, _) => train.and_then(Result::ok),
    };
    let dataset = train.as_ref().map(|(dataset, ..)| dataset);
    let class = args.class.as_deref().map(|class| number(class, dataset, session.model())).transpose()?;
    let labels = labels(class, args.count, session.model());
    let made = pool.threads().run(|split| -> Result<_> {
        let mut session = session.clone().on(split);
        let origin = match (from, &train) {
            (From::Mixture, Some((dataset, rows, _))) => {
                let fitted = fit_mixture(&mut session, (dataset, rows), class, args.components, seed, split)?;
                Origin::Mixture(Box::new(fitted))
            }
            _ => Origin::Prior,
        };
        sample(&mut session, &origin, args.count, labels.as_deref(), seed)
    })?;
    let per_row = ((args.count as f64).sqrt().ceil() as usize).clamp(1, PER_ROW);
    let range = dataset.and_then(Dataset::raw_range);
    let picture = || grid_png(session.model(), range, &made, per_row);
    let table = || Ok(Table { model: session.model(), numbers: Numbers::Singles(&made) });
    output::put(&out, picture, table)?;
    let put = Put {
        samples: args.count,
        from,
        components: (from == From::Mixture).then_some(args.components),
        class,
        threads: pool.count(),
        run: args.run.display().to_string(),
        out: out.display().to_string(),
    };
    common::to_stdout(&match (args.common.json, args.common.quiet) {
        (true, _) => common::json(&put)?,
        (false, true) => format!("{}\n", put.out),
        (false, false) => format!("{} from {}\nwritten: {}\n", counted(&put), origin(&put), put.out),
    })
}

fn counted(put: &Put) -> String {
    common::counted(put.samples as u64, "sample")
}

fn origin(put: &Put) -> String {
    match put.components {
        None => "the prior".to_owned(),
        Some(count) => format!("a mixture of {}", common::counted(count as u64, "component")),
    }
}

fn number(class: &str, dataset: Option<&Dataset>, model: &Model) -> Result<u32> {
    class_number(class, dataset.and_then(Dataset::class_names), model.data().classes.unwrap_or(0))
}

/// The classes of new samples of a model that takes them: the one that was asked for, or all in turn.
fn labels(class: Option<u32>, count: usize, model: &Model) -> Option<Vec<u32>> {
    let classes = model.data().classes.filter(|_| model.autoencoder().takes().labels)?.max(1);
    Some((0..count).map(|at| class.unwrap_or((at % classes) as u32)).collect())
}
