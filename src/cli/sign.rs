//! `evidence sign`: a seat stands by a run and its record. What is signed says which seat, who sits
//! there, which bundle and which record, so that the signature can be moved to nothing else.

use std::path::Path;

use anyhow::{Context as _, Result, bail};

use crate::base::clock;
use crate::base::digest::Digest;
use crate::base::files;
use crate::base::ssh;
use crate::base::text;
use crate::hygiene::{Masker, Raw};
use crate::judge;
use crate::model::bundle::Bundle;
use crate::model::case::{Case, is_name};
use crate::model::closing::{STATEMENT_KIND, SeatAnswer, SeatStatement, Standing};
use crate::model::policy::Policy;
use crate::model::verdict::{Row, Section, Status, Verdict};
use crate::render;
use crate::report;
use crate::seal;
use crate::seal::signature::{self, NAMESPACE, SeatFiles};
use crate::verify;

use super::args;
use super::exit::Exit;
use super::place::{Place, RunPlace};
use super::screen::{Screen, note, tell};
use super::verify::{SIGNERS, Trusted, record_beside};

/// Runs the verb.
///
/// # Errors
/// When the run is not what was sealed, nobody sits in the seat, or the key signs nothing.
pub fn run(place: &Place, screen: &Screen, args: &args::Sign) -> Result<Exit> {
    let found = place.find_run(&args.run)?;
    let bundle = verify::sound(&found.run)?;
    let principal = principal(&bundle.case, &args.seat)?;
    if args.allow {
        screen.text(&allow(&principal, &args.key)?)?;
        return Ok(Exit::Established);
    }
    let answers = answers(args, &bundle.policy, &bundle.verdict)?;
    let statement = statement(&found, &bundle, &args.seat)?.answering(answers);
    screen.origin(&render::origin(&bundle))?;
    let bytes = signature::statement_bytes(&statement)?;
    let files = SeatFiles::of(&found.run, &args.seat);
    if files::metadata(&files.signature).is_ok() && !args.replace {
        return Err(signature::SignError::There { file: files.signature }.into());
    }
    for answer in &statement.answers {
        let holds = if answer.holds { "holds" } else { "does not hold" };
        tell(&format!("you state that {} {holds}: {}", answer.item, text::visible(&answer.says)));
    }
    for item in dropped(&files, &statement) {
        tell(&format!("warning: the signature that is replaced answers {item}, and this one does not"));
    }
    note(&format!(
        "signing for the seat {} as {principal}; `ssh-keygen` may ask for a passphrase or a touch",
        args.seat
    ));
    let made = signature::sign(&args.key, &bytes)?;
    let key = ssh::signature(&made).context("ssh-keygen wrote no SSH signature")?.key;
    signature::forget(&found.run, &args.seat)?;
    signature::keep(&found.run, &[(&files.statement, &bytes), (&files.signature, &made)], true)?;
    show(place, screen, args, &found, &statement, &key.fingerprint())
}

/// Who sits in `seat`, as a name that lists of allowed signers can hold.
pub(super) fn principal(case: &Case, seat: &str) -> Result<String> {
    case.check_seat("--seat", seat)?;
    if !is_name(seat) {
        bail!("--seat: `{seat}`: a seat that signs has lower-case letters, digits, `-` and `_`");
    }
    let who = case.seats.get(seat).cloned().unwrap_or_default();
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '@' | '+');
    if who.is_empty() || who.starts_with(['-', '#']) || !who.chars().all(plain) {
        bail!(
            "seats: {seat}: `{}` cannot stand in a list of allowed signers: name one person, as in \
             `ada@example.org`, and collect again",
            text::visible(&who)
        );
    }
    Ok(who)
}

/// What the seat signs, when the bundle and the record are what was sealed and what it renders to.
pub(super) fn statement(found: &RunPlace, bundle: &Bundle, seat: &str) -> Result<SeatStatement> {
    let inspection = seal::inspect(&found.run);
    if !inspection.is_whole() {
        bail!("nothing was signed, the run is not what was sealed: {inspection}");
    }
    if judge::again(bundle) != bundle.verdict {
        bail!("nothing was signed, the sealed verdict is not what the facts give; `evidence verify` tells where");
    }
    let record = render::render(bundle)?;
    match record_beside(found)? {
        Some((path, there)) if there != record => {
            bail!(
                "{}: nothing was signed, this is not the record of the run; `evidence render` writes it",
                path.display()
            )
        }
        _ => {}
    }
    Ok(SeatStatement {
        kind: STATEMENT_KIND.to_owned(),
        case: bundle.case.case.clone(),
        run: bundle.info.run.clone(),
        seat: seat.to_owned(),
        principal: principal(&bundle.case, seat)?,
        bundle_sha256: bundle.digest.clone(),
        record_sha256: Digest::of(&record).to_string(),
        answers: Vec::new(),
    })
}

/// Returns the answers that the arguments give, their texts masked. An item is answered only by the seat that the
/// policy asks, and only when the run left it UNKNOWN: a statement never overrules a fact.
fn answers(args: &args::Sign, policy: &Policy, verdict: &Verdict) -> Result<Vec<SeatAnswer>> {
    if args.answers.len() != args.says.len() {
        bail!(
            "--answers and --says: give one text for each item; {} items, {} texts",
            args.answers.len(),
            args.says.len()
        );
    }
    let mut masker = Masker::new();
    let mut found: Vec<SeatAnswer> = Vec::new();
    for (item, says) in args.answers.iter().zip(&args.says) {
        let shown = text::visible(item);
        let asked = policy.checklist.iter().find(|asked| asked.id == *item);
        match asked.and_then(|asked| asked.statement.as_ref()) {
            Some(seat) if *seat == args.seat => {}
            Some(seat) => bail!("--answers {shown}: the policy asks the seat {seat} for it, not {}", args.seat),
            None => bail!("--answers {shown}: the policy has no checklist item with this id that asks for a statement"),
        }
        let row = |row: &&Row| row.section == Section::Checklist && row.id == *item;
        let status = verdict.rows.iter().find(row).map(|row| row.status);
        if status != Some(Status::Unknown) {
            bail!(
                "--answers {shown}: the run did not leave this item UNKNOWN; collect again to change how it came out"
            );
        }
        if found.iter().any(|one| one.item == *item) {
            bail!("--answers {shown}: given twice");
        }
        if says.trim().is_empty() {
            bail!("--says: the text for {shown} is empty; write what you state");
        }
        let says = masker.text(Raw::new(says.clone())).into_inner();
        found.push(SeatAnswer { item: item.clone(), holds: args.holds, says });
    }
    Ok(found)
}

/// The items that the signature which is replaced answers and `statement` does not.
fn dropped(files: &SeatFiles, statement: &SeatStatement) -> Vec<String> {
    let bytes = files::read(&files.statement, signature::SIGNATURE_LIMIT).unwrap_or_default();
    let before = signature::read_statement(&bytes).map(|before| before.answers).unwrap_or_default();
    let kept = |item: &str| statement.answers.iter().any(|answer| answer.item == item);
    before.into_iter().map(|answer| answer.item).filter(|item| !kept(item)).collect()
}

/// The line that lets a key sign as `principal`, in this namespace and in no other.
fn allow(principal: &str, key: &Path) -> Result<String> {
    let key = signature::public_key(key)?;
    Ok(format!("{principal} namespaces=\"{NAMESPACE}\" {}\n", key.line()))
}

fn show(
    place: &Place,
    screen: &Screen,
    args: &args::Sign,
    found: &RunPlace,
    statement: &SeatStatement,
    key: &str,
) -> Result<Exit> {
    let trusted = Trusted::new(place, args.allowed_signers.as_deref(), None);
    let at = clock::stamp_seconds(clock::now());
    let verified = verify::whole(&found.run, None, trusted.trust(), &at);
    let closing = verified.closing.context("the run cannot be read any more")?;
    let files = SeatFiles::of(&found.run, &args.seat);
    let names = [files.statement, files.signature].map(|file| file.display().to_string());
    if screen.json {
        screen.value(&report::json::signed(statement, key, names.each_ref().map(String::as_str), &closing))?;
        return Ok(Exit::Established);
    }
    let SeatStatement { seat, principal, bundle_sha256, record_sha256, .. } = statement;
    let mut out = format!("signed     {seat}, {principal}, with the key {key}\nsignature  {}\n", names[1]);
    out.push_str(&format!("bundle     {bundle_sha256}\nrecord     {record_sha256}\n\n"));
    out.push_str(&report::closing(&closing, &screen.style));
    let ours = verified.signatures.iter().find(|one| one.seat.as_ref() == Some(seat));
    if let Some(Standing::Stranger(why)) = ours.map(|one| &one.standing) {
        let ask =
            format!("sign {} --seat {seat} --key {} --allow", args.run, text::shell_word(&args.key.to_string_lossy()));
        let command = ask.split_once(' ').map(|(verb, what)| place.command(verb, what)).unwrap_or_default();
        out.push_str(&format!("\nnot counted yet: {why}; the line for that list: `{command}`\n"));
    }
    out.push_str(&format!(
        "\nanybody verifies it, in {}, with\n  {}\n",
        found.run.display(),
        verifying(place, statement, &trusted)
    ));
    screen.text(&out)?;
    Ok(Exit::Established)
}

/// The command by which anybody verifies the signature, run in the run's folder.
fn verifying(place: &Place, statement: &SeatStatement, trusted: &Trusted) -> String {
    let list = trusted.trust().allowed_signers.map_or_else(|| place.file(SIGNERS), Path::to_owned);
    let list = text::shell_word(&list.to_string_lossy()).into_owned();
    let SeatStatement { seat, principal, .. } = statement;
    format!(
        "ssh-keygen -Y verify -n {NAMESPACE} -I {principal} -f {list} -s signatures/{seat}.sig < signatures/{seat}.json"
    )
}
