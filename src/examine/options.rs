//! What the caller may ask for and the limits that keep memory and time bounded.

/// How to examine.
#[derive(Debug, Clone)]
pub struct Options {
    /// Also compute the SHA-256 of the payload, raw and normalised.
    pub payload_digests: bool,
    /// Stop decompressing after this many bytes in all layers together.
    pub expansion_limit: Option<u64>,
    /// How many containers may be opened inside each other.
    pub max_depth: usize,
    /// How many names of each kind, tables with rows, entries and members are kept; the rest is
    /// counted only, and the cut is said.
    pub max_names: usize,
}

impl Default for Options {
    fn default() -> Self {
        Options { payload_digests: false, expansion_limit: None, max_depth: 4, max_names: 10_000 }
    }
}
