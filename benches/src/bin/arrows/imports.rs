//! Which files import which: every name followed, through re-exports, to the file that defines it.
//!
//! What counts: a private `use`; a public one if the code beside it has the name (else it is a re-export, which
//! imports nothing); of a glob the names that the code has; paths in code that begin at a module; macros by their
//! names. A module whose file only leads to others is no import by itself; what is reached through it is.

use crate::modules::{Binding, CodePath, Crate};
use std::collections::{BTreeMap, BTreeSet};

/// Files by their places in the crate's list: who imports whom, by which names.
pub(crate) type Arrows = BTreeMap<(usize, usize), BTreeSet<String>>;

/// What a name leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target {
    Module(usize),
    /// Something that this file defines.
    Defined(usize),
    /// Another crate.
    Outside,
}

/// Names that are being followed, so that circles of re-exports end.
type Followed<'a> = Vec<(usize, &'a str)>;

/// All imports of a crate.
pub(crate) fn arrows(all: &Crate) -> Arrows {
    let mut finder = Finder { all, arrows: Arrows::new() };
    for module in 0..all.modules.len() {
        for binding in &all.modules[module].bindings {
            finder.binding(module, binding);
        }
        for path in &all.modules[module].paths {
            finder.path(module, path);
        }
        finder.macros(module);
    }
    finder.arrows
}

struct Finder<'a> {
    all: &'a Crate,
    arrows: Arrows,
}

impl<'a> Finder<'a> {
    fn add(&mut self, module: usize, to: usize, name: &str) {
        let from = self.all.modules[module].file;
        if from != to {
            self.arrows.entry((from, to)).or_default().insert(name.to_owned());
        }
    }

    fn has_word(&self, module: usize, name: &str) -> bool {
        let words = &self.all.modules[module].words;
        words.contains(&(name.to_owned(), false)) || words.contains(&(name.to_owned(), true))
    }

    fn binding(&mut self, module: usize, binding: &'a Binding) {
        if binding.name == "*" {
            return self.glob(module, binding);
        }
        if binding.public && !self.has_word(module, &binding.name) {
            return;
        }
        let name = binding.path.last().map_or("", String::as_str);
        match self.resolve(module, &binding.path, &mut Vec::new()) {
            Target::Defined(file) => self.add(module, file, name),
            Target::Module(to) if self.is_leaf(to) => self.add(module, self.all.modules[to].file, name),
            Target::Module(_) | Target::Outside => {}
        }
    }

    /// The names of the code that come in by a glob.
    fn glob(&mut self, module: usize, binding: &'a Binding) {
        let from = match self.resolve(module, &binding.path, &mut Vec::new()) {
            Target::Module(from) => from,
            Target::Defined(file) => return self.add(module, file, binding.path.last().map_or("", String::as_str)),
            Target::Outside => return,
        };
        // Where it gives none of the code's words: a trait's methods, or what a macro makes.
        if !self.words_of(module, from) && !binding.public && self.is_leaf(from) {
            self.add(module, self.all.modules[from].file, "*");
        }
    }

    /// Imports what words of the code mean in the module `from`; says whether there were any.
    fn words_of(&mut self, module: usize, from: usize) -> bool {
        let own = &self.all.modules[module];
        let is_own =
            |word: &String| own.defined.contains(word) || own.bindings.iter().any(|binding| binding.name == *word);
        let mut found = false;
        for (word, _) in own.words.iter().filter(|(word, _)| !is_own(word)) {
            if let Some(Target::Defined(file)) = self.look_up(from, word, true, &mut Vec::new()) {
                self.add(module, file, word);
                found = true;
            }
        }
        found
    }

    fn path(&mut self, module: usize, path: &'a CodePath) {
        let first = path.words[0].as_str();
        let is_relative = matches!(first, "crate" | "self" | "super");
        let at_module = || matches!(self.look_up(module, first, false, &mut Vec::new()), Some(Target::Module(_)));
        if !is_relative && !at_module() {
            return;
        }
        let target = self.resolve(module, &path.words, &mut Vec::new());
        // Without what follows a type: `Buffer` of `crate::base::Buffer::zeroed`.
        let shorter = (1..path.words.len()).find(|&n| {
            matches!(target, Target::Defined(_)) && self.resolve(module, &path.words[..n], &mut Vec::new()) == target
        });
        let name = &path.words[shorter.unwrap_or(path.words.len()) - 1];
        if matches!(name.as_str(), "crate" | "self" | "super") {
            return;
        }
        match target {
            Target::Defined(file) => self.add(module, file, name),
            Target::Module(to) if self.is_leaf(to) => self.add(module, self.all.modules[to].file, name),
            // A macro's variable takes its names from the words that the macro is called with.
            Target::Module(to) if path.open => _ = self.words_of(module, to),
            Target::Module(_) | Target::Outside => {}
        }
    }

    /// Macros that are known by the order of the files alone.
    fn macros(&mut self, module: usize) {
        for (word, is_macro) in &self.all.modules[module].words {
            let is_named = || self.look_up(module, word, true, &mut Vec::new()).is_some();
            let defined = if *is_macro { self.all.macros.get(word) } else { None };
            if let Some(&file) = defined.filter(|_| !is_named()) {
                self.add(module, file, word);
            }
        }
    }

    /// Whether nothing stands beneath a module in files of their own.
    fn is_leaf(&self, module: usize) -> bool {
        let module = &self.all.modules[module];
        module.children.values().all(|&child| self.all.modules[child].file == module.file)
    }

    fn resolve(&self, start: usize, words: &'a [String], followed: &mut Followed<'a>) -> Target {
        let mut target = Target::Module(start);
        for (i, word) in words.iter().enumerate() {
            let Target::Module(module) = target else { return target };
            target = match word.as_str() {
                "crate" if i == 0 => Target::Module(0),
                "self" if i == 0 => Target::Module(start),
                "super" => self.all.modules[module].parent.map_or(Target::Outside, Target::Module),
                _ => match self.look_up(module, word, i + 1 == words.len(), followed) {
                    Some(target) => target,
                    // Another crate's name; what a macro of the module makes.
                    None if i == 0 => Target::Outside,
                    None => Target::Defined(self.all.modules[module].file),
                },
            };
        }
        target
    }

    /// What `name` is in a module: in front of `::` rather a module, at a path's end rather an item.
    fn look_up(&self, module: usize, name: &'a str, last: bool, followed: &mut Followed<'a>) -> Option<Target> {
        let own = &self.all.modules[module];
        let child = own.children.get(name).map(|&child| Target::Module(child));
        if !last && child.is_some() {
            return child;
        }
        if followed.contains(&(module, name)) {
            return child;
        }
        followed.push((module, name));
        let found = self.followed(module, name, followed);
        followed.pop();
        found.or(child)
    }

    fn followed(&self, module: usize, name: &'a str, followed: &mut Followed<'a>) -> Option<Target> {
        let own = &self.all.modules[module];
        if let Some(binding) = own.bindings.iter().find(|binding| binding.name == name) {
            return Some(self.resolve(module, &binding.path, followed));
        }
        if own.defined.contains(name) {
            return Some(Target::Defined(own.file));
        }
        if own.children.contains_key(name) {
            return None;
        }
        let globs = own.bindings.iter().filter(|binding| binding.name == "*");
        globs
            .filter_map(|glob| match self.resolve(module, &glob.path, followed) {
                Target::Module(from) if from != module => self.look_up(from, name, true, followed),
                _ => None,
            })
            .find(|target| *target != Target::Outside)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The imports as `from -> to: names`.
    fn found(sources: &[(&str, &str)]) -> Vec<String> {
        let all = Crate::read(sources.iter().map(|(path, text)| ((*path).into(), (*text).into())).collect());
        let shown = |((from, to), names): ((usize, usize), BTreeSet<String>)| {
            let names: Vec<String> = names.into_iter().collect();
            format!("{} -> {}: {}", all.files[from], all.files[to], names.join(" "))
        };
        arrows(&all).into_iter().map(shown).collect()
    }

    #[test]
    fn a_re_export_leads_on_and_is_no_import() {
        let sources = [
            ("lib.rs", "mod a; mod b; pub use a::X;"),
            ("a/mod.rs", "pub mod c; mod d; pub use c::{X, Y as Z}; pub(crate) use d::*; pub struct Own;"),
            ("a/c.rs", "pub struct X; pub struct Y; use super::Own;"),
            ("a/d.rs", "pub fn w() { super::c::X; }"),
            ("b.rs", "use crate::{X, a::{Z, w}}; use std::fmt; fn f(e: fmt::Error) { crate::a::Own; serde::a::c() }"),
        ];
        assert_eq!(
            found(&sources),
            [
                "a/c.rs -> a/mod.rs: Own",
                "a/d.rs -> a/c.rs: X",
                "b.rs -> a/c.rs: X Z",
                "b.rs -> a/d.rs: w",
                "b.rs -> a/mod.rs: Own"
            ]
        );
    }

    #[test]
    fn code_of_a_table_of_contents_imports() {
        let sources = [
            ("a/mod.rs", "mod b; mod c; mod d; pub use b::B; use c::*; fn f(x: B) { d::g(); h(); }"),
            ("a/b.rs", "pub struct B; mod inner { use super::*; use crate::a::d; fn x() { d::g() } }"),
            ("a/c.rs", "pub fn h() {} pub fn unused() {}"),
            ("a/d.rs", "pub fn g() { let b = 1; b.max(2); 0..b; }"),
            ("lib.rs", "mod a;"),
        ];
        let expected =
            ["a/b.rs -> a/d.rs: d g", "a/mod.rs -> a/b.rs: B", "a/mod.rs -> a/c.rs: h", "a/mod.rs -> a/d.rs: g"];
        let mut lines = found(&sources);
        lines.sort();
        assert_eq!(lines, expected);
    }

    #[test]
    fn macros_import_by_their_bodies_and_their_names() {
        let sources = [
            ("lib.rs", "#[macro_use] mod m; mod a; mod b;"),
            ("m.rs", "macro_rules! table { ($n:ident) => { $crate::a::A; $crate::b::$n(); super::super::$n(); } }"),
            ("a.rs", "pub struct A; words! { Word, \"word\" }"),
            ("b.rs", "table! { c } fn f(w: crate::a::Word) { if f != g {} }"),
        ];
        assert_eq!(
            found(&sources),
            ["b.rs -> a.rs: Word", "b.rs -> m.rs: table", "m.rs -> a.rs: A", "m.rs -> b.rs: b"]
        );
    }
}
