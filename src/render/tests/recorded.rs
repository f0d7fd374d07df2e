//! The recorded examples, with the templates of today in the place of those that made them.

use std::path::{Path, PathBuf};

use super::*;
use crate::base::assets;
use crate::seal;

fn recorded() -> Vec<(String, PathBuf)> {
    let reports = Path::new(env!("CARGO_MANIFEST_DIR")).join("reports");
    let names = ["g6", "hb-08", "nas", "phase-c", "v0-3"];
    names.map(|name| (name.to_owned(), seal::latest(&reports.join(name)).unwrap().unwrap())).to_vec()
}

#[test]
fn the_part_for_people_is_short_and_its_summary_is_a_tight_list() {
    for (name, run) in recorded() {
        let mut bundle = seal::read(&run).unwrap();
        assert!(matches!(origin(&bundle), Origin::BuiltIn | Origin::Released), "{name}");
        let load = |name: &str| assets::template(name).map(str::to_owned);
        bundle.templates = needed(&bundle.case.template, &load).unwrap();
        assert_eq!(origin(&bundle), Origin::BuiltIn);
        let record = text(&bundle);
        let annex = record.lines().position(|line| line == "# Annex").unwrap();
        assert!(annex < 121, "{name}: the annex begins at line {}", annex + 1);
        let summary = record.split("\n## 1. Summary\n\n").nth(1).unwrap();
        let list: Vec<_> = summary.lines().take_while(|line| !line.is_empty()).collect();
        assert!(list.len() > 3 && list.iter().all(|line| line.starts_with("- ")), "{name}: {list:?}");
        assert!(!record.contains("This record is not complete"), "{name}");
    }
}
