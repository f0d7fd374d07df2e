//! Text dumps as people and programs break, wrap and join them, through the public door.

use super::*;

/// A dump of two tables: `a` with three columns and `b` with one.
fn postgres() -> String {
    let rows: String = (1..=6).map(|n| format!("{n}\tn{n}\t2026-01-0{n}\n")).collect();
    format!(
        "--\n-- PostgreSQL database dump\n--\n\n\\restrict TOKEN\n\n-- Dumped from database version 17.1\n\n\
         SET client_encoding = 'UTF8';\nSELECT pg_catalog.set_config('search_path', '', false);\nSET row_security = off;\n\n\
         --\n-- Name: a; Type: TABLE; Schema: public; Owner: o\n--\n\n\
         CREATE TABLE public.a (\n    id integer NOT NULL,\n    n text,\n    d date\n);\n\n\
         ALTER TABLE public.a OWNER TO o;\n\nCREATE TABLE public.b (\n    k text\n);\n\n\
         COPY public.a (id, n, d) FROM stdin;\n{rows}\\.\n\n\nCOPY public.b (k) FROM stdin;\nk1\nk2\n\\.\n\n\n\
         ALTER TABLE ONLY public.a\n    ADD CONSTRAINT a_pkey PRIMARY KEY (id);\n\n\n\
         --\n-- PostgreSQL database dump complete\n--\n\n\\unrestrict TOKEN\n\n"
    )
}

fn mysql() -> String {
    let tuples = |tuple: fn(u32) -> String| (1..=6).map(tuple).collect::<Vec<_>>().join(",\n");
    let (a, b) = (tuples(|n| format!("({n},'n{n}','x')")), tuples(|n| format!("('k{n}',{n})")));
    format!(
        "/*M!999999\\- enable the sandbox mode */ \n-- MariaDB dump 10.19  Distrib 10.11.6-MariaDB\n--\n\
         -- Host: localhost    Database: app\n-- Server version\t10.11.6-MariaDB\n\n\
         /*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */;\n\
         CREATE TABLE `a` (\n  `id` int(11) NOT NULL,\n  `n` varchar(9) DEFAULT NULL,\n  `d` varchar(9) DEFAULT NULL\n);\n\
         LOCK TABLES `a` WRITE;\nINSERT INTO `a` VALUES\n{a};\nUNLOCK TABLES;\n\
         CREATE TABLE `b` (\n  `k` varchar(9) DEFAULT NULL,\n  `v` int(11) DEFAULT NULL\n);\n\
         LOCK TABLES `b` WRITE;\nINSERT INTO `b` VALUES\n{b};\nUNLOCK TABLES;\n\
         /*!40101 SET SQL_MODE=@OLD_SQL_MODE */;\n\n-- Dump completed on 2026-05-15  2:00:01\n"
    )
}

fn look(text: impl AsRef<[u8]>) -> Examination {
    examine(text.as_ref(), &Options::default(), &|_| {}, &|| false).unwrap()
}

fn codes(found: &Examination) -> Vec<Code> {
    found.reasons.iter().map(|reason| reason.code).collect()
}

/// What the content leaves out; that plain text has no checksum is true of every one of these.
fn of_content(found: &Examination) -> Vec<CaveatId> {
    let ids: Vec<CaveatId> = found.caveats.iter().map(|caveat| caveat.id).collect();
    assert!(ids.contains(&CaveatId::NoChecksum), "{ids:?}");
    ids.into_iter().filter(|id| *id != CaveatId::NoChecksum).collect()
}

fn caveats(text: impl AsRef<[u8]>) -> Vec<CaveatId> {
    let found = look(text);
    assert_eq!(found.quality, Quality::Good, "{:?}", found.reasons);
    of_content(&found)
}

#[track_caller]
fn bad(text: impl AsRef<[u8]>, code: Code) -> Examination {
    let found = look(text);
    assert_eq!((found.quality, codes(&found).contains(&code)), (Quality::Bad, true), "{:?}", found.reasons);
    found
}

#[track_caller]
fn good(text: impl AsRef<[u8]>) -> Sql {
    let found = look(text);
    assert_eq!(found.quality, Quality::Good, "{:?}", found.reasons);
    assert!(of_content(&found).is_empty(), "{:?}", found.caveats);
    *found.sql.unwrap()
}

/// Everything from the first `from` up to the first `to` after it is lost.
fn hole(text: &str, from: &str, to: &str) -> String {
    let start = text.find(from).unwrap();
    let end = start + text[start..].find(to).unwrap();
    format!("{}{}", &text[..start], &text[end..])
}

#[test]
fn rows_have_the_columns_of_their_table() {
    for (row, found) in [("9\tn\td\textra\n", 4), ("9\tn\n", 2), ("\n", 1), ("pg_dump: warning: x\n", 1)] {
        let text = postgres().replace("3\tn3", &format!("{row}3\tn3"));
        let sql = bad(text, Code::RowsMisshapen).sql.unwrap();
        let first = sql.first_misshapen.unwrap();
        assert_eq!(
            (first.table.as_str(), first.row, first.expected, first.found),
            ("public.a", Some(3), Some(3), Some(found))
        );
        assert_eq!(sql.misshapen_rows, 1);
    }
    bad(hole(&postgres(), "4\tn4", "k1\n"), Code::RowsMisshapen);
    bad(hole(&postgres(), "n4", "k2\n"), Code::RowsMisshapen);
    // Rows without a list of columns agree with the first one.
    let listless = postgres().replace("COPY public.a (id, n, d)", "COPY public.a");
    good(&listless);
    bad(listless.replace("3\tn3", "3"), Code::RowsMisshapen);
    // CR LF in some rows and LF in others.
    bad(postgres().replace("2026-01-02\n", "2026-01-02\r\n"), Code::RowsMisshapen);
}

#[test]
fn tuples_have_as_many_values_as_the_first_one() {
    for text in [
        hole(&mysql(), "(4,", "('k3'"),
        mysql().replace("(3,'n3','x')", "(3,'n3')"),
        mysql().replace("(3,'n3','x')", "(3,'n3','x',4)"),
        mysql().replace("`a` VALUES", "`a` (`id`, `n`) VALUES"),
        mysql().replace(",\n(3,", ";\nINSERT INTO `a` VALUES (9,9);\nINSERT INTO `a` VALUES (3,"),
    ] {
        bad(text, Code::RowsMisshapen);
    }
    assert_eq!(look(hole(&mysql(), "'n4'", "('k3'")).quality, Quality::Bad);
    let inserts = hole(&postgres(), "COPY public.a", "COPY public.b");
    let rows =
        "INSERT INTO public.a VALUES (1, 'it''s, (', '2026-01-01');\nINSERT INTO public.a VALUES (2, NULL, NULL);\n";
    good(inserts.replace("COPY public.b", &format!("{rows}COPY public.b")));
    let cut = rows.replace("2, NULL, NULL", "2, NULL");
    bad(inserts.replace("COPY public.b", &format!("{cut}COPY public.b")), Code::RowsMisshapen);
}

#[test]
fn a_cut_dump_with_a_whole_one_after_it_is_bad_wherever_it_is_cut() {
    for text in [postgres(), mysql()] {
        good(format!("{text}{text}"));
        let end = text.find("dump complete").or_else(|| text.find("Dump completed")).unwrap();
        for cut in 60..end {
            let found = look(format!("{}{text}", &text[..cut]));
            assert_eq!(found.quality, Quality::Bad, "cut at {cut}: {:?}", &text[cut.saturating_sub(30)..cut]);
        }
        // The end of one dump and a whole one.
        assert_eq!(look(format!("{}{text}", &text[end - 40..])).quality, Quality::Bad);
    }
}

const MESSAGES: &[&str] = &[
    "sudo: unable to resolve host db1: Name or service not known",
    "Defaulted container \"db\" out of: db, backup",
    "perl: warning: Setting locale failed.",
    "WARNING:  database \"app\" has a collation version mismatch",
    "DETAIL:  The database was created using collation version 2.31; it's 2.36 now.",
    "mysqldump: [Warning] Using a password on the command line interface can be insecure.",
    "could not change directory to \"/root\": Permission denied",
    "load pubkey \"/root/.ssh/id\": invalid format",
    "Lock file exists (/run/x",
    "[+] Running 1/1",
    "{\"level\":\"warn\",\"msg\":\"it's\"}",
    "2026-05-15 04:17:01.000 UTC [42] LOG:  checkpoint",
    "<3>warning",
    "/usr/bin/backup: line 3: foo: command not found",
    "-bash: warning: setlocale",
    "'psql' is not recognized",
    "Größe unbekannt",
    "git: 'x' is not a git command",
];

#[test]
fn a_line_of_a_program_is_bad_wherever_it_stands() {
    for text in [postgres(), mysql()] {
        // Before the header, and at every line where no row of a table with one column stands.
        let end = text.find("dump complete").or_else(|| text.find("Dump completed")).unwrap();
        let starts = std::iter::once(0).chain(text[..end].match_indices('\n').map(|(at, _)| at + 1));
        for start in starts.filter(|&start| !text[start..].starts_with('k') && !text[..start].ends_with("k2\n")) {
            for message in MESSAGES {
                let found = look(format!("{}{message}\n{}", &text[..start], &text[start..]));
                // Between the lines of one statement a message can be anything.
                let inside = text[..start].ends_with(",\n")
                    || text[..start].ends_with("(\n")
                    || text[start..].starts_with([')', ' ', '(']);
                let inside = inside || text[..start].ends_with(")\n") || text[..start].ends_with("VALUES\n");
                let known = found.quality == Quality::Bad || inside;
                assert!(known, "{message} before {:?}", &text[start..(start + 30).min(text.len())]);
            }
        }
    }
    let found = bad(format!("{}\n{}", MESSAGES[0], mysql()), Code::ErrorLines);
    assert_eq!(codes(&found), [Code::ErrorLines], "the header and the trailer were seen");
    assert_eq!(found.sql.unwrap().first_error_lines, [MESSAGES[0]]);
    // A message that names itself is seen inside a statement too.
    bad(postgres().replace("    n text", "pg_dump: warning: x\n    n text"), Code::ErrorLines);
}

#[test]
fn dumps_in_the_company_of_others_are_good() {
    let globals = "--\n-- PostgreSQL database cluster dump\n--\n\nCREATE ROLE o;\n\n--\n-- PostgreSQL database cluster dump complete\n--\n\n";
    let whole = postgres();
    for text in [
        format!("{globals}{whole}"),
        format!("{whole}{globals}"),
        format!("BEGIN;\n{whole}COMMIT;\n"),
        format!("{whole}ANALYZE;\n"),
        format!("SET session_replication_role = replica;\n{whole}RESET ALL;\n"),
        format!("\u{feff}{whole}"),
        format!("SET autocommit=0;\n{}COMMIT;\n", mysql()),
        format!(
            "{}DELIMITER ;;\n/*!50003 CREATE*/ /*!50017 DEFINER=`r`@`%`*/ /*!50003 trigger t before insert on a for each row begin set @a = 1; end */;;\nDELIMITER ;\n",
            mysql()
        ),
    ] {
        good(text);
    }
    assert_eq!(good(format!("\u{feff}{whole}")).rows.total, 8);
    // What undoes or changes the dump, and a wrapping that was cut.
    assert_eq!(look(format!("{whole}DROP TABLE public.a;\n")).quality, Quality::Bad);
    bad(format!("BEGIN;\n{whole}"), Code::TransactionNotCommitted);
    bad(format!("BEGIN;\n{whole}ROLLBACK;\n"), Code::TransactionNotCommitted);
    assert_eq!(look(format!("{}DELIMITER ;;\n", mysql())).quality, Quality::Bad);
    assert_eq!(look(format!("{globals}{}", &whole[..whole.len() / 2])).quality, Quality::Bad);
}

#[test]
fn what_a_good_dump_leaves_out_is_a_caveat() {
    let whole = postgres();
    assert_eq!(caveats(hole(&whole, "COPY public.a", "ALTER TABLE ONLY")), [CaveatId::SchemaOnly]);
    assert_eq!(caveats(hole(&whole, "CREATE TABLE public.a", "COPY public.a")), [CaveatId::DataOnly]);
    assert_eq!(caveats(hole(&whole, "COPY public.b", "ALTER TABLE ONLY")), [CaveatId::TablesWithoutData]);
    assert_eq!(caveats(whole.replace("row_security = off", "row_security = on")), [CaveatId::RowSecurity]);
    assert_eq!(caveats(whole.replace('\n', "\r\n")), [CaveatId::CrLf]);
    assert_eq!(caveats(mysql().replace('\n', "\r\n")), [CaveatId::CrLf]);
    let empty = hole(&hole(&whole, "1\tn1", "\\."), "k1", "\\.");
    assert_eq!(caveats(empty), [CaveatId::NoRows]);
    let globals = "-- PostgreSQL database cluster dump\nCREATE ROLE o;\n-- PostgreSQL database cluster dump complete\n";
    assert_eq!(caveats(globals), [CaveatId::GlobalsOnly]);
    let nothing = look(hole(&whole, "CREATE TABLE public.a", "--\n-- PostgreSQL database dump complete"));
    assert_eq!((nothing.quality, codes(&nothing)), (Quality::Inconclusive, vec![Code::EmptyDump]));
    // A table that is filled or changed and not created was lost.
    bad(hole(&whole, "CREATE TABLE public.b", "COPY public.a"), Code::TableMissing);
    bad(hole(&whole, "CREATE TABLE public.a", "ALTER TABLE public.a"), Code::TableMissing);
}

/// Older versions of pg_dump set `search_path` and name a table with its schema in some statements only.
#[test]
fn a_table_named_without_its_schema_is_the_created_one() {
    let whole = postgres();
    for (from, to) in [
        ("COPY public.a", "COPY a"),
        ("CREATE TABLE public.a", "CREATE TABLE a"),
        ("ALTER TABLE public.a", "ALTER TABLE a"),
    ] {
        assert_eq!(caveats(whole.replace(from, to)), [], "{to}");
    }
    // Two schemas are two tables, and another name is another table.
    bad(whole.replace("COPY public.a", "COPY other.a"), Code::TableMissing);
    bad(whole.replace("COPY public.a", "COPY c"), Code::TableMissing);
    let dotted = whole.replace("CREATE TABLE public.a", "CREATE TABLE \"public.a\"");
    bad(dotted, Code::TableMissing);
}

#[test]
fn frames_of_other_programs() {
    let sqlite = "PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\nCREATE TABLE t(a);\nINSERT INTO t VALUES(1);\n\
        CREATE TRIGGER r AFTER INSERT ON t BEGIN INSERT INTO t VALUES(2); SELECT CASE 1 WHEN 1 THEN 2 END; END;\nCOMMIT;\n";
    let sql = good(sqlite);
    assert_eq!((sql.flavour, sql.rows.total), (Flavour::Sqlite, 1));
    bad(sqlite.replace("COMMIT;\n", ""), Code::TransactionNotCommitted);
    bad(
        sqlite.replace("COMMIT;", "/**** ERROR: (11) malformed *****/\nROLLBACK; -- due to errors"),
        Code::TransactionNotCommitted,
    );
    let admin = "-- phpMyAdmin SQL Dump\n-- version 5.2.1\n\nSET SQL_MODE = \"NO_AUTO_VALUE_ON_ZERO\";\nSTART TRANSACTION;\n\
        /*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */;\nCREATE TABLE `t` (`id` int(11));\n\
        INSERT INTO `t` (`id`) VALUES\n(1),\n(2);\nCOMMIT;\n\n/*!40101 SET CHARACTER_SET_CLIENT=@OLD_CHARACTER_SET_CLIENT */;\n";
    let sql = good(admin);
    assert_eq!((sql.flavour, sql.rows.total), (Flavour::PhpMyAdmin, 2));
    bad(&admin[..admin.find("COMMIT").unwrap()], Code::TransactionNotCommitted);
    let heidi = hole(&hole(admin, "-- phpMyAdmin", "SET SQL_MODE"), "COMMIT", "/*!40101 SET CHARACTER")
        .replace("START TRANSACTION;\n", "");
    assert_eq!(look(&heidi).quality, Quality::Inconclusive);
    bad(&heidi[..heidi.rfind("/*!").unwrap()], Code::TrailerMissing);
}

#[test]
fn rows_and_names_of_other_programs() {
    let rows = |text: &str| {
        let sql = look(text).sql.unwrap();
        (sql.objects.tables.count, sql.rows.total)
    };
    let adminer = "-- Adminer 4.8.1 MySQL dump\n\nSET NAMES utf8;\n\nDROP TABLE IF EXISTS `m`;\nCREATE TABLE `m` (\n  `id` int\n);\n\nINSERT INTO `m` (`id`) VALUES\n('a'),\n('b');\n";
    assert_eq!(rows(adminer), (1, 2));
    let navicat = "/*\n Navicat Premium Data Transfer\n it's\n*/\n\nSET NAMES utf8mb4;\nCREATE TABLE `m`  (`id` int);\nBEGIN;\nINSERT INTO `m` VALUES (1);\nINSERT INTO `m` VALUES (2);\nCOMMIT;\n";
    assert_eq!(rows(navicat), (1, 2));
    let hashes = "# it's a backup; of WordPress\nCREATE TABLE `o` (\n  `id` bigint, # it's the id\n  `b` int\n);\n# don't\nINSERT INTO `o` VALUES (1,2),(2,3);\n";
    assert_eq!(rows(hashes), (1, 2));
    let ansi = mysql().replace('`', "\"");
    assert_eq!(rows(&ansi), (2, 12));
    assert_eq!(good(&ansi).objects.tables.names, ["a", "b"]);
    let rule = "CREATE RULE r AS\n    ON INSERT TO public.a DO ( SELECT 1 AS \"?column?\";\n INSERT INTO public.b (k)\n  VALUES (new.n);\n);\n\n\n";
    let sql = good(postgres().replace(
        "--\n-- PostgreSQL database dump complete",
        &format!("{rule}--\n-- PostgreSQL database dump complete"),
    ));
    assert_eq!((sql.rows.total, sql.inserts), (8, 0));
    let identity = "ALTER TABLE public.a ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (\n    SEQUENCE NAME public.a_id_seq\n    START WITH 1\n);\n\n";
    let sql = good(postgres().replace("CREATE TABLE public.b", &format!("{identity}CREATE TABLE public.b")));
    assert_eq!(sql.objects.sequences.names, ["public.a_id_seq"]);
}

#[test]
fn a_message_in_place_of_a_backup_is_bad_and_shown() {
    for text in [
        "pg_dump: error: connection to server at \"db\", port 5432 failed: FATAL:  password authentication failed\n",
        "mysqldump: Got error: 1045: \"Access denied for user 'u'@'localhost'\" when trying to connect\n",
        "the input device is not a TTY\n",
        "Error response from daemon: No such container: db\n",
        "OCI runtime exec failed: exec failed: unable to start container process\n",
        "Error from server (NotFound): pods \"db-0\" not found\n",
        "gzip: compressed data not written to a terminal. Use -f to force compression.\nFor help, type: gzip -h\n",
        "ssh: connect to host db1 port 22: Connection refused\n",
        "bash: line 1: pg_dump: command not found\n",
        "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n",
        "<?xml version=\"1.0\"?>\n<Error><Code>NoSuchKey</Code><Message>it's gone</Message></Error>\n",
        "<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title></head></html>\n",
        "{\"error\":{\"code\":404,\"message\":\"Not Found\"}}\n",
    ] {
        let found = bad(text, Code::OnlyMessage);
        assert!(found.message.is_some());
    }
    for text in [
        "just a log line\n",
        "<?xml version=\"1.0\"?>\n<mysqldump><database name=\"a$$b\"><field name=\"n\">it's $x$</field></database></mysqldump>\n",
        "1\tit's\t$$x\n2\tINSERT INTO t VALUES (1);\t\\N\n3\tdrop table a;\tx\n",
        "#!/bin/sh\nset -e\npsql -c \"SELECT 1;\" || echo 'it''s broken\n",
        "/*! normalize.css v8.0.1 | it's MIT */html{line-height:1.15}\nbody{margin:0;update:x}\n",
        "{\"users\":[{\"id\":1,\"message\":\"x\"}]}\n",
        "Update the plan; Drop the ball; Set the table; it's late.\n",
    ] {
        let found = look(text);
        assert_eq!(found.quality, Quality::UnknownKind, "{text}: {:?}", found.reasons);
    }
}
