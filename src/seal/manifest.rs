//! Lines of `manifest-sha256.txt` and `tagmanifest-sha256.txt`: written as `sha256sum` writes
//! them, and read more strictly than it does (lower-case digits, two spaces, sorted, unique, no
//! path that leaves the bag), so that one bundle has one manifest.

use std::collections::BTreeMap;

use crate::base::digest::Digest;
use crate::base::text;

use super::layout::is_safe_path;

/// The manifest of `entries`, sorted by path.
pub(super) fn write<'a>(entries: impl Iterator<Item = (&'a String, &'a Digest)>) -> String {
    entries.map(|(path, digest)| format!("{digest}  {path}\n")).collect()
}

/// A manifest as read, with what is wrong in it by line number (from 1).
#[derive(Default)]
pub(super) struct Manifest {
    /// Digests by path.
    pub(super) entries: BTreeMap<String, Digest>,
    /// Lines that are wrong, and why.
    pub(super) faults: Vec<(usize, Fault)>,
}

/// What is wrong with a line.
pub(super) enum Fault {
    /// It is not `digest`, two spaces, a plain path.
    Malformed(&'static str),
    /// The path stands twice.
    Duplicate(String),
    /// It does not follow the line before in byte order.
    Unsorted(String),
}

/// Reads a manifest; what cannot be read is a fault and the rest goes on.
pub(super) fn parse(bytes: &[u8]) -> Manifest {
    let mut manifest = Manifest::default();
    let mut last = String::new();
    for (index, line) in bytes.split_inclusive(|b| *b == b'\n').enumerate() {
        match parse_line(line) {
            Ok((digest, path)) => {
                if manifest.entries.insert(path.clone(), digest).is_some() {
                    manifest.faults.push((index + 1, Fault::Duplicate(path.clone())));
                } else if path < last {
                    manifest.faults.push((index + 1, Fault::Unsorted(path.clone())));
                }
                last = path;
            }
            Err(why) => manifest.faults.push((index + 1, Fault::Malformed(why))),
        }
    }
    manifest
}

fn parse_line(line: &[u8]) -> Result<(Digest, String), &'static str> {
    let line = line.strip_suffix(b"\n").ok_or("the line has no end")?;
    let line = std::str::from_utf8(line).map_err(|_| "not UTF-8")?;
    let (digits, path) = line.split_once("  ").ok_or("no two spaces between digest and path")?;
    let digest: Digest = digits.parse().map_err(|_| "no SHA-256 digest at the beginning")?;
    if digits.bytes().any(|b| b.is_ascii_uppercase()) {
        return Err("upper-case digits in the digest");
    }
    if !is_safe_path(path) {
        return Err("the path leaves the bag or has characters that bundles never have");
    }
    Ok((digest, path.to_owned()))
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Malformed(why) => f.write_str(why),
            Self::Duplicate(path) => write!(f, "lists {} twice", text::visible(path)),
            Self::Unsorted(path) => write!(f, "lists {} out of order", text::visible(path)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(text: &str) -> Vec<String> {
        parse(text.as_bytes()).faults.iter().map(|(line, fault)| format!("{line}: {fault}")).collect()
    }

    #[test]
    fn reads_back_what_it_wrote() {
        let entries = BTreeMap::from([("data/b".to_owned(), Digest::of(b"b")), ("data/a".to_owned(), Digest::of(b""))]);
        let manifest = parse(write(entries.iter()).as_bytes());
        assert!(manifest.faults.is_empty());
        assert_eq!(manifest.entries, entries);
    }

    #[test]
    fn names_every_wrong_line() {
        let d = Digest::of(b"");
        assert_eq!(faults(&format!("{d}  data/b\n{d}  data/a\n")), ["2: lists data/a out of order"]);
        assert_eq!(faults(&format!("{d}  data/b\n{d}  data/b\n")), ["2: lists data/b twice"]);
        assert!(faults(&format!("{d}  data/../../x\n"))[0].contains("leaves the bag"));
        assert!(faults(&format!("{d}  /etc/passwd\n"))[0].contains("leaves the bag"));
        assert!(faults(&format!("{}  data/a\n", d.to_string().to_uppercase()))[0].contains("upper-case"));
        assert!(faults(&format!("{d} *data/a\n"))[0].contains("two spaces"));
        assert!(faults(&format!("{d}  data/a"))[0].contains("no end"));
        assert!(faults("zz  data/a\n")[0].contains("no SHA-256"));
    }
}
