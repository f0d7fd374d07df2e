//! What can be told from one command alone: unchecked hosts, temporary files, `rm -r`, and what the
//! script's own shell does not know.

use std::rc::Rc;

use super::super::dialect::{Dialect, Options};
use super::super::programs::{program, short};
use super::super::tree::{Command, Form, Id, Kind, Part, Simple, Word};
use super::Finding;
use super::report::Study;

/// Finds them.
pub fn find(study: &Study<'_>, findings: &mut Vec<Finding>) {
    first_line(study, findings);
    for command in study.script.commands.values() {
        if study.script.shebang.dialect == Dialect::Sh {
            foreign_words(study, command, findings);
        }
        if let Some(simple) = command.simple() {
            hosts(study, command, simple, findings);
            temporary(study, command, simple, findings);
            removal(study, command, simple, findings);
            secrets(study, command, simple, findings);
        } else {
            writes(study, command, findings);
        }
    }
}

fn first_line(study: &Study<'_>, findings: &mut Vec<Finding>) {
    let written = super::super::dialect::Shebang::read(study.script.lines.first().map_or("", String::as_str), None);
    let start = study.script.shebang.options;
    if written.options != Options::default() && start != Options::default() {
        let says = format!(
            "`{}` holds when the script is started by its name; `bash script` does not read this line",
            start.words()
        );
        let text = study.script.text(1, 1);
        findings.push(Finding { line: 1, rule: "options-in-first-line", text, says, lines: [].into() });
    }
}

fn foreign_words(study: &Study<'_>, command: &Command, findings: &mut Vec<Finding>) {
    let says = match &command.kind {
        Kind::Test(_) => "dash has no `[[`: it looks for a program of that name and gets status 127",
        Kind::Arithmetic(_) => {
            "dash has no `(( … ))`: it takes this for a subshell in a subshell and runs the words in it"
        }
        Kind::Simple(simple) => {
            let raw = simple.words.iter().map(|word| word.raw.as_str()).collect::<Vec<_>>();
            let names = |word: &Word| word.variables().any(|variable| variable.name.starts_with("PIPESTATUS"));
            let values = simple.assignments.iter().flat_map(|assignment| &assignment.values);
            if simple.name().as_deref() == Some("set") && raw.contains(&"pipefail") {
                let says = "dash up to 0.5.12 does not know `pipefail`: it ends here with status 2";
                return findings.push(study.finding("pipefail-unknown", command.id, says.to_owned()));
            }
            match () {
                () if simple.words.iter().chain(values).any(names) => "dash has no PIPESTATUS: it is empty",
                () if simple.assignments.iter().any(|assignment| assignment.array) => {
                    "dash has no arrays: it ends with a syntax error, status 2, when it comes to this"
                }
                () if matches!(simple.name().as_deref(), Some("source")) => {
                    "dash has no `source`: it looks for a program of that name and gets status 127"
                }
                () => return,
            }
        }
        _ => return,
    };
    findings.push(study.finding("not-in-sh", command.id, says.to_owned()));
}

fn hosts(study: &Study<'_>, command: &Command, simple: &Simple, findings: &mut Vec<Finding>) {
    let values = simple.assignments.iter().chain(&simple.declared).flat_map(|assignment| &assignment.values);
    let said =
        simple.words.iter().chain(values).map(|word| word.raw.to_ascii_lowercase()).collect::<Vec<_>>().join(" ");
    let off = ["stricthostkeychecking=no", "stricthostkeychecking=off", "stricthostkeychecking no"]
        .iter()
        .find(|o| said.contains(**o));
    let nowhere = said.contains("userknownhostsfile=/dev/null") || said.contains("userknownhostsfile /dev/null");
    let says = match (off, nowhere) {
        (Some(_), true) => {
            "ssh takes any key for the host's and keeps none, so another host is not noticed, now or later"
        }
        (Some(_), false) => "ssh takes any key of a host that it does not know yet",
        (None, true) => "ssh keeps no key, so that every host is new to it",
        (None, false) => "",
    };
    if !says.is_empty() {
        findings.push(study.finding("host-key-unchecked", command.id, says.to_owned()));
    }
    let Some((name, arguments)) = program(simple) else { return };
    let has = |test: &dyn Fn(&str) -> bool| arguments.iter().any(|word| test(&word.raw));
    let open = match name.as_str() {
        "curl" => has(&|word| word == "--insecure" || short(word, 'k')),
        "wget" => has(&|word| word == "--no-check-certificate"),
        _ => false,
    };
    if open {
        let says = format!("`{name}` takes any certificate for the server's");
        findings.push(study.finding("certificate-unchecked", command.id, says));
    }
}

fn temporary(study: &Study<'_>, command: &Command, simple: &Simple, findings: &mut Vec<Finding>) {
    writes(study, command, findings);
    for assignment in simple.assignments.iter().chain(&simple.declared) {
        let [word] = assignment.values.as_slice() else { continue };
        if makes_temporary(word) {
            if !removed(study, &assignment.name) {
                let says = format!("nothing removes `${}` before the script ends", assignment.name);
                findings.push(study.finding("temporary-left", command.id, says));
            }
        } else if guessable(study, command, word)
            && !connects(&assignment.name, word)
            && !is_template(study, &assignment.name, word)
        {
            let says = format!("`{}` can be guessed by every user of the host", assignment.name);
            findings.push(study.finding("temporary-predictable", command.id, says));
        }
    }
}

fn writes(study: &Study<'_>, command: &Command, findings: &mut Vec<Finding>) {
    if command.redirects.iter().any(|redirect| redirect.writes && guessable(study, command, &redirect.word)) {
        let says = "the file is written at a place where every user may have put something before".to_owned();
        findings.push(study.finding("temporary-predictable", command.id, says));
    }
}

fn makes_temporary(word: &Word) -> bool {
    let mktemp = |command: &Command| command.simple().and_then(program).is_some_and(|(name, _)| name == "mktemp");
    word.substitutions().any(|block| block.iter().any(|item| item.first.stages.iter().any(|command| mktemp(command))))
}

/// Whether a variable says where a service waits: the script connects there and makes nothing.
fn connects(name: &str, word: &Word) -> bool {
    let path = word.raw.trim_matches(['"', '\'']);
    let socket = path.contains("/.s.PGSQL.") || path.ends_with(".sock") || path.ends_with(".socket");
    let named = name.to_ascii_uppercase().split('_').any(|part| part == "SOCK" || part == "SOCKET");
    socket || named || name == "PGHOST" || name == "MYSQL_UNIX_PORT"
}

/// Whether `name` holds a template that `mktemp` fills in.
fn is_template(study: &Study<'_>, name: &str, word: &Word) -> bool {
    let filled = |simple: &Simple| {
        let named = |word: &Word| word.variables().any(|variable| variable.name == name);
        program(simple).is_some_and(|(program, arguments)| program == "mktemp" && arguments.iter().any(named))
    };
    word.raw.contains("XXX") && study.script.commands.values().filter_map(|command| command.simple()).any(filled)
}

/// Whether a path below a folder that everybody may write to can be guessed.
fn guessable(study: &Study<'_>, command: &Command, word: &Word) -> bool {
    let open = ["/tmp/", "/var/tmp/", "/dev/shm/"];
    let begins = open.iter().any(|folder| word.prefix().starts_with(folder) && word.raw.len() > folder.len());
    let named = word.raw.contains("/tmp}/") && word.variables().any(|variable| variable.name == "TMPDIR");
    let named = named && !makes(study, "TMPDIR", command.id);
    let random = word.parts.iter().any(|part| matches!(part, Part::Substitution(..)) && word.raw.contains("mktemp"));
    (begins || named) && !random
}

/// Whether the script itself gives `name` a folder of `mktemp` before it comes to the command `id`.
fn makes(study: &Study<'_>, name: &str, id: Id) -> bool {
    study.script.commands.values().filter(|command| turn(study, command.id) < turn(study, id)).any(|command| {
        let assignments =
            command.simple().into_iter().flat_map(|simple| simple.assignments.iter().chain(&simple.declared));
        assignments.into_iter().any(|given| given.name == name && given.values.iter().any(makes_temporary))
    })
}

/// When a command has its turn: by the text, and in a function when that is first called.
fn turn(study: &Study<'_>, id: Id) -> (Id, Id) {
    let function = study.places.get(&id).and_then(|place| place.function.as_deref());
    let calls = |command: &&Rc<Command>| command.simple().and_then(Simple::name).as_deref() == function;
    let call = function.and_then(|_| study.script.commands.values().filter(calls).map(|command| command.id).min());
    (call.unwrap_or(id), id)
}

fn removed(study: &Study<'_>, name: &str) -> bool {
    study.script.commands.values().any(|command| {
        let Some(simple) = command.simple() else { return false };
        let removes = program(simple)
            .is_some_and(|(name, _)| matches!(name.as_str(), "rm" | "rmdir" | "unlink" | "mv" | "shred"));
        // A trap in double quotes has the name put in when it is set.
        let trap = simple.name().as_deref() == Some("trap") && simple.words.iter().any(|word| word.raw.contains("rm "));
        let named = |word: &Word| word.variables().any(|variable| variable.name == name);
        (removes || trap) && simple.words.iter().any(named)
    })
}

fn removal(study: &Study<'_>, command: &Command, simple: &Simple, findings: &mut Vec<Finding>) {
    let Some((name, arguments)) = program(simple) else { return };
    let deep = |word: &Word| short(&word.raw, 'r') || short(&word.raw, 'R') || word.raw == "--recursive";
    if name != "rm" || !arguments.iter().any(deep) {
        return;
    }
    let bare = |word: &&Word| word.variables().any(|variable| !variable.quoted && variable.form != Form::Required);
    if let Some(word) = arguments.iter().find(bare) {
        let names: Vec<_> = word.variables().filter(|v| !v.quoted).map(|v| v.name.clone()).collect();
        let says = format!(
            "the value of `{}` is split at blanks and expanded as a pattern before `rm` gets it",
            names.join("`, `")
        );
        findings.push(study.finding("rm-unquoted", command.id, says));
    }
    for word in arguments {
        let (Some(Part::Variable(variable)), Some(Part::Text(text, _))) = (word.parts.first(), word.parts.get(1))
        else {
            continue;
        };
        if text.starts_with('/') && variable.form == Form::Plain && !filled(study, &variable.name) {
            let says = format!("with `{}` empty this is `rm -r {text}…`", variable.name);
            findings.push(study.finding("rm-empty-variable", command.id, says));
        }
    }
}

/// Whether a variable is only ever given values with text in them or of `mktemp`.
fn filled(study: &Study<'_>, name: &str) -> bool {
    let mut given = false;
    for command in study.script.commands.values() {
        let Some(simple) = command.simple() else { continue };
        for assignment in simple.assignments.iter().chain(&simple.declared).filter(|assignment| assignment.name == name)
        {
            let text = |word: &Word| {
                let own = word.parts.iter().any(|part| matches!(part, Part::Text(text, _) if !text.is_empty()));
                let default = word.variables().any(|v| {
                    v.form == Form::Required || (v.form == Form::Default && v.otherwise.as_deref() != Some(""))
                });
                own || default || makes_temporary(word)
            };
            if !assignment.values.iter().all(text) || assignment.values.is_empty() {
                return false;
            }
            given = true;
        }
    }
    given
}

/// Passwords that are given as arguments, also from a variable: the program's arguments hold the value.
fn secrets(study: &Study<'_>, command: &Command, simple: &Simple, findings: &mut Vec<Finding>) {
    let Some((name, arguments)) = program(simple) else { return };
    let raw: Vec<&str> = arguments.iter().map(|word| word.raw.as_str()).collect();
    let long = ["--password", "--passwd", "--pass", "--passphrase", "--token", "--secret"];
    let given = |value: &str| !value.trim_matches(['"', '\'']).is_empty();
    let found = raw.iter().enumerate().find_map(|(at, word)| {
        let next = raw.get(at + 1).copied().unwrap_or_default();
        let joined = word.split_once('=').filter(|(option, value)| long.contains(option) && given(value)).is_some();
        let apart = long.contains(word) && given(next) && !next.starts_with('-') && name != "gpg"
            || (name == "gpg" && *word == "--passphrase");
        let own = match name.as_str() {
            "sshpass" => word.starts_with("-p"),
            "mysql" | "mysqldump" | "mysqladmin" | "mariadb" | "mariadb-dump" | "7z" | "7za" => {
                word.starts_with("-p") && word.len() > 2 && !word.starts_with("-p-")
            }
            "redis-cli" => *word == "-a" && given(next),
            "zip" | "unzip" => *word == "-P" && given(next),
            "curl" => {
                let user = matches!(*word, "-u" | "--user") && next.contains(':');
                let header = matches!(*word, "-H" | "--header") && next.to_ascii_lowercase().contains("authorization:");
                user || header
            }
            "openssl" => word.starts_with("pass:") || word.starts_with("\"pass:"),
            _ => false,
        };
        (joined || apart || own).then_some(())
    });
    if found.is_some() {
        let says = format!("while `{name}` runs, every user of the host can read the value among its arguments");
        findings.push(study.finding("secret-in-arguments", command.id, says));
    }
}
