//! Reaches every text of an observation: nothing typed, named or explained may stay unmasked.

use std::collections::BTreeMap;

use crate::model::fact::{Absence, Observation};
use crate::model::value::{Map, Value};

/// A row of more cells is a list of its own.
const ACROSS: usize = 64;

/// A longer text is not the name of a setting, in bytes.
const LONGEST_NAME: usize = 64;

/// Masks a text in place; the name under which it stands, if any, may announce a secret.
pub(super) type Mask<'a> = dyn FnMut(&mut String, Option<&str>) + 'a;

/// Every text of `seen` except the attachments' bytes.
pub(super) fn observation(seen: &mut Observation, mask: &mut Mask<'_>) {
    mask(&mut seen.source, None);
    seen.how.iter_mut().for_each(|how| mask(how, None));
    map(&mut seen.values, mask);
    let missing = std::mem::take(&mut seen.missing);
    for (mut path, mut why) in missing {
        mask(&mut path, None);
        absence(&mut why, mask);
        insert(&mut seen.missing, path, why);
    }
    if let Some(why) = &mut seen.absence {
        absence(why, mask);
    }
    for attachment in &mut seen.attachments {
        mask(&mut attachment.name, None);
        // An artifact's name is a file name of letters, digits, `.`, `-` and `_`.
        attachment.name = attachment.name.replace('*', "_");
    }
}

fn absence(why: &mut Absence, mask: &mut Mask<'_>) {
    mask(&mut why.message, None);
    if let Some(settle) = &mut why.settle {
        mask(settle, None);
    }
}

/// Every text in `value`, which stands under `name`.
pub(super) fn value(value: &mut Value, name: Option<&str>, mask: &mut Mask<'_>) {
    match value {
        Value::Text(text) => mask(text, name),
        Value::List(list) => {
            lines(list, mask);
            pairs(list, mask);
            list.iter_mut().for_each(|item| self::value(item, name, mask));
        }
        Value::Map(inner) => map(inner, mask),
        Value::Bool(_) | Value::Int(_) | Value::Real(_) => {}
    }
}

/// The texts that stand below each other in a list, or in one column of a list of maps or rows, joined
/// as lines: a block that was taken apart into entries is whole there.
pub(super) fn columns_of(value: &Value, take: &mut dyn FnMut(&str)) {
    match value {
        Value::List(list) => {
            let mut columns = BTreeMap::<String, Vec<&str>>::new();
            for item in list {
                cells(item, "", &mut columns);
            }
            columns.values().filter(|texts| texts.len() > 1).for_each(|texts| take(&texts.join("\n")));
            list.iter().for_each(|item| columns_of(item, take));
        }
        Value::Map(map) => map.values().for_each(|item| columns_of(item, take)),
        Value::Text(_) | Value::Bool(_) | Value::Int(_) | Value::Real(_) => {}
    }
}

/// The texts of an entry by their place in it.
fn cells<'a>(item: &'a Value, place: &str, columns: &mut BTreeMap<String, Vec<&'a str>>) {
    match item {
        Value::Text(text) => columns.entry(place.to_owned()).or_default().push(text),
        Value::Map(map) => map.iter().for_each(|(key, held)| cells(held, &format!("{place}.{key}"), columns)),
        Value::List(list) if list.len() <= ACROSS => {
            list.iter().enumerate().for_each(|(at, held)| cells(held, &format!("{place}.{at}"), columns));
        }
        _ => {}
    }
}

/// Lines that stand one below the other, as texts or as maps with a `text`, are masked as one text
/// first: a key of several lines is recognised by none of them alone. A mask keeps the line feeds.
fn lines(list: &mut [Value], mask: &mut Mask<'_>) {
    let mut texts: Vec<&mut String> = list
        .iter_mut()
        .filter_map(|item| match item {
            Value::Text(text) => Some(text),
            Value::Map(map) => match map.get_mut("text") {
                Some(Value::Text(text)) => Some(text),
                _ => None,
            },
            _ => None,
        })
        .collect();
    if texts.len() < 2 || texts.iter().any(|text| text.contains('\n')) {
        return;
    }
    let mut whole = texts.iter().map(|text| text.as_str()).collect::<Vec<_>>().join("\n");
    mask(&mut whole, None);
    if whole.split('\n').count() == texts.len() {
        texts.iter_mut().zip(whole.split('\n')).for_each(|(text, masked)| masked.clone_into(text));
    }
}

fn map(map: &mut Map, mask: &mut Mask<'_>) {
    let columns = columns(map);
    for (mut key, mut held) in std::mem::take(map) {
        match (&columns, key.as_str(), &mut held) {
            (Some(columns), "rows", Value::List(rows)) => rows.iter_mut().for_each(|r| row(r, columns, mask)),
            _ => value(&mut held, Some(&key), mask),
        }
        mask(&mut key, None);
        insert(map, key, held);
    }
}

/// The column names of a query's result, where rows are lists: `columns: [a, b]`, `rows: [[1, 2]]`.
/// A column is its name, or a map with its `name`.
fn columns(map: &Map) -> Option<Vec<String>> {
    let Some(Value::List(columns)) = map.get("columns") else { return None };
    let name = |column: &Value| column.as_text().or_else(|| column.at("name")?.as_text()).map(str::to_owned);
    columns.iter().map(name).collect()
}

fn row(row: &mut Value, columns: &[String], mask: &mut Mask<'_>) {
    match row {
        Value::List(cells) if cells.len() == columns.len() => {
            pairs(cells, mask);
            cells.iter_mut().zip(columns).for_each(|(held, column)| cell(held, column, mask));
        }
        Value::Map(cells) => {
            settings(cells, mask);
            cells.iter_mut().for_each(|(column, held)| cell(held, column, mask));
            map(cells, mask);
        }
        other => value(other, None, mask),
    }
}

/// A cell of a query's result. Unlike our own facts it may hold a secret as a number, or as a line below
/// its name.
fn cell(held: &mut Value, column: &str, mask: &mut Mask<'_>) {
    if let Value::Int(_) | Value::Real(_) = held {
        let digits = serde_json::to_string(held).unwrap_or_default();
        let mut text = digits.clone();
        mask(&mut text, Some(column));
        if text != digits {
            *held = Value::Text(text);
        }
    } else if let Value::Map(inner) = held {
        inner.iter_mut().for_each(|(key, held)| cell(held, key, mask));
        map(inner, mask);
    } else {
        if let Value::Text(text) = held {
            below_names(text, mask);
        }
        value(held, Some(column), mask);
    }
}

/// Masks the values of a row of a table of settings: one cell holds the name of a secret, another one its
/// value, whatever the columns are called.
fn settings(cells: &mut Map, mask: &mut Mask<'_>) {
    let texts = || cells.values().filter_map(Value::as_text);
    let names: Vec<String> = texts().filter(|text| is_name(text)).map(str::to_owned).collect();
    for name in names {
        for held in cells.values_mut() {
            if let Value::Text(text) = held
                && *text != name
                && is_pair(&name, text)
            {
                mask(text, Some(&name));
            }
        }
    }
}

/// Whether a text is the name of a setting: one word, as names of settings are written.
fn is_name(text: &str) -> bool {
    text.len() <= LONGEST_NAME && !text.is_empty() && !text.contains(char::is_whitespace)
}

/// Masks the texts of a list that follow the name of a secret: pairs in an array, and the cells of a
/// name and its value in a table of settings.
fn pairs(list: &mut [Value], mask: &mut Mask<'_>) {
    for at in 1..list.len() {
        let (before, after) = list.split_at_mut(at);
        let (Some(Value::Text(name)), Some(Value::Text(text))) = (before.last(), after.first_mut()) else { continue };
        if is_pair(name, text) {
            mask(text, Some(name));
        }
    }
}

/// Masks the lines that follow a line which is the name of a secret.
fn below_names(text: &mut String, mask: &mut Mask<'_>) {
    if !text.contains('\n') {
        return;
    }
    let mut lines: Vec<String> = text.split('\n').map(str::to_owned).collect();
    for at in 1..lines.len() {
        let name = lines[at - 1].trim().trim_end_matches([':', '=']).trim_end().to_owned();
        if is_pair(&name, &lines[at]) {
            mask(&mut lines[at], Some(&name));
        }
    }
    *text = lines.join("\n");
}

/// Whether `name` is the name of a secret alone and `text` what a secret looks like.
fn is_pair(name: &str, text: &str) -> bool {
    is_name(name) && !name.contains("***") && super::mask::is_secret_of(name, text)
}

/// Two names may become the same mask; neither may swallow the other.
fn insert<T>(map: &mut BTreeMap<String, T>, key: String, held: T) {
    let mut free = key.clone();
    let mut number = 2;
    while map.contains_key(&free) {
        free = format!("{key}-{number}");
        number += 1;
    }
    map.insert(free, held);
}
