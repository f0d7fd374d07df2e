//! Opens what is packed: gzip, zstd, tar, zip, one within the other, to a depth and size that a
//! bomb cannot exceed. Everything is read once, in order; nothing is written.

use std::cell::Cell;
use std::io::{self, BufRead, BufReader, Cursor, Read};

/// What a file is packed as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// gzip, of several members perhaps.
    Gzip,
    /// zstd.
    Zstd,
    /// tar.
    Tar,
    /// zip, also jar, docx and their kin.
    Zip,
}

/// What `head`, the first 512 bytes or more, is the beginning of.
pub(super) fn kind(head: &[u8]) -> Option<Kind> {
    match head {
        [0x1f, 0x8b, 8, ..] => Some(Kind::Gzip),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Kind::Zstd),
        [b'P', b'K', 3, 4, ..] => Some(Kind::Zip),
        _ => (head.get(257..262) == Some(b"ustar")).then_some(Kind::Tar),
    }
}

/// How much may still be unpacked.
pub(super) struct Budget {
    left: Cell<u64>,
}

impl Budget {
    /// At most `bytes`.
    pub fn new(bytes: u64) -> Self {
        Self { left: Cell::new(bytes) }
    }
}

/// A reader that ends with an error when the budget is used up.
struct Metered<'a, R> {
    inner: R,
    budget: &'a Budget,
}

impl<R: Read> Read for Metered<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        match self.budget.left.get().checked_sub(n as u64) {
            Some(left) => self.budget.left.set(left),
            None => return Err(io::Error::other("more is packed than the expansion limit allows")),
        }
        Ok(n)
    }
}

/// What is done with each member that is not packed itself.
pub(super) type Each<'a> = dyn FnMut(&str, &mut dyn Read) -> io::Result<()> + 'a;

/// Opens `reader` to `depth` levels; what could not be read is noted in `left_out`.
pub(super) fn walk<'r>(
    reader: Box<dyn Read + 'r>,
    name: &str,
    depth: u32,
    budget: &Budget,
    each: &mut Each<'_>,
    left_out: &mut Vec<String>,
) {
    if let Err(error) = open(reader, name, depth, budget, each, left_out) {
        left_out.push(if name.is_empty() { error.to_string() } else { format!("{name}: {error}") });
    }
}

fn open<'r>(
    mut reader: Box<dyn Read + 'r>,
    name: &str,
    depth: u32,
    budget: &Budget,
    each: &mut Each<'_>,
    left_out: &mut Vec<String>,
) -> io::Result<()> {
    let mut head = Vec::new();
    reader.by_ref().take(512).read_to_end(&mut head)?;
    let packed = kind(&head);
    let mut whole: Box<dyn Read + 'r> = Box::new(Cursor::new(head).chain(reader));
    let Some(packed) = packed else { return each(name, &mut whole) };
    if depth == 0 {
        return Err(io::Error::other("packed deeper than the limit; unpack it and scan what is in it"));
    }
    match packed {
        Kind::Gzip => {
            let inner = flate2::read::MultiGzDecoder::new(BufReader::new(whole));
            open(Box::new(Metered { inner, budget }), name, depth - 1, budget, each, left_out)
        }
        Kind::Zstd => {
            let mut inner = zstd::stream::read::Decoder::new(whole)?;
            inner.window_log_max(25)?;
            open(Box::new(Metered { inner, budget }), name, depth - 1, budget, each, left_out)
        }
        Kind::Tar => tar(whole, name, depth, budget, each, left_out),
        Kind::Zip => zip(BufReader::new(whole), name, depth, budget, each, left_out),
    }
}

fn below(name: &str, member: &str) -> String {
    if name.is_empty() { member.to_owned() } else { format!("{name}!{member}") }
}

fn tar(
    reader: Box<dyn Read + '_>,
    name: &str,
    depth: u32,
    budget: &Budget,
    each: &mut Each<'_>,
    left_out: &mut Vec<String>,
) -> io::Result<()> {
    let mut archive = tar::Archive::new(reader);
    for entry in archive.entries()? {
        let entry = entry?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let member = below(name, &String::from_utf8_lossy(&entry.path_bytes()));
        walk(Box::new(entry), &member, depth - 1, budget, each, left_out);
    }
    Ok(())
}

/// Reads a zip file in order, by the headers before its members.
fn zip<R: BufRead>(
    mut reader: R,
    name: &str,
    depth: u32,
    budget: &Budget,
    each: &mut Each<'_>,
    left_out: &mut Vec<String>,
) -> io::Result<()> {
    loop {
        let mut header = [0; 30];
        if reader.read_exact(&mut header).is_err() || !header.starts_with(b"PK\x03\x04") {
            return Ok(());
        }
        let short = |at: usize| u64::from(u16::from_le_bytes([header[at], header[at + 1]]));
        let long =
            |at: usize| u64::from(u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]));
        let (flags, method, mut packed) = (short(6), short(8), long(18));
        let mut text = vec![0; short(26) as usize];
        reader.read_exact(&mut text)?;
        let mut extra = vec![0; short(28) as usize];
        reader.read_exact(&mut extra)?;
        if packed == u64::from(u32::MAX) {
            packed = zip64(&extra).unwrap_or(packed);
        }
        let member = below(name, &String::from_utf8_lossy(&text));
        let described_after = flags & 8 != 0 && packed == 0;
        match (flags & 1, method) {
            (0, 0) if !described_after => {
                let mut content = reader.by_ref().take(packed);
                walk(Box::new(&mut content), &member, depth - 1, budget, each, left_out);
                io::copy(&mut content, &mut io::sink())?;
            }
            (0, 8) => {
                let mut inner = flate2::bufread::DeflateDecoder::new(&mut reader);
                walk(Box::new(Metered { inner: &mut inner, budget }), &member, depth - 1, budget, each, left_out);
                io::copy(&mut Metered { inner: &mut inner, budget }, &mut io::sink())?;
            }
            _ => {
                left_out.push(format!("{member}: encrypted or packed in a way that is not read"));
                if described_after {
                    return Ok(());
                }
                io::copy(&mut reader.by_ref().take(packed), &mut io::sink())?;
            }
        }
        if flags & 8 != 0 {
            describe(&mut reader)?;
        }
    }
}

/// Steps over the description behind a member.
fn describe<R: BufRead>(reader: &mut R) -> io::Result<()> {
    let mut word = [0; 4];
    reader.read_exact(&mut word)?;
    let rest = if &word == b"PK\x07\x08" { 12 } else { 8 };
    io::copy(&mut reader.by_ref().take(rest), &mut io::sink())?;
    Ok(())
}

fn zip64(extra: &[u8]) -> Option<u64> {
    let mut rest = extra;
    while let [a, b, c, d, tail @ ..] = rest {
        let size = usize::from(u16::from_le_bytes([*c, *d]));
        if [*a, *b] == [1, 0] {
            return tail.get(8..16)?.try_into().ok().map(u64::from_le_bytes);
        }
        rest = tail.get(size..)?;
    }
    None
}
