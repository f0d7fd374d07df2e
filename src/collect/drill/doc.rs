//! The documentation of `restore.drill`.

use super::super::{Doc, Setting};

const fn setting(name: &'static str, kind: &'static str, meaning: &'static str) -> Setting {
    Setting { name, kind, required: false, meaning }
}

/// What `restore.drill` does and says.
pub static DOC: Doc = Doc {
    name: "restore.drill",
    summary: "a backup restored into a server that exists only for that, compared, and put away again",
    detail: "Makes a PostgreSQL of the dump's own major version in a private folder (`evidence-drill-…`; unix socket, \
             no TCP; as root under another user and with a network and process numbers of its own) or in a container without network, \
             restores the dump there, looks, and removes everything: after an error, a time limit and a signal too, \
             and what a killed run left is removed by the next one. The same bytes are examined while they are \
             restored, because a client accepts a dump that was cut between two rows: `complete` is the examiner's \
             answer, not the client's. Before anything is restored, the new server's system identifier and socket \
             are held against every target of the case and every identity seen before it; if one is the same, the \
             drill ends. Every warning and error stands in `messages`, for `only_exceptions` in a policy; details \
             that quote rows are left out. A dump is carried out by the superuser of the new server, who may start \
             programs, read and write files, load libraries and connect to other servers. Here the kernel \
             refuses the server every program, every file outside of the private folder but those of the \
             installation (Landlock) and every connection (seccomp), native code of the dump's own included: a \
             dump that needs any of it fails with an error, and what it started ends with the server. It sees no other \
             process. How far this kernel enforces that is in `isolation.confinement`; where it does not, nothing is \
             restored unless `--allow-unconfined` is given. An image of a container has to be there: it is not pulled. A hidden process of such native \
             code is sure to end only in a name space of its own, which needs root. `does_not_prove` says what \
             this drill leaves open.",
    needs_target: false,
    settings: &[
        Setting {
            name: "path",
            kind: "text",
            required: true,
            meaning: "the dump: plain SQL in any container that `backup` reads, custom or tar format, or a folder in directory format; relative paths start from the case's folder",
        },
        setting("member", "text", "the member of a tar archive that is the dump"),
        setting(
            "mode",
            "text (full)",
            "`full`; `schema`: definitions only; `sample`: the rows of `tables` only, without foreign keys; the last two need a dump that `pg_restore` reads",
        ),
        setting("jobs", "number (2)", "parallel restore, for custom and directory format"),
        setting("on_error", "text", "`stop` (as plain dumps do when nothing is said) or `continue` (as the others do)"),
        setting(
            "roles",
            "list of text",
            "roles that the dump needs, made empty before the restore; one that exists already is left as it is",
        ),
        setting("counts", "text (all)", "`all`: exact counts of every table; `none`"),
        setting(
            "tables",
            "list of text",
            "tables to count where `counts` is `none`, and the sample; `schema.table` as the dump spells it",
        ),
        setting(
            "digests",
            "list of text",
            "tables whose rows are digested: SHA-256 over each row as text in the order of the primary key, joined by line feeds; at most 256 MiB each",
        ),
        setting("smoke", "list", "`id`, `query`, and `expect`: the rows as a list of maps, or the one value"),
        setting("amcheck", "boolean (true)", "let `amcheck`, where it is installed, check every B-tree"),
        setting("engine", "text (local)", "`local`, `docker` or `podman`"),
        setting("image", "text", "the container's image by digest, e.g. `docker.io/library/postgres@sha256:…`"),
        setting(
            "binaries",
            "text",
            "folder of the server's programs, instead of the newest; where no package installs them, the policy has to allow it: an entry of `commands:` with `argv: [FOLDER/postgres]`",
        ),
        setting("allow_newer", "boolean (false)", "take a newer major version when the dump's own is not installed"),
        setting("encoding", "text (UTF8)", "encoding of the new database"),
        setting("limit", "duration (2h)", "how long the drill may take"),
        setting(
            "scratch",
            "text",
            "folder to make the private folder in, instead of the temporary one; not for containers",
        ),
        setting("scratch_limit", "size", "how much disk it may take; of a container, its file system and volumes"),
    ],
    values: &[
        ("path", "the dump"),
        ("size_bytes", "its stored size in bytes; of a folder, all files together"),
        ("sha256", "SHA-256 of the stored file"),
        ("format", "`plain`, `custom`, `tar` or `directory`"),
        ("mode", "`full`, `schema` or `sample`"),
        ("engine", "`local`, `docker` or `podman`"),
        ("versions", "`server`, `dump_server`, `dump_program`, `same_major`"),
        ("system_identifier", "identifier of the drill's server, as text"),
        ("initdb_time", "when that server was made, from its identifier"),
        ("differs_from", "the targets and facts whose identity it was held against"),
        (
            "isolation",
            "`confinement` (`full`; `partial`: all that a statement reaches for by itself; `none`: less; `container`), `not_refused` (what this kernel leaves open), `allow_unconfined` (true where the drill was only made because the operator allowed it), `process_space`, `listen_addresses`, `tcp_listeners` (of the server's process, from the kernel), `network`, `shared_folder`, `data_directory`, `socket_folder`, `data_in_private_folder`, `socket_in_private_folder`, `folder_mode`, `runs_as`, `tablespaces_outside`; of a container `mounts`, `anonymous_volumes` (made with it and removed with it), `published_ports`, `image_id`",
        ),
        ("roles_created", "roles that were made empty"),
        ("roles_existing", "roles of `roles` that the new server had already, as `postgres`"),
        ("steps", "list of `step`, `command`, `exit_code`, `seconds`"),
        ("seconds", "duration of the whole drill, in seconds"),
        ("restore_seconds", "duration of the restore, in seconds"),
        ("exit_code", "exit code of the client that restored"),
        (
            "messages",
            "every warning and error: list of `severity`, `text` (with the first line of its command), `count`, `line` or `entry`; `because` where the server was kept in its bounds",
        ),
        ("messages_cut", "whether there were more messages than are kept: `messages` is then unknown (limit reached)"),
        ("messages_first", "the first 100 different messages, where there were more"),
        (
            "expected_messages",
            "warnings that the drill itself or `pg_dump` brings about, each with `because`: no changes are published, subscriptions are not connected",
        ),
        ("errors", "number of errors"),
        ("warnings", "number of warnings"),
        ("notices", "number of notices; they are not kept"),
        (
            "complete",
            "whether the examiner found the dump whole: its trailer, every block terminated; unknown when a command of the dump was refused",
        ),
        (
            "dump",
            "the examiner's `kind`, `chain`, `quality`, `reasons`, `caveats` (what a good quality does not cover), `stored_bytes`, `payload_bytes`",
        ),
        (
            "restored",
            "`tables`, `foreign_tables`, `views`, `materialized_views`, `sequences`, `functions`, `indexes`, and the same in `by_schema.SCHEMA`; what extensions bring is left out",
        ),
        ("counts", "rows by restored table, exact: `counts.SCHEMA.TABLE`"),
        ("partitioned_counts", "rows by restored partitioned table, exact, its partitions included"),
        ("rows_total", "their sum"),
        ("dump_counts", "rows by table in the dump, exact: `dump_counts.SCHEMA.TABLE`"),
        ("dump_rows_total", "their sum"),
        (
            "counts_equal",
            "whether every table has as many rows as the dump; unknown when a command of the dump was refused",
        ),
        ("counts_differ", "the tables that have not"),
        ("digests", "SHA-256 by table: `digests.SCHEMA.TABLE`"),
        ("smoke", "list of `id`, `query`, `expected`, `observed`, `holds`"),
        ("smoke_holds", "whether all of them hold"),
        ("indexes", "`total`, `invalid`, `invalid_names`, `constraints_not_validated`"),
        ("amcheck", "`indexes_checked`, `errors`, `messages`"),
        ("extensions_missing", "extensions of the dump that this server has no programs for"),
        ("scratch_peak_bytes", "the most disk that the drill took, in bytes, measured every second"),
        (
            "teardown",
            "`processes` that still work there, carry its mark or count in its name space, `folder`, `folder_exists`; of a container `container`, `container_exists`, and `folder_exists` for its file system and volumes",
        ),
        ("does_not_prove", "what this drill leaves open, in words"),
    ],
    example: "- id: drill\n  uses: restore.drill\n  with:\n    path: /srv/backups/app_20260515.dump\n    jobs: 2\n    roles: [app]\n    smoke:\n      - { id: paid, query: SELECT count(*) AS n FROM orders WHERE paid, expect: 166 }\n",
};
