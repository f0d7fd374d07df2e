//! `evidence schema`: JSON Schema of cases and policies, from the same types that read them, so
//! that an editor refuses what the program would refuse.

use anyhow::Result;
use schemars::schema_for;
use serde_json::{Map, Value, json};

use crate::collect::{COLLECTORS, Doc};
use crate::model::case::Case;
use crate::model::policy::Policy;

use super::args::{self, SchemaOf};
use super::exit::Exit;
use super::screen::Screen;

/// Runs the verb.
///
/// # Errors
/// When standard output fails.
pub fn run(screen: &Screen, args: &args::Schema) -> Result<Exit> {
    let schema = match args.of {
        SchemaOf::Case => case_schema(),
        SchemaOf::Policy => schema_for!(Policy).to_value(),
    };
    screen.value(&schema)?;
    Ok(Exit::Established)
}

/// The case's schema, with the names and settings of every collector.
fn case_schema() -> Value {
    let mut schema = schema_for!(Case).to_value();
    if let Some(step) = schema.pointer_mut("/$defs/Step").and_then(Value::as_object_mut) {
        let names: Vec<_> = COLLECTORS.iter().map(|collector| collector.doc().name).collect();
        if let Some(uses) = step.get_mut("properties").and_then(|p| p.get_mut("uses")) {
            uses["enum"] = json!(names);
        }
        // The other name of `on`, which the types know as an alias.
        if let Some(on) = step.get("properties").and_then(|p| p.get("on")).cloned() {
            step["properties"]["target"] = on;
        }
        let rules: Vec<_> = COLLECTORS.iter().map(|collector| settings_rule(collector.doc())).collect();
        step.insert("allOf".to_owned(), Value::Array(rules));
    }
    schema
}

/// `if uses is this collector, then with has these keys`.
fn settings_rule(doc: &Doc) -> Value {
    let properties: Map<_, _> = doc
        .settings
        .iter()
        .map(|s| (s.name.to_owned(), json!({"description": format!("{} ({})", s.meaning, s.kind)})))
        .collect();
    let required: Vec<_> = doc.settings.iter().filter(|s| s.required).map(|s| s.name).collect();
    let with = json!({"properties": properties, "required": required, "additionalProperties": false});
    let mut then = json!({"properties": {"with": with}});
    let mut needed = Vec::new();
    if !required.is_empty() {
        needed.push("with");
    }
    if doc.needs_target {
        then["anyOf"] = json!([{"required": ["on"]}, {"required": ["target"]}]);
    }
    then["required"] = json!(needed);
    json!({"if": {"properties": {"uses": {"const": doc.name}}}, "then": then})
}
