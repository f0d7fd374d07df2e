//! Finds the lines of private keys in a log. The masker sees an excerpt line by line and perhaps
//! only the middle of a key; here the lines before are known, so that such lines are never kept.

use memchr::memmem;

/// No key has more lines than this; a forgotten end must not hide a log.
const LONGEST: u32 = 200;

/// Remembers whether the lines that pass are inside a key.
#[derive(Default)]
pub struct Keys {
    /// Lines that may still belong to the key; zero outside.
    left: u32,
}

impl Keys {
    /// Whether `block` has to be looked at line by line.
    #[must_use]
    pub fn concern(&self, block: &[u8]) -> bool {
        self.left > 0 || memmem::find(block, b"PRIVATE KEY").is_some()
    }

    /// Whether the next line, `line`, is inside a key and not to be kept.
    pub fn inside(&mut self, line: &[u8]) -> bool {
        if memmem::find(line, b"-----BEGIN ").is_some_and(|at| memmem::find(&line[at..], b"PRIVATE KEY").is_some()) {
            self.left = LONGEST;
            return false;
        }
        let line = line.trim_ascii();
        self.left = if self.left > 0 && belongs(line) { self.left - 1 } else { 0 };
        self.left > 0
    }
}

/// Whether `line` can stand in a key: digits of base 64, one of its headers, or nothing.
fn belongs(line: &[u8]) -> bool {
    let header = [b"Proc-Type:".as_slice(), b"DEK-Info:", b"Version:", b"Comment:", b"Hash:", b"Charset:"];
    let digit = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=".contains(byte);
    line.iter().all(digit) || header.iter().any(|name| line.starts_with(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_lines_of_the_key_are_inside() {
        let begin = concat!("-----BEGIN RSA PRIV", "ATE KEY-----");
        let end = concat!("-----END RSA PRIV", "ATE KEY-----");
        let lines =
            ["before", begin, "Proc-Type: 4,ENCRYPTED", "", "MIIEabcd+/==", end, "after", begin, "no key line", "MIIE"];
        let mut keys = Keys::default();
        assert!(keys.concern(begin.as_bytes()) && !keys.concern(b"PUBLIC KEY"));
        let inside: Vec<bool> = lines.iter().map(|line| keys.inside(line.as_bytes())).collect();
        assert_eq!(inside, [false, false, true, true, true, false, false, false, false, false]);
    }
}
