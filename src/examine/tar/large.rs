//! Files of large objects against the lists that name them. Both can have millions of lines, so a
//! sum over their names is kept instead of the names, and the names of the first few.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use crate::examine::stream::Stream;

/// Names that are kept to say which one is missing.
const KEPT: usize = 10_000;
/// A line of a list is a number and a file name.
const LONGEST_LINE: usize = 300;

/// A set of names of which only its size and a sum are sure.
#[derive(Default)]
pub(super) struct NameSet {
    count: u64,
    sum: u64,
    names: BTreeSet<String>,
}

impl NameSet {
    /// Adds a name.
    pub(super) fn add(&mut self, name: &str) {
        let mut hasher = DefaultHasher::new();
        name.hash(&mut hasher);
        self.sum = self.sum.wrapping_add(hasher.finish());
        self.count += 1;
        if self.names.len() < KEPT {
            self.names.insert(name.to_owned());
        }
    }

    /// Names in the set.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// Whether both sets have the same names.
    pub(super) fn equals(&self, other: &NameSet) -> bool {
        (self.count, self.sum) == (other.count, other.sum)
    }

    /// A name of this set that the other one lacks, when it was kept.
    pub(super) fn not_in(&self, other: &NameSet) -> Option<&String> {
        self.names.iter().find(|name| !other.names.contains(*name))
    }
}

/// Reads a list of large objects: `NUMBER FILE` on each line. False when a line has another form.
pub(super) fn read_list(stream: &mut Stream<'_>, names: &mut NameSet) -> bool {
    let mut line = Vec::new();
    while let Some(piece) = stream.next() {
        for &byte in piece.iter() {
            if byte != b'\n' {
                line.push(byte);
                if line.len() > LONGEST_LINE {
                    return false;
                }
                continue;
            }
            let Some(name) = file_of(&line) else { return false };
            names.add(bare(name));
            line.clear();
        }
    }
    line.is_empty()
}

/// The file that a line names.
fn file_of(line: &[u8]) -> Option<&str> {
    let (number, name) = std::str::from_utf8(line).ok()?.split_once(' ')?;
    let is_number = !number.is_empty() && number.len() <= 10 && number.bytes().all(|byte| byte.is_ascii_digit());
    let belongs = name.strip_prefix("blob_")?.split('.').next()? == number;
    (is_number && belongs).then_some(name)
}

/// A file name without the ending of its compression, which a list may lack.
pub(super) fn bare(file: &str) -> &str {
    [".gz", ".zst", ".lz4"].into_iter().find_map(|end| file.strip_suffix(end)).unwrap_or(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_names_the_file_of_its_number() {
        assert_eq!(file_of(b"16385 blob_16385.dat"), Some("blob_16385.dat"));
        assert_eq!(file_of(b"16385 blob_16386.dat"), None);
        assert_eq!(file_of(b"blob_16385.dat"), None);
    }

    #[test]
    fn sets_are_equal_in_any_order_and_the_missing_name_is_known() {
        let (mut one, mut other) = (NameSet::default(), NameSet::default());
        ["a", "b"].into_iter().for_each(|name| one.add(name));
        other.add("b");
        assert!(!one.equals(&other));
        assert_eq!(one.not_in(&other).map(String::as_str), Some("a"));
        other.add("a");
        assert!(one.equals(&other));
    }
}
