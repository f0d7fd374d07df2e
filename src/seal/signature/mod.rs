//! What is said about a sealed run afterwards, in `signatures/` beside its manifests: for each seat a
//! statement with its SSH signature, perhaps an attestation for machines, perhaps timestamps. This
//! room makes, keeps and reads these files and asks `ssh-keygen` and `openssl` about them; whether
//! one of them counts is decided in `verify` and `judge`. It never changes the bag itself.

mod dsse;
mod key;
mod keygen;
mod timestamp;

pub use dsse::{Envelope, PAYLOAD_TYPE, attest, open, pae};
pub use key::Ed25519Signer;
pub use keygen::{NAMESPACE, Refusal, check, principals, public_key, sign, verify};
pub use timestamp::{Token, query, token, verify_token};

use std::path::{Path, PathBuf};

use crate::base::canonical;
use crate::base::files;
use crate::base::text::visible;
use crate::model::closing::{ANSWERS_KIND, STATEMENT_KIND, SeatStatement};

use super::layout::{ATTESTATION_END, SIGNATURE_END, SIGNATURES, STATEMENT_END, TIMESTAMP_END};
use super::read::folder;

/// Bytes of a signature, statement, attestation or token; real ones have a few thousand.
pub const SIGNATURE_LIMIT: u64 = 1 << 20;

/// Why something could not be signed or kept.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// The key is of no use here.
    #[error("{key}: {why}")]
    Key {
        /// The key's file.
        key: PathBuf,
        /// What is wrong and what to do.
        why: String,
    },
    /// A program of others failed.
    #[error("{program}: {why}")]
    Program {
        /// Its name.
        program: &'static str,
        /// What it said, or why it did not run.
        why: String,
    },
    /// The seat signed already.
    #[error("{file}: is there already; look at it with `evidence verify`, then replace it with --replace")]
    There {
        /// The file.
        file: PathBuf,
    },
    /// What was read is not what it should be.
    #[error("{what}: {why}")]
    Invalid {
        /// The file.
        what: String,
        /// What is wrong with it.
        why: String,
    },
    /// The run's folder cannot be read.
    #[error(transparent)]
    Read(#[from] super::read::ReadError),
    /// The system refused to write.
    #[error(transparent)]
    Write(#[from] files::WriteError),
}

/// The bytes that a seat signs: canonical JSON and a line feed.
///
/// # Errors
/// Never, as long as the statement is text.
pub fn statement_bytes(statement: &SeatStatement) -> Result<Vec<u8>, canonical::CanonicalError> {
    let mut bytes = canonical::to_vec(statement)?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// The statement that `bytes` are; they must be written in its one way.
///
/// # Errors
/// What is wrong, without the content.
pub fn read_statement(bytes: &[u8]) -> Result<SeatStatement, &'static str> {
    let statement: SeatStatement = serde_json::from_slice(bytes).map_err(|_| "is no statement of a seat")?;
    if statement.kind != if statement.answers.is_empty() { STATEMENT_KIND } else { ANSWERS_KIND } {
        return Err("is a statement of another kind");
    }
    match statement_bytes(&statement) {
        Ok(again) if again == bytes => Ok(statement),
        _ => Err("is not written as statements are"),
    }
}

/// Where the files of `seat` lie in the folder `run`.
#[derive(Clone, Debug)]
pub struct SeatFiles {
    /// What it signs.
    pub statement: PathBuf,
    /// The SSH signature over it.
    pub signature: PathBuf,
    /// The attestation for machines.
    pub attestation: PathBuf,
}

impl SeatFiles {
    /// The files of `seat`, there or not.
    #[must_use]
    pub fn of(run: &Path, seat: &str) -> Self {
        let place = |end: &str| run.join(SIGNATURES).join(format!("{seat}{end}"));
        Self { statement: place(STATEMENT_END), signature: place(SIGNATURE_END), attestation: place(ATTESTATION_END) }
    }
}

/// Where the token over `file` lies: `file` is the tag manifest or a signature of the run.
#[must_use]
pub fn token_path(run: &Path, file: &Path) -> PathBuf {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    run.join(SIGNATURES).join(format!("{name}{TIMESTAMP_END}"))
}

/// Keeps files beside the run, in this order, each whole or not at all.
///
/// # Errors
/// When one is there already and may not be replaced, or the system refuses.
pub fn keep(run: &Path, content: &[(&Path, &[u8])], replace: bool) -> Result<(), SignError> {
    folder(run)?;
    let place = run.join(SIGNATURES);
    files::make_folder(&place)?;
    // A link would lead the files somewhere else.
    folder(&place)?;
    if let Some((file, _)) = content.iter().find(|(file, _)| !replace && files::metadata(file).is_ok()) {
        return Err(SignError::There { file: file.to_path_buf() });
    }
    for (file, bytes) in content {
        files::write(file, bytes)?;
    }
    Ok(())
}

/// Removes what is said about a signature that is being replaced: it is not about the new one.
///
/// # Errors
/// When the system refuses.
pub fn forget(run: &Path, seat: &str) -> Result<(), SignError> {
    let files = SeatFiles::of(run, seat);
    for file in [token_path(run, &files.signature), files.attestation, files.signature, files.statement] {
        files::remove(&file)?;
    }
    Ok(())
}

/// What lies in `signatures/`, by kind, sorted.
#[derive(Clone, Debug, Default)]
pub struct Beside {
    /// `*.sig`.
    pub signatures: Vec<PathBuf>,
    /// `*.dsse.json`.
    pub attestations: Vec<PathBuf>,
    /// `*.tsr`.
    pub tokens: Vec<PathBuf>,
}

impl Beside {
    /// What lies beside the run in the folder `run`; no folder is no error.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn of(run: &Path) -> Result<Self, files::ReadError> {
        let place = run.join(SIGNATURES);
        let names = match files::names(&place) {
            Err(files::ReadError::Absent { .. }) => return Ok(Self::default()),
            other => other?,
        };
        let ending = |end: &str| {
            let with = names.iter().filter(|name| name.to_string_lossy().ends_with(end));
            with.map(|name| place.join(name)).collect::<Vec<_>>()
        };
        Ok(Self {
            signatures: ending(SIGNATURE_END),
            attestations: ending(ATTESTATION_END),
            tokens: ending(TIMESTAMP_END),
        })
    }
}

/// `path` as messages name it: relative to the run's folder, safe to print.
#[must_use]
pub fn shown(path: &Path) -> String {
    format!("{SIGNATURES}/{}", visible(&path.file_name().unwrap_or_default().to_string_lossy()))
}

/// The seat that a file is named for: `verifier` of `verifier.sig` and `verifier.dsse.json`.
#[must_use]
pub fn seat_of(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let end = [ATTESTATION_END, SIGNATURE_END, STATEMENT_END].into_iter().find_map(|end| name.strip_suffix(end));
    end.unwrap_or(&name).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::closing::SeatAnswer;

    fn statement() -> SeatStatement {
        SeatStatement {
            kind: STATEMENT_KIND.to_owned(),
            case: "hb-08".to_owned(),
            run: "20260515T102350Z".to_owned(),
            seat: "verifier".to_owned(),
            principal: "dba@example.org".to_owned(),
            bundle_sha256: "a".repeat(64),
            record_sha256: "b".repeat(64),
            answers: Vec::new(),
        }
    }

    #[test]
    fn a_statement_has_one_spelling() {
        let bytes = statement_bytes(&statement()).unwrap();
        assert_eq!(read_statement(&bytes), Ok(statement()));
        let text = String::from_utf8(bytes).unwrap();
        for other in [
            text.trim_end().to_owned(),
            text.replace(":", ": "),
            text.replace("v1", "v2"),
            text.replace("}", ",\"more\":1}"),
            text.replace("\"run\":\"20260515T102350Z\",", ""),
        ] {
            assert!(read_statement(other.as_bytes()).is_err(), "{other}");
        }
    }

    #[test]
    fn a_statement_with_answers_is_of_another_kind_and_none_without_them_changes() {
        let plain = String::from_utf8(statement_bytes(&statement()).unwrap()).unwrap();
        assert!(!plain.contains("answers"));
        let answer = SeatAnswer { item: "C-1".to_owned(), holds: true, says: "done".to_owned() };
        let bytes = statement_bytes(&statement().answering(vec![answer])).unwrap();
        assert!(read_statement(&bytes).is_ok());
        let text = String::from_utf8(bytes).unwrap();
        for other in [text.replace("v2", "v1"), plain.replace("v1", "v2"), text.replace("true", "\"true\"")] {
            assert!(read_statement(other.as_bytes()).is_err(), "{other}");
        }
    }

    #[test]
    fn files_are_named_for_their_seat() {
        let files = SeatFiles::of(Path::new("/r"), "verifier");
        assert_eq!(seat_of(&files.attestation), "verifier");
        assert_eq!(seat_of(&files.signature), "verifier");
        assert_eq!(shown(&token_path(Path::new("/r"), &files.signature)), "signatures/verifier.sig.tsr");
    }

    #[test]
    fn nothing_is_replaced_or_led_away() {
        let run = tempfile::tempdir().unwrap();
        let file = run.path().join(SIGNATURES).join("a.sig");
        keep(run.path(), &[(&file, b"one")], false).unwrap();
        assert!(matches!(keep(run.path(), &[(&file, b"two")], false), Err(SignError::There { .. })));
        keep(run.path(), &[(&file, b"two")], true).unwrap();
        assert_eq!(files::read(&file, 10).unwrap(), b"two");
        let other = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(run.path().join(SIGNATURES), other.path().join(SIGNATURES)).unwrap();
        let led = other.path().join(SIGNATURES).join("b.sig");
        assert!(keep(other.path(), &[(&led, b"three")], false).is_err());
    }
}
