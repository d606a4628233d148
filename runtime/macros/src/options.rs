//! The options between the parentheses of `#[raddle::main(...)]` and `#[raddle::test(...)]`.

use proc_macro2::{Ident, Span};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::{Error, Lit, LitInt, LitStr, Path, Result, Token};

/// Every key, in the order in which messages name them.
const KEYS: &str = "`flavor`, `worker_threads`, `start_paused`, `crate`";

const FLAVOR: &str = "`flavor` is \"multi_thread\" or \"current_thread\"";
const WORKER_THREADS: &str = "`worker_threads` is an integer literal, 1 or more";
const START_PAUSED: &str = "`start_paused` is `true` or `false`";
const CRATE: &str = "`crate` is a path in quotes, such as \"my_crate::raddle\"";

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Flavor {
    MultiThread,
    CurrentThread,
}

/// What was given; `None` is the default of the attribute that reads it.
#[derive(Default)]
pub(crate) struct Options {
    pub(crate) flavor: Option<Flavor>,
    pub(crate) worker_threads: Option<usize>,
    pub(crate) start_paused: Option<bool>,
    pub(crate) crate_path: Option<Path>,
}

impl Parse for Options {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut options = Self::default();
        let mut threads_at = Span::call_site();
        while !input.is_empty() {
            let key = Ident::parse_any(input)
                .map_err(|error| Error::new(error.span(), format!("expected an option: {KEYS}")))?;
            if key == "worker_threads" {
                threads_at = key.span();
            }
            options.set(&key, input)?;
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        if options.flavor == Some(Flavor::CurrentThread) && options.worker_threads.is_some() {
            return Err(Error::new(threads_at, "`worker_threads` has no meaning with `current_thread`"));
        }
        Ok(options)
    }
}

impl Options {
    /// Reads `= value` for `key`.
    fn set(&mut self, key: &Ident, input: ParseStream<'_>) -> Result<()> {
        match key.to_string().as_str() {
            "flavor" => put(&mut self.flavor, key, flavor(&value(key, input, FLAVOR)?)?),
            "worker_threads" => {
                put(&mut self.worker_threads, key, threads(&value(key, input, WORKER_THREADS)?)?)
            }
            "start_paused" => put(&mut self.start_paused, key, switch(&value(key, input, START_PAUSED)?)?),
            "crate" => put(&mut self.crate_path, key, path(&value(key, input, CRATE)?)?),
            other => Err(Error::new(key.span(), format!("unknown option `{other}`: expected one of {KEYS}"))),
        }
    }
}

fn put<T>(slot: &mut Option<T>, key: &Ident, value: T) -> Result<()> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(Error::new(key.span(), format!("`{key}` is given twice"))),
    }
}

fn value(key: &Ident, input: ParseStream<'_>, expected: &str) -> Result<Lit> {
    if !input.peek(Token![=]) {
        return Err(Error::new(key.span(), format!("`{key}` has no value: {expected}")));
    }
    let equals: Token![=] = input.parse()?;
    if input.is_empty() {
        return Err(Error::new(equals.span, expected));
    }
    input.parse().map_err(|error| Error::new(error.span(), expected))
}

fn flavor(value: &Lit) -> Result<Flavor> {
    match text(value, FLAVOR)?.value().as_str() {
        "multi_thread" => Ok(Flavor::MultiThread),
        "current_thread" => Ok(Flavor::CurrentThread),
        _ => Err(Error::new(value.span(), FLAVOR)),
    }
}

fn threads(value: &Lit) -> Result<usize> {
    match value {
        Lit::Int(literal) => positive(literal),
        other => Err(Error::new(other.span(), WORKER_THREADS)),
    }
}

fn positive(literal: &LitInt) -> Result<usize> {
    match literal.base10_parse() {
        Ok(count) if count > 0 => Ok(count),
        _ => Err(Error::new(literal.span(), WORKER_THREADS)),
    }
}

fn switch(value: &Lit) -> Result<bool> {
    match value {
        Lit::Bool(literal) => Ok(literal.value),
        other => Err(Error::new(other.span(), START_PAUSED)),
    }
}

fn path(value: &Lit) -> Result<Path> {
    let literal = text(value, CRATE)?;
    literal.parse_with(Path::parse_mod_style).map_err(|_| Error::new(literal.span(), CRATE))
}

fn text<'a>(value: &'a Lit, expected: &str) -> Result<&'a LitStr> {
    match value {
        Lit::Str(literal) => Ok(literal),
        other => Err(Error::new(other.span(), expected)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quote::ToTokens;

    fn parse(text: &str) -> Options {
        syn::parse_str(text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    fn error(text: &str) -> String {
        match syn::parse_str::<Options>(text) {
            Ok(_) => panic!("{text} was taken"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn nothing_given_is_all_defaults() {
        let options = parse("");
        assert!(options.flavor.is_none() && options.worker_threads.is_none());
        assert!(options.start_paused.is_none() && options.crate_path.is_none());
    }

    #[test]
    fn every_option_is_read_in_any_order_with_a_trailing_comma() {
        let options = parse(
            r#"start_paused = true, crate = "a::raddle", worker_threads = 4, flavor = "multi_thread","#,
        );
        assert!(options.flavor == Some(Flavor::MultiThread));
        assert_eq!(options.worker_threads, Some(4));
        assert_eq!(options.start_paused, Some(true));
        assert_eq!(options.crate_path.to_token_stream().to_string(), "a :: raddle");
        assert!(
            parse(r#"flavor = "current_thread", start_paused = true"#).flavor == Some(Flavor::CurrentThread)
        );
        assert_eq!(parse("start_paused = false").start_paused, Some(false));
    }

    #[test]
    fn crate_may_be_absolute_or_the_keyword() {
        assert_eq!(parse(r#"crate = "::x""#).crate_path.to_token_stream().to_string(), ":: x");
        assert_eq!(parse(r#"crate = "crate""#).crate_path.to_token_stream().to_string(), "crate");
    }

    #[test]
    fn an_unknown_key_names_the_known_ones() {
        assert_eq!(error("threads = 4"), format!("unknown option `threads`: expected one of {KEYS}"));
        assert_eq!(
            error("current_thread"),
            format!("unknown option `current_thread`: expected one of {KEYS}")
        );
        assert_eq!(error("\"current_thread\""), format!("expected an option: {KEYS}"));
    }

    #[test]
    fn a_missing_value_says_what_is_expected() {
        assert_eq!(error("start_paused"), format!("`start_paused` has no value: {START_PAUSED}"));
        assert_eq!(error("worker_threads ="), WORKER_THREADS);
        assert_eq!(error("flavor(\"current_thread\")"), format!("`flavor` has no value: {FLAVOR}"));
    }

    #[test]
    fn a_value_of_the_wrong_type_or_range_says_what_is_expected() {
        for bad in ["\"4\"", "true", "N", "1.5", "0", "-1", "99999999999999999999999"] {
            assert_eq!(error(&format!("worker_threads = {bad}")), WORKER_THREADS, "{bad}");
        }
        for bad in ["\"true\"", "1", "yes"] {
            assert_eq!(error(&format!("start_paused = {bad}")), START_PAUSED, "{bad}");
        }
        for bad in ["current_thread", "\"single\"", "1"] {
            assert_eq!(error(&format!("flavor = {bad}")), FLAVOR, "{bad}");
        }
        for bad in ["raddle", "\"\"", "\"a b\"", "\"a::<B>\"", "1"] {
            assert_eq!(error(&format!("crate = {bad}")), CRATE, "{bad}");
        }
    }

    #[test]
    fn a_key_is_given_once() {
        assert_eq!(error("worker_threads = 1, worker_threads = 2"), "`worker_threads` is given twice");
    }

    #[test]
    fn worker_threads_and_current_thread_exclude_each_other_in_either_order() {
        let message = "`worker_threads` has no meaning with `current_thread`";
        assert_eq!(error(r#"flavor = "current_thread", worker_threads = 1"#), message);
        assert_eq!(error(r#"worker_threads = 1, flavor = "current_thread""#), message);
    }

    #[test]
    fn options_are_separated_by_commas() {
        assert_eq!(error("worker_threads = 1 start_paused = true"), "expected `,`");
    }
}
