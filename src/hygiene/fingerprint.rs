//! Fingerprints of findings for baselines. They are keyed (HMAC-SHA256), so that a baseline tells
//! nobody a secret, not even one who can guess it, and they know only the rule and the secret, so
//! that they survive when lines and files move.

use std::io;

use crate::base::digest::Digest;
use crate::base::random;

use super::scanner::Hit;

/// The key of a baseline: 64 hexadecimal digits.
pub struct Key([u8; 64]);

impl Key {
    /// A new one from the kernel.
    ///
    /// # Errors
    /// When the kernel's generator cannot be read.
    pub fn new() -> io::Result<Self> {
        let digits = format!("{}{}", random::hex()?, random::hex()?);
        Self::read(&digits).ok_or_else(|| io::Error::other("no key"))
    }

    /// The key that `text` holds; `None` when it is none.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let digits = text.trim().as_bytes();
        let is_key = digits.len() == 64 && digits.iter().all(u8::is_ascii_hexdigit);
        is_key.then(|| digits.try_into().ok().map(Self)).flatten()
    }

    /// The text that [`Key::read`] reads.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{}\n", String::from_utf8_lossy(&self.0))
    }

    /// The fingerprint of `hit`.
    #[must_use]
    pub fn fingerprint(&self, hit: &Hit) -> String {
        let mut message = hit.rule.as_bytes().to_vec();
        message.push(0);
        message.extend_from_slice(hit.secret.peek());
        self.hmac(&message)
    }

    /// HMAC as RFC 2104 has it, with a key of exactly one block.
    fn hmac(&self, message: &[u8]) -> String {
        let pad = |mark: u8| self.0.iter().map(move |b| b ^ mark).collect::<Vec<u8>>();
        let inner = Digest::of(&[pad(0x36), message.to_vec()].concat());
        let inner: Vec<u8> = inner.bytes().to_vec();
        Digest::of(&[pad(0x5c), inner].concat()).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_is_that_of_the_standard_and_depends_on_the_key() {
        // Computed with Python's hmac module.
        let key = Key::read(&"0123456789abcdef".repeat(4)).unwrap();
        assert_eq!(
            key.hmac(b"what do ya want for nothing?"),
            "6c54f514609552a77307d5d6a0cb9503e347c9e91bb043432173f2a3353c8141"
        );
        assert_ne!(Key::new().unwrap().hmac(b"x"), Key::new().unwrap().hmac(b"x"));
        assert!(Key::read("short").is_none());
    }
}
