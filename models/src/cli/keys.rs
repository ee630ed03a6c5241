//! The flags that are keys of a configuration: one for each key of any type, made from their declarations.
//!
//! Help shows the keys of the type that the command line names, with their defaults; the others are understood all the
//! same, so that the configuration can say which types have them.

use clap::builder::NonEmptyStringValueParser;
use clap::{Arg, ArgMatches, Command, FromArgMatches};

use crate::autoencoders::Registry;
use crate::presets;
use crate::settings::{Key, plain};
use crate::training::Config;

/// The keys that were given, with their values.
#[derive(Debug, Clone, Default)]
pub(super) struct Keys(Vec<(String, String)>);

impl Keys {
    /// As they were typed.
    pub(super) fn given(&self) -> Vec<(String, String)> {
        self.0.clone()
    }
}

/// What a key is shown as: its heading, its default for the type, and whether it is shown at all.
struct Shown {
    heading: &'static str,
    key: &'static Key,
    default: Option<String>,
}

/// Every key of any type, those of `kind` with their defaults; `seed` is a common flag.
fn shown(kind: &str) -> Vec<Shown> {
    let mut all: Vec<Shown> = Vec::new();
    let others = Registry::standard().names().into_iter().filter(|name| *name != kind);
    for (name, own) in std::iter::once((kind, true)).chain(others.map(|name| (name, false))) {
        let Ok(config) = Config::of(name) else { continue };
        for (table, key, value) in config.keys() {
            if key.name == "seed" || all.iter().any(|known| known.key.name == key.name) {
                continue;
            }
            let heading = match table {
                "data" => "Data",
                "model" => "Model",
                _ => "Training",
            };
            all.push(Shown { heading, key, default: own.then(|| plain(&value).unwrap_or_default()) });
        }
    }
    all
}

/// The type that the process's command line asks for, as far as help needs to know.
fn asked() -> String {
    let words: Vec<String> = std::env::args().collect();
    let value = |flag: &str| {
        let place = words.iter().rposition(|word| word == flag || word.starts_with(&format!("{flag}=")))?;
        let word = &words[place];
        word.split_once('=').map(|(_, value)| value.to_owned()).or_else(|| words.get(place + 1).cloned())
    };
    let of_preset = || Some(presets::preset(&value("--preset")?).ok()?.model().to_owned());
    let kind = value("--model").or_else(of_preset).filter(|kind| Registry::standard().get(kind).is_ok());
    kind.unwrap_or_else(|| "undercomplete".into())
}

impl clap::Args for Keys {
    fn augment_args(command: Command) -> Command {
        let kind = asked();
        let registry = Registry::standard();
        let types: Vec<String> =
            registry.types().iter().map(|kind| format!("{} ({})", kind.name(), kind.about())).collect();
        let model = Arg::new("model")
            .long("model")
            .value_name("TYPE")
            .value_parser(NonEmptyStringValueParser::new())
            .help_heading("Model")
            .help(format!("The type of autoencoder; the keys below are those of {kind}. Types: {}", types.join(", ")));
        shown(&kind).into_iter().fold(command.arg(model), |command, Shown { heading, key, default }| {
            let mut help = key.sentence();
            if let Some(default) = &default {
                help.push_str(&format!(" [default: {}]", if default.is_empty() { "\"\"" } else { default }));
            }
            command.arg(
                Arg::new(key.name)
                    .long(key.flag())
                    .value_name(key.value)
                    .allow_negative_numbers(true)
                    .help_heading(heading)
                    .help(help)
                    .hide(default.is_none()),
            )
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Keys {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let names = shown("undercomplete").into_iter().map(|shown| shown.key.name);
        let given = std::iter::once("model").chain(names).filter_map(|name| {
            let value = matches.get_one::<String>(name)?;
            Some((name.to_owned(), value.clone()))
        });
        Ok(Self(given.collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
