//! `evidence` collects read-only facts, masks secrets, seals them, judges them by a written policy
//! and renders a record that anyone can verify later.
//!
//! The house has floors. A module may `use crate::` only what stands on a lower floor, and rooms on
//! one floor do not see each other; `tests/it/floors.rs` holds the plan.
//!
//! | room | floor | may know |
//! |---|---|---|
//! | [`base`] | 0 | clock, environment, files, child processes, sandbox, quantities, the YAML door |
//! | [`model`] | 1 | case, fact, bundle, policy, verdict: plain data, no I/O |
//! | [`hygiene`] | 2 | the secret rules and the one door from `Raw` to `Masked` |
//! | [`examine`] | 2 | streaming examination of backups, no policy |
//! | [`cluster`] | 2 | PostgreSQL servers of our own: made, ended and cleared away |
//! | [`events`] | 2 | times, zones, events and contradictions of logs, over lines; no I/O |
//! | [`shell`] | 2 | shell scripts: what the shell does with them; pure |
//! | [`schedule`] | 2 | crontabs and timers: when something runs; pure |
//! | [`seal`] | 3 | the bundle on disk; takes only `Masked` |
//! | [`collect`] | 4 | one file per collector; read-only; raw values never leave |
//! | [`judge`] | 4 | typed operators: (policy, facts) → verdict; pure |
//! | [`govern`] | 5 | the one command that may change something, and what was different after it |
//! | [`render`] | 5 | templates, citations, escaping: bundle → bytes; pure |
//! | [`verify`] | 6 | re-hash, re-judge, re-render, compare |
//! | [`report`] | 6 | verdicts, facts and findings to a screen or a machine |
//! | [`cli`] | 7 | arguments and one file per verb |

#![cfg_attr(not(feature = "isal"), forbid(unsafe_code))]

pub mod base;
pub mod model;

pub mod cluster;
pub mod events;
pub mod examine;
pub mod hygiene;
pub mod schedule;
pub mod shell;

pub mod seal;

pub mod collect;
pub mod judge;

pub mod govern;
pub mod render;

pub mod report;
pub mod verify;

pub mod cli;
