//! The modules of a crate, read from its files: what each defines and imports, and the paths and words of its code.
//!
//! A file is the module that its place says (`a/b.rs` and `a/b/mod.rs` are `a::b`; `lib.rs`, or else `main.rs`, is the
//! crate); modules written inside a file are modules of that file. What a macro makes is not seen, but its definition
//! and its arguments are read: paths in them count for the file in which they stand. A `#[path]` is followed for test
//! modules only, to leave them out.

use crate::lexer::{Kind, Token, group_end, tokens};
use std::collections::{BTreeMap, BTreeSet};

/// A name brought in by `use`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Binding {
    /// The name here; `*` for all, `_` for a trait without a name.
    pub(crate) name: String,
    pub(crate) path: Vec<String>,
    /// Visible outside the module, and perhaps only there.
    pub(crate) public: bool,
}

/// A path of two words or more in code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CodePath {
    pub(crate) words: Vec<String>,
    /// Whether a macro's variable follows.
    pub(crate) open: bool,
}

/// A module: a file, or one inside a file.
#[derive(Debug, Default)]
pub(crate) struct Module {
    pub(crate) file: usize,
    pub(crate) parent: Option<usize>,
    pub(crate) children: BTreeMap<String, usize>,
    pub(crate) bindings: Vec<Binding>,
    pub(crate) defined: BTreeSet<String>,
    pub(crate) paths: Vec<CodePath>,
    /// Words in code that may be names from elsewhere, each with whether it is called as a macro.
    pub(crate) words: BTreeSet<(String, bool)>,
}

/// A crate.
#[derive(Debug, Default)]
pub(crate) struct Crate {
    /// Paths from the crate's folder, in order.
    pub(crate) files: Vec<String>,
    pub(crate) tokens: Vec<Vec<Token>>,
    pub(crate) modules: Vec<Module>,
    /// Where each macro is defined.
    pub(crate) macros: BTreeMap<String, usize>,
}

impl Crate {
    /// Reads files of a path and a text each; the first module is the crate's root.
    pub(crate) fn read(mut sources: Vec<(String, String)>) -> Self {
        sources.sort();
        let lexed: Vec<_> = sources.into_iter().map(|(path, text)| (path, tokens(&text))).collect();
        let tests: Vec<String> = lexed.iter().flat_map(|(path, (_, taken))| test_files(path, taken)).collect();
        let is_test = |path: &str| {
            tests.iter().any(|test| path == test || path.starts_with(&format!("{}/", test.trim_end_matches(".rs"))))
        };
        let mut all = Self { modules: vec![Module::default()], ..Self::default() };
        for (path, (kept, _)) in lexed.into_iter().filter(|(path, _)| !is_test(path)) {
            let file = all.files.len();
            all.files.push(path.clone());
            let module = all.module_of(&path, file);
            Reader { all: &mut all, tokens: &kept, file, open: vec![(module, Inside::Module)] }.run();
            all.tokens.push(kept);
        }
        all
    }

    /// The module that a file is, made with the modules above it.
    fn module_of(&mut self, path: &str, file: usize) -> usize {
        let name = path.trim_end_matches(".rs").trim_end_matches("/mod");
        let is_root =
            matches!(path, "lib.rs" | "mod.rs") || (path == "main.rs" && !self.files.contains(&"lib.rs".into()));
        let words = name.split('/').filter(|_| !is_root);
        let module = words.fold(0, |module, word| self.child(module, word, file));
        self.modules[module].file = file;
        module
    }

    fn child(&mut self, parent: usize, name: &str, file: usize) -> usize {
        let next = self.modules.len();
        let child = *self.modules[parent].children.entry(name.to_owned()).or_insert(next);
        if child == next {
            self.modules.push(Module { file, parent: Some(parent), ..Module::default() });
        }
        child
    }
}

/// The files of the modules that are declared for tests only.
fn test_files(path: &str, taken: &[Token]) -> Vec<String> {
    let (folder, name) = path.rsplit_once('/').map_or(("", path), |(folder, name)| (folder, name));
    let folder = if folder.is_empty() { String::new() } else { format!("{folder}/") };
    let inner = if matches!(name, "mod.rs" | "lib.rs" | "main.rs") {
        folder.clone()
    } else {
        format!("{folder}{}/", name.trim_end_matches(".rs"))
    };
    let mut files = Vec::new();
    let mut given = None;
    for (i, token) in taken.iter().enumerate() {
        match (&token.kind, taken.get(i + 1), taken.get(i + 2)) {
            (Kind::Word(word), Some(_), Some(Token { kind: Kind::Literal(file), .. })) if word == "path" => {
                given = Some(format!("{folder}{file}"));
            }
            (Kind::Word(word), Some(Token { kind: Kind::Word(name), .. }), Some(end))
                if word == "mod" && end.is(';') =>
            {
                files.extend(given.take());
                files.extend([format!("{inner}{name}.rs"), format!("{inner}{name}/mod.rs")]);
            }
            _ => {}
        }
    }
    files
}

/// What an open brace belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Inside {
    Module,
    /// The arguments of a macro: types in them are taken for definitions, functions are not.
    Invocation,
    /// A body, in which nothing that others can name is defined.
    Body,
}

struct Reader<'a> {
    all: &'a mut Crate,
    tokens: &'a [Token],
    file: usize,
    /// The open braces: the module in which each stands or which it is.
    open: Vec<(usize, Inside)>,
}

impl Reader<'_> {
    fn run(&mut self) {
        let mut at = 0;
        while at < self.tokens.len() {
            at = self.step(at);
        }
    }

    fn module(&mut self) -> &mut Module {
        let (module, _) = self.open.last().copied().unwrap_or((0, Inside::Module));
        &mut self.all.modules[module]
    }

    fn word(&self, at: usize) -> Option<&str> {
        self.tokens.get(at).and_then(Token::word)
    }

    fn is(&self, at: usize, mark: char) -> bool {
        self.tokens.get(at).is_some_and(|token| token.is(mark))
    }

    /// Reads what stands at `at`; gives the place after it.
    fn step(&mut self, at: usize) -> usize {
        match &self.tokens[at].kind {
            Kind::Mark('{') => {
                let inside = self.inside(at);
                let (module, _) = self.open.last().copied().unwrap_or((0, Inside::Module));
                self.open.push((module, inside));
                at + 1
            }
            Kind::Mark('}') => {
                if self.open.len() > 1 {
                    self.open.pop();
                }
                at + 1
            }
            Kind::Mark('#') if self.is(at + 1, '[') => group_end(self.tokens, at + 1),
            Kind::Word(word) => {
                let word = word.clone();
                self.keyword(at, &word)
            }
            _ => at + 1,
        }
    }

    /// What the brace at `at` belongs to, unless it is a module's.
    fn inside(&self, at: usize) -> Inside {
        let is_invocation = at >= 2 && self.is(at - 1, '!') && self.word(at - 2).is_some();
        if is_invocation { Inside::Invocation } else { Inside::Body }
    }

    fn keyword(&mut self, at: usize, word: &str) -> usize {
        let inside = self.open.last().map_or(Inside::Module, |(_, inside)| *inside);
        match word {
            "use" if !self.is(at + 1, '<') => return self.imports(at),
            "mod" => return self.module_begins(at),
            "macro_rules" if self.is(at + 1, '!') => {
                if let Some(name) = self.word(at + 2).map(str::to_owned) {
                    self.all.macros.insert(name.clone(), self.file);
                    self.module().defined.insert(name);
                }
                return at + 3;
            }
            // Of a pointer's type.
            "const" if at > 0 && self.is(at - 1, '*') => return at + 1,
            "struct" | "enum" | "union" | "trait" | "type" | "const" | "static" | "fn" => {
                let mut name_at = at + 1;
                while matches!(self.word(name_at), Some("mut" | "unsafe" | "extern" | "async" | "fn")) {
                    name_at += 1;
                }
                let visible = inside == Inside::Module || (inside == Inside::Invocation && word != "fn");
                if let Some(name) = self.word(name_at).map(str::to_owned) {
                    if visible {
                        self.module().defined.insert(name);
                    }
                    return name_at + 1;
                }
                return at + 1;
            }
            _ => {}
        }
        self.path(at)
    }

    /// A word of code, or a path.
    fn path(&mut self, at: usize) -> usize {
        let follows = |mark: char| at > 0 && self.is(at - 1, mark);
        let is_first = !(follows('.') && !(at > 1 && self.is(at - 2, '.'))) && !follows('$');
        let (mut words, mut end) = (vec![self.word(at).unwrap_or("").to_owned()], at + 1);
        while self.tokens.get(end).is_some_and(Token::is_path) {
            let Some(word) = self.word(end + 1) else { break };
            words.push(word.to_owned());
            end += 2;
        }
        let open = self.tokens.get(end).is_some_and(Token::is_path) && self.is(end + 1, '$');
        let after_path = at > 0 && self.tokens[at - 1].is_path();
        if is_first && !after_path {
            let is_macro = words.len() == 1 && self.is(end, '!') && !self.is(end + 1, '=');
            self.module().words.insert((words[0].clone(), is_macro));
            if words.len() > 1 || open {
                self.module().paths.push(CodePath { words, open });
            }
        }
        end
    }

    /// `mod name {`, or a declaration, whose file has its own place.
    fn module_begins(&mut self, at: usize) -> usize {
        let name_at = if self.is(at + 1, '$') { at + 2 } else { at + 1 };
        let Some(name) = self.word(name_at).map(str::to_owned) else { return at + 1 };
        if !self.is(name_at + 1, '{') {
            return name_at + 1;
        }
        let (parent, _) = self.open.last().copied().unwrap_or((0, Inside::Module));
        let name = if name_at > at + 1 { format!("${name}") } else { name };
        let module = self.all.child(parent, &name, self.file);
        self.open.push((module, Inside::Module));
        name_at + 2
    }

    /// A `use` with its tree.
    fn imports(&mut self, at: usize) -> usize {
        let public = at > 0 && (self.tokens[at - 1].is_word("pub") || self.is(at - 1, ')'));
        let end = (at..self.tokens.len()).find(|&i| self.is(i, ';')).unwrap_or(self.tokens.len());
        let mut found = Vec::new();
        tree(&self.tokens[at + 1..end], &[], public, &mut found);
        self.module().bindings.extend(found);
        end + 1
    }
}

/// The names of a tree: `a::{b, c as d, e::*, self}`.
fn tree(tokens: &[Token], above: &[String], public: bool, found: &mut Vec<Binding>) {
    let mut path = above.to_vec();
    let mut at = 0;
    while at < tokens.len() {
        match &tokens[at].kind {
            Kind::Mark('{') => {
                let end = group_end(tokens, at);
                for part in parts(&tokens[at + 1..end - 1]) {
                    tree(part, &path, public, found);
                }
                return;
            }
            Kind::Mark('*') => {
                found.push(Binding { name: "*".into(), path, public });
                return;
            }
            Kind::Word(word) if word == "as" => break,
            Kind::Word(word) if word == "self" && !path.is_empty() => {}
            Kind::Word(word) => path.push(word.clone()),
            _ => {}
        }
        at += 1;
    }
    let alias = tokens.get(at + 1).and_then(Token::word);
    let Some(name) = alias.or(path.last().map(String::as_str)).map(str::to_owned) else { return };
    if !tokens.is_empty() {
        found.push(Binding { name, path, public });
    }
}

/// The parts between the commas of a list.
fn parts(tokens: &[Token]) -> Vec<&[Token]> {
    let (mut parts, mut start, mut at) = (Vec::new(), 0, 0);
    while at < tokens.len() {
        if tokens[at].is(',') {
            parts.push(&tokens[start..at]);
            (start, at) = (at + 1, at + 1);
        } else if tokens[at].is('{') {
            at = group_end(tokens, at);
        } else {
            at += 1;
        }
    }
    parts.push(&tokens[start..]);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_of_names() {
        let text = "use super::{self, a::{b, c as d}, e::*, f as _}; pub use g;";
        let all = Crate::read(vec![("x.rs".into(), text.into())]);
        let bindings = &all.modules[1].bindings;
        let shown: Vec<String> = bindings.iter().map(|b| format!("{}={}", b.name, b.path.join("::"))).collect();
        let expected = ["super=super", "b=super::a::b", "d=super::a::c", "*=super::e", "_=super::f", "g=g"];
        assert_eq!(shown, expected);
        assert_eq!(bindings.iter().filter(|binding| binding.public).count(), 1);
    }

    #[test]
    fn what_is_defined_and_what_is_only_inside() {
        let text = "fn f() { fn g() {} } impl A { fn h() {} } m! { pub struct B in b; fn i() = j; }
            mod k { static L: u8 = 1; }
            macro_rules! n { () => { fn o() {} } } const fn p() {} unsafe impl Q for R {} const S: [u8; { T }] = U;";
        let all = Crate::read(vec![("lib.rs".into(), text.into())]);
        let defined: Vec<&str> = all.modules[0].defined.iter().map(String::as_str).collect();
        assert_eq!(defined, ["B", "S", "f", "n", "p"]);
        let inner = all.modules[0].children["k"];
        assert!(all.modules[inner].defined.contains("L") && all.macros.contains_key("n"));
    }

    #[test]
    fn files_of_tests_are_left_out() {
        let sources = [
            ("a/mod.rs", "mod b; #[cfg(test)] mod tests;"),
            ("a/b.rs", "#[cfg(test)] #[path = \"b_tests.rs\"] mod tests;"),
            ("a/b_tests.rs", ""),
            ("a/tests.rs", ""),
            ("a/tests/more.rs", ""),
        ];
        let all = Crate::read(sources.map(|(path, text)| (path.to_owned(), text.to_owned())).into());
        assert_eq!(all.files, ["a/b.rs", "a/mod.rs"]);
    }
}
