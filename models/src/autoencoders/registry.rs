//! Types by name. A type is one file and one line in the list below; a type of somebody else's crate is added to a
//! [`Registry`] of theirs.

use super::autoencoder::Autoencoder;
use super::sample::Sample;
use crate::settings::Settings;
use crate::suggest::unknown;
use crate::{Error, Result};
use narrows_engine::{Parameters, Real};
use std::fmt::Debug;

/// A type of autoencoder: its name, its settings, and what builds one.
pub trait Type: Debug + Send + Sync + 'static {
    /// Its keys.
    type Settings: Settings + Clone;

    /// Its name.
    const NAME: &'static str;

    /// What it is, in a few words.
    const ABOUT: &'static str;

    /// Keys of the training that this type has other defaults for.
    const TRAINING: &'static [(&'static str, &'static str)] = &[];

    /// Its defaults: for the embedded digits of 64 numbers, a model that trains in seconds and shows what its type is for.
    fn settings() -> Self::Settings;

    /// Settles what the settings leave to the data, and says what it chose, in words.
    ///
    /// # Errors
    /// Settings that do not fit the data.
    fn settle(settings: &mut Self::Settings, sample: &Sample) -> Result<Vec<String>>;

    /// Adds the parameters of an autoencoder and gives it.
    ///
    /// # Errors
    /// Settings that make no sense for such data, or contradict each other; sizes that are too large.
    fn build<T: Real>(
        settings: &Self::Settings,
        sample: &Sample,
        parameters: &mut Parameters<T>,
    ) -> Result<Box<dyn Autoencoder<T>>>;
}

/// A [`Type`] whose settings are known at run time only.
pub trait AnyType: Debug + Send + Sync {
    /// Its name.
    fn name(&self) -> &'static str;
    /// What it is, in a few words.
    fn about(&self) -> &'static str;
    /// Keys of the training that this type has other defaults for.
    fn training(&self) -> &'static [(&'static str, &'static str)];
    /// Its defaults.
    fn settings(&self) -> Box<dyn Settings>;
    /// As [`Type::settle`].
    ///
    /// # Errors
    /// As there, and settings of another type.
    fn settle(&self, settings: &mut dyn Settings, sample: &Sample) -> Result<Vec<String>>;
    /// As [`Type::build`], for f32.
    ///
    /// # Errors
    /// As there, and settings of another type.
    fn build(
        &self,
        settings: &dyn Settings,
        sample: &Sample,
        parameters: &mut Parameters<f32>,
    ) -> Result<Box<dyn Autoencoder<f32>>>;
    /// As [`Type::build`], for f64.
    ///
    /// # Errors
    /// As there, and settings of another type.
    fn build_f64(
        &self,
        settings: &dyn Settings,
        sample: &Sample,
        parameters: &mut Parameters<f64>,
    ) -> Result<Box<dyn Autoencoder<f64>>>;
}

/// Settings that are of another type, which only a caller of the library can hand over.
fn foreign(name: &str) -> Error {
    Error::usage(format!("these are no settings of {name}; begin with those of the type itself"))
}

impl<K: Type> AnyType for K {
    fn name(&self) -> &'static str {
        K::NAME
    }

    fn about(&self) -> &'static str {
        K::ABOUT
    }

    fn training(&self) -> &'static [(&'static str, &'static str)] {
        K::TRAINING
    }

    fn settings(&self) -> Box<dyn Settings> {
        Box::new(K::settings())
    }

    fn settle(&self, settings: &mut dyn Settings, sample: &Sample) -> Result<Vec<String>> {
        let own = settings.as_any_mut().downcast_mut::<K::Settings>().ok_or_else(|| foreign(K::NAME))?;
        K::settle(own, sample)
    }

    fn build(
        &self,
        settings: &dyn Settings,
        sample: &Sample,
        parameters: &mut Parameters<f32>,
    ) -> Result<Box<dyn Autoencoder<f32>>> {
        let own = settings.as_any().downcast_ref::<K::Settings>().ok_or_else(|| foreign(K::NAME))?;
        K::build(own, sample, parameters)
    }

    fn build_f64(
        &self,
        settings: &dyn Settings,
        sample: &Sample,
        parameters: &mut Parameters<f64>,
    ) -> Result<Box<dyn Autoencoder<f64>>> {
        let own = settings.as_any().downcast_ref::<K::Settings>().ok_or_else(|| foreign(K::NAME))?;
        K::build(own, sample, parameters)
    }
}

/// Types by name, in an order for people.
#[derive(Debug, Clone)]
pub struct Registry {
    types: Vec<&'static dyn AnyType>,
}

impl Registry {
    /// Of these types.
    pub fn of(types: &[&'static dyn AnyType]) -> Self {
        Self { types: types.to_vec() }
    }

    /// With one more type; one of the same name is replaced.
    #[must_use]
    pub fn with(mut self, kind: &'static dyn AnyType) -> Self {
        self.types.retain(|known| known.name() != kind.name());
        self.types.push(kind);
        self
    }

    /// All of them.
    pub fn types(&self) -> &[&'static dyn AnyType] {
        &self.types
    }

    /// The names of all.
    pub fn names(&self) -> Vec<&'static str> {
        self.types.iter().map(|kind| kind.name()).collect()
    }

    /// The type of that name.
    ///
    /// # Errors
    /// There is none; the nearest is named.
    pub fn get(&self, name: &str) -> Result<&'static dyn AnyType> {
        let found = self.types.iter().copied().find(|kind| kind.name() == name);
        found.ok_or_else(|| Error::usage(unknown("model", name, &self.names())))
    }

    /// The types whose settings have this key.
    pub fn with_key(&self, key: &str) -> Vec<&'static str> {
        let has = |kind: &&&dyn AnyType| crate::settings::get(&*kind.settings(), key).is_some();
        self.types.iter().filter(has).map(|kind| kind.name()).collect()
    }
}
