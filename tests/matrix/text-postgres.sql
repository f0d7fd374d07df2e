-- A database with everything that has misled a reader of plain dumps. Used by cuts-text.py.
SET check_function_bodies = off;
CREATE SCHEMA app;
CREATE SCHEMA "Odd Names";
CREATE TYPE app.mood AS ENUM ('sad', 'ok;', 'it''s');
CREATE DOMAIN app.positive AS integer CONSTRAINT above CHECK (VALUE > 0);
CREATE TABLE app.people (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    note text,
    mood app.mood DEFAULT 'ok;',
    born date,
    "select" integer DEFAULT 1,
    doubled integer GENERATED ALWAYS AS ("select" * 2) STORED
);
INSERT INTO app.people (name, note, born)
    SELECT 'name ' || i, CASE i % 5 WHEN 0 THEN NULL WHEN 1 THEN E'tab\there' WHEN 2 THEN E'line\nCREATE TABLE x (a int);\n\\.\n-- PostgreSQL database dump complete\n'
        WHEN 3 THEN E'back\\slash \r\n' ELSE 'pg_dump: error: it''s; (a' END, DATE '2026-01-01' + i
    FROM generate_series(1, 60) i;
CREATE TABLE app.one_column (t text);
INSERT INTO app.one_column SELECT 'line ' || i FROM generate_series(1, 30) i;
INSERT INTO app.one_column VALUES (''), (NULL), ('\.'), ('--'), ('-- PostgreSQL database dump complete'), ('COPY t FROM stdin;'), ('sudo: unable to resolve host');
CREATE TABLE app.no_columns ();
INSERT INTO app.no_columns DEFAULT VALUES;
INSERT INTO app.no_columns DEFAULT VALUES;
CREATE TABLE app.empty (a integer, b text);
CREATE TABLE "Odd Names"."T ""q"" ä" ("a,b" integer, "c(d" text, "line
end" text);
INSERT INTO "Odd Names"."T ""q"" ä" VALUES (1, '{"a": [1, 2]}', 'x'), (2, '$$;$$', E'\x01'), (3, NULL, '"');
CREATE TABLE app.wide (a int, b int, c int, d int, e int, f int, g int, h int, i int, j int, k int, l int, m int, n int,
    o int, p int, q int, r int, s int, t int, u int, v int, w int, x int, y int, z int);
INSERT INTO app.wide SELECT i, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26 FROM generate_series(1, 20) i;
CREATE TABLE app.measured (at date NOT NULL, value numeric) PARTITION BY RANGE (at);
CREATE TABLE app.measured_2026 PARTITION OF app.measured FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE TABLE app.measured_rest PARTITION OF app.measured DEFAULT PARTITION BY LIST (value);
CREATE TABLE app.measured_rest_1 PARTITION OF app.measured_rest DEFAULT;
INSERT INTO app.measured SELECT DATE '2026-06-01' + i, i * 1.5 FROM generate_series(1, 25) i;
INSERT INTO app.measured VALUES ('2020-01-01', 'NaN'), ('2021-01-01', -1);
CREATE TABLE app.parent (a integer, b integer);
CREATE TABLE app.child (c bytea) INHERITS (app.parent) WITH (fillfactor = 70);
INSERT INTO app.parent VALUES (1, -1), (NULL, 2);
INSERT INTO app.child VALUES (3, 4, '\xdeadbeef');
CREATE TABLE app.kinds (i interval, b bit(3), j jsonb, ts timestamptz, arr text[], x xml, r int4range, f float8, u uuid, bool boolean);
INSERT INTO app.kinds VALUES ('1 day', B'101', '{"a": "it''s"}', now(), ARRAY['a', 'b"', NULL, E'c\\d'], '<a>1</a>', '[1,5)', 'Infinity', gen_random_uuid(), true),
    (NULL, NULL, NULL, NULL, '{}', NULL, 'empty', '-1.5e-300', NULL, false);
CREATE UNLOGGED TABLE app.unlogged (a integer);
INSERT INTO app.unlogged VALUES (1);
CREATE VIEW app.v AS SELECT id, name, CASE WHEN id > 3 THEN 'a;' ELSE 'b' END AS c FROM app.people UNION ALL SELECT 0, 'x', 'y';
CREATE VIEW app.v2 WITH (security_barrier) AS SELECT id FROM app.people WHERE id > 1 WITH CHECK OPTION;
CREATE VIEW app.v3 AS WITH x AS (SELECT 1 AS a) SELECT a FROM x INTERSECT (SELECT 1 EXCEPT SELECT 2);
CREATE MATERIALIZED VIEW app.mv AS SELECT count(*) AS n FROM app.people;
CREATE VIEW app.values AS VALUES (1, 'a'), (2, 'b');
CREATE FUNCTION app.plain(a integer) RETURNS integer LANGUAGE plpgsql SET search_path TO 'app' AS $body$
BEGIN
-- PostgreSQL database dump complete
CREATE TABLE no (a int);
COPY x FROM stdin;
1
\.
RETURN $1; END $body$;
CREATE FUNCTION app.atomic(a integer) RETURNS integer LANGUAGE sql BEGIN ATOMIC
    INSERT INTO app.empty VALUES (1, CASE WHEN a > 1 THEN 'x' ELSE 'y' END);
    SELECT 1;
END;
CREATE FUNCTION app.short(a integer) RETURNS integer LANGUAGE sql RETURN a + 1;
CREATE PROCEDURE app.proc(a text DEFAULT 'x;') LANGUAGE sql AS 'select 1; CREATE TABLE y();';
CREATE FUNCTION app.tf() RETURNS trigger LANGUAGE plpgsql AS 'begin return new; end';
CREATE TRIGGER tr BEFORE UPDATE ON app.people FOR EACH ROW WHEN (old.name IS DISTINCT FROM new.name) EXECUTE FUNCTION app.tf();
CREATE AGGREGATE app.total(integer) (SFUNC = int4pl, STYPE = integer, INITCOND = '0');
CREATE OPERATOR app.=== (LEFTARG = integer, RIGHTARG = integer, FUNCTION = int4eq);
CREATE RULE several AS ON INSERT TO app.empty DO ALSO (SELECT 1; INSERT INTO app.one_column VALUES ('from a rule; (x)'); DELETE FROM app.unlogged WHERE a = 7;);
CREATE RULE nothing AS ON DELETE TO app.empty DO INSTEAD NOTHING;
ALTER TABLE app.people ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON app.people FOR SELECT USING ((name = CURRENT_USER) OR EXISTS (SELECT 1 FROM app.empty e WHERE e.a = people.id)) ;
CREATE INDEX people_name ON app.people USING btree (lower(name)) WHERE note IS NOT NULL;
CREATE STATISTICS app.st (dependencies) ON a, b FROM app.wide;
CREATE SEQUENCE app.seq START 5 INCREMENT 2 CYCLE;
SELECT nextval('app.seq');
CREATE COLLATION app.german (provider = icu, locale = 'de');
CREATE TEXT SEARCH CONFIGURATION app.conf (COPY = english);
CREATE EXTENSION IF NOT EXISTS pgcrypto SCHEMA app;
CREATE FOREIGN DATA WRAPPER fdw;
CREATE SERVER far FOREIGN DATA WRAPPER fdw OPTIONS (host 'a;b', port '1');
CREATE FOREIGN TABLE app.foreign_one (a integer OPTIONS (column_name 'x;')) SERVER far OPTIONS (table_name 'it''s');
CREATE USER MAPPING FOR PUBLIC SERVER far OPTIONS (user 'x');
CREATE PUBLICATION pub FOR TABLE app.people WHERE (id > 1), app.empty;
CREATE FUNCTION app.evf() RETURNS event_trigger LANGUAGE plpgsql AS 'begin end';
CREATE EVENT TRIGGER ev ON ddl_command_start WHEN TAG IN ('CREATE CAST') EXECUTE FUNCTION app.evf();
COMMENT ON TABLE app.people IS 'a comment; with ''quotes''
and -- two lines
CREATE TABLE z ();';
COMMENT ON COLUMN app.people.name IS '/* not a comment';
GRANT SELECT (name), INSERT (name) ON app.people TO PUBLIC;
GRANT USAGE ON SCHEMA app TO PUBLIC;
ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT SELECT ON TABLES TO PUBLIC;
SELECT lo_from_bytea(4242, decode(repeat('00ff5c', 3000), 'hex'));
SELECT lo_create(4243);
COMMENT ON LARGE OBJECT 4242 IS 'a large one';
