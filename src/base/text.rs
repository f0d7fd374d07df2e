//! Text from outside, made harmless for a terminal, and suggestions for typing mistakes.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt;

/// Whether `c` may not reach a terminal or a record as it is: control characters (terminal
/// escapes), and the invisible characters that reorder text.
#[must_use]
pub fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// `text` with every unsafe character replaced by a visible escape such as `\x1b` or `\u{202e}`.
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_unsafe(c) && (c as u32) < 0x100 => {
                let _ = write!(out, "\\x{:02x}", c as u32);
            }
            c if is_unsafe(c) => {
                let _ = write!(out, "\\u{{{:x}}}", c as u32);
            }
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// `text` for XML, in an element or an attribute: it opens no tag and no entity, and characters that
/// are unsafe or that XML has not become U+FFFD.
#[must_use]
pub fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if is_unsafe(c) || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// `bytes` as text: what is not UTF-8 becomes a visible `\xNN`, so that nothing is dropped silently
/// and the byte can still be read.
#[must_use]
pub fn from_bytes(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(bytes.len() + 8);
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        for byte in chunk.invalid() {
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    Cow::Owned(out)
}

/// The beginning of `bytes`, at most `limit` of them, ending between words: half a secret would not be
/// recognised as one, and so a first word that is longer is not kept at all.
#[must_use]
pub fn shorten(bytes: &[u8], limit: usize) -> Cow<'_, [u8]> {
    if bytes.len() <= limit {
        return bytes.into();
    }
    match memchr::memrchr3(b' ', b'\t', b',', &bytes[..limit]).filter(|space| *space > 0) {
        Some(space) => bytes[..space].into(),
        None => format!("[one word of more than {limit} bytes, not kept]").into_bytes().into(),
    }
}

/// The same of a text.
#[must_use]
pub fn beginning(text: &str, limit: usize) -> Cow<'_, str> {
    if text.len() <= limit {
        return text.into();
    }
    String::from_utf8_lossy(&shorten(text.as_bytes(), limit)).into_owned().into()
}

/// A file name or path as text, by the rule of [`from_bytes`].
#[must_use]
pub fn from_name(name: &(impl AsRef<OsStr> + ?Sized)) -> Cow<'_, str> {
    from_bytes(name.as_ref().as_bytes())
}

/// The candidate that was probably meant by `typed`, if one is near enough.
#[must_use]
pub fn suggest<'a>(typed: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(typed, candidate), candidate))
        .filter(|(score, _)| *score > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

/// ` (did you mean …?)`, or nothing: the tail of an error about an unknown name.
#[must_use]
pub fn did_you_mean<'a>(typed: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    suggest(typed, candidates).map_or_else(String::new, |name| format!(" (did you mean `{name}`?)"))
}

/// `count` with the right form of `noun`: `1 file`, `2 files`.
#[must_use]
pub fn plural(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// `bytes` as hexadecimal digits, two for each.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// `word` as one word of a POSIX shell: as it is where nothing in it means anything to a shell, in
/// single quotes otherwise.
#[must_use]
pub fn shell_word(word: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:=,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return Cow::Borrowed(word);
    }
    Cow::Owned(format!("'{}'", word.replace('\'', "'\\''")))
}

/// `words` as a command line that a POSIX shell reads as exactly these words.
#[must_use]
pub fn shell_line<S: AsRef<str>>(words: &[S]) -> String {
    words.iter().map(|word| shell_word(word.as_ref())).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_half_of_a_secret_is_kept_where_a_line_is_shortened() {
        let secret = ["ghp", "_", &"16C7e42F292c6912E7".repeat(2)].concat();
        for limit in [400, 4096] {
            for before in limit - 30..limit {
                let one_word = format!("{}/{secret} end", "a".repeat(before));
                let kept = shorten(one_word.as_bytes(), limit).into_owned();
                assert_eq!(kept, format!("[one word of more than {limit} bytes, not kept]").as_bytes());
                let last_word = format!("begin {} {secret} end", "a".repeat(before - 8));
                assert!(!shorten(last_word.as_bytes(), limit).windows(3).any(|at| at == b"ghp"));
            }
            let fits = vec![b'a'; limit];
            assert_eq!(*shorten(&fits, limit), fits);
        }
    }

    #[test]
    fn terminal_escapes_become_visible() {
        assert_eq!(visible("a\u{1b}[31mb\u{202e}"), "a\\x1b[31mb\\u{202e}");
        assert!(matches!(visible("plain é"), Cow::Borrowed(_)));
    }

    #[test]
    fn bytes_that_are_no_text_stay_readable() {
        assert_eq!(from_bytes(b"a\xffb"), "a\\xffb");
        assert!(matches!(from_bytes("é".as_bytes()), Cow::Borrowed("é")));
    }

    #[test]
    fn a_pasted_word_stays_one_word() {
        assert_eq!(shell_word("/srv/a b"), "'/srv/a b'");
        assert_eq!(shell_word("it's"), "'it'\\''s'");
        assert_eq!(shell_word("/srv/x.gz"), "/srv/x.gz");
    }

    #[test]
    fn suggests_the_near_name_only() {
        assert_eq!(suggest("colect", ["collect", "check"]), Some("collect"));
        assert_eq!(suggest("zzz", ["collect", "check"]), None);
    }

    #[test]
    fn a_shell_reads_back_the_same_words() {
        assert_eq!(shell_line(&["a b", "it's", "plain-1.0", "$(x)", ""]), r"'a b' 'it'\''s' plain-1.0 '$(x)' ''");
        assert_eq!(hex(b"\x00\xfe"), "00fe");
    }
}
