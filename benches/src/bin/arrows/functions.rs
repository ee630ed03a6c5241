//! How long functions are: the lines of a body that hold code, its braces' own lines aside.

use crate::lexer::{Kind, Token, group_end};
use std::collections::BTreeSet;

/// Every function of a file: its name and its lines.
pub(crate) fn functions(tokens: &[Token]) -> Vec<(String, usize)> {
    let starts = (0..tokens.len()).filter(|&at| tokens[at].is_word("fn"));
    starts.filter_map(|at| function(tokens, at)).collect()
}

fn function(tokens: &[Token], at: usize) -> Option<(String, usize)> {
    let is_variable = tokens.get(at + 1)?.is('$');
    let name = tokens.get(at + if is_variable { 2 } else { 1 })?.word()?;
    let mut open = at + 2;
    while let Some(token) = tokens.get(open) {
        match token.kind {
            Kind::Mark('{') => break,
            // No body: a declaration, or a pattern of a macro.
            Kind::Mark(';' | ')' | ']' | '}') => return None,
            Kind::Mark('(' | '[') => open = group_end(tokens, open),
            _ => open += 1,
        }
    }
    let end = group_end(tokens, open);
    let body = tokens.get(open + 1..end.checked_sub(1)?)?;
    let (first, last) = (tokens.get(open)?.first, tokens.get(end - 1)?.first);
    let lines: BTreeSet<usize> = body.iter().flat_map(|token| token.first..=token.last).collect();
    let of_braces = lines.iter().filter(|&&line| first != last && (line == first || line == last)).count();
    let name = if is_variable { format!("${name}") } else { name.to_owned() };
    Some((name, lines.len() - of_braces))
}

/// Functions that take a raw pointer and are not `unsafe`: who calls them vouches for nothing.
pub(crate) fn safe_with_pointers(tokens: &[Token]) -> Vec<String> {
    let is_unsafe = |at: usize| at > 0 && tokens[at - 1].is_word("unsafe");
    let starts = (0..tokens.len()).filter(|&at| tokens[at].is_word("fn") && !is_unsafe(at));
    let takes_pointer = |&at: &usize| {
        let open = (at + 1..tokens.len()).find(|&open| matches!(tokens[open].kind, Kind::Mark('(' | '{' | ';')))?;
        let arguments = tokens.get(open..group_end(tokens, open))?;
        let mut pairs = arguments.windows(2);
        let name = tokens.get(at + 1)?.word()?;
        let found = pairs.any(|pair| pair[0].is('*') && (pair[1].is_word("const") || pair[1].is_word("mut")));
        (tokens[open].is('(') && found).then(|| name.to_owned())
    };
    starts.filter_map(|at| takes_pointer(&at)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lexer::tokens;

    #[test]
    fn a_pointer_asks_for_unsafe() {
        let text = "fn a(x: *const u8) {} unsafe fn b(x: *mut u8) {} fn c(x: &u8) -> *const u8 { x } fn d<T>(x: (u8, *mut T)) {}";
        assert_eq!(safe_with_pointers(&tokens(text).0), ["a", "d"]);
    }

    #[test]
    fn lines_with_code_are_counted() {
        let text = "trait T { fn declared(&self) -> [u8; 2]; }
            fn short() { 1 }
            fn long<F: Fn(u8) -> u8>(f: F) -> [u8; { 1 }]
            where F: Send {
                // a comment

                let a = \"two
                    lines\";
                if a { /* more
                    of it */ }
            }
            m! { ($name:ident) => { pub fn $name(x: fn(u8) -> u8) { x(1);
                2 } } }";
        let found: Vec<(String, usize)> = functions(&tokens(text).0);
        let expected = [("short", 1), ("long", 4), ("$name", 0)].map(|(name, lines)| (name.to_owned(), lines));
        assert_eq!(found, expected);
    }
}
