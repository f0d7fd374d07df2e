//! `postgres.dump_privileges`: the guard of a dump role. Whatever the role could not read would be
//! missing from a backup, or end it; so every object is asked about, and what will be made later
//! too. The statements that would mend the gaps are a proposal; nothing is executed.

mod sql;

use serde::Deserialize;

use crate::collect::{Collector, Doc, Prepared, Setting, SettingError, Settings, Surroundings};
use crate::hygiene::Raw;
use crate::model::fact::{Absence, Observation, Reason};
use crate::model::plan::Action;
use crate::model::value::{Map, Value};

use super::client::Client;
use super::rows::sorted;
use super::session::{self, Answers, Question};

/// The collector.
pub struct DumpPrivileges;

static DOC: Doc = Doc {
    name: "postgres.dump_privileges",
    summary: "rights that a dump role lacks on any object of any schema, now and for future objects",
    detail: "Asks in one REPEATABLE READ, READ ONLY transaction for every schema that is not the system's (by exact \
             names and the prefixes of temporary and TOAST schemas, the underscore taken literally): USAGE of the \
             schema; SELECT on tables, partitioned tables, views, materialized views and foreign tables; SELECT and \
             USAGE on sequences; row-level security that the role cannot bypass; large objects; and for each role \
             that makes objects, the default privileges for its future tables, sequences and schemas, which ALTER \
             DEFAULT PRIVILEGES without FOR ROLE gives to the one who types it alone. `blocks_dump` says what pg_dump \
             does with a gap: `now` it fails, `later` it fails once such an object is made, `no` it does not need it. \
             A role that nobody can name yet is not covered, nor is one that makes objects where PUBLIC may \
             (`open_schemas`). This looks at one database; pg_dumpall needs more.",
    needs_target: true,
    settings: &[
        Setting { name: "role", kind: "text", required: true, meaning: "the role that the dump logs in as" },
        Setting { name: "max_gaps", kind: "number (5000)", required: false, meaning: "the most gaps listed" },
    ],
    values: with_session![
        ("role", "the role asked about"),
        ("can_login", "whether it may log in"),
        ("is_superuser", "whether it is a superuser"),
        ("bypasses_rls", "whether row-level security does not hold for it"),
        ("reads_all_data", "whether it is a member of pg_read_all_data"),
        ("open_schemas", "schemas in which PUBLIC may make objects"),
        ("objects_checked", "how many objects there are, creators of future ones included"),
        ("by_class", "a list of: class, objects, gaps"),
        ("result", "in words: `none of N objects` or `G gaps in N objects`"),
        ("gap_count", "how many rights are missing"),
        ("blocking_count", "how many of them make a dump fail now"),
        ("later_count", "how many make it fail once something is created"),
        ("gaps", "a list of: class, schema, name, owner, privilege, blocks_dump"),
        ("gaps_cut", "whether there are more gaps than listed"),
        ("proposal", "statements that would mend every gap, not executed; missing when the list is cut"),
    ],
    example: "- id: dump-role\n  uses: postgres.dump_privileges\n  on: production\n  with: { role: backup }\n",
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct With {
    role: String,
    #[serde(default = "most")]
    max_gaps: usize,
}

fn most() -> usize {
    5000
}

impl Collector for DumpPrivileges {
    fn doc(&self) -> &'static Doc {
        &DOC
    }

    fn prepare(&self, settings: &Settings<'_>) -> Result<Box<dyn Prepared>, SettingError> {
        let With { role, max_gaps } = settings.decode()?;
        let literal = super::sql::literal(&role).map_err(|e| SettingError::new(format!("role {e}")))?;
        let exists = sql::exists(&literal);
        let when = |name, sql: String| Question { only_if: Some(exists.clone()), ..Question::own(name, sql) };
        let questions = vec![
            Question::own("role", sql::role(&literal)),
            when("classes", sql::classes(&literal)),
            when("gaps", sql::gaps(&literal, max_gaps)),
        ];
        Ok(Box::new(Look { client: Client::of(settings)?, questions, role, most: max_gaps }))
    }
}

const ORDER: &[&str] = &["class", "schema", "name", "owner", "privilege"];

struct Look {
    client: Client,
    questions: Vec<Question>,
    role: String,
    most: usize,
}

impl Prepared for Look {
    fn plan(&self) -> Vec<Action> {
        session::actions(&self.client, &self.questions)
    }

    fn look(&self, _: &Surroundings<'_>) -> Raw<Observation> {
        Raw::new(session::observe(&self.client, &self.questions, |answers, seen| self.read(answers, seen)))
    }
}

impl Look {
    fn read(&self, answers: &Answers, seen: &mut Observation) -> Result<(), Absence> {
        let Some(about) = answers.maps("role")?.pop() else {
            let absence = Absence::new(Reason::NotFound, format!("the role `{}` does not exist", self.role));
            return Err(absence.settled_by(self.client.by_hand(r"\du")));
        };
        seen.set("role", self.role.clone());
        seen.values.extend(about);
        let classes = answers.maps("classes")?;
        let sum = |key: &str| classes.iter().filter_map(|row| row.get(key)?.as_int()).sum::<i64>();
        let (objects, gap_count) = (sum("objects"), sum("gaps"));
        seen.set("objects_checked", objects);
        seen.set("gap_count", gap_count);
        let result = match gap_count {
            0 => format!("none of {objects} objects"),
            1 => format!("1 gap in {objects} objects"),
            many => format!("{many} gaps in {objects} objects"),
        };
        seen.set("result", result);
        seen.set("by_class", sorted(classes, ORDER).into_iter().map(Value::Map).collect::<Vec<_>>());
        self.tell(sorted(answers.maps("gaps")?, ORDER), seen);
        Ok(())
    }

    fn tell(&self, mut gaps: Vec<Map>, seen: &mut Observation) {
        let cut = gaps.len() > self.most;
        gaps.truncate(self.most);
        let mut proposal: Vec<String> = Vec::new();
        for gap in &mut gaps {
            // Row-level security on ten tables is mended by one statement.
            match gap.remove("mend").as_ref().and_then(Value::as_text) {
                Some(mend) if !proposal.iter().any(|known| known == mend) => proposal.push(mend.to_owned()),
                _ => {}
            }
        }
        let that = |word: &str| gaps.iter().filter(|gap| gap.get("blocks_dump") == Some(&word.into())).count();
        let limit = || Absence::new(Reason::Limit, format!("more than {} gaps: raise `max_gaps`", self.most));
        if cut {
            ["blocking_count", "later_count", "proposal"].iter().for_each(|name| seen.miss(name, limit()));
        } else {
            seen.set("blocking_count", that("now"));
            seen.set("later_count", that("later"));
            seen.set("proposal", proposal);
        }
        seen.set("gaps_cut", cut);
        seen.set("gaps", gaps.into_iter().map(Value::Map).collect::<Vec<_>>());
    }
}
