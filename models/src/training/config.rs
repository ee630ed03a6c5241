//! What to train and how: a type with its settings, the data, the training.
//!
//! As TOML it has the tables `[data]`, `[model]`, with the type under `type`, and `[training]`. Every key can be set
//! from text ([`Config::set`]), which is how files and flags arrive, so there is one place that parses, one that checks
//! and one message for each mistake. A key that the type does not have is refused with the types that have it.

use super::TrainingSettings;
use crate::autoencoders::{AnyType, Registry};
use crate::data::DataSettings;
use crate::settings::{self, Key, Settings};
use crate::suggest::did_you_mean;
use crate::{Error, Result};

/// Everything that a training run is determined by, together with the data.
#[derive(Debug, Clone)]
pub struct Config {
    kind: &'static dyn AnyType,
    /// The type's settings.
    pub model: Box<dyn Settings>,
    /// The data's.
    pub data: DataSettings,
    /// The training's.
    pub training: TrainingSettings,
    /// Where types are known by name.
    registry: Registry,
}

impl PartialEq for Config {
    fn eq(&self, other: &Self) -> bool {
        let same = (self.kind.name(), &self.data, &self.training) == (other.kind.name(), &other.data, &other.training);
        same && settings::table(&*self.model) == settings::table(&*other.model)
    }
}

impl Config {
    /// The defaults of one of this crate's types.
    ///
    /// # Errors
    /// No such type; the nearest is named.
    pub fn of(kind: &str) -> Result<Self> {
        Self::within(kind, &Registry::standard())
    }

    /// The defaults of one of a registry's types.
    ///
    /// # Errors
    /// As for [`Self::of`].
    pub fn within(kind: &str, registry: &Registry) -> Result<Self> {
        let kind = registry.get(kind)?;
        let mut training = TrainingSettings::default();
        kind.training().iter().try_for_each(|(key, value)| settings::set(&mut training, key, value))?;
        let data = DataSettings::default();
        let config = Self { kind, model: kind.settings(), data, training, registry: registry.clone() };
        config.check_names()?;
        Ok(config)
    }

    /// Refuses a type that declares a key twice, or one that the data or the training have, for a name sets one.
    fn check_names(&self) -> Result<()> {
        let mut names: Vec<&str> = vec!["type", "model", "data"];
        for (_, key, _) in self.keys() {
            if names.contains(&key.name) {
                let kind = self.kind.name();
                return Err(Error::usage(format!("{kind} declares the key `{}` a second time; rename it", key.name)));
            }
            names.push(key.name);
        }
        Ok(())
    }

    /// The table that a key stands in.
    fn table_of(&self, key: &str) -> Option<&'static str> {
        self.keys().iter().find(|(_, known, _)| known.name == key).map(|&(table, ..)| table)
    }

    /// The type.
    pub fn kind(&self) -> &'static dyn AnyType {
        self.kind
    }

    /// Where types are known by name.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The same with some keys set, each from text.
    ///
    /// # Errors
    /// As for [`Self::set`].
    pub fn with(mut self, changes: &[(&str, &str)]) -> Result<Self> {
        changes.iter().try_for_each(|(key, value)| self.set(key, value))?;
        Ok(self)
    }

    /// The groups of keys, by the names of their tables.
    pub fn groups(&self) -> [(&'static str, &dyn Settings); 3] {
        [("data", &self.data), ("model", &*self.model), ("training", &self.training)]
    }

    /// Sets one key from text. `model`, or `type` as in a file, is the type: another one begins with its own defaults.
    ///
    /// # Errors
    /// A key that does not exist, or that this type does not have; a value that makes no sense. Nothing is changed then.
    pub fn set(&mut self, key: &str, text: &str) -> Result<()> {
        let key = if key == "data" { "source" } else { key };
        if ["model", "type"].contains(&key) {
            if text != self.kind.name() {
                let kind = Self::within(text, &self.registry)?.kind;
                (self.kind, self.model) = (kind, kind.settings());
            }
            return Ok(());
        }
        let data = self.data.assign(key, text);
        let done = data.or_else(|| self.training.assign(key, text)).or_else(|| self.model.assign(key, text));
        done.unwrap_or_else(|| Err(self.unknown(key)))
    }

    /// The value of a key, as text.
    pub fn get(&self, key: &str) -> Option<String> {
        self.groups().into_iter().find_map(|(_, group)| settings::get(group, key))
    }

    /// Every key and its value.
    pub fn keys(&self) -> Vec<(&'static str, &'static Key, toml::Value)> {
        let mut keys = Vec::new();
        for (name, group) in self.groups() {
            group.visit(&mut |key, value| keys.push((name, key, value)));
        }
        keys
    }

    fn unknown(&self, key: &str) -> Error {
        let having = self.registry.with_key(key);
        if !having.is_empty() {
            return Error::usage(format!(
                "`{key}` is no setting of {}; {} {} it",
                self.kind.name(),
                having.join(", "),
                if having.len() == 1 { "has" } else { "have" }
            ));
        }
        let known: Vec<&str> = self.keys().iter().map(|(_, key, _)| key.name).chain(["model", "data"]).collect();
        Error::usage(format!("unknown key `{key}`{}", did_you_mean(key, &known)))
    }

    /// Reads TOML over the defaults of the type that it names; `origin` names it in errors.
    ///
    /// # Errors
    /// Text that is not TOML, a key that does not exist, a value that makes no sense.
    pub fn from_toml(text: &str, origin: &str, registry: &Registry) -> Result<Self> {
        let kind = Self::type_of(text, origin)?;
        let mut config = Self::within(kind.as_deref().unwrap_or("undercomplete"), registry)
            .map_err(|error| Error::usage(format!("{origin}: {error}")))?;
        config.read_toml(text, origin)?;
        Ok(config)
    }

    /// The type that a TOML file names.
    ///
    /// # Errors
    /// Text that is not TOML.
    pub fn type_of(text: &str, origin: &str) -> Result<Option<String>> {
        let table = settings::parse(text, origin)?;
        let named = table.get("model").and_then(toml::Value::as_table).and_then(|model| model.get("type"));
        match named {
            Some(toml::Value::String(kind)) => Ok(Some(kind.clone())),
            Some(other) => Err(Error::usage(format!(
                "{origin}: `type` is of the kind {}; give the name of a type as text, such as \"sparse\"",
                other.type_str()
            ))),
            None => Ok(None),
        }
    }

    /// Reads TOML over what is set already.
    ///
    /// # Errors
    /// As for [`Self::from_toml`].
    pub fn read_toml(&mut self, text: &str, origin: &str) -> Result<()> {
        let mut changed = self.clone();
        let tables = settings::parse(text, origin)?;
        let named = |error: Error| Error::usage(format!("{origin}: {error}"));
        for (name, value) in &tables {
            let keys = value.as_table().filter(|_| ["data", "model", "training"].contains(&name.as_str()));
            let keys = keys.ok_or_else(|| {
                let tables = "stands outside of the tables [data], [model] and [training]";
                let place = changed.table_of(name).map_or_else(String::new, |table| format!("; put it into [{table}]"));
                Error::usage(format!("{origin}: `{name}` {tables}{place}"))
            })?;
            for (key, value) in keys {
                if let Some(table) = changed.table_of(key).filter(|table| table != name) {
                    return Err(Error::usage(format!(
                        "{origin}: `{key}` stands in [{name}]; it belongs into [{table}]"
                    )));
                }
                let text = settings::plain(value).ok_or_else(|| {
                    Error::usage(format!(
                        "{origin}: `{key}` is of the kind {}; give text, a number or a list",
                        value.type_str()
                    ))
                })?;
                let set = match (name.as_str(), key.as_str()) {
                    // Who reads a file over other settings has chosen the type.
                    ("model", "type") => Ok(()),
                    ("data", _) => settings::set(&mut changed.data, key, &text),
                    ("training", _) => settings::set(&mut changed.training, key, &text),
                    _ => changed.model.assign(key, &text).unwrap_or_else(|| Err(changed.unknown(key))),
                };
                set.map_err(named)?;
            }
        }
        *self = changed;
        Ok(())
    }

    /// The configuration as TOML, complete.
    pub fn to_toml(&self) -> String {
        self.text(false)
    }

    /// The same, each key after what it means.
    pub fn to_documented_toml(&self) -> String {
        self.text(true)
    }

    fn text(&self, about: bool) -> String {
        let mut text = String::new();
        for (name, group) in self.groups() {
            text.push_str(&format!("[{name}]\n"));
            if name == "model" {
                if about {
                    text.push_str(&format!("# the type of autoencoder: {}\n", self.registry.names().join(", ")));
                }
                text.push_str(&format!("type = \"{}\"\n{}", self.kind.name(), if about { "\n" } else { "" }));
            }
            text.push_str(&settings::documented(group, about));
            if !about {
                text.push('\n');
            }
        }
        text
    }

    /// What was changed from the type's defaults though nothing reads it under the choices made, in words.
    pub fn unread(&self) -> Vec<String> {
        let Ok(defaults) = Self::within(self.kind.name(), &self.registry) else { return Vec::new() };
        let pairs = self.groups().into_iter().zip(defaults.groups());
        pairs.flat_map(|((_, now), (_, before))| settings::unread(now, before)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn toml_round_trip() {
        let registry = Registry::standard();
        for kind in registry.types() {
            let mut config = Config::of(kind.name()).unwrap();
            config.set("hidden", "1000,500, 250").unwrap();
            config.set("optimizer", "adamw").unwrap();
            config.set("hidden", "").unwrap();
            config.set("decoder", "20,30").unwrap();
            for text in [config.to_toml(), config.to_documented_toml()] {
                assert_eq!(Config::from_toml(&text, "test", &registry).unwrap(), config, "{text}");
            }
        }
    }

    #[test]
    fn mistakes_are_named() {
        let mut config = Config::of("undercomplete").unwrap();
        let before = config.clone();
        let mut message = |key: &str, value: &str| config.set(key, value).unwrap_err().to_string();
        assert!(message("epoch", "3").contains("did you mean `epochs`"), "{}", message("epoch", "3"));
        assert!(message("lr", "nan").contains("a number above 0"));
        assert!(message("code", "0").contains("from 1"));
        assert!(message("batch", "-1").contains("batch is `-1`"));
        assert!(message("activation", "rellu").contains("did you mean `relu`"));
        assert!(message("hidden", "3,0").contains("hidden"));
        assert!(message("kernel", "4").contains("odd"));
        assert!(message("sparsity", "0.1").contains("is no setting of undercomplete; sparse, stacked have it"));
        assert!(message("model", "spars").contains("did you mean `sparse`"));
        assert_eq!(config, before, "a refused value must not stay");
        let registry = Registry::standard();
        let message = |text: &str| Config::from_toml(text, "x.toml", &registry).unwrap_err().to_string();
        assert!(message("[training]\nlr = [").starts_with("x.toml: line 2"));
        assert!(message("[training]\nepochs = 1\nlr = 1\nepochs = 3\n").contains("line 4"));
        assert!(message("epochs = 1").contains("outside of the tables"));
        assert!(message("[model]\ntype = \"pca\"\nk = 3").contains("k-sparse has it"));
        assert!(message("epochs = 1").ends_with("put it into [training]"));
        assert!(message("[model]\nepochs = 1").contains("`epochs` stands in [model]; it belongs into [training]"));
        assert!(message("[training]\ncode = 4").contains("it belongs into [model]"));
        assert!(message("[model]\ntype = 3").contains("`type` is of the kind integer; give the name of a type"));
    }

    #[test]
    fn no_key_is_declared_twice() {
        let mut config = Config::of("undercomplete").unwrap();
        config.model = Box::new(TrainingSettings::default());
        assert!(config.check_names().unwrap_err().to_string().contains("declares the key `epochs` a second time"));
        for kind in Registry::standard().types() {
            assert!(Config::of(kind.name()).is_ok());
        }
    }

    #[test]
    fn a_file_starts_from_the_defaults_of_its_type() {
        let config = Config::from_toml("[model]\ncode = 50\ntype = \"sparse\"", "test", &Registry::standard()).unwrap();
        assert_eq!(config, Config::of("sparse").unwrap().with(&[("code", "50")]).unwrap());
        assert_eq!(config.get("code_activation").unwrap(), "sigmoid");
        assert_eq!((config.training.batch, config.training.lr), (256, 1e-2));
    }

    #[test]
    fn what_is_not_read_is_said_with_what_would() {
        let said = |kind: &str, key: &str, value: &str| {
            Config::of(kind).unwrap().with(&[(key, value)]).unwrap().unread().join("; ")
        };
        assert_eq!(said("undercomplete", "filters", "3"), "filters is not used; give --body convolutional or sequence");
        assert!(said("undercomplete", "momentum", "0.5").contains("give --optimizer sgd or nesterov"));
        assert_eq!(said("k-sparse", "k", "3"), "");
    }
}
