//! The question behind a fingerprint: one row for each object, with the SHA-256 of its definition,
//! made there. Definitions are the server's own (`pg_get_…def`) with every name qualified, so they
//! hold no OID; columns stand in their order without the numbers that dropped ones leave behind;
//! what is a set is sorted by bytes (`COLLATE "C"`). Passwords and the options of user mappings
//! are not read.

/// Settings that the server prints definitions by, for this transaction: they must not follow the
/// role's own.
pub(super) const SETTINGS: &str = "SELECT set_config('TimeZone', 'UTC', true), set_config('DateStyle', 'ISO, MDY', true), \
     set_config('IntervalStyle', 'iso_8601', true), set_config('extra_float_digits', '1', true), \
     set_config('bytea_output', 'hex', true), set_config('quote_all_identifiers', 'off', true)";

/// All rows: part, kind, schema, name, sha256.
pub(super) fn objects(scope: &str) -> String {
    let mut parts = catalogue(scope);
    parts.extend(rights(scope));
    parts.extend(global());
    format!(
        "SELECT json_build_object('part', part, 'kind', kind, 'schema', schema, 'name', name, 'sha256', \
         encode(sha256(convert_to(coalesce(line, ''), 'UTF8')), 'hex')) FROM ({}) AS o",
        parts.join(" UNION ALL ")
    )
}

const CLASS: &str = "pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace";

/// `concat_ws` leaves NULLs out; a line feed stands between the parts.
fn row(part: &str, kind: &str, schema: &str, name: &str, line: &str, from: &str) -> String {
    format!(
        "SELECT '{part}'::text AS part, {kind}::text AS kind, {schema}::text AS schema, {name}::text AS name, \
         concat_ws(chr(10), {line}) AS line FROM {from}"
    )
}

fn catalogue(scope: &str) -> Vec<String> {
    let own = |kind: &str, name: &str, line: &str, from: &str| {
        row("catalogue", kind, "n.nspname", name, line, &format!("{from} WHERE {scope}"))
    };
    vec![
        own("'schema'", "''", "'schema'", "pg_namespace n"),
        own(
            "CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table' WHEN 'v' THEN 'view' \
             WHEN 'm' THEN 'materialized view' WHEN 'f' THEN 'foreign table' ELSE 'composite type' END",
            "c.relname",
            RELATION,
            &format!("{CLASS} AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'c')"),
        ),
        own(
            "'sequence'",
            "c.relname",
            "format_type(s.seqtypid, NULL), s.seqstart, s.seqincrement, s.seqmax, s.seqmin, s.seqcache, s.seqcycle",
            &format!("{CLASS} JOIN pg_sequence s ON s.seqrelid = c.oid"),
        ),
        own(
            "'index'",
            "c.relname",
            "pg_get_indexdef(c.oid), i.indisvalid, i.indisready, i.indisclustered, i.indisreplident",
            &format!("{CLASS} JOIN pg_index i ON i.indexrelid = c.oid AND c.relkind IN ('i', 'I')"),
        ),
        own(
            "'constraint'",
            "coalesce(c.relname || '.', '') || k.conname",
            "pg_get_constraintdef(k.oid), k.convalidated, format_type(nullif(k.contypid, 0), NULL)",
            "pg_constraint k JOIN pg_namespace n ON n.oid = k.connamespace LEFT JOIN pg_class c ON c.oid = k.conrelid",
        ),
        own(
            "'trigger'",
            "c.relname || '.' || t.tgname",
            "pg_get_triggerdef(t.oid), t.tgenabled",
            &format!("{CLASS} JOIN pg_trigger t ON t.tgrelid = c.oid AND NOT t.tgisinternal"),
        ),
        own(
            "'rule'",
            "c.relname || '.' || r.rulename",
            "pg_get_ruledef(r.oid), r.ev_enabled",
            &format!("{CLASS} JOIN pg_rewrite r ON r.ev_class = c.oid AND r.rulename <> '_RETURN'"),
        ),
        own(
            "'policy'",
            "c.relname || '.' || p.polname",
            "p.polcmd, p.polpermissive, pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid), \
             (SELECT string_agg(CASE x.role WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(x.role) END, ',' \
             ORDER BY pg_get_userbyid(x.role) COLLATE \"C\") FROM unnest(p.polroles) AS x(role))",
            &format!("{CLASS} JOIN pg_policy p ON p.polrelid = c.oid"),
        ),
        own(
            "CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' ELSE 'function' END",
            "p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')'",
            FUNCTION,
            "pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace",
        ),
        own(
            "CASE t.typtype WHEN 'e' THEN 'enum' WHEN 'd' THEN 'domain' ELSE 'range' END",
            "t.typname",
            TYPE,
            "pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace AND t.typtype IN ('e', 'd', 'r')",
        ),
        own(
            "'statistics'",
            "s.stxname",
            "pg_get_statisticsobjdef(s.oid)",
            "pg_statistic_ext s JOIN pg_namespace n ON n.oid = s.stxnamespace",
        ),
        own(
            "'comment'",
            "o.type || ' ' || o.identity",
            "d.description",
            "pg_description d CROSS JOIN LATERAL pg_identify_object(d.classoid, d.objoid, d.objsubid) AS o \
             JOIN pg_namespace n ON n.nspname = o.schema",
        ),
        own(
            "'operator'",
            "format('%s(%s,%s)', o.oprname, format_type(nullif(o.oprleft, 0), NULL), format_type(o.oprright, NULL))",
            "o.oprcode::regprocedure, o.oprcom::regoperator, o.oprnegate::regoperator, o.oprrest, o.oprjoin, \
             o.oprcanmerge, o.oprcanhash",
            "pg_operator o JOIN pg_namespace n ON n.oid = o.oprnamespace",
        ),
    ]
}

/// Options of a column that begin with `pg_` are left out: the server keeps its own numbers there
/// (`pg_attver`, from PostgreSQL 15.20), which differ after every dump and restore.
const RELATION: &str = "c.relkind, c.relpersistence, c.relreplident, c.relrowsecurity, c.relforcerowsecurity, c.relispartition, \
     c.reloptions, (SELECT amname FROM pg_am WHERE oid = c.relam), \
     (SELECT spcname FROM pg_tablespace WHERE oid = c.reltablespace), \
     CASE c.relkind WHEN 'p' THEN pg_get_partkeydef(c.oid) END, pg_get_expr(c.relpartbound, c.oid), \
     CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END, \
     (SELECT string_agg(i.inhparent::regclass::text, ',' ORDER BY i.inhseqno) FROM pg_inherits i WHERE i.inhrelid = c.oid), \
     (SELECT s.srvname || ' ' || coalesce(f.ftoptions::text, '') FROM pg_foreign_table f \
     JOIN pg_foreign_server s ON s.oid = f.ftserver WHERE f.ftrelid = c.oid), \
     (SELECT string_agg(concat_ws(' ', quote_ident(a.attname), format_type(a.atttypid, a.atttypmod), a.attnotnull, \
     a.attidentity, a.attgenerated, a.attstorage, \
     (SELECT array_agg(o.text ORDER BY o.place) FROM unnest(a.attoptions) WITH ORDINALITY AS o(text, place) \
     WHERE o.text !~ '^pg_'), a.attfdwoptions, \
     (SELECT k.collname FROM pg_collation k WHERE k.oid = a.attcollation), \
     (SELECT pg_get_expr(d.adbin, d.adrelid) FROM pg_attrdef d WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum)), \
     chr(10) ORDER BY a.attnum) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)";

const FUNCTION: &str = "CASE WHEN p.prokind <> 'a' THEN pg_get_functiondef(p.oid) END, \
     (SELECT concat_ws(' ', g.aggkind, g.aggtransfn::regprocedure, g.aggfinalfn::regprocedure, \
     g.aggcombinefn::regprocedure, format_type(g.aggtranstype, NULL), g.agginitval, g.aggsortop::regoperator) \
     FROM pg_aggregate g WHERE g.aggfnoid = p.oid)";

const TYPE: &str = "t.typnotnull, t.typdefault, format_type(nullif(t.typbasetype, 0), t.typtypmod), \
     (SELECT string_agg(quote_literal(e.enumlabel), ',' ORDER BY e.enumsortorder) FROM pg_enum e \
     WHERE e.enumtypid = t.oid), (SELECT format_type(r.rngsubtype, NULL) FROM pg_range r WHERE r.rngtypid = t.oid)";

/// The owner and every right, an omitted list taken for the one that it stands for.
fn acl(class: char, list: &str, owner: &str) -> String {
    format!(
        "pg_get_userbyid({owner}), (SELECT string_agg(concat(CASE x.grantee WHEN 0 THEN 'PUBLIC' \
         ELSE quote_ident(pg_get_userbyid(x.grantee)) END, '=', x.privilege_type, CASE WHEN x.is_grantable THEN '*' END, \
         '/', quote_ident(pg_get_userbyid(x.grantor))), chr(10) ORDER BY pg_get_userbyid(x.grantee) COLLATE \"C\", \
         x.grantee = 0, x.privilege_type COLLATE \"C\", pg_get_userbyid(x.grantor) COLLATE \"C\") \
         FROM aclexplode(coalesce({list}, acldefault('{class}', {owner}))) AS x)"
    )
}

fn rights(scope: &str) -> Vec<String> {
    let own = |kind: &str, name: &str, line: &str, from: &str| {
        row("acl", kind, "n.nspname", name, line, &format!("{from} WHERE {scope}"))
    };
    let columns = acl('c', "a.attacl", "c.relowner");
    vec![
        own("'schema'", "''", &acl('n', "n.nspacl", "n.nspowner"), "pg_namespace n"),
        own(
            "'relation'",
            "c.relname",
            &acl('r', "c.relacl", "c.relowner"),
            &format!("{CLASS} AND c.relkind IN ('r', 'p', 'v', 'm', 'f')"),
        ),
        own("'sequence'", "c.relname", &acl('s', "c.relacl", "c.relowner"), &format!("{CLASS} AND c.relkind = 'S'")),
        own(
            "'column'",
            "c.relname || '.' || a.attname",
            &columns,
            &format!(
                "{CLASS} JOIN pg_attribute a ON a.attrelid = c.oid AND a.attacl IS NOT NULL AND NOT a.attisdropped"
            ),
        ),
        own(
            "'function'",
            "p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')'",
            &acl('f', "p.proacl", "p.proowner"),
            "pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace",
        ),
        own(
            "'type'",
            "t.typname",
            &acl('T', "t.typacl", "t.typowner"),
            "pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace AND t.typtype IN ('e', 'd', 'r')",
        ),
    ]
}

/// What belongs to no schema.
fn global() -> Vec<String> {
    let at = |part: &str, kind: &str, name: &str, line: &str, from: &str| {
        row(part, &format!("'{kind}'"), "NULL", name, line, from)
    };
    let database = "pg_database d WHERE d.datname = current_database()";
    let defaults = "pg_get_userbyid(d.defaclrole) || ' ' || coalesce((SELECT nspname FROM pg_namespace \
                    WHERE oid = d.defaclnamespace), '*') || ' ' || d.defaclobjtype::text";
    let roles = "(to_jsonb(r) - 'oid' - 'rolpassword' - 'rolvaliduntil')::text, extract(epoch FROM r.rolvaliduntil)";
    let member = "(to_jsonb(m) - 'oid' - 'roleid' - 'member' - 'grantor')::text, pg_get_userbyid(m.grantor)";
    vec![
        at(
            "catalogue",
            "extension",
            "e.extname",
            "e.extversion, (SELECT nspname FROM pg_namespace WHERE oid = e.extnamespace)",
            "pg_extension e",
        ),
        at(
            "catalogue",
            "foreign server",
            "s.srvname",
            "s.srvtype, s.srvversion, s.srvoptions, w.fdwname",
            "pg_foreign_server s JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw",
        ),
        at(
            "catalogue",
            "user mapping",
            "u.srvname || ' ' || CASE u.umuser WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(u.umuser) END",
            "'mapped'",
            "pg_user_mappings u",
        ),
        at(
            "catalogue",
            "event trigger",
            "t.evtname",
            "t.evtevent, t.evtfoid::regprocedure, t.evtenabled, t.evttags",
            "pg_event_trigger t",
        ),
        at(
            "catalogue",
            "publication",
            "p.pubname",
            "(to_jsonb(p) - 'oid' - 'pubowner')::text, (SELECT string_agg(r.prrelid::regclass::text, ',' \
             ORDER BY r.prrelid::regclass::text COLLATE \"C\") FROM pg_publication_rel r WHERE r.prpubid = p.oid)",
            "pg_publication p",
        ),
        at(
            "catalogue",
            "cast",
            "format_type(k.castsource, NULL) || ' AS ' || format_type(k.casttarget, NULL)",
            "k.castfunc::regprocedure, k.castcontext, k.castmethod",
            "pg_cast k WHERE k.oid >= 16384",
        ),
        at(
            "catalogue",
            "setting",
            "coalesce((SELECT datname FROM pg_database WHERE oid = nullif(x.setdatabase, 0)), '*') || ' ' || \
             CASE x.setrole WHEN 0 THEN '*' ELSE pg_get_userbyid(x.setrole) END",
            "x.setconfig",
            "pg_db_role_setting x WHERE x.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))",
        ),
        at("acl", "database", "d.datname", &acl('d', "d.datacl", "d.datdba"), database),
        at("acl", "default privileges", defaults, &acl('r', "d.defaclacl", "d.defaclrole"), "pg_default_acl d"),
        at("acl", "foreign server", "s.srvname", &acl('S', "s.srvacl", "s.srvowner"), "pg_foreign_server s"),
        at(
            "acl",
            "foreign data wrapper",
            "w.fdwname",
            &acl('F', "w.fdwacl", "w.fdwowner"),
            "pg_foreign_data_wrapper w",
        ),
        at("acl", "language", "l.lanname", &acl('l', "l.lanacl", "l.lanowner"), "pg_language l"),
        at("acl", "large object", "b.oid", &acl('L', "b.lomacl", "b.lomowner"), "pg_largeobject_metadata b"),
        at(
            "membership",
            "membership",
            "pg_get_userbyid(m.roleid) || ' <- ' || pg_get_userbyid(m.member)",
            member,
            "pg_auth_members m",
        ),
        at("role", "role", "r.rolname", roles, "pg_roles r"),
    ]
}
