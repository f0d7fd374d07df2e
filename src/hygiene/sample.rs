//! Secrets for examples, made when they are needed so that no scanner fires on the rules themselves.

/// A text with its `{{kind:length}}` filled in, and what was filled in; `None` when a placeholder
/// is not known.
pub(super) fn expand(example: &str, seed: u64) -> Option<(String, Vec<String>)> {
    let (mut out, mut secrets, mut rest) = (String::new(), Vec::new(), example);
    let mut seed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    while let Some((before, tail)) = rest.split_once("{{") {
        let (spec, after) = tail.split_once("}}")?;
        out.push_str(before);
        match spec.split_once(':') {
            Some((kind, length)) => {
                let piece = random(kind, length.parse().ok()?, &mut seed)?;
                out.push_str(&piece);
                secrets.push(piece);
            }
            None => out.push_str(fixed(spec)?),
        }
        rest = after;
    }
    out.push_str(rest);
    Some((out, secrets))
}

/// The seed of a rule's example.
pub(super) fn seed_of(id: &str, index: usize) -> u64 {
    id.bytes().fold(index as u64 + 7, |seed, b| seed.wrapping_mul(131) + u64::from(b))
}

fn fixed(name: &str) -> Option<&'static str> {
    Some(match name {
        "lf" => "\n",
        "escaped-lf" => "\\n",
        "open" => "{{",
        "" => "",
        _ => return None,
    })
}

/// `length` characters of `kind`; `None` when there is no such kind.
pub(super) fn random(kind: &str, length: usize, seed: &mut u64) -> Option<String> {
    if kind == "github" {
        return Some(super::check::with_base62_crc(&random("alnum", length.checked_sub(6)?, seed)?));
    }
    if kind == "macaroon" {
        // `0015location x.ample\n` in base64, and noise.
        return Some(format!("MDAxNWxvY2F0aW9uIHguYW1wbGUK{}", random("alnum", length.checked_sub(28)?, seed)?));
    }
    let alphabet: &[u8] = match kind {
        "hex" => b"0123456789abcdef",
        "digits" => b"1234567890",
        "upper" => b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
        "lower" => b"abcdefghijklmnopqrstuvwxyz0123456789",
        "bech" => b"QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L",
        "b64" => b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
        "words" => b"abcdefghijklmnopqrstuvwxyz abcdefghijk",
        "punct" => b"abcXYZ123!%^*_+=?-.~|/",
        "alnum" => b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
        "wif" => b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz",
        "nostr" => b"023456789acdefghjklmnpqrstuvwxyz",
        "up" => b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
        _ => return None,
    };
    let mut next = || {
        *seed ^= *seed << 13;
        *seed ^= *seed >> 7;
        *seed ^= *seed << 17;
        (*seed >> 33) as usize
    };
    let text: String = (0..length).map(|_| char::from(alphabet[next() % alphabet.len()])).collect();
    Some(match kind {
        "words" => format!("q{}z", text[1..length - 1].replace("  ", " x")),
        // No address has a password that begins with a slash: its path would begin there.
        "punct" if text.starts_with('/') => text.replacen('/', "+", 1),
        _ => text,
    })
}
