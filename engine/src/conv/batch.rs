//! Batches that threads share: images one after the other, and what goes with every chunk of them.
#![forbid(unsafe_code)]

use crate::base::parallel::Halve;

/// Images, results or planes, one after the other; cut between them.
pub(crate) struct Images<'a, T> {
    pub(crate) data: &'a [T],
    pub(crate) each: usize,
}

impl<'a, T> Images<'a, T> {
    pub(crate) fn each(&self) -> std::slice::ChunksExact<'a, T> {
        self.data.chunks_exact(self.each)
    }
}

impl<T: Sync> Halve for Images<'_, T> {
    fn len(&self) -> usize {
        self.data.len() / self.each
    }

    fn split_at(self, at: usize) -> (Self, Self) {
        let (a, b) = self.data.split_at(at * self.each);
        (Self { data: a, each: self.each }, Self { data: b, each: self.each })
    }
}

/// The same, to be written.
pub(crate) struct ImagesMut<'a, T> {
    pub(crate) data: &'a mut [T],
    pub(crate) each: usize,
}

impl<T: Send> Halve for ImagesMut<'_, T> {
    fn len(&self) -> usize {
        self.data.len() / self.each
    }

    fn split_at(self, at: usize) -> (Self, Self) {
        let (a, b) = self.data.split_at_mut(at * self.each);
        (Self { data: a, each: self.each }, Self { data: b, each: self.each })
    }
}

/// Something that may not be there, beside something that is.
impl<P: Halve> Halve for Option<P> {
    fn len(&self) -> usize {
        self.as_ref().map_or(0, Halve::len)
    }

    fn split_at(self, at: usize) -> (Self, Self) {
        self.map(|part| part.split_at(at)).unzip()
    }
}

/// `each` elements for every `chunk` images; cut between chunks.
pub(super) struct ChunkMemory<'a, T> {
    pub(super) data: &'a mut [T],
    pub(super) each: usize,
    pub(super) chunk: usize,
}

impl<T: Send> Halve for ChunkMemory<'_, T> {
    fn len(&self) -> usize {
        self.data.len().checked_div(self.each).unwrap_or(usize::MAX / self.chunk) * self.chunk
    }

    fn split_at(self, at: usize) -> (Self, Self) {
        let (a, b) = self.data.split_at_mut(at / self.chunk * self.each);
        (Self { data: a, each: self.each, chunk: self.chunk }, Self { data: b, each: self.each, chunk: self.chunk })
    }
}
