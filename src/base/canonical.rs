//! RFC 8785 canonical JSON: the one byte sequence of a value that anchors are computed over.

use serde::Serialize;

use super::digest::Digest;

/// Why a value has no canonical form (a number that is not finite, a map key that is no text).
#[derive(Debug, thiserror::Error)]
#[error("no canonical JSON for this value: {0}")]
pub struct CanonicalError(#[from] serde_json::Error);

/// The canonical JSON of `value`, without a final newline.
///
/// # Errors
/// When the value is not representable in JSON.
pub fn to_vec<T: Serialize>(value: &T) -> Result<Vec<u8>, CanonicalError> {
    Ok(serde_json_canonicalizer::to_vec(value)?)
}

/// The SHA-256 of the canonical JSON of `value`: its anchor.
///
/// # Errors
/// When the value is not representable in JSON.
pub fn anchor<T: Serialize>(value: &T) -> Result<Digest, CanonicalError> {
    to_vec(value).map(|bytes| Digest::of(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_sorted_and_space_is_gone() {
        let value = serde_json::json!({"b": 1, "a": [true, "é\n"]});
        assert_eq!(to_vec(&value).unwrap(), "{\"a\":[true,\"é\\n\"],\"b\":1}".as_bytes());
    }
}
