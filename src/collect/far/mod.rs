//! A file on another side: behind `ssh`, in a container, or here under another name. Its size and
//! SHA-256 are asked of the programs there (`stat`, `sha256sum`), as argument lists and never as a
//! shell line of ours. An empty answer is an absence, not a digest that differs.

mod same;
mod transfer;

pub use same::Same;
pub use transfer::Transfer;

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::base::child::Outcome;
use crate::base::{files, text};
use crate::model::fact::{Absence, Observation, Reason};
use crate::model::plan::{Action, Verb};

use super::transport::{self, Transport};
use super::via::Via;
use super::{SettingError, Settings, Surroundings, subject};

/// Reading and hashing a large file there takes its time.
const PATIENCE: Duration = Duration::from_secs(1800);
/// The size of a file is known at once.
const QUICK: Duration = Duration::from_secs(30);

/// Words of the programs there, and what they mean.
const KNOWN: &[(&str, Reason)] = &[
    ("No such container", Reason::Unavailable),
    ("no container with name", Reason::Unavailable),
    ("permission denied while trying to connect", Reason::Denied),
    ("executable file not found", Reason::Unavailable),
    ("No such file", Reason::NotFound),
    ("Permission denied", Reason::Denied),
    ("Is a directory", Reason::NotApplicable),
];

/// A file somewhere else.
struct Place {
    written: String,
    via: Via,
    path: String,
    transport: Transport,
}

impl Place {
    /// Reads `ssh:HOST:/path`, `docker:NAME:/path`, `ssh:HOST/docker:NAME:/path` or `local:/path`.
    fn parse(text: &str) -> Result<Self, String> {
        let wrong = "there: is `ssh:HOST:/path`, `docker:NAME:/path`, `ssh:HOST/docker:NAME:/path` or `local:/path`";
        let at = text.find(":/").ok_or(wrong)?;
        let (via, path) = (&text[..at], &text[at + 1..]);
        if path.chars().any(char::is_control) {
            return Err("there: the path holds a control character".to_owned());
        }
        let via = Via::parse(via).map_err(|e| format!("there: {}", e.trim_start_matches("via: ")))?;
        let transport = via.transport();
        Ok(Self { written: text.to_owned(), via, path: path.to_owned(), transport })
    }

    /// Messages in English, whatever the far side speaks, so that "no such file" can be told.
    fn words(&self, program: &[&str]) -> Vec<String> {
        let words: Vec<String> = ["env", "LC_ALL=C"]
            .iter()
            .chain(program)
            .map(|word| (*word).to_owned())
            .chain([self.path.clone()])
            .collect();
        self.via.command(&words)
    }

    fn digest_words(&self) -> Vec<String> {
        self.words(&["sha256sum", "--"])
    }

    fn size_words(&self) -> Vec<String> {
        self.words(&["stat", "-L", "-c", "%s", "--"])
    }

    fn by_hand(&self) -> String {
        transport::by_hand(&self.digest_words())
    }

    /// The SHA-256 there, as 64 digits.
    fn sha256(&self) -> Result<String, Absence> {
        let said = self.ask(&self.digest_words(), PATIENCE)?;
        // A name with odd characters is announced by a backslash.
        let digest = said.trim_start_matches('\\').split_whitespace().next().unwrap_or_default().to_lowercase();
        let is_digest = digest.len() == 64 && digest.bytes().all(|b| b.is_ascii_hexdigit());
        is_digest.then_some(digest).ok_or_else(|| self.because(Reason::Unparsable, "the answer is no SHA-256 digest"))
    }

    /// The size there, in bytes.
    fn bytes(&self) -> Result<u64, Absence> {
        let said = self.ask(&self.size_words(), QUICK)?;
        said.trim().parse().map_err(|_| self.because(Reason::Unparsable, "the answer is no size in bytes"))
    }

    fn because(&self, reason: Reason, why: &str) -> Absence {
        Absence::new(reason, format!("{}: {why}", self.written)).settled_by(self.by_hand())
    }

    fn ask(&self, words: &[String], limit: Duration) -> Result<String, Absence> {
        let about = |absence: Absence| {
            let settle = absence.settle.unwrap_or_else(|| self.by_hand());
            Absence::new(absence.reason, format!("{}: {}", self.written, absence.message)).settled_by(settle)
        };
        let outcome = self.transport.run(words, limit).map_err(about)?;
        let said = String::from_utf8_lossy(&outcome.stdout).into_owned();
        match outcome.success() {
            true if said.trim().is_empty() => {
                Err(self.because(Reason::NotFound, "the far side answered with nothing: no file is established there"))
            }
            true => Ok(said),
            false => Err(about(self.failed(words, &outcome))),
        }
    }

    /// Words of a shell that did not find the program are not those of a file that is not there.
    fn failed(&self, words: &[String], outcome: &Outcome) -> Absence {
        let known = if matches!(outcome.code, Some(125..=127)) { &[] } else { KNOWN };
        Absence { settle: Some(self.by_hand()), ..self.transport.failed(words, outcome, known) }
    }
}

/// A file here, and where the same one should lie.
struct Pair {
    path: PathBuf,
    place: Place,
}

impl Pair {
    fn of(settings: &Settings<'_>, path: &str, there: &str) -> Result<Self, SettingError> {
        let place = Place::parse(there).map_err(|e| SettingError::new(format!("with: {e}")))?;
        Ok(Self { path: settings.path(path), place })
    }

    fn plan(&self) -> Vec<Action> {
        let run = |words: Vec<String>| Action::new(Verb::Run, text::shell_line(&words));
        let read = Action::new(Verb::Read, text::from_name(&self.path));
        let mut plan = vec![read, run(self.place.size_words()), run(self.place.digest_words())];
        plan.extend(self.place.transport.plan());
        plan
    }

    /// Looks at both sides, here and there, and tells of them under their `names`; `plan` is what the
    /// whole look does.
    fn look(&self, plan: Vec<Action>, names: [&str; 2], surroundings: &Surroundings<'_>) -> (Sides, Observation) {
        let path = text::from_name(&self.path);
        let how = plan.into_iter().map(|action| action.what).collect();
        let source = format!("{path} and {}{}", self.place.written, self.place.transport.described());
        let mut seen = Observation { how, ..Observation::of(source) };
        seen.set("path", path.as_ref());
        seen.set("there", self.place.written.as_str());
        let sides = Sides { here: Side::here(&self.path, surroundings), there: Side::there(&self.place) };
        sides.tell(names, &mut seen);
        self.place.transport.tell("reached", &mut seen);
        (sides, seen)
    }
}

/// Both sides of a file.
struct Sides {
    here: Side,
    there: Side,
}

/// One side: size and digest, or why not.
struct Side {
    bytes: Result<u64, Absence>,
    sha256: Result<String, Absence>,
}

impl Side {
    fn here(path: &Path, surroundings: &Surroundings<'_>) -> Self {
        let by_hand = format!("sha256sum -- {}", text::shell_word(&text::from_name(path)));
        let opened = files::open(path).map_err(|e| subject::absence(&e, &by_hand));
        match opened {
            Ok((mut file, before)) => Self {
                bytes: Ok(before.len()),
                sha256: subject::sha256(&mut file, &before, path, surroundings.progress)
                    .map(|digest| digest.to_string()),
            },
            Err(absence) => Self { bytes: Err(absence.clone()), sha256: Err(absence) },
        }
    }

    fn there(place: &Place) -> Self {
        // The quick question first: a far side that does not answer it is not asked to read the file.
        let bytes = place.bytes();
        let sha256 = match &bytes {
            Err(absence)
                if matches!(absence.reason, Reason::Unavailable | Reason::TimedOut | Reason::WrongIdentity) =>
            {
                Err(absence.clone())
            }
            _ => place.sha256(),
        };
        Self { bytes, sha256 }
    }

    fn absent(&self) -> bool {
        matches!(&self.sha256, Err(absence) if absence.reason == Reason::NotFound)
    }

    fn tell(&self, side: &str, seen: &mut Observation) {
        match &self.bytes {
            Ok(bytes) => seen.set(&format!("{side}_bytes"), *bytes),
            Err(absence) => seen.miss(&format!("{side}_bytes"), absence.clone()),
        }
        match &self.sha256 {
            Ok(digest) => seen.set(&format!("{side}_sha256"), digest.as_str()),
            Err(absence) => seen.miss(&format!("{side}_sha256"), absence.clone()),
        }
    }
}

impl Sides {
    /// `match`, `mismatch` or `absent`; an absence when a side could not be seen.
    fn result(&self) -> Result<&'static str, Absence> {
        match (&self.here.sha256, &self.there.sha256) {
            _ if self.here.absent() || self.there.absent() => Ok("absent"),
            (Ok(here), Ok(there)) if here == there => Ok("match"),
            (Ok(_), Ok(_)) => Ok("mismatch"),
            (Err(absence), _) | (_, Err(absence)) => Err(absence.clone()),
        }
    }

    fn tell(&self, names: [&str; 2], seen: &mut Observation) {
        self.here.tell(names[0], seen);
        self.there.tell(names[1], seen);
        match self.result() {
            Ok(result) => {
                seen.set("result", result);
                seen.set("same", result == "match");
            }
            Err(absence) => {
                seen.miss("result", absence.clone());
                seen.miss("same", absence);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(place: &str) -> String {
        Place::parse(place).unwrap().digest_words().join("|")
    }

    #[test]
    fn a_path_there_is_one_word_also_for_a_remote_shell() {
        assert_eq!(words("local:/a b"), "env|LC_ALL=C|sha256sum|--|/a b");
        assert_eq!(words("docker:nas:/b/c.tar"), "docker|exec|-i|nas|env|LC_ALL=C|sha256sum|--|/b/c.tar");
        let ssh = words("ssh:ops@nas.example.org:/vol/$(reboot) 'x'.tar");
        assert!(
            ssh.ends_with(r"-T|ops@nas.example.org|--|env|LC_ALL=C|sha256sum|--|'/vol/$(reboot) '\''x'\''.tar'"),
            "{ssh}"
        );
        assert!(words("ssh:db/docker:pg:/x").contains("|db|--|docker|exec|-i|pg|env|"));
    }

    #[test]
    fn a_place_has_a_way_and_an_absolute_path() {
        for wrong in
            ["", "/x", "ssh:nas", "ssh:nas:x", "ssh:-oProxyCommand=x:/y", "docker::/x", "ftp:h:/x", "ssh:h:/a\nb"]
        {
            assert!(Place::parse(wrong).is_err(), "{wrong}");
        }
    }
}
