//! Rules on words of the language: what is unfinished, what is skipped, what is unsafe.

use super::{Note, Source};
use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// Marks of unfinished work.
const MACROS: &[&str] = &["todo", "unimplemented", "dbg"];

/// How far above an unsafe site its reason may begin.
const SAFETY_LINES: usize = 6;

pub(super) fn check(source: &Source) -> Vec<Note> {
    let lines: Vec<&str> = source.text.lines().collect();
    let mut notes = Vec::new();
    walk(source.tokens.clone(), &lines, &mut notes);
    notes
}

fn walk(tokens: TokenStream, lines: &[&str], notes: &mut Vec<Note>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    for at in 0..tokens.len() {
        let line = tokens[at].span().start().line;
        if let Some(what) = fault(&tokens[at..], line, lines) {
            notes.push(Note::new(line, what));
        }
        if let TokenTree::Group(group) = &tokens[at] {
            walk(group.stream(), lines, notes);
        }
    }
}

/// What is wrong where `tokens` begins.
fn fault(tokens: &[TokenTree], line: usize, lines: &[&str]) -> Option<String> {
    match tokens {
        [TokenTree::Ident(name), TokenTree::Punct(bang), TokenTree::Group(_), ..]
            if bang.as_char() == '!' && MACROS.iter().any(|banned| name == banned) =>
        {
            Some(format!("`{name}!` is left in"))
        }
        [TokenTree::Punct(hash), TokenTree::Group(attribute), ..]
            if hash.as_char() == '#' && ignores(attribute) =>
        {
            Some("a test is ignored: let it run, or delete it".into())
        }
        [TokenTree::Ident(word), next, ..]
            if word == "unsafe" && is_site(next) && !has_reason(line, lines) =>
        {
            Some(format!("unsafe without `SAFETY` within {SAFETY_LINES} lines above"))
        }
        _ => None,
    }
}

/// `#[ignore]`, also where a cfg decides.
fn ignores(attribute: &Group) -> bool {
    attribute.delimiter() == Delimiter::Bracket && names_ignore(attribute.stream())
}

fn names_ignore(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(word) => word == "ignore",
        TokenTree::Group(group) => names_ignore(group.stream()),
        _ => false,
    })
}

/// What follows `unsafe` in a block or an impl; a function and an extern block declare, they do not claim.
fn is_site(next: &TokenTree) -> bool {
    match next {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        TokenTree::Ident(word) => word == "impl",
        _ => false,
    }
}

fn has_reason(line: usize, lines: &[&str]) -> bool {
    let above = line - 1;
    lines[above.saturating_sub(SAFETY_LINES)..above].iter().any(|text| text.contains("SAFETY"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notes(text: &str) -> Vec<Note> {
        check(&Source::parse("a.rs", text).unwrap_or_else(|note| panic!("{note:?}")))
    }

    #[test]
    fn unfinished_work_is_found_also_inside_macros() {
        assert_eq!(notes("fn f() {\n    todo!()\n}"), [Note::new(2, "`todo!` is left in")]);
        assert_eq!(notes("fn f() { assert!(dbg!(true)); unimplemented!(\"x\") }").len(), 2);
        assert_eq!(notes("//! todo!()\nfn f(dbg: u8) -> bool { dbg != 1 && g(\"todo!()\") }"), []);
    }

    #[test]
    fn an_ignored_test_is_found() {
        assert_eq!(notes("#[test]\n#[ignore]\nfn f() {}")[0].line, 2);
        assert_eq!(notes("#[ignore = \"slow\"]\nfn f() {}").len(), 1);
        assert_eq!(notes("#[cfg_attr(miri, ignore)]\nfn f() {}").len(), 1);
        assert_eq!(notes("#[doc = \"ignore\"]\nfn ignore() {}"), []);
    }

    #[test]
    fn unsafe_has_its_reason_close_above() {
        let reason = "unsafe without `SAFETY` within 6 lines above";
        assert_eq!(notes("fn f() {\n    unsafe { g() }\n}"), [Note::new(2, reason)]);
        assert_eq!(notes("struct S;\nunsafe impl Send for S {}"), [Note::new(2, reason)]);
        assert_eq!(notes("fn f() {\n    // SAFETY: g is.\n    unsafe { g() }\n}"), []);
        assert_eq!(notes("// SAFETY: so.\n\n\n\n\n\nunsafe impl Send for S {}"), []);
        assert_eq!(notes("// SAFETY: so.\n\n\n\n\n\n\nunsafe impl Send for S {}").len(), 1);
        assert_eq!(notes("unsafe fn f() {}\nunsafe extern \"C\" { fn g(); }"), []);
    }
}
