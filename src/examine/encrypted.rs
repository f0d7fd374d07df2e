//! Encrypted files by their first bytes: OpenSSL, OpenPGP, age, Ansible Vault, S/MIME, LUKS.

const MAGICS: &[&[u8]] = &[
    b"Salted__",
    b"U2FsdGVkX1", // the same in Base64, as `openssl enc -a` writes it
    b"age-encryption.org/",
    b"-----BEGIN AGE ENCRYPTED",
    b"-----BEGIN PGP MESSAGE",
    b"-----BEGIN PKCS7",
    b"-----BEGIN CMS",
    b"$ANSIBLE_VAULT;",
    b"LUKS\xba\xbe",
];

/// Whether a stream that begins like this is encrypted.
pub(super) fn is_encrypted(head: &[u8]) -> bool {
    MAGICS.iter().any(|magic| head.starts_with(magic)) || is_openpgp(head)
}

/// Tags of OpenPGP packets that begin an encrypted message.
const SESSION_KEY_FOR_A_KEY: u8 = 1;
const SESSION_KEY_FOR_A_PASSPHRASE: u8 = 3;

/// Binary OpenPGP: the first packet has a session key, and its fields agree with each other.
fn is_openpgp(head: &[u8]) -> bool {
    let Some((tag, length, body)) = packet(head) else { return false };
    match (tag, body) {
        // A key for a passphrase: version, cipher, form of the passphrase, digest.
        (SESSION_KEY_FOR_A_PASSPHRASE, [4, cipher, s2k, digest, ..]) => {
            (1..=13).contains(cipher)
                && matches!((s2k, length), (0, 4..) | (1, 12..) | (3, 13..))
                && (1..=14).contains(digest)
                && length <= 100
                && next_is_a_packet(body, length)
        }
        (SESSION_KEY_FOR_A_PASSPHRASE, [5 | 6, ..]) => (20..=200).contains(&length) && next_is_a_packet(body, length),
        // A key for a public key: version, number of the key, algorithm.
        (SESSION_KEY_FOR_A_KEY, [3, _, _, _, _, _, _, _, _, algorithm, ..]) => {
            matches!(algorithm, 1 | 2 | 16 | 18 | 20 | 25..=36)
                && (40..=4200).contains(&length)
                && next_is_a_packet(body, length)
        }
        (SESSION_KEY_FOR_A_KEY, [6, ..]) => (40..=4200).contains(&length) && next_is_a_packet(body, length),
        _ => false,
    }
}

/// Tag, length and body of the packet that begins here.
fn packet(head: &[u8]) -> Option<(u8, usize, &[u8])> {
    let (&first, rest) = head.split_first()?;
    match (first & 0xc0, first & 3, rest) {
        (0x80, 0, [length, body @ ..]) => Some(((first >> 2) & 15, usize::from(*length), body)),
        (0x80, 1, [high, low, body @ ..]) => {
            Some(((first >> 2) & 15, usize::from(u16::from_be_bytes([*high, *low])), body))
        }
        (0xc0, _, [length @ ..=191, body @ ..]) => Some((first & 63, usize::from(*length), body)),
        (0xc0, _, [high @ 192..=223, low, body @ ..]) => {
            Some((first & 63, (usize::from(*high) - 192) * 256 + usize::from(*low) + 192, body))
        }
        _ => None,
    }
}

/// Whether a packet follows that may; true when it is too far away to be seen.
fn next_is_a_packet(body: &[u8], length: usize) -> bool {
    let Some(next) = body.get(length) else { return true };
    let tag = if next & 0x40 == 0 { (next >> 2) & 15 } else { next & 63 };
    // Session keys, encrypted data in its three forms, padding.
    next & 0x80 != 0 && matches!(tag, 1 | 3 | 9 | 18 | 20 | 21)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn openpgp_is_known_by_its_fields_and_not_by_one_byte() {
        let for_a_passphrase = [0x8c, 13, 4, 9, 3, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0xff, 0xd2, 0xc0];
        assert!(is_encrypted(&for_a_passphrase));
        let mut for_a_key = vec![0x85, 1, 12, 3, 1, 2, 3, 4, 5, 6, 7, 8, 1];
        for_a_key.resize(3 + 268, 7);
        for_a_key.push(0xd2);
        assert!(is_encrypted(&for_a_key));
        assert!(!is_encrypted(&[0x8c; 40]) && !is_encrypted(&[0x85; 400]) && !is_encrypted(b"\x85"));
        let latin = "\u{8c}\r\u{4}\t".chars().map(|c| c as u8).collect::<Vec<_>>();
        assert!(!is_encrypted(&latin));
        assert!(is_encrypted(b"Salted__12345678") && is_encrypted(b"age-encryption.org/v1\n"));
    }
}
