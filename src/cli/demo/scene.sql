CREATE ROLE backup LOGIN;
CREATE ROLE auditor LOGIN;
CREATE SCHEMA sales;
CREATE SCHEMA sandbox_tac;

CREATE TABLE public.directus_users (id integer PRIMARY KEY, email text NOT NULL, joined timestamptz NOT NULL);
CREATE TABLE public.directus_files (id uuid PRIMARY KEY, title text, size bigint, meta jsonb);
CREATE TABLE public.directus_activity (id bigserial PRIMARY KEY, who integer, what text, at timestamptz);
CREATE TABLE sales.orders (id bigserial PRIMARY KEY, customer text, amount numeric(12, 2), placed timestamptz);
CREATE VIEW sales.turnover AS SELECT date_trunc('month', placed) AS month, sum(amount) FROM sales.orders GROUP BY 1;
CREATE FUNCTION public.touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- A body may hold what looks like a dump: CREATE TABLE nowhere (); COPY nowhere FROM stdin;
    NEW.at := now();
    RETURN NEW;
END
$$;

INSERT INTO public.directus_users
    SELECT n, 'user' || n || '@example.org', timestamptz '2025-01-01' + n * interval '7 minutes'
    FROM generate_series(1, 2000) n;
INSERT INTO public.directus_files
    SELECT md5(n::text)::uuid, 'file ' || n, n * 977, jsonb_build_object('sum', md5((n * 7)::text), 'tags', n % 9)
    FROM generate_series(1, 6000) n;
INSERT INTO sales.orders (customer, amount, placed)
    SELECT 'customer ' || n % 700, (n * 37 % 100000) / 100.0, timestamptz '2025-01-01' + n * interval '5 minutes'
    FROM generate_series(1, 12000) n;

DO $$
BEGIN
    FOR i IN 1..8 LOOP
        EXECUTE format('CREATE TABLE sandbox_tac.probe_%s (id integer PRIMARY KEY, reading text)', i);
        EXECUTE format('INSERT INTO sandbox_tac.probe_%s SELECT n, md5(n::text) FROM generate_series(1, 400) n', i);
    END LOOP;
END
$$;

GRANT CONNECT ON DATABASE directus TO backup, auditor;
GRANT USAGE ON SCHEMA public, sales, sandbox_tac TO backup;
GRANT SELECT ON ALL TABLES IN SCHEMA public, sales, sandbox_tac TO backup;
GRANT SELECT ON ALL SEQUENCES IN SCHEMA public, sales, sandbox_tac TO backup;
