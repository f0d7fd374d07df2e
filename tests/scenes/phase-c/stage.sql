-- The database of the scene PHASE-C: 302 tables (a foreign one with them) in several schemas, every class
-- of object that a dump reads, and a role that makes objects. `dumper` may read the usual tables, and no more.
CREATE ROLE maker LOGIN; CREATE ROLE dumper LOGIN; CREATE ROLE auditor LOGIN;
CREATE DATABASE shop;
\c shop
GRANT CREATE ON DATABASE shop TO maker;
CREATE SCHEMA app; CREATE SCHEMA pgboss; CREATE SCHEMA reports AUTHORIZATION maker;
GRANT USAGE ON SCHEMA app TO dumper;
DO $$ BEGIN FOR n IN 1..294 LOOP
  EXECUTE format('CREATE TABLE app.t_%s (id integer PRIMARY KEY, name text)', lpad(n::text, 3, '0'));
  EXECUTE format('GRANT SELECT ON app.t_%s TO dumper', lpad(n::text, 3, '0'));
END LOOP; END $$;
INSERT INTO app.t_001 SELECT n, 'name ' || n FROM generate_series(1, 2802) n;
CREATE TABLE app.orders (id serial PRIMARY KEY, paid boolean, note text);
INSERT INTO app.orders (paid, note) SELECT n % 3 = 0, 'order ' || n FROM generate_series(1, 500) n;
CREATE TABLE app.parted (id integer, at date) PARTITION BY RANGE (at);
CREATE TABLE app.parted_2026 PARTITION OF app.parted FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
INSERT INTO app.parted SELECT n, date '2026-01-01' + n FROM generate_series(1, 60) n;
CREATE TABLE app.private (id integer, owner text); ALTER TABLE app.private ENABLE ROW LEVEL SECURITY;
INSERT INTO app.private VALUES (1, 'a'), (2, 'b'); GRANT SELECT ON app.private TO dumper;
CREATE SEQUENCE app.counter;
CREATE VIEW app.open_orders AS SELECT id FROM app.orders WHERE NOT paid;
CREATE MATERIALIZED VIEW app.totals AS SELECT paid, count(*) AS n FROM app.orders GROUP BY paid;
CREATE EXTENSION file_fdw; CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
CREATE FOREIGN TABLE app.far (line text) SERVER files OPTIONS (filename '/dev/null');
CREATE TABLE pgboss.job (id bigserial PRIMARY KEY, name text);
INSERT INTO pgboss.job (name) SELECT 'job ' || n FROM generate_series(1, 166) n;
CREATE TABLE pgboss.archive (id bigint, name text);
SET ROLE maker;
CREATE TABLE reports.daily (day date PRIMARY KEY, sum numeric);
INSERT INTO reports.daily SELECT date '2026-01-01' + n, n FROM generate_series(1, 98) n;
RESET ROLE;
SELECT lo_from_bytea(77001, 'a large object');
CREATE FUNCTION app.take_lock() RETURNS void LANGUAGE sql AS 'SELECT pg_advisory_xact_lock(4711)';
CREATE FUNCTION app.rebuild() RETURNS void LANGUAGE plpgsql AS $$
  BEGIN PERFORM pg_advisory_xact_lock(4711); TRUNCATE app.t_002; INSERT INTO app.t_002 SELECT * FROM app.t_001; END $$;
CREATE FUNCTION app.settle() RETURNS void LANGUAGE plpgsql AS $$
  BEGIN PERFORM app.take_lock(); UPDATE app.orders SET paid = true WHERE NOT paid; END $$;
CREATE FUNCTION app.read_only() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM app.orders';
