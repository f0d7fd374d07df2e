//! The values of a Kubernetes Secret, in YAML or JSON: everything under `data` and `stringData` is a
//! secret whatever its name. Only reads text; whether it is one document of several is told by `---`.

use std::ops::Range;

/// How far from `kind: Secret` its values are looked for.
const REACH: usize = 12 << 10;

/// The values of the manifest that the word at `hit` (`kind: Secret`) stands in.
pub(super) fn values(text: &[u8], hit: usize) -> Vec<Range<usize>> {
    let rest = &text[hit..text.len().min(hit + 24)];
    let after = rest.strip_prefix(b"kind").map(|r| r.trim_ascii_start()).unwrap_or_default();
    let after = after.strip_prefix(b"\"").unwrap_or(after).trim_ascii_start();
    let Some(name) = after.strip_prefix(b":") else { return Vec::new() };
    let name = name.trim_ascii_start();
    let name = name.strip_prefix(b"\"").unwrap_or(name);
    let is_secret =
        text.len() >= hit + 12 && name.starts_with(b"Secret") && !name.get(6).is_some_and(u8::is_ascii_alphabetic);
    if !is_secret {
        return Vec::new();
    }
    // From the manifest before to the one after, so that many of them cost one look in all.
    let marks = [&b"\n---"[..], &text[hit..hit + 12]];
    let from = hit.saturating_sub(REACH);
    let from = marks.iter().filter_map(|m| memchr::memmem::rfind(&text[from..hit], m)).max().map_or(from, |i| from + i);
    let to = text.len().min(hit + REACH);
    let next = |m: &&[u8]| memchr::memmem::find(&text[hit + 1..to], m);
    let to = marks.iter().filter_map(next).min().map_or(to, |i| hit + 1 + i);
    if text[hit..].starts_with(b"kind\"") { json(text, from..to) } else { yaml(text, from..to) }
}

/// Names whose values say where, not what.
fn is_open(name: &[u8]) -> bool {
    const OPEN: [&[u8]; 14] = [
        b"user",
        b"username",
        b"host",
        b"hostname",
        b"port",
        b"database",
        b"dbname",
        b"ca.crt",
        b"tls.crt",
        b"namespace",
        b"region",
        b"endpoint",
        b"email",
        b"url",
    ];
    OPEN.contains(&name.to_ascii_lowercase().as_slice())
}

/// The lines under `data:` and `stringData:`.
fn yaml(text: &[u8], document: Range<usize>) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let (mut at, mut under, mut block) = (document.start, None, None::<(usize, usize)>);
    for line in text[document].split_inclusive(|b| *b == b'\n') {
        let start = at;
        at += line.len();
        let depth = line.iter().take_while(|b| **b == b' ').count();
        let content = line[depth..].trim_ascii_end();
        if content.is_empty() || content.starts_with(b"#") {
            continue;
        }
        if let Some((deeper, from)) = block {
            if depth > deeper {
                let from = if from == 0 { start + depth } else { from };
                block = Some((deeper, from));
                let end = start + depth + content.len();
                match found.last_mut() {
                    Some(Range { start, end: old }) if *start == from => *old = end,
                    _ => found.push(from..end),
                }
                continue;
            }
            block = None;
        }
        if content == b"data:" || content == b"stringData:" {
            under = Some(depth);
            continue;
        }
        let Some(parent) = under else { continue };
        if depth <= parent {
            under = None;
            continue;
        }
        let Some(colon) =
            memchr::memmem::find(content, b": ").or_else(|| content.ends_with(b":").then_some(content.len() - 1))
        else {
            continue;
        };
        let name = content[..colon].trim_ascii();
        let value = content.get(colon + 1..).unwrap_or_default();
        let blanks = value.iter().take_while(|b| **b == b' ').count();
        let value = &value[blanks..];
        if is_open(name) {
            continue;
        }
        if matches!(value.first(), Some(b'|' | b'>')) {
            block = Some((depth, 0));
            continue;
        }
        let from = start + depth + colon + 1 + blanks;
        let quoted = usize::from(value.len() >= 2 && matches!(value[0], b'"' | b'\'') && value.last() == value.first());
        found.push(from + quoted..from + value.len() - quoted);
    }
    found.retain(|value| value.len() >= 4);
    found
}

/// The texts of the objects under `"data"` and `"stringData"`.
fn json(text: &[u8], document: Range<usize>) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for name in [&b"\"data\""[..], b"\"stringData\""] {
        let seen = &text[document.clone()];
        for at in memchr::memmem::find_iter(seen, name) {
            let body = &seen[at + name.len()..];
            let Some(open) = body.iter().take(8).position(|b| *b == b'{') else { continue };
            let end = memchr::memchr(b'}', body).unwrap_or(body.len());
            let base = document.start + at + name.len();
            let mut quotes = memchr::memchr_iter(b'"', body.get(open..end).unwrap_or_default()).map(|i| open + i);
            while let (Some(a), Some(b), Some(c), Some(d)) =
                (quotes.next(), quotes.next(), quotes.next(), quotes.next())
            {
                if !is_open(&body[a + 1..b]) && d - c > 4 {
                    found.push(base + c + 1..base + d);
                }
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(text: &str) -> Vec<&str> {
        let hit = text.find("kind").unwrap();
        values(text.as_bytes(), hit).into_iter().map(|value| &text[value]).collect()
    }

    #[test]
    fn every_value_of_a_secret_is_read() {
        assert_eq!(
            seen(
                "a: 1\n---\nkind: Secret\ndata:\n  username: YXBw\n  any: c2VjcmV0\n  k: \"cXVvdGVk\"\ntype: Opaque\n---\ndata:\n  b: eA==\n"
            ),
            ["c2VjcmV0", "cXVvdGVk"]
        );
        assert_eq!(
            seen("stringData:\n  cfg: |\n    one\n\n    two\n  p: four\nkind: Secret\n"),
            ["one\n\n    two", "four"]
        );
        assert_eq!(
            seen("{\"kind\": \"Secret\", \"data\": {\"p\": \"c2VjcmV0\", \"q\": \"b3RoZXI=\"}}"),
            ["c2VjcmV0", "b3RoZXI="]
        );
        assert!(seen("kind: ConfigMap\ndata:\n  any: c2VjcmV0\n").is_empty());
        assert!(seen("kind: SecretStore\ndata:\n  any: c2VjcmV0\n").is_empty());
    }
}
