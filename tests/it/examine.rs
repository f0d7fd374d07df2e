//! Examination of backups that real programs made: a real server's dumps in every form, packed by
//! gzip, pigz, zstd and tar, whole and broken, and what the usual tools say about the same files.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use evidence::examine::{CustomDamage, Examination, Flavour, GzipDamage, Kind, Options, Quality, examine};
use tempfile::TempDir;

use crate::support::cluster::Cluster;

const SCHEMA: &str = r#"
create role reader; create role "Odd-Role";
create schema app; create schema "we ird.""na'me";
create table app.orders(id int primary key, note text, doc jsonb, b bytea, t timestamptz);
insert into app.orders select g, E'line\nwith \\ and tab\t '||g, '{"a":1}', '\x00ff5c', now()
  from generate_series(1,2000) g;
create table "we ird.""na'me"."ta.ble ä"(a text);
insert into "we ird.""na'me"."ta.ble ä" values ('CREATE TABLE x();'), (E'\r'||'estrict abc'),
  ('-- PostgreSQL database dump complete'), (E'\\.'), ('COPY x FROM stdin;'), (null), ('');
create table app."user"(a int); insert into app."user" values (1);
create unlogged table app.unl(a int);
create table app.part(id int) partition by range(id);
create table app.part1 partition of app.part for values from (0) to (10);
insert into app.part values (1),(2);
create table app.nocol(); insert into app.nocol default values;
create view app.v as select 1 as a; create materialized view app.mv as select 2 as a;
create sequence app.s; create type app.color as enum('a;b','c'); create index on app.orders(note);
create function app.f() returns void language plpgsql as $$ begin execute 'x'; /* CREATE TABLE fake(a int);
-- PostgreSQL database dump complete
COPY fake FROM stdin;
*/ end $$;
create function app.g(a int) returns int language sql
  begin atomic select case when a>1 then 2 else 3 end; select 1; end;
create procedure app.p() language sql as 'select 1';
grant usage on schema app to reader; grant select on app.orders, app.v to reader, "Odd-Role";
comment on table app.orders is 'it''s; -- not a comment';
select lo_from_bytea(0, 'hello large object');
"#;

/// What every form of the dump has to show.
const ROWS: [(&str, u64); 6] = [
    ("app.orders", 2000),
    (r#""we ird.""na'me"."ta.ble ä""#, 7),
    (r#"app."user""#, 1),
    ("app.unl", 0),
    ("app.part1", 2),
    ("app.nocol", 1),
];

struct Scene {
    cluster: Cluster,
    folder: TempDir,
}

impl Scene {
    fn new() -> Scene {
        let cluster = Cluster::start().unwrap();
        cluster.psql("postgres", "create database shop");
        cluster.psql("shop", SCHEMA);
        Scene { cluster, folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The output of a dump program, in a file.
    fn dump(&self, name: &str, program: &str, arguments: &[&str]) -> PathBuf {
        let path = self.path(name);
        let output = std::fs::File::create(&path).unwrap();
        let mut command = self.cluster.command(program);
        command.args(arguments).stdout(output).stderr(Stdio::null());
        assert!(command.env("PGDATABASE", "shop").status().unwrap().success(), "{name}");
        path
    }
}

fn sh(folder: &Path, script: &str) -> bool {
    let mut command = Command::new("bash");
    command.args(["-c", script]).current_dir(folder);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.status().unwrap().success()
}

fn look(path: &Path) -> Examination {
    let options = Options { payload_digests: true, ..Options::default() };
    let file = std::fs::File::open(path).unwrap();
    examine(file, &options, &|_| {}, &|| false).unwrap()
}

fn check_rows(found: &Examination, name: &str, with_empty: bool) {
    let rows = match (&found.sql, &found.custom, &found.tar) {
        (Some(sql), ..) => &sql.rows,
        (_, Some(custom), _) => &custom.rows,
        (.., Some(tar)) => &tar.toc.as_ref().unwrap().rows,
        _ => panic!("{name}: no rows"),
    };
    for (table, count) in ROWS {
        let seen = rows.by_table.get(table).copied();
        let expected = (count > 0 || with_empty).then_some(count);
        assert_eq!(seen, expected, "{name}: {table}");
    }
    assert_eq!(rows.total, 2011, "{name}");
}

#[test]
fn dumps_of_a_real_server_in_every_form() {
    let scene = Scene::new();
    let forms: &[(&str, &str, &[&str], bool)] = &[
        ("plain.sql", "pg_dump", &[], true),
        ("inserts.sql", "pg_dump", &["--inserts"], false),
        ("columns.sql", "pg_dump", &["--column-inserts", "--on-conflict-do-nothing"], false),
        ("many.sql", "pg_dump", &["--rows-per-insert=100"], false),
        ("verbose.sql", "pg_dump", &["-C", "-c", "--if-exists", "-v"], true),
        ("custom.dump", "pg_dump", &["-Fc"], true),
        ("stored.dump", "pg_dump", &["-Fc", "-Z0"], true),
        ("inserts.dump", "pg_dump", &["-Fc", "--inserts"], true),
        ("dump.tar", "pg_dump", &["-Ft"], true),
        ("inserts.tar", "pg_dump", &["-Ft", "--inserts"], true),
    ];
    for (name, program, arguments, with_empty) in forms {
        let found = look(&scene.dump(name, program, arguments));
        assert_eq!(found.quality, Quality::Good, "{name}: {:?}", found.reasons);
        check_rows(&found, name, *with_empty);
        let objects = match (&found.sql, &found.custom, &found.tar) {
            (Some(sql), ..) => &sql.objects,
            (_, Some(custom), _) => &custom.objects,
            (.., Some(tar)) => &tar.toc.as_ref().unwrap().objects,
            _ => unreachable!(),
        };
        assert_eq!((objects.tables.count, objects.views.count), (7, 1), "{name}");
        assert_eq!((objects.functions.count, objects.procedures.count), (2, 1), "{name}");
        assert_eq!((objects.sequences.count, objects.materialized_views.count), (1, 1), "{name}");
        for (table, _) in ROWS {
            assert!(objects.tables.names.iter().any(|listed| listed == table), "{name}: {table}");
        }
        assert_eq!(objects.others.get("index"), Some(&1), "{name}");
    }
    statements_of_inserts(&scene);
    cluster_dumps(&scene);
}

fn statements_of_inserts(scene: &Scene) {
    let one = look(&scene.path("inserts.sql")).sql.unwrap();
    let many = look(&scene.path("many.sql")).sql.unwrap();
    assert_eq!(one.inserts, 2011);
    assert_eq!(many.inserts, 20 + 1 + 1 + 1 + 1);
    let grants = &look(&scene.path("custom.dump")).custom.unwrap().grants;
    assert_eq!(grants, &look(&scene.path("plain.sql")).sql.unwrap().grants);
    assert_eq!(grants["reader"].count, 3);
    assert_eq!(grants["\"Odd-Role\""].what, ["SELECT ON TABLE app.orders", "SELECT ON TABLE app.v"]);
    let custom = look(&scene.path("custom.dump")).custom.unwrap();
    assert_eq!((custom.version.as_str(), custom.format.as_str()), ("1.14", "custom"));
    assert_eq!((custom.large_objects, custom.blocks_checked), (1, custom.blocks_expected));
    assert_eq!(custom.database.as_deref(), Some("shop"));
}

fn cluster_dumps(scene: &Scene) {
    let all = look(&scene.dump("all.sql", "pg_dumpall", &[]));
    let sql = all.sql.as_ref().unwrap();
    assert_eq!((all.quality, sql.flavour), (Quality::Good, Flavour::PgDumpall));
    assert_eq!(sql.rows.by_table.get("shop.app.orders"), Some(&2000));
    assert_eq!(sql.dumps_begun, 3);
    assert!(sql.objects.roles.names.contains(&"reader".to_owned()));
    let globals = look(&scene.dump("globals.sql", "pg_dumpall", &["-g"]));
    assert_eq!(globals.quality, Quality::Good);
    let text = std::fs::read_to_string(scene.path("all.sql")).unwrap();
    let cut = text.rfind("-- PostgreSQL database cluster dump complete").unwrap();
    std::fs::write(scene.path("cut.sql"), &text[..cut]).unwrap();
    assert_eq!(look(&scene.path("cut.sql")).quality, Quality::Bad);
}

#[test]
fn what_the_usual_tools_accept_is_told_apart() {
    let scene = Scene::new();
    let dump = scene.dump("d.sql", "pg_dump", &[]);
    let folder = scene.folder.path();
    let size = std::fs::metadata(&dump).unwrap().len();
    let script = "gzip -9k d.sql; gzip -c </dev/null >empty.gz; : >zero.gz; cat d.sql.gz d.sql.gz >two.gz; \
        cat d.sql.gz empty.gz >with-empty.gz; (cat d.sql.gz; echo x) >garbage.gz; \
        (cat d.sql.gz; head -c 512 /dev/zero) >zeros.gz; head -c -3 d.sql.gz >trailer.gz; \
        head -c 3000 d.sql.gz >mid.gz; (cat d.sql.gz; head -c 3000 d.sql.gz) >second.gz; \
        (cat d.sql.gz; head -c 4 d.sql.gz) >header.gz; pigz -kc d.sql >pigz.gz; \
        python3 - <<'E'\nb=bytearray(open('d.sql.gz','rb').read())\nc=b[:]; c[-8]^=1; open('crc.gz','wb').write(c)\n\
        c=b[:]; c[-4]^=1; open('isize.gz','wb').write(c)\nE";
    assert!(sh(folder, script));
    let cases: &[(&str, Option<GzipDamage>, Quality, bool)] = &[
        ("d.sql.gz", None, Quality::Good, true),
        ("pigz.gz", None, Quality::Good, true),
        ("empty.gz", None, Quality::Bad, true),
        ("with-empty.gz", None, Quality::Good, true),
        ("two.gz", None, Quality::Good, true),
        ("zeros.gz", None, Quality::Good, true),
        ("garbage.gz", Some(GzipDamage::TrailingGarbage), Quality::Bad, false),
        ("trailer.gz", Some(GzipDamage::TruncatedTrailer), Quality::Bad, false),
        ("mid.gz", Some(GzipDamage::TruncatedBody), Quality::Bad, false),
        ("second.gz", Some(GzipDamage::TruncatedBody), Quality::Bad, false),
        ("header.gz", Some(GzipDamage::TruncatedHeader), Quality::Bad, false),
        ("crc.gz", Some(GzipDamage::WrongCrc), Quality::Bad, false),
        ("isize.gz", Some(GzipDamage::WrongIsize), Quality::Bad, false),
    ];
    for (name, damage, quality, tool_accepts) in cases {
        let found = look(&folder.join(name));
        let gzip = found.gzip.as_ref().unwrap();
        assert_eq!((gzip.damage, found.quality), (*damage, *quality), "{name}");
        assert_eq!(gzip.valid, sh(folder, &format!("gzip -t {name}")), "{name}: as gzip -t says");
        assert_eq!(gzip.valid, *tool_accepts, "{name}");
    }
    assert!(sh(folder, "pigz -t header.gz"), "pigz accepts a cut header: if not, update TRAPS");
    assert_eq!(look(&folder.join("d.sql.gz")).payload_bytes, Some(size));
    assert_eq!(look(&folder.join("two.gz")).payload_bytes, Some(2 * size));
    assert_eq!(look(&folder.join("empty.gz")).stored_bytes, 20);
    assert_eq!(look(&folder.join("zero.gz")).kind, Kind::Empty);
}

#[test]
fn a_dump_that_failed_behind_a_pipe_is_twenty_bytes_and_bad() {
    let scene = Scene::new();
    scene.cluster.psql("shop", "create role dumper login; revoke all on schema app from public");
    let output = scene
        .cluster
        .command("bash")
        .args(["-c", "pg_dump -U dumper shop 2>err | gzip -9 > out.sql.gz"])
        .current_dir(scene.folder.path())
        .status()
        .unwrap();
    assert!(output.success(), "the pipeline hides the failure");
    let found = look(&scene.path("out.sql.gz"));
    assert_eq!((found.stored_bytes, found.payload_bytes, found.quality), (20, Some(0), Quality::Bad));
    assert!(found.gzip.unwrap().valid);
}

#[test]
fn a_dump_cut_at_a_row_boundary_restores_and_is_bad() {
    let scene = Scene::new();
    let dump = scene.dump("d.sql", "pg_dump", &["-t", "app.nocol", "-t", "app.part1", "-t", "app.part"]);
    let text = std::fs::read_to_string(&dump).unwrap();
    let header = text.find("COPY app.part1").unwrap();
    let row = header + text[header..].find('\n').unwrap() + 3;
    std::fs::write(scene.path("cut.sql"), &text[..row]).unwrap();
    let script =
        format!("create database other;\n\\c other\ncreate schema app;\n\\i {}", scene.path("cut.sql").display());
    scene.cluster.psql("postgres", &script);
    assert_eq!(scene.cluster.psql("other", "select count(*) from app.part1"), "1", "psql took it");
    let found = look(&scene.path("cut.sql"));
    assert_eq!(found.quality, Quality::Bad);
    assert_eq!(found.sql.unwrap().unterminated_copy.as_deref(), Some("app.part1"));
}

#[test]
fn two_dumps_of_the_same_data_agree_only_without_their_tokens() {
    let scene = Scene::new();
    let first = look(&scene.dump("1.sql", "pg_dump", &[]));
    let second = look(&scene.dump("2.sql", "pg_dump", &[]));
    assert_eq!(first.sql.as_ref().unwrap().restrict_lines, 2, "needs a pg_dump since August 2025");
    assert_ne!(first.payload_sha256, second.payload_sha256);
    assert_eq!(first.payload_normalised_sha256, second.payload_normalised_sha256);
    // One row of the data looks like such a line, too: only the dump's own token may go.
    let strip = r##"t=$(sed -n 's/^\\restrict //p;10q' 1.sql); sed "s/^\(.*restrict \)$t\$/\1/" 1.sql | sha256sum | cut -d' ' -f1"##;
    let stripped = Command::new("bash").args(["-c", strip]).current_dir(scene.folder.path()).output().unwrap();
    assert_eq!(first.payload_normalised_sha256.as_deref(), Some(String::from_utf8_lossy(&stripped.stdout).trim()));
}

#[test]
fn archives_in_archives() {
    let scene = Scene::new();
    scene.dump("d.sql", "pg_dump", &[]);
    scene.dump("c.dump", "pg_dump", &["-Fc"]);
    let folder = scene.folder.path();
    let script = "gzip -k d.sql; zstd -q --check -k d.sql; zstd -q c.dump; mkdir set; mv d.sql.gz d.sql.zst c.dump.zst set/; \
        echo note >set/README; tar cf set.tar set; tar czf set.tar.gz set; tar --format=pax -cf - set | zstd -q -o set.tar.zst; \
        bzip2 -k d.sql; head -c 10000 set.tar.gz >cut.tar.gz";
    assert!(sh(folder, script));
    for (name, outer) in [("set.tar", None), ("set.tar.gz", Some(Kind::Gzip)), ("set.tar.zst", Some(Kind::Zstd))] {
        let found = look(&folder.join(name));
        assert_eq!(found.quality, Quality::Good, "{name}: {:?}", found.reasons);
        assert_eq!(outer.unwrap_or(Kind::Tar), found.kind);
        let tar = found.tar.unwrap();
        assert!(tar.valid && tar.entries == 5);
        let member = |end: &str| {
            let mut all = tar.members.iter();
            all.find(|member| member.name.ends_with(end)).unwrap()
        };
        for end in ["d.sql.gz", "d.sql.zst", "c.dump.zst"] {
            check_rows(&member(end).examination, end, true);
            let path = folder.join("set").join(end);
            assert_eq!(member(end).examination, look(&path), "{end}: the same inside and outside");
        }
        assert_eq!(member("README").examination.quality, Quality::UnknownKind);
    }
    assert_eq!(look(&folder.join("cut.tar.gz")).quality, Quality::Bad);
    assert_eq!(look(&folder.join("d.sql.bz2")).quality, Quality::UnknownKind);
}

#[test]
fn half_an_archive_lists_well_and_is_bad() {
    let scene = Scene::new();
    let dump = scene.dump("c.dump", "pg_dump", &["-Fc"]);
    let bytes = std::fs::read(&dump).unwrap();
    let half = scene.path("half.dump");
    std::fs::write(&half, &bytes[..bytes.len() * 3 / 4]).unwrap();
    let list = scene.cluster.command("pg_restore").arg("-l").arg(&half).output().unwrap();
    assert!(list.status.success(), "pg_restore -l succeeds on half a file");
    let found = look(&half).custom.unwrap();
    assert_eq!(found.damage, Some(CustomDamage::TruncatedBlock));
    assert!(found.damaged_entry.is_some());
    let tail = look_at(&bytes[..bytes.len() - 1]);
    assert_eq!(tail.quality, Quality::Bad);
}

#[test]
fn archives_cut_or_flipped_anywhere_never_panic_and_a_cut_is_never_good() {
    let scene = Scene::new();
    let small = ["-t", "app.part1", "-t", "app.nocol", "-t", "app.part"];
    for form in [vec!["-Fc"], vec!["-Fc", "-Z0"], vec!["-Ft"]] {
        let dump = scene.dump("small", "pg_dump", &[&form[..], &small[..]].concat());
        let bytes = std::fs::read(&dump).unwrap();
        let used = if form == ["-Ft"] { bytes.len() - 1024 } else { bytes.len() };
        assert_eq!(look_at(&bytes).quality, Quality::Good, "{form:?}");
        let step = if form == ["-Ft"] { 7 } else { 1 };
        for at in (0..used).step_by(step) {
            assert_ne!(look_at(&bytes[..at]).quality, Quality::Good, "{form:?} cut at {at}");
            let mut flipped = bytes.clone();
            flipped[at] ^= 0x55;
            assert_eq!(look_at(&flipped).stored_bytes, bytes.len() as u64);
        }
    }
}

fn look_at(bytes: &[u8]) -> Examination {
    examine(bytes, &Options::default(), &|_| {}, &|| false).unwrap()
}

/// 4.5 GB of payload: the trailer's length field wraps. Takes half a minute: run with --ignored.
#[test]
#[ignore = "decompresses 4.5 GB"]
fn a_payload_over_four_gigabytes() {
    let mut gzip = Command::new("bash")
        .args(["-c", "head -c 4500000000 /dev/zero | tr '\\0' '\\n' | gzip -1"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = gzip.stdout.take().unwrap();
    let found = examine(output, &Options::default(), &|_| {}, &|| false).unwrap();
    assert!(gzip.wait().unwrap().success());
    assert_eq!(found.payload_bytes, Some(4_500_000_000));
    let facts = found.gzip.unwrap();
    assert_eq!((facts.valid, facts.last_isize), (true, Some(205_032_704)));
}
