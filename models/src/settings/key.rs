//! What is known of a key besides its value.

/// A key as it was declared.
#[derive(Debug)]
pub struct Key {
    /// Its name in files.
    pub name: &'static str,
    /// What its value is called in help: `SIZE`.
    pub value: &'static str,
    /// What it means.
    pub about: &'static str,
    /// What a value may be, in words; empty for any.
    pub range: &'static str,
    /// The words that it may be, if it is one of a set.
    pub words: &'static [&'static str],
    /// Under which choice it is read; always, if there is none.
    pub reads: Option<Reads>,
}

/// A choice under which a key is read.
#[derive(Debug)]
pub struct Reads {
    /// The key of the choice.
    pub key: &'static str,
    /// The values under which the key is read.
    pub values: &'static [&'static str],
    /// Whether it is read under all others instead.
    pub others: bool,
}

impl Key {
    /// Its flag, without the dashes before it.
    pub fn flag(&self) -> String {
        flag(self.name)
    }

    /// What it means, with its words and under which choice it is read.
    pub fn sentence(&self) -> String {
        let mut text = self.about.to_owned();
        if let Some((last, first)) = self.words.split_last().filter(|(_, first)| !first.is_empty()) {
            text.push_str(&format!(": {} or {last}", first.join(", ")));
        }
        if let Some(reads) = &self.reads {
            let verb = if reads.others { "is not" } else { "is" };
            text.push_str(&format!(" (where {} {verb} {})", reads.key, reads.values.join(" or ")));
        }
        text
    }
}

/// The flag of a key: its name with dashes, but for the data's source, which people call the data.
fn flag(key: &str) -> String {
    if key == "source" { "data".into() } else { key.replace('_', "-") }
}

impl Reads {
    /// Whether the key is read under `value`, which is how the choice's TOML value reads as text.
    pub fn holds(&self, value: &str) -> bool {
        self.values.contains(&value) != self.others
    }

    /// What to set so that the key is read.
    pub fn remedy(&self) -> String {
        let flag = flag(self.key);
        match (self.others, self.values) {
            (false, values) => format!("give --{flag} {}", values.join(" or ")),
            (true, values) => format!("give --{flag} another value than {}", values.join(" or ")),
        }
    }
}
