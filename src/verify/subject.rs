//! What is verified, and whom the one who verifies trusts.

use std::cell::OnceCell;
use std::path::Path;

use crate::base::digest::Digest;
use crate::model::bundle::Bundle;
use crate::render;

/// What the caller trusts; nothing of it is ever taken from the bundle.
#[derive(Clone, Copy, Debug, Default)]
pub struct Trust<'a> {
    /// Who may sign: a list in the format of `ssh-keygen(1)`.
    pub allowed_signers: Option<&'a Path>,
    /// The certificates of time-stamping authorities, PEM.
    pub authority: Option<&'a Path>,
}

/// A run with what can be known of it without any trust.
pub(super) struct Subject<'a> {
    /// The run's folder.
    pub(super) run: &'a Path,
    /// The bundle, if it can be read.
    pub(super) bundle: Option<&'a Bundle>,
    /// The digest of the tag manifest, if it can be read.
    pub(super) tags_sha256: Option<String>,
    /// The record that is verified, if there is one.
    record: Option<&'a [u8]>,
    record_sha256: OnceCell<Option<String>>,
    /// Whom the caller trusts.
    pub(super) trust: Trust<'a>,
}

impl<'a> Subject<'a> {
    pub(super) fn new(
        run: &'a Path,
        bundle: Option<&'a Bundle>,
        tags: Option<Digest>,
        record: Option<&'a [u8]>,
        trust: Trust<'a>,
    ) -> Self {
        let tags_sha256 = tags.map(|digest| digest.to_string());
        Self { run, bundle, tags_sha256, record, record_sha256: OnceCell::new(), trust }
    }

    /// The digest of the record: of the one that is verified, or of the one that the bundle gives.
    pub(super) fn record_sha256(&self) -> Option<&str> {
        // Another release may write the same record otherwise; then only a record that is there tells.
        let same = self.bundle.filter(|bundle| bundle.info.tool_version == env!("CARGO_PKG_VERSION"));
        let rendered = || render::render(same?).ok().map(|record| Digest::of(&record));
        let digest = || self.record.map(Digest::of).or_else(rendered).map(|digest| digest.to_string());
        self.record_sha256.get_or_init(digest).as_deref()
    }
}
