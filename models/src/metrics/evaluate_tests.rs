//! An evaluation with a metric that stands here alone, and its figures as their types have them.

use super::metric::{About, Figures, Metric, Vars};
use super::{Evaluator, Measure};
use crate::Result;
use crate::autoencoders::Registry;
use crate::data::{DataSettings, Dataset, Preprocessing, ScalerKind, digits};
use crate::model::{DataInfo, Model};
use crate::objective::TermRecord;
use narrows_engine::{Split, Tape, Var, Workspace};

/// `greatest_error`: the greatest distance of a number from its reconstruction.
#[derive(Default)]
struct GreatestError {
    recorded: Option<Var>,
    greatest: f64,
}

impl Metric for GreatestError {
    fn record(&mut self, tape: &Tape<f32>, vars: &Vars<'_>) -> Vec<Var> {
        let distances = tape.abs(tape.sub(vars.x, vars.reconstruction));
        self.recorded = Some(distances);
        vec![distances]
    }

    fn start(&mut self, _about: &About) -> Result<()> {
        self.greatest = 0.0;
        Ok(())
    }

    fn add(&mut self, batch: &Workspace<f32>) -> Result<()> {
        let Some(distances) = self.recorded else { return Ok(()) };
        self.greatest = batch.value(distances)?.iter().fold(self.greatest, |most, &error| most.max(error.into()));
        Ok(())
    }

    fn put(&self, figures: &mut Figures) -> Result<()> {
        figures.put("greatest_error", self.greatest)
    }

    fn line(&self, figures: &Figures) -> Option<String> {
        Some(format!("greatest error {:.1}", figures.number("greatest_error")?))
    }
}

/// A model of the embedded digits with the weights of its start.
fn model(name: &str, dataset: &Dataset, rows: &[u32]) -> Model {
    let kind = Registry::standard().get(name).unwrap();
    let data = DataInfo::of(dataset, Preprocessing::fit(ScalerKind::Auto, dataset, rows).unwrap().0);
    let mut settings = kind.settings();
    kind.settle(&mut *settings, &data.sample()).unwrap();
    Model::new(kind, settings, DataSettings::default(), data).unwrap()
}

#[test]
fn a_metric_of_ones_own_is_told_with_the_others() {
    let dataset = digits().unwrap();
    let rows: Vec<u32> = (0..300).collect();
    let model = model("variational", &dataset, &rows);
    let mut own = Evaluator::with(&model, Measure::default(), vec![Box::new(GreatestError::default())]).unwrap();
    let mut found = own.run(&dataset, &rows, Split::Serial).unwrap();
    let greatest = found.figures.number("greatest_error").unwrap();
    assert!((0.5..1.0).contains(&greatest) && greatest * greatest > found.mse(), "{greatest}");
    assert_eq!(found.lines.last().unwrap(), &format!("greatest error {greatest:.1}"));
    let again = own.run(&dataset, &rows, Split::Serial).unwrap();
    (found.seconds, found.samples_per_second) = (again.seconds, again.samples_per_second);
    assert_eq!(found, again, "a second run starts anew");
    let fewer = Evaluator::new(&model, Measure::default()).unwrap().run(&dataset, &rows, Split::Serial).unwrap();
    let names = |figures: &Figures| figures.iter().map(|(name, _)| name.to_owned()).collect::<Vec<_>>();
    let mut expected = names(&found.figures);
    expected.retain(|name| name != "greatest_error");
    assert_eq!(names(&fewer.figures), expected);
    let twice = Evaluator::with(&model, Measure::default(), <dyn Metric>::standard()).unwrap().run(
        &dataset,
        &rows,
        Split::Serial,
    );
    assert!(twice.unwrap_err().to_string().contains("two metrics put a figure"));
}

#[test]
fn figures_come_back_as_what_was_put() {
    let dataset = digits().unwrap();
    let rows: Vec<u32> = (0..300).collect();
    let model = model("variational", &dataset, &rows);
    let measure = Measure { ssim: true, importance: 2, ..Measure::default() };
    let found = Evaluator::new(&model, measure).unwrap().run(&dataset, &rows, Split::Serial).unwrap();
    let (bound, code) = (found.lower_bound().unwrap(), found.code().unwrap());
    let terms = found.terms();
    let term = |name: &str| terms.iter().find(|term| term.name == name).map(|TermRecord { value, .. }| *value);
    assert_eq!((term("reconstruction"), term("kl")), (Some(bound.reconstruction), Some(bound.kl)));
    assert!((bound.kl_per_unit.iter().sum::<f64>() / bound.kl - 1.0).abs() < 1e-5);
    assert_eq!((code.samples, code.variances.len()), (300, bound.kl_per_unit.len()));
    assert_eq!(found.figures.number("active_units"), Some(code.active_units() as f64));
    let values = [found.psnr(), found.ssim(), found.bce(), found.nll()];
    assert!(values.iter().all(Option::is_some) && found.loss() > found.squared_error(), "{values:?}");
    assert!((found.squared_error() / 64.0 / found.mse() - 1.0).abs() < 1e-9);
    assert_eq!((found.accuracy(), found.codebook()), (None, None));
    let quantised = self::model("vector-quantised", &dataset, &rows);
    let found = Evaluator::new(&quantised, Measure::default()).unwrap().run(&dataset, &rows, Split::Serial).unwrap();
    assert!(found.codebook().unwrap().used >= 1 && found.lower_bound().is_none() && found.ssim().is_none());
}
