//! Shared helpers of the integration tests.
// Each test module uses some of them.
#![allow(dead_code)]

pub mod cluster;
pub mod look;
pub mod scene;
pub mod world;
