//! The documentation of `contradictions`.

use super::super::timeline::SOURCES;
use super::super::{Doc, Setting};

/// What `contradictions` reads and says.
pub static DOC: Doc = Doc {
    name: "contradictions",
    summary: "lines of logs that cannot both be true, by rule",
    detail: "Reads the logs of a `timeline`, or of its own `sources`, and looks for what the rules of \
             `policies/contradictions/` describe: success and failure of one subject in one run, success before the failure \
             that it hides, success after a failed check, a duration that its stamps do not bear out, a start without an \
             end, a step that no step follows, figures that do not add up, one quantity with two values, a failure of which \
             nobody was told (only with `alert_within`), the same failing words in several logs. A run goes from a start to \
             what follows its end; lines are bound to it by the run or process that they name, else by subject and order. \
             Logs with one `subject` are held against each other. No findings in logs that were read to their ends mean \
             that no rule found one there, not that nothing went wrong. Memory is bounded: of \
             very long runs the first and the last events are compared, and the failures and successes between them.",
    needs_target: false,
    settings: &[
        Setting {
            name: "timeline",
            kind: "text",
            required: false,
            meaning: "a step that uses `timeline`: its logs are read again (needed unless `sources` is given)",
        },
        Setting { name: "sources", kind: "list of maps", required: false, meaning: SOURCES },
        Setting { name: "rules", kind: "list of text (all)", required: false, meaning: "only these rules" },
        Setting {
            name: "alert_within",
            kind: "duration",
            required: false,
            meaning: "how soon after a failure somebody is to be told, by a line of any of the logs",
        },
        Setting {
            name: "max_rate",
            kind: "text, e.g. 12.5 MB/s",
            required: false,
            meaning: "the fastest that anything can go here; more bytes in a time are a finding",
        },
    ],
    values: &[
        (
            "findings",
            "list of `rule`, `title`, `subject`, `what` (what disagrees), `why` (it matters), `settles` (what would settle it), `first` and `second`, each `place`, `source`, `line`, `text`, `at`, `original`",
        ),
        ("findings_total", "the same as `count`; at most 500 are in `findings`"),
        ("count", "how many, when every source was read to its end; `count_at_least` otherwise"),
        (
            "by_rule.<RULE>",
            "findings of each rule, when every source was read to its end; `by_rule_at_least.<RULE>` otherwise",
        ),
        ("runs", "runs that were looked at"),
        ("events", "events that were looked at"),
        ("sources", "as in `timeline`"),
        ("complete", "whether every source was read to its end"),
    ],
    example: "- id: contradictions\n  uses: contradictions\n  with: { timeline: timeline, alert_within: 15m }\n",
};
