//! How threads share work: one choice by the caller, then only `join`.
//!
//! Everything splits over outputs, or over chunks whose size does not depend on the number of threads, so the same
//! bits come out at any count. The library never configures rayon's global pool.

use super::Error;

/// Which threads a computation may use.
#[derive(Debug, Clone, Copy, Default)]
pub enum Threads<'a> {
    /// The calling thread alone.
    One,
    /// The rayon pool that the caller is in, or rayon's global one.
    #[default]
    Current,
    /// This pool.
    #[cfg(feature = "threads")]
    Pool(&'a rayon::ThreadPool),
    /// Never made; keeps the lifetime in use without the `threads` feature.
    #[doc(hidden)]
    #[cfg(not(feature = "threads"))]
    Never(std::convert::Infallible, std::marker::PhantomData<&'a ()>),
}

impl Threads<'_> {
    /// Runs `work` where it should run: inside the pool, if there is one. Enter once around a whole training loop;
    /// entering a pool from outside allocates, and everything below only joins.
    pub fn run<R: Send>(self, work: impl FnOnce(Split) -> R + Send) -> R {
        match self {
            Threads::One => work(Split::Serial),
            #[cfg(feature = "threads")]
            Threads::Current => {
                if rayon::current_num_threads() < 2 {
                    work(Split::Serial)
                } else if rayon::current_thread_index().is_some() {
                    work(Split::Rayon)
                } else {
                    // `scope` moves the caller into the global pool for the length of the work.
                    rayon::scope(|_| work(Split::Rayon))
                }
            }
            #[cfg(feature = "threads")]
            Threads::Pool(pool) => {
                let split = if pool.current_num_threads() < 2 { Split::Serial } else { Split::Rayon };
                pool.install(|| work(split))
            }
            #[cfg(not(feature = "threads"))]
            _ => work(Split::Serial),
        }
    }
}

/// Whether a kernel may hand parts of its work to the pool that it runs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Split {
    /// Everything on this thread.
    Serial,
    /// Halves may be stolen by the pool's other threads.
    Rayon,
}

impl Split {
    /// Runs both, possibly at the same time.
    #[inline]
    pub fn join(self, a: impl FnOnce() + Send, b: impl FnOnce() + Send) {
        let (mut a, mut b) = (Some(a), Some(b));
        self.join_dyn(&mut || a.take().into_iter().for_each(|a| a()), &mut || b.take().into_iter().for_each(|b| b()));
    }

    /// [`Self::join`] behind pointers to functions: rayon's machinery is compiled once and not for every pair of
    /// closures, which was an eighth of what the compiler was given for a program with a few dozen of them. A call more
    /// a join.
    fn join_dyn(self, a: &mut (dyn FnMut() + Send), b: &mut (dyn FnMut() + Send)) {
        #[cfg(feature = "threads")]
        if self == Split::Rayon {
            rayon::join(a, b);
            return;
        }
        a();
        b();
    }

    /// Runs `work` once on every thread that may take part.
    pub(crate) fn everywhere(self, work: impl Fn() + Sync) {
        #[cfg(feature = "threads")]
        if self == Split::Rayon {
            rayon::broadcast(|_| work());
            return;
        }
        work();
    }

    /// How many threads may take part.
    pub fn threads(self) -> usize {
        #[cfg(feature = "threads")]
        if self == Split::Rayon {
            return rayon::current_num_threads();
        }
        1
    }

    /// `self` for at least `gate` elements, else serial: below it, waking a thread costs more than it saves.
    pub fn gated(self, elements: usize, gate: usize) -> Split {
        if elements >= gate { self } else { Split::Serial }
    }

    /// Runs `work(range)` over `0..len` cut at multiples of `grain`, by recursive halving.
    pub fn ranges(self, len: usize, grain: usize, work: &(impl Fn(std::ops::Range<usize>) + Sync)) {
        self.halve(0..len, grain.max(1), work);
    }

    fn halve(self, range: std::ops::Range<usize>, grain: usize, work: &(impl Fn(std::ops::Range<usize>) + Sync)) {
        let len = range.end - range.start;
        if self == Split::Serial || len <= grain {
            work(range);
            return;
        }
        let middle = range.start + (len / 2).next_multiple_of(grain);
        if middle >= range.end {
            work(range);
            return;
        }
        self.join(|| self.halve(range.start..middle, grain, work), || self.halve(middle..range.end, grain, work));
    }
}

/// Something that can be cut in two, so that two threads work on it.
pub(crate) trait Halve: Sized + Send {
    /// How many elements.
    fn len(&self) -> usize;
    /// The first `at` elements and the rest.
    fn split_at(self, at: usize) -> (Self, Self);
}

impl<T: Sync> Halve for &[T] {
    fn len(&self) -> usize {
        (**self).len()
    }

    fn split_at(self, at: usize) -> (Self, Self) {
        self.split_at(at)
    }
}

impl<T: Send> Halve for &mut [T] {
    fn len(&self) -> usize {
        (**self).len()
    }

    fn split_at(self, at: usize) -> (Self, Self) {
        self.split_at_mut(at)
    }
}

impl<A: Halve, B: Halve> Halve for (A, B) {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn split_at(self, at: usize) -> (Self, Self) {
        let ((a, c), (b, d)) = (self.0.split_at(at), self.1.split_at(at));
        ((a, b), (c, d))
    }
}

/// A slice seen as rows of `width` elements, to be shared row by row.
pub(crate) struct RowsMut<'a, T> {
    pub(crate) slice: &'a mut [T],
    pub(crate) width: usize,
}

impl<T: Send> Halve for RowsMut<'_, T> {
    fn len(&self) -> usize {
        self.slice.len() / self.width
    }

    fn split_at(self, at: usize) -> (Self, Self) {
        let (a, b) = self.slice.split_at_mut(at * self.width);
        (Self { slice: a, width: self.width }, Self { slice: b, width: self.width })
    }
}

/// The numbers of things, cut where the things are.
pub(crate) struct Numbers(pub(crate) std::ops::Range<usize>);

impl Halve for Numbers {
    fn len(&self) -> usize {
        self.0.end - self.0.start
    }

    fn split_at(self, at: usize) -> (Self, Self) {
        let middle = self.0.start + at;
        (Self(self.0.start..middle), Self(middle..self.0.end))
    }
}

/// One result for every `chunk` elements of what it goes with; the last chunk may be shorter.
pub(crate) struct PerChunk<'a, T> {
    pub(crate) results: &'a mut [T],
    pub(crate) chunk: usize,
}

impl<T: Send> Halve for PerChunk<'_, T> {
    fn len(&self) -> usize {
        self.results.len() * self.chunk
    }

    fn split_at(self, at: usize) -> (Self, Self) {
        let (a, b) = self.results.split_at_mut(at / self.chunk);
        (Self { results: a, chunk: self.chunk }, Self { results: b, chunk: self.chunk })
    }
}

/// A slice that knows where it begins in the whole that it was cut from.
pub(crate) struct Placed<'a, T> {
    pub(crate) slice: &'a mut [T],
    pub(crate) from: usize,
}

impl<T: Send> Halve for Placed<'_, T> {
    fn len(&self) -> usize {
        self.slice.len()
    }

    fn split_at(self, at: usize) -> (Self, Self) {
        let (a, b) = self.slice.split_at_mut(at);
        (Self { slice: a, from: self.from }, Self { slice: b, from: self.from + at })
    }
}

impl Split {
    /// Runs `work` on `items`, cut at multiples of `grain` elements so that threads can share them.
    pub(crate) fn parts<P: Halve>(self, items: P, grain: usize, work: &(impl Fn(P) + Sync)) {
        let len = items.len();
        let middle = (len / 2).next_multiple_of(grain.max(1));
        if self == Split::Serial || len <= grain || middle >= len {
            work(items);
            return;
        }
        let (a, b) = items.split_at(middle);
        self.join(|| self.parts(a, grain, work), || self.parts(b, grain, work));
    }

    /// [`Self::parts`] for work that can fail: of several errors, that of the first part in order, whichever thread was
    /// faster.
    ///
    /// # Errors
    /// As `work`'s.
    pub(crate) fn try_parts<P: Halve>(
        self,
        items: P,
        grain: usize,
        work: &(impl Fn(P) -> Result<(), Error> + Sync),
    ) -> Result<(), Error> {
        let len = items.len();
        let middle = (len / 2).next_multiple_of(grain.max(1));
        if self == Split::Serial || len <= grain || middle >= len {
            return work(items);
        }
        let (a, b) = items.split_at(middle);
        let (mut first, mut second) = (Ok(()), Ok(()));
        self.join(|| first = self.try_parts(a, grain, work), || second = self.try_parts(b, grain, work));
        first.and(second)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn ranges_cover_everything_once() {
        for (len, grain) in [(0, 4), (1, 4), (4, 4), (5, 4), (1000, 7), (64, 64)] {
            let seen: Vec<AtomicUsize> = (0..len).map(|_| AtomicUsize::new(0)).collect();
            Threads::Current.run(|split| {
                split.ranges(len, grain, &|range| {
                    assert!(range.start % grain == 0);
                    range.for_each(|i| {
                        seen[i].fetch_add(1, Ordering::Relaxed);
                    });
                });
            });
            assert!(seen.iter().all(|count| count.load(Ordering::Relaxed) == 1));
        }
    }
    #[test]
    fn the_first_error_wins() {
        let fail = |items: &[usize]| match items.iter().find(|&&item| item >= 700) {
            Some(item) => Err(Error::misuse(item.to_string())),
            None => Ok(()),
        };
        let items: Vec<usize> = (0..1000).collect();
        for wanted in [None, Some("700")] {
            let items = if wanted.is_some() { &items[..] } else { &items[..700] };
            Threads::Current.run(|split| {
                let found = split.try_parts(items, 10, &fail);
                assert_eq!(found.err().as_ref().map(Error::message), wanted);
            });
        }
    }
}
