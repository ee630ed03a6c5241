//! The macros that declare keys and put groups of them together.

use super::Key;
use crate::Result;
use std::any::Any;
use std::fmt::Debug;

/// Some keys with their values.
///
/// [`settings!`] makes one from a declaration, [`groups!`] one from others.
pub trait Settings: Any + Debug + Send + Sync {
    /// Hands every key and its value to `see`, in the order of their declaration.
    fn visit(&self, see: &mut dyn FnMut(&'static Key, toml::Value));

    /// Sets a key from text; `None` if there is no such key here.
    fn assign(&mut self, key: &str, text: &str) -> Option<Result<()>>;

    /// A copy.
    fn boxed(&self) -> Box<dyn Settings>;

    /// Itself, for who knows its type.
    fn as_any(&self) -> &dyn Any;

    /// Itself, to be changed.
    fn as_any_mut(&mut self) -> &mut dyn Any;
}

impl Clone for Box<dyn Settings> {
    fn clone(&self) -> Self {
        (**self).boxed()
    }
}

/// What every implementation has alike.
#[doc(hidden)]
#[macro_export]
macro_rules! __settings_as_any {
    () => {
        fn boxed(&self) -> Box<dyn $crate::settings::Settings> {
            Box::new(self.clone())
        }

        fn as_any(&self) -> &dyn std::any::Any {
            self
        }

        fn as_any_mut(&mut self) -> &mut dyn std::any::Any {
            self
        }
    };
}

/// Declares keys: `name: Type = default, "VALUE", "what it means";`, before the `;` optionally `, in RANGE` and
/// `, where choice is ["word"]` (or `unless`).
#[macro_export]
macro_rules! declare_settings {
    ($(#[$doc:meta])* $Name:ident {
        $($field:ident: $Type:ty = $default:expr, $value:literal, $about:literal
            $(, in $range:expr)? $(, where $on:ident is [$($word:literal),*])? $(, unless $off:ident is [$($no:literal),*])?;)*
    }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq)]
        pub struct $Name {
            $(#[doc = concat!("`", stringify!($field), "`: ", $about, ".")] pub $field: $Type,)*
        }

        impl Default for $Name {
            fn default() -> Self {
                Self { $($field: $default,)* }
            }
        }

        impl $crate::settings::Settings for $Name {
            #[allow(unused_variables)]
            fn visit(&self, see: &mut dyn FnMut(&'static $crate::settings::Key, $crate::settings::toml::Value)) {
                $({
                    #[allow(unused_mut, unused_assignments)]
                    const KEY: $crate::settings::Key = {
                        let mut range = "";
                        let mut reads = None;
                        $(let in_range: $crate::settings::Range<$Type> = $range; range = in_range.words;)?
                        $(reads = Some($crate::settings::Reads {
                            key: stringify!($on), values: &[$($word),*], others: false,
                        });)?
                        $(reads = Some($crate::settings::Reads {
                            key: stringify!($off), values: &[$($no),*], others: true,
                        });)?
                        let words = <$Type as $crate::settings::Value>::WORDS;
                        $crate::settings::Key {
                            name: stringify!($field), value: $value, about: $about, range, words, reads,
                        }
                    };
                    static THE_KEY: $crate::settings::Key = KEY;
                    see(&THE_KEY, $crate::settings::Value::toml(&self.$field));
                })*
            }

            #[allow(unused_variables)]
            fn assign(&mut self, key: &str, text: &str) -> Option<$crate::Result<()>> {
                match key {
                    $(stringify!($field) => {
                        let read = <$Type as $crate::settings::Value>::read(key, text);
                        $(let read = read.and_then(|value| {
                            let range: $crate::settings::Range<$Type> = $range;
                            if (range.holds)(&value) { Ok(value) } else {
                                Err($crate::Error::usage(format!("{key} is {}; give {}", text.trim(), range.words)))
                            }
                        });)?
                        Some(read.map(|value| self.$field = value))
                    })*
                    _ => None,
                }
            }

            $crate::__settings_as_any!();
        }
    };
}
pub use crate::declare_settings as settings;

/// Puts groups of keys together: `field: Group,`.
#[macro_export]
macro_rules! group_settings {
    ($(#[$doc:meta])* $Name:ident { $($(#[$field_doc:meta])* $field:ident: $Type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Default)]
        pub struct $Name {
            $($(#[$field_doc])* pub $field: $Type,)*
        }

        impl $crate::settings::Settings for $Name {
            fn visit(&self, see: &mut dyn FnMut(&'static $crate::settings::Key, $crate::settings::toml::Value)) {
                $($crate::settings::Settings::visit(&self.$field, see);)*
            }

            fn assign(&mut self, key: &str, text: &str) -> Option<$crate::Result<()>> {
                $(if let Some(done) = $crate::settings::Settings::assign(&mut self.$field, key, text) {
                    return Some(done);
                })*
                None
            }

            $crate::__settings_as_any!();
        }
    };
}
pub use crate::group_settings as groups;
