//! Every path that a file names, imports taken apart: `use a::{b, c::d}` is `a::b` and `a::c::d`.
//!
//! It reads tokens, not syntax, so that paths inside macros are seen. What `#[cfg(test)]` covers is left out.

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};
use std::collections::HashMap;

/// One path of two segments or more, or an import.
#[derive(Debug)]
pub(super) struct Named {
    pub(super) segments: Vec<String>,
    pub(super) line: usize,
    pub(super) import: bool,
    /// `use a::b as c`.
    alias: Option<String>,
}

/// All paths in the order of the file.
pub(super) fn paths(tokens: TokenStream) -> Vec<Named> {
    let mut found = Vec::new();
    Reader { tokens: tokens.into_iter().collect(), at: 0, found: &mut found }.items();
    found
}

/// What each imported name stands for.
pub(super) fn imports(paths: &[Named]) -> HashMap<&str, &[String]> {
    let named = paths.iter().filter(|path| path.import);
    named
        .filter_map(|path| Some((path.alias.as_ref().or(path.segments.last())?.as_str(), &path.segments[..])))
        .collect()
}

struct Reader<'a> {
    tokens: Vec<TokenTree>,
    at: usize,
    found: &'a mut Vec<Named>,
}

impl Reader<'_> {
    fn items(&mut self) {
        let mut import = false;
        while let Some(token) = self.tokens.get(self.at).cloned() {
            match token {
                TokenTree::Ident(word) if word == "use" => {
                    import = true;
                    self.at += 1;
                }
                TokenTree::Ident(_) => {
                    self.path(&[], import);
                    import = false;
                }
                TokenTree::Punct(mark) if mark.as_char() == '#' => self.attribute(),
                // `$crate::` in a macro names the public surface, from the outside.
                TokenTree::Punct(mark) if mark.as_char() == '$' && self.is_crate(self.at + 1) => self.at += 2,
                TokenTree::Group(group) => {
                    self.inside(group.stream()).items();
                    self.at += 1;
                }
                _ => self.at += 1,
            }
        }
    }

    fn inside(&mut self, tokens: TokenStream) -> Reader<'_> {
        Reader { tokens: tokens.into_iter().collect(), at: 0, found: self.found }
    }

    /// Reads a path from the identifier at hand, below `prefix`.
    fn path(&mut self, prefix: &[String], import: bool) {
        let mut segments = prefix.to_vec();
        let line = self.tokens[self.at].span().start().line;
        while let Some(TokenTree::Ident(word)) = self.tokens.get(self.at) {
            segments.push(word.to_string());
            self.at += 1;
            if !self.is_joint() {
                break;
            }
            self.at += 2;
        }
        match self.tokens.get(self.at).cloned() {
            Some(TokenTree::Group(group))
                if group.delimiter() == Delimiter::Brace && self.is_after_joint() =>
            {
                self.at += 1;
                self.inside(group.stream()).tree(&segments, import);
            }
            _ => self.name(segments, line, import),
        }
    }

    /// Reads the comma separated paths of an import's braces.
    fn tree(&mut self, prefix: &[String], import: bool) {
        while let Some(token) = self.tokens.get(self.at) {
            match token {
                TokenTree::Ident(_) => self.path(prefix, import),
                _ => self.at += 1,
            }
        }
    }

    fn name(&mut self, mut segments: Vec<String>, line: usize, import: bool) {
        let alias = match (import, &self.tokens[self.at..]) {
            (true, [TokenTree::Ident(word), TokenTree::Ident(alias), ..]) if word == "as" => {
                Some(alias.to_string())
            }
            _ => None,
        };
        self.at += if alias.is_some() { 2 } else { 0 };
        if segments.len() > 1 && segments.last().is_some_and(|last| last == "self") {
            segments.pop();
        }
        if import || segments.len() > 1 {
            self.found.push(Named { segments, line, import, alias });
        }
    }

    fn is_crate(&self, at: usize) -> bool {
        matches!(self.tokens.get(at), Some(TokenTree::Ident(word)) if word == "crate")
    }

    /// True before `::`.
    fn is_joint(&self) -> bool {
        let is_colon = |token: Option<&TokenTree>, spacing: Option<Spacing>| match token {
            Some(TokenTree::Punct(mark)) => {
                mark.as_char() == ':' && spacing.is_none_or(|s| s == mark.spacing())
            }
            _ => false,
        };
        is_colon(self.tokens.get(self.at), Some(Spacing::Joint))
            && is_colon(self.tokens.get(self.at + 1), None)
    }

    fn is_after_joint(&self) -> bool {
        matches!(&self.tokens[self.at - 1], TokenTree::Punct(mark) if mark.as_char() == ':')
    }

    /// Steps over an attribute, and over what it covers if that is only in tests.
    fn attribute(&mut self) {
        self.at += 1;
        let Some(TokenTree::Group(group)) = self.tokens.get(self.at) else { return };
        let text: String = group.stream().to_string().split_whitespace().collect();
        self.at += 1;
        if text != "cfg(test)" && !text.starts_with("cfg(all(test,") {
            return;
        }
        let is_end = |token: &TokenTree| match token {
            TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
            TokenTree::Punct(mark) => mark.as_char() == ';',
            _ => false,
        };
        let covered = self.tokens[self.at..].iter().position(is_end);
        self.at = covered.map_or(self.tokens.len(), |length| self.at + length + 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        paths(text.parse().unwrap()).iter().map(|path| path.segments.join("::")).collect()
    }

    #[test]
    fn imports_are_taken_apart() {
        let text = "use std::{sync::{self, atomic::{AtomicU8, Ordering}}, thread as t}; pub use ::a::b;";
        let expected = [
            "std::sync",
            "std::sync::atomic::AtomicU8",
            "std::sync::atomic::Ordering",
            "std::thread",
            "a::b",
        ];
        assert_eq!(found(text), expected);
        assert_eq!(found("use std::io::prelude::*; use x;"), ["std::io::prelude", "x"]);
    }

    #[test]
    fn an_import_is_known_by_its_name_or_alias() {
        let paths = paths("use a::b; use c::d as e; use f::{g, h as i};".parse().unwrap());
        let imports = imports(&paths);
        assert_eq!(imports["b"], ["a", "b"]);
        assert_eq!(imports["e"], ["c", "d"]);
        assert_eq!(imports["i"], ["f", "h"]);
        assert_eq!(imports.len(), 4);
    }

    #[test]
    fn paths_are_seen_in_expressions_types_and_macros() {
        let text = "fn f(a: a::B<c::D>) -> ::e::F { g!(h::i(x as j::k)); L { m: n::o::<P>() } }";
        assert_eq!(found(text), ["a::B", "c::D", "e::F", "h::i", "j::k", "n::o"]);
    }

    #[test]
    fn a_single_name_is_no_path_and_a_macros_crate_no_root() {
        assert!(found("fn f() { let x: u8 = y; z(x) }").is_empty());
        let text = "macro_rules! m { ($($x:expr),*) => { $crate::a::b(); $(c::d($x);)* } }";
        assert_eq!(found(text), ["a::b", "c::d"]);
    }

    #[test]
    fn test_code_is_left_out() {
        let text =
            "#[cfg(test)] mod tests { use a::b; } #[cfg(all(test, not(loom)))] fn t() { c::d() } e::f!();";
        assert_eq!(found(text), ["e::f"]);
        assert_eq!(found("#[cfg(test)]\nmod tests;\n#[cfg(not(test))] use a::b;"), ["a::b"]);
    }
}
