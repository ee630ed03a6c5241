//! Rust's text as tokens, with comments and the insides of strings left out, and items under `#[cfg(test)]` taken
//! away.
//!
//! Enough of a lexer to see names, paths and braces; it does not tell one literal from another.

/// What a token is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A name or a keyword; `$crate` is one, too.
    Word(String),
    /// `::`
    Path,
    /// Any other punctuation, a character at a time.
    Mark(char),
    /// A number, a string (its text, for `#[path = "..."]`), a character.
    Literal(String),
}

/// A token and the lines that it stands on, from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) first: usize,
    pub(crate) last: usize,
}

impl Token {
    /// The word that it is.
    pub(crate) fn word(&self) -> Option<&str> {
        if let Kind::Word(word) = &self.kind { Some(word) } else { None }
    }

    pub(crate) fn is_word(&self, word: &str) -> bool {
        self.word() == Some(word)
    }

    pub(crate) fn is(&self, mark: char) -> bool {
        self.kind == Kind::Mark(mark)
    }

    pub(crate) fn is_path(&self) -> bool {
        self.kind == Kind::Path
    }
}

/// The tokens of a file without its tests, and the modules that it declares for tests only.
pub(crate) fn tokens(text: &str) -> (Vec<Token>, Vec<Token>) {
    let all = Lexer { chars: text.chars().collect(), at: 0, line: 1 }.run();
    without_tests(&all)
}

struct Lexer {
    chars: Vec<char>,
    at: usize,
    line: usize,
}

impl Lexer {
    fn peek(&self, ahead: usize) -> char {
        self.chars.get(self.at + ahead).copied().unwrap_or('\0')
    }

    fn next(&mut self) -> char {
        let c = self.peek(0);
        self.line += usize::from(c == '\n');
        self.at += 1;
        c
    }

    fn run(mut self) -> Vec<Token> {
        let mut tokens: Vec<Token> = Vec::new();
        while self.at < self.chars.len() {
            let first = self.line;
            let Some(kind) = self.token() else { continue };
            // `$crate` is one word; other variables of macros stay `$` and a name.
            if kind == Kind::Word("crate".into()) && tokens.last().is_some_and(|token| token.is('$')) {
                tokens.pop();
            }
            tokens.push(Token { kind, first, last: self.line });
        }
        tokens
    }

    fn token(&mut self) -> Option<Kind> {
        let c = self.peek(0);
        match (c, self.peek(1)) {
            ('/', '/') => self.skip_while(|c| c != '\n'),
            ('/', '*') => self.block_comment(),
            (':', ':') => {
                self.at += 2;
                return Some(Kind::Path);
            }
            ('"', _) => return Some(self.string(0, false)),
            ('\'', _) => return self.quote(),
            _ if c.is_whitespace() => {
                self.next();
            }
            _ if c.is_alphabetic() || c == '_' => return Some(self.word()),
            _ if c.is_ascii_digit() => {
                return Some(self.number());
            }
            _ => return Some(Kind::Mark(self.next())),
        }
        None
    }

    fn skip_while(&mut self, holds: impl Fn(char) -> bool) {
        while self.at < self.chars.len() && holds(self.peek(0)) {
            self.next();
        }
    }

    /// Comments nest.
    fn block_comment(&mut self) {
        let mut depth = 0;
        while self.at < self.chars.len() {
            match (self.peek(0), self.peek(1)) {
                ('/', '*') => (depth, self.at) = (depth + 1, self.at + 2),
                ('*', '/') => (depth, self.at) = (depth - 1, self.at + 2),
                _ => {
                    self.next();
                }
            }
            if depth == 0 {
                return;
            }
        }
    }

    fn number(&mut self) -> Kind {
        let start = self.at;
        self.skip_while(|c| c.is_alphanumeric() || c == '_');
        // `1.5`, but neither `1..2` nor `1.max(2)`.
        if self.peek(0) == '.' && self.peek(1).is_ascii_digit() {
            self.next();
            self.skip_while(|c| c.is_alphanumeric() || c == '_');
        }
        Kind::Literal(self.chars[start..self.at].iter().collect())
    }

    /// A word; or a string or a character whose prefix looks like one, or a raw word.
    fn word(&mut self) -> Kind {
        let start = self.at;
        self.skip_while(|c| c.is_alphanumeric() || c == '_');
        let word: String = self.chars[start..self.at].iter().collect();
        let hashes = (0..).take_while(|&i| self.peek(i) == '#').count();
        match (word.as_str(), self.peek(0), self.peek(hashes)) {
            ("r" | "br" | "cr", _, '"') => {
                self.at += hashes;
                self.string(hashes, true)
            }
            ("b" | "c", '"', _) => self.string(0, false),
            ("b", '\'', _) => self.quote().unwrap_or(Kind::Literal(String::new())),
            ("r", '#', c) if hashes == 1 && (c.is_alphabetic() || c == '_') => {
                self.at += 1;
                self.word()
            }
            _ => Kind::Word(word),
        }
    }

    /// A string, from its opening quote on.
    fn string(&mut self, hashes: usize, raw: bool) -> Kind {
        self.next();
        let start = self.at;
        while self.at < self.chars.len() {
            let c = self.next();
            if c == '\\' && !raw {
                self.next();
            } else if c == '"' && (0..hashes).all(|i| self.peek(i) == '#') {
                let text = self.chars[start..self.at - 1].iter().collect();
                self.at += hashes;
                return Kind::Literal(text);
            }
        }
        Kind::Literal(String::new())
    }

    /// A character, or a lifetime, which is dropped.
    fn quote(&mut self) -> Option<Kind> {
        self.next();
        if self.peek(0) != '\\' && self.peek(1) != '\'' {
            self.skip_while(|c| c.is_alphanumeric() || c == '_');
            return None;
        }
        if self.next() == '\\' {
            // `'\''` and `'\\'`, and the escapes with more in them.
            self.next();
        }
        self.skip_while(|c| c != '\'');
        self.next();
        Some(Kind::Literal(String::new()))
    }
}

/// The place after the group that opens at `at`.
pub(crate) fn group_end(tokens: &[Token], at: usize) -> usize {
    let mut depth = 0usize;
    for (i, token) in tokens.iter().enumerate().skip(at) {
        match token.kind {
            Kind::Mark('(' | '[' | '{') => depth += 1,
            Kind::Mark(')' | ']' | '}') => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return i + 1;
        }
    }
    tokens.len()
}

/// Takes away what `#[cfg(test)]` stands before; what was taken comes second.
fn without_tests(all: &[Token]) -> (Vec<Token>, Vec<Token>) {
    let (mut kept, mut taken) = (Vec::new(), Vec::new());
    let mut at = 0;
    while at < all.len() {
        let is_attribute = all[at].is('#') && all.get(at + 1).is_some_and(|token| token.is('['));
        if !is_attribute {
            kept.push(all[at].clone());
            at += 1;
            continue;
        }
        let end = group_end(all, at + 1);
        let to = if is_test(&all[at + 2..end]) { item_end(all, end) } else { end };
        let list = if to > end { &mut taken } else { &mut kept };
        list.extend_from_slice(&all[at..to.max(end)]);
        at = to.max(end);
    }
    (kept, taken)
}

/// `cfg(test)` or `cfg(all(test, ...))`.
fn is_test(attribute: &[Token]) -> bool {
    let words: Vec<&str> = attribute.iter().filter_map(Token::word).collect();
    matches!(words[..], ["cfg", "test"] | ["cfg", "all", "test", ..])
}

/// The place after the item that begins at `at`, its other attributes included.
fn item_end(tokens: &[Token], mut at: usize) -> usize {
    while at + 1 < tokens.len() && tokens[at].is('#') && tokens[at + 1].is('[') {
        at = group_end(tokens, at + 1);
    }
    let mut words = tokens[at..].iter().take(6).filter_map(Token::word);
    let first = words.find(|word| !matches!(*word, "pub" | "crate" | "super" | "in")).unwrap_or("");
    let is_const_fn = tokens[at..].iter().take(8).any(|token| token.is_word("fn"));
    let by_semicolon = matches!(first, "use" | "static" | "type" | "let") || (first == "const" && !is_const_fn);
    while at < tokens.len() {
        match tokens[at].kind {
            Kind::Mark(';' | ',') => return at + 1,
            // The end of what the item stands in: a field or an arm without a comma.
            Kind::Mark(')' | ']' | '}') => return at,
            Kind::Mark('{') if !by_semicolon => return group_end(tokens, at),
            Kind::Mark('(' | '[' | '{') => at = group_end(tokens, at),
            Kind::Mark('<') if !by_semicolon => at = angle_end(tokens, at),
            _ => at += 1,
        }
    }
    at
}

/// The place after a list of generics, whose commas end nothing.
fn angle_end(tokens: &[Token], at: usize) -> usize {
    let mut depth = 0usize;
    for (i, token) in tokens.iter().enumerate().skip(at) {
        let is_arrow = i > 0 && tokens[i - 1].is('-');
        match token.kind {
            Kind::Mark('<') => depth += 1,
            Kind::Mark('>') if !is_arrow => depth -= 1,
            Kind::Mark('{' | ';') => return i,
            _ => {}
        }
        if depth == 0 {
            return i + 1;
        }
    }
    tokens.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        tokens(text).0.iter().filter_map(Token::word).map(str::to_owned).collect()
    }

    #[test]
    fn comments_strings_characters_and_lifetimes_are_no_words() {
        let text = r##"
            // crate::a
            /* crate::b /* nested */ still */ fn f<'a>(x: &'a str) {
                "crate::c \" d"; r#"crate::"e"# ; b"g"; 'h'; '\''; b'i'; '\u{1f600}'; 1.5e3; r#type
            }"##;
        assert_eq!(words(text), ["fn", "f", "x", "str", "type"]);
    }

    #[test]
    fn tests_are_taken_away_and_nothing_else() {
        let text = "a; #[cfg(test)] mod tests { fn x() {} } b; #[cfg(test)] #[path = \"t.rs\"] mod t; c;
            #[cfg(test)] use d::{e, f}; g; #[cfg(all(test, unix))] pub(crate) fn h<A, B>(i: [u8; 2]) -> B { j } k;
            #[cfg(any(test, unix))] l; struct M { #[cfg(test)] n: Vec<u8>, o: u8 }
            #[cfg(test)] const P: Q = R { s: 1 };";
        let kept: Vec<String> =
            words(text).into_iter().filter(|w| !["cfg", "any", "test", "unix"].contains(&w.as_str())).collect();
        assert_eq!(kept, ["a", "b", "c", "g", "k", "l", "struct", "M", "o", "u8"]);
    }

    #[test]
    fn a_macros_crate_is_the_crate() {
        assert_eq!(words("$crate::x $name"), ["crate", "x", "name"]);
        assert_eq!(tokens("a\n\"b\nc\"").0[1].last, 3);
    }
}
