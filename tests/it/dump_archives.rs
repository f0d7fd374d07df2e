//! Dumps in tar and directory format, whole and damaged, inside archives, and archives of ordinary
//! files. Real dumps of a real server; what `pg_restore` loses must not be called good.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;

use evidence::examine::{CaveatId, CustomDamage, Examination, Kind, Options, Quality, TarDamage, examine};
use tempfile::TempDir;

use crate::support::cluster::Cluster;

const SCHEMA: &str = "create table a(id int, note text); insert into a select g, 'note '||g from generate_series(1,40) g;
    create table b(id int); insert into b select generate_series(1,5); create table c(id int);
    select lo_from_bytea(16001, 'hello'), lo_from_bytea(16002, ''), lo_from_bytea(16003, decode(repeat('00',9000),'hex'));";

/// The files of a dump in directory format by name.
type Files = BTreeMap<String, Vec<u8>>;

fn look(bytes: &[u8]) -> Examination {
    examine(bytes, &Options::default(), &|_| {}, &|| false).unwrap()
}

fn cluster() -> Cluster {
    let cluster = Cluster::start().unwrap();
    cluster.psql("postgres", "create database shop");
    cluster.psql("shop", SCHEMA);
    cluster
}

fn dump(cluster: &Cluster, folder: &TempDir, name: &str, arguments: &[&str]) -> std::path::PathBuf {
    let path = folder.path().join(name);
    let mut command = cluster.command("pg_dump");
    let done = command.args(arguments).arg("-f").arg(&path).arg("shop").output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    path
}

fn files(folder: &Path) -> Files {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(path).unwrap()))
        .collect()
}

fn tar<'a>(members: impl IntoIterator<Item = (String, &'a [u8])>) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in members {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o600);
        builder.append_data(&mut header, name, bytes).unwrap();
    }
    builder.into_inner().unwrap()
}

fn tar_of(files: &Files) -> Vec<u8> {
    tar(files.iter().map(|(name, bytes)| (format!("app/{name}"), bytes.as_slice())))
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn gunzip(bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(bytes), &mut plain).unwrap();
    plain
}

/// The same dump with its data files compressed in another way.
fn repacked(files: &Files, end: &str, pack: impl Fn(&[u8]) -> Vec<u8>) -> Files {
    let repack = |(name, bytes): (&String, &Vec<u8>)| match name.strip_suffix(".gz") {
        Some(bare) => match gunzip(bytes) {
            // pg_dump with zstd or lz4 writes no byte for a large object without one.
            plain if plain.is_empty() => (format!("{bare}{end}"), plain),
            plain => (format!("{bare}{end}"), pack(&plain)),
        },
        None => (name.clone(), bytes.clone()),
    };
    files.iter().map(repack).collect()
}

fn lz4(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn assert_whole(found: &Examination, what: &str) {
    assert_eq!(found.quality, Quality::Good, "{what}: {:?}", found.reasons);
    let toc = found.tar.as_ref().unwrap().toc.as_ref().unwrap();
    assert_eq!((toc.rows.total, toc.rows.by_table["public.a"], toc.rows.by_table["public.c"]), (45, 40, 0), "{what}");
    assert_eq!(toc.blocks_checked, toc.blocks_expected, "{what}");
    assert_eq!(toc.large_objects, 3, "{what}");
}

/// A compressor.
type Pack<'a> = &'a dyn Fn(&[u8]) -> Vec<u8>;

#[test]
fn a_directory_dump_is_whole_in_every_order_and_compression() {
    let (cluster, folder) = (cluster(), TempDir::new().unwrap());
    for inserts in [false, true] {
        let extra: &[&str] = if inserts { &["-Fd", "--inserts"] } else { &["-Fd"] };
        let path = dump(&cluster, &folder, if inserts { "inserts" } else { "copy" }, extra);
        let files = files(&path);
        let mut variants = vec![files.clone(), repacked(&files, "", <[u8]>::to_vec), repacked(&files, ".lz4", lz4)];
        variants.push(repacked(&files, ".zst", |bytes| zstd::stream::encode_all(bytes, 3).unwrap()));
        for files in &variants {
            let sorted: Vec<_> = files.iter().map(|(name, bytes)| (format!("app/{name}"), bytes.as_slice())).collect();
            for turn in 0..sorted.len() {
                let (head, tail) = sorted.split_at(turn);
                let found = look(&tar(tail.iter().chain(head).cloned()));
                assert_whole(&found, &format!("{} first", sorted[turn].0));
                assert_eq!(found.caveats[0].id, CaveatId::NoChecksum);
            }
            assert_eq!(look(&gz(&tar_of(files))).caveats, [], "gzip has a checksum of all");
        }
    }
}

#[test]
fn a_directory_dump_without_one_of_its_files_or_with_a_cut_one_is_never_good() {
    let (cluster, folder) = (cluster(), TempDir::new().unwrap());
    let whole = files(&dump(&cluster, &folder, "app", &["-Fd"]));
    for variant in [whole.clone(), repacked(&whole, "", <[u8]>::to_vec), repacked(&whole, ".lz4", lz4)] {
        for name in variant.keys() {
            let mut without = variant.clone();
            without.remove(name);
            assert_ne!(look(&tar_of(&without)).quality, Quality::Good, "without {name}");
            let packed = variant[name].len();
            for cut in [0, packed / 2, packed.saturating_sub(4)] {
                let large_object = name.starts_with("blob_") && name.ends_with(".dat");
                let may_be_empty = cut == 0 && name.starts_with("blob_") && !name.ends_with(".gz");
                if large_object || may_be_empty || packed < 9 {
                    continue; // the length of an uncompressed large object is written nowhere; no rows are in so short a file
                }
                let mut shorter = variant.clone();
                shorter.insert(name.clone(), variant[name][..cut].to_vec());
                assert_ne!(look(&tar_of(&shorter)).quality, Quality::Good, "{name} cut at {cut}");
            }
        }
    }
    let mut missing = whole.clone();
    missing.remove("blob_16002.dat.gz");
    let toc = look(&tar_of(&missing)).tar.unwrap().toc.unwrap();
    assert_eq!(toc.damage, Some(CustomDamage::MissingLargeObjects));
    assert_eq!(toc.damaged_entry.as_deref(), Some("blob_16002.dat"));
    let data: Files = whole.clone().into_iter().filter(|(name, _)| name != "toc.dat").collect();
    let found = look(&tar_of(&data));
    assert_eq!((found.quality, found.tar.unwrap().dumps_without_toc), (Quality::Inconclusive, 1));
    let mut spoilt = whole.clone();
    spoilt.get_mut("toc.dat").unwrap()[0] = b'Q';
    assert_eq!(look(&tar_of(&spoilt)).quality, Quality::Bad);
    let alone = look(&whole["toc.dat"]);
    assert_eq!((alone.kind, alone.quality), (Kind::PgToc, Quality::Inconclusive));
}

#[test]
fn several_dumps_in_one_archive_are_each_held_against_their_own_table_of_contents() {
    let (cluster, folder) = (cluster(), TempDir::new().unwrap());
    let files = files(&dump(&cluster, &folder, "app", &["-Fd"]));
    let both = |second: &Files| {
        let one = files.iter().map(|(name, bytes)| (format!("one/{name}"), bytes.as_slice()));
        tar(one.chain(second.iter().map(|(name, bytes)| (format!("two/{name}"), bytes.as_slice()))))
    };
    assert_whole(&look(&both(&files)), "both");
    let mut missing = files.clone();
    missing.retain(|name, _| !name.ends_with(".dat.gz") || name.starts_with("blob"));
    let found = look(&both(&missing));
    assert_eq!(found.quality, Quality::Bad, "{:?}", found.reasons);
    assert!(found.reasons[0].says.contains("two/toc.dat"), "{:?}", found.reasons);
}

#[test]
fn a_tar_dump_misses_a_large_object_that_is_not_there() {
    let (cluster, folder) = (cluster(), TempDir::new().unwrap());
    let bytes = std::fs::read(dump(&cluster, &folder, "app.tar", &["-Ft"])).unwrap();
    assert_whole(&look(&bytes), "as pg_dump writes it");
    let mut archive = tar::Archive::new(bytes.as_slice());
    let mut members = Files::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let name = entry.path().unwrap().to_string_lossy().into_owned();
        let mut content = Vec::new();
        std::io::Read::read_to_end(&mut entry, &mut content).unwrap();
        members.insert(name, content);
    }
    assert_whole(&look(&tar_of(&members)), "packed again, sorted by name");
    let needed = members.keys().filter(|name| *name != "restore.sql").cloned().collect::<Vec<_>>();
    for name in needed {
        let mut without = members.clone();
        without.remove(&name);
        assert_ne!(look(&tar_of(&without)).quality, Quality::Good, "without {name}");
    }
    let twice = [bytes.as_slice(), bytes.as_slice()].concat();
    let found = look(&twice);
    assert_eq!((found.quality, found.tar.unwrap().damage), (Quality::Inconclusive, Some(TarDamage::TrailingData)));
    assert_eq!(look(&[bytes.as_slice(), &[0; 9000]].concat()).quality, Quality::Good, "padding");
}

#[test]
fn an_archive_that_pg_dump_wrote_to_an_appending_output_is_good() {
    let (cluster, folder) = (cluster(), TempDir::new().unwrap());
    for compression in ["-Z0", "-Z6"] {
        let path = folder.path().join("appended.dump");
        let output = std::fs::OpenOptions::new().create(true).append(true).open(&path).unwrap();
        let mut command = cluster.command("pg_dump");
        assert!(command.args(["-Fc", compression, "shop"]).stdout(output).status().unwrap().success());
        let bytes = std::fs::read(&path).unwrap();
        let found = look(&bytes);
        assert_eq!(found.quality, Quality::Good, "{:?}", found.reasons);
        let facts = found.custom.unwrap();
        assert!(facts.second_toc);
        assert_eq!((facts.rows.total, facts.large_objects), (45, 3));
        let restored = cluster.command("pg_restore").args(["-f", "-"]).arg(&path).output().unwrap();
        assert!(restored.status.success() && restored.stderr.is_empty());
        std::fs::remove_file(&path).unwrap();
    }
}

#[test]
fn ordinary_files_are_not_held_to_be_dumps() {
    let utf16: Vec<u8> =
        std::iter::once(0xfeffu16).chain("[x]\r\n".encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let ordinary: [(&str, &[u8]); 10] = [
        (
            "etc/init.d/job",
            b"#!/bin/sh\nset -e\ncase \"$1\" in\n start) echo it's; select x in a; do update it; done;;\nesac\n",
        ),
        ("site/style.min.css", b"/*! normalize */a{color:red}b{content:'it\\"),
        ("site/app.js", b"/*! app */var a='\\'';import x from 'y';\nlet b=`a;\n"),
        ("site/index.php", b"<?php\n$q = \"SELECT * FROM t WHERE a='$b';\nINSERT INTO\n"),
        ("docs/desktop.ini", &utf16),
        ("var/log/backup.log", b"pg_dump: error: connection failed\n"),
        ("pgdata/pg_multixact/offsets/0000", &[0; 8192]),
        ("pgdata/base/1/123.dat", b"not rows\n"),
        ("var/log/empty.log", b""),
        ("src/schema/oracle.sql", b"CREATE TABLE t (a q'[it's]');\nBEGIN x := $a$; END;\n/\n"),
    ];
    let members = |files: &[(&str, &[u8])]| {
        tar(files.iter().map(|(name, bytes)| ((*name).to_owned(), *bytes)).collect::<Vec<_>>())
    };
    for (name, bytes) in ordinary {
        let found = look(&members(&[(name, bytes)]));
        assert_ne!(found.quality, Quality::Bad, "{name}: {:?}", found.reasons);
        assert_ne!(found.quality, Quality::Good, "{name}");
    }
    let dump = "--\n-- PostgreSQL database dump\n--\n\nCREATE TABLE public.t (\n    a text\n);\n\nCOPY public.t (a) FROM \
        stdin;\none\n\\.\n\n--\n-- PostgreSQL database dump complete\n--\n";
    let beside = [&ordinary[..9], &[("db/site.sql", dump.as_bytes())]].concat();
    let found = look(&members(&beside));
    assert_eq!(found.quality, Quality::Good, "{:?}", found.reasons);
    let cut = [&ordinary[..9], &[("db/site.sql", &dump.as_bytes()[..120])]].concat();
    assert_eq!(look(&members(&cut)).quality, Quality::Bad);
    for (name, bytes) in [("repositories.bundle", &b""[..]), ("db.sql.gz", &gz(b"")), ("x.dump", &[0; 600])] {
        let emptied = [("db/site.sql", dump.as_bytes()), (name, bytes)];
        assert_eq!(look(&members(&emptied)).quality, Quality::Bad, "{name}");
    }
    let unexamined = [("db/site.sql", dump.as_bytes()), ("uploads.part", b"\x91\x02\x03".as_slice())];
    let ids = look(&members(&unexamined)).caveats.into_iter().map(|caveat| caveat.id).collect::<Vec<_>>();
    assert!(ids.contains(&CaveatId::MembersNotExamined), "{ids:?}");
}

#[test]
fn a_volume_without_closing_blocks_is_not_called_bad_when_nothing_else_is_known() {
    let volume = tar([("snapshot/etc/hosts".to_owned(), b"127.0.0.1 localhost\n".as_slice())]);
    let found = look(&gz(&volume[..volume.len() - 1024]));
    assert_eq!(found.quality, Quality::UnknownKind, "{:?}", found.reasons);
    assert_eq!(found.tar.unwrap().damage, Some(TarDamage::NoEndMarker));
}

#[test]
fn a_cut_stream_is_bad_whatever_is_inside() {
    let (cluster, folder) = (cluster(), TempDir::new().unwrap());
    let custom = std::fs::read(dump(&cluster, &folder, "c.dump", &["-Fc"])).unwrap();
    let directory = tar_of(&files(&dump(&cluster, &folder, "d", &["-Fd"])));
    let plain = std::fs::read(dump(&cluster, &folder, "p.sql", &[])).unwrap();
    let ordinary = tar([("etc/hosts".to_owned(), b"127.0.0.1 localhost\n".as_slice())]);
    let zst = |bytes: &[u8]| zstd::stream::encode_all(bytes, 3).unwrap();
    let packs: [Pack<'_>; 3] = [&gz, &lz4, &zst];
    for payload in [&custom, &directory, &plain, &ordinary] {
        for pack in packs {
            let whole = pack(payload);
            assert_ne!(look(&whole).quality, Quality::Bad);
            for cut in (5..whole.len()).step_by(97).chain(whole.len().saturating_sub(12)..whole.len()) {
                assert_eq!(look(&whole[..cut]).quality, Quality::Bad, "cut at {cut} of {}", whole.len());
            }
            let inside = tar([("nightly".to_owned(), &whole[..whole.len() - 9])]);
            assert_eq!(look(&inside).quality, Quality::Bad, "cut inside a tar");
        }
    }
}
