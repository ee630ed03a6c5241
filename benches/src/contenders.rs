//! Us and the others, behind one call: multiply these operands with that many threads.
//!
//! Without the feature `peers` there is only us. OpenBLAS is opened at run time, so that nothing is linked and a
//! machine without it loses one column, not the build.

use crate::product::Product;
use narrows_engine::{Real, Split};

type Run<T> = Box<dyn Fn(&mut Product<T>, usize) + Send + Sync>;

/// An element type that the peers know too.
pub trait Element: Real {
    /// Everybody but us.
    fn peers() -> Vec<Contender<Self>>;
}

#[cfg(not(feature = "peers"))]
impl Element for f32 {
    fn peers() -> Vec<Contender<Self>> {
        Vec::new()
    }
}

#[cfg(not(feature = "peers"))]
impl Element for f64 {
    fn peers() -> Vec<Contender<Self>> {
        Vec::new()
    }
}

/// Somebody who multiplies matrices.
pub struct Contender<T> {
    /// As the tables call it.
    pub name: &'static str,
    /// The numbers of threads that it can be told.
    pub threads: &'static [usize],
    run: Run<T>,
}

impl<T: Element> Contender<T> {
    /// Multiplies. Call it inside a pool of `threads` (see [`crate::within`]).
    pub fn run(&self, product: &mut Product<T>, threads: usize) {
        (self.run)(product, threads);
    }

    /// Multiplies once and checks the result.
    pub fn verify(&self, product: &mut Product<T>, threads: usize) {
        product.spoil();
        self.run(product, threads);
        product.check(self.name);
    }
}

/// How we split over `threads`.
pub fn split(threads: usize) -> Split {
    if threads == 1 { Split::Serial } else { Split::Rayon }
}

/// Everybody there is, us first. Call it before any thread of yours is started.
pub fn all<T: Element>() -> Vec<Contender<T>> {
    let ours: Run<T> = Box::new(|product, threads| product.ours(split(threads)));
    let mut all = vec![Contender { name: "narrows", threads: &[1, 2], run: ours }];
    all.extend(T::peers());
    all
}

#[cfg(feature = "peers")]
mod peers {
    use super::{Contender, Element, Product, Run};
    use crate::shapes::Shape;
    use libloading::Library;
    use std::ffi::{CStr, c_char, c_int};
    use std::sync::atomic::{AtomicI32, Ordering::Relaxed};

    /// Row-major, and whether an operand is transposed, as CBLAS numbers them.
    const ROW_MAJOR: c_int = 101;
    const PLAIN: c_int = 111;
    const TRANSPOSED: c_int = 112;

    /// `order, transA, transB, M, N, K, alpha, A, lda, B, ldb, beta, C, ldc`
    type Blas<T> = unsafe extern "C" fn(
        c_int,
        c_int,
        c_int,
        c_int,
        c_int,
        c_int,
        T,
        *const T,
        c_int,
        *const T,
        c_int,
        T,
        *mut T,
        c_int,
    );
    type SetThreads = unsafe extern "C" fn(c_int);
    type GetText = unsafe extern "C" fn() -> *const c_char;

    macro_rules! element {
        ($t:ident, $multiply:ident, $blas:literal) => {
            impl Element for $t {
                fn peers() -> Vec<Contender<Self>> {
                    limit_matrixmultiply();
                    let multiply: Run<$t> = Box::new(|product, _| {
                        let Shape { m, n, k, .. } = product.shape;
                        let (a, b) = product.strides();
                        let [a_row, a_col, b_row, b_col] = [a[0], a[1], b[0], b[1]].map(|stride| stride as isize);
                        let (x, y) = (product.a.as_slice().as_ptr(), product.b.as_slice().as_ptr());
                        let c = product.c.as_mut_slice().as_mut_ptr();
                        // SAFETY: the strides are those of buffers of M K, K N and M N elements, and C is not A or B.
                        unsafe {
                            matrixmultiply::$multiply(
                                m, k, n, 1.0, x, a_row, a_col, y, b_row, b_col, 0.0, c, n as isize, 1,
                            );
                        }
                    });
                    let mut all = vec![Contender { name: "gemm", threads: &[1, 2], run: Box::new(gemm) }];
                    match openblas($blas) {
                        Some(run) => all.push(Contender { name: "OpenBLAS", threads: &[1, 2], run }),
                        None => eprintln!("OpenBLAS is not installed (Debian: libopenblas-dev); skipped"),
                    }
                    // It reads its number of threads once per process.
                    all.push(Contender { name: "matrixmultiply", threads: &[2], run: multiply });
                    all
                }
            }
        };
    }

    element!(f32, sgemm, "cblas_sgemm");
    element!(f64, dgemm, "cblas_dgemm");

    /// Gives `matrixmultiply` two threads, before OpenBLAS is loaded and starts its own.
    fn limit_matrixmultiply() {
        static ONCE: std::sync::Once = std::sync::Once::new();
        ONCE.call_once(|| {
            if std::env::var_os("MATMUL_NUM_THREADS").is_none() {
                // SAFETY: `super::all` asks to be called before other threads run, and this is the first thing that
                // it does, so nobody reads the environment now.
                unsafe { std::env::set_var("MATMUL_NUM_THREADS", "2") };
            }
        });
    }

    fn gemm<T: Element>(product: &mut Product<T>, threads: usize) {
        let Shape { m, n, k, .. } = product.shape;
        let (a, b) = product.strides();
        let [a_row, a_col, b_row, b_col] = [a[0], a[1], b[0], b[1]].map(|stride| stride as isize);
        let parallelism = if threads == 1 { gemm::Parallelism::None } else { gemm::Parallelism::Rayon(threads) };
        let (x, y, c) = (product.a.as_slice(), product.b.as_slice(), product.c.as_mut_slice().as_mut_ptr());
        // SAFETY: the strides are those of buffers of M K, K N and M N elements, and C is not A or B.
        unsafe {
            gemm::gemm(
                m,
                n,
                k,
                c,
                1,
                n as isize,
                false,
                x.as_ptr(),
                a_col,
                a_row,
                y.as_ptr(),
                b_col,
                b_row,
                T::ZERO,
                T::ONE,
                false,
                false,
                false,
                parallelism,
            );
        }
    }

    /// The number of threads that OpenBLAS was told last.
    static LAST: AtomicI32 = AtomicI32::new(0);

    /// OpenBLAS's product, if the system has the library.
    fn openblas<T: Element>(name: &str) -> Option<Run<T>> {
        // SAFETY: loading OpenBLAS starts its threads and has no other effect; it is never unloaded.
        let library: &'static Library = Box::leak(Box::new(unsafe { Library::new("libopenblas.so.0") }.ok()?));
        // SAFETY: these are the signatures of CBLAS and of OpenBLAS's own call, with its usual 32-bit integers.
        let (multiply, set_threads) = unsafe {
            let multiply = *library.get::<Blas<T>>(name).ok()?;
            (multiply, *library.get::<SetThreads>("openblas_set_num_threads").ok()?)
        };
        // SAFETY: both return a string of the library's own, ended by a zero.
        let text = |name: &str| unsafe {
            let get = library.get::<GetText>(name).ok()?;
            Some(CStr::from_ptr(get()).to_string_lossy().into_owned())
        };
        // An old version does not know a new processor and takes the kernels of a lesser one.
        if let Some((config, core)) = text("openblas_get_config").zip(text("openblas_get_corename")) {
            eprintln!("{}, with the kernels for {core}", config.trim());
        }
        Some(Box::new(move |product, threads| {
            let Shape { m, n, k, a_transposed, b_transposed } = product.shape;
            let [m, n, k, threads] = [m, n, k, threads].map(|size| size as c_int);
            let (a, lda) = if a_transposed { (TRANSPOSED, m) } else { (PLAIN, k) };
            let (b, ldb) = if b_transposed { (TRANSPOSED, k) } else { (PLAIN, n) };
            let (x, y) = (product.a.as_slice().as_ptr(), product.b.as_slice().as_ptr());
            let c = product.c.as_mut_slice().as_mut_ptr();
            // SAFETY: A, B and C hold M K, K N and M N elements with these leading dimensions, and C is not A or B.
            unsafe {
                // The two element types share the library, and with it the number.
                if LAST.swap(threads, Relaxed) != threads {
                    set_threads(threads);
                }
                multiply(ROW_MAJOR, a, b, m, n, k, T::ONE, x, lda, y, ldb, T::ZERO, c, n);
            }
        }))
    }
}
