//! The case of the scene: what an operator would have written, with this folder's paths.

use std::path::Path;

use anyhow::Result;

use crate::base::files;

use super::world::World;

/// Writes `reports/g6/case.yaml` and `narrative.md`. A `governed` case has the script's run as its
/// action, and looks at what that left after it.
///
/// # Errors
/// When they cannot be written.
pub fn write(world: &World, socket: &Path, healthy: &Path, fresh: &Path, governed: bool) -> Result<()> {
    let (after, action) = if governed { ("\n    phase: after", include_str!("action.yaml")) } else { ("", "") };
    let case = include_str!("case.yaml")
        .replace("@ACTION@", action)
        .replace("@AFTER@", after)
        .replace("@STAMP@", &stamp(fresh))
        .replace("@ROOT@", &world.path("").to_string_lossy().trim_end_matches('/').replace('\'', "''"))
        .replace("@SOCKET@", &socket.to_string_lossy())
        .replace("@HEALTHY@", &healthy.to_string_lossy())
        .replace("@FRESH@", &fresh.to_string_lossy())
        .replace("@STAGING@", &staging(world, fresh));
    let folder = world.path("reports/g6");
    files::make_folder(&folder)?;
    files::write(&folder.join("case.yaml"), case.as_bytes())?;
    Ok(files::write(&folder.join("narrative.md"), include_str!("narrative.md").as_bytes())?)
}

/// The folder that the second job left, by the same stamp as the fresh file.
fn staging(world: &World, fresh: &Path) -> String {
    world.path("staging").join(format!("gdrive_{}", stamp(fresh))).to_string_lossy().into_owned()
}

/// The stamp in the name of the fresh file.
fn stamp(fresh: &Path) -> String {
    let name = fresh.file_name().unwrap_or_default().to_string_lossy();
    name.trim_start_matches("directus_").trim_end_matches(".sql.gz").to_owned()
}
