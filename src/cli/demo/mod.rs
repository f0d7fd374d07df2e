//! placeholder
use super::args;
use super::exit::Exit;
use super::screen::Screen;
use anyhow::{Result, bail};
pub fn run(_screen: &Screen, _args: &args::Demo) -> Result<Exit> {
    bail!("not yet")
}
