//! Level 1: the bag is complete and unchanged, and nothing is extra.

use crate::base::text::plural;
use crate::model::verification::{Level, LevelStatus};
use crate::seal::Inspection;

const NAME: &str = "bag complete and unchanged, nothing extra";

pub(super) fn level(inspection: &Inspection) -> Level {
    let found = inspection.damage.iter().map(ToString::to_string);
    let unread = inspection.unread.iter().map(|what| format!("could not be looked at: {what}"));
    let mut detail: Vec<_> = found.chain(unread).collect();
    let status = match (inspection.damage.is_empty(), inspection.unread.is_empty()) {
        (false, _) => LevelStatus::Broken,
        (true, false) => LevelStatus::NotDone,
        (true, true) => LevelStatus::Holds,
    };
    if let (LevelStatus::Holds, Some(digest)) = (status, inspection.digest) {
        let files = plural(inspection.files, "file");
        detail.push(format!("{files}, {} bytes; bundle {digest}", inspection.bytes));
    }
    super::level(NAME, status, detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal::{Damage, DamageKind};

    #[test]
    fn what_could_not_be_looked_at_is_neither_whole_nor_broken() {
        let mut inspection =
            Inspection { unread: vec!["data/x: permission denied".to_owned()], ..Inspection::default() };
        assert_eq!(level(&inspection).status, LevelStatus::NotDone);
        inspection.damage.push(Damage { path: "a".to_owned(), kind: DamageKind::Extra, detail: String::new() });
        assert_eq!(level(&inspection).status, LevelStatus::Broken);
        assert_eq!(level(&inspection).detail, ["a: extra", "could not be looked at: data/x: permission denied"]);
    }
}
