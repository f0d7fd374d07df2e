//! The question behind the guard of a dump role: one relation `wanted` with a row for every right
//! on every object, whether the role holds it, and the statement that would give it. Rights count
//! however the role has them: by itself, by membership, by PUBLIC, as owner or superuser.

use super::super::names::OWN;

/// How many objects of each class were looked at, and the role itself.
pub(super) fn role(role: &str) -> String {
    format!(
        "SELECT json_build_object('can_login', r.rolcanlogin, 'is_superuser', r.rolsuper, \
         'bypasses_rls', r.rolsuper OR r.rolbypassrls, 'reads_all_data', {}, \
         'open_schemas', (SELECT coalesce(json_agg(n.nspname), '[]') FROM pg_namespace n, \
         aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) AS a \
         WHERE {OWN} AND a.grantee = 0 AND a.privilege_type = 'CREATE')) \
         FROM pg_roles r WHERE r.rolname = {role}",
        reads_all(role)
    )
}

/// Whether the role exists, as a condition.
pub(super) fn exists(role: &str) -> String {
    format!("EXISTS (SELECT FROM pg_roles WHERE rolname = {role})")
}

/// The number of objects by class.
pub(super) fn classes(role: &str) -> String {
    format!(
        "{} SELECT json_build_object('class', class, 'objects', count(DISTINCT (schema, name, owner)), \
         'gaps', count(*) FILTER (WHERE NOT held)) FROM wanted GROUP BY class",
        wanted(role)
    )
}

/// The rights that are not held, at most `most` and one more.
pub(super) fn gaps(role: &str, most: usize) -> String {
    format!(
        "{} SELECT json_build_object('class', class, 'schema', schema, 'name', name, 'owner', owner, \
         'privilege', privilege, 'blocks_dump', blocks, 'mend', mend) FROM wanted WHERE NOT held LIMIT {}",
        wanted(role),
        most + 1
    )
}

fn reads_all(role: &str) -> String {
    format!(
        "EXISTS (SELECT FROM pg_roles a WHERE a.rolname = 'pg_read_all_data' AND pg_has_role({role}, a.oid, 'USAGE'))"
    )
}

fn wanted(role: &str) -> String {
    let parts = [database(role), schemas(role), relations(role), sequences(role), hidden(role), large(role)];
    let later = ["r", "S", "n"].map(|class| future(role, class));
    let parts: Vec<String> = parts.into_iter().chain(later).collect();
    format!("WITH creators AS ({}), wanted AS ({})", creators(), parts.join(" UNION ALL "))
}

fn select(class: &str, schema: &str, name: &str, owner: &str, privilege: &str, held: &str, rest: &str) -> String {
    format!(
        "SELECT {class}::text AS class, {schema}::text AS schema, {name}::text AS name, \
         pg_get_userbyid({owner})::text AS owner, '{privilege}'::text AS privilege, {held} AS held, {rest}"
    )
}

fn database(role: &str) -> String {
    let held = format!("has_database_privilege({role}, d.oid, 'CONNECT')");
    let rest = format!(
        "'now'::text AS blocks, format('GRANT CONNECT ON DATABASE %I TO %I', d.datname, {role}) AS mend \
         FROM pg_database d WHERE d.datname = current_database()"
    );
    select("'database'", "NULL", "d.datname", "d.datdba", "CONNECT", &held, &rest)
}

/// The dump locks tables, by name: without USAGE that fails. A schema without tables it only names.
fn schemas(role: &str) -> String {
    let held = format!("has_schema_privilege({role}, n.oid, 'USAGE')");
    let rest = format!(
        "CASE WHEN EXISTS (SELECT FROM pg_class c WHERE c.relnamespace = n.oid AND c.relkind IN ('r', 'p', 'S')) \
         THEN 'now' ELSE 'no' END, format('GRANT USAGE ON SCHEMA %I TO %I', n.nspname, {role}) \
         FROM pg_namespace n WHERE {OWN}"
    );
    select("'schema'", "n.nspname", "''", "n.nspowner", "USAGE", &held, &rest)
}

/// Members of an extension are made again by it; only its configuration tables are dumped.
const MEMBER: &str = "EXISTS (SELECT FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid \
     WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.refclassid = 'pg_extension'::regclass \
     AND d.deptype = 'e' AND NOT c.oid = ANY (coalesce(e.extconfig, '{}')))";

const CLASS: &str = "pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace";

fn relations(role: &str) -> String {
    let class = "CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table' WHEN 'v' THEN 'view' \
                 WHEN 'm' THEN 'materialized view' ELSE 'foreign table' END";
    let held = format!("has_table_privilege({role}, c.oid, 'SELECT')");
    let rest = format!(
        "CASE WHEN c.relkind IN ('r', 'p') AND NOT {MEMBER} THEN 'now' ELSE 'no' END, \
         format('GRANT SELECT ON TABLE %I.%I TO %I', n.nspname, c.relname, {role}) \
         FROM {CLASS} WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND {OWN}"
    );
    select(class, "n.nspname", "c.relname", "c.relowner", "SELECT", &held, &rest)
}

/// SELECT reads the position, which the dump needs; USAGE is for those who call `currval`.
fn sequences(role: &str) -> String {
    let one = |privilege: &str, blocks: &str| {
        // The server may ask this before it has left the tables out.
        let held = format!("CASE c.relkind WHEN 'S' THEN has_sequence_privilege({role}, c.oid, '{privilege}') END");
        let rest = format!(
            "{blocks}, format('GRANT {privilege} ON SEQUENCE %I.%I TO %I', n.nspname, c.relname, {role}) \
             FROM {CLASS} WHERE c.relkind = 'S' AND {OWN}"
        );
        select("'sequence'", "n.nspname", "c.relname", "c.relowner", privilege, &held, &rest)
    };
    let select = one("SELECT", &format!("CASE WHEN {MEMBER} THEN 'no' ELSE 'now' END"));
    format!("{select} UNION ALL {}", one("USAGE", "'no'"))
}

fn hidden(role: &str) -> String {
    let held = format!(
        "EXISTS (SELECT FROM pg_roles b WHERE b.rolname = {role} AND (b.rolsuper OR b.rolbypassrls)) \
         OR (pg_has_role({role}, c.relowner, 'USAGE') AND NOT c.relforcerowsecurity)"
    );
    let rest = format!(
        "'now', format('ALTER ROLE %I BYPASSRLS', {role}) FROM {CLASS} \
         WHERE c.relkind IN ('r', 'p') AND c.relrowsecurity AND {OWN}"
    );
    select("'row-level security'", "n.nspname", "c.relname", "c.relowner", "BYPASSRLS", &held, &rest)
}

fn large(role: &str) -> String {
    let held = format!(
        "EXISTS (SELECT FROM pg_roles b WHERE b.rolname = {role} AND b.rolsuper) \
         OR current_setting('lo_compat_privileges')::boolean \
         OR EXISTS (SELECT FROM aclexplode(coalesce(b.lomacl, acldefault('L', b.lomowner))) AS a \
         WHERE a.privilege_type = 'SELECT' AND (a.grantee = 0 OR pg_has_role({role}, a.grantee, 'USAGE')))"
    );
    let rest =
        format!("'now', format('GRANT SELECT ON LARGE OBJECT %s TO %I', b.oid, {role}) FROM pg_largeobject_metadata b");
    select("'large object'", "NULL", "b.oid", "b.lomowner", "SELECT", &held, &rest)
}

/// Who may make objects that the dump will have to read: owners of what is there, those who were
/// given CREATE, and who has it by membership and can log in. Predefined roles own things but log in as nobody; the database's owner acts
/// for `pg_database_owner`.
fn creators() -> String {
    format!(
        "SELECT r.oid, r.rolname FROM pg_roles r WHERE r.rolname !~ '^pg_' AND (\
         r.oid IN (SELECT d.datdba FROM pg_database d WHERE d.datname = current_database()) \
         OR r.oid IN (SELECT n.nspowner FROM pg_namespace n WHERE {OWN}) \
         OR r.oid IN (SELECT c.relowner FROM {CLASS} WHERE {OWN}) \
         OR r.oid IN (SELECT p.proowner FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE {OWN}) \
         OR r.oid IN (SELECT a.grantee FROM pg_namespace n, aclexplode(n.nspacl) AS a \
         WHERE {OWN} AND a.privilege_type = 'CREATE') \
         OR r.oid IN (SELECT a.grantee FROM pg_database d, aclexplode(d.datacl) AS a \
         WHERE d.datname = current_database() AND a.privilege_type = 'CREATE') \
         OR (r.rolcanlogin AND NOT r.rolsuper AND EXISTS (SELECT FROM pg_namespace n WHERE {OWN} \
         AND has_schema_privilege(r.oid, n.oid, 'CREATE') AND NOT EXISTS (SELECT FROM \
         aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) AS a \
         WHERE a.grantee = 0 AND a.privilege_type = 'CREATE'))))"
    )
}

/// Default privileges, by creator: without FOR ROLE they would hold for nobody but the one who
/// typed them. A global one covers schemas that do not exist yet; those by schema are enough for a
/// creator who can make no schema.
fn future(role: &str, class: &str) -> String {
    let (word, privilege, right, objects) = match class {
        "r" => ("tables", "SELECT", "SELECT", "TABLES"),
        "S" => ("sequences", "SELECT", "SELECT, USAGE", "SEQUENCES"),
        _ => ("schemas", "USAGE", "USAGE", "SCHEMAS"),
    };
    let given = |place: &str| {
        format!(
            "EXISTS (SELECT FROM pg_default_acl d, aclexplode(d.defaclacl) AS a WHERE d.defaclrole = k.oid \
             AND d.defaclobjtype = '{class}' AND d.defaclnamespace = {place} AND a.privilege_type = '{privilege}' \
             AND (a.grantee = 0 OR pg_has_role({role}, a.grantee, 'USAGE')))"
        )
    };
    let makes_schemas = "has_database_privilege(k.oid, current_database(), 'CREATE')";
    let by_schema = format!(
        "(NOT {makes_schemas} AND NOT EXISTS (SELECT FROM pg_namespace n WHERE {OWN} \
         AND has_schema_privilege(k.oid, n.oid, 'CREATE') AND NOT {}))",
        given("n.oid")
    );
    let held = format!(
        "{} OR EXISTS (SELECT FROM pg_roles b WHERE b.rolname = {role} AND b.rolsuper) \
         OR pg_has_role({role}, k.oid, 'USAGE') OR {} OR {}",
        reads_all(role),
        given("0"),
        if class == "n" { "false" } else { by_schema.as_str() }
    );
    let only = if class == "n" { format!(" WHERE {makes_schemas}") } else { String::new() };
    let rest = format!(
        "'later', format('ALTER DEFAULT PRIVILEGES FOR ROLE %I GRANT {right} ON {objects} TO %I', k.rolname, {role}) \
         FROM creators k{only}"
    );
    select(&format!("'future {word}'"), "NULL", "''", "k.oid", privilege, &held, &rest)
}
