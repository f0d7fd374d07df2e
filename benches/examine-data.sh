#!/bin/bash
# Makes the files that examine.py measures: a database of several schemas with text, json, uuid,
# timestamps and bytea, dumped in every form, at least 1 GB as plain SQL. Everything lands in the
# scratch folder given (about 6 GB); nothing is left running.
set -euo pipefail
scratch=${1:?usage: examine-data.sh SCRATCH}
mkdir -p "$scratch"
cd "$scratch"
bin=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -1)
pg=$scratch/cluster
as=()
mkdir -p "$pg"
if [ "$(id -u)" = 0 ]; then
    chown postgres "$pg"
    as=(setpriv --reuid=postgres --regid=postgres --clear-groups)
fi
(cd / && "${as[@]}" "$bin/initdb" -U postgres -A trust -E UTF8 --no-locale --no-sync -D "$pg/data" >/dev/null)
(cd / && "${as[@]}" "$bin/pg_ctl" -D "$pg/data" -l "$pg/log" -w -o "-c listen_addresses='' -c unix_socket_directories='$pg' -c fsync=off -c wal_level=minimal -c max_wal_senders=0 -c autovacuum=off" start >/dev/null </dev/null)
stop() { (cd / && "${as[@]}" "$bin/pg_ctl" -D "$pg/data" -m immediate stop >/dev/null); rm -rf "$pg"; }
trap stop EXIT
export PGHOST=$pg PGUSER=postgres PGDATABASE=postgres
psql -Xq -v ON_ERROR_STOP=1 <<'SQL'
create role reader;
create schema sales; create schema audit; create schema media; create schema "Odd Name";
create function words(n int, seed int) returns text language sql immutable as $$
  select string_agg((array['invoice','order','customer','delivery','late','paid','open','north','south',
    'blue','garden','winter','machine','contract','signal','river','update','Straße','naïve','report',
    'because','however','quarter','summer','account','balance','remote','station','archive','window'])
    [1 + abs(hashint4(seed * 31 + g * 7919)) % 30], ' ') from generate_series(1, n) g $$;
create table sales.orders as
  select g as id, gen_random_uuid() as key, words(8 + g % 13, g) as note,
         timestamptz '2026-01-01' + g * interval '17 seconds' as placed,
         (g::bigint * 7919 % 100000) / 100.0 as amount, g % 5000 as customer
  from generate_series(1, 1900000) g;
create table audit.events as
  select g as id, timestamptz '2026-01-01' + g * interval '3 seconds' as at,
         jsonb_build_object('kind', 'event' || g % 17, 'actor', g % 991, 'path', '/api/v1/items/' || g,
           'agent', 'client/' || g % 37, 'tags', jsonb_build_array(g % 3, g % 5, 'x' || g % 7),
           'quote', E'line one\nline "two"\\end') as doc
  from generate_series(1, 2200000) g;
create table media.blobs as
  select g as id, decode(repeat(md5(g::text), 2) || md5((g::bigint * 3)::text) || repeat('00ff', 60), 'hex') as body
  from generate_series(1, 600000) g;
create table "Odd Name"."ta.ble ""q"" ä" as
  select g as id, md5(g::text) as hash, case when g % 3 = 0 then null else words(4, g) end as note
  from generate_series(1, 1900000) g;
create view sales.open_orders as select * from sales.orders where amount > 100;
grant usage on schema sales to reader; grant select on sales.orders, sales.open_orders to reader;
SQL
"$bin/pg_dump" > dump.sql
ls -l dump.sql
gzip -6 -k dump.sql
gzip -1 -c dump.sql > dump-1.sql.gz
grep -avE '^\\(un)?restrict ' dump.sql | gzip -6 > plain.sql.gz
zstd -q -k dump.sql
"$bin/pg_dump" -Fc > dump.custom
tar czf dump.tar.gz dump.sql.gz
ls -l
