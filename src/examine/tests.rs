//! Layers, damage, limits and digests, through the public door.

use std::io::{Read, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;

use super::*;

const DUMP: &str = "--\n-- PostgreSQL database dump\n--\n\n\\restrict TOKEN\n\n\
    CREATE TABLE public.t (\n    a text\n);\n\nCOPY public.t (a) FROM stdin;\none\ntwo\n\\.\n\n\
    --\n-- PostgreSQL database dump complete\n--\n\n\\unrestrict TOKEN\n\n";

fn look(bytes: &[u8]) -> Examination {
    look_with(bytes, &Options::default())
}

fn look_with(bytes: &[u8], options: &Options) -> Examination {
    examine(bytes, options, &|_| {}, &|| false).unwrap()
}

fn digests() -> Options {
    Options { payload_digests: true, ..Options::default() }
}

fn gz(payload: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(payload).unwrap();
    encoder.finish().unwrap()
}

fn zst(payload: &[u8]) -> Vec<u8> {
    let mut encoder = ::zstd::stream::Encoder::new(Vec::new(), 3).unwrap();
    encoder.include_checksum(true).unwrap();
    encoder.write_all(payload).unwrap();
    encoder.finish().unwrap()
}

fn tarred(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = ::tar::Builder::new(Vec::new());
    for (name, bytes) in members {
        let mut header = ::tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o600);
        builder.append_data(&mut header, name, *bytes).unwrap();
    }
    builder.into_inner().unwrap()
}

fn codes(found: &Examination) -> Vec<Code> {
    found.reasons.iter().map(|reason| reason.code).collect()
}

fn sha(bytes: &[u8]) -> String {
    use sha2::Digest as _;
    sha2::Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_good_dump_in_every_wrapping() {
    let tar = tarred(&[("a.sql.gz", &gz(DUMP.as_bytes())), ("notes.txt", b"hello")]);
    for (bytes, chain) in [
        (DUMP.as_bytes().to_vec(), vec![Kind::PlainSql]),
        (gz(DUMP.as_bytes()), vec![Kind::Gzip, Kind::PlainSql]),
        (zst(DUMP.as_bytes()), vec![Kind::Zstd, Kind::PlainSql]),
        (gz(&zst(DUMP.as_bytes())), vec![Kind::Gzip, Kind::Zstd, Kind::PlainSql]),
        (tar.clone(), vec![Kind::Tar]),
        (gz(&tar), vec![Kind::Gzip, Kind::Tar]),
    ] {
        let found = look_with(&bytes, &digests());
        assert_eq!((found.quality, &found.chain), (Quality::Good, &chain), "{:?}", found.reasons);
        assert_eq!(found.stored_bytes, bytes.len() as u64);
        assert_eq!(found.stored_sha256, Some(sha(&bytes)));
        assert_eq!(codes(&found), [Code::Complete]);
    }
}

#[test]
fn digests_of_the_payload_raw_and_without_tokens() {
    let other = DUMP.replace("TOKEN", "SOMETHINGELSE");
    let (first, second) = (look_with(&gz(DUMP.as_bytes()), &digests()), look_with(&gz(other.as_bytes()), &digests()));
    assert_eq!(first.payload_sha256, Some(sha(DUMP.as_bytes())));
    assert_ne!(first.payload_sha256, second.payload_sha256);
    let bare = DUMP.replace("TOKEN", "");
    assert_eq!(first.payload_normalised_sha256, Some(sha(bare.as_bytes())));
    assert_eq!(first.payload_normalised_sha256, second.payload_normalised_sha256);
    let plain = look_with(DUMP.as_bytes(), &digests());
    assert_eq!(plain.payload_normalised_sha256, first.payload_normalised_sha256);
    assert_eq!(plain.payload_sha256, plain.stored_sha256);
    let untouched = look_with(bare.replace("\\restrict", "").replace("\\unrestrict", "").as_bytes(), &digests());
    assert_eq!(untouched.payload_normalised_sha256, untouched.payload_sha256);
    assert_eq!(look(DUMP.as_bytes()).payload_sha256, None);
}

#[test]
fn every_way_a_gzip_stream_can_be_broken_has_a_name() {
    let whole = gz(DUMP.as_bytes());
    let end = whole.len();
    let edit = |at: usize, with: u8| {
        let mut bytes = whole.clone();
        bytes[at] ^= with;
        bytes
    };
    let join = |parts: &[&[u8]]| parts.concat();
    let cases: Vec<(&str, Vec<u8>, Option<GzipDamage>)> = vec![
        ("whole", whole.clone(), None),
        ("two members", join(&[&whole, &whole]), None),
        ("an empty member behind", join(&[&whole, &gz(b"")]), None),
        ("zeros behind", join(&[&whole, &[0; 512]]), None),
        ("garbage behind", join(&[&whole, b"garbage"]), Some(GzipDamage::TrailingGarbage)),
        ("zeros and garbage", join(&[&whole, &[0; 9], b"x"]), Some(GzipDamage::TrailingGarbage)),
        ("trailer cut", whole[..end - 3].to_vec(), Some(GzipDamage::TruncatedTrailer)),
        ("trailer missing", whole[..end - 8].to_vec(), Some(GzipDamage::TruncatedTrailer)),
        ("body cut", whole[..end - 20].to_vec(), Some(GzipDamage::TruncatedBody)),
        ("header cut", whole[..5].to_vec(), Some(GzipDamage::TruncatedHeader)),
        ("second header cut", join(&[&whole, &whole[..4]]), Some(GzipDamage::TruncatedHeader)),
        ("one byte of a second", join(&[&whole, &whole[..1]]), Some(GzipDamage::TruncatedHeader)),
        ("second body cut", join(&[&whole, &whole[..60]]), Some(GzipDamage::TruncatedBody)),
        ("wrong crc", edit(end - 8, 1), Some(GzipDamage::WrongCrc)),
        ("wrong isize", edit(end - 4, 1), Some(GzipDamage::WrongIsize)),
        ("wrong method", edit(2, 1), Some(GzipDamage::BadHeader)),
        ("reserved flag", edit(3, 0x80), Some(GzipDamage::BadHeader)),
        ("bad block type", edit(10, 0x06), Some(GzipDamage::BadData)),
    ];
    for (name, bytes, damage) in cases {
        let found = look(&bytes);
        let gzip = found.gzip.as_ref().unwrap();
        assert_eq!(gzip.damage, damage, "{name}");
        assert_eq!(gzip.valid, damage.is_none(), "{name}");
        let expected = if damage.is_none() { Quality::Good } else { Quality::Bad };
        assert_eq!(found.quality, expected, "{name}: {:?}", found.reasons);
        if damage.is_some() {
            assert_eq!(codes(&found)[0], Code::GzipDamaged, "{name}");
        }
        assert_eq!(found.stored_sha256, Some(sha(&bytes)), "{name}: all bytes are hashed");
    }
    let found = look(&join(&[&whole, &gz(b""), &[0; 100]]));
    let gzip = found.gzip.unwrap();
    assert_eq!((gzip.members, gzip.empty_members, gzip.trailing_zeros), (2, 1, 100));
}

#[test]
fn an_empty_stream_is_a_valid_gzip_stream_and_a_bad_backup() {
    let found = look(&gz(b""));
    assert!(found.gzip.as_ref().unwrap().valid);
    assert_eq!((found.quality, found.payload_bytes, found.stored_bytes), (Quality::Bad, Some(0), 20));
    assert_eq!(codes(&found), [Code::EmptyPayload]);
    let nothing = look(b"");
    assert_eq!((nothing.quality, nothing.kind), (Quality::Bad, Kind::Empty));
}

#[test]
fn header_fields_of_gzip_are_read_and_checked() {
    let mut crc = flate2::Crc::new();
    let mut bytes = vec![0x1f, 0x8b, 8, 2 | 4 | 8 | 16, 1, 2, 3, 4, 0, 3];
    bytes.extend_from_slice(&[3, 0, 7, 7, 7]);
    bytes.extend_from_slice(b"name.sql\0a comment\0");
    crc.update(&bytes);
    bytes.extend_from_slice(&crc.sum().to_le_bytes()[..2]);
    let body = gz(DUMP.as_bytes());
    bytes.extend_from_slice(&body[10..]);
    let found = look(&bytes);
    let gzip = found.gzip.unwrap();
    assert!(gzip.valid);
    assert_eq!((gzip.name.as_deref(), gzip.mtime), (Some("name.sql"), Some(0x0403_0201)));
    bytes[11] ^= 1; // the length of the extra field now reaches too far
    assert!(!look(&bytes).gzip.unwrap().valid);
}

#[test]
fn every_prefix_of_a_backup_is_bad_or_says_why_not() {
    let tar = tarred(&[("a.sql.gz", &gz(DUMP.as_bytes()))]);
    for whole in [gz(DUMP.as_bytes()), zst(DUMP.as_bytes()), gz(&tar), zst(&tar)] {
        for cut in 0..whole.len() {
            let found = look(&whole[..cut]);
            assert_ne!(found.quality, Quality::Good, "cut at {cut} of {}", whole.len());
            if cut >= 4 {
                assert_eq!(found.quality, Quality::Bad, "cut at {cut}: {:?}", found.reasons);
            }
        }
    }
}

#[test]
fn every_flipped_byte_of_a_compressed_backup_is_noticed() {
    // Name, time and system of the gzip header are not covered by any checksum.
    let whole = gz(DUMP.as_bytes());
    for at in 10..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x41;
        assert_eq!(look(&bytes).quality, Quality::Bad, "byte {at}");
    }
    let whole = zst(DUMP.as_bytes());
    // Byte 5 is the size of the window: a larger one decodes the same.
    for at in 6..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x41;
        assert_eq!(look(&bytes).quality, Quality::Bad, "byte {at}");
    }
}

#[test]
fn zstd_frames_are_told_apart() {
    let frame = zst(DUMP.as_bytes());
    let skippable = [&[0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0][..], b"abc"].concat();
    let found = look(&[&skippable[..], &frame, &skippable, &frame].concat());
    let facts = found.zstd.clone().unwrap();
    assert_eq!((facts.frames, facts.skippable_frames, facts.frames_with_checksum), (2, 2, 2));
    assert_eq!(found.quality, Quality::Good);
    let damage = |bytes: &[u8]| look(bytes).zstd.unwrap().damage;
    assert_eq!(damage(&[&frame[..], b"garbage"].concat()), Some(ZstdDamage::TrailingGarbage));
    assert_eq!(damage(&[&frame[..], &frame[..3]].concat()), Some(ZstdDamage::Truncated));
    assert_eq!(damage(&[&frame[..], &skippable[..10]].concat()), Some(ZstdDamage::Truncated));
    let mut wrong = frame.clone();
    *wrong.last_mut().unwrap() ^= 1;
    assert_eq!(damage(&wrong), Some(ZstdDamage::WrongChecksum));
}

#[test]
fn members_of_a_tar_decide_together() {
    let good = gz(DUMP.as_bytes());
    let quality = |members: &[(&str, &[u8])]| look(&tarred(members)).quality;
    assert_eq!(quality(&[("a.sql.gz", &good), ("README", b"text")]), Quality::Good);
    assert_eq!(quality(&[("a.sql.gz", &good), ("b.sql.gz", &good[..50])]), Quality::Bad);
    assert_eq!(quality(&[("a.sql.gz", &good), (".keep", b"")]), Quality::Good);
    assert_eq!(quality(&[("a.sql.gz", &good), ("b.sql", b"")]), Quality::Bad);
    assert_eq!(quality(&[("README", b"text")]), Quality::UnknownKind);
    assert_eq!(quality(&[("a.sql.gz", &good), ("b.sql", b"SELECT 1;\n")]), Quality::Inconclusive);
}

#[test]
fn damage_of_a_tar_has_a_name() {
    let whole = tarred(&[("a.sql", DUMP.as_bytes()), (&"long/".repeat(40), b""), ("b.sql", DUMP.as_bytes())]);
    let damage = |bytes: &[u8]| look(bytes).tar.unwrap().damage;
    assert_eq!(damage(&whole), None);
    assert_eq!(damage(&whole[..whole.len() - 1024]), Some(TarDamage::NoEndMarker));
    assert_eq!(damage(&whole[..512 + 100]), Some(TarDamage::TruncatedMember));
    assert_eq!(damage(&whole[..1024 + 30]), Some(TarDamage::TruncatedHeader));
    let mut broken = whole.clone();
    broken[1024 + 3] ^= 1;
    assert_eq!(damage(&broken), Some(TarDamage::BadHeader));
    let found = look(&whole).tar.unwrap();
    assert_eq!(found.members[0].examination.stored_sha256, Some(sha(DUMP.as_bytes())));
    assert_eq!(found.members[0].size, DUMP.len() as u64);
}

#[test]
fn what_cannot_be_opened_is_named_and_not_called_bad() {
    for (bytes, kind) in [
        (&b"BZh91AY"[..], Kind::Bzip2),
        (b"\xfd7zXZ\0\0", Kind::Xz),
        (b"SQLite format 3\0...", Kind::Sqlite),
        (b"-----BEGIN PGP MESSAGE-----\n", Kind::Encrypted),
        (b"just a log line\n", Kind::UnknownText),
        (b"\x00\x01\x02", Kind::Unknown),
    ] {
        let found = look(bytes);
        assert_eq!((found.kind, found.quality), (kind, Quality::UnknownKind));
        assert!(!found.reasons.is_empty());
    }
    let zeros = look(&[0; 10_240]);
    assert_eq!((zeros.kind, zeros.quality, codes(&zeros)), (Kind::OnlyZeros, Quality::Bad, vec![Code::OnlyZeros]));
    assert_eq!(look(&[&[0; 600_000][..], b"x"].concat()).quality, Quality::UnknownKind);
    let utf16: Vec<u8> = std::iter::once(0xfeffu16).chain(DUMP.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    assert_eq!(look(&utf16).quality, Quality::Bad);
}

#[test]
fn sql_without_an_end_mark_is_inconclusive_and_a_cut_one_is_bad() {
    assert_eq!(look(b"CREATE TABLE t (a int);\n").quality, Quality::Inconclusive);
    assert_eq!(look(b"CREATE TABLE t (a int);\nCOPY t FROM stdin;\n1\n").quality, Quality::Bad);
    let mysql = "-- MySQL dump 10.13  Distrib 8.0.36\nCREATE TABLE `t` (`a` int);\n";
    assert_eq!(look(mysql.as_bytes()).quality, Quality::Bad);
    assert_eq!(look(format!("{mysql}-- Dump completed\n").as_bytes()).quality, Quality::Good);
    let bare = "/*!40101 SET NAMES utf8mb4 */;\nCREATE TABLE `t` (`a` int);\n";
    assert_eq!(look(bare.as_bytes()).quality, Quality::Inconclusive);
    let zeros = [DUMP.as_bytes(), &[0; 4096]].concat();
    assert_eq!(codes(&look(&zeros))[0], Code::NulBytes);
}

#[test]
fn an_expansion_limit_stops_a_bomb_and_is_a_fact() {
    let bomb = gz(&vec![b' '; 40 << 20]);
    let options = Options { expansion_limit: Some(1 << 20), ..digests() };
    for bytes in [bomb.clone(), tarred(&[("a.gz", &bomb)]), zst(&vec![b' '; 40 << 20])] {
        let found = look_with(&bytes, &options);
        assert!(found.expansion_limit_hit);
        assert_eq!(found.quality, Quality::Inconclusive, "{:?}", found.reasons);
        assert_eq!(codes(&found)[0], Code::ExpansionLimit);
        assert!(found.payload_bytes.unwrap() < 4 << 20);
        assert_eq!(found.payload_sha256, None);
        assert_eq!(found.stored_sha256, Some(sha(&bytes)), "what is stored is read to its end");
    }
}

#[test]
fn what_only_the_end_could_show_is_not_held_against_what_a_limit_cut() {
    let limit = Options { expansion_limit: Some(1 << 20), ..Options::default() };
    let mut zeros = vec![0; 3_000_000];
    zeros.extend_from_slice(b"data");
    let cut_dump = [DUMP.as_bytes(), &vec![b'-'; 3 << 20]].concat();
    let spaces = vec![b'\n'; 3 << 20];
    for payload in [zeros, cut_dump, spaces] {
        let tar = tarred(&[("a", &payload)]);
        for bytes in [gz(&payload), zst(&payload), gz(&tar), zst(&tar), gz(&gz(&payload))] {
            let found = look_with(&bytes, &limit);
            assert!(found.expansion_limit_hit);
            assert_eq!(found.quality, Quality::Inconclusive, "{:?}", found.reasons);
            assert!(!serde_json::to_string(&found).unwrap().contains("only_zeros"));
        }
    }
}

#[test]
fn damage_found_before_a_limit_stays_damage() {
    let options = Options { expansion_limit: Some(600), ..Options::default() };
    let tar = tarred(&[("a.gz", &gz(DUMP.as_bytes())[..60]), ("b.gz", &gz(&[b'x'; 9000]))]);
    assert_eq!(look_with(&tar, &options).quality, Quality::Bad);
}

#[test]
fn a_deadline_ends_reading_and_is_a_fact() {
    let asked = AtomicU64::new(0);
    let stop = || asked.fetch_add(1, Ordering::Relaxed) > 4;
    let endless = std::io::repeat(b'\n');
    let found = examine(endless, &Options::default(), &|_| {}, &stop).unwrap();
    assert!(found.time_limit_hit && found.stored_sha256.is_none());
    assert_eq!((found.quality, codes(&found)[0]), (Quality::Inconclusive, Code::TimeLimit));
    let asked_again = AtomicU64::new(0);
    let stop = || asked_again.fetch_add(1, Ordering::Relaxed) > 4;
    let bomb = gz(&vec![b'\n'; 60 << 20]);
    let found = examine(&*bomb, &Options::default(), &|_| {}, &stop).unwrap();
    assert!(found.time_limit_hit);
    assert_eq!(found.quality, Quality::Inconclusive, "{:?}", found.reasons);
}

#[test]
fn layers_below_the_depth_limit_are_not_opened() {
    let mut bytes = DUMP.as_bytes().to_vec();
    for _ in 0..6 {
        bytes = gz(&bytes);
    }
    let found = look(&bytes);
    assert!(found.depth_limit_hit);
    assert_eq!((found.quality, found.chain.len()), (Quality::Inconclusive, 5));
    assert_eq!(codes(&found), [Code::DepthLimit]);
}

struct Crumbs<'a>(&'a [u8]);

impl Read for Crumbs<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.0.len().min(buffer.len()).min(1);
        buffer[..count].copy_from_slice(&self.0[..count]);
        self.0 = &self.0[count..];
        Ok(count)
    }
}

#[test]
fn a_reader_that_gives_one_byte_at_a_time_changes_nothing() {
    let bytes = gz(&tarred(&[("a.sql.gz", &gz(DUMP.as_bytes()))]));
    let crumbs = examine(Crumbs(&bytes), &digests(), &|_| {}, &|| false).unwrap();
    assert_eq!(crumbs, look_with(&bytes, &digests()));
}

#[test]
fn a_reader_that_fails_is_an_error_that_says_where() {
    struct Fails;
    impl Read for Fails {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("the disk is gone"))
        }
    }
    let reader = DUMP.as_bytes().chain(Fails);
    let error = examine(reader, &Options::default(), &|_| {}, &|| false).unwrap_err();
    let words = error.to_string();
    assert!(words.contains(&format!("after {} bytes", DUMP.len())) && words.contains("the disk is gone"), "{words}");
}

#[test]
fn progress_ends_at_the_size() {
    let last = AtomicU64::new(0);
    let bytes = vec![b' '; 3 << 20];
    examine(&*bytes, &Options::default(), &|done| last.store(done, Ordering::Relaxed), &|| false).unwrap();
    assert_eq!(last.load(Ordering::Relaxed), 3 << 20);
}

#[test]
fn a_large_payload_goes_through_threads_and_loses_nothing() {
    let mut text = DUMP.to_owned();
    let rows: String = (0..200_000).map(|n| format!("{n}\tsome text of row {n}\n")).collect();
    text = text.replace("one\ntwo\n", &rows);
    let inner = gz(text.as_bytes());
    let bytes = gz(&tarred(&[("x/a.sql.gz", &inner), ("x/b.sql.gz", &inner)]));
    let found = look_with(&bytes, &digests());
    let tar = found.tar.as_ref().unwrap();
    for member in &tar.members {
        let sql = member.examination.sql.as_ref().unwrap();
        assert_eq!(sql.rows.by_table["public.t"], 200_000);
        assert_eq!(member.examination.stored_sha256, Some(sha(&inner)));
        assert_eq!(member.examination.payload_sha256, Some(sha(text.as_bytes())));
        assert_eq!(member.examination.payload_normalised_sha256, Some(sha(text.replace("TOKEN", "").as_bytes())));
    }
    assert_eq!(tar.members.len(), 2);
}

#[test]
fn many_names_are_cut_and_the_cut_is_said() {
    let mut text = String::from("-- PostgreSQL database dump\n");
    for n in 0..50 {
        text += &format!("CREATE TABLE t{n} (a int);\nCOPY t{n} FROM stdin;\n1\n\\.\n");
    }
    let options = Options { max_names: 10, ..Options::default() };
    let sql = look_with(text.as_bytes(), &options).sql.unwrap();
    assert_eq!((sql.objects.tables.count, sql.objects.tables.names.len()), (50, 10));
    assert!(sql.objects.tables.names_cut && sql.rows.tables_cut);
    assert_eq!(sql.rows.total, 50);
}

#[test]
fn nothing_is_null_in_json() {
    for bytes in [&b""[..], DUMP.as_bytes(), &gz(DUMP.as_bytes())[..40], &tarred(&[("a", b"x")])] {
        let json = serde_json::to_string(&look(bytes)).unwrap();
        assert!(!json.contains("null"), "{json}");
    }
}

proptest! {
    #[test]
    fn random_bytes_never_panic(
        head in proptest::sample::select(vec![
            &b""[..], b"\x1f\x8b\x08", b"\x1f\x8b\x08\0\0\0\0\0\0\x03", b"\x28\xb5\x2f\xfd", b"PGDMP\x01\x0e\0\x04\x08\x01",
            b"PGDMP\x01\x10\0\x04\x08\x01\x01", b"\x50\x2a\x4d\x18", b"-- PostgreSQL database dump\n",
        ]),
        tail in proptest::collection::vec(any::<u8>(), 0..2000),
    ) {
        let bytes = [head, &tail].concat();
        let found = look_with(&bytes, &digests());
        prop_assert_eq!(found.stored_bytes, bytes.len() as u64);
        prop_assert_eq!(found.stored_sha256, Some(sha(&bytes)));
    }

    #[test]
    fn mutated_backups_never_panic_and_are_hashed_whole(
        which in 0usize..3,
        edits in proptest::collection::vec((any::<u16>(), any::<u8>()), 1..6),
        cut in any::<u16>(),
    ) {
        let tar = tarred(&[("a.sql.gz", &gz(DUMP.as_bytes())), ("b.sql.zst", &zst(DUMP.as_bytes()))]);
        let mut bytes = [tar.clone(), gz(&tar), zst(&tar)][which].clone();
        let length = bytes.len();
        for (at, with) in edits {
            bytes[usize::from(at) % length] ^= with;
        }
        bytes.truncate(length - usize::from(cut) % length / 8);
        let found = look_with(&bytes, &digests());
        prop_assert_eq!(found.stored_sha256, Some(sha(&bytes)));
    }
}

/// What the tap gets of `bytes`.
fn tapped(bytes: &[u8], member: Option<&str>) -> Vec<u8> {
    let got = std::sync::Mutex::new(Vec::new());
    let take = |piece: &[u8]| got.lock().unwrap().extend_from_slice(piece);
    let tap = Tap { member, take: &take };
    examine_tapped(bytes, &Options::default(), &|_| {}, &|| false, Some(&tap)).unwrap();
    got.into_inner().unwrap()
}

#[test]
fn the_tap_gives_the_dump_below_compression_byte_for_byte() {
    let dump = format!("--\n-- PostgreSQL database dump\n--\n{}", "SELECT 1;\n".repeat(300_000)).into_bytes();
    let pack = |bytes: &[u8]| {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut packed, bytes).unwrap();
        packed.finish().unwrap()
    };
    for packed in [dump.clone(), pack(&dump), pack(&pack(&dump)), ::zstd::encode_all(dump.as_slice(), 1).unwrap()] {
        assert!(tapped(&packed, None) == dump);
    }
    assert!(tapped(b"", None).is_empty());
    let mut archive = ::tar::Builder::new(Vec::new());
    for (name, bytes) in [("other.sql", b"SELECT 2;\n".to_vec()), ("./daily/app.sql.gz", pack(&dump))] {
        let mut header = ::tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        archive.append_data(&mut header, name, bytes.as_slice()).unwrap();
    }
    let archive = archive.into_inner().unwrap();
    assert!(tapped(&pack(&archive), Some("daily/app.sql.gz")) == dump);
    assert!(tapped(&archive, Some("daily/none.sql.gz")).is_empty());
    assert!(tapped(&pack(&archive), None) == archive, "without a member, the archive itself");
}

/// Gives zeros up to a point and then fails, as a disk does.
struct Failing {
    left: usize,
}

impl std::io::Read for Failing {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.left == 0 {
            return Err(std::io::Error::other("gone"));
        }
        let count = buffer.len().min(self.left);
        buffer[..count].fill(b'x');
        self.left -= count;
        Ok(count)
    }
}

#[test]
fn a_reader_that_fails_is_an_error_near_and_far() {
    for left in [0, 1000, 300 << 10, 5 << 20] {
        let error = examine(Failing { left }, &Options::default(), &|_| {}, &|| false).err().unwrap();
        assert!(matches!(error, ReadError::Io { offset, .. } if offset == left as u64), "{error}");
    }
}
