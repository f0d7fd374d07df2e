//! Bounds on what a template that is not built in, or a narrative, can ask for. The engine counts its
//! steps but not the length of texts, so thirty lines that join a text with itself would ask for more
//! memory than there is. Before anything runs, this reads the parsed source: a text that was joined,
//! captured or passed to a macro may be printed and not joined again, so lengths cannot multiply.

use std::collections::{BTreeMap, BTreeSet};

use minijinja::machinery::ast::{BinOpKind, CallArg, Expr, Stmt};
use minijinja::machinery::{self, Span};

use super::engine::{self, NAMES};
use super::error::RenderError;
use crate::base::text;

/// A source that is longer was not written by hand.
const SOURCE: usize = 256 << 10;
/// Texts between quotes.
const LITERAL: usize = 4 << 10;
/// Texts inside of macros, captures and blocks, which the engine keeps in memory.
const CAPTURED: usize = 1 << 10;
/// Texts that one expression may join.
const JOINED: usize = 32;

type Fault = (usize, String);

/// Checks the sources `files` together, since they share names; `ours` says which are built in, and
/// need no bounds of their own.
///
/// # Errors
/// The first thing that could grow without bound, with its place.
pub(super) fn check(files: &BTreeMap<String, String>, ours: &dyn Fn(&str) -> bool) -> Result<(), RenderError> {
    let error = |file: &str, (line, message): Fault| RenderError::Template { file: file.to_owned(), line, message };
    let mut parsed = Vec::new();
    for (name, source) in files {
        if !ours(name) {
            written(source).map_err(|fault| error(name, fault))?;
        }
        parsed.push((name.as_str(), machinery::parse(source, name, engine::syntax()?)?));
    }
    let mut names = Names::default();
    for (name, tree) in &parsed {
        let mut reader = Reader { names: &mut names, ours: ours(name), captured: 0, fault: None };
        reader.stmt(tree);
        if let Some(fault) = reader.fault {
            return Err(error(name, fault));
        }
        names.files.resize(names.uses.len(), name);
    }
    names.settle();
    match names.fault() {
        Some((file, fault)) => Err(error(file, fault)),
        None => Ok(()),
    }
}

/// What can be said of the text of a source alone.
fn written(source: &str) -> Result<(), Fault> {
    if source.len() > SOURCE {
        return Err((1, format!("{} bytes; at most {SOURCE} are read", source.len())));
    }
    let odd = |c: char| text::is_unsafe(c) && !matches!(c, '\n' | '\t' | '\r');
    match source.lines().position(|line| line.contains(odd)) {
        Some(index) => Err((index + 1, "an invisible or control character".to_owned())),
        None => Ok(()),
    }
}

/// What the sources bind to names, and what they do with them.
#[derive(Default)]
struct Names<'a> {
    bound: Vec<(&'a str, &'a Expr<'a>)>,
    grown: BTreeSet<&'a str>,
    uses: Vec<Use<'a>>,
    files: Vec<&'a str>,
}

/// Something that may not be done with a grown name.
enum Use<'a> {
    Joined(&'a Expr<'a>),
    Nested(&'a Expr<'a>),
}

impl<'a> Names<'a> {
    /// Marks names until no further one follows.
    fn settle(&mut self) {
        loop {
            let further = self.bound.iter().filter(|(name, expr)| !self.grown.contains(name) && !self.is_plain(expr));
            let further: Vec<&str> = further.map(|(name, _)| *name).collect();
            if further.is_empty() {
                return;
            }
            self.grown.extend(further);
        }
    }

    fn fault(&self) -> Option<(&'a str, Fault)> {
        self.uses.iter().zip(&self.files).find_map(|(used, file)| {
            let (expr, what) = match used {
                Use::Joined(expr) => (expr, "joins"),
                Use::Nested(expr) => (expr, "puts into a list"),
            };
            (!self.is_plain(expr)).then(|| {
                let message = format!(
                    "this {what} what was itself joined, captured, put into a list or passed to a macro; \
                     join only texts in quotes and values such as `f.id`, and print the rest one after another"
                );
                (*file, (line(expr.span()), message))
            })
        })
    }

    /// Whether `expr` gives what the engine, the case or a fact gives, or a text in quotes.
    fn is_plain(&self, expr: &Expr<'_>) -> bool {
        match expr {
            Expr::Const(_) | Expr::Compare(_) | Expr::Test(_) | Expr::UnaryOp(_) => true,
            Expr::Var(var) => !matches!(var.id, "self" | "super" | "caller") && !self.grown.contains(var.id),
            Expr::GetAttr(attr) => self.is_plain(&attr.expr),
            Expr::GetItem(item) => self.is_plain(&item.expr),
            Expr::Slice(slice) => self.is_plain(&slice.expr),
            Expr::Filter(filter) => filter.expr.as_ref().is_some_and(|expr| self.is_plain(expr)),
            Expr::Call(call) => match &call.expr {
                Expr::Var(var) => NAMES.contains(&var.id) && var.id != "loop" && self.is_plain(&call.expr),
                callee => self.is_plain(callee),
            },
            Expr::IfExpr(choice) => {
                self.is_plain(&choice.true_expr) && choice.false_expr.as_ref().is_none_or(|expr| self.is_plain(expr))
            }
            Expr::BinOp(op) => match op.op {
                BinOpKind::Add | BinOpKind::Concat | BinOpKind::Mul | BinOpKind::Pow => false,
                BinOpKind::ScAnd | BinOpKind::ScOr => self.is_plain(&op.left) && self.is_plain(&op.right),
                _ => true,
            },
            Expr::List(list) => list.items.iter().all(is_written),
            Expr::Tuple(list) => list.items.iter().all(is_written),
            Expr::Map(map) => map.keys.iter().chain(&map.values).all(is_written),
        }
    }
}

/// Whether `expr` is written out in the source, as a text, a number or a list of those.
fn is_written(expr: &Expr<'_>) -> bool {
    match expr {
        Expr::Const(_) => true,
        Expr::List(list) => list.items.iter().all(is_written),
        Expr::Tuple(list) => list.items.iter().all(is_written),
        _ => false,
    }
}

fn line(span: Span) -> usize {
    usize::from(span.start_line)
}

/// Walks one source.
struct Reader<'n, 'a> {
    names: &'n mut Names<'a>,
    ours: bool,
    captured: usize,
    fault: Option<Fault>,
}

impl<'a> Reader<'_, 'a> {
    fn refuse(&mut self, span: Span, message: String) {
        if !self.ours {
            self.fault.get_or_insert((line(span), message));
        }
    }

    fn body(&mut self, body: &'a [Stmt<'a>]) {
        body.iter().for_each(|stmt| self.stmt(stmt));
    }

    fn captured(&mut self, body: &'a [Stmt<'a>]) {
        self.captured += 1;
        self.body(body);
        self.captured -= 1;
    }

    fn stmt(&mut self, stmt: &'a Stmt<'a>) {
        match stmt {
            Stmt::Template(template) => self.body(&template.children),
            Stmt::EmitExpr(emit) => self.expr(&emit.expr),
            Stmt::EmitRaw(raw) => {
                if self.captured > 0 && raw.raw.len() > CAPTURED {
                    let (has, most) = (raw.raw.len(), CAPTURED);
                    let message = format!("a text of {has} bytes inside of a macro, block or capture; at most {most}");
                    self.refuse(raw.span(), message);
                }
            }
            Stmt::ForLoop(each) => {
                self.bind(&each.target, &each.iter);
                self.exprs(each.filter_expr.iter());
                self.body(&each.body);
                self.body(&each.else_body);
            }
            Stmt::IfCond(cond) => {
                self.expr(&cond.expr);
                self.body(&cond.true_body);
                self.body(&cond.false_body);
            }
            Stmt::WithBlock(with) => {
                with.assignments.iter().for_each(|(target, expr)| self.bind(target, expr));
                self.body(&with.body);
            }
            Stmt::Set(set) => self.bind(&set.target, &set.expr),
            Stmt::SetBlock(set) => {
                self.grown(&set.target);
                self.exprs(set.filter.iter());
                self.captured(&set.body);
            }
            Stmt::AutoEscape(escape) => self.body(&escape.body),
            Stmt::FilterBlock(filter) => {
                self.expr(&filter.filter);
                self.captured(&filter.body);
            }
            Stmt::Block(block) => self.captured(&block.body),
            Stmt::Import(import) => self.grown(&import.name),
            Stmt::FromImport(import) => {
                import.names.iter().for_each(|(name, alias)| self.grown(alias.as_ref().unwrap_or(name)));
            }
            Stmt::Extends(_) | Stmt::Include(_) => {}
            Stmt::Macro(one) => self.one_macro(one),
            Stmt::CallBlock(call) => {
                self.args(&call.call.args);
                self.one_macro(&call.macro_decl);
            }
            Stmt::Do(call) => self.args(&call.call.args),
        }
    }

    fn one_macro(&mut self, one: &'a machinery::ast::Macro<'a>) {
        self.names.grown.insert(one.name);
        one.args.iter().for_each(|arg| self.grown(arg));
        self.exprs(one.defaults.iter());
        self.captured(&one.body);
    }

    /// The names in `target` hold something that grew.
    fn grown(&mut self, target: &'a Expr<'a>) {
        match target {
            Expr::Var(var) => {
                self.names.grown.insert(var.id);
            }
            Expr::List(list) => list.items.iter().for_each(|item| self.grown(item)),
            Expr::Tuple(list) => list.items.iter().for_each(|item| self.grown(item)),
            other => self.refuse(other.span(), "only a name can be set here".to_owned()),
        }
    }

    fn bind(&mut self, target: &'a Expr<'a>, expr: &'a Expr<'a>) {
        match target {
            Expr::Var(var) => self.names.bound.push((var.id, expr)),
            Expr::List(list) => list.items.iter().for_each(|item| self.bind_one(item, expr)),
            Expr::Tuple(list) => list.items.iter().for_each(|item| self.bind_one(item, expr)),
            other => self.refuse(other.span(), "only a name can be set here".to_owned()),
        }
        self.nested(expr);
        self.expr(expr);
    }

    fn bind_one(&mut self, item: &'a Expr<'a>, expr: &'a Expr<'a>) {
        match item {
            Expr::Var(var) => self.names.bound.push((var.id, expr)),
            other => self.grown(other),
        }
    }

    /// Lists within lists grow like texts.
    fn nested(&mut self, expr: &'a Expr<'a>) {
        let items: Vec<&Expr<'a>> = match expr {
            Expr::List(list) => list.items.iter().collect(),
            Expr::Tuple(list) => list.items.iter().collect(),
            Expr::Map(map) => map.keys.iter().chain(&map.values).collect(),
            Expr::IfExpr(choice) => {
                self.nested(&choice.true_expr);
                choice.false_expr.iter().for_each(|expr| self.nested(expr));
                return;
            }
            Expr::BinOp(op) => {
                self.nested(&op.left);
                self.nested(&op.right);
                return;
            }
            _ => return,
        };
        for item in items {
            match item {
                Expr::List(_) | Expr::Tuple(_) | Expr::Map(_) => self.nested(item),
                item => self.names.uses.push(Use::Nested(item)),
            }
        }
    }

    fn exprs(&mut self, exprs: impl Iterator<Item = &'a Expr<'a>>) {
        exprs.for_each(|expr| self.expr(expr));
    }

    fn args(&mut self, args: &'a [CallArg<'a>]) {
        for arg in args {
            match arg {
                CallArg::Pos(expr) | CallArg::Kwarg(_, expr) => self.expr(expr),
                CallArg::PosSplat(expr) | CallArg::KwargSplat(expr) => self.expr(expr),
            }
        }
    }

    fn expr(&mut self, expr: &'a Expr<'a>) {
        match expr {
            Expr::Var(_) => {}
            Expr::Const(value) => {
                if value.value.as_str().is_some_and(|text| text.len() > LITERAL) {
                    self.refuse(value.span(), format!("a text of more than {LITERAL} bytes between quotes"));
                }
            }
            Expr::Slice(slice) => {
                self.expr(&slice.expr);
                self.exprs([&slice.start, &slice.stop, &slice.step].into_iter().flatten());
            }
            Expr::UnaryOp(op) => self.expr(&op.expr),
            Expr::BinOp(op) => self.operator(op),
            Expr::Compare(compare) => {
                self.expr(&compare.expr);
                self.exprs(compare.ops.iter().map(|op| &op.expr));
            }
            Expr::IfExpr(choice) => {
                self.exprs([&choice.test_expr, &choice.true_expr].into_iter().chain(&choice.false_expr));
            }
            Expr::Filter(filter) => {
                self.exprs(filter.expr.iter());
                self.args(&filter.args);
            }
            Expr::Test(test) => {
                self.expr(&test.expr);
                self.args(&test.args);
            }
            Expr::GetAttr(attr) => self.expr(&attr.expr),
            Expr::GetItem(item) => self.exprs([&item.expr, &item.subscript_expr].into_iter()),
            Expr::Call(call) => {
                self.expr(&call.expr);
                self.args(&call.args);
            }
            Expr::List(list) => self.exprs(list.items.iter()),
            Expr::Tuple(list) => self.exprs(list.items.iter()),
            Expr::Map(map) => self.exprs(map.keys.iter().chain(&map.values)),
        }
    }

    fn operator(&mut self, op: &'a machinery::ast::Spanned<machinery::ast::BinOp<'a>>) {
        match op.op {
            BinOpKind::Mul | BinOpKind::Pow => {
                self.refuse(op.span(), "`*` repeats texts and is not offered".to_owned())
            }
            BinOpKind::Add | BinOpKind::Concat => {
                let mut joined = Vec::new();
                operands(&op.left, &mut joined);
                operands(&op.right, &mut joined);
                if joined.len() > JOINED {
                    self.refuse(op.span(), format!("{} texts joined at once; at most {JOINED}", joined.len()));
                }
                for expr in joined {
                    self.names.uses.push(Use::Joined(expr));
                    self.expr(expr);
                }
                return;
            }
            _ => {}
        }
        self.exprs([&op.left, &op.right].into_iter());
    }
}

/// What a chain of joins joins.
fn operands<'a>(expr: &'a Expr<'a>, out: &mut Vec<&'a Expr<'a>>) {
    match expr {
        Expr::BinOp(op) if matches!(op.op, BinOpKind::Add | BinOpKind::Concat) => {
            operands(&op.left, out);
            operands(&op.right, out);
        }
        other => out.push(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(source: &str) -> String {
        let files = BTreeMap::from([("a.md.j2".to_owned(), source.to_owned())]);
        check(&files, &|_| false).err().map_or_else(String::new, |error| error.to_string())
    }

    #[test]
    fn what_could_multiply_is_refused_with_its_line() {
        let double = |text: &str| format!("{{% set a = \"x\" %}}\n{}", text.repeat(32));
        for source in [
            double("{% set a = a ~ a %}\n"),
            double("{% set a = a + a %}\n"),
            double("{% set a = [a, a] %}\n"),
            double("{% set a = { 'k': a, 'l': a } %}\n"),
            double("{% set b = a ~ a %}{% set a = b %}\n"),
            double("{% set a %}{{ a }}{{ a }}{% endset %}{% set c = a ~ a %}"),
            double("{% with a = a ~ a %}") + &"{% endwith %}".repeat(32),
            double("{% for a in [a ~ a] %}") + &"{% endfor %}".repeat(32),
            "{% macro m(x) %}{{ m(x ~ x) }}{% endmacro %}{{ m('x') }}".to_owned(),
            "{% macro m(x) %}{{ x }}{{ x }}{% endmacro %}{% set a = m('x') ~ m('x') %}".to_owned(),
            "{% set a = \"x\" * 100000000 %}".to_owned(),
            "{{ 2 ** 100 }}".to_owned(),
            "{{ a.x.y ~ ".to_owned() + &"'x' ~ ".repeat(40) + "'x' }}",
            format!("{{{{ '{}' }}}}", "x".repeat(5000)),
            format!("{{% macro m() %}}{}{{% endmacro %}}", "x".repeat(2000)),
            format!("{{% block b %}}{}{{% endblock %}}{{{{ self.b() ~ self.b() }}}}", "x"),
            "{% set ns.x = 1 %}".to_owned(),
            "x".repeat(300_000),
            "a\u{202e}b".to_owned(),
        ] {
            let message = said(&source);
            assert!(message.starts_with("a.md.j2:"), "{message} {}", &source[..source.len().min(80)]);
        }
        assert!(said(&double("{% set a = a ~ a %}\n")).starts_with("a.md.j2:2: this joins what was itself joined"));
    }

    #[test]
    fn what_templates_need_is_accepted() {
        for source in [
            "{% for f in facts_using(\"*\") %}{{ subsection(\"Of: \" ~ f.id) }}{% endfor %}",
            "{% set tables = [\"a\", \"b\"] %}{{ values_block(f, [\"x\"] + tables) }}",
            "{% set rows = [[\"a\", fact(\"x.y\")]] %}{{ table([\"A\", \"B\"], rows) }}",
            "{% set name = \"Backup: \" ~ case.title %}{{ section(name) }}",
            "{% macro line(f) %}{{ f.id }}: {{ f.source }}{% endmacro %}{{ line(fact(\"x\")) }}",
            "{{ ([\"a\"] if has_fact(\"x\") else []) + [\"b\"] }}",
        ] {
            assert_eq!(said(source), "", "{source}");
        }
    }

    #[test]
    fn the_built_in_templates_need_no_exception() {
        let names = crate::base::assets::templates();
        let files =
            names.iter().map(|name| ((*name).to_owned(), crate::base::assets::template(name).unwrap().to_owned()));
        check(&files.collect(), &|_| false).unwrap();
    }
}
