//! The example keys that publishers print in their documentation and that emulators ship: whoever
//! finds one has found no secret. Only their digests are kept, so that this file holds no key.

use crate::base::digest::Digest;

/// The first eight bytes of the SHA-256 of each, with where it is printed.
const EXAMPLES: &[(&str, &str)] = &[
    ("8be5d113c0871ce1", "one-time-password libraries"),
    ("549c9390539efcfa", "RFC 6238"),
    ("b62ad8b3465e33dc", "one-time-password libraries"),
    ("7f75367e78812551", "the JWT debugger"),
    ("da816f9f2c16e6c5", "the JWT debugger, older"),
    ("8d4ef6536dc8895f", "RFC 7519"),
    ("0011cc25eb432071", "the Azure storage emulator"),
    ("aa6547439583c3a2", "the Azure Cosmos emulator"),
    ("1a5d44a2dca19669", "AWS"),
    ("c6ea27c534f993d3", "AWS"),
    ("cb20d34a7adda2f5", "AWS"),
    ("78314b11be2e5815", "AWS"),
    ("e21b597ba6b9cafa", "AWS"),
    ("2cafc0970149a84f", "Stripe"),
    ("153a182586451358", "Stripe"),
    ("f2d6ca16515033e5", "Stripe, older"),
    ("74e11884b07b1d51", "Stripe, older"),
    ("3543c50b0cb9cea8", "GitHub"),
    ("bc3ae723f57c6b9e", "GitHub"),
    ("82e74299544e0073", "GitHub"),
    ("7e498f91828a193c", "GitHub"),
    ("cf4d418ed3de92d7", "RFC 7617"),
    ("73f71af093fdf154", "RFC 7617, older"),
    ("0e9d220616f08345", "user:pass"),
    ("bdfeaef44475711c", "user:password"),
    ("e4da07ad200089ce", "username:password"),
    ("731fa294d036e54f", "Telegram"),
    ("0b5dd075ccdd03c4", "Telegram"),
    ("511c2249afed266e", "Telegram"),
    ("de1057ad05eb7511", "the captcha test key"),
    ("9c846fdf0fa8955c", "Mailgun"),
    ("a4526cb8cdbf802f", "Mailgun"),
    ("b8e148545b13c78b", "RFC 6750"),
    ("6c96130f130ab0d6", "RFC 6749"),
    ("00cf4c781dc37003", "RFC 6749"),
    ("53f5da0aaa93d64c", "RFC 6749"),
    ("ca7459e2b26776de", "RFC 6749"),
    ("3e6099e82cea8b70", "RFC 6750, older"),
    ("e9974c507d2a8021", "RFC 6749"),
    ("2f3227eccce10b91", "Slack"),
    ("cd83ecc2b41302ed", "a row of digits"),
    ("a23d006bb020a81d", "Heroku"),
];

/// Whether `secret` is an example that its publisher prints.
pub(super) fn is_example(secret: &[u8]) -> bool {
    if !(8..=400).contains(&secret.len()) {
        return false;
    }
    let digest = Digest::of(secret).to_string();
    EXAMPLES.iter().any(|(known, _)| digest.starts_with(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_are_known_with_and_without_what_stands_before() {
        for pieces in [
            ["JBSWY3DP", "EHPK3PXP"],
            ["Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4", "I6tq/K1SZFPTOtr/KBHBeksoGMGw=="],
            ["wJalrXUtnFEMI/K7MDENG", "/bPxRfiCYEXAMPLEKEY"],
            ["sk_test_", "4eC39HqLyjWDarjtT1zdp7dc"],
        ] {
            assert!(is_example(pieces.concat().as_bytes()), "{pieces:?}");
        }
        assert!(!is_example(b"JBSWY3DPEHPK3PXQ"));
    }
}
