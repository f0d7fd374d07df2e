//! The few forms of SSH that are needed to read a key's name out of a signature: length-prefixed
//! strings, armour, public keys and their fingerprints (RFC 4251, RFC 4253, PROTOCOL.sshsig). Nothing
//! is trusted for having been read here: `ssh-keygen` itself checks signatures.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};

use super::digest::Digest;

/// Reads length-prefixed strings one after the other; anything cut off is `None`.
pub struct Wire<'a>(pub &'a [u8]);

impl<'a> Wire<'a> {
    /// The next `count` bytes.
    pub fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(head)
    }

    /// The next number of four bytes.
    pub fn number(&mut self) -> Option<u32> {
        self.take(4)?.try_into().ok().map(u32::from_be_bytes)
    }

    /// The next string.
    pub fn string(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        self.take(length)
    }
}

/// Appends `bytes` as a length-prefixed string.
pub fn put(out: &mut Vec<u8>, bytes: &[u8]) {
    // Nothing that is written here is anywhere near four gigabytes.
    out.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
    out.extend_from_slice(bytes);
}

/// A public key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    kind: String,
    blob: Vec<u8>,
}

impl PublicKey {
    /// The key in its wire form; `None` when it does not begin with its kind.
    #[must_use]
    pub fn of_blob(blob: &[u8]) -> Option<Self> {
        let kind = std::str::from_utf8(Wire(blob).string()?).ok()?;
        let plain = kind.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '@' | '_'));
        (plain && !kind.is_empty()).then(|| Self { kind: kind.to_owned(), blob: blob.to_vec() })
    }

    /// The key of a line such as `ssh-ed25519 AAAA… comment`.
    #[must_use]
    pub fn of_line(line: &str) -> Option<Self> {
        let mut words = line.split_ascii_whitespace();
        let (kind, blob) = (words.next()?, STANDARD.decode(words.next()?).ok()?);
        Self::of_blob(&blob).filter(|key| key.kind == kind)
    }

    /// An Ed25519 key by its 32 bytes.
    #[must_use]
    pub fn of_ed25519(bytes: &[u8; 32]) -> Self {
        let mut blob = Vec::new();
        put(&mut blob, ED25519.as_bytes());
        put(&mut blob, bytes);
        Self { kind: ED25519.to_owned(), blob }
    }

    /// The 32 bytes of an Ed25519 key.
    #[must_use]
    pub fn ed25519(&self) -> Option<[u8; 32]> {
        let mut wire = Wire(&self.blob);
        let kind = wire.string()?;
        let key = wire.string()?;
        (kind == ED25519.as_bytes() && wire.0.is_empty()).then(|| key.try_into().ok()).flatten()
    }

    /// Its kind, e.g. `ssh-ed25519`.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// Its wire form.
    #[must_use]
    pub fn blob(&self) -> &[u8] {
        &self.blob
    }

    /// Its name as `ssh-keygen -l` prints it: `SHA256:…`.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        format!("SHA256:{}", STANDARD_NO_PAD.encode(Digest::of(&self.blob).bytes()))
    }

    /// `ssh-ed25519 AAAA…`, without a comment.
    #[must_use]
    pub fn line(&self) -> String {
        format!("{} {}", self.kind, STANDARD.encode(&self.blob))
    }
}

/// The kind of Ed25519 keys.
pub const ED25519: &str = "ssh-ed25519";

/// What an SSH signature says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Armoured {
    /// The key that it says it was made with.
    pub key: PublicKey,
    /// The namespace that it was made in.
    pub namespace: String,
}

/// Reads an armoured SSH signature; `None` when it is none.
#[must_use]
pub fn signature(text: &[u8]) -> Option<Armoured> {
    let blob = unarmour(std::str::from_utf8(text).ok()?, "SSH SIGNATURE")?;
    let mut wire = Wire(&blob);
    if wire.take(6)? != b"SSHSIG" || wire.number()? != 1 {
        return None;
    }
    let key = PublicKey::of_blob(wire.string()?)?;
    let namespace = std::str::from_utf8(wire.string()?).ok()?.to_owned();
    Some(Armoured { key, namespace })
}

/// The bytes between `-----BEGIN WHAT-----` and its end.
#[must_use]
pub fn unarmour(text: &str, what: &str) -> Option<Vec<u8>> {
    let rest = text.trim_start().strip_prefix(&format!("-----BEGIN {what}-----"))?;
    let (body, _) = rest.split_once(&format!("-----END {what}-----"))?;
    let packed: String = body.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    STANDARD.decode(packed).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = concat!("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5", "AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f");

    #[test]
    fn a_key_has_one_name_and_one_line() {
        let bytes: [u8; 32] = std::array::from_fn(|index| u8::try_from(index).unwrap());
        let key = PublicKey::of_ed25519(&bytes);
        assert_eq!(key.line(), LINE);
        assert_eq!(PublicKey::of_line(&format!("{LINE} somebody")).as_ref(), Some(&key));
        assert_eq!(key.ed25519(), Some(bytes));
        assert!(key.fingerprint().starts_with("SHA256:") && key.fingerprint().len() == 50);
    }

    proptest::proptest! {
        #[test]
        fn whatever_stands_there_is_read_or_refused(blob in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
            for blob in [blob.clone(), [b"SSHSIG\0\0\0\x01".to_vec(), blob].concat()] {
                let text = format!("-----BEGIN SSH SIGNATURE-----\n{}\n-----END SSH SIGNATURE-----\n", STANDARD.encode(&blob));
                let _ = signature(text.as_bytes());
                let _ = PublicKey::of_blob(&blob).map(|key| (key.ed25519(), key.fingerprint()));
            }
        }
    }

    #[test]
    fn what_is_cut_or_mislabelled_is_nothing() {
        let blob = PublicKey::of_line(LINE).unwrap().blob().to_vec();
        assert!((0..blob.len()).all(|end| PublicKey::of_blob(&blob[..end]).is_none_or(|k| k.ed25519().is_none())));
        assert_eq!(PublicKey::of_line(&LINE.replacen("ssh-ed25519", "ssh-rsa", 1)), None);
        for text in ["", "hello", "-----BEGIN SSH SIGNATURE-----\nU1NIU0lH\n-----END SSH SIGNATURE-----\n"] {
            assert_eq!(signature(text.as_bytes()), None, "{text}");
        }
    }
}
