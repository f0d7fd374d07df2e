//! A healthy database can meet the criteria of `restore-test` whatever it holds: partitioned tables, names
//! that need quotes, a publication, an owner whose name every server has.

use std::fs;

use serde_json::Value;

use crate::support::cluster::Cluster;
use crate::support::world::World;

const SCHEMA: &str = r#"
CREATE SCHEMA "Odd Names";
CREATE TABLE "Odd Names"."T ""q""" (id int, v text);
INSERT INTO "Odd Names"."T ""q""" SELECT g, 'x' FROM generate_series(1, 7) g;
CREATE TABLE part (id int, d date) PARTITION BY RANGE (d);
CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE part_d PARTITION OF part DEFAULT;
INSERT INTO part VALUES (1, '2026-01-03'), (2, '2026-05-01');
CREATE TABLE "User" (id int GENERATED ALWAYS AS IDENTITY, n text);
INSERT INTO "User" (n) VALUES ('a'), ('b');
SET client_min_messages = error;
CREATE PUBLICATION pub FOR ALL TABLES;
"#;

#[test]
fn a_healthy_database_meets_the_criteria_of_a_restore_test() {
    let cluster = Cluster::start().unwrap();
    cluster.psql("postgres", "CREATE DATABASE app");
    cluster.psql("app", SCHEMA);
    for form in ["-Fc", "-Fp"] {
        let world = World::new();
        let dump = world.path("app.dump");
        let status = cluster.command("pg_dump").args([form, "app", "-f"]).arg(&dump).status().unwrap();
        assert!(status.success());
        world.run(&["init", "t", "--from", "restore-test"]);
        let sums = format!("{}  app.dump\n", sha256(&dump));
        world.write("SHA256SUMS", sums);
        let file = world.path("reports/t/case.yaml");
        let via = format!(
            "via: local, host: {}, user: {}, database: app",
            cluster.socket_dir().display(),
            cluster.superuser()
        );
        let case = fs::read_to_string(&file).unwrap();
        let case = case
            .replace("via: local, user: app, database: app", &via)
            .replace("/srv/backups", world.root().to_str().unwrap())
            .replace("roles: [app]", &format!("roles: [{}]", cluster.superuser()));
        fs::write(&file, case).unwrap();
        let ran = world.run(&["collect", "t"]);
        assert_eq!(ran.code, 0, "{form}: {}{}", ran.stdout, ran.stderr);
        let check: Value = serde_json::from_str(&world.run(&["check", "t", "--json"]).stdout).unwrap();
        let rows = check["rows"].as_array().unwrap();
        for id in ["K-1", "K-3", "K-4", "K-5", "K-6"] {
            let row = rows.iter().find(|row| row["id"] == id).unwrap();
            assert_eq!(row["status"], "pass", "{form}: {row}");
        }
    }
}

fn sha256(file: &std::path::Path) -> String {
    let output = std::process::Command::new("sha256sum").arg(file).output().unwrap();
    String::from_utf8(output.stdout).unwrap().split(' ').next().unwrap().to_owned()
}
