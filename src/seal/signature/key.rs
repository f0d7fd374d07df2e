//! An Ed25519 key that makes raw signatures, as attestations need them: from a file of OpenSSH or in
//! PKCS#8, or in an agent. The private part is wiped from memory when it is no longer needed, and
//! stands in no message.

use std::path::Path;

use ed25519_dalek::{Signer as _, SigningKey};
use zeroize::Zeroizing;

use crate::base::agent;
use crate::base::files;
use crate::base::ssh::{ED25519, PublicKey, Wire, unarmour};

use super::SignError;

/// A key file has a few thousand bytes at most.
const LIMIT: u64 = 64 << 10;
/// What stands before the 32 secret bytes in PKCS#8: versions 1 and 2 (RFC 8410).
const PKCS8: [&[u8]; 2] = [
    &[0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20],
    &[0x30, 0x51, 0x02, 0x01, 0x01, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20],
];

/// A key that can sign.
pub struct Ed25519Signer {
    public: PublicKey,
    private: Option<SigningKey>,
}

impl Ed25519Signer {
    /// The key in the file `path`: a private key without a passphrase, or a public one whose
    /// private part lies in an agent.
    ///
    /// # Errors
    /// When it cannot be read, is locked, or is of another kind.
    pub fn read(path: &Path) -> Result<Self, SignError> {
        let wrong = |why: &str| SignError::Key { key: path.to_owned(), why: why.to_owned() };
        let text = files::read_system_text(path, LIMIT).map_err(|e| wrong(&e.to_string()))?;
        let text = Zeroizing::new(text);
        if let Some(public) = PublicKey::of_line(&text) {
            let fits = public.ed25519().is_some();
            return fits.then_some(Self { public, private: None }).ok_or_else(|| wrong(OTHER_KIND));
        }
        let seed = if let Some(blob) = unarmour(&text, "OPENSSH PRIVATE KEY") {
            openssh(&Zeroizing::new(blob)).map_err(wrong)?
        } else if let Some(der) = unarmour(&text, "PRIVATE KEY") {
            pkcs8(&Zeroizing::new(der)).ok_or_else(|| wrong(OTHER_KIND))?
        } else {
            return Err(wrong("is neither an OpenSSH nor a PKCS#8 key without a passphrase"));
        };
        let private = SigningKey::from_bytes(&seed);
        let public = PublicKey::of_ed25519(private.verifying_key().as_bytes());
        Ok(Self { public, private: Some(private) })
    }

    /// The public part.
    #[must_use]
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The raw signature of `message`, 64 bytes.
    ///
    /// # Errors
    /// When the key lies in an agent and that gives none.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        match &self.private {
            Some(key) => Ok(key.sign(message).to_bytes().to_vec()),
            None => agent::sign(&self.public, message)
                .map_err(|error| SignError::Program { program: "ssh-agent", why: error.to_string() }),
        }
    }
}

const OTHER_KIND: &str = "attestations are signed with Ed25519; make such a key with `ssh-keygen -t ed25519`";
const LOCKED: &str =
    "is locked by a passphrase: add it to an agent (`ssh-add KEY`) and name its public part (`--key KEY.pub`)";
const DAMAGED: &str = "is no whole OpenSSH key";

/// The secret bytes of an OpenSSH key (PROTOCOL.key).
fn openssh(blob: &[u8]) -> Result<Zeroizing<[u8; 32]>, &'static str> {
    let mut wire = Wire(blob);
    if wire.take(15) != Some(b"openssh-key-v1\0") {
        return Err(DAMAGED);
    }
    let cipher = wire.string().ok_or(DAMAGED)?;
    if cipher != b"none" {
        return Err(LOCKED);
    }
    let inner = (|| {
        wire.string()?;
        wire.string()?;
        (wire.number()? == 1).then_some(())?;
        wire.string()?;
        wire.string()
    })();
    let mut inner = Wire(inner.ok_or(DAMAGED)?);
    let same = inner.number().zip(inner.number()).is_some_and(|(one, other)| one == other);
    let kind = inner.string().filter(|_| same).ok_or(DAMAGED)?;
    if kind != ED25519.as_bytes() {
        return Err(OTHER_KIND);
    }
    let (public, both) = inner.string().zip(inner.string()).ok_or(DAMAGED)?;
    let (seed, again) = both.split_at_checked(32).filter(|(_, again)| *again == public).ok_or(DAMAGED)?;
    debug_assert_eq!(again.len(), public.len());
    Ok(Zeroizing::new(seed.try_into().map_err(|_| DAMAGED)?))
}

/// The secret bytes of an Ed25519 key in PKCS#8.
fn pkcs8(der: &[u8]) -> Option<Zeroizing<[u8; 32]>> {
    let rest = PKCS8.iter().find_map(|head| der.strip_prefix(*head))?;
    Some(Zeroizing::new(rest.get(..32)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::child::Invocation;

    fn made(program: &str, args: &[&str]) -> bool {
        Invocation::new(program).args(args).run().is_ok_and(|outcome| outcome.success())
    }

    fn why(path: &Path) -> String {
        Ed25519Signer::read(path).err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn only_open_ed25519_keys_sign() {
        let folder = tempfile::tempdir().unwrap();
        let key = |name: &str, kind: &[&str], passphrase: &str| {
            let path = folder.path().join(name);
            let args = [kind, &["-q", "-N", passphrase, "-f", path.to_str().unwrap()]].concat();
            made("ssh-keygen", &args).then_some(path)
        };
        let Some(open) = key("open", &["-t", "ed25519"], "") else { return };
        let signer = Ed25519Signer::read(&open).unwrap();
        let public = Ed25519Signer::read(&open.with_extension("pub")).unwrap();
        assert_eq!(signer.public(), public.public());
        assert_eq!(signer.sign(b"x").unwrap().len(), 64);
        let locked = key("locked", &["-t", "ed25519"], "for a test").unwrap();
        assert!(why(&locked).contains("locked by a passphrase"), "{}", why(&locked));
        let other = key("other", &["-t", "ecdsa"], "").unwrap();
        assert!(why(&other).contains("Ed25519"), "{}", why(&other));
        assert!(why(&other.with_extension("pub")).contains("Ed25519"));
        assert!(why(&folder.path().join("none")).contains("none"));
        // Cut anywhere it is no key, and never a panic.
        let text = files::read_system_text(&open, LIMIT).unwrap();
        let blob = unarmour(&text, "OPENSSH PRIVATE KEY").unwrap();
        let seed = openssh(&blob).unwrap();
        assert!(
            (0..blob.len())
                .all(|end| openssh(&blob[..end]).is_ok_and(|cut| cut == seed) || openssh(&blob[..end]).is_err())
        );
    }

    #[test]
    fn a_key_of_openssl_signs_too() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.pem");
        if made("openssl", &["genpkey", "-algorithm", "ed25519", "-out", path.to_str().unwrap()]) {
            assert_eq!(Ed25519Signer::read(&path).unwrap().sign(b"x").unwrap().len(), 64);
        }
        let other = folder.path().join("rsa.pem");
        if made("openssl", &["genpkey", "-algorithm", "rsa", "-out", other.to_str().unwrap()]) {
            assert!(why(&other).contains("Ed25519"), "{}", why(&other));
        }
        for der in [&PKCS8[0][..10], PKCS8[0], b"hello"] {
            assert!(pkcs8(der).is_none());
        }
    }
}
