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

/// What the value under `name` is, if the name says that it is a secret.
pub(super) fn names_secret(name: &str) -> Option<Kind> {
    if matches!(name, "PWD" | "OLDPWD") {
        return None;
    }
    let mut words = words(name);
    while words.len() > 1 && words.last().is_some_and(|word| QUALIFIERS.contains(&word.as_str())) {
        words.pop();
    }
    let last = words.last()?.as_str();
    let before = words.len().checked_sub(2).and_then(|i| words.get(i)).map_or("", String::as_str);
    let ends_as_password = PASSWORD_ENDS.iter().any(|end| last.ends_with(end)) && !NO_PASSWORDS.contains(&last);
    let is_split = words.ends_with(&["pass".to_owned(), "word".to_owned()]);
    let is_hashed = ["hash", "digest"].contains(&last) && PASSWORDS.contains(&before);
    if PASSWORDS.contains(&last) || ends_as_password || is_split || is_hashed {
        return Some(Kind::Password);
    }
    let is_cookie = last == "cookie" && ["erlang", "rabbitmq", "auth"].contains(&before);
    let is_code = last == "code" && ["recovery", "backup"].contains(&before);
    let is_token = is_cookie || is_code || TOKENS.contains(&last) || TOKEN_ENDS.iter().any(|end| last.ends_with(end));
    let is_key = last == "key" && KEY_OWNERS.contains(&before) && !is_database_word(before, &words);
    let is_base = words.ends_with(&["secret".to_owned(), "key".to_owned(), "base".to_owned()]);
    let is_phrase = last == "phrase" && ["seed", "recovery", "mnemonic", "secret", "pass"].contains(&before);
    if is_phrase {
        return Some(Kind::Password);
    }
    // `PublicKeyToken`, `public_token`: made to be shown.
    if words.iter().any(|word| matches!(word.as_str(), "public" | "publishable")) {
        return None;
    }
    let is_seed = last == "seed" && ["2fa", "totp", "otp", "mfa", "wallet", "secret", "master"].contains(&before);
    (is_token || is_key || is_base || is_seed).then_some(Kind::Token)
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
pub(super) fn names_key(name: &str) -> bool {
    let words = words(name);
    let Some((last, before)) = words.split_last() else { return false };
    last == "key" && !before.iter().any(|word| OPEN_KEYS.contains(&word.as_str()))
}

/// Whether the name is that of a number that opens something.
pub(super) fn names_pin(name: &str) -> bool {
    words(name).last().is_some_and(|last| last == "pin" || last == "pincode")
}

/// Whether the name is that of a cookie that holds a session.
pub(super) fn names_session(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    ["session", "sessionid", "session_id", "sid", "sessid"].iter().any(|end| lower.ends_with(end))
}

/// `primary_key` alone is a word of databases; `storage_primary_key` is a secret.
fn is_database_word(before: &str, words: &[String]) -> bool {
    before == "primary" && words.len() == 2
}

/// The words of a name in lower case, split at punctuation and at camel humps; a number at the end
/// (`password2`) counts for nothing.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut current = String::new();
    let chars: Vec<char> = name.trim_end_matches(|c: char| c.is_ascii_digit() || "_-.".contains(c)).chars().collect();
    for (i, &c) in chars.iter().enumerate() {
        let hump = c.is_ascii_uppercase()
            && i > 0
            && (chars[i - 1].is_ascii_lowercase() || chars.get(i + 1).is_some_and(char::is_ascii_lowercase));
        if (hump || !c.is_ascii_alphanumeric()) && !current.is_empty() {
            words.push(std::mem::take(&mut current));
        }
        if c.is_ascii_alphanumeric() {
            current.push(c.to_ascii_lowercase());
        }
    }
    if !current.is_empty() {
        words.push(current);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets_in_every_spelling() {
        for name in
            ["password", "DB_PASSWORD", "PGPASSWORD", "userPassword", "smtp.pass", "MYSQL_PWD", "password2", "SSHPASS"]
        {
            assert_eq!(names_secret(name), Some(Kind::Password), "{name}");
        }
        for name in ["pwd", "pass_word", "password_hash", "wifiPsk", "seed_mnemonic"] {
            assert_eq!(names_secret(name), Some(Kind::Password), "{name}");
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
            assert_eq!(names_secret(name), Some(Kind::Token), "{name}");
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
            assert_eq!(names_secret(name), None, "{name}");
        }
    }
}
