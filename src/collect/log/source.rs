//! The bytes of a log as it was when it was opened: lines that are appended meanwhile are not read,
//! and compressed logs are told by their content.

use std::fs::{File, Metadata};
use std::io::{self, BufReader, Read};
use std::os::unix::fs::MetadataExt;

use crate::base::digest::{Digest, Hasher};

use super::super::Progress;

const BLOCK: usize = 256 * 1024;

/// Reads a file up to the size that it had when it was opened, and hashes what it gives.
pub struct Stored<'a> {
    file: File,
    /// What was read to tell the kind, and is still to be given.
    peeked: Vec<u8>,
    left: u64,
    read: u64,
    hasher: Hasher,
    told: &'a dyn Progress,
}

/// How the content is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Container {
    /// Not at all.
    Plain,
    /// gzip, one or more members.
    Gzip,
    /// zstd, one or more frames.
    Zstd,
}

impl Container {
    /// The word for facts.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }
}

/// What became of the file while it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Nothing.
    Same,
    /// It only grew, as logs do.
    Grew,
    /// It was cut or written anew.
    Changed,
}

impl<'a> Stored<'a> {
    /// Begins to read `file`, and says what it holds.
    ///
    /// # Errors
    /// When its first bytes cannot be read.
    pub fn new(file: File, before: &Metadata, told: &'a dyn Progress) -> io::Result<(Self, Container)> {
        let hasher = Hasher::default();
        let mut stored = Self { file, peeked: Vec::new(), left: before.len(), read: 0, hasher, told };
        let mut first = Vec::new();
        (&mut stored).take(4).read_to_end(&mut first)?;
        let container = match first.as_slice() {
            [0x1f, 0x8b, ..] => Container::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd] => Container::Zstd,
            _ => Container::Plain,
        };
        stored.peeked = first;
        Ok((stored, container))
    }

    /// A reader of the unpacked content.
    ///
    /// # Errors
    /// When the decoder cannot be made.
    pub fn unpack<'s>(&'s mut self, container: Container) -> io::Result<Box<dyn Read + 's>> {
        Ok(match container {
            Container::Plain => Box::new(self),
            Container::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(BufReader::with_capacity(BLOCK, self))),
            Container::Zstd => {
                Box::new(zstd::stream::read::Decoder::with_buffer(BufReader::with_capacity(BLOCK, self))?)
            }
        })
    }

    /// Reads what a decoder left, and gives the digest of the whole and what became of the file.
    ///
    /// # Errors
    /// When the file cannot be read or described.
    pub fn finish(mut self, before: &Metadata) -> io::Result<(Digest, Fate)> {
        io::copy(&mut self, &mut io::sink())?;
        let now = self.file.metadata()?;
        let same = (now.mtime(), now.mtime_nsec(), now.len()) == (before.mtime(), before.mtime_nsec(), before.len());
        let fate = match () {
            () if self.read < before.len() || now.len() < before.len() => Fate::Changed,
            () if same => Fate::Same,
            () if now.len() > before.len() => Fate::Grew,
            () => Fate::Changed,
        };
        Ok((self.hasher.finish(), fate))
    }
}

impl Read for Stored<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if !self.peeked.is_empty() {
            let count = self.peeked.len().min(buffer.len());
            buffer[..count].copy_from_slice(&self.peeked[..count]);
            self.peeked.drain(..count);
            return Ok(count);
        }
        let room = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let count = self.file.read(&mut buffer[..room])?;
        self.left -= count as u64;
        self.read += count as u64;
        self.hasher.update(&buffer[..count]);
        self.told.advance(count as u64);
        Ok(count)
    }
}
