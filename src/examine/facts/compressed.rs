//! What was found in the compressed layer of a backup: gzip, zstd and LZ4.
//!
//! The three have the same shape: whether the stream is whole, what it consists of, and the damage
//! when there is any. `valid` is about the container only; an empty stream can be valid.

use serde::Serialize;

/// One gzip stream of one or more members.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Gzip {
    /// Every member is whole, its CRC and length agree, and nothing but zeros follows.
    /// An empty stream is valid: look at `payload_bytes` too.
    pub valid: bool,
    /// Members that are whole.
    pub members: u64,
    /// Whole members that hold no byte.
    pub empty_members: u64,
    /// Bytes after the last member that are not gzip.
    pub trailing_bytes: u64,
    /// Zero bytes after the last member, as tapes and block devices pad.
    pub trailing_zeros: u64,
    /// The length that the last whole member's trailer states: the true one modulo 2^32.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_isize: Option<u32>,
    /// The file name in the first member's header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The time in the first member's header, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mtime: Option<u32>,
    /// What is wrong, when something is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub damage: Option<GzipDamage>,
    /// The number of the member with the damage, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub damaged_member: Option<u64>,
}

/// What can be wrong with a gzip stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GzipDamage {
    /// The input ends inside a member's header.
    TruncatedHeader,
    /// The input ends inside compressed data.
    TruncatedBody,
    /// The data is complete, the trailer behind it is cut.
    TruncatedTrailer,
    /// A header with a wrong method, reserved flags or a wrong header checksum.
    BadHeader,
    /// Compressed data that cannot be decoded.
    BadData,
    /// The data disagrees with its CRC.
    WrongCrc,
    /// The CRC agrees, the stated length does not.
    WrongIsize,
    /// Bytes that are not gzip follow the last member.
    TrailingGarbage,
}

/// One zstd stream of one or more frames.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Zstd {
    /// Every frame is whole and nothing follows.
    pub valid: bool,
    /// Frames that are whole.
    pub frames: u64,
    /// Frames that hold metadata and no payload.
    pub skippable_frames: u64,
    /// Whole frames that carry a checksum of their content.
    pub frames_with_checksum: u64,
    /// Bytes after the last frame that are not zstd.
    pub trailing_bytes: u64,
    /// What is wrong, when something is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub damage: Option<ZstdDamage>,
}

/// What can be wrong with a zstd stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ZstdDamage {
    /// The input ends inside a frame.
    Truncated,
    /// Data that cannot be decoded.
    BadData,
    /// The content disagrees with its checksum.
    WrongChecksum,
    /// The frame needs a larger window than is allowed here.
    WindowTooLarge,
    /// Bytes that are not zstd follow the last frame.
    TrailingGarbage,
}

/// One LZ4 stream of one or more frames.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Lz4 {
    /// Every frame is whole and nothing follows.
    pub valid: bool,
    /// Frames that are whole.
    pub frames: u64,
    /// Frames that hold metadata and no payload.
    pub skippable_frames: u64,
    /// Whole frames that carry a checksum of their content or of their blocks.
    pub frames_with_checksum: u64,
    /// Bytes after the last frame that are not LZ4.
    pub trailing_bytes: u64,
    /// What is wrong, when something is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub damage: Option<Lz4Damage>,
}

/// What can be wrong with an LZ4 stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Lz4Damage {
    /// The input ends inside a frame.
    Truncated,
    /// Data that cannot be decoded.
    BadData,
    /// A header, a block or the content disagrees with its checksum.
    WrongChecksum,
    /// The frame needs a dictionary.
    DictionaryNeeded,
    /// A frame of the old form, which has no end mark and cannot be opened here.
    Legacy,
    /// Bytes that are not LZ4 follow the last frame.
    TrailingGarbage,
}
