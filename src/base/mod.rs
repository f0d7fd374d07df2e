//! The ground floor: the only rooms that touch the clock, the environment, the file system for
//! writing, child processes and the kernel's sandbox. Everything above is data and rules.

pub mod agent;
pub mod assets;
#[cfg(target_os = "linux")]
mod calls;
pub mod canonical;
pub mod child;
pub mod clock;
pub mod confine;
pub mod digest;
pub mod env;
pub mod files;
pub mod mounts;
pub mod process;
pub mod quantity;
pub mod random;
pub mod sandbox;
pub mod signal;
pub mod ssh;
pub mod text;
pub mod yaml;
