//! What passwords are called in other languages. A name of letters beyond ASCII is no name of code:
//! it is taken as it stands, without what is written around it.

use std::ops::Range;

use super::keys::Kind;

/// Words for a password, in lower case, of several languages.
const PASSWORDS: [&str; 34] = [
    "mot de passe",
    "contraseña",
    "palavra-passe",
    "пароль",
    "hasło",
    "parola",
    "parolă",
    "lösenord",
    "passord",
    "adgangskode",
    "salasana",
    "heslo",
    "jelszó",
    "lozinka",
    "geslo",
    "şifre",
    "sifre",
    "パスワード",
    "密码",
    "密碼",
    "口令",
    "비밀번호",
    "암호",
    "κωδικός πρόσβασης",
    "סיסמה",
    "كلمة المرور",
    "كلمة السر",
    "mật khẩu",
    "kata sandi",
    "slaptažodis",
    "parool",
    "lykilorð",
    "seed phrase",
    "recovery phrase",
];

/// Words for a key that a machine made.
const KEYS: [&str; 4] = ["schlüssel", "密钥", "秘密鍵", "clé api"];

/// What a name in another language announces.
pub(super) fn names(name: &str) -> Option<Kind> {
    let lower = name.trim().to_lowercase();
    if PASSWORDS.contains(&lower.as_str()) {
        return Some(Kind::Password);
    }
    KEYS.iter().any(|key| lower == *key).then_some(Kind::Token)
}

/// The name at `hit` of `word` bytes, which is one of another language, when it stands there as a whole.
pub(super) fn at(text: &[u8], hit: usize, word: usize) -> Option<Range<usize>> {
    let range = hit..hit + word;
    let is_open = |b: Option<&u8>| b.is_none_or(|b| !b.is_ascii_alphanumeric() && *b != b'_');
    let is_whole = !text.get(range.clone())?.is_ascii()
        || is_open(hit.checked_sub(1).and_then(|i| text.get(i))) && is_open(text.get(range.end));
    is_whole.then_some(range)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_other_languages_are_known() {
        for name in ["Пароль", "Contraseña", "Mot de passe", "パスワード", "Hasło", "şifre"] {
            assert_eq!(names(name), Some(Kind::Password), "{name}");
        }
        assert_eq!(names("Parolen"), None);
        assert!(at("le mot de passe est".as_bytes(), 3, 12).is_some() && names("mot de passe").is_some());
        assert!(at("parolable".as_bytes(), 0, 6).is_none());
    }
}
