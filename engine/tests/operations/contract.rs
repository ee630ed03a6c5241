//! The contract of operations, on ones made outside the crate: what a broken one is told, word by word. And what plans
//! and workspaces say of parameters and values that they do not have.

use narrows_engine::tape::{Backward, Forward, Operation, Spec, TrainOptions};
use narrows_engine::{Error, ErrorKind, Parameters, Shape, Split, Tape};
use std::sync::atomic::{AtomicBool, Ordering};

/// What is wrong with [`Doubled`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    ReadsWhatItDidNotDeclare,
    ReadsTheOutput,
    ReadsInputsBeyond,
    ReadsItsInputInPlace,
    ForgetsTheGradient,
    LeavesTheResult,
    LeavesTheGradient,
    AsksTwice,
    AsksBeyond,
    AsksInPlace,
    Fails,
    DeclaresBeyond,
    DifferentiatesBeyond,
}

/// `y = 2 x`
struct Doubled(Fault);

impl Operation<f32> for Doubled {
    fn name(&self) -> &'static str {
        "doubled"
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Spec, String> {
        let mut spec = Spec::new(inputs[0], 1);
        spec.in_place = self.0 == Fault::ReadsItsInputInPlace;
        spec.gradient_in_place = self.0 == Fault::AsksInPlace;
        Ok(match self.0 {
            Fault::DeclaresBeyond => spec.reading(&[1]),
            Fault::DifferentiatesBeyond => {
                spec.differentiable = 0b10;
                spec
            }
            _ => spec,
        })
    }

    fn forward(&self, run: Forward<'_, f32>) -> Result<(), Error> {
        if self.0 == Fault::Fails {
            return Err(Error::misuse("two is out of stock"));
        }
        let x = run.inputs.get(if self.0 == Fault::ReadsInputsBeyond { 1 } else { 0 })?;
        let written = if self.0 == Fault::LeavesTheResult { 2 } else { 3 };
        run.output.iter_mut().zip(x).take(written).for_each(|(y, x)| *y = 2.0 * x);
        Ok(())
    }

    fn backward(&self, mut run: Backward<'_, f32>) -> Result<(), Error> {
        match self.0 {
            Fault::ReadsWhatItDidNotDeclare => drop(run.inputs.get(0)?),
            Fault::ReadsTheOutput => drop(run.output()?),
            Fault::ForgetsTheGradient => return Ok(()),
            Fault::AsksTwice => {
                run.gradients.of(0)?;
            }
            Fault::AsksBeyond => {
                run.gradients.of(3)?;
            }
            _ => {}
        }
        let Some(target) = run.gradients.of(0)?.wanted() else { return Ok(()) };
        let written = if self.0 == Fault::LeavesTheGradient { 1 } else { 3 };
        for (dx, dy) in target.slice.iter_mut().zip(&*run.output_gradient).take(written) {
            *dx = 2.0 * dy + if target.accumulate { *dx } else { 0.0 };
        }
        Ok(())
    }
}

/// A step through [`Doubled`], whose input is a result that may be written over.
fn step(fault: Fault) -> Result<Vec<f32>, Error> {
    let mut parameters = Parameters::new();
    let id = parameters.add("a", &[3])?;
    parameters.view_mut(id).copy_from_slice(&[1.0, 2.0, 3.0]);
    let tape = Tape::new(&parameters, 1);
    let x = tape.scale(tape.parameter(id), 3.0);
    let plan = tape.train(tape.sum(tape.record(Doubled(fault), &[x])))?;
    let mut workspace = plan.workspace()?;
    plan.forward(&parameters, &mut workspace, Split::Serial)?;
    plan.backward(&parameters, &mut workspace, Split::Serial)?;
    Ok(workspace.gradients()[parameters.range(id)].to_vec())
}

#[test]
fn a_broken_operation_is_told_its_name_and_its_fault() {
    assert_eq!(step(Fault::None).unwrap(), [6.0; 3]);
    let told = [
        (
            Fault::ReadsWhatItDidNotDeclare,
            "doubled: input 0 cannot be read here: in forward it stands in the output (`in_place`), in backward the \
             shape rule must name it in `reads_inputs`",
        ),
        (
            Fault::ReadsItsInputInPlace,
            "doubled: input 0 cannot be read here: in forward it stands in the output (`in_place`), in backward the \
             shape rule must name it in `reads_inputs`",
        ),
        (
            Fault::ReadsTheOutput,
            "doubled: the output cannot be read in backward: the shape rule must set `reads_output`",
        ),
        (Fault::ReadsInputsBeyond, "doubled: input 1 was asked for; there are 1"),
        (Fault::ForgetsTheGradient, "doubled: the gradient of its input 0 is wanted and was not written"),
        (Fault::AsksTwice, "doubled: the gradient of input 0 was asked for twice"),
        (Fault::AsksBeyond, "doubled: the gradient of input 3 was asked for; there are 1"),
        (
            Fault::AsksInPlace,
            "doubled: the gradient of input 0 stands in the output's, as `gradient_in_place` allows; ask by `unary`",
        ),
    ];
    for (fault, words) in told {
        let error = step(fault).unwrap_err();
        assert_eq!((error.message(), error.kind()), (words, ErrorKind::Contract), "{fault:?}");
        assert!(error.location().is_some_and(|place| place.file().ends_with("contract.rs")), "{fault:?}");
    }
    let error = step(Fault::Fails).unwrap_err();
    assert_eq!((error.message(), error.kind()), ("doubled: two is out of stock", ErrorKind::Misuse));
}

/// With debug assertions alone: memory is marked beforehand.
#[test]
#[cfg(debug_assertions)]
fn what_is_left_unwritten_is_seen() {
    let error = step(Fault::LeavesTheResult).unwrap_err();
    assert_eq!(error.message(), "doubled: elements of its result were not written");
    let error = step(Fault::LeavesTheGradient).unwrap_err();
    assert_eq!(error.message(), "doubled: elements of the gradient of input 0 were not written");
}

#[test]
fn shape_rules_that_contradict_themselves_are_refused() {
    for fault in [Fault::DeclaresBeyond, Fault::DifferentiatesBeyond] {
        let error = step(fault).unwrap_err();
        assert_eq!(
            error.message(),
            "doubled(`scale` [3]): its shape rule speaks of inputs beyond the 1 that it has",
            "{fault:?}"
        );
    }
}

/// A number, with a shape rule that says what is asked of it.
struct Constant(fn(&mut Spec));

impl Operation<f32> for Constant {
    fn name(&self) -> &'static str {
        "constant"
    }

    fn infer(&self, _: &[Shape]) -> Result<Spec, String> {
        let mut spec = Spec::new(Shape::scalar(), 0);
        self.0(&mut spec);
        Ok(spec)
    }

    fn forward(&self, run: Forward<'_, f32>) -> Result<(), Error> {
        run.output.fill(7.0);
        Ok(())
    }

    fn backward(&self, _: Backward<'_, f32>) -> Result<(), Error> {
        Ok(())
    }
}

#[test]
fn an_operation_without_inputs_cannot_speak_of_its_first() {
    let parameters = Parameters::new();
    let of = |change: fn(&mut Spec)| {
        let tape = Tape::new(&parameters, 1);
        let plan = tape.infer(&[tape.record(Constant(change), &[])]);
        plan.map(|_| ()).map_err(|error| error.message().to_owned())
    };
    assert_eq!(of(|_| {}), Ok(()));
    let changes: [fn(&mut Spec); 3] =
        [|spec| spec.in_place = true, |spec| spec.gradient_in_place = true, |spec| spec.early_gradient = true];
    for change in changes {
        let expected = "constant(): its shape rule speaks of input 0, and it has no inputs";
        assert_eq!(of(change).unwrap_err(), expected);
    }
    let result = of(|spec| spec.output = Shape::fixed(&[0]));
    assert_eq!(result.unwrap_err(), "constant(): its result [0] has no elements");
    let result = of(|spec| spec.scratch = Some(Shape::fixed(&[usize::MAX, 2])));
    assert!(result.unwrap_err().ends_with("which has too many elements"));
}

/// Fails when told to.
struct Switched(&'static AtomicBool);

impl Operation<f32> for Switched {
    fn name(&self) -> &'static str {
        "switched"
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Spec, String> {
        Ok(Spec::new(inputs[0], 1))
    }

    fn forward(&self, run: Forward<'_, f32>) -> Result<(), Error> {
        run.output.copy_from_slice(run.inputs.get(0)?);
        Ok(())
    }

    fn backward(&self, mut run: Backward<'_, f32>) -> Result<(), Error> {
        if self.0.load(Ordering::Relaxed) {
            return Err(Error::misuse("switched off"));
        }
        if let Some(target) = run.gradients.of(0)?.wanted() {
            target.slice.copy_from_slice(run.output_gradient);
        }
        Ok(())
    }
}

#[test]
fn a_step_after_a_failed_one_is_as_if_it_had_not_been() {
    static OFF: AtomicBool = AtomicBool::new(false);
    let mut parameters = Parameters::new();
    let id = parameters.add("a", &[2]).unwrap();
    parameters.view_mut(id).copy_from_slice(&[1.0, 2.0]);
    let tape = Tape::new(&parameters, 1);
    let y = tape.record(Switched(&OFF), &[tape.square(tape.parameter(id))]);
    let plan = tape.train(tape.sum(y)).unwrap();
    let mut workspace = plan.workspace().unwrap();
    for off in [false, true, false] {
        OFF.store(off, Ordering::Relaxed);
        plan.forward(&parameters, &mut workspace, Split::Serial).unwrap();
        let back = plan.backward(&parameters, &mut workspace, Split::Serial);
        match off {
            true => assert_eq!(back.unwrap_err().message(), "switched: switched off"),
            false => assert_eq!(&workspace.gradients()[parameters.range(id)], &[2.0, 4.0]),
        }
    }
}

#[test]
fn a_frozen_parameter_that_is_not_there_is_refused() {
    let (mut parameters, mut others) = (Parameters::<f32>::new(), Parameters::<f32>::new());
    let a = parameters.add("a", &[2]).unwrap();
    others.add("b", &[2]).unwrap();
    let foreign = others.add("c", &[2]).unwrap();
    let tape = Tape::new(&parameters, 1);
    let loss = tape.sum(tape.parameter(a));
    let error = tape.train_with(loss, TrainOptions { frozen: &[foreign] }).err().unwrap();
    assert_eq!(error.message(), "frozen parameter 1 is not among the 1 of this tape");
    assert_eq!(error.kind(), ErrorKind::Mismatch);
}

/// What the message says to do, done.
#[test]
fn the_advice_about_values_that_are_not_kept_helps() {
    let mut parameters = Parameters::<f32>::new();
    let a = parameters.add("a", &[2]).unwrap();
    let tape = Tape::new(&parameters, 1);
    let h = tape.scale(tape.parameter(a), 2.0);
    let y = tape.sum(h);
    let run = |outputs: &[_]| {
        let plan = tape.infer(outputs).unwrap();
        let mut workspace = plan.workspace().unwrap();
        plan.forward(&parameters, &mut workspace, Split::Serial).unwrap();
        workspace.value(h).map(<[f32]>::to_vec).map_err(|error| error.message().to_owned())
    };
    let expected = "this value is not among the outputs of the plan; name it to `infer`";
    assert_eq!(run(&[y]).unwrap_err(), expected);
    assert_eq!(run(&[y, h]).unwrap(), [0.0; 2]);

    let train = || {
        let plan = tape.train(y).unwrap();
        let mut workspace = plan.workspace().unwrap();
        plan.forward(&parameters, &mut workspace, Split::Serial).unwrap();
        workspace.value(h).map(<[f32]>::to_vec).map_err(|error| error.message().to_owned())
    };
    assert_eq!(train().unwrap_err(), "this value is not kept; name it to `keep` before `train`");
    tape.keep(h);
    assert_eq!(train().unwrap(), [0.0; 2]);
    assert_eq!(run(&[y]).unwrap_err(), expected, "`keep` is for training");
}

/// A loss of one number for each of three: their sum, whose gradient forward can leave. `whole` says whether it does.
struct Early {
    whole: bool,
    twice: bool,
}

impl Operation<f32> for Early {
    fn name(&self) -> &'static str {
        "early"
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Spec, String> {
        let mut spec = Spec::new(Shape::scalar(), inputs.len());
        spec.early_gradient = true;
        Ok(spec)
    }

    fn forward(&self, run: Forward<'_, f32>) -> Result<(), Error> {
        run.output[0] = run.inputs.get(0)?.iter().sum();
        let written = if self.whole { 3 } else { 2 };
        run.early.iter_mut().take(written).for_each(|dx| *dx = 1.0);
        Ok(())
    }

    fn backward(&self, mut run: Backward<'_, f32>) -> Result<(), Error> {
        let dy = run.output_gradient[0];
        if self.twice {
            // The second input first: were the first one's gradient there already, it would be lost.
            run.gradients.of(1)?.wanted().into_iter().for_each(|target| target.slice.fill(0.0));
        }
        let early = run.early;
        if let Some(target) = run.gradients.of(0)?.wanted() {
            for dx in target.slice {
                *dx = match (early, target.accumulate) {
                    (true, false) => *dx * dy,
                    (false, false) => dy,
                    (_, true) => *dx + dy,
                };
            }
        }
        Ok(())
    }
}

fn early_step(operation: Early) -> Result<Vec<f32>, Error> {
    let mut parameters = Parameters::<f32>::new();
    let id = parameters.add("x", &[3])?;
    let tape = Tape::new(&parameters, 1);
    let x = tape.scale(tape.parameter(id), 1.0);
    let inputs: &[_] = if operation.twice { &[x, x] } else { &[x] };
    let plan = tape.train(tape.record(operation, inputs))?;
    let mut workspace = plan.workspace()?;
    workspace.poison();
    plan.forward(&parameters, &mut workspace, Split::Serial)?;
    plan.backward(&parameters, &mut workspace, Split::Serial)?;
    Ok(workspace.gradients()[parameters.range(id)].to_vec())
}

#[test]
fn a_gradient_that_forward_leaves_is_whole_and_of_one_input() {
    assert_eq!(early_step(Early { whole: true, twice: false }).unwrap(), [1.0; 3]);
    assert_eq!(early_step(Early { whole: true, twice: true }).unwrap(), [1.0; 3]);
    if cfg!(debug_assertions) {
        let error = early_step(Early { whole: false, twice: false }).unwrap_err();
        assert_eq!(error.message(), "early: elements of its early gradient were not written");
    }
}

/// `y = x`, whose backward function asks for the pair of gradients twice.
struct AsksForThePairTwice;

impl Operation<f32> for AsksForThePairTwice {
    fn name(&self) -> &'static str {
        "pair"
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Spec, String> {
        let mut spec = Spec::new(inputs[0], 1);
        spec.gradient_in_place = true;
        Ok(spec)
    }

    fn forward(&self, run: Forward<'_, f32>) -> Result<(), Error> {
        run.output.copy_from_slice(run.inputs.get(0)?);
        Ok(())
    }

    fn backward(&self, mut run: Backward<'_, f32>) -> Result<(), Error> {
        run.unary()?;
        run.unary()?;
        Ok(())
    }
}

#[test]
fn the_pair_of_gradients_is_asked_for_once() {
    let mut parameters = Parameters::<f32>::new();
    let id = parameters.add("x", &[3]).unwrap();
    let tape = Tape::new(&parameters, 1);
    let y = tape.record(AsksForThePairTwice, &[tape.scale(tape.parameter(id), 2.0)]);
    let plan = tape.train(tape.sum(y)).unwrap();
    let mut workspace = plan.workspace().unwrap();
    plan.forward(&parameters, &mut workspace, Split::Serial).unwrap();
    let error = plan.backward(&parameters, &mut workspace, Split::Serial).unwrap_err();
    assert_eq!(error.message(), "pair: the gradient of input 0 was asked for twice");
}

#[test]
fn an_input_changed_after_forward_ends_the_step() {
    let mut parameters = Parameters::<f32>::new();
    let table = parameters.add("table", &[4, 2]).unwrap();
    let tape = Tape::new(&parameters, 3);
    let indices = tape.input("indices", Shape::batch(&[1]));
    let plan = tape.train(tape.sum(tape.gather_rows(tape.parameter(table), indices))).unwrap();
    let mut workspace = plan.workspace().unwrap();
    plan.forward(&parameters, &mut workspace, Split::Serial).unwrap();
    workspace.input_mut(indices).unwrap().fill(1e30);
    let error = plan.backward(&parameters, &mut workspace, Split::Serial).unwrap_err();
    assert_eq!(error.message(), "backward without a forward pass before it");
    let error = plan.forward(&parameters, &mut workspace, Split::Serial).unwrap_err();
    assert!(error.message().starts_with("gather_rows: index 0 is"), "{error}");
}
