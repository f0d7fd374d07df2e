//! Values of arithmetic expressions, as far as they are known.

use brush_parser::arithmetic;
use brush_parser::ast::{
    ArithmeticExpr as Expr, ArithmeticTarget as Target, BinaryOperator as Binary, UnaryAssignmentOperator as Step,
    UnaryOperator as Unary,
};

use super::State;
use super::values::lookup;

/// The value of `expression`, with its assignments made in `state`; a variable that is assigned
/// something unknown is not known any more.
pub fn value(expression: &str, state: &mut State) -> Option<i64> {
    let plain = expand(expression, state)?;
    evaluate(&arithmetic::parse(plain.trim()).ok()?, state)
}

/// `$NAME`, `${NAME}` and `$?` within the expression.
fn expand(expression: &str, state: &State) -> Option<String> {
    let mut out = String::new();
    let mut rest = expression;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let (name, behind) = match rest.strip_prefix('{') {
            Some(inner) => inner.split_once('}')?,
            None => {
                let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
                let end = rest.find(|c| !word(c)).unwrap_or(rest.len());
                rest.split_at(if end == 0 { rest.chars().next().map_or(0, char::len_utf8) } else { end })
            }
        };
        let value = lookup(name, state).or_else(|| {
            let plain = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            // Left as a name: an assignment may still make it known.
            plain.then(|| name.to_owned())
        })?;
        out.push_str(&value);
        rest = behind;
    }
    out.push_str(rest);
    Some(out)
}

fn evaluate(expression: &Expr, state: &mut State) -> Option<i64> {
    match expression {
        Expr::Literal(value) => Some(*value),
        Expr::Reference(Target::Variable(name)) => read(name, state),
        Expr::Reference(Target::ArrayElement(..)) => None,
        Expr::UnaryOp(operator, inner) => {
            let value = evaluate(inner, state)?;
            Some(match operator {
                Unary::UnaryPlus => value,
                Unary::UnaryMinus => value.wrapping_neg(),
                Unary::BitwiseNot => !value,
                Unary::LogicalNot => i64::from(value == 0),
            })
        }
        Expr::BinaryOp(operator, left, right) => {
            let left = evaluate(left, state);
            let right = evaluate(right, state);
            binary(*operator, left?, right?)
        }
        Expr::Conditional(condition, yes, no) => {
            let condition = evaluate(condition, state);
            let (yes, no) = (evaluate(yes, state), evaluate(no, state));
            if condition? != 0 { yes } else { no }
        }
        Expr::Assignment(target, inner) => {
            let value = evaluate(inner, state);
            assign(target, value, state)
        }
        Expr::BinaryAssignment(operator, target, inner) => {
            let right = evaluate(inner, state);
            let left = current(target, state);
            let value = left.zip(right).and_then(|(left, right)| binary(*operator, left, right));
            assign(target, value, state)
        }
        Expr::UnaryAssignment(step, target) => {
            let before = current(target, state);
            let by = if matches!(step, Step::PrefixIncrement | Step::PostfixIncrement) { 1 } else { -1 };
            let after = assign(target, before.map(|value| value.wrapping_add(by)), state);
            if matches!(step, Step::PrefixIncrement | Step::PrefixDecrement) { after } else { before }
        }
    }
}

fn read(name: &str, state: &State) -> Option<i64> {
    let text = lookup(name, state)?;
    if text.is_empty() { Some(0) } else { text.trim().parse().ok() }
}

fn current(target: &Target, state: &State) -> Option<i64> {
    match target {
        Target::Variable(name) => read(name, state),
        Target::ArrayElement(..) => None,
    }
}

fn assign(target: &Target, value: Option<i64>, state: &mut State) -> Option<i64> {
    if let Target::Variable(name) = target {
        state.assign(name, value.map(|value| value.to_string()));
    }
    value
}

fn binary(operator: Binary, left: i64, right: i64) -> Option<i64> {
    Some(match operator {
        Binary::Multiply => left.wrapping_mul(right),
        Binary::Divide => left.checked_div(right)?,
        Binary::Modulo => left.checked_rem(right)?,
        Binary::Comma => right,
        Binary::Add => left.wrapping_add(right),
        Binary::Subtract => left.wrapping_sub(right),
        Binary::LessThan => i64::from(left < right),
        Binary::LessThanOrEqualTo => i64::from(left <= right),
        Binary::GreaterThan => i64::from(left > right),
        Binary::GreaterThanOrEqualTo => i64::from(left >= right),
        Binary::Equals => i64::from(left == right),
        Binary::NotEquals => i64::from(left != right),
        Binary::BitwiseAnd => left & right,
        Binary::BitwiseXor => left ^ right,
        Binary::BitwiseOr => left | right,
        Binary::LogicalAnd => i64::from(left != 0 && right != 0),
        Binary::LogicalOr => i64::from(left != 0 || right != 0),
        Binary::Power | Binary::ShiftLeft | Binary::ShiftRight => return None,
    })
}
