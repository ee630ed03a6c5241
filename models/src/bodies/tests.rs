//! Bodies of convolutions: gradient check of each decoder, sizes, names, what is refused.

use super::{Beside, Body, BodySettings, Ends, Extra, Frame, build};
use crate::data::ImageShape;
use crate::nn::{Mode, Pass};
use crate::settings::set;
use narrows_engine::ops::Reduction;
use narrows_engine::{Parameters, Plan, Real, Shape, Tape, Var, Workspace, check, random};
use proptest::prelude::*;

const UPSAMPLES: [&str; 3] = ["nearest", "max", "transposed"];

fn settings(body: &str, filters: &str, upsample: &str) -> BodySettings {
    with(&BodySettings::default(), &[("body", body), ("filters", filters), ("upsample", upsample)])
}

fn with(settings: &BodySettings, changes: &[(&str, &str)]) -> BodySettings {
    let mut settings = settings.clone();
    changes.iter().for_each(|(key, value)| set(&mut settings, key, value).unwrap());
    settings
}

fn image(channels: usize, height: usize, width: usize) -> ImageShape {
    ImageShape { channels, height, width }
}

fn frame(image: ImageShape) -> Frame {
    let features = image.channels * image.height * image.width;
    Frame { features, image: Some(image), ends: Ends::Code, beside: Beside::default(), decoder_beside: 0 }
}

/// A body, its parameters drawn, a plan of its squared error and a workspace with samples in it.
struct Ready<T: Real> {
    parameters: Parameters<T>,
    plan: Plan<T>,
    workspace: Workspace<T>,
    total: Var,
}

fn ready<T: Real>(settings: &BodySettings, frame: &Frame, rows: usize, seed: u64) -> crate::Result<Ready<T>> {
    let mut parameters = Parameters::new();
    let body: Box<dyn Body<T>> = build(settings, frame, &mut parameters)?;
    body.initialise(&mut parameters, seed);
    let tape = Tape::new(&parameters, rows);
    let pass = Pass::new(&tape, Mode::Training);
    let x = tape.input("x", Shape::batch(&[frame.features]));
    let encoded = body.encode(&pass, x, Extra::default());
    assert_eq!(tape.shape(encoded.value), Shape::batch(&[body.code_size()]));
    let raw = body.decode(&pass, encoded.value, &encoded.switches);
    assert_eq!(tape.shape(raw), Shape::batch(&[frame.features]), "samples come back at their own size");
    let total = tape.mean_squared_error(raw, x, Reduction::SumOverFeatures);
    let plan = tape.train(total)?;
    let mut workspace = plan.workspace()?;
    random::fill_uniform(seed, 3, 0, T::ZERO, T::ONE, workspace.input_mut(x)?);
    Ok(Ready { parameters, plan, workspace, total })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_whole_loss_passes_the_gradient_check(
        sides in (4usize..8, 4usize..8),
        channels in 1usize..3,
        rows in 1usize..3,
        upsample in prop::sample::select(UPSAMPLES.to_vec()),
        stride in any::<bool>(),
        dense in any::<bool>(),
        sequence in any::<bool>(),
        seed in 0u64..1000,
    ) {
        let stride = stride && upsample != "max";
        let (body, height) = if sequence { ("sequence", 1) } else { ("convolutional", sides.0) };
        let settings = with(&settings(body, "3,2", upsample), &[
            ("downsample", if stride { "stride" } else { "pool" }),
            ("bottleneck", if dense { "dense" } else { "map" }),
            ("activation", "tanh"),
            ("code", "3"),
        ]);
        let mut ready = ready::<f64>(&settings, &frame(image(channels, height, sides.1)), rows, seed).unwrap();
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
        for upsample in UPSAMPLES {
            let stride = stride && upsample != "max";
            let downsample = if stride { "stride" } else { "pool" };
            let settings = with(&settings("convolutional", "2,3,2", upsample), &[("downsample", downsample)]);
            // Pooling needs two pixels each way at every level, a stride more than one in all.
            let fits = if stride { height.max(width) > 4 } else { height.min(width) > 4 };
            prop_assert_eq!(ready::<f32>(&settings, &frame(image(1, height, width)), 2, 0).is_ok(), fits);
            let settings = with(&settings, &[("body", "sequence")]);
            let of_length = frame(image(2, 1, width));
            prop_assert_eq!(ready::<f32>(&settings, &of_length, 2, 0).is_ok(), width > 4);
        }
    }
}

#[test]
fn names_count_as_in_pytorchs_sequential() {
    let names = |settings: &BodySettings| {
        let ready = ready::<f32>(settings, &frame(image(1, 8, 8)), 1, 0).unwrap();
        let names: Vec<String> = ready.parameters.ids().map(|id| ready.parameters.name(id).to_owned()).collect();
        names.into_iter().filter_map(|name| name.strip_suffix(".weight").map(str::to_owned)).collect::<Vec<_>>()
    };
    for body in ["convolutional", "sequence"] {
        // Conv, ReLU, MaxPool, Conv, ReLU, MaxPool; Conv, ReLU, Upsample, Conv, ReLU, Upsample, Conv.
        let nearest = names(&settings(body, "4,2", "nearest"));
        assert_eq!(nearest, ["encoder.0", "encoder.3", "decoder.0", "decoder.3", "decoder.6"]);
        // MaxUnpool, Conv, ReLU, MaxUnpool, Conv.
        let max = names(&settings(body, "4,2", "max"));
        assert_eq!(max, ["encoder.0", "encoder.3", "decoder.1", "decoder.4"]);
        // Conv, ReLU, Conv, ReLU; ConvTranspose, ReLU, ConvTranspose, ReLU, Conv.
        let strided = names(&with(&settings(body, "4,2", "transposed"), &[("downsample", "stride")]));
        assert_eq!(strided, ["encoder.0", "encoder.2", "decoder.0", "decoder.2", "decoder.4"]);
    }
}

#[test]
fn what_makes_no_sense_is_refused_with_advice_that_leads_on() {
    let refused = |settings: &BodySettings, frame: &Frame| {
        build::<f32>(settings, frame, &mut Parameters::new()).unwrap_err().to_string()
    };
    let eight = frame(image(1, 8, 8));
    let nearest = |filters: &str| settings("convolutional", filters, "nearest");
    assert!(refused(&nearest("4"), &Frame { image: None, ..eight }).contains("needs images"));
    assert!(refused(&nearest(""), &eight).contains("filters is empty"));
    assert!(refused(&nearest("2,2,2,2"), &eight).contains("give at most 3"));
    let strided = with(&settings("convolutional", "4", "max"), &[("downsample", "stride")]);
    assert!(refused(&strided, &eight).contains("max unpooling needs the places"));
    // One row of pixels cannot be pooled, but it has a stride; one pixel has neither.
    let row = frame(image(1, 1, 7));
    assert!(refused(&nearest("4"), &row).contains("--downsample stride"));
    assert!(build::<f32>(&with(&nearest("4"), &[("downsample", "stride")]), &row, &mut Parameters::new()).is_ok());
    assert!(refused(&nearest("4"), &frame(image(1, 1, 1))).contains("--model overcomplete"));
    assert!(
        refused(&settings("sequence", "4", "nearest"), &Frame { image: None, features: 1, ..eight })
            .contains("--body dense")
    );
    let channels = with(&settings("sequence", "4", "nearest"), &[("channels", "3")]);
    assert!(refused(&channels, &Frame { image: None, ..eight }).contains("a number that divides it"));
}

#[test]
fn a_code_alone_is_not_enough_for_max_unpooling() {
    for body in ["convolutional", "sequence"] {
        for upsample in UPSAMPLES {
            let mut parameters = Parameters::<f32>::new();
            let body = build(&settings(body, "4", upsample), &frame(image(1, 1, 64)), &mut parameters);
            let Ok(body) = body else { continue };
            let tape = Tape::new(&parameters, 1);
            let pass = Pass::new(&tape, Mode::Evaluation);
            let code = tape.input("code", Shape::batch(&[body.code_size()]));
            let decoded = body.decode(&pass, code, &[]);
            assert_eq!(tape.infer(&[decoded]).is_ok(), body.decodes_codes(), "{upsample}");
            assert_eq!(body.decodes_codes(), upsample != "max");
        }
    }
}
