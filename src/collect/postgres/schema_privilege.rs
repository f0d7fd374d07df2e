//! `postgres.schema_privilege`: whether a role holds a privilege on a schema, as the exact query
//! and its answer.

use serde::Deserialize;

use crate::collect::{Collector, Doc, Prepared, Setting, SettingError, Settings, Surroundings};
use crate::hygiene::Raw;
use crate::model::fact::{Absence, Observation, Reason};
use crate::model::plan::Action;

use super::client::Client;
use super::session::{self, Answers, Question};
use super::sql;

/// The collector.
pub struct SchemaPrivilege;

static DOC: Doc = Doc {
    name: "postgres.schema_privilege",
    summary: "whether a role has USAGE or CREATE on a schema, with the exact query and its answer",
    detail: "Asks has_schema_privilege in one REPEATABLE READ, READ ONLY transaction, after establishing that \
             the role and the schema exist. The answer counts what the role has by itself, by membership and \
             by PUBLIC. USAGE on a schema does not carry the rights on what is in it: a dump also needs SELECT \
             on every table and sequence.",
    needs_target: true,
    settings: &[
        Setting { name: "role", kind: "text", required: true, meaning: "the role asked about" },
        Setting { name: "schema", kind: "text", required: true, meaning: "the schema asked about" },
        Setting { name: "privilege", kind: "`USAGE` or `CREATE`", required: true, meaning: "the privilege" },
    ],
    values: with_session![
        ("role", "the role asked about"),
        ("schema", "the schema asked about"),
        ("privilege", "the privilege asked about"),
        ("query", "the exact query"),
        ("answer", "the server's answer, `t` or `f`"),
        ("has_privilege", "the same as true or false"),
    ],
    example: "- id: privilege\n  uses: postgres.schema_privilege\n  on: production\n  \
              with: { role: backup, schema: app, privilege: USAGE }\n",
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct With {
    role: String,
    schema: String,
    privilege: Privilege,
}

#[derive(Clone, Copy, Deserialize)]
enum Privilege {
    #[serde(rename = "USAGE")]
    Usage,
    #[serde(rename = "CREATE")]
    Create,
}

impl Privilege {
    fn word(self) -> &'static str {
        match self {
            Self::Usage => "USAGE",
            Self::Create => "CREATE",
        }
    }
}

impl Collector for SchemaPrivilege {
    fn doc(&self) -> &'static Doc {
        &DOC
    }

    fn prepare(&self, settings: &Settings<'_>) -> Result<Box<dyn Prepared>, SettingError> {
        let with: With = settings.decode()?;
        let literal = |key: &str, name: &str| sql::literal(name).map_err(|e| SettingError::new(format!("{key} {e}")));
        let (role, schema) = (literal("role", &with.role)?, literal("schema", &with.schema)?);
        let client = Client::of(settings)?;
        Ok(Box::new(Look { client, questions: questions(&role, &schema, with.privilege), with }))
    }
}

/// `role` and `schema` are literals here.
fn questions(role: &str, schema: &str, privilege: Privilege) -> Vec<Question> {
    let role_exists = format!("EXISTS (SELECT FROM pg_roles WHERE rolname = {role})");
    let schema_exists = format!("EXISTS (SELECT FROM pg_namespace WHERE nspname = {schema})");
    let exist = format!("SELECT json_build_object('role', {role_exists}, 'schema', {schema_exists})");
    let mut asked =
        Question::own("answer", format!("SELECT has_schema_privilege({role}, {schema}, '{}')", privilege.word()));
    asked.only_if = Some(format!("{role_exists} AND {schema_exists}"));
    vec![Question::own("exist", exist), asked]
}

struct Look {
    client: Client,
    questions: Vec<Question>,
    with: With,
}

impl Look {
    fn read(&self, answers: &Answers, seen: &mut Observation) -> Result<(), Absence> {
        let query = self.questions.last().map(|question| question.sql.clone()).unwrap_or_default();
        seen.set("role", self.with.role.clone());
        seen.set("schema", self.with.schema.clone());
        seen.set("privilege", self.with.privilege.word());
        seen.set("query", query.clone());
        let exist = answers.json("exist")?;
        for (kind, name) in [("role", &self.with.role), ("schema", &self.with.schema)] {
            if exist[kind] != true {
                let absence = Absence::new(Reason::NotFound, format!("the {kind} `{name}` does not exist"))
                    .settled_by(self.client.by_hand(if kind == "role" { r"\du" } else { r"\dn" }));
                seen.miss("has_privilege", absence.clone());
                seen.miss("answer", absence);
                return Ok(());
            }
        }
        let answer = answers.rows("answer").first().map_or("", String::as_str);
        let has = match answer {
            "t" => true,
            "f" => false,
            _ => return Err(Absence::new(Reason::Unparsable, "the answer is neither `t` nor `f`")),
        };
        seen.set("answer", answer);
        seen.set("has_privilege", has);
        Ok(())
    }
}

impl Prepared for Look {
    fn plan(&self) -> Vec<Action> {
        session::actions(&self.client, &self.questions)
    }

    fn look(&self, _: &Surroundings<'_>) -> Raw<Observation> {
        Raw::new(session::observe(&self.client, &self.questions, |answers, seen| self.read(answers, seen)))
    }
}
