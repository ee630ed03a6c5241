//! How a page came about: model, data, settings, date and machine.

use crate::figure::grouped;
use crate::model::Model;
use crate::report::machine::{now, processor};
use crate::report::page::{Figure, Page, Section};

/// How a page came about; each says it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// The command as it was typed.
    pub command: String,
    /// What the data are called.
    pub data: String,
    /// The settings in effect, by their names.
    pub settings: Vec<(String, String)>,
    /// How many threads computed.
    pub threads: usize,
}

impl Origin {
    /// A page under this heading; `of` are the samples in words.
    pub(super) fn page(&self, title: &str, model: &Model, of: &str) -> Page {
        let subtitle = format!("{} {}; {of}; {}", model.kind().name(), model.layers(), now());
        Page::new(title).subtitle(subtitle)
    }

    /// The part that says all else.
    pub(super) fn section(&self, model: &Model) -> Section {
        let data = model.data();
        let fact = |name: &str, value: String| Figure::new(name, value);
        let mut facts = vec![
            fact("model", format!("{} {}", model.kind().name(), model.layers())),
            fact("parameters", grouped(model.trained_count())).meaning("Numbers that are trained."),
            fact("trained on", format!("{}, {} features", data.name, grouped(data.features))),
            fact("data", self.data.clone()).meaning("What this page is about."),
        ];
        facts.extend(self.settings.iter().map(|(name, value)| fact(name, value.clone()).meaning("A setting.")));
        facts.extend([
            fact("date", now()),
            fact("machine", processor().unwrap_or_else(|| "not told by the system".into())),
            fact("threads", self.threads.to_string()),
            fact("narrows", env!("CARGO_PKG_VERSION").into()).meaning("The version of this program."),
        ]);
        let section = Section::new("How it was made").figures(facts);
        if self.command.is_empty() { section } else { section.code(self.command.clone()) }
    }
}

/// A number, with what it means.
pub(super) fn number(name: &str, value: f64, unit: &str, meaning: impl Into<String>) -> Figure {
    Figure::new(name, format!("{}{unit}", crate::figure::short(value))).exact(value.to_string()).meaning(meaning)
}

/// The same where there is one.
pub(super) fn some(name: &str, value: Option<f64>, unit: &str, meaning: impl Into<String>) -> Option<Figure> {
    value.map(|value| number(name, value, unit, meaning))
}
