//! Examination of backups made by real programs.
