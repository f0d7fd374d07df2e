//! `evidence attest`: the verdict for machines, signed with the key of a seat that signed already.

use anyhow::{Context as _, Result, bail};

use crate::base::files;
use crate::base::ssh;
use crate::judge;
use crate::seal::signature::{self, Ed25519Signer, SIGNATURE_LIMIT, SeatFiles};
use crate::verify;

use super::args;
use super::exit::Exit;
use super::place::Place;
use super::screen::Screen;
use super::sign;

/// Runs the verb.
///
/// # Errors
/// When the seat has not signed, the key is another one or of another kind, or nothing can be written.
pub fn run(place: &Place, screen: &Screen, args: &args::Attest) -> Result<Exit> {
    let found = place.find_run(&args.run)?;
    let bundle = verify::sound(&found.run)?;
    sign::principal(&bundle.case, &args.seat)?;
    let signer = Ed25519Signer::read(&args.key)?;
    let files = SeatFiles::of(&found.run, &args.seat);
    let first = || {
        let key = args.key.display();
        format!(
            "the seat {0} has not signed this run; first `evidence sign {1} --seat {0} --key {key}`",
            args.seat, args.run
        )
    };
    let signed = files::read(&files.signature, SIGNATURE_LIMIT).with_context(first)?;
    let statement = files::read(&files.statement, SIGNATURE_LIMIT).with_context(first)?;
    let statement = signature::read_statement(&statement);
    let now = sign::statement(&found, &bundle, &args.seat)?;
    let now = now.answering(statement.as_ref().map(|signed| signed.answers.clone()).unwrap_or_default());
    if statement.as_ref() != Ok(&now) {
        bail!(
            "the seat {} signed something else than this run and its record; `evidence verify` tells what",
            args.seat
        );
    }
    let key =
        ssh::signature(&signed).with_context(|| format!("{}: is no SSH signature", files.signature.display()))?.key;
    if key != *signer.public() {
        bail!(
            "{}: this key is {}, and the seat {} signed with {}",
            args.key.display(),
            signer.public().fingerprint(),
            args.seat,
            key.fingerprint()
        );
    }
    let body = serde_json::to_vec(&judge::attestation(&bundle, &now))?;
    let mut envelope = serde_json::to_vec_pretty(&signature::attest(&body, &signer)?)?;
    envelope.push(b'\n');
    signature::keep(&found.run, &[(&files.attestation, &envelope)], args.replace)?;
    let path = files.attestation.display();
    if screen.json {
        screen.value(&serde_json::json!({ "attestation": files.attestation, "key": key.fingerprint() }))?;
    } else {
        screen.text(&format!("attested  {path}\nkey       {}\n", key.fingerprint()))?;
    }
    Ok(Exit::Established)
}
