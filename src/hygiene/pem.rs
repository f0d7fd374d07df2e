//! What can be proved about the body of a key block: whether it is key material at all, and whether it
//! decodes to what its marker promises. Nothing is parsed further than its first bytes.

use super::check::base64;
use super::rule::Confidence;

/// The confidence of a block with the line `marker` and `body`; `None` when the body is no material.
pub(super) fn weigh(marker: &[u8], body: &[u8], before: Confidence) -> Option<Confidence> {
    let text = material(body);
    if text.len() < 16 {
        return None;
    }
    let has = |word: &[u8]| memchr::memmem::find(marker, word).is_some();
    let sample = &text[..text.len().min(64) & !3];
    let Some(decoded) = base64(sample) else { return Some(Confidence::Medium) };
    let is_what_it_says = if has(b"OPENSSH") {
        decoded.starts_with(b"openssh-key-v1")
    } else if has(b"PGP") {
        decoded.first().is_some_and(|tag| tag & 0x80 != 0)
    } else if has(b"PRIVATE KEY") && !has(b"SSH2") {
        let is_encrypted = memchr::memmem::find(&body[..body.len().min(512)], b"DEK-Info").is_some();
        is_encrypted || matches!(decoded[..], [0x30, ..])
    } else {
        true
    };
    let is_dummy = super::weigh::is_dummy(&text[..text.len().min(400)]);
    match (is_dummy, is_what_it_says) {
        (true, _) => Some(Confidence::Low),
        (false, true) => Some(before),
        (false, false) => Some(before.min(Confidence::Medium)),
    }
}

/// The base64 of the body's lines, without headers, quotes, escapes and signs that join strings.
fn material(body: &[u8]) -> Vec<u8> {
    let lines = body.split(|b| *b == b'\n').flat_map(|line| Split { rest: line });
    let mut out = Vec::new();
    for line in lines {
        let line = line.trim_ascii();
        let run = line.split(|b| !(b.is_ascii_alphanumeric() || b"+/=".contains(b))).max_by_key(|run| run.len());
        let run = run.unwrap_or_default();
        let is_header = line.contains(&b':') && !line.starts_with(b"\"");
        let is_most = run.len() * 3 >= line.len() * 2 || run.len() >= 16;
        if !is_header && is_most && !run.starts_with(b"=") && (run.len() >= 16 || !out.is_empty()) {
            out.extend_from_slice(run);
        }
    }
    out
}

/// Pieces of a line between feeds written as `\\n`.
struct Split<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Split<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        let at = memchr::memmem::find(self.rest, b"\\n").unwrap_or(self.rest.len());
        let piece = &self.rest[..at];
        self.rest = self.rest.get(at + 2..).unwrap_or_default();
        Some(piece)
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::random;
    use super::*;

    #[test]
    fn a_body_that_decodes_is_sure_and_one_without_material_is_none() {
        let marker = |kind: &str| format!("-----BEGIN {kind}PRIVATE {}-----", "KEY");
        let weigh = |kind: &str, body: &str| weigh(marker(kind).as_bytes(), body.as_bytes(), Confidence::High);
        let noise = random("alnum", 62, &mut 7).unwrap();
        assert_eq!(weigh("RSA ", &format!("MI{noise}\n{noise}")), Some(Confidence::High));
        assert_eq!(weigh("RSA ", &format!("xx{noise}\n{noise}")), Some(Confidence::Medium));
        assert_eq!(weigh("", &format!("\\nMI{noise}\\n{noise}\\n")), Some(Confidence::High));
        assert_eq!(weigh("OPENSSH ", &format!("b3BlbnNzaC1rZXktdjE{noise}")), Some(Confidence::High));
        assert_eq!(weigh("RSA ", "\"\n_END = b\""), None);
        assert_eq!(weigh("RSA ", "...your key here..."), None);
        assert_eq!(weigh("RSA ", &"x".repeat(64)), Some(Confidence::Low));
    }
}
