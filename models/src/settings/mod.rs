//! Settings: a key is declared once, beside the part that reads it, and everything else follows from that.
//!
//! A declaration has the field, its type, its default, a placeholder for its value, a sentence, and, where there are,
//! the range of its values and the choice under which it is read at all. Flags, TOML, `--show`, help, checks and the
//! lists of keys come from it. `value`: what a key may hold. `key`: what is known of one. `range`: what a value may be
//! by itself. `declare`: the macros. `table`: TOML in and out. Knows no model and no file.

mod declare;
mod key;
mod range;
mod table;
mod value;

pub use declare::{Settings, groups, settings};
pub use key::{Key, Reads};
pub use range::Range;
pub use table::{changed, documented, get, parse, plain, set, table, unread};
/// The values that settings are stored as.
pub use toml;
pub use value::Value;
pub(crate) use value::word;
