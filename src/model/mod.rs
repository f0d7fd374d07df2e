//! The words of the house as plain data: no I/O, no rules, nothing that could be wrong at run time
//! except its own shape, and that is checked on the way in.

pub mod action;
pub mod allow;
pub mod bundle;
pub mod case;
pub mod closing;
pub mod diff;
pub mod fact;
pub mod plan;
pub mod policy;
pub mod value;
pub mod verdict;
pub mod verification;
