//! Attestations for machines: an in-toto Statement in a DSSE envelope, with a raw Ed25519 signature
//! over the pre-authentication encoding, so that `securesystemslib`, `cosign` and others verify it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, VerifyingKey};
use serde::{Deserialize, Serialize};

use crate::base::ssh::PublicKey;

use super::SignError;
use super::key::Ed25519Signer;

/// What the payload is.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

/// The envelope as it stands in the file.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Envelope {
    /// Base64 of the Statement.
    pub payload: String,
    /// [`PAYLOAD_TYPE`].
    pub payload_type: String,
    /// Exactly one here.
    pub signatures: Vec<EnvelopeSignature>,
}

/// A signature in an envelope.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnvelopeSignature {
    /// The key's fingerprint, as `ssh-keygen -l` prints it.
    pub keyid: String,
    /// Base64 of the 64 bytes.
    pub sig: String,
}

/// The bytes that are signed: type and body with their lengths, so that neither can pass for the
/// other.
#[must_use]
pub fn pae(payload_type: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), body.len()).into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

/// `body` in an envelope signed by `signer`.
///
/// # Errors
/// When the key lies in an agent that gives no signature.
pub fn attest(body: &[u8], signer: &Ed25519Signer) -> Result<Envelope, SignError> {
    let sig = STANDARD.encode(signer.sign(&pae(PAYLOAD_TYPE, body))?);
    Ok(Envelope {
        payload: STANDARD.encode(body),
        payload_type: PAYLOAD_TYPE.to_owned(),
        signatures: vec![EnvelopeSignature { keyid: signer.public().fingerprint(), sig }],
    })
}

/// The body of the envelope in `bytes`, when `key` signed it.
///
/// # Errors
/// What is wrong, without the content.
pub fn open(bytes: &[u8], key: &PublicKey) -> Result<Vec<u8>, String> {
    let envelope: Envelope = serde_json::from_slice(bytes).map_err(|_| "is no DSSE envelope")?;
    if envelope.payload_type != PAYLOAD_TYPE {
        return Err(format!("its payload is not {PAYLOAD_TYPE}"));
    }
    let [signature] = &envelope.signatures[..] else { return Err("has not exactly one signature".to_owned()) };
    if signature.keyid != key.fingerprint() {
        return Err("names another key than the one that signed the seat's statement".to_owned());
    }
    let raw = key.ed25519().and_then(|raw| VerifyingKey::from_bytes(&raw).ok());
    let raw = raw.ok_or("the seat's statement is signed with a key of another kind than Ed25519")?;
    let sig = STANDARD.decode(&signature.sig).ok().and_then(|sig| Signature::from_slice(&sig).ok());
    let sig = sig.ok_or("its signature is none of Ed25519")?;
    let body = STANDARD.decode(&envelope.payload).map_err(|_| "its payload is not base64")?;
    let fits = raw.verify_strict(&pae(&envelope.payload_type, &body), &sig).is_ok();
    if fits { Ok(body) } else { Err("its signature does not fit: it was edited after signing".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_encoding_is_the_one_of_the_specification() {
        assert_eq!(
            pae("http://example.com/HelloWorld", b"hello world"),
            b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
        );
    }
}
