//! The convolutional autoencoder: gradient check of the whole loss for each decoder, sizes, names, what is refused.

use super::{Bottleneck, Downsample, Ends, Upsample};
use crate::autoencoders::{Autoencoder, Mode, ModelKind};
use crate::config::{Config, LossName};
use crate::data::ImageShape;
use narrows_engine::{Parameters, Plan, Real, Shape, Tape, Var, Workspace, check, random};
use proptest::prelude::*;

fn config(filters: &[usize], upsample: Upsample) -> Config {
    Config {
        model: ModelKind::Convolutional,
        filters: filters.to_vec(),
        upsample,
        loss: LossName::Mse,
        ..Config::default()
    }
}

fn image(channels: usize, height: usize, width: usize) -> ImageShape {
    ImageShape { channels, height, width }
}

/// A model, its parameters drawn, a plan of its loss and a workspace with images in it.
struct Ready<T> {
    parameters: Parameters<T>,
    plan: Plan<T>,
    workspace: Workspace<T>,
    total: Var,
}

fn ready<T: Real>(config: &Config, image: ImageShape, rows: usize) -> crate::Result<Ready<T>> {
    let features = image.features().unwrap();
    let mut parameters = Parameters::new();
    let model = Autoencoder::new(config, features, Some(image), None, &mut parameters)?;
    model.initialise(&mut parameters, config);
    let tape = Tape::new(&parameters, rows);
    let x = tape.input("x", Shape::batch(&[features]));
    let raw = model.reconstruct_raw(&tape, x);
    assert_eq!(tape.shape(raw), Shape::batch(&[features]), "images come back at their own size");
    let code = model.encode(&tape, x);
    assert_eq!(tape.shape(code), Shape::batch(&[model.code_size()]));
    let objective = model.objective(&tape, x, Mode::Training);
    let plan = tape.train(objective.total)?;
    let mut workspace = plan.workspace()?;
    random::fill_uniform(config.seed, 3, 0, T::ZERO, T::ONE, workspace.input_mut(x)?);
    Ok(Ready { parameters, plan, workspace, total: objective.total })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_whole_loss_passes_the_gradient_check(
        sides in (4usize..8, 4usize..8),
        channels in 1usize..3,
        rows in 1usize..3,
        upsample in prop::sample::select(vec![Upsample::Nearest, Upsample::Max, Upsample::Transposed]),
        stride in any::<bool>(),
        dense in any::<bool>(),
        bce in any::<bool>(),
        seed in 0u64..1000,
    ) {
        let stride = stride && upsample != Upsample::Max;
        let config = Config {
            downsample: if stride { Downsample::Stride } else { Downsample::Pool },
            bottleneck: if dense { Bottleneck::Dense } else { Bottleneck::Map },
            loss: if bce { LossName::Bce } else { LossName::Mse },
            activation: crate::nn::ActivationName::Tanh,
            code: 3,
            seed,
            ..config(&[3, 2], upsample)
        };
        let mut ready = ready::<f64>(&config, image(channels, sides.0, sides.1), rows).unwrap();
        let Ready { parameters, plan, workspace, total } = &mut ready;
        // A pooling's maxima change places at some weights: where the first step finds such a kink, a smaller one does
        // not.
        let relative = [1e-5, 1e-6, 1e-7].into_iter().map(|step| {
            check::gradients(plan, parameters, workspace, *total, step, 1e-3).unwrap().relative
        });
        let worst = relative.fold(f64::INFINITY, f64::min);
        prop_assert!(worst < 1e-5, "{worst}");
        for id in parameters.ids().collect::<Vec<_>>() {
            let range = parameters.range(id);
            prop_assert!(workspace.gradients()[range].iter().any(|&g| g != 0.0), "{}", parameters.name(id));
        }
    }

    #[test]
    fn any_size_of_image_comes_back(height in 1usize..20, width in 1usize..20, stride in any::<bool>()) {
        for upsample in [Upsample::Nearest, Upsample::Max, Upsample::Transposed] {
            let stride = stride && upsample != Upsample::Max;
            let downsample = if stride { Downsample::Stride } else { Downsample::Pool };
            let config = Config { downsample, ..config(&[2, 3, 2], upsample) };
            // Pooling needs two pixels each way at every level, a stride more than one in all.
            let fits = if stride { height.max(width) > 4 } else { height.min(width) > 4 };
            prop_assert_eq!(ready::<f32>(&config, image(1, height, width), 2).is_ok(), fits);
        }
    }
}

#[test]
fn the_presets_have_the_parameters_of_their_sources() {
    for (name, parameters) in [("keras-conv", 4385), ("keras-io-conv", 28_353)] {
        let mut config = Config::default();
        crate::presets::preset(name).unwrap().apply(&mut config).unwrap();
        let ready = ready::<f32>(&config, image(1, 28, 28), 1).unwrap();
        assert_eq!(ready.parameters.count(), parameters, "{name}");
    }
}

#[test]
fn names_count_as_in_pytorchs_sequential() {
    let names = |config: &Config| {
        let ready = ready::<f32>(config, image(1, 8, 8), 1).unwrap();
        let names: Vec<String> = ready.parameters.ids().map(|id| ready.parameters.name(id).to_owned()).collect();
        names.into_iter().filter_map(|name| name.strip_suffix(".weight").map(str::to_owned)).collect::<Vec<_>>()
    };
    // Conv, ReLU, MaxPool, Conv, ReLU, MaxPool; Conv, ReLU, Upsample, Conv, ReLU, Upsample, Conv.
    let nearest = names(&config(&[4, 2], Upsample::Nearest));
    assert_eq!(nearest, ["encoder.0", "encoder.3", "decoder.0", "decoder.3", "decoder.6"]);
    // MaxUnpool, Conv, ReLU, MaxUnpool, Conv.
    assert_eq!(names(&config(&[4, 2], Upsample::Max)), ["encoder.0", "encoder.3", "decoder.1", "decoder.4"]);
    // Conv, ReLU, Conv, ReLU; ConvTranspose, ReLU, ConvTranspose, ReLU, Conv.
    let strided = Config { downsample: Downsample::Stride, ..config(&[4, 2], Upsample::Transposed) };
    assert_eq!(names(&strided), ["encoder.0", "encoder.2", "decoder.0", "decoder.2", "decoder.4"]);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let refused = |config: &Config, shape| {
        let features = 64;
        let error = Autoencoder::new::<f32>(config, features, shape, None, &mut Parameters::new()).unwrap_err();
        error.to_string()
    };
    let eight = Some(image(1, 8, 8));
    let nearest = |filters: &[usize]| config(filters, Upsample::Nearest);
    assert!(refused(&nearest(&[4]), None).contains("needs images"));
    assert!(refused(&nearest(&[]), eight).contains("filters is empty"));
    assert!(refused(&nearest(&[2, 2, 2, 2]), eight).contains("give at most 3"));
    let strided = Config { downsample: Downsample::Stride, ..config(&[4], Upsample::Max) };
    assert!(refused(&strided, eight).contains("max unpooling needs the places"));
    assert!(refused(&nearest(&[4]), Some(image(1, 8, 9))).contains("do not have 64 numbers"));
    assert!(refused(&Config { loss: LossName::Auto, ..nearest(&[4]) }, eight).contains("loss is `auto`"));
    assert!(Config::default().set("kernel", "4").unwrap_err().to_string().contains("odd"));
}

#[test]
fn a_code_alone_is_not_enough_for_max_unpooling() {
    for (upsample, possible) in [(Upsample::Nearest, true), (Upsample::Max, false), (Upsample::Transposed, true)] {
        let mut parameters = Parameters::<f32>::new();
        let model = Autoencoder::new(&config(&[4], upsample), 64, Some(image(1, 8, 8)), None, &mut parameters).unwrap();
        let tape = Tape::new(&parameters, 1);
        let code = tape.input("code", Shape::batch(&[model.code_size()]));
        let decoded = model.decode(&tape, code);
        assert_eq!(tape.infer(&[decoded]).is_ok(), possible, "{upsample:?}");
    }
}

/// What is reserved, and what a file is held against, is what the model has.
#[test]
fn the_list_of_tensors_is_the_models() {
    for upsample in [Upsample::Nearest, Upsample::Max, Upsample::Transposed] {
        for (filters, dense) in [(&[3, 7][..], false), (&[7, 3], true), (&[5], true), (&[2, 4, 3], false)] {
            let bottleneck = if dense { Bottleneck::Dense } else { Bottleneck::Map };
            let config = Config { bottleneck, ..config(filters, upsample) };
            let ready = ready::<f32>(&config, image(2, 9, 11), 1).unwrap();
            let parameters = &ready.parameters;
            let mut found: Vec<Vec<usize>> = parameters.ids().map(|id| parameters.sizes(id).to_vec()).collect();
            let mut listed = super::convolutional::tensors(&config, image(2, 9, 11), Ends::Code).unwrap();
            found.sort();
            listed.sort();
            assert_eq!(found, listed, "{upsample:?} {filters:?}");
        }
    }
}
