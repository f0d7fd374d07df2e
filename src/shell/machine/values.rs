//! Values of words and of tests, as far as they are known without running anything.

use super::super::tree::{Form, Part, Simple, Test, Variable, Word};
use super::State;

/// The text that a word expands to, when it is known.
#[must_use]
pub fn expand(word: &Word, state: &State) -> Option<String> {
    let mut out = String::new();
    for part in &word.parts {
        match part {
            Part::Text(text, _) => out.push_str(text),
            Part::Variable(variable) => out.push_str(&parameter(variable, state)?),
            Part::Arithmetic(expression) => {
                out.push_str(&super::arithmetic::value(expression, &mut state.clone())?.to_string());
            }
            Part::Substitution(..) | Part::Process(_) => return None,
        }
    }
    Some(out)
}

fn parameter(variable: &Variable, state: &State) -> Option<String> {
    let value = lookup(&variable.name, state);
    match variable.form {
        Form::Plain | Form::Required => value,
        Form::Default => match value? {
            empty if empty.is_empty() => variable.otherwise.clone(),
            value => Some(value),
        },
        Form::Changed => None,
    }
}

/// The value of a variable or of `?`, `PIPESTATUS[n]`.
#[must_use]
pub fn lookup(name: &str, state: &State) -> Option<String> {
    match name {
        "?" => Some(state.status.to_string()),
        "PIPESTATUS" => state.pipe.first().map(ToString::to_string),
        "PIPESTATUS[@]" | "PIPESTATUS[*]" => {
            Some(state.pipe.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
        }
        name => match name.strip_prefix("PIPESTATUS[").and_then(|rest| rest.strip_suffix(']')) {
            Some(index) => Some(state.pipe.get(index.parse::<usize>().ok()?).map_or_else(String::new, u8::to_string)),
            None => state.variables.get(name).cloned(),
        },
    }
}

/// `[ … ]` or `test …`.
#[must_use]
pub fn bracket(simple: &Simple, state: &State) -> Option<bool> {
    let mut words: Vec<&Word> = simple.arguments().iter().collect();
    if simple.name().as_deref() == Some("[") && words.last().is_some_and(|word| word.raw == "]") {
        words.pop();
    }
    let (negated, words) = match words.split_first() {
        Some((first, rest)) if first.raw == "!" && !rest.is_empty() => (true, rest.to_vec()),
        _ => (false, words),
    };
    let value = match words.as_slice() {
        [] => Some(false),
        [one] => expand(one, state).map(|text| !text.is_empty()),
        [operator, word] => unary(&operator.raw, word, state),
        [left, operator, right] => binary(&operator.raw, left, right, state),
        _ => None,
    };
    value.map(|value| value != negated)
}

/// The words of `[[ … ]]`.
pub fn words(test: &Test) -> Vec<&Word> {
    match test {
        Test::And(a, b) | Test::Or(a, b) => [words(a), words(b)].concat(),
        Test::Not(a) => words(a),
        Test::Unary(_, word) => vec![word],
        Test::Binary(_, a, b) => vec![a, b],
    }
}

/// `[[ … ]]`
#[must_use]
pub fn test(expression: &Test, state: &State) -> Option<bool> {
    match expression {
        Test::And(a, b) => match (test(a, state), test(b, state)) {
            (Some(false), _) | (_, Some(false)) => Some(false),
            (Some(true), Some(true)) => Some(true),
            _ => None,
        },
        Test::Or(a, b) => match (test(a, state), test(b, state)) {
            (Some(true), _) | (_, Some(true)) => Some(true),
            (Some(false), Some(false)) => Some(false),
            _ => None,
        },
        Test::Not(a) => test(a, state).map(|value| !value),
        Test::Unary(operator, word) => unary(operator, word, state),
        Test::Binary(operator, a, b) => {
            // An unquoted right side is a pattern.
            let pattern =
                b.parts.iter().any(|part| matches!(part, Part::Text(text, false) if text.contains(['*', '?', '['])));
            if pattern && matches!(operator.as_str(), "==" | "!=" | "=") {
                return None;
            }
            binary(operator, a, b, state)
        }
    }
}

fn unary(operator: &str, word: &Word, state: &State) -> Option<bool> {
    let value = expand(word, state);
    match operator {
        "-n" => value.map(|text| !text.is_empty()),
        "-z" => value.map(|text| text.is_empty()),
        _ => None,
    }
}

fn binary(operator: &str, left: &Word, right: &Word, state: &State) -> Option<bool> {
    let (left, right) = (expand(left, state)?, expand(right, state)?);
    match operator {
        "=" | "==" => return Some(left == right),
        "!=" => return Some(left != right),
        _ => {}
    }
    let (left, right) = (left.trim().parse::<i64>().ok()?, right.trim().parse::<i64>().ok()?);
    Some(match operator {
        "-eq" => left == right,
        "-ne" => left != right,
        "-lt" => left < right,
        "-le" => left <= right,
        "-gt" => left > right,
        "-ge" => left >= right,
        _ => return None,
    })
}

/// Whether one of the patterns of a `case` fits.
#[must_use]
pub fn fits(patterns: &[Word], value: Option<&str>) -> Option<bool> {
    let mut unsure = false;
    for pattern in patterns {
        match (pattern.literal(), value) {
            (Some(text), _) if text == "*" => return Some(true),
            (Some(text), Some(value)) if !text.contains(['*', '?', '[']) => {
                if text == value {
                    return Some(true);
                }
            }
            _ => unsure = true,
        }
    }
    if unsure { None } else { Some(false) }
}
