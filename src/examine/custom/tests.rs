//! Archives of every version, written here because only one `pg_dump` is installed at a time.

use std::io::Write as _;

use crate::examine::{CustomDamage, Examination, Kind, Options, Quality, examine};

/// Writes archives of versions whose `pg_dump` need not be installed.
struct Archive {
    minor: u8,
    compression: u8,
    bytes: Vec<u8>,
    /// Where the table of contents begins.
    toc: usize,
    /// Where each entry has the place of its data.
    places: Vec<(usize, i32)>,
    /// Where each data block begins.
    starts: Vec<(i32, usize)>,
}

const NONE: u8 = 0;
const GZIP: u8 = 1;
const LZ4: u8 = 2;
const ZSTD: u8 = 3;

impl Archive {
    fn new(minor: u8, compression: u8, format: u8) -> Archive {
        let mut archive =
            Archive { minor, compression, bytes: b"PGDMP".to_vec(), toc: 0, places: Vec::new(), starts: Vec::new() };
        archive.bytes.extend_from_slice(&[1, minor, 0, 4, 8, format]);
        if minor >= 15 {
            archive.bytes.push(compression);
        } else {
            archive.int(if compression == GZIP { -1 } else { 0 });
        }
        for field in [1, 2, 3, 15, 4, 126, 0] {
            archive.int(field);
        }
        for text in ["shop", "17.2", "17.2"] {
            archive.text(Some(text));
        }
        archive.toc = archive.bytes.len();
        archive
    }

    fn int(&mut self, value: i32) {
        self.bytes.push(u8::from(value < 0));
        self.bytes.extend_from_slice(&value.unsigned_abs().to_le_bytes());
    }

    fn text(&mut self, text: Option<&str>) {
        match text {
            None => self.int(-1),
            Some(text) => {
                self.int(i32::try_from(text.len()).unwrap());
                self.bytes.extend_from_slice(text.as_bytes());
            }
        }
    }

    fn entry(&mut self, id: i32, kind: &str, name: &str, sql: &str, copy: Option<&str>) {
        let has_data = kind == "TABLE DATA" || kind == "BLOBS";
        self.int(id);
        self.int(i32::from(has_data));
        for text in ["1259", "16385", name, kind] {
            self.text(Some(text));
        }
        self.int(3);
        for text in [Some(sql), Some(""), copy, Some("app"), Some("")] {
            self.text(text);
        }
        if self.minor >= 14 {
            self.text(Some("heap"));
        }
        if self.minor >= 16 {
            self.int(i32::from(b'r'));
        }
        self.text(Some("owner"));
        self.text(Some("false"));
        self.text(Some("12"));
        self.text(None);
        self.places.push((self.bytes.len(), id));
        self.bytes.push(if has_data { 1 } else { 3 });
        self.bytes.extend_from_slice(&[0; 8]);
    }

    /// The table of contents with the places of the data, as a writer that can seek states them.
    fn toc_with_places(&self) -> Vec<u8> {
        let end = self.places.last().unwrap().0 + 9;
        let mut toc = self.bytes[..end].to_vec();
        for (at, id) in &self.places {
            if let Some((_, start)) = self.starts.iter().find(|(block, _)| block == id) {
                toc[*at] = 2;
                toc[at + 1..at + 9].copy_from_slice(&(*start as u64).to_le_bytes());
            }
        }
        toc
    }

    /// The archive of a writer that went back to state the places.
    fn with_places(&self) -> Vec<u8> {
        let toc = self.toc_with_places();
        [&toc[..], &self.bytes[toc.len()..]].concat()
    }

    /// The archive of a writer whose output only appends: the places come at the end.
    fn appended(&self) -> Vec<u8> {
        [&self.bytes[..], &self.toc_with_places()[self.toc..]].concat()
    }

    fn chunks(&mut self, payload: &[u8]) {
        let packed = match self.compression {
            GZIP => {
                let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
                encoder.write_all(payload).unwrap();
                encoder.finish().unwrap()
            }
            ZSTD => ::zstd::stream::encode_all(payload, 3).unwrap(),
            LZ4 => {
                let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
                encoder.write_all(payload).unwrap();
                encoder.finish().unwrap()
            }
            _ => payload.to_vec(),
        };
        for chunk in packed.chunks(50) {
            self.int(i32::try_from(chunk.len()).unwrap());
            self.bytes.extend_from_slice(chunk);
        }
        self.int(0);
    }

    fn table(&mut self, id: i32, rows: &[u8]) {
        self.starts.push((id, self.bytes.len()));
        self.bytes.push(1);
        self.int(id);
        self.chunks(rows);
    }

    fn large_objects(&mut self, id: i32, objects: &[&[u8]]) {
        self.starts.push((id, self.bytes.len()));
        self.bytes.push(3);
        self.int(id);
        for (number, object) in (100..).zip(objects) {
            self.int(number);
            self.chunks(object);
        }
        self.int(0);
    }
}

const COPY: Option<&str> = Some("COPY app.t (a) FROM stdin;\n");
const ROWS: &[u8] = b"one\ntwo\n\\N\n\\.\n\n\n";

fn archive(minor: u8, compression: u8) -> Archive {
    let mut archive = Archive::new(minor, compression, 1);
    archive.int(5);
    archive.entry(1, "TABLE", "t", "CREATE TABLE app.t (a text);", None);
    archive.entry(2, "TABLE DATA", "t", "", COPY);
    archive.entry(3, "TABLE DATA", "Odd.Name", "", None);
    archive.entry(4, "BLOBS", "BLOBS", "", None);
    archive.entry(5, "ACL", "TABLE t", "GRANT SELECT ON TABLE app.t TO reader;\n", None);
    archive
}

fn whole(minor: u8, compression: u8) -> Vec<u8> {
    filled(minor, compression).bytes
}

fn filled(minor: u8, compression: u8) -> Archive {
    let mut archive = archive(minor, compression);
    archive.table(2, ROWS);
    archive.table(3, b"INSERT INTO app.\"Odd.Name\" VALUES (1), (2);\n");
    archive.large_objects(4, &[b"a large object", b""]);
    archive
}

fn look(bytes: &[u8]) -> Examination {
    examine(bytes, &Options::default(), &|_| {}, &|| false).unwrap()
}

fn damage(bytes: &[u8]) -> Option<CustomDamage> {
    look(bytes).custom.unwrap().damage
}

#[test]
fn every_version_and_compression() {
    for minor in 12..=16 {
        for (compression, name) in [(NONE, "none"), (GZIP, "gzip"), (ZSTD, "zstd"), (LZ4, "lz4")] {
            if minor < 15 && compression > GZIP {
                continue;
            }
            let found = look(&whole(minor, compression));
            assert_eq!(
                (found.kind, found.quality),
                (Kind::PgCustom, Quality::Good),
                "1.{minor} {name}: {:?}",
                found.reasons
            );
            let custom = found.custom.unwrap();
            assert_eq!((custom.version, custom.compression), (format!("1.{minor}"), name.to_owned()));
            assert_eq!(custom.created.as_deref(), Some("2026-05-15 03:02:01"));
            assert_eq!((custom.blocks_checked, custom.large_objects, custom.toc_entries), (3, 2, 5));
            assert_eq!(custom.rows.by_table["app.t"], 3);
            assert_eq!(custom.rows.by_table["app.\"Odd.Name\""], 2);
            assert_eq!(custom.grants["reader"].what, ["SELECT ON TABLE app.t"]);
            assert_eq!(custom.objects.tables.names, ["app.t"]);
            assert_eq!(custom.toc[1].kind, "TABLE DATA");
        }
    }
}

#[test]
fn places_of_data_are_held_against_the_data() {
    for compression in [NONE, GZIP, LZ4, ZSTD] {
        let archive = filled(16, compression);
        let (sought, appended) = (archive.with_places(), archive.appended());
        assert_eq!(look(&sought).quality, Quality::Good);
        let found = look(&appended);
        assert_eq!(found.quality, Quality::Good, "{:?}", found.reasons);
        assert!(found.custom.unwrap().second_toc);
        let (at, _) = archive.places[1];
        for byte in at + 1..at + 9 {
            let mut wrong = sought.clone();
            wrong[byte] ^= 0x10;
            assert_eq!(damage(&wrong), Some(CustomDamage::WrongOffset), "byte {byte}");
        }
    }
}

#[test]
fn a_second_table_of_contents_is_the_first_one_or_the_archive_is_bad() {
    let archive = filled(16, GZIP);
    let (first, appended) = (archive.bytes.len(), archive.appended());
    for cut in first + 1..appended.len() {
        assert_eq!(damage(&appended[..cut]), Some(CustomDamage::TruncatedToc), "cut at {cut}");
    }
    // Bytes of a place that is not stated mean nothing.
    let unused = |at: usize| {
        let (at, second) = if at < first { (at, false) } else { (at - first + archive.toc, true) };
        let stated = |id: i32| second && archive.starts.iter().any(|(block, _)| *block == id);
        archive.places.iter().any(|(place, id)| !stated(*id) && (place + 1..place + 9).contains(&at))
    };
    let all = (archive.toc..archive.places.last().unwrap().0).chain(first..appended.len());
    for at in all.filter(|at| !unused(*at)) {
        let mut flipped = appended.clone();
        flipped[at] ^= 1;
        assert_eq!(look(&flipped).quality, Quality::Bad, "byte {at}");
    }
    let twice = [&appended[..], &appended].concat();
    assert_eq!(damage(&twice), Some(CustomDamage::TrailingData));
    assert_eq!(damage(&[&archive.bytes[..], &appended].concat()), Some(CustomDamage::TrailingData));
    assert_eq!(damage(&[&archive.bytes[..], &[0; 700]].concat()), None, "padding");
}

#[test]
fn entries_that_pg_restore_refuses_are_not_good() {
    let bytes = whole(16, GZIP);
    let replaced = |from: &str, to: &str| {
        let at = bytes.windows(from.len()).position(|window| window == from.as_bytes()).unwrap();
        [&bytes[..at], to.as_bytes(), &bytes[at + from.len()..]].concat()
    };
    let found = look(&replaced("TABLE", "EABLE"));
    assert_eq!(
        (found.quality, found.custom.unwrap().unknown_entry_type.as_deref()),
        (Quality::Inconclusive, Some("EABLE"))
    );
    for (from, to) in [
        ("COPY app", "CORY app"),
        ("stdin;", "studn;"),
        ("false", "fblse"),
        ("16385", "163\u{7f}5"),
        ("CREATE TABLE", "CREATE\0TABLE"),
    ] {
        assert_eq!(damage(&replaced(from, to)), Some(CustomDamage::BadToc), "{from}");
    }
    let mut double = Archive::new(16, GZIP, 1);
    double.int(2);
    double.entry(2, "TABLE DATA", "t", "", COPY);
    double.entry(2, "TABLE DATA", "u", "", COPY);
    assert_eq!(damage(&double.bytes), Some(CustomDamage::BadToc));
}

#[test]
fn an_archive_after_text_is_bad_and_named() {
    let message = "pg_dump: warning: there are circular foreign-key constraints on this table:\n".repeat(40);
    let bytes = [message.as_bytes(), &whole(16, GZIP)].concat();
    let found = look(&bytes);
    assert_eq!((found.kind, found.quality), (Kind::PgCustom, Quality::Bad));
    assert_eq!(found.custom.unwrap().damage, Some(CustomDamage::TextBefore));
    assert_eq!(look(b"The magic of an archive is PGDMP\nand a version.\n").quality, Quality::UnknownKind);
}

#[test]
fn what_no_checksum_covers_is_a_caveat() {
    use crate::examine::CaveatId;
    let caveats = |bytes: &[u8]| look(bytes).caveats.into_iter().map(|caveat| caveat.id).collect::<Vec<_>>();
    for compression in [NONE, LZ4, ZSTD, GZIP] {
        assert_eq!(caveats(&whole(16, compression)), [CaveatId::NoChecksum], "{compression}");
    }
    // With two tables of contents the header is what nothing is compared with: its versions can change unseen.
    let twice = look(&filled(16, GZIP).appended());
    assert!(twice.caveats.iter().all(|caveat| caveat.says.contains("header has no checksum")), "{:?}", twice.caveats);
    assert_eq!(twice.caveats.len(), 1);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&whole(16, ZSTD)).unwrap();
    assert_eq!(caveats(&gzip.finish().unwrap()), [], "gzip has a checksum of everything inside");
}

#[test]
fn a_level_of_compression_that_no_program_writes_is_damage() {
    let whole = filled(14, GZIP).appended();
    assert_eq!(look(&whole).quality, Quality::Good);
    // After the magic, the version and the sizes: a sign and four bytes.
    for at in 11..16 {
        for bit in 0..8 {
            let mut flipped = whole.clone();
            flipped[at] ^= 1 << bit;
            let found = look(&flipped);
            let level = found.custom.as_deref().and_then(|dump| dump.compression_level);
            // Level 0 means no compression, and then the data is not what it should be.
            let possible = level.is_some_and(|level| level != 0 && (-1..=9).contains(&level));
            assert_eq!(found.quality == Quality::Good, possible, "{at} {bit}: {level:?}");
        }
    }
}

#[test]
fn unknown_versions_are_inconclusive() {
    let found = look(&whole(17, GZIP));
    assert_eq!(
        (found.quality, damage(&whole(17, GZIP))),
        (Quality::Inconclusive, Some(CustomDamage::UnsupportedVersion))
    );
}

#[test]
fn damage_has_a_name() {
    let bytes = whole(16, GZIP);
    assert_eq!(damage(&bytes[..20]), Some(CustomDamage::TruncatedHeader));
    assert_eq!(damage(&bytes[..200]), Some(CustomDamage::TruncatedToc));
    assert_eq!(damage(&bytes[..bytes.len() - 3]), Some(CustomDamage::TruncatedBlock));
    let toc = archive(16, GZIP).bytes.len();
    assert_eq!(damage(&bytes[..toc]), Some(CustomDamage::MissingBlocks));
    let mut wrong = bytes.clone();
    wrong[toc] = 9;
    assert_eq!(damage(&wrong), Some(CustomDamage::BadBlock));
    let mut wrong = bytes.clone();
    wrong[toc + 1 + 5 + 5 + 6] ^= 0x10;
    assert_eq!(damage(&wrong), Some(CustomDamage::BadData));
    let mut cut = archive(16, GZIP);
    cut.table(2, b"one\ntwo\n");
    cut.table(3, b"");
    cut.large_objects(4, &[]);
    let found = look(&cut.bytes).custom.unwrap();
    assert_eq!(found.damage, Some(CustomDamage::UnterminatedRows));
    assert_eq!(found.damaged_entry.as_deref(), Some("TABLE DATA app.t"));
}

#[test]
fn a_block_between_others_that_is_missing_is_noticed() {
    let mut archive = archive(15, ZSTD);
    archive.table(2, ROWS);
    archive.large_objects(4, &[b"x"]);
    assert_eq!(damage(&archive.bytes), Some(CustomDamage::MissingBlocks));
    archive.table(2, ROWS);
    assert_eq!(damage(&archive.bytes), Some(CustomDamage::BadBlock), "a block twice");
}

#[test]
fn no_cut_is_good_and_no_flip_panics() {
    for compression in [NONE, GZIP, ZSTD] {
        let bytes = whole(16, compression);
        for at in 0..bytes.len() {
            assert_ne!(look(&bytes[..at]).quality, Quality::Good, "cut at {at}");
            for with in [0x01, 0x80, 0xff] {
                let mut flipped = bytes.clone();
                flipped[at] ^= with;
                assert_eq!(look(&flipped).stored_bytes, bytes.len() as u64);
            }
        }
    }
}

#[test]
fn huge_lengths_in_a_small_file_allocate_nothing() {
    let mut archive = Archive::new(16, GZIP, 1);
    archive.int(i32::MAX);
    assert_eq!(damage(&archive.bytes), Some(CustomDamage::BadToc));
    let mut archive = Archive::new(16, GZIP, 1);
    archive.int(1);
    archive.int(1);
    archive.int(0);
    archive.int(i32::MAX);
    assert_eq!(damage(&archive.bytes), Some(CustomDamage::TruncatedToc));
}
