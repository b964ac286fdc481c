//! Mutation operators: small changes at every place of a source where they apply. Pure functions.

use std::ops::Range;

use proc_macro2::Span;
use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};
use syn::{BinOp, Expr, Lit, Stmt};

/// One change that an operator makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What stands there, as bytes of the source.
    pub range: Range<usize>,
    /// Its line, from 1.
    pub line: usize,
    /// What stands there instead.
    pub instead: String,
}

/// Every change that an operator makes to a file, unit tests apart.
pub fn changes(source: &str) -> syn::Result<Vec<Change>> {
    let mut finder = Finder {
        source,
        found: Vec::new(),
    };
    finder.visit_file(&syn::parse_file(source)?);
    Ok(finder.found)
}

const GRPC_STATUSES: [&str; 9] = [
    "already_exists",
    "cancelled",
    "deadline_exceeded",
    "internal",
    "invalid_argument",
    "not_found",
    "resource_exhausted",
    "unavailable",
    "unimplemented",
];

struct Finder<'a> {
    source: &'a str,
    found: Vec<Change>,
}

impl Finder<'_> {
    fn change(&mut self, span: Span, instead: impl Into<String>) {
        self.found.push(Change {
            range: span.byte_range(),
            line: span.start().line,
            instead: instead.into(),
        });
    }

    fn text(&self, span: Span) -> &str {
        &self.source[span.byte_range()]
    }

    /// Swapped comparisons and boundaries, sums and connectives.
    fn swap_operator(&mut self, binary: &syn::ExprBinary) {
        let swapped = match binary.op {
            BinOp::Lt(_) => "<=",
            BinOp::Le(_) => "<",
            BinOp::Gt(_) => ">=",
            BinOp::Ge(_) => ">",
            BinOp::Eq(_) => "!=",
            BinOp::Ne(_) => "==",
            BinOp::And(_) => "||",
            BinOp::Or(_) => "&&",
            BinOp::Add(_) => "-",
            BinOp::Sub(_) => "+",
            _ => return,
        };
        let (left, right) = (
            self.text(binary.left.span()),
            self.text(binary.right.span()),
        );
        let instead = format!("{left} {swapped} {right}");
        self.change(binary.span(), instead);
    }

    /// A statement that is dropped: a call for its effect, or an early return.
    fn drop_statement(&mut self, statement: &Stmt) {
        let Stmt::Expr(expression, semicolon) = statement else {
            return;
        };
        let is_dropped = match expression {
            Expr::If(early) => early.else_branch.is_none() && leaves(&early.then_branch),
            Expr::Call(_)
            | Expr::MethodCall(_)
            | Expr::Await(_)
            | Expr::Try(_)
            | Expr::Assign(_) => semicolon.is_some(),
            Expr::Binary(binary) => semicolon.is_some() && is_assignment(binary.op),
            _ => false,
        };
        if is_dropped {
            self.change(statement.span(), "");
        }
        if let (Expr::Try(fallible), Some(_)) = (expression, semicolon) {
            let ignored = format!("let _ = {};", self.text(fallible.expr.span()));
            self.change(statement.span(), ignored);
        }
    }

    /// A time-out that is never reached: `timeout(limit, future)` with a limit of a day.
    fn lift_timeout(&mut self, call: &syn::ExprCall) {
        let Expr::Path(function) = &*call.func else {
            return;
        };
        let last = function.path.segments.last();
        if let (Some(last), [limit, _]) = (last, &call.args.iter().collect::<Vec<_>>()[..])
            && last.ident == "timeout"
        {
            self.change(limit.span(), "std::time::Duration::from_secs(86_400)");
        }
    }
}

fn is_assignment(operator: BinOp) -> bool {
    matches!(
        operator,
        BinOp::AddAssign(_) | BinOp::SubAssign(_) | BinOp::BitOrAssign(_) | BinOp::BitAndAssign(_)
    )
}

/// Whether a block ends by leaving its function or loop.
fn leaves(block: &syn::Block) -> bool {
    let last = block.stmts.last();
    matches!(
        last,
        Some(Stmt::Expr(
            Expr::Return(_) | Expr::Break(_) | Expr::Continue(_),
            _
        ))
    )
}

/// A condition with `let` is no expression of its own.
fn has_let(expression: &Expr) -> bool {
    match expression {
        Expr::Let(_) => true,
        Expr::Binary(binary) => has_let(&binary.left) || has_let(&binary.right),
        _ => false,
    }
}

fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes
        .iter()
        .any(|attribute| attribute.path().is_ident("cfg") || attribute.path().is_ident("test"))
}

impl<'a> Visit<'a> for Finder<'_> {
    fn visit_item_mod(&mut self, module: &'a syn::ItemMod) {
        if !is_test(&module.attrs) {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_fn(&mut self, function: &'a syn::ItemFn) {
        if !is_test(&function.attrs) && function.sig.constness.is_none() {
            visit::visit_item_fn(self, function);
        }
    }

    fn visit_impl_item_fn(&mut self, function: &'a syn::ImplItemFn) {
        if function.sig.constness.is_none() {
            visit::visit_impl_item_fn(self, function);
        }
    }

    // The choice is made while the program runs: nothing in a constant, a pattern or a type can be chosen.
    fn visit_item_const(&mut self, _: &'a syn::ItemConst) {}
    fn visit_item_static(&mut self, _: &'a syn::ItemStatic) {}
    fn visit_impl_item_const(&mut self, _: &'a syn::ImplItemConst) {}
    fn visit_attribute(&mut self, _: &'a syn::Attribute) {}
    fn visit_pat(&mut self, _: &'a syn::Pat) {}
    fn visit_type(&mut self, _: &'a syn::Type) {}
    fn visit_generic_argument(&mut self, _: &'a syn::GenericArgument) {}

    fn visit_expr_binary(&mut self, binary: &'a syn::ExprBinary) {
        if !has_let(&binary.left) && !has_let(&binary.right) {
            self.swap_operator(binary);
        }
        visit::visit_expr_binary(self, binary);
    }

    fn visit_expr_if(&mut self, choice: &'a syn::ExprIf) {
        if !has_let(&choice.cond) {
            let condition = self.text(choice.cond.span());
            let negated = format!("!({condition})");
            self.change(choice.cond.span(), negated);
        }
        visit::visit_expr_if(self, choice);
    }

    fn visit_expr_lit(&mut self, literal: &'a syn::ExprLit) {
        if let Lit::Int(number) = &literal.lit
            && let Ok(value) = number.base10_parse::<u64>()
        {
            let suffix = number.suffix();
            self.change(
                number.span(),
                format!("{}{suffix}", value.saturating_add(1)),
            );
            if let Some(less) = value.checked_sub(1) {
                self.change(number.span(), format!("{less}{suffix}"));
            }
        }
    }

    // A time-out, or a gRPC status by tonic's constructors, each of which takes a message.
    fn visit_expr_call(&mut self, call: &'a syn::ExprCall) {
        self.lift_timeout(call);
        let name = self.text(call.func.span()).strip_prefix("Status::");
        if name.is_some_and(|name| GRPC_STATUSES.contains(&name)) {
            let arguments = call.func.span().byte_range().end..call.span().byte_range().end;
            let instead = format!("Status::aborted{}", &self.source[arguments]);
            self.change(call.span(), instead);
        }
        visit::visit_expr_call(self, call);
    }

    // An HTTP status.
    fn visit_expr_path(&mut self, path: &'a syn::ExprPath) {
        if self.text(path.span()).starts_with("StatusCode::") {
            self.change(path.span(), "StatusCode::IM_A_TEAPOT");
        }
    }

    fn visit_stmt(&mut self, statement: &'a Stmt) {
        self.drop_statement(statement);
        visit::visit_stmt(self, statement);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the operators make of the body of a function, each as the text and what replaces it.
    #[track_caller]
    fn check(body: &str, expected: &[(&str, &str)]) {
        let source = format!("// é\nfn f() {{ {body} }}");
        let changes = changes(&source).expect("Rust");
        let found: Vec<(&str, &str)> = changes
            .iter()
            .map(|change| (&source[change.range.clone()], change.instead.as_str()))
            .collect();
        assert_eq!(found, expected);
        assert!(changes.iter().all(|change| change.line == 2));
    }

    #[test]
    fn comparisons_and_connectives_are_swapped() {
        check("a < b", &[("a < b", "a <= b")]);
        check(
            "a == b && c",
            &[("a == b && c", "a == b || c"), ("a == b", "a != b")],
        );
        check("a * b", &[]);
    }

    #[test]
    fn conditions_are_negated() {
        check("if a() { b } else { c }", &[("a()", "!(a())")]);
        check("if let Some(a) = b && c() { d }", &[]);
    }

    #[test]
    fn numbers_are_one_off() {
        check("g(10_u8)", &[("10_u8", "11u8"), ("10_u8", "9u8")]);
        check("g(0)", &[("0", "1")]);
        check(
            "const A: u8 = 1; let b: [u8; 2] = c; g::<3>(); match d { 3 => e, _ => f }",
            &[("g::<3>();", "")],
        );
    }

    #[test]
    fn calls_and_early_returns_are_dropped() {
        check("a(); let b = c(); b", &[("a();", "")]);
        check(
            "if a { return; } b",
            &[("if a { return; }", ""), ("a", "!(a)")],
        );
        check("if a { b } c", &[("a", "!(a)")]);
    }

    #[test]
    fn errors_are_ignored() {
        check("a()?;", &[("a()?;", ""), ("a()?;", "let _ = a();")]);
        check("let b = a()?;", &[]);
    }

    #[test]
    fn time_outs_are_lifted() {
        let day = "std::time::Duration::from_secs(86_400)";
        check("timeout(LIMIT, f).await", &[("LIMIT", day)]);
        check(
            "tokio::time::timeout(a.limit, f).await",
            &[("a.limit", day)],
        );
        check("set_timeout(a)", &[]);
    }

    #[test]
    fn statuses_are_replaced() {
        check(
            "Status::internal(a)",
            &[("Status::internal(a)", "Status::aborted(a)")],
        );
        check(
            "StatusCode::OK",
            &[("StatusCode::OK", "StatusCode::IM_A_TEAPOT")],
        );
        check("Status::Healthy", &[]);
    }

    #[test]
    fn unit_tests_are_left_alone() {
        let source = "#[cfg(test)] mod tests { fn f() { a < b } } #[test] fn g() { a < b }";
        assert_eq!(changes(source).expect("Rust"), []);
        assert!(changes("fn f( {").is_err());
    }
}
