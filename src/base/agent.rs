//! Asks a running `ssh-agent` for a raw signature. `ssh-keygen` can make none from a key that lies in
//! an agent, and other people's readers of attestations know only raw ones. The private key stays
//! where it is; nothing but the question leaves us.

use std::io::{self, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use super::env;
use super::ssh::{PublicKey, Wire, put};

/// Asks for a signature, and what an agent answers with one.
const SIGN_REQUEST: u8 = 13;
const SIGN_RESPONSE: u8 = 14;
/// A key that asks a person to confirm may take a while.
const PATIENCE: Duration = Duration::from_secs(120);
/// No signature is larger.
const LIMIT: u32 = 64 << 10;

/// Why an agent gave no signature.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// None runs for us.
    #[error("no agent: SSH_AUTH_SOCK is not set; start one with `ssh-agent` and add the key with `ssh-add`")]
    None,
    /// It could not be asked.
    #[error("the agent could not be asked: {0}")]
    Io(#[from] io::Error),
    /// It does not have the key, or its owner said no.
    #[error("the agent refused: it does not hold the key {0}, or was told not to use it")]
    Refused(String),
}

/// The raw signature of `message` by the agent's key `key`.
///
/// # Errors
/// When there is no agent, it cannot be asked, or it refuses.
pub fn sign(key: &PublicKey, message: &[u8]) -> Result<Vec<u8>, AgentError> {
    let socket = env::var("SSH_AUTH_SOCK").filter(|path| !path.is_empty()).ok_or(AgentError::None)?;
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut question = vec![SIGN_REQUEST];
    put(&mut question, key.blob());
    put(&mut question, message);
    question.extend_from_slice(&0_u32.to_be_bytes());
    let mut packet = Vec::new();
    put(&mut packet, &question);
    stream.write_all(&packet)?;
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let length = u32::from_be_bytes(length);
    if length > LIMIT {
        return Err(io::Error::other("its answer is no signature").into());
    }
    let mut answer = vec![0; length as usize];
    stream.read_exact(&mut answer)?;
    unpack(&answer).ok_or_else(|| AgentError::Refused(key.fingerprint()))
}

/// The signature in an answer.
fn unpack(answer: &[u8]) -> Option<Vec<u8>> {
    let mut wire = Wire(answer);
    (wire.take(1)? == [SIGN_RESPONSE]).then_some(())?;
    let mut signature = Wire(wire.string()?);
    signature.string()?;
    signature.string().map(<[u8]>::to_vec)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_a_signature_or_a_refusal() {
        let mut inner = Vec::new();
        put(&mut inner, b"ssh-ed25519");
        put(&mut inner, &[7; 64]);
        let mut answer = vec![SIGN_RESPONSE];
        put(&mut answer, &inner);
        assert_eq!(unpack(&answer), Some(vec![7; 64]));
        assert_eq!(unpack(&[5]), None);
        assert!((0..answer.len()).all(|end| unpack(&answer[..end]).is_none()));
    }
}
