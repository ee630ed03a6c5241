//! What can stand behind a key: numbers, truth, text, lists of sizes, and sets of words.

use crate::{Error, Result};

/// What can stand behind a key.
pub trait Value: Clone + PartialEq + std::fmt::Debug + Send + Sync + Sized + 'static {
    /// The words that it may be, if it is one of a set.
    const WORDS: &'static [&'static str] = &[];

    /// Reads it from text, as files and flags give it; `key` is for the message.
    ///
    /// # Errors
    /// Text that is no such value, with what to give instead.
    fn read(key: &str, text: &str) -> Result<Self>;

    /// The value as TOML holds it.
    fn toml(&self) -> toml::Value;
}

/// Numbers and truths, which the standard library reads, and what to give in place of text that it does not.
macro_rules! parsed {
    ($($Type:ty: $want:literal, $toml:expr;)*) => {
        $(impl Value for $Type {
            fn read(key: &str, text: &str) -> Result<Self> {
                text.trim().parse().map_err(|_| Error::usage(format!("{key} is `{text}`; give {}", $want)))
            }

            fn toml(&self) -> toml::Value {
                let to: fn(Self) -> toml::Value = $toml;
                to(*self)
            }
        })*
    };
}

/// TOML's whole numbers end at 2^63 − 1; ranges keep values below that.
fn whole(value: u64) -> toml::Value {
    toml::Value::Integer(i64::try_from(value).unwrap_or(i64::MAX))
}

parsed! {
    usize: "a whole number", |value| whole(value as u64);
    u64: "a whole number", whole;
    f64: "a number", toml::Value::Float;
    bool: "true or false", toml::Value::Boolean;
}

impl Value for String {
    fn read(_: &str, text: &str) -> Result<Self> {
        Ok(text.to_owned())
    }

    fn toml(&self) -> toml::Value {
        toml::Value::String(self.clone())
    }
}

impl Value for Vec<usize> {
    fn read(key: &str, text: &str) -> Result<Self> {
        if text.trim().is_empty() {
            return Ok(Vec::new());
        }
        let unreadable =
            || format!("{key} is `{text}`; give whole numbers from 1 with commas between them, as in 512,256");
        text.split(',').map(|item| item.trim().parse().map_err(|_| Error::usage(unreadable()))).collect()
    }

    fn toml(&self) -> toml::Value {
        toml::Value::Array(self.iter().map(|&size| whole(size as u64)).collect())
    }
}

/// Makes of an enumeration with strum's names a set of words that a key may hold.
macro_rules! word {
    ($Name:ident, $what:literal) => {
        impl $Name {
            /// All words, in the order of their listing.
            pub const WORDS: &'static [&'static str] = <Self as strum::VariantNames>::VARIANTS;

            /// Its word.
            pub fn name(self) -> &'static str {
                self.into()
            }
        }

        impl std::fmt::Display for $Name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }

        impl $crate::settings::Value for $Name {
            const WORDS: &'static [&'static str] = <Self as strum::VariantNames>::VARIANTS;

            fn read(_: &str, text: &str) -> $crate::Result<Self> {
                text.parse().map_err(|_| $crate::Error::usage($crate::suggest::unknown($what, text, Self::WORDS)))
            }

            fn toml(&self) -> toml::Value {
                toml::Value::String(self.name().to_owned())
            }
        }
    };
}
pub(crate) use word;
