//! The documentation of `backup`.

use super::super::doc::with_metadata;
use super::super::{Doc, Setting};

/// What `backup` reads and says.
pub static DOC: Doc = Doc {
    name: "backup",
    summary: "a backup file, every byte examined: is it whole, and what is in it",
    detail: "Reads the file once and says what it is by content, whether every layer is whole, whether the dump \
             inside shows its own end, and what it creates and holds, counted. An empty gzip stream is a valid gzip \
             stream: look at `payload_bytes`, `sql.header`, `sql.trailer` and the counts too. A file that changes \
             while it is read has no findings; where a limit ends the look, totals are missing and `partial` says \
             how far it came. Lists of names longer than `max_names` are cut, with `names_cut` beside them, and are \
             whole in `names.json`. That a backup is whole does not prove that it can be restored, nor that it has \
             what it should have.",
    needs_target: false,
    settings: &[
        Setting {
            name: "path",
            kind: "text",
            required: true,
            meaning: "the backup; relative paths start from the case's folder",
        },
        Setting {
            name: "member",
            kind: "text",
            required: false,
            meaning: "the member of a tar archive that the findings are to be about",
        },
        Setting {
            name: "payload_digest",
            kind: "boolean (false)",
            required: false,
            meaning: "also compute the SHA-256 of the payload, raw and without the random tokens of a dump",
        },
        Setting {
            name: "expansion_limit",
            kind: "size (1 TiB)",
            required: false,
            meaning: "how much is unpacked at most, all layers together",
        },
        Setting { name: "time_limit", kind: "duration (1h)", required: false, meaning: "how long the look may take" },
        Setting {
            name: "max_names",
            kind: "number (1000)",
            required: false,
            meaning: "names of each kind in the values",
        },
        Setting {
            name: "expect",
            kind: "map",
            required: false,
            meaning: "names that the dump itself must create: lists `schemas`, `tables`, `views`, `materialized_views`, `sequences`, `functions` (`schema.name` as the dump spells it), and `grants` by role, such as `reader: [SELECT ON TABLE app.orders]`",
        },
    ],
    values: with_metadata![
        [
            ("exists", "whether anything stands at the path"),
            ("path", "the file"),
            ("file_kind", "what stands there, as `kind` of `file`"),
            ("size_bytes", "stored size in bytes"),
        ],
        ("sha256", "SHA-256 of the stored bytes"),
        ("kind", "what the stored bytes are: `plain_sql`, `gzip`, `zstd`, `tar`, `pg_custom`, `empty`, `unknown`, …"),
        ("chain", "the layers from the outside in, e.g. `gzip`, `plain_sql`"),
        ("quality", "`good`, `bad`, `inconclusive` or `unknown_kind`, by fixed rules"),
        ("reasons", "list of `code` and `says`: why"),
        (
            "caveats",
            "list of `id` and `says`: what the quality does not cover, such as `no_checksum`; empty without any"
        ),
        ("stored_bytes", "bytes read"),
        ("stored_sha256", "SHA-256 of the bytes that the findings are about: the file, or the member"),
        ("payload_bytes", "bytes after decompression of the outermost layer"),
        ("payload_sha256", "SHA-256 of the payload"),
        ("payload_normalised_sha256", "SHA-256 of the payload without the random tokens of a dump"),
        (
            "gzip",
            "`valid`, `members`, `empty_members`, `trailing_bytes`, `trailing_zeros`, `last_isize`, `damage` (`none` or what), …",
        ),
        ("zstd", "`valid`, `frames`, `frames_with_checksum`, `trailing_bytes`, `damage`, …"),
        ("lz4", "`valid`, `frames`, `frames_with_checksum`, `trailing_bytes`, `damage`, …"),
        ("sqlite", "`page_size`, `pages`, `pages_stated`, `write_ahead_log`, `damage` of an SQLite database"),
        (
            "sql",
            "`flavour`, `header`, `trailer`, `server_version`, `dump_version`, `statements`, `tables.count`, `tables.names`, `views`, `sequences`, `functions`, `schemas`, `grants.ROLE.what`, `rows.total`, `rows.by_table`, `copy_blocks`, `unterminated_copy`, `ends_inside` (`none` or what), `error_lines`, `misshapen_rows`, `broken_statements`, `dumps_cut`, `row_security`, `crlf`, …",
        ),
        (
            "tar",
            "`valid`, `entries`, `members` (each with `name`, `size`, `examination`), `qualities`, `unexamined_members`, `dumps_without_toc`, `trailing_bytes`, `damage`, …",
        ),
        (
            "custom",
            "`version`, `format`, `compression`, `toc_entries`, `toc`, `tables`, `rows`, `blocks_expected`, `blocks_found`, `blocks_checked`, `data_without_checksum`, `second_toc`, `unknown_entry_type`, `damage`, …",
        ),
        ("copy_data", "`rows`, `terminated`, `bytes_after` of a bare stream of rows"),
        (
            "message",
            "`what` and `line` of a text that was saved in place of a backup: the error of a program, an error page, a Git LFS pointer",
        ),
        ("payload", "the findings about the payload, when it is compressed once more"),
        ("member", "`name`, `size_bytes`, `archive_valid` of the chosen member; the findings are about it"),
        (
            "expect",
            "of the expected names: `rows` (`kind`, `name`, `role`, `found`: `found`, `missing` or `unknown`), `expected_count`, `found_count`, `score` (`24/24`), `missing`, `all_found`; a view that is a table in the dump is missing as a view",
        ),
        ("expansion_limit_hit", "whether `expansion_limit` ended the look"),
        ("time_limit_hit", "whether `time_limit` ended the look"),
        ("depth_limit_hit", "whether layers were too deep to be opened"),
        ("partial", "`stored_bytes` and `payload_bytes` seen until a limit ended the look"),
    ],
    example: "- id: fresh\n  uses: backup\n  with: { path: /srv/backups/app_20260515_0417.sql.gz }\n",
};
