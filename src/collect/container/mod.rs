//! `container`: what the engine says of a container. Values of environment variables never enter an
//! observation: nothing but their names is read from the answer.

mod doc;
mod inspect;

use serde::Deserialize;
use serde_json::Value as Json;

use crate::hygiene::Raw;
use crate::model::fact::{Absence, Observation, Reason};
use crate::model::plan::{Action, Verb};

use super::transport::{self, Transport};
use super::via::Via;
use super::{Collector, Doc, Prepared, SettingError, Settings, Surroundings, subject, tool};
use crate::base::text;

/// The collector.
pub struct ContainerCollector;

/// Words of both engines, and what they mean. What is not known to be "no such container" never is.
const KNOWN: &[(&str, Reason)] = &[
    ("no such container", Reason::NotFound),
    ("no container with name or id", Reason::NotFound),
    ("no such image", Reason::NotFound),
    ("image not known", Reason::NotFound),
    ("permission denied", Reason::Denied),
    ("cannot connect", Reason::Unavailable),
    ("failed to connect", Reason::Unavailable),
    ("unable to connect", Reason::Unavailable),
    ("connection refused", Reason::Unavailable),
    ("daemon running", Reason::Unavailable),
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct With {
    name: String,
    #[serde(default = "docker")]
    via: String,
}

fn docker() -> String {
    "docker".to_owned()
}

struct Ready {
    name: String,
    reached: String,
    engine: &'static str,
    transport: Transport,
}

impl Collector for ContainerCollector {
    fn doc(&self) -> &'static Doc {
        &doc::DOC
    }

    fn prepare(&self, settings: &Settings<'_>) -> Result<Box<dyn Prepared>, SettingError> {
        let With { name, via } = settings.decode()?;
        let inside = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
        if !name.starts_with(|c: char| c.is_ascii_alphanumeric()) || !name.chars().all(inside) {
            return Err(SettingError::new("with: name: a container's name has letters, digits, `_`, `.` and `-`"));
        }
        let (host, engine) = via.rsplit_once('/').unwrap_or(("local", &via));
        let engine = ["docker", "podman"].into_iter().find(|known| *known == engine);
        let (Some(engine), true) = (engine, host == "local" || host.starts_with("ssh:")) else {
            let known = "`docker`, `podman`, `ssh:HOST/docker` or `ssh:HOST/podman`";
            return Err(SettingError::new(format!("with: via: is {known}")));
        };
        let host = Via::parse(host).map_err(|e| SettingError::new(format!("with: {e}")))?;
        Ok(Box::new(Ready { name, reached: via.clone(), engine, transport: host.transport_to(Some(engine)) }))
    }
}

impl Prepared for Ready {
    fn plan(&self) -> Vec<Action> {
        let image = self.words(&["image", "inspect"], "<the image's id>");
        let container = self.words(&["inspect", "--type", "container"], &self.name);
        let mut plan = self.transport.plan();
        plan.splice(0..0, [container, image].map(|words| Action::new(Verb::Run, text::shell_line(&words))));
        plan
    }

    fn look(&self, _: &Surroundings<'_>) -> Raw<Observation> {
        Raw::new(self.see())
    }
}

impl Ready {
    fn words(&self, verb: &[&str], what: &str) -> Vec<String> {
        let words = std::iter::once(self.engine).chain(verb.iter().copied()).chain([what]);
        self.transport.command(&words.map(str::to_owned).collect::<Vec<_>>())
    }

    fn see(&self) -> Observation {
        let source = format!("container `{}` via {}{}", self.name, self.reached, self.transport.described());
        let words = self.words(&["inspect", "--type", "container"], &self.name);
        let how = text::shell_line(&words);
        let found = match self.ask(&words) {
            Ok(found) => found,
            Err(why) if why.reason == Reason::NotFound => {
                let mut seen = Observation::of(source).read_by(how);
                seen.set("exists", false);
                self.transport.tell("reached", &mut seen);
                subject::miss_the_rest(&mut seen, &doc::DOC, &why);
                return seen;
            }
            Err(why) => return Observation::absent(source, why).read_by(how),
        };
        let mut seen = Observation::of(source).read_by(how);
        inspect::tell(&found, &mut seen);
        self.see_image(&found, &mut seen);
        self.transport.tell("reached", &mut seen);
        let unsaid = Absence::new(Reason::Unparsable, format!("`{}` did not say it", self.engine));
        subject::miss_the_rest(&mut seen, &doc::DOC, &unsaid.settled_by(transport::by_hand(&words)));
        seen
    }

    /// The digests stand with the image, not with the container.
    fn see_image(&self, container: &Json, seen: &mut Observation) {
        let Some(id) = inspect::image_id(container) else { return };
        let words = self.words(&["image", "inspect"], &id);
        seen.how.push(text::shell_line(&words));
        match self.ask(&words) {
            Ok(image) => inspect::tell_digests(&image, seen),
            Err(why) => seen.miss("image.digests", why),
        }
    }

    /// The one object of the list that `inspect` prints.
    fn ask(&self, words: &[String]) -> Result<Json, Absence> {
        let outcome = self.transport.run(words, tool::LIMIT)?;
        if !outcome.success() {
            return Err(self.transport.failed(words, &outcome, KNOWN));
        }
        let odd = || Absence::new(Reason::Unparsable, "the answer is not the JSON list of one that `inspect` prints");
        match serde_json::from_slice(&outcome.stdout) {
            Ok(Json::Array(mut list)) if list.len() == 1 && !outcome.stdout_cut => list.pop().ok_or_else(odd),
            _ => Err(odd().settled_by(transport::by_hand(words))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::prepare;
    use super::*;

    #[test]
    fn the_plan_is_two_inspections_and_nothing_else() {
        let ready = prepare(&ContainerCollector, "{ name: pg-1, via: 'ssh:db.example.org/podman' }").unwrap();
        let plan: Vec<_> = ready.plan().into_iter().map(|action| action.what).collect();
        let ssh = ready.plan()[0].what.split(" inspect").next().unwrap().to_owned();
        assert!(
            ssh.starts_with("ssh -a -x -o BatchMode=yes ") && ssh.ends_with(" -T db.example.org -- podman"),
            "{ssh}"
        );
        assert_eq!(plan[0], format!("{ssh} inspect --type container pg-1"));
        assert!(plan[1].starts_with(&format!("{ssh} image inspect ")) && plan.len() == 2);
        let ready = prepare(&ContainerCollector, "{ name: pg-1, via: 'ssh:db.example.org/docker' }").unwrap();
        assert!(ready.plan()[2].what.contains("-- docker context inspect --format "));
        let ready = prepare(&ContainerCollector, "{ name: pg-1 }").unwrap();
        assert!(ready.plan()[2].what.starts_with("the docker engine at "), "the endpoint belongs to the plan");
    }

    #[test]
    fn nothing_can_pass_for_an_option() {
        for with in [
            "{ name: -v }",
            "{ name: 'a b' }",
            "{ name: a, via: lxc }",
            "{ name: a, via: 'ssh:h' }",
            "{ name: a, via: 'docker:x/docker' }",
            "{ name: a, via: 'ssh:-oX/docker' }",
            "{ via: docker }",
        ] {
            assert!(prepare(&ContainerCollector, with).is_err(), "{with}");
        }
    }
}
