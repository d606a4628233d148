//! Rules on the shape of functions: how long, how deep, how many arguments.

use super::{Note, Source};
use proc_macro2::Span;
use syn::visit::{self, Visit};
use syn::{Block, Expr, FnArg, ImplItemFn, ItemFn, Signature, Stmt, TraitItemFn};

const FN_LINES_MAX: usize = 60;
const NESTING_MAX: usize = 4;
const ARGUMENTS_MAX: usize = 5;

pub(super) fn check(source: &Source) -> Vec<Note> {
    let mut shape = Shape::default();
    shape.visit_file(&source.ast);
    shape.notes
}

#[derive(Default)]
struct Shape {
    notes: Vec<Note>,
    /// Levels open where the visitor stands in the present function.
    depth: usize,
    /// The deepest level of the present function, and its line.
    deepest: (usize, usize),
}

impl Shape {
    fn function(&mut self, signature: &Signature, body: &Block) {
        let (name, line) = (&signature.ident, signature.fn_token.span.start().line);
        let count = body.brace_token.span.close().end().line - line + 1;
        if count > FN_LINES_MAX {
            self.notes.push(Note::new(line, format!("`{name}` has {count} lines ({FN_LINES_MAX})")));
        }
        let outer = (self.depth, self.deepest);
        (self.depth, self.deepest) = (0, (0, line));
        self.statements(&body.stmts);
        let (levels, at) = self.deepest;
        (self.depth, self.deepest) = outer;
        if levels > NESTING_MAX {
            self.notes.push(Note::new(at, format!("`{name}` nests {levels} deep ({NESTING_MAX})")));
        }
    }

    fn arguments(&mut self, signature: &Signature) {
        let count = signature.inputs.iter().filter(|input| matches!(input, FnArg::Typed(_))).count();
        if count > ARGUMENTS_MAX {
            let (name, line) = (&signature.ident, signature.fn_token.span.start().line);
            self.notes.push(Note::new(line, format!("`{name}` takes {count} arguments ({ARGUMENTS_MAX})")));
        }
    }

    fn statements(&mut self, statements: &[Stmt]) {
        statements.iter().for_each(|statement| self.visit_stmt(statement));
    }

    /// A level deeper.
    fn nest(&mut self, at: Span, inside: impl FnOnce(&mut Self)) {
        self.depth += 1;
        if self.depth > self.deepest.0 {
            self.deepest = (self.depth, at.start().line);
        }
        inside(self);
        self.depth -= 1;
    }

    fn block(&mut self, at: Span, block: &Block) {
        self.nest(at, |shape| shape.statements(&block.stmts));
    }

    /// The body of an arm or a closure, whose block belongs to the level that is open already.
    fn same_level(&mut self, expr: &Expr) {
        match expr {
            Expr::Block(inner) => self.statements(&inner.block.stmts),
            other => self.visit_expr(other),
        }
    }
}

impl Visit<'_> for Shape {
    fn visit_item_fn(&mut self, item: &ItemFn) {
        self.arguments(&item.sig);
        self.function(&item.sig, &item.block);
    }

    fn visit_impl_item_fn(&mut self, item: &ImplItemFn) {
        self.arguments(&item.sig);
        self.function(&item.sig, &item.block);
    }

    fn visit_trait_item_fn(&mut self, item: &TraitItemFn) {
        self.arguments(&item.sig);
        if let Some(body) = &item.default {
            self.function(&item.sig, body);
        }
    }

    fn visit_expr(&mut self, expr: &Expr) {
        match expr {
            Expr::If(e) => {
                self.visit_expr(&e.cond);
                self.block(e.if_token.span, &e.then_branch);
                if let Some((_, next)) = &e.else_branch {
                    self.visit_expr(next);
                }
            }
            Expr::Match(e) => {
                self.visit_expr(&e.expr);
                self.nest(e.match_token.span, |shape| {
                    for arm in &e.arms {
                        shape.visit_pat(&arm.pat);
                        shape.same_level(&arm.body);
                    }
                });
            }
            Expr::Closure(e) if matches!(*e.body, Expr::Block(_)) => {
                self.nest(e.inputs_begin.span, |shape| shape.same_level(&e.body));
            }
            Expr::ForLoop(e) => {
                self.visit_expr(&e.expr);
                self.block(e.for_token.span, &e.body);
            }
            Expr::While(e) => {
                self.visit_expr(&e.cond);
                self.block(e.while_token.span, &e.body);
            }
            Expr::Loop(e) => self.block(e.loop_token.span, &e.body),
            Expr::Unsafe(e) => self.block(e.unsafe_token.span, &e.block),
            Expr::Async(e) => self.block(e.async_token.span, &e.block),
            Expr::Const(e) => self.block(e.const_token.span, &e.block),
            Expr::Block(e) => self.block(e.block.brace_token.span.open(), &e.block),
            other => visit::visit_expr(self, other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notes(text: &str) -> Vec<Note> {
        check(&Source::parse("a.rs", text).unwrap_or_else(|note| panic!("{note:?}")))
    }

    /// How deep a function with this body nests: the number of levels that have to be put around it to be too many.
    fn depth(body: &str) -> usize {
        let around =
            |levels: usize| format!("fn f() {{ {} {body} {} }}", "{".repeat(levels), "}".repeat(levels));
        let levels = (0..).find(|levels| !notes(&around(*levels)).is_empty()).unwrap();
        NESTING_MAX + 1 - levels
    }

    #[test]
    fn a_function_has_at_most_60_lines() {
        let long = |lines: usize| format!("#[inline]\nfn f() {{{}}}", "\n".repeat(lines - 1));
        assert_eq!(notes(&long(60)), []);
        assert_eq!(notes(&long(61)), [Note::new(2, "`f` has 61 lines (60)")]);
        assert_eq!(notes(&format!("impl S {{ {} }}", long(61))).len(), 1);
        assert_eq!(notes(&format!("trait T {{ {} }}", long(61))).len(), 1);
        assert_eq!(notes(&format!("mod m {{ {} }}", long(61))).len(), 1);
    }

    #[test]
    fn a_function_takes_at_most_5_arguments_beside_self() {
        assert_eq!(notes("fn f(a: A, b: B, c: C, d: D, e: E) {}"), []);
        assert_eq!(
            notes("\nfn f(a: A, b: B, c: C, d: D, e: E, g: G) {}"),
            [Note::new(2, "`f` takes 6 arguments (5)")]
        );
        assert_eq!(notes("trait T { fn f(self: Pin<&mut Self>, a: A, b: B, c: C, d: D, e: E); }"), []);
        assert_eq!(notes("trait T { fn f(&self, a: A, b: B, c: C, d: D, e: E, g: G); }").len(), 1);
        assert_eq!(notes("extern \"C\" { fn f(a: A, b: B, c: C, d: D, e: E, g: G); }"), []);
    }

    #[test]
    fn each_kind_of_block_is_a_level() {
        let kinds = [
            "if a { b }",
            "if let Some(a) = b { c } else { d }",
            "match a { b => c, _ => d }",
            "loop { a }",
            "while a { b }",
            "for a in b { c }",
            "g(|a| { b })",
            "unsafe { a }",
            "async move { a }",
            "{ a }",
            "let Some(a) = b else { return };",
            "let a = b.map(|c| unsafe { c });",
        ];
        for kind in kinds {
            assert_eq!(depth(kind), 1, "{kind}");
        }
    }

    #[test]
    fn what_belongs_together_is_one_level() {
        assert_eq!(depth("match a { b => { c } _ => { d } }"), 1);
        assert_eq!(depth("if a { b } else if c { d } else if e { f } else { g }"), 1);
        assert_eq!(depth("g(|a| a + 1)"), 0);
        assert_eq!(depth("fn inner() { if a { b } }"), 0);
    }

    #[test]
    fn levels_add_up_and_the_deepest_is_named() {
        assert_eq!(depth("for a in b { match a { c => { if d { e } } } }"), 3);
        assert_eq!(depth("if a { b } else { loop { c } }"), 2);
        let text =
            "fn f() {\n loop {\n  if a {\n   match b {\n    _ => {\n     for c in d {\n      { e }\n }}}}}}";
        assert_eq!(notes(text), [Note::new(7, "`f` nests 5 deep (4)")]);
    }

    #[test]
    fn a_function_inside_a_function_counts_for_itself() {
        let inner = "fn inner() { {{{{{ a }}}}} }";
        assert_eq!(notes(&format!("fn f() {{ {inner} {{{{{{ b }}}}}} }}")).len(), 1);
        assert_eq!(notes(&format!("fn f() {{ {inner} {{{{{{{{{{ b }}}}}}}}}} }}")).len(), 2);
    }
}
