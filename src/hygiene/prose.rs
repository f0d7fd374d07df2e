//! Secrets told in a sentence: `the password was changed to …`, `senha do banco: …`, `token for the
//! bot …`. A sentence holds many words and at most one secret, so only what no language writes is
//! taken: letters and digits that make no word. How much of that is wanted depends on whether the
//! sentence links the value to the name (`is`, `to`, a colon) or merely mentions it.

use std::ops::Range;

use super::check::{is_made, is_uuid};
use super::keys::Kind;
use super::value;
use super::weigh::{self, has_random_part};
use super::word::{Words, reads_as_words, words};

/// How far behind a name its value may stand, in bytes.
const FAR: usize = 160;
/// How many words may stand between a name and its value.
const WORDS: usize = 9;
/// How many words may stand between what links and the value.
const LINKED: usize = 4;

/// Words that link a name to its value.
static LINKS: Words = Words::new(|| {
    words(" is are was be to as ist lautet lautete sind auf es est è é sont – — - : = := => -> → now jetzt ")
});
/// Words that announce something else than the secret.
static OTHERS: Words = Words::new(|| {
    words(
        " user username users host server from at on in id port version commit sha hash pod node \
    container image ticket issue request for by via rule case step line page table index of and or the a an than \
    benutzer nutzer von für im am bei version see siehe ",
    )
});

/// The value that the sentence around `name` tells, if there is one.
pub(super) fn told(text: &[u8], name: &Range<usize>, kind: Kind) -> Option<Range<usize>> {
    let rest = &text[name.end..text.len().min(name.end + FAR)];
    let rest = &rest[..memchr::memchr2(b'\n', b'<', rest).unwrap_or(rest.len())];
    let gap = rest.iter().take_while(|b| b" \t\"'`*|:=".contains(b)).count();
    if gap == 0 || rest.get(gap).is_none_or(|b| b"(){}[];,.+&?".contains(b)) {
        return None;
    }
    let is_setting = stands_alone(text, name, rest);
    // `pass` is a verb, too.
    let is_verb = text[name.clone()].eq_ignore_ascii_case(b"pass");
    let ends_line = |end: usize| rest[end..].iter().all(|b| b" \t\r\"'`;|".contains(b)) && rest.len() < FAR;
    if is_verb && !is_setting && !rest[..gap].iter().any(|b| b":=".contains(b)) && !rest[gap..].starts_with(b"is ") {
        return None;
    }
    let plain = |cased: fn(&u8) -> bool| !text[name.clone()].iter().any(cased);
    let is_plain = plain(u8::is_ascii_uppercase) || plain(u8::is_ascii_lowercase);
    let (mut at, mut linked, mut before) = (0, is_setting || rest[..gap].iter().any(|b| b":=|".contains(b)), &b""[..]);
    let mut since = 0;
    for count in 0..WORDS {
        at += rest[at..].iter().take_while(|b| b.is_ascii_whitespace()).count();
        let raw = &rest[at..at + rest[at..].iter().take_while(|b| !b.is_ascii_whitespace()).count()];
        if raw.is_empty() {
            return None;
        }
        let (lead, word) = bare(raw);
        let is_first = count == 0 || linked && stands_in(&LINKS, before);
        // `neighbor 10.0.0.2 password VALUE`: the last two words of a directive.
        let is_last = is_plain
            && count <= 1
            && (count == 0 || before.len() == 1 || before == b"ENC")
            && ends_line(at + raw.len());
        let linked_here = (linked || is_last) && since <= LINKED;
        let found = name.end + at + lead..name.end + at + lead + word.len();
        // Without a digit or a mark it is a word of the sentence, unless nothing else stands there.
        let may_be =
            is_setting || word.len() >= 6 && word.iter().any(|b| b.is_ascii_digit() || b"!#%^&@*~+?$".contains(b));
        if may_be
            && is_secret(word, kind, linked_here, is_first, before, is_setting)
            && !value::is_placeholder(word)
            && !weigh::is_dummy(word)
        {
            return Some(found);
        }
        since += usize::from(linked);
        let links = stands_in(&LINKS, raw) || raw.ends_with(b":") || raw.ends_with("：".as_bytes());
        linked = linked || links;
        since = if links { 0 } else { since };
        if ends_sentence(raw) || raw.contains(&b'(') || raw.contains(&b';') {
            return None;
        }
        before = word;
        at += raw.len();
    }
    None
}

/// `password VALUE`: nothing else on the line, as in `.netrc`, `msmtprc` and their kin.
fn stands_alone(text: &[u8], name: &Range<usize>, rest: &[u8]) -> bool {
    let from = name.start.saturating_sub(32);
    let lead = &text[from..name.start];
    let begins = memchr::memrchr(b'\n', lead).map_or(from == 0, |_| true);
    let lead = &lead[memchr::memrchr(b'\n', lead).map_or(0, |i| i + 1)..];
    let words = rest.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).count();
    begins && lead.trim_ascii().is_empty() && words == 1 && rest.len() < FAR
}

/// Whether `word` is what the sentence tells.
fn is_secret(word: &[u8], kind: Kind, linked: bool, is_first: bool, before: &[u8], alone: bool) -> bool {
    if word.len() > 120 || !word.iter().all(u8::is_ascii_graphic) || is_uuid(word) || is_technical(word) {
        return false;
    }
    let is_hex = word.len() >= 32 && word.iter().all(u8::is_ascii_hexdigit);
    if is_hex {
        return linked && is_first && word.iter().any(u8::is_ascii_digit);
    }
    // The number of a key or of a revision.
    if (!linked || !word.iter().any(u8::is_ascii_lowercase)) && word.iter().all(u8::is_ascii_hexdigit) {
        return false;
    }
    if alone
        && kind == Kind::Password
        && weigh::assigned(kind, word, weigh::Stands::Quoted) > super::rule::Confidence::Low
    {
        return true;
    }
    match (kind, linked && !stands_in(&OTHERS, before)) {
        (Kind::Password, true) => is_chosen(word),
        (Kind::Token, true) => {
            word.len() >= if is_first { 8 } else { 12 } && is_chosen(word) && is_mixed(word) && !is_resource(word)
        }
        (Kind::Password, false) => {
            is_first && is_made(word, 8) && !is_name_with_number(word) || is_strong(word, 8, before)
        }
        (Kind::Token, false) => is_first && is_made(word, 20) || is_strong(word, 16, before),
    }
}

/// Made beyond doubt: all classes of letters, or a mark among letters and digits.
fn is_strong(word: &[u8], shortest: usize, before: &[u8]) -> bool {
    let cased = word.iter().any(u8::is_ascii_lowercase) && word.iter().any(u8::is_ascii_uppercase);
    let marked = word.iter().any(|b| b"!#%^&@*~".contains(b));
    word.len() >= if marked { shortest.min(10) } else { shortest }
        && (cased || marked)
        && is_mixed(word)
        && !is_name_with_number(word)
        && !is_name_of_code(word)
        && !word.iter().any(|b| b"/\\()[]{}<>:;,\"'`=|".contains(b))
        && !stands_in(&OTHERS, before)
}

/// `Fts3DeferredToken`, `XXH3_initSecret_avx2`: words in humps or joined by `_`, with few digits.
fn is_name_of_code(word: &[u8]) -> bool {
    let digits = word.iter().filter(|b| b.is_ascii_digit()).count();
    let mut parts = word.split(|b| !b.is_ascii_alphabetic()).filter(|part| part.len() >= 4).peekable();
    word.iter().all(|b| b.is_ascii_alphanumeric() || b"_.".contains(b))
        && digits <= 4
        && word[0].is_ascii_alphabetic()
        && parts.peek().is_some()
        && parts.all(reads_as_words)
        && word.split(|b| !b.is_ascii_digit()).all(|run| run.len() <= 3)
}

fn is_mixed(word: &[u8]) -> bool {
    word.iter().any(u8::is_ascii_digit) && word.iter().any(u8::is_ascii_alphabetic)
}

/// Whether a person or a machine may have made it to keep others out: letters and digits, and no
/// name, path, address, number or version.
pub(super) fn is_chosen(word: &[u8]) -> bool {
    let digits = word.iter().filter(|b| b.is_ascii_digit()).count();
    let letters = word.iter().filter(|b| b.is_ascii_alphabetic()).count();
    let marked = word.iter().any(|b| b"!#%^&@*~+?$".contains(b));
    let cased = word.iter().any(u8::is_ascii_lowercase) && word.iter().any(u8::is_ascii_uppercase);
    let is_joined = word.iter().filter(|b| **b == b'-').count() >= 2;
    word.len() >= 6
        && letters > 0
        && (digits > 0 || marked && cased && letters + 1 < word.len() && word.len() >= 8)
        && !is_technical(word)
        && (digits >= 2 || marked || cased && word.len() >= 8)
        && (cased || marked || has_random_part(word) || is_joined && word.len() >= 12 || is_made(word, 6))
        && !word.iter().any(|b| b"(){}[]<>;,\"'`|\\".contains(b))
        && !is_pair(word)
        && (!word.contains(&b':') || marked)
        && !word.windows(3).any(|w| w == b"://")
}

/// `user=x`: a name and its value, no secret.
fn is_pair(word: &[u8]) -> bool {
    let name = word.iter().take_while(|b| b.is_ascii_lowercase() || **b == b'_').count();
    name > 0 && word.get(name) == Some(&b'=') && name + 1 < word.len()
}

/// Whether a machine made it for a key: long, of all classes, no words, digest, path or number.
pub(super) fn is_key(word: &[u8]) -> bool {
    let is_base64 = word.len() >= 40 && (word.ends_with(b"=") || word.contains(&b'+'));
    let cased = word.iter().any(u8::is_ascii_lowercase) && word.iter().any(u8::is_ascii_uppercase);
    let marked = word.iter().any(|b| b"!#%^&@*~".contains(b));
    let has_digits = word.iter().filter(|b| b.is_ascii_digit()).count() >= 2;
    // What begins as DER of a public key or a certificate does, and keys as `ssh` shows them.
    let is_public = [&b"MII"[..], b"MIG", b"MFkw", b"MCow", b"AAAA"].iter().any(|lead| word.starts_with(lead));
    !is_public
        && word.len() >= if marked { 10 } else { 16 }
        && word.iter().all(u8::is_ascii_graphic)
        && (cased && has_digits || has_random_part(word) && word.len() >= 20)
        && (is_base64 || !word.contains(&b'/'))
        && !word.iter().any(|b| b"(){}[]<>:;,\"'`|\\$.".contains(b))
        && !word.iter().all(|b| b.is_ascii_hexdigit() || *b == b'-')
        && !weigh::is_words(word)
        && !is_name_with_number(word)
        && !has_long_words(word)
        && !word.split(|b| b"-_".contains(b)).any(|part| part.len() >= 32 && part.iter().all(u8::is_ascii_hexdigit))
        && weigh::entropy(word) >= 3.2
}

/// `db-credentials-7f8h2k9m4t`: the name of a thing in a cluster.
pub(super) fn is_resource(word: &[u8]) -> bool {
    let mut parts = word.split(|b| b"-.".contains(b));
    word.contains(&b'-')
        && word.len() <= 63
        && word.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.".contains(b))
        && parts.any(|part| part.len() >= 4 && part.iter().all(u8::is_ascii_lowercase) && reads_as_words(part))
}

/// Words joined by `-` or `_` with something behind, as names of caches and files are.
fn has_long_words(word: &[u8]) -> bool {
    let parts = word.split(|b| b"-_".contains(b));
    parts.filter(|part| part.len() >= 4 && part.iter().all(u8::is_ascii_lowercase)).count() >= 2
}

/// `Maple2001`, `deploy2`: a word and a number, in prose more often a name than a secret.
fn is_name_with_number(word: &[u8]) -> bool {
    let letters = word.iter().take_while(|b| b.is_ascii_alphabetic()).count();
    letters > 0 && word[letters..].iter().all(|b| b.is_ascii_digit() || b"-._".contains(b))
}

/// Numbers, versions, standards, units, paths, addresses, files: what technical prose is full of.
fn is_technical(word: &[u8]) -> bool {
    let upper = word.iter().take_while(|b| b.is_ascii_uppercase() || **b == b'-').count();
    let is_standard = upper >= 2 && word[upper..].iter().all(|b| b.is_ascii_digit() || b"-./:#".contains(b));
    let number = word.iter().take_while(|b| b.is_ascii_digit() || b".,-+:/".contains(b)).count();
    let is_measure = number > 0
        && word.len() - number <= 6
        && word[number..].iter().all(|b| b.is_ascii_lowercase() || b"%".contains(b));
    let version = word.strip_prefix(b"v").or_else(|| word.strip_prefix(b"V")).unwrap_or(word);
    let is_version = version.first().is_some_and(u8::is_ascii_digit)
        && version.contains(&b'.')
        && version.iter().all(|b| b.is_ascii_alphanumeric() || b".-+".contains(b));
    let is_path = word.contains(&b'/')
        && word.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"/._-~@:".contains(b))
        || word.starts_with(b"/")
        || word.starts_with(b"~/")
        || word.starts_with(b"./");
    let dots = word.iter().filter(|b| **b == b'.').count();
    let is_domain =
        dots > 0 && word.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b".-@:".contains(b));
    // `cryptography.x509.Certificate`
    let is_chain = dots > 0
        && word.iter().all(|b| b.is_ascii_alphanumeric() || b"._".contains(b))
        && word
            .split(|b| *b == b'.')
            .all(|part| part.first().is_some_and(u8::is_ascii_alphabetic) && is_name_of_code(part) || part == b"x509");
    let lower = word.to_ascii_lowercase();
    let is_known = [
        &b"aes"[..],
        b"sha",
        b"hmac",
        b"pbkdf",
        b"oauth",
        b"rfc",
        b"utf",
        b"iso-",
        b"iso8",
        b"x509",
        b"x.509",
        b"base64",
        b"ed25519",
        b"bcrypt",
        b"argon2",
        b"cve-",
        b"1password",
        b"pkcs",
        b"http",
        b"sha-",
        b"ssh-",
        b"mysql_native",
        b"caching_sha2",
        b"tls",
        b"ssl",
    ]
    .iter()
    .any(|known| lower.starts_with(known));
    // `#123456`: the number of a ticket.
    let is_ticket = word.first() == Some(&b'#') && word[1..].iter().all(u8::is_ascii_digit);
    is_ticket || is_chain || is_standard || is_measure || is_version || is_path || is_domain || is_known
}

/// `word` without the quotes, brackets and marks around it, and how many of them lead.
fn bare(raw: &[u8]) -> (usize, &[u8]) {
    let lead = raw.iter().take_while(|b| b"\"'`([{<*".contains(b)).count();
    let quote = lead.checked_sub(1).and_then(|i| raw.get(i)).filter(|b| b"\"'`".contains(b));
    let mut word = &raw[lead..];
    if let Some(end) = quote.and_then(|quote| memchr::memrchr(*quote, word)).filter(|end| *end > 0) {
        return (lead, &word[..end]);
    }
    while let [rest @ .., b'.' | b',' | b';' | b':' | b'"' | b'\'' | b'`' | b')'] = word {
        word = rest;
    }
    (lead, word)
}

fn ends_sentence(raw: &[u8]) -> bool {
    matches!(raw, [.., b'.' | b'!' | b'?', b')' | b'"'] | [.., b'.' | b'?']) && raw.len() > 1
}

fn stands_in(list: &Words, word: &[u8]) -> bool {
    // None of them is longer.
    word.len() <= 12 && std::str::from_utf8(word).is_ok_and(|word| list.contains(word.to_lowercase().as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, kind: Kind) -> Option<String> {
        let start = text.find("password").or_else(|| text.find("token")).unwrap();
        let end = start + text[start..].find(|c: char| !c.is_ascii_alphabetic()).unwrap();
        told(text.as_bytes(), &(start..end), kind).map(|found| text[found].to_owned())
    }

    #[test]
    fn what_a_sentence_tells_is_read_to_its_end() {
        // In two pieces each, so that this file holds none.
        for (text, head, tail) in [
            ("the password is @ until Friday", "Tundr", "4!5557"),
            ("the password was changed to '@' today", "N3ct", "4rx1650"),
            ("root password to @ on all nodes", "Jeovw", "7264!dg"),
            ("hard coded password *@ from the script", "B9hC3cN", "zLA38w"),
            ("password for the disk = @", "6Jo#O", "Ywa~ovm"),
            ("password @\n", "22a45c724e9b35a8", "7ce49db43da925de"),
        ] {
            let secret = [head, tail].concat();
            assert_eq!(read(&text.replace('@', &secret), Kind::Password).as_ref(), Some(&secret), "{text}");
        }
        let token = concat!("9cc946d570b7f4c4", "2ba9453ea244d986");
        assert_eq!(read(&format!("the token is {token}"), Kind::Token).as_deref(), Some(token));
    }

    #[test]
    fn ordinary_sentences_tell_nothing() {
        for text in [
            "the password is required.",
            "password authentication failed for user \"app01\"",
            "Failed password for root from 203.0.113.7 port 52211 ssh2",
            "password must have 12 characters",
            "password hashing uses PBKDF2-SHA256 with 10000 rounds",
            "the password is stored in 1Password",
            "password is sent over TLSv1.3",
            "password rules follow RFC6749 and ISO8601",
            "token v2.3.1 released",
            "the token is valid for 24h",
            "the token is a JWT (see RFC7519)",
            "token /var/run/secrets/x9/token",
            "password, user",
            "password: ask the team",
            "fix the password reset of user m7keller9x",
        ] {
            assert_eq!(read(text, Kind::Password), None, "{text}");
        }
    }
}
