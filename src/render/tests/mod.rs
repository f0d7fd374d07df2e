//! What a record must be: golden, the same everywhere, complete in its citations, and of the same
//! structure whatever the outside writes.

mod citing;
mod governed;
mod hostile;
mod own;
mod real;
mod recorded;
mod same;

use super::sample::bundle;
use super::*;

fn text(bundle: &Bundle) -> String {
    String::from_utf8(render(bundle).unwrap()).unwrap()
}

fn with_template(source: &str) -> Bundle {
    let mut bundle = bundle("incident");
    bundle.templates.clear();
    bundle.templates.insert("incident.md.j2".into(), source.to_owned());
    bundle
}

fn error(source: &str) -> String {
    render(&with_template(source)).unwrap_err().to_string()
}

/// What a template prints, without the record that the renderer writes around it.
fn line(source: &str) -> String {
    String::from_utf8(unmarked(&with_template(source)).unwrap()).unwrap().trim_end().to_owned()
}

#[test]
fn golden_records() {
    for template in ["incident", "closure", "verification", "hardening"] {
        insta::assert_snapshot!(template, text(&bundle(template)));
    }
}
