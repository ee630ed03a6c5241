//! A step with convolutions, pooling and unpooling allocates nothing, on one thread and on two. A test of its own, for
//! it counts every allocation of the process. (`models/tests/allocation.rs` has the training loop's.)

#![cfg(feature = "threads")]

use narrows_engine::conv::Pool;
use narrows_engine::gemm::Activation::{Identity, Relu};
use narrows_engine::ops::{ConvOptions, ConvTransposeOptions, Reduction};
use narrows_engine::optim::{Adam, Lamb, Optimizer, StepOptions, global_norm};
use narrows_engine::random::fill_uniform;
use narrows_engine::{Context, Parameters, Shape, Tape, Threads, gemm};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering};

static COUNT: AtomicU64 = AtomicU64::new(0);

struct Counting;

// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.fetch_add(1, Ordering::Relaxed);
        // SAFETY: passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn a_convolutional_step_allocates_nothing() {
    let mut parameters = Parameters::<f32>::new();
    let sizes: [&[usize]; 10] =
        [&[8, 1, 3, 3], &[8], &[4, 4, 3, 3], &[4], &[4, 8, 3, 3], &[8], &[1, 8, 1, 1], &[1], &[8, 8, 3, 3], &[8]];
    let mut ids = Vec::new();
    for (i, sizes) in sizes.into_iter().enumerate() {
        let id = parameters.add(&format!("p{i}"), sizes).unwrap();
        fill_uniform(0, i as u64, 0, -0.3, 0.3, parameters.view_mut(id));
        ids.push(id);
    }
    let tape = Tape::new(&parameters, 64);
    let x = tape.input("x", Shape::batch(&[1, 28, 28]));
    let of = |i: usize| (tape.parameter(ids[2 * i]), Some(tape.parameter(ids[2 * i + 1])));
    let same = ConvOptions::default().padding(1);
    let h = tape.conv2d(x, of(0).0, of(0).1, same, Relu);
    let (h, switches) = tape.max_pool2d_with_switches(h, Pool::new(2));
    let small = tape.conv2d(h, of(1).0, of(1).1, same.stride(2).groups(2), Relu);
    let back = {
        let options = ConvTransposeOptions::from(same.stride(2)).output_padding(1);
        tape.conv_transpose2d(small, of(2).0, of(2).1, options, Relu)
    };
    let large = tape.max_unpool2d(back, switches, [28, 28]);
    let near = tape.upsample_nearest2d(tape.avg_pool2d(large, Pool::new(2)), [2, 2]);
    let h = tape.conv2d_max_pool2d(tape.add(large, near), of(4).0, of(4).1, same, Pool::new(2).ceil(), Relu);
    let y = tape.upsample_nearest_conv2d(h, [2, 2], of(3).0, of(3).1, [0, 0], Identity);
    let plan = tape.train(tape.binary_cross_entropy(y, x, Reduction::Mean)).unwrap();
    for threads in [1, 2] {
        let mut workspace = plan.workspace().unwrap();
        workspace.set_rows(64).unwrap();
        fill_uniform(1, 0, 0, 0.0, 1.0, workspace.input_mut(x).unwrap());
        let mut adam = Optimizer::new(Adam::default(), &parameters).unwrap();
        let mut lamb = Optimizer::new(Lamb::default(), &parameters).unwrap();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let allocated = Threads::Pool(&pool).run(|split| {
            gemm::warm_up::<f32>(Context { backend: plan.backend(), split });
            let mut step = || {
                plan.forward(&parameters, &mut workspace, split).unwrap();
                plan.backward(&parameters, &mut workspace, split).unwrap();
                let norm = global_norm(&plan, &workspace, split).unwrap();
                assert!(norm.is_finite());
                adam.step(&plan, &mut parameters, &workspace, StepOptions::new(1e-4), split).unwrap();
                lamb.step(&plan, &mut parameters, &workspace, StepOptions::new(1e-4), split).unwrap();
            };
            (0..10).for_each(|_| step());
            // What a thread does for the first time may come late on a busy machine (rayon allocates at a thread's
            // first theft); what every step does comes in every window.
            let mut window = || {
                let before = COUNT.load(Ordering::Relaxed);
                (0..20).for_each(|_| step());
                COUNT.load(Ordering::Relaxed) - before
            };
            (0..6).map(|_| window()).find(|&count| count == 0).unwrap_or_else(window)
        });
        assert_eq!(allocated, 0, "{allocated} allocations in each of seven windows of 20 steps on {threads} threads");
    }
}
