-- The production of the scene: ten key tables, a foreign server whose user mapping belongs to a role that
-- no drill has, and a role that may only read.
CREATE ROLE app_owner;
CREATE ROLE sync_agent;
CREATE ROLE reader;
CREATE ROLE auditor LOGIN;
GRANT pg_monitor, pg_read_all_data TO auditor;
CREATE DATABASE app OWNER app_owner;
\connect app
CREATE EXTENSION postgres_fdw;
CREATE SERVER ledger FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host 'ledger.example.org');
CREATE USER MAPPING FOR sync_agent SERVER ledger OPTIONS ("user" 'sync');
CREATE SCHEMA app AUTHORIZATION app_owner;
SET ROLE app_owner;
CREATE FUNCTION app.fill(name text, rows integer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('CREATE TABLE app.%I (id integer PRIMARY KEY, name text NOT NULL, made timestamptz NOT NULL)', name);
  EXECUTE format('INSERT INTO app.%I SELECT n, %L || n, timestamptz ''2026-05-15 00:00:00+00'' + n * interval ''1 min'' '
                 'FROM generate_series(1, %s) n', name, name || ' ', rows);
END $$;
SELECT app.fill('tenants', 22), app.fill('accounts', 166), app.fill('orders', 309), app.fill('invoices', 98),
       app.fill('events', 2802), app.fill('contracts', 86), app.fill('regions', 3), app.fill('contract_versions', 86),
       app.fill('categories', 10), app.fill('messages', 2199);
DROP FUNCTION app.fill;
CREATE VIEW app.open_orders AS SELECT id, name FROM app.orders WHERE id > 300;
CREATE INDEX events_made ON app.events (made);
GRANT USAGE ON SCHEMA app TO reader;
GRANT SELECT ON ALL TABLES IN SCHEMA app TO reader;
RESET ROLE;
