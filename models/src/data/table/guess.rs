//! What columns hold, found by looking at every row once.
//!
//! A column is of quantities if all that is present are numbers, of yes and no if it has such words, else of classes.
//! Numbers that are 0 and 1 alone are yes and no where other columns hold words, and quantities in a table of numbers,
//! whose columns then are all alike. Words that hardly ever come twice (names, keys) say nothing of a row: they are left
//! aside. A word among numbers is far more often a slip than a class, and is refused with its place.

use std::collections::HashMap;

use super::field::{is_missing, number, plain, short, text, truths};
use super::options::Kind;
use crate::data::rows::{Column, ColumnKind};
use crate::error::{Error, Result};

/// The most classes of a column.
const LEVELS: usize = 1000;
/// The most classes of a label.
const CLASSES: usize = 1 << 16;
/// Columns of more rows than this whose words come once or twice are names.
const FEW: u64 = 20;
/// Different numbers from which a column with few words among them is one of numbers with slips.
const NUMBERS: usize = 10;

/// What was seen of a column.
#[derive(Debug, Clone)]
pub(super) struct Guess {
    name: String,
    given: Option<Kind>,
    words: HashMap<Vec<u8>, u64>,
    /// There are more words than were kept.
    overflow: bool,
    numbers: u64,
    texts: u64,
    missing: u64,
    /// The first field that is no number, and its row from 1.
    first_text: Option<(u64, String)>,
    first_missing: Option<u64>,
    /// Whether f32 holds every number as it is.
    single: bool,
    /// Whether every number is a whole one of 0 to 255.
    bytes: bool,
}

/// What a column is.
pub(super) enum Found {
    Column(Column),
    /// The classes, by number.
    Label(Vec<String>),
    /// Left aside, for a reason.
    Aside(String),
}

impl Guess {
    pub(super) fn new(name: String, given: Option<Kind>) -> Self {
        Self {
            name,
            given,
            words: HashMap::new(),
            overflow: false,
            numbers: 0,
            texts: 0,
            missing: 0,
            first_text: None,
            first_missing: None,
            single: true,
            bytes: true,
        }
    }

    /// How many different words there are.
    pub(super) fn distinct(&self) -> usize {
        self.words.len()
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The same as a label.
    #[must_use]
    pub(super) fn labelled(self) -> Self {
        Self { given: Some(Kind::Label), ..self }
    }

    pub(super) fn rename(&mut self, name: String) {
        self.name = name;
    }

    /// Looks at a field.
    pub(super) fn see(&mut self, raw: &[u8], decimal: u8, row: u64) {
        if self.given == Some(Kind::Ignore) {
            return;
        }
        let field = plain(raw);
        if is_missing(&field) {
            self.missing += 1;
            self.first_missing.get_or_insert(row);
            return;
        }
        match number(&field, decimal) {
            Some(x) => {
                self.numbers += 1;
                self.single &= f64::from(x as f32) == x;
                self.bytes &= (0.0..=255.0).contains(&x) && x.fract() == 0.0;
            }
            None => {
                self.texts += 1;
                self.first_text.get_or_insert_with(|| (row, short(&field)));
            }
        }
        if self.overflow {
            return;
        }
        if let Some(count) = self.words.get_mut(&*field) {
            *count += 1;
        } else if self.words.len() < self.most() {
            self.words.insert(field.into_owned(), 1);
        } else {
            self.overflow = true;
        }
    }

    fn most(&self) -> usize {
        if self.given == Some(Kind::Label) { CLASSES } else { LEVELS }
    }

    /// Whether it holds words.
    pub(super) fn is_words(&self) -> bool {
        match self.given {
            Some(Kind::Numeric | Kind::Ignore | Kind::Label) => false,
            Some(Kind::Categorical | Kind::Boolean) => true,
            None => self.texts > 0 && !self.is_names(),
        }
    }

    /// Whether all that is present are numbers.
    pub(super) fn is_numbers(&self) -> bool {
        self.texts == 0 && self.numbers > 0
    }

    pub(super) fn knows(&self, raw: &[u8]) -> bool {
        self.words.contains_key(&*plain(raw))
    }

    pub(super) fn missing(&self) -> u64 {
        self.missing
    }

    pub(super) fn is_single(&self) -> bool {
        self.single
    }

    fn present(&self) -> u64 {
        self.numbers + self.texts
    }

    fn is_names(&self) -> bool {
        self.texts > 0 && (self.overflow || (self.present() > FEW && self.words.len() as u64 * 2 > self.present()))
    }

    /// What the column is; `mixed`: whether other columns hold words.
    pub(super) fn finish(&self, origin: &str, mixed: bool) -> Result<Found> {
        let name = &self.name;
        let column = |kind, levels| Ok(Found::Column(Column { name: name.clone(), kind, levels }));
        match self.given {
            Some(Kind::Ignore) => return Ok(Found::Aside("as --columns says".into())),
            Some(Kind::Label) => return self.label(origin),
            _ => {}
        }
        if self.present() == 0 {
            return Ok(Found::Aside("every value is missing".into()));
        }
        match self.given {
            Some(Kind::Numeric) => match &self.first_text {
                Some((row, word)) => Err(self.slip(origin, *row, word)),
                None => column(ColumnKind::Numeric, Vec::new()),
            },
            Some(Kind::Categorical) => self.categorical(origin),
            Some(Kind::Boolean) => match self.boolean() {
                Some(levels) => column(ColumnKind::Boolean, levels),
                None => Err(Error::data(format!(
                    "{origin}: column `{name}` is said to be boolean and holds {}; give columns of two words, or categorical",
                    self.some_words()
                ))),
            },
            _ if self.texts == 0 => {
                let bits = self.words.keys().all(|word| matches!(number(word, b'.'), Some(0.0 | 1.0)));
                match mixed && !self.overflow && bits {
                    true => column(ColumnKind::Boolean, vec!["0".into(), "1".into()]),
                    false => column(ColumnKind::Numeric, Vec::new()),
                }
            }
            _ => {
                let distinct = self.words.keys().filter(|word| number(word, b'.').is_some()).count();
                if let Some((row, word)) = self.first_text.as_ref()
                    && self.numbers >= 9 * self.texts
                    && distinct >= NUMBERS
                {
                    return Err(self.slip(origin, *row, word));
                }
                if self.is_names() {
                    let (different, present) = (self.words.len(), self.present());
                    let more = if self.overflow { "more than " } else { "" };
                    return Ok(Found::Aside(format!(
                        "{more}{different} different words in {present} rows say nothing of a row"
                    )));
                }
                match self.boolean().filter(|_| truths(self.word_list().iter().map(String::as_str)).is_some()) {
                    Some(levels) => column(ColumnKind::Boolean, levels),
                    None => self.categorical(origin),
                }
            }
        }
    }

    fn slip(&self, origin: &str, row: u64, word: &str) -> Error {
        let name = &self.name;
        Error::data(format!(
            "{origin}: row {row} (from 1), column `{name}` is `{word}`, which is no finite number; correct it, leave it empty \
             where it is missing, or give --columns \"{name}=categorical\""
        ))
    }

    fn categorical(&self, origin: &str) -> Result<Found> {
        let name = &self.name;
        if self.overflow {
            return Err(Error::data(format!(
                "{origin}: column `{name}` has more than {LEVELS} different words; give --columns \"{name}=ignore\""
            )));
        }
        Ok(Found::Column(Column { name: name.clone(), kind: ColumnKind::Categorical, levels: self.word_list() }))
    }

    /// The words for no and yes, as the table writes them.
    fn boolean(&self) -> Option<Vec<String>> {
        let words = self.word_list();
        let list = || words.iter().map(String::as_str);
        if let Some((no, yes)) = truths(list()) {
            let written = |of: &str| list().find(|word| word.eq_ignore_ascii_case(of)).unwrap_or(of).to_owned();
            return Some(vec![written(no), written(yes)]);
        }
        (words.len() == 2 && !self.overflow).then_some(words)
    }

    fn label(&self, origin: &str) -> Result<Found> {
        let name = &self.name;
        if let Some(row) = self.first_missing {
            return Err(Error::data(format!(
                "{origin}: row {row} (from 1) has no label in `{name}`; give it one, or leave the row out"
            )));
        }
        if self.overflow {
            return Err(Error::data(format!(
                "{origin}: the label `{name}` has more than {CLASSES} classes; name another column"
            )));
        }
        // Small whole numbers are classes' numbers as they are.
        let largest = self.words.keys().filter_map(|word| std::str::from_utf8(word).ok()?.parse::<usize>().ok()).max();
        match largest.filter(|&largest| self.texts == 0 && self.bytes && largest < 256) {
            Some(largest) => Ok(Found::Label((0..=largest).map(|class| class.to_string()).collect())),
            None => Ok(Found::Label(self.word_list())),
        }
    }

    /// Whether it looks like a label: few classes.
    pub(super) fn is_few(&self) -> bool {
        !self.overflow && self.words.len() <= 256
    }

    /// The words, numbers by size and others by their letters.
    fn word_list(&self) -> Vec<String> {
        let mut words: Vec<String> = self.words.keys().map(|word| text(word)).collect();
        let value = |word: &String| number(word.as_bytes(), b'.');
        words.sort_unstable();
        if self.texts == 0 {
            words.sort_by(|a, b| value(a).partial_cmp(&value(b)).unwrap_or(std::cmp::Ordering::Equal));
        }
        words
    }

    fn some_words(&self) -> String {
        let words = self.word_list();
        let few: Vec<String> = words.iter().take(4).map(|word| format!("`{word}`")).collect();
        format!("{}{}", few.join(", "), if words.len() > 4 || self.overflow { " and more" } else { "" })
    }
}
