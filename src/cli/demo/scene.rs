//! The nights: five healthy dumps, then a privilege taken away. With a server the script's next run is
//! the governed action of the case, so its 20 bytes are written between two looks; without one nothing
//! may be started, and the script runs here.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Result;
use chrono::{DateTime, Duration, Timelike as _, Utc};

use crate::base::{clock, files};
use crate::cluster;

use super::case;
use super::server::{self, Server};
use super::world::World;

/// How many good nights there were.
const NIGHTS: i64 = 5;

/// What a day adds to the database, so that the dumps grow as real ones do.
const A_DAY: &str = "INSERT INTO public.directus_activity (who, what, at)
    SELECT n % 2000, md5(random()::text), now() FROM generate_series(1, 900) n;";

/// A staged scene; the server runs until this is dropped.
pub struct Scene {
    server: Option<Server>,
    healthy: PathBuf,
    fresh: PathBuf,
}

impl Scene {
    /// Stages everything below `folder`, the case included, with the server binaries in `given` or
    /// those that are installed.
    ///
    /// # Errors
    /// When a part cannot be made.
    pub fn stage(folder: &Path, given: Option<&Path>) -> Result<Self> {
        let binaries = cluster::find(given);
        let server = binaries.as_deref().map(Server::start).transpose()?;
        let nowhere = folder.join("no-server");
        let socket = server.as_ref().map_or(nowhere.as_path(), Server::socket);
        let world = World::make(folder, socket, binaries.as_deref())?;
        if let Some(server) = &server {
            server.sql(server::SUPERUSER, "CREATE DATABASE directus")?;
            server.sql("directus", include_str!("scene.sql"))?;
        }
        let now = clock::now();
        let healthy = good_nights(&world, server.as_ref(), now)?;
        let fresh = bad_night(&world, server.as_ref(), now)?;
        case::write(&world, socket, &healthy, &fresh, server.is_some())?;
        Ok(Self { server, healthy, fresh })
    }

    /// Whether a server runs, so that the action of the case may be started.
    #[must_use]
    pub fn governed(&self) -> bool {
        self.server.is_some()
    }

    /// What was staged, for a person.
    #[must_use]
    pub fn story(&self) -> String {
        let mut story = String::new();
        let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if self.server.is_some() {
            let _ = writeln!(story, "An ephemeral PostgreSQL runs on a private unix socket, no TCP.");
        } else {
            let _ = writeln!(story, "No PostgreSQL server binaries here (Debian: `apt-get install postgresql`):");
            let _ = writeln!(story, "the good files are generated SQL, and every database fact will be UNKNOWN.");
        }
        let _ = writeln!(story, "Five good nights, the last one {}.", name(&self.healthy));
        if self.server.is_some() {
            let _ =
                writeln!(story, "Then the dump role lost USAGE on the schema sandbox_tac, and the second job stopped.");
            let _ = writeln!(story, "The nightly script is due: `evidence run` starts it between two looks.");
        } else {
            let _ = writeln!(story, "Then the script ran where no server answers:");
            let _ = writeln!(story, "it wrote {}. `gzip -t` accepts that file.", name(&self.fresh));
        }
        story
    }
}

/// Runs the script for each of the nights before; gives the last file.
fn good_nights(world: &World, server: Option<&Server>, now: DateTime<Utc>) -> Result<PathBuf> {
    let mut last = PathBuf::new();
    let yesterday = last_night(now);
    for night in (1..=NIGHTS).rev() {
        let day = yesterday - Duration::days(night - 1);
        let stamp = day.format("%Y%m%d_0417").to_string();
        last = world.path("backups").join(format!("directus_{stamp}.sql.gz"));
        match server {
            Some(server) => {
                server.sql("directus", A_DAY)?;
                world.night("pg-backup.sh", &stamp)?;
            }
            None => world.gzip(&last, generated(NIGHTS - night))?,
        }
        world.date_back(&last, &day.format("%Y-%m-%dT04:17:09Z").to_string())?;
    }
    Ok(last)
}

/// The last good night: the newest 04:17 that is more than a day ago, whatever the hour is now.
fn last_night(now: DateTime<Utc>) -> DateTime<Utc> {
    let early = (now.hour(), now.minute()) < (4, 18);
    now - Duration::days(if early { 2 } else { 1 })
}

/// Takes the privilege away and runs the second job, and the first one where it cannot be governed;
/// gives the file that the first one writes.
fn bad_night(world: &World, server: Option<&Server>, now: DateTime<Utc>) -> Result<PathBuf> {
    if let Some(server) = server {
        server.sql("directus", "REVOKE USAGE ON SCHEMA sandbox_tac FROM backup")?;
    }
    let stamp = now.format("%Y%m%d_%H%M").to_string();
    let fresh = world.path("backups").join(format!("directus_{stamp}.sql.gz"));
    if server.is_none() {
        world.night("pg-backup.sh", &stamp)?;
        files::metadata(&fresh)?;
    }
    world.night("backup-to-gdrive.sh", &stamp)?;
    Ok(fresh)
}

/// SQL text in the shape of a dump, for machines without a server.
fn generated(day: i64) -> String {
    let mut text = String::from("--\n-- PostgreSQL database dump\n--\n\n");
    let mut state: u64 = 0x9e37_79b9;
    for table in 1..=8 {
        let _ = writeln!(text, "CREATE TABLE public.table_{table} (\n    id integer,\n    reading text\n);\n");
        let _ = writeln!(text, "COPY public.table_{table} (id, reading) FROM stdin;");
        for row in 0..3000 + day * 100 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let _ = writeln!(text, "{row}\t{state:x}");
        }
        text.push_str("\\.\n\n");
    }
    text.push_str("--\n-- PostgreSQL database dump complete\n--\n\n");
    text
}
