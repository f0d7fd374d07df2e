//! Tells random strings from words, numbers, paths and digests. Only looks at the value itself and
//! the kind of name it stands under; where it stands is for others.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use super::check::is_uuid;
use super::keys::Kind;
use super::known;
use super::rule::Confidence;
use super::word::{describes, is_passphrase, may_be_chosen, reads_as_words};

/// Shannon entropy in bits a byte.
pub(super) fn entropy(text: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    text.iter().for_each(|b| counts[usize::from(*b)] += 1);
    let all = text.len().max(1) as f64;
    let share = |n: &u32| f64::from(*n) / all;
    -counts.iter().filter(|n| **n > 0).map(|n| share(n) * share(n).log2()).sum::<f64>()
}

/// Whether a value is a made-up one: documentation's `EXAMPLE`, `1234567890`, `abcdef…`, one
/// character over and over.
pub(super) fn is_dummy(secret: &[u8]) -> bool {
    if secret.len() > 400 {
        return false;
    }
    let lower = secret.to_ascii_lowercase();
    let distinct = lower.iter().fold([0_u64; 4], |mut seen, b| {
        seen[usize::from(b >> 6)] |= 1 << (b & 63);
        seen
    });
    let distinct: u32 = distinct.iter().map(|part| part.count_ones()).sum();
    secret.len() >= 12 && distinct <= 4
        || MADE_UP.as_ref().is_some_and(|words| words.is_match(&lower))
        || is_sequence(&lower)
        || APART.iter().any(|word| stands_apart(&lower, word))
        || known::is_example(secret)
}

/// Words that stand in made-up values alone.
static MADE_UP: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    AhoCorasick::new([
        "example",
        "xxxxxx",
        "your_",
        "your-",
        "your/",
        "path/to",
        "placeholder",
        "changeme",
        "change_me",
        "change-me",
        "replace_",
        "replace-",
        "replaceme",
        "redacted",
        "insert_",
        "insert-",
        "notreal",
        "not-a-real",
        "***",
        "......",
        "<your",
    ])
    .ok()
});

/// Short words of made-up values: within a random string they stand by chance.
const APART: [&str; 3] = ["dummy", "fake", "todo"];

/// Whether `word` stands in `lower` with no letter or digit beside it, or begins it.
fn stands_apart(lower: &[u8], word: &str) -> bool {
    memchr::memmem::find_iter(lower, word.as_bytes()).any(|at| {
        let is_free = |b: Option<&u8>| b.is_none_or(|b| !b.is_ascii_alphanumeric());
        at == 0 && lower.len() < 24
            || is_free(at.checked_sub(1).and_then(|i| lower.get(i))) && is_free(lower.get(at + word.len()))
    })
}

/// Mostly steps of one from character to character, or a short piece repeated.
fn is_sequence(lower: &[u8]) -> bool {
    if lower.len() < 12 {
        return false;
    }
    let steps = lower
        .windows(2)
        .filter(|w| {
            w[1] == w[0].wrapping_add(1) || w[1].wrapping_add(1) == w[0] || w[0] == w[1] || w == b"90" || w == b"9a"
        })
        .count();
    let repeats = (2..=8).any(|n| lower.len() >= 3 * n && lower.iter().zip(&lower[n..]).all(|(a, b)| a == b));
    steps * 4 >= (lower.len() - 1) * 3 || repeats
}

/// The classes of characters in a value.
struct Shape {
    lower: usize,
    upper: usize,
    digits: usize,
    other: usize,
    blanks: usize,
    /// How often the class changes from one character to the next.
    turns: usize,
}

fn shape(value: &[u8]) -> Shape {
    let class = |b: &u8| match b {
        b'a'..=b'z' => 0,
        b'A'..=b'Z' => 1,
        b'0'..=b'9' => 2,
        b' ' | b'\t' => 3,
        _ => 4,
    };
    let count = |wanted: u8| value.iter().filter(|b| class(b) == wanted).count();
    let turns = value.windows(2).filter(|w| class(&w[0]) != class(&w[1])).count();
    Shape { lower: count(0), upper: count(1), digits: count(2), blanks: count(3), other: count(4), turns }
}

/// How a value stands where it is assigned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stands {
    /// Bare among code or prose: it may be a name or a type.
    Bare,
    /// In quotes, as an argument or in a comparison.
    Quoted,
    /// In quotes or in a file of settings, where nothing but a value can stand.
    Alone,
}

/// How sure it is that `value`, assigned to a name of `kind`, is a secret.
pub(super) fn assigned(kind: Kind, value: &[u8], stands: Stands) -> Confidence {
    if value.len() > 4096 {
        return Confidence::Low;
    }
    let is_a_name = is_words(value)
        && !value.contains(&b' ')
        && !(stands == Stands::Alone && (value.iter().all(u8::is_ascii_lowercase) || ends_in_number(value)))
        && super::keys::names_secret(value).is_some();
    let is_of_name = stands == Stands::Bare
        && value.iter().all(|b| b.is_ascii_alphanumeric() || b"_.".contains(b))
        && value.iter().any(|b| b"_.".contains(b))
        && super::keys::names_secret(value).is_some();
    let is_type = is_type_name(value) && !(kind == Kind::Password && is_word_with_number(value));
    if stands == Stands::Bare && (is_expression(value) || is_type || is_code_run(value))
        || is_a_name
        || is_of_name
        || refers(value)
        || is_numbered(value)
        || is_pattern(value)
    {
        return Confidence::Low;
    }
    match kind {
        Kind::Password => password(value, stands),
        Kind::Token => token(value),
    }
}

/// `n.key,n.password};return`: names and the marks of code, as minified sources have them.
fn is_code_run(value: &[u8]) -> bool {
    let has_marks = value.iter().any(|b| b",;(){}".contains(b)) && value.len() >= 5;
    has_marks
        && value
            .split(|b| b",;=(){}!&|?+:.[]<>/*".contains(b))
            .all(|part| part.iter().all(|b| *b == b'_' || *b == b'$') || is_name(part))
}

/// `^(?=.*[A-Z]).{8,}$`, `sha512-crypt`: what a password must look like, or how it is kept.
fn is_pattern(value: &[u8]) -> bool {
    let has = |mark: &str| memchr::memmem::find(value, mark.as_bytes()).is_some();
    const SCHEMES: [&[u8]; 7] = [
        b"base64-encoded",
        b"sha512-crypt",
        b"sha256-crypt",
        b"hmac-sha256",
        b"hmac-sha512",
        b"scram-sha-256",
        b"digest-md5",
    ];
    has("(?=")
        || has("(?!")
        || has("[A-Z")
        || has("[a-z")
        || has(".{8,")
        || SCHEMES.iter().any(|scheme| value.eq_ignore_ascii_case(scheme))
}

/// `see 1Password`, `siehe Tresor`: says where the secret is.
fn refers(value: &[u8]) -> bool {
    const TO: [&str; 14] = [
        "see ",
        "siehe ",
        "voir ",
        "ver ",
        "zie ",
        "stored in ",
        "in the ",
        "in 1",
        "in Vault",
        "in Bit",
        "in Kee",
        "ask ",
        "same as ",
        "use the ",
    ];
    value.len() < 80
        && TO.iter().any(|word| value.len() > word.len() && value[..word.len()].eq_ignore_ascii_case(word.as_bytes()))
}

/// `Passwort 2`, `密码 2`: a label with its number.
fn is_numbered(value: &[u8]) -> bool {
    let Some(at) = memchr::memrchr(b' ', value) else { return false };
    let (label, number) = (&value[..at], &value[at + 1..]);
    (1..=2).contains(&number.len())
        && number.iter().all(u8::is_ascii_digit)
        && label.iter().all(|b| b.is_ascii_alphabetic() || *b == b' ' || *b >= 0x80)
}

/// `SalmonFalcon570`: a choice, where a type or a name would hardly end so.
fn is_word_with_number(value: &[u8]) -> bool {
    let digits = value.iter().rev().take_while(|b| b.is_ascii_digit()).count();
    digits >= 3 && value.len() <= 24 && value[..value.len() - digits].iter().all(u8::is_ascii_alphabetic)
}

/// `river-mango-jungle-46`: words joined and a number, as generators of passwords make them.
fn is_joined_with_number(value: &[u8]) -> bool {
    let mut parts: Vec<&[u8]> = value.split(|b| b"-._".contains(b)).collect();
    let number = parts.pop().unwrap_or_default();
    let is_number = (2..=4).contains(&number.len()) && number.iter().all(u8::is_ascii_digit);
    let is_word = |part: &&[u8]| {
        (4..=10).contains(&part.len())
            && part.iter().skip(1).all(u8::is_ascii_lowercase)
            && part[0].is_ascii_alphabetic()
    };
    is_number && parts.len() >= 3 && parts.iter().all(is_word) && !describes(value)
}

/// Twelve words and more, as wallets write down their seed.
fn is_mnemonic(value: &[u8]) -> bool {
    let mut words = 0;
    let all = value.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).all(|word| {
        words += 1;
        (3..=8).contains(&word.len()) && word.iter().all(u8::is_ascii_lowercase)
    });
    all && matches!(words, 12 | 15 | 18 | 21 | 24)
}

fn ends_in_number(value: &[u8]) -> bool {
    matches!(value, [.., a, b] if a.is_ascii_digit() && b.is_ascii_digit())
}

fn password(value: &[u8], stands: Stands) -> Confidence {
    let (shape, quoted) = (shape(value), stands != Stands::Bare);
    if is_mnemonic(value) || is_joined_with_number(value) {
        return Confidence::Medium;
    }
    if stands == Stands::Alone && (may_be_chosen(value) || is_passphrase(value)) && !is_path(value) {
        return Confidence::Medium;
    }
    let chosen_mark = shape.digits > 0 && value.iter().any(|b| b"!#%^&@?".contains(b)) && shape.blanks == 0;
    if value.len() < 4
        || is_prose(value)
        || is_type_or_word(value)
        || is_foreign_word(value)
        || is_path(value)
        || is_identifier_chain(value) && !(quoted && shape.digits > 0 || chosen_mark)
    {
        return Confidence::Low;
    }
    let letters = shape.lower + shape.upper;
    let kinds = [shape.lower, shape.upper, shape.digits, shape.other].iter().filter(|n| **n > 0).count();
    let medium = shape.digits > 0 && letters > 0
        || kinds >= 3
        || shape.other > 0 && letters > 0 && value.len() >= 6 && !is_words(value)
        || shape.digits == value.len() && value.len() >= 6
        || quoted && value.len() >= 8 && !is_words(value)
        || shape.turns >= 4 && shape.blanks == 0;
    if medium { Confidence::Medium } else { Confidence::Low }
}

/// Letters beyond ASCII and no digit: a word of a translation.
fn is_foreign_word(value: &[u8]) -> bool {
    let digits = value.iter().filter(|b| b.is_ascii_digit()).count();
    !value.is_ascii() && (digits == 0 || digits <= 2 && value.contains(&b' '))
}

fn token(value: &[u8]) -> Confidence {
    let shape = shape(value);
    if value.len() < 8
        || is_prose(value)
        || is_foreign_word(value)
        || value.len() >= 20 && is_type_name(value)
        || is_path(value)
        || is_type_or_word(value)
        || is_identifier_chain(value)
    {
        return Confidence::Low;
    }
    let mixed = shape.digits > 0 && shape.lower + shape.upper > 0;
    let random = mixed && entropy(value) >= 2.6
        || is_uuid(value)
        || value.len() >= 16 && shape.turns >= value.len() / 4 && entropy(value) >= 3.0
        || value.len() >= 16
            && shape.other > 0
            && shape.upper > 0
            && shape.lower > 0
            && entropy(value) >= 3.2
            && !is_words(value)
        || value.len() >= 16 && shape.blanks == 0 && entropy(value) >= 3.0 && !is_words(value);
    if random && shape.blanks * 6 <= value.len() { Confidence::Medium } else { Confidence::Low }
}

/// Three or more words of letters with blanks between.
fn is_prose(value: &[u8]) -> bool {
    let words = value.split(|b| b.is_ascii_whitespace()).filter(|w| !w.is_empty());
    let (mut plain, mut all) = (0, 0);
    for word in words {
        all += 1;
        plain += usize::from(word.iter().all(|b| b.is_ascii_alphabetic() || b".,;:!?'\"()-".contains(b)));
    }
    all >= 2 && plain * 4 >= all * 3
}

fn is_path(value: &[u8]) -> bool {
    let starts = |p: &str| value.starts_with(p.as_bytes());
    starts("/")
        && value.iter().filter(|b| **b == b'/').count() >= 2
        && value.iter().all(|b| b.is_ascii_alphanumeric() || b"/._-".contains(b))
        && !has_random_part(value)
        || starts("./")
        || starts("../")
        || starts("~/")
        || starts("http://")
        || starts("https://")
        || starts("file:")
        || starts("arn:")
        || starts("secret/")
        || starts("vault:")
        || starts("op://")
        || starts("projects/")
        || value.len() > 5
            && [
                &b".pem"[..],
                b".key",
                b".txt",
                b".json",
                b".yaml",
                b".yml",
                b".crt",
                b".py",
                b".js",
                b".ts",
                b".md",
                b".html",
                b".php",
            ]
            .iter()
            .any(|e| value.ends_with(e))
}

/// Whether a piece of it between punctuation is long and mixes letters and digits.
pub(super) fn has_random_part(value: &[u8]) -> bool {
    value.split(|b| !b.is_ascii_alphanumeric()).any(|part| {
        part.len() >= 12
            && part.iter().filter(|b| b.is_ascii_digit()).count() >= 2
            && part.iter().any(u8::is_ascii_alphabetic)
            && shape(part).turns >= 4
    })
}

/// Names of code joined by dots, arrows, brackets: `config.auth.token`, `SOME_CONSTANT`, `someVar`.
fn is_identifier_chain(value: &[u8]) -> bool {
    let text = value.strip_suffix(b"()").unwrap_or(value);
    let parts = text.split(|b| b".:>[]()-_/ $@{}&*!?'\"".contains(b));
    text.first().is_some_and(|b| b.is_ascii_alphabetic() || b"$@&*!{_".contains(b))
        && text.iter().all(|b| b.is_ascii_alphanumeric() || b".:>[]()-_/ $@{}&*!?'\"".contains(b))
        && parts.into_iter().all(|part| part.is_empty() || is_name(part))
        && (text.iter().any(|b| b"._:>([$-".contains(b)) || camel(text))
}

/// Letters in the humps of a name, with at most two digits at the end of it.
fn is_name(part: &[u8]) -> bool {
    let digits = part.iter().rev().take_while(|b| b.is_ascii_digit()).count();
    let letters = &part[..part.len() - digits];
    digits <= 2
        && letters.iter().all(u8::is_ascii_alphabetic)
        && (letters.is_empty() && digits <= 4 || reads_as_words(letters))
}

fn camel(text: &[u8]) -> bool {
    text.windows(2).any(|w| w[0].is_ascii_lowercase() && w[1].is_ascii_uppercase()) && reads_as_words(text)
}

/// Only words of letters, joined by `-`, `_`, `.` or blanks, perhaps with a short number behind.
pub(super) fn is_words(value: &[u8]) -> bool {
    let mut parts = value.split(|b| b"-_. /:,;!?()".contains(b)).filter(|p| !p.is_empty());
    parts.all(is_name)
}

/// `0x04`, `0b11`: a number of code.
fn is_number(value: &[u8]) -> bool {
    matches!(value, [b'0', b'x' | b'b' | b'o', digits @ ..] if digits.len() <= 16 && digits.iter().all(|b| b.is_ascii_hexdigit() || b"_uil;,".contains(b)))
}

/// Code that makes a value: calls, references, operators.
fn is_expression(value: &[u8]) -> bool {
    let has = |mark: &str| memchr::memmem::find(value, mark.as_bytes()).is_some();
    let called = value.windows(2).any(|w| w[1] == b'(' && (w[0].is_ascii_alphanumeric() || w[0] == b'_'))
        && value.contains(&b')');
    let name = value.iter().take_while(|b| b.is_ascii_alphanumeric() || b"_.:".contains(b)).count();
    let opens_call = name >= 3 && matches!(value.get(name..), Some([b'(', ..] | [b'!', b'(' | b'[', ..]));
    let is_snake = value.contains(&b'_') && value.iter().all(|b| b.is_ascii_lowercase() || *b == b'_');
    called
        || opens_call
        || is_snake
        || has(" * ")
        || value.starts_with(b"impl ")
        || has(" && ")
        || has(" || ")
        || has("::")
        || has(" + ")
        || has(" = ")
        || has("->")
        || has("![")
        || is_number(value)
        || value.starts_with(b"&")
        || value.starts_with(b"*")
}

/// `X509RequestOptions`, `SOME_2ND_CONSTANT`: the name of a type or a constant.
fn is_type_name(value: &[u8]) -> bool {
    let letters: Vec<u8> = value.iter().copied().filter(u8::is_ascii_alphabetic).collect();
    let is_identifier = value.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_');
    let few_digits = value.iter().filter(|b| b.is_ascii_digit()).count() <= 4;
    let is_constant = value.contains(&b'_') && !value.iter().any(u8::is_ascii_lowercase);
    let is_type = value.iter().any(u8::is_ascii_lowercase) && !value.contains(&b'_') && reads_as_words(&letters);
    let runs = value.split(|b| !b.is_ascii_digit()).any(|run| run.len() >= 4);
    is_identifier
        && few_digits
        && !runs
        && letters.len() >= 8
        && value[0].is_ascii_uppercase()
        && (is_constant || is_type)
}

/// `Raw<Vec<u8>>`, `Result<String, Error>`, `[]byte`: a type with what it is made of.
fn is_generic(value: &[u8]) -> bool {
    let name = value.iter().take_while(|b| b.is_ascii_alphanumeric() || b"_:.&".contains(b)).count();
    name > 1
        && matches!(value.get(name), Some(b'<' | b'['))
        && value.iter().all(|b| b.is_ascii_alphanumeric() || b"_:.&<>[], ();'".contains(b))
        && value.iter().filter(|b| b.is_ascii_digit()).count() <= 4
}

/// A single plain word, or the name of a type.
fn is_type_or_word(value: &[u8]) -> bool {
    if is_generic(value) || describes(value) {
        return true;
    }
    let bare = value.strip_prefix(b"&").unwrap_or(value);
    bare.len() <= 24
        && bare.iter().all(|b| b.is_ascii_alphabetic() || b"<>[]?|&".contains(b))
        && bare.iter().all(|b| !b.is_ascii_uppercase())
        && reads_as_words(bare)
        || [
            &b"String"[..],
            b"Option<",
            b"SecretString",
            b"Optional[",
            b"Buffer",
            b"Bytes",
            b"NSString",
            b"Vec<",
            b"Boolean",
            b"Integer",
        ]
        .iter()
        .any(|t| bare.starts_with(t) && bare.len() < t.len() + 20 && shape(bare).digits <= 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_values_and_ordinary_ones_are_told_apart() {
        for value in ["hunter2", "Tr0ub4dor&3", "p4ssw0rd!", "correct-horse9", "zYx98wVuT", "sup3rs3cret"] {
            assert_eq!(assigned(Kind::Password, value.as_bytes(), Stands::Quoted), Confidence::Medium, "{value}");
        }
        for value in [
            "a8f5f167f44f4964e6c998dee827110c",
            "Zk3vQ9tLmX2pRw8s",
            "ab12cd34ef56",
            "f1b2c3d4-0000-4000-8000-aabbccddeeff",
        ] {
            assert_eq!(assigned(Kind::Token, value.as_bytes(), Stands::Quoted), Confidence::Medium, "{value}");
        }
        for value in [
            "string",
            "required",
            "the password of the user",
            "config.auth.token",
            "getToken",
            "/etc/ssl/private/app.pem",
            "next_page_token",
            "CancellationToken",
            "access_token",
        ] {
            assert_eq!(assigned(Kind::Token, value.as_bytes(), Stands::Quoted), Confidence::Low, "{value}");
        }
    }

    #[test]
    fn made_up_values_are_recognised() {
        for value in ["AKIAIOSFODNN7EXAMPLE", "1234567890abcdef", "xxxxxxxxxxxx", "abababababab", "your_api_key_here"] {
            assert!(is_dummy(value.as_bytes()), "{value}");
        }
        for value in ["a8f5f167f44f4964e6c998dee827110c", "Zk3vQ9tLmX2pRw8s"] {
            assert!(!is_dummy(value.as_bytes()), "{value}");
        }
    }
}
