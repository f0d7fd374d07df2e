//! Caveats: what a conclusion does not cover, named. A caveat changes no [`super::Quality`]: the
//! backup can be good and still have a limit that its reader has to know.

use serde::Serialize;

use super::facts::Examination;

/// One caveat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Caveat {
    /// For machines: the words may change, the ids do not.
    pub id: CaveatId,
    /// For people.
    pub says: String,
}

/// Every caveat there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CaveatId {
    /// A part of the backup has no checksum: a changed byte there can stay unseen.
    NoChecksum,
    /// Members of an archive are of kinds that are not examined.
    MembersNotExamined,
    /// Tables are created, and there are no rows for any of them.
    SchemaOnly,
    /// There are rows, and no table is created for them.
    DataOnly,
    /// Roles and tablespaces only.
    GlobalsOnly,
    /// No table is created and there are no rows.
    NoTables,
    /// Every table is empty.
    NoRows,
    /// Some tables have no section for their rows.
    TablesWithoutData,
    /// Row-level security applied to the dump.
    RowSecurity,
    /// Every line ends with CR LF.
    #[serde(rename = "crlf")]
    CrLf,
}

impl Examination {
    /// Adds a caveat, once for each id.
    pub(super) fn add_caveat(&mut self, id: CaveatId, says: impl Into<String>) {
        if self.caveats.iter().all(|caveat| caveat.id != id) {
            self.caveats.push(Caveat { id, says: says.into() });
        }
    }
}
