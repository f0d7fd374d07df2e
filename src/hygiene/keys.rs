//! Names that announce a secret: `DB_PASSWORD`, `clientSecret`, `api-key`. The same judgement is
//! used for assignments in text and for the keys of typed values.

/// Words in lower case, of which most texts are told at a glance that they are none.
struct List<const N: usize> {
    words: [&'static str; N],
    /// By the first letter the lengths of the words that begin with it, a bit for each.
    lengths: [u32; 32],
    /// The letters that words end in, a bit for each.
    ends: u32,
}

impl<const N: usize> List<N> {
    const fn new(words: [&'static str; N]) -> Self {
        let (mut lengths, mut ends, mut i) = ([0; 32], 0, 0);
        while i < N {
            let word = words[i].as_bytes();
            lengths[(word[0] & 31) as usize] |= 1 << word.len();
            ends |= 1 << (word[word.len() - 1] & 31);
            i += 1;
        }
        Self { words, lengths, ends }
    }

    /// Whether `word` is one of them, in any case.
    fn has(&self, word: &[u8]) -> bool {
        let lengths = word.first().map_or(0, |first| self.lengths[usize::from(first & 31)]);
        word.len() < 32 && lengths >> word.len() & 1 != 0 && stands_in(&self.words, word)
    }

    /// Whether `word` ends with one of them, in any case.
    fn ends(&self, word: &[u8]) -> bool {
        let tail = |end: &&str| word.len().checked_sub(end.len()).map(|from| &word[from..]);
        let ends = |end: &&str| tail(end).is_some_and(|tail| tail.eq_ignore_ascii_case(end.as_bytes()));
        word.last().is_some_and(|last| self.ends >> (last & 31) & 1 != 0) && self.words.iter().any(ends)
    }
}

/// What a name announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Something that a person may have chosen: digits or words can be the secret.
    Password,
    /// Something that a machine made: plain words after it are not the secret.
    Token,
}

static PASSWORDS: List<37> = List::new([
    "password",
    "passwd",
    "passphrase",
    "passwort",
    "pwd",
    "pw",
    "psk",
    "kennwort",
    "passcode",
    "pswd",
    "psw",
    "pwrd",
    "userpwd",
    "passw",
    "senha",
    "contrasena",
    "motdepasse",
    "wachtwoord",
    "mnemonic",
    "passkey",
    "passord",
    "adgangskode",
    "salasana",
    "heslo",
    "haslo",
    "jelszo",
    "lozinka",
    "geslo",
    "sifre",
    "passwords",
    "passwrod",
    "passwrd",
    "passowrd",
    "pasword",
    "authtok",
    "authpass",
    "bindpw",
]);
static TOKENS: List<9> =
    List::new(["secret", "token", "credential", "credentials", "apikey", "salt", "auth", "jwt", "pepper"]);
/// Endings of names whose words are not set apart: `dbpassword`, `sshpass`, `accesstoken`.
static PASSWORD_ENDS: List<8> =
    List::new(["password", "passwd", "passphrase", "dbpwd", "pass", "userpw", "rootpw", "mailpwd"]);
/// Words of the language that end in `pass`, and sudo's tag.
static NO_PASSWORDS: List<8> =
    List::new(["bypass", "compass", "encompass", "nopasswd", "overpass", "surpass", "trespass", "underpass"]);
static TOKEN_ENDS: List<11> = List::new([
    "passwordsalt",
    "encryptionkey",
    "secret",
    "token",
    "apikey",
    "secretkey",
    "accesskey",
    "privatekey",
    "presharedkey",
    "authkey",
    "accountkey",
]);
/// Words that make a secret of the `key` after them.
static KEY_OWNERS: List<53> = List::new([
    "access",
    "account",
    "admin",
    "aes",
    "anthropic",
    "api",
    "app",
    "auth",
    "aws",
    "azure",
    "cipher",
    "client",
    "consumer",
    "crypto",
    "decryption",
    "deploy",
    "encrypt",
    "encryption",
    "firebase",
    "functions",
    "gateway",
    "google",
    "hmac",
    "integration",
    "jwt",
    "license",
    "mailgun",
    "maps",
    "master",
    "merchant",
    "openai",
    "partner",
    "preshared",
    "primary",
    "private",
    "root",
    "routing",
    "secret",
    "sendgrid",
    "service",
    "session",
    "shared",
    "signing",
    "storage",
    "stripe",
    "subscription",
    "token",
    "validation",
    "weather",
    "webhook",
    "wep",
    "wpa",
    "write",
]);

/// Words behind a secret's name that say which one or in what writing: `DB_PASSWORD_PROD`.
static QUALIFIERS: List<29> = List::new([
    "prod",
    "production",
    "dev",
    "development",
    "test",
    "testing",
    "stage",
    "staging",
    "live",
    "sandbox",
    "old",
    "new",
    "current",
    "previous",
    "primary",
    "secondary",
    "default",
    "value",
    "string",
    "base64",
    "b64",
    "hex",
    "raw",
    "plain",
    "confirmation",
    "confirm",
    "repeat",
    "again",
    "retype",
]);

/// What the value under `name` is, if the name says that it is a secret. The words are read from the
/// end, and mostly the last one says no: this is asked of every name that holds an announcing word.
pub(super) fn names_secret(name: &[u8]) -> Option<Kind> {
    if matches!(name, b"PWD" | b"OLDPWD") {
        return None;
    }
    let (mut rest, mut last) = last_word(without_number(name));
    while QUALIFIERS.has(last) && !last_word(rest).1.is_empty() {
        (rest, last) = last_word(rest);
    }
    let ends_as_password = PASSWORD_ENDS.ends(last) && !NO_PASSWORDS.has(last);
    if PASSWORDS.has(last) || ends_as_password {
        return Some(Kind::Password);
    }
    // `PublicKeyToken`, `public_token`: made to be shown.
    let is_open = |rest| is_any_word(rest, |word| stands_in(&["public", "publishable"], word));
    if TOKENS.has(last) || TOKEN_ENDS.ends(last) {
        return (!is_open(rest)).then_some(Kind::Token);
    }
    of_two_words(rest, last)
}

/// Words before `key` that make it one for everybody, or one of data.
static OPEN_KEYS: List<40> = List::new([
    "public",
    "publishable",
    "primary",
    "foreign",
    "sort",
    "cache",
    "partition",
    "object",
    "row",
    "site",
    "sitekey",
    "idempotency",
    "dedup",
    "routing",
    "lookup",
    "index",
    "group",
    "hot",
    "shortcut",
    "natural",
    "composite",
    "unique",
    "range",
    "hash",
    "host",
    "registry",
    "issue",
    "project",
    "context",
    "state",
    "storage",
    "query",
    "map",
    "dict",
    "config",
    "s3",
    "file",
    "item",
    "translation",
    "message",
]);

/// Whether the name is that of a key, of nobody knows what.
pub(super) fn names_key(name: &[u8]) -> bool {
    let (rest, last) = last_word(without_number(name));
    last.eq_ignore_ascii_case(b"key") && !is_any_word(rest, |word| OPEN_KEYS.has(word))
}

/// Whether the name is that of a number that opens something.
pub(super) fn names_pin(name: &[u8]) -> bool {
    stands_in(&["pin", "pincode"], last_word(without_number(name)).1)
}

/// How names of cookies end that hold a session.
static SESSIONS: List<5> = List::new(["session", "sessionid", "session_id", "sid", "sessid"]);

/// Whether the name is that of a cookie that holds a session.
pub(super) fn names_session(name: &[u8]) -> bool {
    SESSIONS.ends(name)
}

/// Without the number at the end, which counts for nothing: `password2`.
fn without_number(name: &[u8]) -> &[u8] {
    &name[..name.iter().rposition(|b| !b.is_ascii_digit() && !b"_-.".contains(b)).map_or(0, |i| i + 1)]
}

/// Whether one of the words of a name is such a one.
fn is_any_word(mut name: &[u8], is_one: impl Fn(&[u8]) -> bool) -> bool {
    loop {
        let (rest, word) = last_word(name);
        if word.is_empty() || is_one(word) {
            return !word.is_empty();
        }
        name = rest;
    }
}

/// Last words that say nothing without those before them.
static NEEDY: List<9> = List::new(["word", "hash", "digest", "phrase", "key", "base", "seed", "cookie", "code"]);

/// Whether words before `name` could make it the name of a secret.
pub(super) fn needs_words(name: &[u8]) -> bool {
    let last = last_word(without_number(name)).1;
    NEEDY.has(last) || QUALIFIERS.has(last) || name == b"PWD"
}

/// The same of a name whose last word alone says nothing: `pass_word`, `api_key`, `secret_key_base`.
fn of_two_words(rest: &[u8], last: &[u8]) -> Option<Kind> {
    if !NEEDY.has(last) {
        return None;
    }
    let is = |word: &str| last.eq_ignore_ascii_case(word.as_bytes());
    let (rest, before) = last_word(rest);
    let follows = |words: &[&str]| stands_in(words, before);
    if is("word") && follows(&["pass"])
        || (is("hash") || is("digest")) && PASSWORDS.has(before)
        || is("phrase") && follows(&["seed", "recovery", "mnemonic", "secret", "pass"])
    {
        return Some(Kind::Password);
    }
    // `primary_key` alone is a word of databases; `storage_primary_key` is a secret.
    let is_of_database = follows(&["primary"]) && last_word(rest).1.is_empty();
    let is_key = is("key") && KEY_OWNERS.has(before) && !is_of_database;
    let is_base = is("base") && follows(&["key"]) && stands_in(&["secret"], last_word(rest).1);
    let is_seed = is("seed") && follows(&["2fa", "totp", "otp", "mfa", "wallet", "secret", "master"]);
    let is_cookie = is("cookie") && follows(&["erlang", "rabbitmq", "auth"]);
    let is_code = is("code") && follows(&["recovery", "backup"]);
    (is_key || is_base || is_seed || is_cookie || is_code).then_some(Kind::Token)
}

fn stands_in(list: &[&str], word: &[u8]) -> bool {
    list.iter().any(|one| one.as_bytes().eq_ignore_ascii_case(word))
}

/// The last word of a name, empty when there is none, and what stands before it. Words are set apart
/// by punctuation and by camel humps.
fn last_word(name: &[u8]) -> (&[u8], &[u8]) {
    let end = name.iter().rposition(u8::is_ascii_alphanumeric).map_or(0, |i| i + 1);
    let begins = |i: &usize| {
        let is_first = *i == 0 || !name[*i - 1].is_ascii_alphanumeric();
        let is_before_lower = name[..end].get(i + 1).is_some_and(u8::is_ascii_lowercase);
        is_first || name[*i].is_ascii_uppercase() && (name[*i - 1].is_ascii_lowercase() || is_before_lower)
    };
    let start = (0..end).rev().find(begins).unwrap_or(end);
    (&name[..start], &name[start..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets_in_every_spelling() {
        for name in
            ["password", "DB_PASSWORD", "PGPASSWORD", "userPassword", "smtp.pass", "MYSQL_PWD", "password2", "SSHPASS"]
        {
            assert_eq!(names_secret(name.as_bytes()), Some(Kind::Password), "{name}");
        }
        for name in ["pwd", "pass_word", "password_hash", "wifiPsk", "seed_mnemonic"] {
            assert_eq!(names_secret(name.as_bytes()), Some(Kind::Password), "{name}");
        }
        for name in [
            "validationKey",
            "Ocp-Apim-Subscription-Key",
            "AUTH_SALT",
            "push_token",
            "clientSecret",
            "API-KEY",
            "apiKey",
            "AccountKey",
            "AWS_SECRET_ACCESS_KEY",
            "authToken",
            "PresharedKey",
            "secret_key_base",
        ] {
            assert_eq!(names_secret(name.as_bytes()), Some(Kind::Token), "{name}");
        }
    }

    #[test]
    fn names_that_only_sound_alike() {
        for name in [
            "PWD",
            "OLDPWD",
            "bypass",
            "compass",
            "key",
            "public_key",
            "primary_key",
            "password_file",
            "token_count",
            "tokens",
            "secretName",
            "monkey",
            "cache-key",
            "ssh_host_key",
            "",
        ] {
            assert_eq!(names_secret(name.as_bytes()), None, "{name}");
        }
    }
}
