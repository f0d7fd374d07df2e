//! Names that announce a secret: `DB_PASSWORD`, `clientSecret`, `api-key`. The same judgement is
//! used for assignments in text and for the keys of typed values.

/// What a name announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Something that a person may have chosen: digits or words can be the secret.
    Password,
    /// Something that a machine made: plain words after it are not the secret.
    Token,
}

const PASSWORDS: [&str; 37] = [
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
];
const TOKENS: [&str; 9] = ["secret", "token", "credential", "credentials", "apikey", "salt", "auth", "jwt", "pepper"];
/// Endings of names whose words are not set apart: `dbpassword`, `sshpass`, `accesstoken`.
const PASSWORD_ENDS: [&str; 8] = ["password", "passwd", "passphrase", "dbpwd", "pass", "userpw", "rootpw", "mailpwd"];
/// Words of the language that end in `pass`, and sudo's tag.
const NO_PASSWORDS: [&str; 8] =
    ["bypass", "compass", "encompass", "nopasswd", "overpass", "surpass", "trespass", "underpass"];
const TOKEN_ENDS: [&str; 11] = [
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
];
/// Words that make a secret of the `key` after them.
const KEY_OWNERS: [&str; 53] = [
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
];

/// Words behind a secret's name that say which one or in what writing: `DB_PASSWORD_PROD`.
const QUALIFIERS: [&str; 29] = [
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
];

/// What the value under `name` is, if the name says that it is a secret. The words are read from the
/// end, and mostly the last one says no: this is asked of every name that holds an announcing word.
pub(super) fn names_secret(name: &[u8]) -> Option<Kind> {
    if matches!(name, b"PWD" | b"OLDPWD") {
        return None;
    }
    let (mut rest, mut last) = last_word(without_number(name));
    while stands_in(&QUALIFIERS, last) && !last_word(rest).1.is_empty() {
        (rest, last) = last_word(rest);
    }
    let ends_as_password = has_end(&PASSWORD_ENDS, last) && !stands_in(&NO_PASSWORDS, last);
    if stands_in(&PASSWORDS, last) || ends_as_password {
        return Some(Kind::Password);
    }
    // `PublicKeyToken`, `public_token`: made to be shown.
    let is_open = |rest| is_any_word(rest, &["public", "publishable"]);
    if stands_in(&TOKENS, last) || has_end(&TOKEN_ENDS, last) {
        return (!is_open(rest)).then_some(Kind::Token);
    }
    of_two_words(rest, last)
}

/// Words before `key` that make it one for everybody, or one of data.
const OPEN_KEYS: [&str; 40] = [
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
];

/// Whether the name is that of a key, of nobody knows what.
pub(super) fn names_key(name: &[u8]) -> bool {
    let (rest, last) = last_word(without_number(name));
    last.eq_ignore_ascii_case(b"key") && !is_any_word(rest, &OPEN_KEYS)
}

/// Whether the name is that of a number that opens something.
pub(super) fn names_pin(name: &[u8]) -> bool {
    stands_in(&["pin", "pincode"], last_word(without_number(name)).1)
}

/// Whether the name is that of a cookie that holds a session.
pub(super) fn names_session(name: &[u8]) -> bool {
    has_end(&["session", "sessionid", "session_id", "sid", "sessid"], name)
}

/// Without the number at the end, which counts for nothing: `password2`.
fn without_number(name: &[u8]) -> &[u8] {
    &name[..name.iter().rposition(|b| !b.is_ascii_digit() && !b"_-.".contains(b)).map_or(0, |i| i + 1)]
}

/// Whether one of the words of a name is in `list`.
fn is_any_word(mut name: &[u8], list: &[&str]) -> bool {
    loop {
        let (rest, word) = last_word(name);
        if word.is_empty() || stands_in(list, word) {
            return !word.is_empty();
        }
        name = rest;
    }
}

/// The same of a name whose last word alone says nothing: `pass_word`, `api_key`, `secret_key_base`.
fn of_two_words(rest: &[u8], last: &[u8]) -> Option<Kind> {
    let is = |word: &str| last.eq_ignore_ascii_case(word.as_bytes());
    let (rest, before) = last_word(rest);
    let follows = |words: &[&str]| stands_in(words, before);
    if is("word") && follows(&["pass"])
        || (is("hash") || is("digest")) && follows(&PASSWORDS)
        || is("phrase") && follows(&["seed", "recovery", "mnemonic", "secret", "pass"])
    {
        return Some(Kind::Password);
    }
    // `primary_key` alone is a word of databases; `storage_primary_key` is a secret.
    let is_of_database = follows(&["primary"]) && last_word(rest).1.is_empty();
    let is_key = is("key") && follows(&KEY_OWNERS) && !is_of_database;
    let is_base = is("base") && follows(&["key"]) && stands_in(&["secret"], last_word(rest).1);
    let is_seed = is("seed") && follows(&["2fa", "totp", "otp", "mfa", "wallet", "secret", "master"]);
    let is_cookie = is("cookie") && follows(&["erlang", "rabbitmq", "auth"]);
    let is_code = is("code") && follows(&["recovery", "backup"]);
    (is_key || is_base || is_seed || is_cookie || is_code).then_some(Kind::Token)
}

fn stands_in(list: &[&str], word: &[u8]) -> bool {
    list.iter().any(|one| one.as_bytes().eq_ignore_ascii_case(word))
}

fn has_end(list: &[&str], word: &[u8]) -> bool {
    let ends =
        |end: &&str| word.len() >= end.len() && word[word.len() - end.len()..].eq_ignore_ascii_case(end.as_bytes());
    list.iter().any(ends)
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
