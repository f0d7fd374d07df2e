//! What can be proved about a secret without asking anybody: checksums inside tokens, structure
//! that decodes. A proof raises the confidence, a disproof drops or lowers it; nothing is guessed.

use serde::Deserialize;

use super::keys::Kind;
use super::rule::Confidence;
use super::weigh::{Stands, assigned, entropy};
use super::word::reads_as_words;

/// A proof that a rule asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Check {
    /// The last six characters are the CRC32 of the thirty before them, in base 62 (GitHub, npm).
    Base62Crc32,
    /// The first part decodes to a JSON object with `alg`.
    Jwt,
    /// The characters after the prefix decode in base 32 to an account number.
    AwsAccount,
    /// Letters and digits are both there: no word and no number.
    Mixed,
    /// A UUID.
    Uuid,
    /// Chosen by a person: what describes or names is doubtful.
    Password,
    /// The password of an address: plain words at an example's host are doubtful too.
    Address,
    /// Made by a machine: letters and digits mixed, or letters that read as no words.
    Random,
    /// The same, where words are doubtful and no disproof.
    Made,
    /// Chosen by a person or made by a machine, told in a sentence: no word, name, path or number.
    Chosen,
    /// What a header carries: at least one piece of it was made by a machine, or is no word.
    Header,
    /// At least one value of a cookie was made by a machine.
    Cookie,
    /// A macaroon: its packets decode.
    Macaroon,
}

impl Check {
    /// The confidence after the check, `None` when it is disproved. `whole` is the match, `secret`
    /// the part of it that is masked.
    pub fn weigh(self, whole: &[u8], secret: &[u8], before: Confidence) -> Option<Confidence> {
        match self {
            Self::Base62Crc32 => {
                // The checksum is over what follows the prefix: `ghp_`, `npm_`.
                let body = &secret[memchr::memrchr(b'_', secret).map_or(0, |i| i + 1)..];
                Some(if base62_crc_holds(body) { Confidence::High } else { Confidence::Medium })
            }
            Self::Jwt => jwt_header(whole).then_some(if is_documented(whole) { Confidence::Low } else { before }),
            Self::AwsAccount => {
                aws_key(secret).then_some(if holds_account(secret) { before } else { before.min(Confidence::Medium) })
            }
            Self::Mixed => {
                let mixed = secret.iter().any(u8::is_ascii_digit) && secret.iter().any(u8::is_ascii_alphabetic);
                (mixed && entropy(secret) > 2.3).then_some(before)
            }
            Self::Password => {
                let weighed = assigned(Kind::Password, secret, Stands::Alone);
                Some(if weighed == Confidence::Low { weighed } else { before })
            }
            Self::Address => {
                let stands = if at_example(whole) { Stands::Quoted } else { Stands::Alone };
                let weighed = assigned(Kind::Password, secret, stands);
                Some(if weighed == Confidence::Low { weighed } else { before })
            }
            Self::Random => is_random(secret).then_some(before),
            Self::Made => Some(if is_random(secret) { before } else { Confidence::Low }),
            Self::Chosen => super::prose::is_chosen(secret).then_some(before),
            Self::Header => {
                let mut pieces = secret.split(|b| b" \t,=\"'".contains(b)).filter(|piece| piece.len() >= 4);
                let weighed = assigned(Kind::Token, secret, Stands::Quoted);
                let carries = !secret.contains(&b'(') && (weighed > Confidence::Low || pieces.any(is_random));
                Some(if carries { before } else { Confidence::Low })
            }
            Self::Cookie => {
                let values = secret.split(|b| *b == b';').filter_map(|pair| {
                    let at = memchr::memchr(b'=', pair)?;
                    Some(pair[at + 1..].trim_ascii())
                });
                let is_session = |value: &[u8]| value.len() >= 16 && is_random(value);
                Some(if values.into_iter().any(is_session) { before } else { Confidence::Low })
            }
            Self::Macaroon => macaroon(secret).then_some(before),
            Self::Uuid => is_uuid(secret).then_some(before),
        }
    }
}

/// Whether the address `scheme://user:password@host` is one of documentation.
fn at_example(address: &[u8]) -> bool {
    let host = &address[memchr::memrchr(b'@', address).map_or(0, |i| i + 1)..];
    let host = String::from_utf8_lossy(host).to_ascii_lowercase();
    let is_reserved = [".example", ".test", ".invalid", "example.com", "example.org", "example.net"];
    ["host", "localhost", "hostname", "server", "127.0.0.1", "db", "domain.com", "domain.tld", "site.com"]
        .contains(&host.trim_end_matches('.'))
        || is_reserved.iter().any(|end| host.ends_with(end))
}

/// Letters and digits mixed with some spread, or letters that read as no words.
fn is_random(secret: &[u8]) -> bool {
    if is_uuid(secret) {
        return true;
    }
    let (digits, letters) = (count(secret, u8::is_ascii_digit), count(secret, u8::is_ascii_alphabetic));
    let parts = secret.split(|b| !b.is_ascii_alphabetic()).filter(|part| part.len() >= 4);
    let is_noise = parts.into_iter().any(|part| !reads_as_words(part));
    let classes = [u8::is_ascii_lowercase, u8::is_ascii_uppercase, u8::is_ascii_digit]
        .iter()
        .filter(|class| secret.iter().any(class))
        .count();
    let turns = secret.windows(2).filter(|w| w[0].is_ascii_digit() != w[1].is_ascii_digit()).count();
    is_noise || digits > 0 && letters > 0 && (turns >= 3 || classes == 3) && entropy(secret) > 2.3
}

/// Whether `value` of at least `shortest` bytes was made by a machine and is no digest, number or path.
pub(super) fn is_made(value: &[u8], shortest: usize) -> bool {
    let is_digest = value.len() >= 32 && value.iter().all(u8::is_ascii_hexdigit);
    let has_both = value.iter().any(u8::is_ascii_digit) && value.iter().any(u8::is_ascii_alphabetic);
    value.len() >= shortest
        && has_both
        && is_random(value)
        && !is_digest
        && !is_uuid(value)
        && !value.starts_with(b"-")
        && !value.iter().any(|b| b"/\\()[]{}<>:;,\"'`=_|".contains(b))
}

fn count(text: &[u8], class: fn(&u8) -> bool) -> usize {
    text.iter().filter(|b| class(b)).count()
}

/// Whether base64url of a macaroon: version 2, or version 1's packets, which begin with their length
/// in four hexadecimal digits.
fn macaroon(token: &[u8]) -> bool {
    let token = token.strip_prefix(b"pypi-").unwrap_or(token);
    let Some(decoded) = base64(token) else { return false };
    let length =
        decoded.get(..4).and_then(|d| std::str::from_utf8(d).ok()).and_then(|d| usize::from_str_radix(d, 16).ok());
    let has_packet = length.is_some_and(|n| n >= 6 && decoded.get(n - 1) == Some(&b'\n'));
    decoded.len() >= 20 && (decoded[0] == 2 && matches!(decoded[1], 1 | 2) || has_packet)
}

/// Eight, four, four, four and twelve hexadecimal digits.
pub(super) fn is_uuid(text: &[u8]) -> bool {
    text.len() == 36
        && text
            .iter()
            .enumerate()
            .all(|(i, b)| if matches!(i, 8 | 13 | 18 | 23) { *b == b'-' } else { b.is_ascii_hexdigit() })
}

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// `body` with its checksum behind it.
pub(super) fn with_base62_crc(body: &str) -> String {
    let mut value = crc32(body.as_bytes());
    let mut digits = [b'0'; 6];
    for digit in digits.iter_mut().rev() {
        *digit = BASE62[(value % 62) as usize];
        value /= 62;
    }
    let digits: String = digits.iter().map(|b| char::from(*b)).collect();
    format!("{body}{digits}")
}

fn base62_crc_holds(secret: &[u8]) -> bool {
    let Some(body) = secret.len().checked_sub(6).and_then(|n| std::str::from_utf8(&secret[..n]).ok()) else {
        return false;
    };
    with_base62_crc(body).as_bytes() == secret
}

fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}

/// Whether the part before the first dot is base64url of a JSON object that names an algorithm.
fn jwt_header(token: &[u8]) -> bool {
    let start = memchr::memmem::find(token, b"eyJ").unwrap_or(0);
    let head: Vec<u8> = token[start..].iter().copied().take_while(|b| *b != b'.').collect();
    let Some(decoded) = base64(&head) else { return false };
    let text = String::from_utf8_lossy(&decoded);
    text.starts_with('{') && ["\"alg\"", "\"typ\"", "\"kid\"", "\"enc\""].iter().any(|name| text.contains(name))
}

/// Whether a token's claims are those of documentation: John Doe with the number 1234567890.
fn is_documented(token: &[u8]) -> bool {
    let start = memchr::memmem::find(token, b"eyJ").unwrap_or(0);
    let Some(decoded) = token[start..].split(|b| *b == b'.').nth(1).and_then(base64) else { return false };
    ["John Doe", "\"1234567890\"", "\"some\":\"payload\"", "\"hello\":\"world\"", "\"foo\":\"bar\""]
        .iter()
        .any(|claim| memchr::memmem::find(&decoded, claim.as_bytes()).is_some())
}

/// Whether the account number within an access key has twelve digits or fewer. Keys of before 2019,
/// whose fifth letter is `I` or `J`, hold none and pass.
fn holds_account(secret: &[u8]) -> bool {
    let digit = |b: &u8| match b {
        b'A'..=b'Z' => u64::from(b - b'A'),
        digit => u64::from(digit.saturating_sub(b'2')) + 26,
    };
    let body = secret.get(4..14).unwrap_or_default();
    // Ten digits are fifty bits: one bit of mark, forty of the account, nine of the rest.
    let bits = body.iter().fold(0_u64, |bits, b| bits << 5 | digit(b));
    matches!(body.first(), Some(b'I' | b'J')) || (bits >> 9 & 0xff_ffff_ffff) <= 999_999_999_999
}

/// Whether base 32 digits follow the four letters of an access key, and are no word.
fn aws_key(secret: &[u8]) -> bool {
    let body = &secret[secret.len().min(4)..];
    body.iter().all(|b| b.is_ascii_uppercase() || (b'2'..=b'7').contains(b)) && entropy(body) > 2.3
}

/// The six bits of each digit of base64 of either alphabet; of anything else a number that is none.
const SIX_BITS: [u8; 256] = {
    let mut table = [u8::MAX; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = match byte as u8 {
            upper @ b'A'..=b'Z' => upper - b'A',
            lower @ b'a'..=b'z' => lower - b'a' + 26,
            digit @ b'0'..=b'9' => digit - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => u8::MAX,
        };
        byte += 1;
    }
    table
};

/// The six bits of a digit of base64 of either alphabet.
pub(super) fn base64_value(byte: u8) -> Option<u32> {
    let bits = SIX_BITS[usize::from(byte)];
    (bits < 64).then_some(u32::from(bits))
}

/// Decodes base64 of either alphabet, with or without padding; `None` when it is none.
pub(super) fn base64(text: &[u8]) -> Option<Vec<u8>> {
    let kept = text.len() - text.iter().rev().take_while(|b| **b == b'=').count();
    let mut out = Vec::with_capacity(kept / 4 * 3 + 3);
    let (mut bits, mut held) = (0_u32, 0_u32);
    for byte in &text[..kept] {
        if matches!(byte, b'\r' | b'\n') {
            continue;
        }
        let value = base64_value(*byte)?;
        bits = bits << 6 | value;
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push((bits >> held) as u8);
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checksum_raises_and_never_drops() {
        let good = with_base62_crc("abcdefghijABCDEFGHIJ0123456789");
        assert_eq!(Check::Base62Crc32.weigh(b"", good.as_bytes(), Confidence::Medium), Some(Confidence::High));
        let bad = format!("{}0", &good[..good.len() - 1]);
        assert_ne!(bad, good);
        assert_eq!(Check::Base62Crc32.weigh(b"", bad.as_bytes(), Confidence::Medium), Some(Confidence::Medium));
    }

    #[test]
    fn an_access_key_holds_an_account_number() {
        // A key that an explanation of the format prints: account 609629065308.
        assert!(holds_account(concat!("ASIAY34FZK", "BOKMUTVV7A").as_bytes()));
        assert!(holds_account(concat!("AKIAI44QH8", "DHBEXAMPLE").as_bytes()));
        let none = concat!("AKIA7777", "77777777AAAA");
        assert!(!holds_account(none.as_bytes()));
        let key = concat!("AKIA7Q2X", "Z5MN4KPW3TRS");
        assert!(Check::AwsAccount.weigh(b"", key.as_bytes(), Confidence::High).is_some());
    }

    #[test]
    fn a_macaroon_decodes_to_its_packets() {
        // `0015location x.ample\n`; version 2 begins with the bytes 2 and 1.
        assert!(macaroon(b"MDAxNWxvY2F0aW9uIHguYW1wbGUKMDAx"));
        assert!(!macaroon(b"MDAxNQ") && !macaroon(b"MDAxNGxvY2F0aW9uIHguYW1wbGUKMDAx"));
        assert!(macaroon(b"AgEIcHlwaS5vcmcCJGZha2VmYWtlZmFrZWZha2VmYWtl"));
        assert!(!macaroon(b"QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo"));
    }

    #[test]
    fn the_claims_of_documentation_are_known() {
        // {"sub":"1234567890","name":"John Doe"}
        let claims = "eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIn0";
        let token = format!("eyJhbGciOiJub25lIn0.{claims}.x");
        assert_eq!(Check::Jwt.weigh(token.as_bytes(), b"", Confidence::High), Some(Confidence::Low));
    }

    #[test]
    fn what_a_machine_made_differs_from_words() {
        for value in ["a1b2c3d4e5", "do6tCUfozK", "xkqzvbnwpt", "Zk3vQ9tLmX2p"] {
            assert!(is_random(value.as_bytes()), "{value}");
        }
        for value in ["healthcheck", "subscribe", "version2", "sha256-hashed"] {
            assert!(!is_random(value.as_bytes()), "{value}");
        }
        assert!(Check::Cookie.weigh(b"", b"theme=dark; lang=en", Confidence::High) == Some(Confidence::Low));
        assert!(Check::Cookie.weigh(b"", b"a=b; sid=q7Wz4kP9xB2mV6tR", Confidence::High) == Some(Confidence::High));
    }

    #[test]
    fn a_token_whose_header_is_no_json_is_none() {
        let head = "eyJhbGciOiJub25lIn0";
        assert_eq!(base64(head.as_bytes()).unwrap(), br#"{"alg":"none"}"#);
        assert!(Check::Jwt.weigh(format!("{head}.eyJ.x").as_bytes(), b"", Confidence::High).is_some());
        assert!(Check::Jwt.weigh(b"eyJQQQQQQQQ.eyJ.x", b"", Confidence::High).is_none());
    }
}
