//! Level 4: the sealed templates over the bundle give the record, byte for byte. So the prose is
//! proved too.

use std::path::Path;

use crate::base::text::{plural, visible};
use crate::model::bundle::Bundle;
use crate::model::verification::{Level, LevelStatus};
use crate::render;
use crate::seal::ReadError;

const NAME: &str = "record re-rendered byte for byte";

pub(super) fn level(bundle: &Result<Bundle, ReadError>, record: Option<(&Path, &[u8])>) -> Level {
    let Some((path, record)) = record else {
        let what = "there is no record: write it with `evidence render`, or name it";
        return super::level(NAME, LevelStatus::NotDone, vec![what.to_owned()]);
    };
    let again = match bundle {
        Ok(bundle) => render::render(bundle),
        Err(error) => return super::because(NAME, error),
    };
    let path = visible(&path.to_string_lossy()).into_owned();
    let notice = bundle.as_ref().ok().and_then(|bundle| render::origin(bundle).notice());
    let (status, detail) = match again {
        Ok(again) if again == record => {
            let same = format!("{path}: {} the same", plural(lines(record).count(), "line"));
            let notice = notice.map(|notice| format!("; {notice}; what it prints is quoted and proves nothing"));
            (LevelStatus::Holds, same + &notice.unwrap_or_default())
        }
        Ok(_) if notice.is_some() && is_unmarked(bundle, record) => {
            let notice = notice.unwrap_or_default();
            let what = "the record does not say so: its words, the outcome too, are what that template prints";
            (LevelStatus::Broken, format!("{path}: {notice}; {what}; write it again with `evidence render`"))
        }
        Ok(again) => {
            let other = bundle.as_ref().ok().and_then(super::other_version);
            let other = other.map_or_else(String::new, |other| format!("; {other}"));
            (LevelStatus::Broken, format!("{path}:{}{other}", difference(record, &again)))
        }
        Err(error) => (LevelStatus::Broken, format!("{path}: the bundle renders to no record: {error}")),
    };
    super::level(NAME, status, vec![detail])
}

/// Whether `record` is what the templates print alone, as version 0.1 wrote it.
fn is_unmarked(bundle: &Result<Bundle, ReadError>, record: &[u8]) -> bool {
    bundle.as_ref().is_ok_and(|bundle| render::unmarked(bundle).is_some_and(|alone| alone == record))
}

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split_inclusive(|byte| *byte == b'\n')
}

/// The number of the first line that differs, from 1; never what stands there.
fn difference(record: &[u8], again: &[u8]) -> String {
    let same = lines(record).zip(lines(again)).take_while(|(a, b)| a == b).count();
    let (has, needs) = (lines(record).count(), lines(again).count());
    let what = match same {
        same if same == has => {
            format!("the record ends here, {} of the bundle's record are missing", plural(needs - has, "line"))
        }
        same if same == needs => {
            format!("the bundle's record ends before this line, {} are extra", plural(has - needs, "line"))
        }
        _ => "this is the first line that differs from what the bundle renders to".to_owned(),
    };
    format!("{}: {what}", same + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_first_line_that_differs_and_not_its_content() {
        let said = |record: &str, again: &str| difference(record.as_bytes(), again.as_bytes());
        assert!(said("a\nsecret\nc\n", "a\nb\nc\n").starts_with("2: this is the first line"));
        assert!(!said("a\nsecret\nc\n", "a\nb\nc\n").contains("secret"));
        assert!(said("a\n", "a\nb\nc\n").starts_with("2: the record ends here, 2 lines"));
        assert!(said("a\nb\n", "a\n").starts_with("2: the bundle's record ends before this line, 1 line"));
        assert!(said("a\nb", "a\nb\n").starts_with("2: this is the first line"));
        assert!(said("", "a\n").starts_with("1: the record ends here"));
    }
}
