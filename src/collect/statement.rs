//! `statement`: what a named seat says. It is kept with the facts so that a record can cite it, and
//! its basis is never "observed": nobody looked.

use serde::Deserialize;

use crate::hygiene::Raw;
use crate::model::fact::{Absence, Basis, Observation, Reason};
use crate::model::plan::{Action, Verb};

use super::{Collector, Doc, Prepared, Setting, SettingError, Settings, Surroundings};

/// The collector.
pub struct StatementCollector;

static DOC: Doc = Doc {
    name: "statement",
    summary: "what a seat says, kept apart from what was seen",
    detail: "Records a sentence of one of the case's seats. It is shown as a statement everywhere and proves only \
             that the case file contains it. `answers` names the item of the policy's checklist that it answers; \
             `holds` is the seat's own yes or no.",
    needs_target: false,
    settings: &[
        Setting { name: "seat", kind: "text", required: true, meaning: "who says it, one of the case's `seats:`" },
        Setting { name: "says", kind: "text", required: true, meaning: "what is said" },
        Setting { name: "answers", kind: "text", required: false, meaning: "id of the policy item that it answers" },
        Setting {
            name: "holds",
            kind: "boolean",
            required: false,
            meaning: "whether the seat says that the item holds",
        },
    ],
    values: &[
        ("seat", "the seat"),
        ("who", "who sits there, as the case says"),
        ("says", "what is said"),
        ("answers", "id of the policy item, if the statement answers one"),
        ("holds", "the seat's yes or no, if it gives one"),
    ],
    example: "- id: approval\n  uses: statement\n  with: { seat: owner, says: The restore drill may begin., answers: C-3, holds: true }\n",
};

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct With {
    seat: String,
    says: String,
    #[serde(default)]
    answers: Option<String>,
    #[serde(default)]
    holds: Option<bool>,
}

struct Ready {
    with: With,
    who: String,
}

impl Collector for StatementCollector {
    fn doc(&self) -> &'static Doc {
        &DOC
    }

    fn prepare(&self, settings: &Settings<'_>) -> Result<Box<dyn Prepared>, SettingError> {
        let with: With = settings.decode()?;
        settings.case.check_seat("with: seat", &with.seat).map_err(|e| SettingError::new(e.to_string()))?;
        if with.says.trim().is_empty() {
            return Err(SettingError::new("with: says: is empty; write what the seat says"));
        }
        if with.holds.is_some() && with.answers.is_none() {
            return Err(SettingError::new("with: holds: needs `answers: ITEM`, the policy item that it is about"));
        }
        let who = settings.case.seats.get(&with.seat).cloned().unwrap_or_default();
        Ok(Box::new(Ready { with, who }))
    }
}

impl Prepared for Ready {
    fn plan(&self) -> Vec<Action> {
        vec![Action::new(Verb::State, format!("{} says: {}", self.with.seat, self.with.says))]
    }

    fn basis(&self) -> Basis {
        Basis::Statement
    }

    fn look(&self, _: &Surroundings<'_>) -> Raw<Observation> {
        let With { seat, says, answers, holds } = self.with.clone();
        let mut seen = Observation::of(format!("seat {seat}"));
        seen.set("seat", seat);
        seen.set("who", self.who.clone());
        seen.set("says", says);
        match answers {
            Some(item) => seen.set("answers", item),
            None => seen.miss("answers", Absence::new(Reason::NotApplicable, "it answers no item of the policy")),
        }
        match holds {
            Some(holds) => seen.set("holds", holds),
            None => seen.miss("holds", Absence::new(Reason::NotApplicable, "the seat gives no yes or no")),
        }
        Raw::new(seen)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{look, prepare};
    use super::*;

    #[test]
    fn keeps_what_was_said_as_a_statement() {
        let with = "{ seat: owner, says: Go ahead., answers: C-3, holds: true }";
        let seen = look(&StatementCollector, with);
        assert_eq!(seen.values["who"].as_text(), Some("Ada"));
        assert_eq!(seen.values["holds"], true.into());
        assert_eq!(prepare(&StatementCollector, with).map(|p| p.basis()).ok(), Some(Basis::Statement));
    }

    #[test]
    fn refuses_a_seat_nobody_sits_in_and_an_empty_sentence() {
        let error = |with: &str| prepare(&StatementCollector, with).err().unwrap().message;
        assert!(error("{ seat: nobody, says: x }").contains("no seat `nobody`"));
        assert!(error("{ seat: owner, says: ' ' }").contains("is empty"));
        assert!(error("{ seat: owner, says: x, holds: true }").contains("answers"));
        assert!(error("{ seat: owner, said: x }").contains("said"));
    }
}
