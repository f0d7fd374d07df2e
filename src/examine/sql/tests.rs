//! Every trap that a scanner of dumps can fall into, whole and cut at every place.

use super::*;
use crate::examine::facts::{EndsInside, Flavour};
use crate::examine::keep::Keeper;

fn lexer() -> Lexer {
    Lexer::new(Script::new(Keeper::new(1000)))
}

fn scan(text: &str) -> Sql {
    let mut lexer = lexer();
    lexer.feed(text.as_bytes());
    lexer.finish().sql
}

fn rows(sql: &Sql, table: &str) -> Option<u64> {
    sql.rows.by_table.get(table).copied()
}

/// A dump with everything that has misled a scanner before.
const TRAPS: &str = r#"--
-- PostgreSQL database dump
--

\restrict gq1SOMETHINGrandom

-- Dumped from database version 15.18 (Debian 15.18-0+deb12u1)
-- Dumped by pg_dump version 15.18 (Debian 15.18-0+deb12u1)

SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);

CREATE SCHEMA app;
CREATE SCHEMA "we ird.""na'me";
CREATE FUNCTION app.f() RETURNS void
    LANGUAGE plpgsql
    AS $_$ begin
CREATE TABLE fake(a int);
-- PostgreSQL database dump complete
COPY fake FROM stdin;
1
\.
execute $$ inner; $$; $1; end $_$;
CREATE FUNCTION app.g(a integer) RETURNS integer
    LANGUAGE sql
    BEGIN ATOMIC
 SELECT CASE WHEN (a > 1) THEN 2 ELSE 3 END AS "case";
 SELECT 1; CREATE TABLE fake2(a int);
END;
CREATE PROCEDURE app.p()
    LANGUAGE sql
    AS 'select 1; CREATE TABLE fake3();';
CREATE UNLOGGED TABLE app.unlogged (a integer);
CREATE FOREIGN TABLE app.far (a integer) SERVER s OPTIONS (x ';', y 'it''s');
CREATE TABLE app.part1 PARTITION OF app.part FOR VALUES IN ('a;b');
CREATE TABLE IF NOT EXISTS "we ird.""na'me"."ta.ble ä" (a text DEFAULT E'a\'; CREATE TABLE fake4();');
/* CREATE TABLE fake5(); /* nested */ CREATE TABLE fake6(); */
CREATE VIEW app.v AS SELECT NULL::integer AS a;
CREATE OR REPLACE VIEW app.v AS SELECT 1 AS a;
CREATE MATERIALIZED VIEW app.mv AS SELECT 2 AS a WITH NO DATA;
CREATE SEQUENCE app.s START WITH 1;
CREATE UNIQUE INDEX i ON app.unlogged USING btree (a);

COPY "we ird.""na'me"."ta.ble ä" (a) FROM stdin;
CREATE TABLE x();
-- PostgreSQL database dump complete
COPY x FROM stdin;
\restrict abc
\\.
\N
\.


COPY app.empty (a) FROM stdin;
\.


COPY app.nocol  FROM stdin;

\.

GRANT USAGE ON SCHEMA app TO reader;
GRANT SELECT(a),INSERT(a) ON TABLE app.unlogged TO reader;
GRANT ALL ON FUNCTION app.g(a integer) TO reader, "Odd-Role" WITH GRANT OPTION;
GRANT admin TO "Odd-Role";
ALTER DEFAULT PRIVILEGES FOR ROLE x GRANT SELECT ON TABLES TO reader;

--
-- PostgreSQL database dump complete
--

\unrestrict gq1SOMETHINGrandom

"#;

fn check_traps(sql: &Sql) {
    assert_eq!(sql.flavour, Flavour::PgDump);
    assert!(sql.header && sql.trailer);
    assert_eq!((sql.dumps_begun, sql.dumps_completed, sql.restrict_lines), (1, 1, 2));
    let tables = ["app.unlogged", "app.far", "app.part1", r#""we ird.""na'me"."ta.ble ä""#];
    assert_eq!(sql.objects.tables.names, tables);
    assert_eq!(sql.objects.foreign_tables, 1);
    assert_eq!(sql.objects.views.names, ["app.v"]);
    assert_eq!(sql.objects.materialized_views.names, ["app.mv"]);
    assert_eq!(sql.objects.sequences.names, ["app.s"]);
    assert_eq!(sql.objects.functions.names, ["app.f", "app.g"]);
    assert_eq!(sql.objects.procedures.names, ["app.p"]);
    assert_eq!(sql.objects.schemas.names, ["app", r#""we ird.""na'me""#]);
    assert_eq!(sql.objects.others.get("index"), Some(&1));
    assert_eq!(rows(sql, r#""we ird.""na'me"."ta.ble ä""#), Some(6));
    assert_eq!(rows(sql, "app.empty"), Some(0));
    assert_eq!(rows(sql, "app.nocol"), Some(1));
    assert_eq!((sql.copy_blocks, sql.rows.total), (3, 7));
    assert_eq!(sql.grants["reader"].count, 3);
    assert_eq!(sql.grants["\"Odd-Role\""].what, ["ALL ON FUNCTION app.g(a integer)", "admin"]);
    assert_eq!(sql.grants["reader"].what[0], "USAGE ON SCHEMA app");
    assert_eq!(sql.ends_inside, None);
    assert!(sql.server_version.as_ref().unwrap().starts_with("15.18"));
}

#[test]
fn bodies_data_comments_and_strings_are_not_statements() {
    check_traps(&scan(TRAPS));
}

#[test]
fn any_two_cuts_give_the_same() {
    let whole = scan(TRAPS);
    let bytes = TRAPS.as_bytes();
    for first in 0..bytes.len() {
        let second = (first + 1 + first % 7).min(bytes.len());
        let mut lexer = lexer();
        for part in [&bytes[..first], &bytes[first..second], &bytes[second..]] {
            lexer.feed(part);
        }
        assert_eq!(lexer.finish().sql, whole, "cut at {first} and {second}");
    }
}

#[test]
fn byte_by_byte_gives_the_same_and_the_same_drops() {
    let (mut lexer, mut normalised) = (lexer(), Vec::new());
    for byte in TRAPS.as_bytes() {
        lexer.feed(&[*byte]);
        if lexer.drops().is_empty() {
            normalised.push(*byte);
        }
    }
    check_traps(&lexer.finish().sql);
    let expected = TRAPS.replace("restrict gq1SOMETHINGrandom", "restrict ");
    assert_eq!(String::from_utf8(normalised).unwrap(), expected);
}

#[test]
fn a_dump_cut_anywhere_has_no_trailer() {
    let end = TRAPS.find("-- PostgreSQL database dump complete\n--\n\n\\unrestrict").unwrap();
    let trailer = "-- PostgreSQL database dump complete".len();
    for cut in (0..end + trailer).filter(|&cut| TRAPS.is_char_boundary(cut)) {
        let sql = scan(&TRAPS[..cut]);
        assert!(!sql.trailer, "cut at {cut}");
    }
    for cut in end + trailer..=TRAPS.len() {
        // Half a comment mark is the beginning of something.
        let half = TRAPS[..cut].ends_with("\n-");
        assert_eq!(scan(&TRAPS[..cut]).trailer, !half, "cut at {cut}");
    }
}

#[test]
fn a_statement_after_the_trailer_takes_it_back() {
    let sql = scan(&format!("{TRAPS}DROP TABLE app.unlogged;\n"));
    assert!(!sql.trailer);
}

#[test]
fn what_a_text_ends_inside_of() {
    let ends = |text: &str| scan(text).ends_inside;
    assert_eq!(ends("SELECT 1;\n"), None);
    assert_eq!(ends("SELECT 1"), Some(EndsInside::Statement));
    assert_eq!(ends("SELECT 'it''"), Some(EndsInside::Quote));
    assert_eq!(ends("SELECT \"a"), Some(EndsInside::Quote));
    assert_eq!(ends("DO $x$ begin; $$;"), Some(EndsInside::DollarQuote));
    assert_eq!(ends("/* a /* b */"), Some(EndsInside::Comment));
    assert_eq!(ends("COPY t FROM stdin;"), Some(EndsInside::CopyData));
    assert_eq!(ends("COPY t FROM stdin;\n1\n2\n"), Some(EndsInside::CopyData));
    assert_eq!(ends("COPY t FROM stdin;\n1\n\\."), None);
    assert_eq!(ends("CREATE FUNCTION f() BEGIN ATOMIC SELECT 1;"), Some(EndsInside::Statement));
    let sql = scan("COPY a.t FROM stdin;\n1\n2\npart");
    assert_eq!(sql.unterminated_copy.as_deref(), Some("a.t"));
    assert_eq!(rows(&sql, "a.t"), Some(2));
}

#[test]
fn rows_of_inserts() {
    let sql = scan(
        "INSERT INTO a.t VALUES (1, 'x;(y)', '(''),(');\n\
         INSERT INTO a.t VALUES (1, (2 + 3)), (2, f(4)), (3, 5) ON CONFLICT (id) DO NOTHING;\n\
         insert into a.t (id, \"odd)\") overriding system value values (1, E'\\'),(');\n\
         INSERT INTO a.nocol DEFAULT VALUES;\n\
         INSERT INTO a.q SELECT * FROM a.t;\n\
         INSERT INTO a.t VALUES ($1$(1),(2)$1$), ($$),($$);\n",
    );
    assert_eq!(rows(&sql, "a.t"), Some(7));
    assert_eq!(rows(&sql, "a.nocol"), Some(1));
    assert_eq!((sql.inserts, sql.inserts_uncounted), (6, 1));
}

#[test]
fn strings_with_backslashes_when_the_dump_says_so() {
    let sql = scan("SET standard_conforming_strings = off;\nINSERT INTO t VALUES ('a\\'),(');\nSELECT 1;\n");
    assert_eq!((rows(&sql, "t"), sql.statements), (Some(1), 3));
}

#[test]
fn copy_with_options_is_not_counted_as_rows() {
    let sql = scan("COPY t FROM stdin WITH (FORMAT csv);\n\"a\nb\"\n\\.\nCOPY u TO stdout;\nSELECT 1;\n");
    assert_eq!((sql.copy_uncounted, sql.copy_blocks, sql.statements), (1, 1, 3));
    assert!(sql.rows.by_table.is_empty());
}

#[test]
fn a_cluster_dump_needs_its_own_trailer_and_names_its_databases() {
    let text = "--\n-- PostgreSQL database cluster dump\n--\n\\restrict a\nCREATE ROLE reader;\n\
        GRANT a TO b GRANTED BY postgres;\n\\unrestrict a\n\
        \\connect template1\n--\n-- PostgreSQL database dump\n--\nCREATE TABLE public.t(a int);\n\
        -- PostgreSQL database dump complete\n--\n\
        \\connect -reuse-previous=on \"dbname='odd name'\"\n--\n-- PostgreSQL database dump\n--\n\
        COPY public.t (a) FROM stdin;\n1\n\\.\n-- PostgreSQL database dump complete\n--\n";
    let cut = scan(text);
    assert_eq!(cut.flavour, Flavour::PgDumpall);
    assert!(!cut.trailer && cut.header);
    let whole = scan(&format!("{text}-- PostgreSQL database cluster dump complete\n--\n"));
    assert!(whole.trailer);
    assert_eq!((whole.dumps_begun, whole.dumps_completed), (2, 2));
    assert_eq!(whole.objects.tables.names, ["template1.public.t"]);
    assert_eq!(rows(&whole, "\"odd name\".public.t"), Some(1));
    assert_eq!(whole.objects.roles.names, ["reader"]);
}

const MYSQL: &str = "/*M!999999\\- enable the sandbox mode */ \n\
    -- MariaDB dump 10.19  Distrib 10.11.6-MariaDB, for debian-linux-gnu (x86_64)\n\
    -- Host: localhost    Database: app\n-- Server version\t10.11.6-MariaDB\n\n\
    /*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */;\n\
    CREATE TABLE `or``ders` (\n  `id` int(11) NOT NULL,\n  `a` varchar(9) DEFAULT 'a\\';' COMMENT 'x'\n);\n\
    LOCK TABLES `orders` WRITE;\n/*!40000 ALTER TABLE `orders` DISABLE KEYS */;\n\
    INSERT INTO `orders` VALUES (1,'it\\'s; (a)'),(2,'b\\\\'),(3,_binary '\\0\\'(');\nUNLOCK TABLES;\n\
    /*!50001 CREATE VIEW `v` AS SELECT 1 AS `a`*/;\n\
    DELIMITER ;;\n/*!50003 CREATE*/ /*!50017 DEFINER=`root`@`%`*/ /*!50003 TRIGGER tr BEFORE INSERT ON t\n\
    FOR EACH ROW BEGIN INSERT INTO log VALUES (1); SET @a = 1; END */;;\n\
    CREATE DEFINER=`root`@`localhost` PROCEDURE `p`()\nBEGIN\n INSERT INTO log VALUES (2);\nEND ;;\nDELIMITER ;\n\
    /*!50001 CREATE ALGORITHM=UNDEFINED */\n/*!50013 DEFINER=`root`@`%` SQL SECURITY DEFINER */\n\
    /*!50001 VIEW `v` AS select 1 AS `a` */;\n";

#[test]
fn a_mysql_dump() {
    for (trailer, complete) in [
        ("-- Dump completed on 2026-05-15  2:00:01\n", true),
        ("-- Dump completed\n", true),
        ("", false),
        ("SELECT '\n-- Dump completed\n", false),
    ] {
        let sql = scan(&format!("{MYSQL}{trailer}"));
        assert_eq!(sql.flavour, Flavour::Mysqldump);
        assert_eq!((sql.header, sql.trailer), (true, complete), "{trailer}");
        assert_eq!(sql.objects.tables.names, ["\"or``ders\""]);
        assert_eq!(sql.objects.views.names, ["v"]);
        assert_eq!(sql.objects.procedures.names, ["p"]);
        assert_eq!(sql.objects.others.get("trigger"), Some(&1));
        assert_eq!(rows(&sql, "orders"), Some(3));
        assert_eq!(rows(&sql, "log"), None);
        assert_eq!(sql.server_version.as_deref(), Some("10.11.6-MariaDB"));
    }
}

#[test]
fn mysql_is_recognised_without_comments() {
    let bare: String = MYSQL.lines().filter(|line| !line.starts_with("--")).flat_map(|line| [line, "\n"]).collect();
    let sql = scan(&bare);
    assert_eq!((sql.flavour, sql.header, sql.trailer), (Flavour::Mysqldump, false, false));
    assert_eq!(rows(&sql, "orders"), Some(3));
}

#[test]
fn messages_of_the_dump_program_in_the_dump() {
    let sql = scan("SELECT 1;\npg_dump: error: query failed: ERROR:  permission denied; x\nSELECT 2;\n");
    assert_eq!((sql.error_lines, sql.statements), (1, 2));
    assert_eq!(sql.first_error_lines, ["pg_dump: error: query failed: ERROR:  permission denied; x"]);
}

#[test]
fn prose_is_not_sql() {
    let is_sql = |text: &str| {
        let mut lexer = lexer();
        lexer.feed(text.as_bytes());
        looks_like_sql(&lexer.finish())
    };
    assert!(!is_sql("It was late; the night; the owl; update pending."));
    assert!(!is_sql("2026-05-15 04:17:01 backup started\n"));
    assert!(is_sql("CREATE TABLE t (a int);\nINSERT INTO t VALUES (1);\n"));
}

#[test]
fn a_line_of_a_hundred_megabytes_is_no_burden() {
    let mut lexer = lexer();
    lexer.feed(b"-- ");
    let part = vec![b'x'; 1 << 20];
    for _ in 0..100 {
        lexer.feed(&part);
    }
    lexer.feed(b"\nSELECT 1;");
    assert_eq!(lexer.finish().sql.statements, 1);
}

proptest::proptest! {
    /// Whatever the text and wherever it is cut, the result is the same and nothing panics.
    #[test]
    fn cuts_never_matter(
        parts in proptest::collection::vec(proptest::sample::select(vec![
            "COPY t FROM stdin;\n", "\\.\n", "\\restrict x\n", "$$", "$a$", "'", "\"", "--", "\n", "/*", "*/",
            ";", "E'\\''", "CREATE TABLE ", "a.b", "(", ")", "INSERT INTO t VALUES ", ",", "DELIMITER ;;\n",
            "/*!40101 ", "-- MySQL dump 1\n", "BEGIN ATOMIC ", "CREATE FUNCTION f() ", "END", "\\", "\u{e4}",
            "\r\n", "\0", "pg_dump: ", "GRANT a TO b", "\\connect x\n",
        ]), 0..40),
        cuts in proptest::collection::vec(0usize..400, 0..8),
    ) {
        let text = parts.concat().into_bytes();
        let mut whole = lexer();
        whole.feed(&text);
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
        cuts.sort_unstable();
        cuts.push(text.len());
        let (mut pieces, mut at) = (lexer(), 0);
        for cut in cuts {
            pieces.feed(&text[at..cut]);
            at = cut;
        }
        proptest::prop_assert_eq!(pieces.finish().sql, whole.finish().sql);
    }
}
