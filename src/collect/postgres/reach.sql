-- What a query can reach, and what of it may do more than look. Placeholders in angle brackets are filled in by calls.rs.
-- One row is one object, with the table that led to it (0 for a query): kind p (function), r (relation), t (type), o (operator), f (operator family),
-- n (a table that is only counted). Object identifiers from 16384 on are not the server's own.
WITH RECURSIVE session_rights AS (
  -- Whether the session may write files or run programs on the server, by itself or through a role it can take.
  SELECT EXISTS (SELECT FROM pg_roles s WHERE pg_has_role(session_user, s.oid, 'MEMBER') AND (s.rolsuper
    OR s.rolname IN ('pg_write_server_files', 'pg_execute_server_program'))) AS strong),
refused_here(oid) AS MATERIALIZED (
  -- Functions of the server that do more than look.
  SELECT p.oid FROM pg_proc p WHERE p.oid < 16384 AND p.proname !~ '<harmless>'
    AND (p.provolatile = 'v' OR p.proname ~ '<refused>')),
operators(oid, oprname, own) AS MATERIALIZED (
  -- Operators that a symbol alone can bring in; those of two types that are not the server's come with their types.
  SELECT o.oid, o.oprname, o.oprleft < 16384 AND o.oprright < 16384 FROM pg_operator o WHERE o.oid >= 16384
    AND (o.oprleft < 16384 OR o.oprright < 16384 OR o.oprname NOT IN (SELECT b.oprname FROM pg_operator b WHERE b.oid < 16384))),
candidates(kind, oid, name) AS MATERIALIZED (
  -- Everything that the text of a function may name. Texts are searched for names, not parsed: a name that occurs counts.
  SELECT 'p'::"char", p.oid, p.proname::text FROM pg_proc p WHERE p.oid >= 16384 OR p.oid IN (SELECT oid FROM refused_here)
  UNION ALL SELECT 'r', c.oid, c.relname::text FROM pg_class c WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
    AND (c.oid >= 16384 OR c.relkind = 'v')
  UNION ALL SELECT 't', t.oid, t.typname::text FROM pg_type t WHERE t.oid >= 16384
  UNION ALL SELECT 'o', o.oid, o.oprname::text FROM operators o),
reached(root, kind, oid) AS (
  <seeds>
  UNION SELECT s.root, x.kind, x.oid FROM reached s CROSS JOIN LATERAL (
    -- A function: its types, the defaults of its arguments, its parts when it is an aggregate.
    SELECT 't'::"char" AS kind, a AS oid FROM pg_proc p CROSS JOIN LATERAL
      unnest(p.proargtypes::oid[] || coalesce(p.proallargtypes, '{}') || p.prorettype) AS a
      WHERE s.kind = 'p' AND p.oid = s.oid AND p.oid >= 16384 AND a >= 16384
    UNION ALL SELECT 'p', a FROM pg_aggregate g CROSS JOIN LATERAL unnest(ARRAY[g.aggtransfn::oid, g.aggfinalfn::oid,
      g.aggcombinefn::oid, g.aggserialfn::oid, g.aggdeserialfn::oid, g.aggmtransfn::oid, g.aggminvtransfn::oid,
      g.aggmfinalfn::oid]) AS a WHERE s.kind = 'p' AND g.aggfnoid = s.oid AND a <> 0
    UNION ALL SELECT 'o', g.aggsortop FROM pg_aggregate g WHERE s.kind = 'p' AND g.aggfnoid = s.oid AND g.aggsortop >= 16384
    -- The same code under another name, which may admit more of what it does.
    UNION ALL SELECT 'p', o.oid FROM pg_proc p JOIN pg_proc o ON o.prosrc = p.prosrc AND o.prolang = p.prolang
      AND o.oid <> p.oid AND coalesce(regexp_replace(o.probin, '^.*/', ''), '') = coalesce(regexp_replace(p.probin, '^.*/', ''), '')
      WHERE s.kind = 'p' AND p.oid = s.oid AND p.prolang IN (12, 13) AND p.prosrc <> 'aggregate_dummy'
    -- Every name in the text of a function.
    UNION ALL SELECT c.kind, c.oid FROM (SELECT concat_ws(chr(10), p.prosrc, lower(p.prosrc), translate(p.prosrc,
      'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz'), replace(p.prosrc, '""', '"')) AS body
      FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang WHERE s.kind = 'p' AND p.oid = s.oid AND p.prosrc <> ''
      AND l.lanname IN ('sql', 'plpgsql')) AS w
      JOIN candidates c ON position(c.name IN w.body) > 0 AND CASE WHEN c.name ~ '^[A-Za-z0-9_]+$' AND octet_length(c.name) < 60
        THEN w.body ~ ('(^|[^A-Za-z_])' || c.name || '($|[^A-Za-z0-9_$])') ELSE true END
    -- A relation: the types of its columns, its children, the operator classes of its indexes and partitions.
    UNION ALL SELECT 't', a.atttypid FROM pg_attribute a WHERE s.kind = 'r' AND a.attrelid = s.oid AND a.atttypid >= 16384
    UNION ALL SELECT s.kind, i.inhrelid FROM pg_inherits i WHERE s.kind IN ('r', 'n') AND i.inhparent = s.oid
    UNION ALL SELECT 'f', k.opcfamily FROM pg_index i CROSS JOIN LATERAL unnest(i.indclass::oid[]) AS u(oid)
      JOIN pg_opclass k ON k.oid = u.oid WHERE s.kind = 'r' AND i.indrelid = s.oid AND k.opcfamily >= 16384
    UNION ALL SELECT 'f', k.opcfamily FROM pg_partitioned_table i CROSS JOIN LATERAL unnest(i.partclass::oid[]) AS u(oid)
      JOIN pg_opclass k ON k.oid = u.oid WHERE s.kind = 'r' AND i.partrelid = s.oid AND k.opcfamily >= 16384
    -- A type: what it is made of, its own functions, casts, operators and operator classes.
    UNION ALL SELECT 't', u FROM pg_type t CROSS JOIN LATERAL unnest(ARRAY[t.typelem, t.typbasetype]) AS u
      WHERE s.kind = 't' AND t.oid = s.oid AND u >= 16384
    UNION ALL SELECT 'r', t.typrelid FROM pg_type t WHERE s.kind = 't' AND t.oid = s.oid AND t.typrelid <> 0
    UNION ALL SELECT 't', g.rngsubtype FROM pg_range g WHERE s.kind = 't' AND g.rngtypid = s.oid AND g.rngsubtype >= 16384
    UNION ALL SELECT 'p', u FROM pg_range g CROSS JOIN LATERAL unnest(ARRAY[g.rngcanonical::oid, g.rngsubdiff::oid]) AS u
      WHERE s.kind = 't' AND g.rngtypid = s.oid AND u <> 0
    UNION ALL SELECT 'p', u FROM pg_type t CROSS JOIN LATERAL unnest(ARRAY[t.typinput::oid, t.typoutput::oid,
      t.typmodin::oid, t.typmodout::oid]) AS u WHERE s.kind = 't' AND t.oid = s.oid AND u >= 16384
    UNION ALL SELECT 'p', k.castfunc FROM pg_cast k WHERE s.kind = 't' AND s.oid IN (k.castsource, k.casttarget) AND k.castfunc <> 0
    UNION ALL SELECT 'o', o.oid FROM pg_operator o WHERE s.kind = 't' AND s.oid IN (o.oprleft, o.oprright)
    UNION ALL SELECT 'f', k.opcfamily FROM pg_opclass k WHERE s.kind = 't' AND k.opcintype = s.oid AND k.opcfamily >= 16384
    -- An operator and an operator family.
    UNION ALL SELECT 'p', o.oprcode::oid FROM pg_operator o WHERE s.kind = 'o' AND o.oid = s.oid AND o.oprcode <> 0
    UNION ALL SELECT 'p', q.oid FROM pg_operator o JOIN pg_proc q ON q.oid IN (o.oprrest, o.oprjoin)
      WHERE s.kind = 'o' AND o.oid = s.oid AND q.prolang NOT IN (12, 13)
    UNION ALL SELECT 'o', u FROM pg_operator o CROSS JOIN LATERAL unnest(ARRAY[o.oprcom, o.oprnegate]) AS u
      WHERE s.kind = 'o' AND o.oid = s.oid AND u >= 16384
    UNION ALL SELECT 'f', a.amopfamily FROM pg_amop a WHERE s.kind = 'o' AND a.amopopr = s.oid AND a.amopfamily >= 16384
    -- Support functions of GiST, GIN, BRIN and others take internal arguments: in C they are a part of the access method.
    UNION ALL SELECT 'p', a.amproc FROM pg_amproc a JOIN pg_opfamily m ON m.oid = a.amprocfamily JOIN pg_proc q ON q.oid = a.amproc
      WHERE s.kind = 'f' AND m.oid = s.oid AND (m.opfmethod IN (403, 405) OR q.prolang NOT IN (12, 13))
    UNION ALL SELECT 'o', a.amopopr FROM pg_amop a WHERE s.kind = 'f' AND a.amopfamily = s.oid AND a.amopopr >= 16384
    -- Whatever a stored tree names, by object identifier, as the server resolved it.
    UNION ALL SELECT n.kind, n.oid FROM (
      SELECT w.ev_action::text AS tree FROM pg_rewrite w JOIN pg_class c ON c.oid = w.ev_class
        WHERE s.kind = 'r' AND c.oid = s.oid AND w.ev_type = '1' AND c.relkind <> 'm'
      UNION ALL SELECT y.polqual::text FROM pg_policy y JOIN pg_class c ON c.oid = y.polrelid
        WHERE s.kind = 'r' AND c.oid = s.oid AND c.relrowsecurity
      UNION ALL SELECT k.conbin::text FROM pg_constraint k WHERE s.kind = 't' AND k.contypid = s.oid
      UNION ALL SELECT d.adbin::text FROM pg_attrdef d JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
        WHERE s.kind = 'r' AND d.adrelid = s.oid AND to_jsonb(a) ->> 'attgenerated' = 'v'
      UNION ALL SELECT p.proargdefaults::text FROM pg_proc p WHERE s.kind = 'p' AND p.oid = s.oid AND p.oid >= 16384
      UNION ALL SELECT to_jsonb(p) ->> 'prosqlbody' FROM pg_proc p WHERE s.kind = 'p' AND p.oid = s.oid AND p.prolang = 14
      -- The planner works these out before anything is read: calls with constants are made then. A call
      -- whose argument is a column of the table is not, unless its text is put in its place (SQL).
      UNION ALL SELECT regexp_replace(b.tree, '<folded_later>', '<never>', 'g') FROM (
        SELECT k.conbin::text FROM pg_constraint k WHERE k.conrelid = s.oid AND k.contype = 'c'
        UNION ALL SELECT concat_ws(' ', i.indexprs::text, i.indpred::text) FROM pg_index i WHERE i.indrelid = s.oid
        UNION ALL SELECT i.partexprs::text FROM pg_partitioned_table i WHERE i.partrelid = s.oid
        UNION ALL SELECT c.relpartbound::text FROM pg_class c WHERE c.oid = s.oid
        UNION ALL SELECT to_jsonb(i) ->> 'stxexprs' FROM pg_statistic_ext i WHERE i.stxrelid = s.oid) AS b(tree)
        WHERE s.kind IN ('r', 'n')
      ) AS e CROSS JOIN LATERAL (
        SELECT o.kind, o.oid FROM regexp_matches(e.tree, '[ (]([0-9]{5,10})(?=[ )}])', 'g') AS m CROSS JOIN LATERAL (
          SELECT 'p'::"char" AS kind, oid FROM pg_proc WHERE oid = m[1]::bigint::oid
          UNION ALL SELECT 'r', oid FROM pg_class WHERE oid = m[1]::bigint::oid AND relkind IN ('r', 'p', 'v', 'm', 'f')
          UNION ALL SELECT 't', oid FROM pg_type WHERE oid = m[1]::bigint::oid
          UNION ALL SELECT 'o', oid FROM pg_operator WHERE oid = m[1]::bigint::oid) AS o
          WHERE m[1]::bigint BETWEEN 16384 AND 4294967295
        UNION ALL SELECT 'p', m[1]::oid FROM regexp_matches(e.tree, ':(?:[a-z]*funcid|[a-z]*fnoid|tsmhandler|[A-Za-z]*Func) ([0-9]{1,5})(?=[ )}])', 'g') AS m
          WHERE m[1] <> '0'
        UNION ALL SELECT 'r', m[1]::oid FROM regexp_matches(e.tree, ':relid ([0-9]{1,5})(?=[ )}])', 'g') AS m WHERE m[1] <> '0'
        UNION ALL SELECT 'p', m[1]::bigint::oid FROM regexp_matches(e.tree, ':later_([0-9]{1,10}) ', 'g') AS m
          JOIN pg_proc q ON q.oid = m[1]::bigint::oid AND q.prolang = 14
      ) AS n
  ) AS x),
stopped(root, name, why) AS (
  SELECT s.root, n.nspname || '.' || c.relname, 'is a foreign table: what another server or a program does is not known'
    FROM reached s JOIN pg_class c ON c.oid = s.oid AND c.relkind = 'f' JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE s.kind IN ('r', 'n')
  UNION ALL SELECT f.root, n.nspname || '.' || p.proname, y.why FROM (SELECT DISTINCT root, oid FROM reached WHERE kind = 'p') AS f
    JOIN pg_proc p ON p.oid = f.oid JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang
    CROSS JOIN session_rights h CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass
      AND d.objid = p.oid AND d.deptype = 'e') AS member) AS e
    CROSS JOIN LATERAL (SELECT CASE
      WHEN p.oid < 16384 AND p.proname ~ '<harmless>' AND l.lanname = 'internal' THEN NULL
      WHEN e.member AND l.lanname = 'c' AND p.proname ~ '<extensions>' THEN NULL
      WHEN p.provolatile = 'v' THEN 'is volatile'
      WHEN p.proname ~ '<refused>' THEN 'has effects that no transaction takes back'
      WHEN l.lanname = 'internal' AND p.prosrc <> 'aggregate_dummy' AND p.oid >= 16384 AND NOT EXISTS (SELECT FROM pg_proc b
        WHERE b.oid < 16384 AND b.prolang = 12 AND b.prosrc = p.prosrc) THEN 'runs code of the server that has no name there'
      WHEN l.lanname = 'internal' THEN NULL
      WHEN l.lanname = 'c' AND p.oid < 16384 AND p.probin ~ '^[$]libdir/' THEN NULL
      WHEN l.lanname = 'c' AND e.member AND p.probin ~ '<libraries>' THEN NULL
      WHEN l.lanname = 'c' THEN 'is written in C, in a library that is not on the list of those known only to look'
      WHEN l.lanname = 'sql' AND p.prosrc ~* 'u&[''"]' THEN 'holds names whose letters are spelled in numbers'
      WHEN l.lanname = 'sql' THEN NULL
      WHEN l.lanname <> 'plpgsql' AND NOT l.lanpltrusted THEN 'is written in a language that may do anything'
      WHEN l.lanname <> 'plpgsql' THEN 'is written in a language that is not read here'
      WHEN p.prosrc ~* '(^|[^[:alnum:]_])execute|u&[''"]' THEN 'runs text as SQL'
      WHEN h.strong OR p.prosecdef THEN 'is written in PL/pgSQL, which is not proved to look only: ask as a role that is not a superuser'
      END AS why) AS y WHERE y.why IS NOT NULL)
