//! What bytes are, by their first few hundred.

use super::facts::Kind;

/// How many bytes a decision may look at: a tar header is one block.
pub(super) const LOOK: usize = 512;

/// How many bytes have to look like text.
const TEXT: usize = 64;

/// What a stream that begins like this is. Text is decided further on, by what it says.
pub(super) fn of(head: &[u8]) -> Kind {
    const MAGICS: &[(&[u8], Kind)] = &[
        (b"\x1f\x8b", Kind::Gzip),
        (b"\x28\xb5\x2f\xfd", Kind::Zstd),
        (b"PGDMP", Kind::PgCustom),
        (b"BZh", Kind::Bzip2),
        (b"\xfd7zXZ\0", Kind::Xz),
        (&super::lz4::MAGIC, Kind::Lz4),
        (b"PK\x03\x04", Kind::Zip),
        (b"7z\xbc\xaf\x27\x1c", Kind::SevenZip),
        (b"SQLite format 3\0", Kind::Sqlite),
        (&super::lz4::LEGACY, Kind::Lz4),
        (b"\xff\xfe", Kind::Utf16Text),
        (b"\xfe\xff", Kind::Utf16Text),
    ];
    if head.is_empty() {
        return Kind::Empty;
    }
    if let Some((_, kind)) = MAGICS.iter().find(|(magic, _)| head.starts_with(magic)) {
        return *kind;
    }
    if is_skippable_frame(head) {
        return Kind::Zstd;
    }
    if super::encrypted::is_encrypted(head) {
        return Kind::Encrypted;
    }
    if super::tar::is_header(head) {
        return Kind::Tar;
    }
    if is_text(head) { Kind::UnknownText } else { Kind::Unknown }
}

/// zstd streams may begin with a frame of metadata.
fn is_skippable_frame(head: &[u8]) -> bool {
    matches!(head, [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..])
}

/// Begins without a byte that text does not have. Bytes above 127 are text in some encoding, and
/// what a broken disk put further behind must not hide that this was a dump.
fn is_text(head: &[u8]) -> bool {
    head.iter()
        .take(TEXT)
        .all(|&byte| byte >= 0x20 && byte != 0x7f || matches!(byte, b'\t' | b'\n' | b'\r' | 0x0c | 0x1b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_by_content() {
        assert_eq!(of(b""), Kind::Empty);
        assert_eq!(of(b"\x1f\x8b\x08"), Kind::Gzip);
        assert_eq!(of(b"\x5a\x2a\x4d\x18...."), Kind::Zstd);
        assert_eq!(of(b"PGDMP\x01\x0e"), Kind::PgCustom);
        assert_eq!(of("-- Größe\n".as_bytes()), Kind::UnknownText);
        assert_eq!(of(b"\0\0\0\0"), Kind::Unknown);
        assert_eq!(of(b"\x1f"), Kind::Unknown);
    }
}
