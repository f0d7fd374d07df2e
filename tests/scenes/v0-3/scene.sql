-- The production of the scene: twelve base tables, twelve views, a role that was granted the views.
CREATE ROLE app_owner;
CREATE ROLE reporting;
CREATE ROLE auditor LOGIN;
GRANT pg_monitor, pg_read_all_data TO auditor;
CREATE DATABASE app OWNER app_owner;
\connect app
CREATE SCHEMA tac AUTHORIZATION app_owner;
SET ROLE app_owner;
DO $$
BEGIN
  FOR n IN 1 .. 12 LOOP
    EXECUTE format('CREATE TABLE tac.base_%s (id integer PRIMARY KEY, name text NOT NULL)', n);
    EXECUTE format('INSERT INTO tac.base_%s SELECT i, ''row '' || i FROM generate_series(1, %s) i', n, n * 25);
    EXECUTE format('CREATE VIEW tac.view_%s AS SELECT id, name FROM tac.base_%s', n, n);
    EXECUTE format('GRANT SELECT ON tac.view_%s TO reporting', n);
  END LOOP;
END $$;
GRANT USAGE ON SCHEMA tac TO reporting;
RESET ROLE;
