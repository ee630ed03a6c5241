//! Settings as tables: set by name, written as TOML, compared.

use super::{Key, Settings};
use crate::suggest::did_you_mean;
use crate::{Error, Result};

/// Sets a key.
///
/// # Errors
/// A key that is not there (the nearest one is named), a value that makes no sense.
pub fn set(settings: &mut dyn Settings, key: &str, text: &str) -> Result<()> {
    match settings.assign(key, text) {
        Some(done) => done,
        None => {
            let mut known = Vec::new();
            settings.visit(&mut |key, _| known.push(key.name));
            Err(Error::usage(format!("unknown key `{key}`{}", did_you_mean(key, &known))))
        }
    }
}

/// The value of a key as text.
pub fn get(settings: &dyn Settings, key: &str) -> Option<String> {
    let mut found = None;
    settings.visit(&mut |known, value| {
        if known.name == key {
            found = plain(&value);
        }
    });
    found
}

/// All keys and values.
pub fn table(settings: &dyn Settings) -> toml::Table {
    let mut table = toml::Table::new();
    settings.visit(&mut |key, value| {
        table.insert(key.name.to_owned(), value);
    });
    table
}

/// The lines of a table, each key after what it means where `about` says so.
pub fn documented(settings: &dyn Settings, about: bool) -> String {
    let mut text = String::new();
    settings.visit(&mut |key, value| {
        if about {
            text.push_str(&format!("# {}\n", key.sentence()));
        }
        text.push_str(&format!("{} = {value}\n", key.name));
        if about {
            text.push('\n');
        }
    });
    text
}

/// The keys whose values differ from another's, each with its old value as text.
pub fn changed(now: &dyn Settings, before: &dyn Settings) -> Vec<(&'static Key, String)> {
    let before = table(before);
    let mut changed = Vec::new();
    now.visit(&mut |key, value| {
        let old = before.get(key.name);
        if old != Some(&value) {
            changed.push((key, old.and_then(plain).unwrap_or_default()));
        }
    });
    changed
}

/// What was changed from `defaults` though nothing reads it under the choices made, in words.
pub fn unread(settings: &dyn Settings, defaults: &dyn Settings) -> Vec<String> {
    let changed = changed(settings, defaults);
    let unread = changed.into_iter().filter_map(|(key, _)| {
        let reads = key.reads.as_ref()?;
        let choice = get(settings, reads.key)?;
        (!reads.holds(&choice)).then(|| format!("{} is not used; {}", key.name, reads.remedy()))
    });
    unread.collect()
}

/// A TOML file's keys and values; `origin` names it in errors.
///
/// # Errors
/// Text that is not TOML, by its line.
pub fn parse(text: &str, origin: &str) -> Result<toml::Table> {
    toml::from_str(text).map_err(|error| {
        // The line is one more than the line ends before the place.
        let before = |start: usize| text.as_bytes()[..start.min(text.len())].iter().filter(|&&b| b == b'\n').count();
        let line = error.span().map_or(1, |span| before(span.start) + 1);
        Error::usage(format!("{origin}: line {line}: {}", error.message().replace('\n', " ")))
    })
}

/// A TOML value as the text that [`set`] takes; `None` for tables and dates.
pub fn plain(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Float(number) => Some(number.to_string()),
        toml::Value::Boolean(truth) => Some(truth.to_string()),
        toml::Value::Array(items) => {
            let items: Option<Vec<String>> = items.iter().map(plain).collect();
            items.map(|items| items.join(","))
        }
        toml::Value::Datetime(_) | toml::Value::Table(_) => None,
    }
}

#[cfg(test)]
#[allow(unreachable_pub)]
mod tests {
    use super::*;
    use crate::settings::{Range, groups, settings};

    settings! {
        /// Some.
        Some {
            noise: String = "none".into(), "NAME", "noise on the input";
            level: f64 = 0.25, "X", "how much", in Range::<f64>::WEIGHT, unless noise is ["none"];
            sizes: Vec<usize> = vec![3, 2], "SIZES", "sizes of layers", in Range::<Vec<usize>>::LAYERS;
        }
    }
    settings! {
        /// Others.
        Others {
            epochs: u64 = 7, "N", "how often", in Range::<u64>::COUNT;
        }
    }
    groups! {
        /// Both.
        Both { some: Some, others: Others, }
    }

    #[test]
    fn a_group_has_the_keys_of_its_parts() {
        let mut both = Both::default();
        set(&mut both, "epochs", "9").unwrap();
        set(&mut both, "sizes", "5, 4").unwrap();
        assert_eq!((both.others.epochs, &both.some.sizes[..]), (9, &[5, 4][..]));
        assert_eq!(get(&both, "sizes").unwrap(), "5,4");
        assert_eq!(table(&both).len(), 4);
        let again = parse(&documented(&both, true), "test").unwrap();
        assert_eq!(again, table(&both));
        let changed: Vec<_> = changed(&both, &Both::default()).into_iter().map(|(key, old)| (key.name, old)).collect();
        assert_eq!(changed, [("sizes", "3,2".to_owned()), ("epochs", "7".to_owned())]);
    }

    #[test]
    fn mistakes_are_named_and_change_nothing() {
        let mut both = Both::default();
        let mut message = |key: &str, text: &str| set(&mut both, key, text).unwrap_err().to_string();
        assert!(message("epoch", "3").contains("did you mean `epochs`"));
        assert!(message("epochs", "0").contains("epochs is 0; give a whole number from 1"));
        assert!(message("level", "nan").contains("a number from 0 to 1e6"));
        assert!(message("sizes", "3,,2").contains("with commas"));
        assert_eq!(both, Both::default());
        assert!(parse("a = 1\nb = 2\na = 3\n", "x.toml").unwrap_err().to_string().contains("line 3"));
    }

    #[test]
    fn what_nothing_reads_is_said_with_what_would() {
        let mut both = Both::default();
        set(&mut both, "level", "0.5").unwrap();
        assert_eq!(unread(&both, &Both::default()), ["level is not used; give --noise another value than none"]);
        set(&mut both, "noise", "loud").unwrap();
        assert!(unread(&both, &Both::default()).is_empty());
    }
}
