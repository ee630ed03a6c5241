//! Parameters: one flat buffer with named, shaped views, each starting on a cache line.
//!
//! Gradients and the optimisers' moments are flat buffers of the same layout, so that one pass updates everything.
//! The gaps between the views hold zeros and stay zero under every optimiser.

use super::{Real, Shape};
use crate::Error;
use crate::simd::Buffer;
use std::ops::Range;

/// The handle of one parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ParameterId(pub(crate) usize);

impl ParameterId {
    /// Its number, in the order of adding.
    pub fn index(self) -> usize {
        self.0
    }
}

/// A parameter's name, shape and place.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) shape: Shape,
    pub(crate) range: Range<usize>,
}

/// All parameters of a model.
#[derive(Debug, Default)]
pub struct Parameters<T> {
    entries: Vec<Entry>,
    values: Buffer<T>,
    /// A fingerprint of names, sizes and places, by which a plan knows the parameters that it was made over.
    layout: u64,
    /// Where numbers are only counted: how many there may be at most.
    counting: Option<usize>,
}

/// FNV-1a (Fowler, Noll and Vo 1991), continued from `hash`.
fn fingerprint(hash: u64, bytes: impl IntoIterator<Item = u8>) -> u64 {
    bytes.into_iter().fold(hash, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

impl<T: Real> Parameters<T> {
    /// None yet.
    pub fn new() -> Self {
        Self { entries: Vec::new(), values: Buffer::default(), layout: 0, counting: None }
    }

    /// None yet, and none that will hold a number: names and sizes are noted and counted, so that what a model needs is
    /// known before memory is reserved for it. More than `most` numbers are an error.
    pub fn counting(most: usize) -> Self {
        Self { counting: Some(most), ..Self::new() }
    }

    /// Adds a parameter of zeros. Add all before recording a tape over them.
    ///
    /// # Errors
    /// A name that is empty or taken, a shape without elements or too large, no memory.
    pub fn add(&mut self, name: &str, sizes: &[usize]) -> Result<ParameterId, Error> {
        let shape = Shape::fixed(sizes);
        if name.is_empty() || self.find(name).is_some() {
            return Err(Error::mismatch(format!("parameter name `{name}` is empty or taken already")));
        }
        if !shape.fits(1) || shape.elements(1) == 0 {
            return Err(Error::shape(format!("parameter `{name}`: shape {shape} has no elements or too many")));
        }
        let line = 64 / size_of::<T>();
        let start = self.entries.last().map_or(0, |last| last.range.end.next_multiple_of(line));
        let end = start.checked_add(shape.elements(1)).and_then(|end| end.checked_next_multiple_of(line));
        let end = end.ok_or_else(|| Error::shape(format!("parameter `{name}`: shape {shape} is too large")))?;
        match self.counting {
            None => self.values.grow(end)?,
            Some(most) if self.count().saturating_add(shape.elements(1)) > most => {
                return Err(Error::shape(format!(
                    "parameter `{name}`: shape {shape} is more than {most} numbers allow"
                )));
            }
            Some(_) => {}
        }
        let numbers = [sizes.len(), start].into_iter().chain(sizes.iter().copied());
        let hash = fingerprint(self.layout ^ 0xcbf2_9ce4_8422_2325, name.bytes().chain([0xff]));
        self.layout = fingerprint(hash, numbers.flat_map(|n| (n as u64).to_le_bytes()));
        self.entries.push(Entry { name: name.into(), shape, range: start..start + shape.elements(1) });
        Ok(ParameterId(self.entries.len() - 1))
    }

    /// Makes room for as many numbers as others have, counted or held, so that adding the same moves nothing.
    ///
    /// # Errors
    /// No memory.
    pub fn reserve_like(&mut self, others: &Self) -> Result<(), Error> {
        let line = 64 / size_of::<T>();
        let len = others.entries.last().map_or(0, |last| last.range.end.next_multiple_of(line));
        self.values.reserve(len)
    }

    /// The handles in the order of their adding.
    pub fn ids(&self) -> impl Iterator<Item = ParameterId> + use<T> {
        (0..self.entries.len()).map(ParameterId)
    }

    /// The parameter of this name.
    pub fn find(&self, name: &str) -> Option<ParameterId> {
        self.entries.iter().position(|entry| entry.name == name).map(ParameterId)
    }

    /// Its name; empty for a handle that is not of these parameters, as everything below.
    pub fn name(&self, id: ParameterId) -> &str {
        self.entries.get(id.0).map_or("", |entry| &entry.name)
    }

    /// Its sizes.
    pub fn sizes(&self, id: ParameterId) -> &[usize] {
        self.entries.get(id.0).map_or(&[], |entry| entry.shape.sizes())
    }

    /// Its place in the flat buffers.
    pub fn range(&self, id: ParameterId) -> Range<usize> {
        self.entries.get(id.0).map_or(0..0, |entry| entry.range.clone())
    }

    /// Its values, row-major; none where numbers are only counted.
    pub fn view(&self, id: ParameterId) -> &[T] {
        self.values.as_slice().get(self.range(id)).unwrap_or(&[])
    }

    /// Its values, to be changed.
    pub fn view_mut(&mut self, id: ParameterId) -> &mut [T] {
        let range = self.range(id);
        self.values.as_mut_slice().get_mut(range).unwrap_or(&mut [])
    }

    /// All values with the gaps between them: the layout that gradients and moments share.
    pub fn flat(&self) -> &[T] {
        self.values.as_slice()
    }

    /// All values, to be changed. Leave the gaps at zero.
    pub fn flat_mut(&mut self) -> &mut [T] {
        self.values.as_mut_slice()
    }

    /// How many numbers the parameters hold, gaps not counted.
    pub fn count(&self) -> usize {
        self.entries.iter().map(|entry| entry.range.len()).sum()
    }

    pub(crate) fn layout(&self) -> u64 {
        self.layout
    }

    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// A copy.
    ///
    /// # Errors
    /// No memory.
    pub fn try_clone(&self) -> Result<Self, Error> {
        Ok(Self { entries: self.entries.clone(), values: self.values.try_clone()?, ..*self })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn views_are_aligned_and_named() {
        let mut parameters = Parameters::<f32>::new();
        let a = parameters.add("a", &[3, 5]).unwrap();
        let b = parameters.add("b", &[2]).unwrap();
        parameters.view_mut(a).fill(1.0);
        parameters.view_mut(b).fill(2.0);
        assert_eq!(parameters.view(a), &[1.0; 15]);
        assert_eq!(parameters.range(b).start % 16, 0);
        assert_eq!(parameters.flat().iter().sum::<f32>(), 19.0);
        assert_eq!((parameters.count(), parameters.find("b")), (17, Some(b)));
        assert!(parameters.add("a", &[1]).is_err());
        assert!(parameters.add("c", &[0]).is_err());
        assert!(parameters.add("d", &[usize::MAX, 3]).is_err());
    }

    #[test]
    fn counting_holds_nothing_and_has_a_limit() {
        let mut counted = Parameters::<f32>::counting(100);
        let a = counted.add("a", &[9, 10]).unwrap();
        assert_eq!((counted.count(), counted.view(a).len(), counted.flat().len()), (90, 0, 0));
        assert!(counted.add("b", &[11]).unwrap_err().to_string().contains("100 numbers"));
        let mut held = Parameters::new();
        held.reserve_like(&counted).unwrap();
        held.add("a", &[9, 10]).unwrap();
        assert_eq!((held.range(a), held.view(a).len()), (counted.range(a), 90));
    }

    #[test]
    fn a_foreign_handle_is_empty() {
        let mut parameters = Parameters::<f32>::new();
        let id = ParameterId(3);
        assert_eq!((parameters.name(id), parameters.sizes(id), parameters.range(id)), ("", &[][..], 0..0));
        assert!(parameters.view(id).is_empty() && parameters.view_mut(id).is_empty());
    }

    #[test]
    fn layouts_are_told_apart() {
        let layout = |entries: &[(&str, &[usize])]| {
            let mut parameters = Parameters::<f32>::new();
            for (name, sizes) in entries {
                parameters.add(name, sizes).unwrap();
            }
            assert_eq!(parameters.try_clone().unwrap().layout(), parameters.layout());
            parameters.layout()
        };
        let first = layout(&[("a", &[2, 3]), ("b", &[4])]);
        assert_eq!(first, layout(&[("a", &[2, 3]), ("b", &[4])]));
        for other in [layout(&[("a", &[3, 2]), ("b", &[4])]), layout(&[("b", &[2, 3]), ("a", &[4])]), layout(&[])] {
            assert_ne!(first, other);
        }
    }
}
