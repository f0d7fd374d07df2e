//! The only source of randomness: marks that outside data cannot guess.

use std::fs::File;
use std::io::{self, Read};

use super::text;

/// 32 hexadecimal digits (128 bits) from the kernel.
///
/// # Errors
/// When the kernel's generator cannot be read.
#[expect(clippy::disallowed_methods, reason = "the generator is a device, which base::files refuses to open")]
pub fn hex() -> io::Result<String> {
    let mut bytes = [0; 16];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(text::hex(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_long_and_never_the_same() {
        let (one, two) = (hex().unwrap(), hex().unwrap());
        assert_eq!(one.len(), 32);
        assert_ne!(one, two);
    }
}
