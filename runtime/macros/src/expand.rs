//! From the annotated function to what replaces it.

use crate::options::{Flavor, Options};
use proc_macro2::{Group, Ident, Literal, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::parse::{ParseStream, Parser};
use syn::{Attribute, Error, Result, ReturnType, Token, Visibility};

/// Workers of a test that names no number: enough to move tasks between threads, the same on every machine.
const TEST_WORKERS: usize = 2;

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Kind {
    Main,
    Test,
}

impl Kind {
    /// The name of the attribute, and of the function in `__private` that runs its body.
    fn name(self) -> &'static str {
        match self {
            Kind::Main => "main",
            Kind::Test => "test",
        }
    }
}

/// The annotated function. Its body stays as it came: tokens that the compiler reads, with the user's spans.
struct Function {
    attrs: Vec<Attribute>,
    vis: Visibility,
    async_token: Token![async],
    fn_token: Token![fn],
    name: Ident,
    /// The empty parentheses: the compiler's advice about the return type points behind them.
    parens: Group,
    output: ReturnType,
    body: Group,
}

/// The whole attribute. An error comes with a function all the same, so that it is the only error that the user sees.
pub(crate) fn expand(kind: Kind, options: TokenStream, item: TokenStream) -> TokenStream {
    let parsed = (|input: ParseStream<'_>| parse_function(kind, input)).parse2(item.clone());
    let function = match parsed {
        Ok(function) => function,
        Err(error) => return with_error(error, stub(item)),
    };
    match syn::parse2(options) {
        Ok(options) => write(kind, &options, &function),
        Err(error) => with_error(error, write(kind, &Options::default(), &function)),
    }
}

fn with_error(error: Error, rest: TokenStream) -> TokenStream {
    let error = error.into_compile_error();
    quote! { #error #rest }
}

/// An empty function in the place of one that cannot be used: a program with `main` missing is a second error.
fn stub(item: TokenStream) -> TokenStream {
    let mut tokens =
        item.into_iter().skip_while(|token| !matches!(token, TokenTree::Ident(word) if word == "fn"));
    match (tokens.next(), tokens.next()) {
        (Some(_), Some(TokenTree::Ident(name))) => quote! { #[allow(dead_code)] fn #name() {} },
        _ => TokenStream::new(),
    }
}

fn parse_function(kind: Kind, input: ParseStream<'_>) -> Result<Function> {
    let refuse = |span: Span, what: &str| Error::new(span, format!("#[raddle::{}] {what}", kind.name()));
    let attrs = input.call(Attribute::parse_outer)?;
    if let Some(test) = attrs.iter().find(|attr| kind == Kind::Test && is_test(attr)) {
        return Err(Error::new_spanned(
            test,
            "#[raddle::test] makes this a test: remove the other attribute",
        ));
    }
    let vis = input.parse()?;
    if !input.peek(Token![async]) {
        return Err(refuse(input.span(), "needs an `async fn`"));
    }
    let async_token = input.parse()?;
    if !input.peek(Token![fn]) {
        return Err(refuse(input.span(), "needs a plain `async fn`"));
    }
    let fn_token = input.parse()?;
    let name = input.parse()?;
    if !input.peek(syn::token::Paren) {
        return Err(refuse(input.span(), "takes no generic parameters"));
    }
    let parens: Group = input.parse()?;
    if !parens.stream().is_empty() {
        return Err(Error::new_spanned(parens, format!("#[raddle::{}] takes no arguments", kind.name())));
    }
    let output = input.parse()?;
    if !input.peek(syn::token::Brace) {
        return Err(refuse(input.span(), "needs a function body after the return type"));
    }
    let body = input.parse()?;
    Ok(Function { attrs, vis, async_token, fn_token, name, parens, output, body })
}

/// True for `#[test]` and the test attribute of any runtime.
fn is_test(attr: &Attribute) -> bool {
    attr.path().segments.last().is_some_and(|last| last.ident == "test")
}

/// The user's function goes whole, under its own name, into the function that runs it: its return type is checked where
/// the user wrote it, may be `impl Trait` or `!`, and a call to itself means the async function.
fn write(kind: Kind, options: &Options, function: &Function) -> TokenStream {
    let Function { attrs, vis, async_token, fn_token, name, parens, output, body } = function;
    let raddle = options.crate_path.as_ref().map_or_else(|| quote! { ::raddle }, ToTokens::to_token_stream);
    let builder = builder(kind, &raddle, options);
    let test = (kind == Kind::Test).then(|| quote! { #[::core::prelude::v1::test] });
    let run = Ident::new(kind.name(), Span::call_site());
    quote! {
        #test
        #(#attrs)*
        #vis #fn_token #name #parens #output {
            #[allow(clippy::unused_async)]
            #async_token #fn_token #name #parens #output #body
            #raddle::__private::#run(#builder, #name())
        }
    }
}

fn builder(kind: Kind, raddle: &TokenStream, options: &Options) -> TokenStream {
    let current = options.flavor == Some(Flavor::CurrentThread);
    let fixed = (kind == Kind::Test && !current).then_some(TEST_WORKERS);
    let workers = options.worker_threads.or(fixed).map(Literal::usize_unsuffixed);
    let flavor = current.then(|| quote! { .current_thread() });
    let workers = workers.map(|n| quote! { .worker_threads(#n) });
    let paused = (options.start_paused == Some(true)).then(|| quote! { .start_paused(true) });
    quote! { #raddle::runtime::Builder::new() #flavor #workers #paused }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(kind: Kind, options: &str, item: &str) -> String {
        expand(kind, options.parse().unwrap(), item.parse().unwrap()).to_string()
    }

    /// The expansion without white space, to be compared with [`tokens`].
    fn expanded(kind: Kind, options: &str, item: &str) -> String {
        raw(kind, options, item).split_whitespace().collect()
    }

    fn tokens(text: &str) -> String {
        text.parse::<TokenStream>().unwrap().to_string().split_whitespace().collect()
    }

    /// The message of the one `compile_error!`, and what follows it.
    fn refused(kind: Kind, options: &str, item: &str) -> (String, String) {
        let text = raw(kind, options, item);
        let (_, rest) = text.split_once(":: core :: compile_error ! { \"").expect("an error");
        let (message, rest) = rest.split_once("\" }").unwrap();
        assert!(!rest.contains("compile_error"), "{text}");
        (message.replace('\\', ""), rest.split_whitespace().collect())
    }

    #[test]
    fn main_wraps_the_function_in_one_of_its_own_name() {
        let expected = "
            pub fn main() -> std::io::Result<()> {
                #[allow(clippy::unused_async)]
                async fn main() -> std::io::Result<()> { work().await }
                ::raddle::__private::main(::raddle::runtime::Builder::new(), main())
            }";
        let item = "pub async fn main() -> std::io::Result<()> { work().await }";
        assert_eq!(expanded(Kind::Main, "", item), tokens(expected));
    }

    #[test]
    fn a_test_has_two_workers_and_keeps_its_attributes() {
        let expected = "
            #[::core::prelude::v1::test]
            #[should_panic(expected = \"no\")]
            #[doc = \"why\"]
            fn t() {
                #[allow(clippy::unused_async)]
                async fn t() { panic!(\"no\") }
                ::raddle::__private::test(::raddle::runtime::Builder::new().worker_threads(2), t())
            }";
        let item = "#[should_panic(expected = \"no\")] #[doc = \"why\"] async fn t() { panic!(\"no\") }";
        assert_eq!(expanded(Kind::Test, "", item), tokens(expected));
    }

    #[test]
    fn options_become_calls_on_the_builder() {
        let cases = [
            (Kind::Main, "flavor = \"multi_thread\"", ""),
            (Kind::Main, "flavor = \"current_thread\"", ".current_thread()"),
            (Kind::Main, "worker_threads = 8", ".worker_threads(8)"),
            (Kind::Main, "start_paused = false", ""),
            (Kind::Main, "start_paused = true", ".start_paused(true)"),
            (Kind::Test, "flavor = \"multi_thread\"", ".worker_threads(2)"),
            (Kind::Test, "flavor = \"current_thread\"", ".current_thread()"),
            (Kind::Test, "start_paused = true, worker_threads = 4", ".worker_threads(4).start_paused(true)"),
            (
                Kind::Test,
                "flavor = \"current_thread\", start_paused = true",
                ".current_thread().start_paused(true)",
            ),
        ];
        for (kind, options, calls) in cases {
            let builder = tokens(&format!("(::raddle::runtime::Builder::new(){calls}, f())"));
            let text = expanded(kind, options, "async fn f() {}");
            assert!(text.contains(&builder), "{options}: {text}");
        }
    }

    #[test]
    fn crate_moves_both_paths() {
        let text = expanded(Kind::Main, "crate = \"my::raddle\"", "async fn main() {}");
        let call = tokens("my::raddle::__private::main(my::raddle::runtime::Builder::new(), main())");
        assert!(text.contains(&call), "{text}");
    }

    #[test]
    fn every_return_type_stays_as_written() {
        for output in ["", "-> !", "-> ExitCode", "-> Result<(), Box<dyn Error>>", "-> impl Termination"] {
            let text = expanded(Kind::Main, "", &format!("async fn main() {output} {{ x }}"));
            let (outer, inner) =
                (tokens(&format!("fn main() {output}")), tokens(&format!("fn main() {output} {{ x }}")));
            assert!(text.starts_with(&outer) && text.contains(&inner), "{text}");
        }
    }

    #[test]
    fn a_bad_function_is_one_error_and_a_stub() {
        let cases = [
            ("fn f() {}", "#[raddle::main] needs an `async fn`"),
            ("pub(crate) fn f() -> u8 { 1 }", "#[raddle::main] needs an `async fn`"),
            ("const async fn f() {}", "#[raddle::main] needs an `async fn`"),
            ("async unsafe fn f() {}", "#[raddle::main] needs a plain `async fn`"),
            ("async fn f(n: u32, m: u32) {}", "#[raddle::main] takes no arguments"),
            ("async fn f(self) {}", "#[raddle::main] takes no arguments"),
            ("async fn f<T>() {}", "#[raddle::main] takes no generic parameters"),
            ("async fn f();", "#[raddle::main] needs a function body after the return type"),
            ("async fn f() where u8: Copy {}", "#[raddle::main] needs a function body after the return type"),
        ];
        for (item, message) in cases {
            let (found, rest) = refused(Kind::Main, "", item);
            assert_eq!(rest, tokens("#[allow(dead_code)] fn f() {}"), "{item}");
            assert_eq!(found, message, "{item}");
        }
        assert_eq!(refused(Kind::Test, "", "fn f() {}").0, "#[raddle::test] needs an `async fn`");
        assert_eq!(
            refused(Kind::Test, "", "struct S;"),
            ("#[raddle::test] needs an `async fn`".into(), String::new())
        );
    }

    #[test]
    fn a_second_test_attribute_is_refused() {
        let message = "#[raddle::test] makes this a test: remove the other attribute";
        assert_eq!(refused(Kind::Test, "", "#[test] async fn f() {}").0, message);
        assert_eq!(refused(Kind::Test, "", "#[tokio::test(start_paused = true)] async fn f() {}").0, message);
        assert!(!expanded(Kind::Test, "", "#[cfg(test)] async fn f() {}").contains("compile_error"));
    }

    #[test]
    fn a_bad_option_is_one_error_and_the_function_with_defaults() {
        let (message, rest) = refused(Kind::Main, "worker_threads = 0", "async fn main() { x }");
        assert_eq!(message, "`worker_threads` is an integer literal, 1 or more");
        assert_eq!(rest, expanded(Kind::Main, "", "async fn main() { x }"));
    }
}
