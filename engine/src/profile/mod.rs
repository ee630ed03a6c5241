//! Where the time of a step goes: every operation of a plan, forward and backward, with its arithmetic.
//!
//! A [`Profile`] runs a plan as [`Plan::forward`](crate::Plan::forward) and [`Plan::backward`](crate::Plan::backward)
//! do, reads the clock between operations, and keeps for each the fastest of all runs, since noise only ever adds. A
//! read of the clock an operation costs some 25 ns.
#![forbid(unsafe_code)]

use crate::tape::{Parameters, Plan, Real, Workspace};
use crate::{Error, Split};
use std::time::{Duration, Instant};

/// The fastest times of one operation.
#[derive(Debug, Clone)]
pub struct OperationTimes {
    /// The operation's name.
    pub name: &'static str,
    /// The parameters it reads.
    pub parameters: Vec<String>,
    /// Additions and multiplications of its forward pass for a full batch.
    pub flops: u64,
    /// Its forward pass.
    pub forward: Duration,
    /// Its backward pass, if it has a part in one.
    pub backward: Option<Duration>,
    /// Whether the gradient of its first input is computed, which costs as much arithmetic again.
    pub input_gradient: bool,
}

/// Times of all operations of a plan, in their order.
#[derive(Debug, Clone)]
pub struct Profile {
    plan: u64,
    operations: Vec<OperationTimes>,
}

impl Profile {
    /// Nothing measured yet.
    pub fn new<T: Real>(plan: &Plan<T>) -> Self {
        let infos = plan.operations().zip(plan.input_gradients());
        let operations = infos.map(|(info, input_gradient)| OperationTimes {
            name: info.name,
            parameters: info.parameters,
            flops: info.flops,
            forward: Duration::MAX,
            backward: info.backward.then_some(Duration::MAX),
            input_gradient,
        });
        Self { plan: plan.id(), operations: operations.collect() }
    }

    /// Runs the plan once, forward and, if it has a backward pass, backward, and keeps what was faster than before.
    ///
    /// # Errors
    /// Parameters or a workspace of another plan, or a profile of another plan.
    pub fn run<T: Real>(
        &mut self,
        plan: &Plan<T>,
        parameters: &Parameters<T>,
        workspace: &mut Workspace<T>,
        split: Split,
    ) -> Result<(), Error> {
        if self.plan != plan.id() {
            return Err(Error::mismatch("a profile of another plan"));
        }
        let mut last = Instant::now();
        let mut lap = || {
            let now = Instant::now();
            now - std::mem::replace(&mut last, now)
        };
        plan.forward_with(parameters, workspace, split, &mut |index| match index {
            None => drop(lap()),
            Some(index) => self.operations[index].forward = self.operations[index].forward.min(lap()),
        })?;
        if !plan.is_trainable() {
            return Ok(());
        }
        plan.backward_with(parameters, workspace, split, &mut |index| match index {
            None => drop(lap()),
            Some(index) => {
                let time = lap();
                self.operations[index].backward = self.operations[index].backward.map(|before| before.min(time));
            }
        })
    }

    /// What was measured.
    pub fn operations(&self) -> &[OperationTimes] {
        &self.operations
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gemm::Activation;
    use crate::{Shape, Tape};

    #[test]
    fn every_operation_is_timed_and_the_results_are_those_of_a_run() {
        let mut parameters = Parameters::<f32>::new();
        let weight = parameters.add("weight", &[3, 3]).unwrap();
        parameters.view_mut(weight).fill(0.5);
        let tape = Tape::new(&parameters, 2);
        let x = tape.input("x", Shape::batch(&[3]));
        let h = tape.linear(x, tape.parameter(weight), None, Activation::Tanh);
        let y = tape.linear(h, tape.parameter(weight), None, Activation::Identity);
        let plan = tape.train(tape.mean(tape.square(y))).unwrap();
        let mut profile = Profile::new(&plan);
        let mut workspace = plan.workspace().unwrap();
        workspace.input_mut(x).unwrap().fill(1.0);
        profile.run(&plan, &parameters, &mut workspace, Split::Serial).unwrap();
        let gradients = workspace.gradients().to_vec();
        plan.forward(&parameters, &mut workspace, Split::Serial).unwrap();
        plan.backward(&parameters, &mut workspace, Split::Serial).unwrap();
        assert_eq!(gradients, workspace.gradients());
        let timed = profile.operations();
        assert!(timed.iter().all(|times| times.forward < Duration::MAX && times.backward < Some(Duration::MAX)));
        assert_eq!([timed[0].input_gradient, timed[1].input_gradient], [false, true]);
        let other = tape.infer(&[y]).unwrap();
        let mut workspace = other.workspace().unwrap();
        assert!(profile.run(&other, &parameters, &mut workspace, Split::Serial).is_err());
    }
}
