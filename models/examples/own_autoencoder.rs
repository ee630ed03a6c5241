//! A type of autoencoder that this crate does not have, defined outside of it: trained, saved, loaded, evaluated and
//! put to use by the same functions as its own.
//!
//! The type: an orthogonal autoencoder. Objective: `L + λ ‖W Wᵀ − I‖_F²`, W the weights of the code's layer, so that the
//! units of the code stand for different things.
//!
//! ```sh
//! cargo run --release -p narrows --example own_autoencoder
//! ```

use narrows::autoencoders::{Autoencoder, Base, Code, Parts, Registry, Sample, Type};
use narrows::engine::{ParameterId, Parameters, Real, Split};
use narrows::metrics::{Evaluator, Measure};
use narrows::model::{Model, Session};
use narrows::nn::Pass;
use narrows::objective::Builder;
use narrows::settings::{Range, groups, settings};
use narrows::training::{Config, fit};
use narrows::{Error, Result};

settings! {
    /// The key of the penalty.
    Keys {
        orthogonality: f64 = 1.0, "X", "lambda of lambda |W W^T - I|^2", in Range::<f64>::WEIGHT;
    }
}

groups! {
    /// The keys of the type.
    OrthogonalSettings {
        /// Those of every type.
        base: Base,
        /// Of the penalty.
        keys: Keys,
    }
}

/// The type.
#[derive(Debug)]
struct Orthogonal;

impl Type for Orthogonal {
    type Settings = OrthogonalSettings;
    const NAME: &'static str = "orthogonal";
    const ABOUT: &'static str = "a code whose units stand at right angles";

    fn settings() -> OrthogonalSettings {
        OrthogonalSettings::default()
    }

    fn settle(settings: &mut OrthogonalSettings, sample: &Sample) -> Result<Vec<String>> {
        settings.base.settle(sample, false, "--loss mse")
    }

    fn build<T: Real>(
        settings: &OrthogonalSettings,
        sample: &Sample,
        parameters: &mut Parameters<T>,
    ) -> Result<Box<dyn Autoencoder<T>>> {
        let parts = Parts::new(&settings.base, sample, parameters)?.penalised(&settings.base, parameters);
        let needs = "an orthogonal autoencoder needs dense layers; give --body dense";
        let (layer, _) = parts.dense(needs)?.encoder.layers().last().ok_or_else(|| Error::usage(needs))?;
        let weight = layer.weight();
        Ok(Box::new(OrthogonalAutoencoder { parts, weight, lambda: settings.keys.orthogonality }))
    }
}

/// The autoencoder.
#[derive(Debug)]
struct OrthogonalAutoencoder<T: Real> {
    parts: Parts<T>,
    weight: ParameterId,
    lambda: f64,
}

impl<T: Real> Autoencoder<T> for OrthogonalAutoencoder<T> {
    fn parts(&self) -> &Parts<T> {
        &self.parts
    }

    fn terms(&self, pass: &Pass<'_, T>, _: &Code, builder: &mut Builder) {
        // ‖W Wᵀ − I‖² = ‖W Wᵀ‖² − 2 tr(W Wᵀ) + code
        let weight = pass.parameter(self.weight);
        let products = pass.matmul_bt(weight, weight);
        let squares = pass.sub(pass.sum(pass.square(products)), pass.scale(pass.sum(pass.square(weight)), 2.0));
        let distance = pass.add_scalar(squares, self.parts.body.code_size() as f64);
        builder.term("orthogonality", self.lambda, distance);
    }
}

pub(crate) fn main() -> Result<()> {
    let registry = Registry::standard().with(&Orthogonal);
    let digits = narrows::data::digits()?;
    let config = Config::within("orthogonal", &registry)?.with(&[("code", "10"), ("epochs", "20")])?;
    let model = fit(&config, &digits)?;

    let folder = tempfile::tempdir().map_err(|error| Error::io("make a folder in", "the system's".as_ref(), error))?;
    let file = folder.path().join("orthogonal.safetensors");
    model.save(&file)?;
    let unknown = Model::load(&file).err().map(|error| error.to_string()).unwrap_or_default();
    assert!(unknown.contains("unknown model `orthogonal`"), "who does not know the type says so: {unknown}");
    let model = Model::load_with(&file, &registry)?;

    let rows: Vec<u32> = (0..digits.len() as u32).collect();
    let evaluation = Evaluator::new(&model, Measure::default())?.run(&digits, &rows, Split::Serial)?;
    for term in evaluation.terms() {
        println!("{} {:.4} x {}", term.name, term.value, term.weight);
    }
    assert!(evaluation.terms().iter().any(|term| term.name == "orthogonality" && term.value < 0.5));

    let mut session = Session::new(model);
    let sample: Vec<f32> = (0..64).map(|i| (i % 17) as f32).collect();
    println!("code {:.3?}", session.encode(&sample)?);
    Ok(())
}
