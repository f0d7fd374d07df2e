//! Tells words from noise by the letters that stand beside each other, and knows the words that
//! describe a secret instead of being one. Looks at nothing but the letters.

use std::collections::HashSet;
use std::sync::LazyLock;

/// For each letter, which letters often follow it in words of English and of code: bit 0 is `a`.
/// Counted over 105,000 distinct words; a pair that makes up less than one in 2,000 is rare.
const OFTEN: [u32; 26] = [
    0x01be_bd6f,
    0x0116_4b3f,
    0x011e_ddbf,
    0x005e_f93f,
    0x01ff_f9ff,
    0x001e_693f,
    0x001e_6991,
    0x000e_4119,
    0x02ae_f87f,
    0x0000_0010,
    0x0004_0111,
    0x011c_c93f,
    0x001c_f91f,
    0x003e_fd7f,
    0x007e_fd6f,
    0x017e_f9bf,
    0x0010_0000,
    0x013e_fd7f,
    0x035e_fdfd,
    0x015e_f9bf,
    0x000e_b93f,
    0x0004_4111,
    0x0006_6111,
    0x0008_8114,
    0x000c_b000,
    0x0000_0010,
];

fn is_rare(first: u8, second: u8) -> bool {
    OFTEN[usize::from(first - b'a')] >> (second - b'a') & 1 == 0
}

/// Whether `letters` read as words: few rare pairs within the humps of a name, and
/// humps of a fair length.
pub(super) fn reads_as_words(letters: &[u8]) -> bool {
    if letters.len() <= 3 {
        return true;
    }
    let (mut pairs, mut rare, mut humps) = (0, 0, 1);
    for i in 1..letters.len() {
        let (before, here) = (letters[i - 1], letters[i]);
        let next_is_lower = letters.get(i + 1).is_some_and(u8::is_ascii_lowercase);
        let is_hump = here.is_ascii_uppercase() && (before.is_ascii_lowercase() || next_is_lower);
        if is_hump || !before.is_ascii_alphabetic() || !here.is_ascii_alphabetic() {
            humps += usize::from(is_hump);
            continue;
        }
        pairs += 1;
        rare += usize::from(is_rare(before.to_ascii_lowercase(), here.to_ascii_lowercase()));
    }
    let has_vowel = letters.iter().any(|b| b"aeiouyAEIOUY".contains(b));
    let is_noise = rare >= 2 && rare * 3 >= pairs || humps >= 4 && humps * 3 > letters.len();
    !is_noise && (has_vowel || letters.len() <= 5)
}

/// Words that say what belongs in a place, what became of it, of what type it is or in which
/// variable it stands: no secret when they are the whole value.
static DESCRIBING: Words = Words::new(|| {
    words(
        " accepted access account admins after again allow allowed always anything apikey args argument \
    array auth authentication basic bearer before binary blank blob body bool boolean buffer byte bytes cannot char \
    characters checked chr class clear cleartext code config confirm context cookie create created creds \
    credential credentials current custom data database date decimal decoded default defaults denied deprecated \
    description dict digest disable disabled double email empty enable enabled encoded encrypted entered entry env \
    environment error exists expired external failed failure false field fields file filtered find first float flag \
    forgot form format forgotten from func function generate generated getpass given global group hash hashed header \
    hidden hint host html ignore ignored implicit incorrect inherit init input insert instead integer interactive \
    internal into invalid item keychain keyring kennwort label last len length letters list load local login long \
    manual mandatory masked match matches minimum mismatch missing mixed model modified module must name never newpassword \
    node none normal null number object only opaque option optional options other output param parameter params parola \
    parole partial passcode passed passphrase passwd password passwords passwort path pending permanent placeholder plain plaintext \
    please policy present private profile prompt prop props protected provided public query random read readonly \
    redacted redis reference regexp rejected remove removed replace request required reset response result return \
    role root salt same sample saved schema scope script secret secrets secure self senha sensitive sent server session set settings \
    short should show simple size some source static status stdin stored strict string strings strong struct success \
    symbol system tbd temp template temporary test text that then this token tokens tuple type types unchanged undefined \
    union unknown unset unused update updated used user username users uuid valid validate value values varchar variable \
    vault verified verify void wachtwoord warn weak when where will with without word wrong yourpassword ",
    )
});

/// Words of sentences: a text with one of them between other words is no passphrase.
static OF_SENTENCES: Words = Words::new(|| {
    words(
        " a an and are as at be by can de for from has have if in is it least may must new no not of on or \
    our please should that the this to use was will with you your bitte nicht siehe ist der die das und oder im mit ein \
    eine wird voir dans le la les est ne pas por favor en el los se see ask via wird vom beim zum zur ",
    )
});

/// A list of words, in lower case.
pub(super) type Words = LazyLock<HashSet<&'static str>>;

/// The words of `list`, which blanks set apart.
pub(super) fn words(list: &'static str) -> HashSet<&'static str> {
    list.split(' ').filter(|word| !word.is_empty()).collect()
}

/// Whether the whole value only describes: `required`, `String!`, `text | null`.
pub(super) fn describes(value: &[u8]) -> bool {
    if value.len() > 48 {
        return false;
    }
    let Ok(text) = std::str::from_utf8(value) else { return false };
    let lower = text.to_ascii_lowercase();
    let mut words = lower.split(|c: char| !c.is_ascii_alphabetic()).filter(|word| !word.is_empty()).peekable();
    let is_plain = lower.bytes().all(|b| b.is_ascii_alphabetic() || b" _-!?|()[]<>:;.,*&'\"".contains(&b));
    is_plain && words.peek().is_some() && words.all(|word| DESCRIBING.contains(word) || OF_SENTENCES.contains(word))
}

/// Whether it is three or more lower-case words that make no sentence: a passphrase.
pub(super) fn is_passphrase(value: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(value) else { return false };
    let is_word = |word: &&str| word.bytes().any(|b| b.is_ascii_alphabetic());
    let words: Vec<&str> = text.split_whitespace().filter(is_word).collect();
    let trimmed = |word: &str| word.trim_matches(|c: char| !c.is_ascii_alphanumeric()).to_owned();
    let is_fit = |word: &str| {
        let word = trimmed(word);
        word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
            && !DESCRIBING.contains(word.as_str())
            && !OF_SENTENCES.contains(word.as_str())
    };
    words.len() >= 3 && text.len() < 200 && words.iter().all(|word| is_fit(word))
}

/// Whether a value in quotes or in a file of settings, letters only, may be a password that a person
/// chose: one lower-case word, several run together, three or more with `-` between.
pub(super) fn may_be_chosen(value: &[u8]) -> bool {
    if describes(value) || !(5..=40).contains(&value.len()) {
        return false;
    }
    let is_lower = value.iter().all(u8::is_ascii_lowercase);
    let humps = value.windows(2).filter(|w| w[0].is_ascii_lowercase() && w[1].is_ascii_uppercase()).count();
    let is_camel = humps > 0 && value.iter().all(u8::is_ascii_alphabetic);
    let fit = |part: &[u8]| {
        part.len() >= 3
            && part.iter().all(u8::is_ascii_lowercase)
            && std::str::from_utf8(part).is_ok_and(|part| !DESCRIBING.contains(part) && !OF_SENTENCES.contains(part))
    };
    let is_joined = value.contains(&b'-')
        && value.split(|b| *b == b'-').all(fit)
        && value.iter().all(|b| b.is_ascii_lowercase() || *b == b'-');
    let names_a_part = |word: &str| {
        let lower = value.to_ascii_lowercase();
        memchr::memmem::find(&lower, word.as_bytes()).is_some()
    };
    let is_a_place = ["field", "input", "label", "error", "secret-", "-secret", "credential", "getpass", "prompt"]
        .iter()
        .any(|word| names_a_part(word));
    (is_lower || is_camel || is_joined) && !is_a_place
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_of_words_and_noise_differ() {
        for word in
            ["thunder", "sunshine", "getAccessToken", "RocketCastle", "lantern", "CancellationToken", "swordfish"]
        {
            assert!(reads_as_words(word.as_bytes()), "{word}");
        }
        for noise in ["GhIDGSyaKsRc", "QoHFEWDWUpLl", "tbyhzohikgxmqabf", "lkmerwqhhjmvhgme", "xkqzvbnwpt"] {
            assert!(!reads_as_words(noise.as_bytes()), "{noise}");
        }
    }

    #[test]
    fn what_describes_is_no_choice() {
        for value in ["required", "string", "String!", "string | null", "not set", "the user", "Passwort", "text"] {
            assert!(describes(value.as_bytes()), "{value}");
            assert!(!may_be_chosen(value.as_bytes()), "{value}");
        }
        for value in ["swordfish", "roboMongoPass", "correct-horse-battery", "salesforcepassword"] {
            assert!(may_be_chosen(value.as_bytes()), "{value}");
        }
        for value in ["Heslo", "current-password", "passwordField", "CHANGE", "abcd"] {
            assert!(!may_be_chosen(value.as_bytes()), "{value}");
        }
        assert!(is_passphrase(b"rocket castle pirate staple") && is_passphrase(b"purple: dragon # lantern"));
        assert!(!is_passphrase(b"enter your password here") && !is_passphrase(b"Das Kennwort fehlt"));
    }
}
