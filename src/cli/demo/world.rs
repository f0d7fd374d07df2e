//! The machine of the scene below the demonstration's folder: scripts, crontab, logs, folders.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::base::child::Invocation;
use crate::base::{env, files, random};

/// The size of the nightly script, which the scene names.
const SCRIPT_BYTES: usize = 2157;

/// Where things lie below the demonstration's folder.
pub struct World {
    root: PathBuf,
}

impl World {
    /// Makes the folders, scripts and the crontab. `socket` and `binaries` are those of the server.
    ///
    /// # Errors
    /// When something cannot be written.
    pub fn make(root: &Path, socket: &Path, binaries: Option<&Path>) -> Result<Self> {
        let world = Self { root: root.to_owned() };
        for folder in ["backups", "staging", "log", "scripts", "etc/cron.d"] {
            files::make_folder(&world.path(folder))?;
        }
        world.script("pg-backup.sh", include_str!("pg-backup.sh"), socket, binaries)?;
        world.script("backup-to-gdrive.sh", include_str!("backup-to-gdrive.sh"), socket, binaries)?;
        let entry = format!("17 4 * * * root {}\n", world.path("scripts/pg-backup.sh").display());
        files::write(&world.path("etc/cron.d/pg-backup"), entry.as_bytes())?;
        files::write(&world.path("README.txt"), include_str!("README.txt").as_bytes())?;
        Ok(world)
    }

    /// `inside` below the folder.
    #[must_use]
    pub fn path(&self, inside: &str) -> PathBuf {
        self.root.join(inside)
    }

    /// The script with this machine's paths, and with a push token that is made here and now.
    fn script(&self, name: &str, text: &str, socket: &Path, binaries: Option<&Path>) -> Result<()> {
        let token: String = random::hex()?;
        let text = text
            .replace("@ROOT@", &self.root.to_string_lossy())
            .replace("@SOCKET@", &socket.to_string_lossy())
            .replace("@BIN@", &binaries.unwrap_or(Path::new("/usr/bin")).to_string_lossy())
            .replace("@TOKEN@", &token);
        let path = self.path("scripts").join(name);
        files::write(&path, filled(&text).as_bytes())?;
        Ok(files::set_mode(&path, 0o755)?)
    }

    /// Runs a script as cron would; `stamp` names the file it writes. Gives the exit code.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn night(&self, script: &str, stamp: &str) -> Result<Option<i32>> {
        let path = self.path("scripts").join(script);
        Ok(Invocation::new(path).env("BACKUP_STAMP", stamp).folder(&self.root).run()?.code)
    }

    /// Dates a file back with `touch`: the nights before are re-enacted now, and README.txt says so.
    ///
    /// # Errors
    /// When `touch` fails.
    pub fn date_back(&self, file: &Path, date: &str) -> Result<()> {
        let touched = Invocation::new("touch").args(["-d", date]).args([file]).run()?;
        if !touched.success() {
            bail!("touch could not date {}", file.display());
        }
        Ok(())
    }

    /// Compresses `text` with the real gzip, as the script would have.
    ///
    /// # Errors
    /// When gzip fails.
    pub fn gzip(&self, file: &Path, text: String) -> Result<()> {
        if env::find_program("gzip").is_none() {
            bail!("`gzip` is not installed; the demonstration needs it");
        }
        let packed = Invocation::new("gzip").args(["-9"]).stdin(text).cap(256 << 20).run()?;
        Ok(files::write(file, &packed.stdout)?)
    }
}

/// Draws the last comment of a script out to the size that the scene names, however long this
/// machine's paths are; one with longer paths stays longer.
fn filled(text: &str) -> String {
    const MARK: &str = "@FILL@";
    let without = text.len().saturating_sub(MARK.len());
    text.replacen(MARK, &"-".repeat(SCRIPT_BYTES.saturating_sub(without)), 1)
}
