//! The arguments: one table that parsing, `--help` and shell completions read.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// After an incident, or before a blocker may be closed: collect read-only facts, judge them by a
/// written policy, and render a record that anyone can verify months later.
#[derive(Parser)]
#[command(name = "evidence", version, max_term_width = 100, propagate_version = true)]
#[command(after_help = "First time here?  evidence demo\nIs this backup any good?  evidence examine FILE\n\n\
    Exit codes: 0 established, 1 failed, 2 usage or input, 3 not established, 4 hard stop, 5 mismatch\n\
    (`evidence explain 3` tells more).")]
pub struct Cli {
    /// What all verbs understand.
    #[command(flatten)]
    pub global: Global,
    /// The verb.
    #[command(subcommand)]
    pub verb: Verb,
}

/// What all verbs understand.
#[derive(Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// The folder that holds `reports/`, and `policies/` and `templates/` that override the built-in ones.
    #[arg(long, global = true, value_name = "DIR", env = "EVIDENCE_ROOT", default_value = ".")]
    pub root: PathBuf,
    /// Print JSON for machines instead of text for people.
    #[arg(long, global = true)]
    pub json: bool,
    /// When to use colours; `auto` means on a terminal, unless NO_COLOR is set.
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: When,
}

/// When to use colours.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum When {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What can be done.
#[derive(Subcommand)]
pub enum Verb {
    /// Re-enact a broken backup with real parts, and take it through collect, check, render and verify.
    #[command(after_help = "Example:\n  evidence demo /tmp/evidence-demo")]
    Demo(Demo),
    /// Start a case: a commented `reports/CASE/case.yaml` that passes `plan`.
    #[command(after_help = "Example:\n  evidence init g7 --from incident")]
    Init(Init),
    /// Is this backup any good, and what is in it? No case needed.
    #[command(after_help = "Examples:\n  evidence examine /srv/backups/*.sql.gz\n  \
        ssh db.example.org cat app.dump | evidence examine -\n\n\
        Exit code: 0 good, 1 bad, 3 not a known kind or not established.")]
    Examine(Examine),
    /// Show everything that a collection would read, ask or run, without doing any of it.
    #[command(after_help = "Example:\n  evidence plan g6        # then: evidence collect g6 --plan-sha256 DIGEST")]
    Plan(Plan),
    /// Carry out the plan: a sealed run of masked facts.
    #[command(after_help = "Example:\n  evidence collect g6 --require-sandbox")]
    Collect(Collect),
    /// Run the case's one governed action between two looks: never after a hard stop, never twice.
    #[command(after_help = "Examples:\n  evidence plan g6          # shows the command word by word, and a digest\n  \
        evidence run g6 --plan-sha256 DIGEST\n\n\
        Exit code: that of the verdict; 4 when a hard stop fired and the action was not started.")]
    Run(Run),
    /// Judge a run by its policy.
    #[command(after_help = "Examples:\n  evidence check g6\n  evidence check reports/g6/runs/20260515T102350Z --json")]
    Check(Check),
    /// List the runs that were interrupted, and remove them.
    #[command(
        after_help = "Examples:\n  evidence prune           # lists them, for every case\n  evidence prune g6 --force\n\n\
        A sealed run is never removed, nor one in which the controlled change was started."
    )]
    Prune(Prune),
    /// What differs between two runs: facts path by path, and how the policy's items came out.
    #[command(after_help = "Examples:\n  evidence diff g6                      # its last two runs\n  \
        evidence diff g6/20260515T102350Z g6/20260516T081500Z --json\n\n\
        Exit code: 0 no difference, 1 differences, 5 a run is damaged.")]
    Diff(Diff),
    /// Where all cases stand: what is closed, what blocks what, what went stale.
    #[command(after_help = "Examples:\n  evidence status\n  evidence status --format svg > status.svg\n\n\
        Exit code: 0 every case that another one requires is closed, 3 one is not, 5 a run does not verify.")]
    Status(Status),
    /// Write the record of a run.
    #[command(after_help = "Examples:\n  evidence render hb-08\n  evidence render hb-08 --output -")]
    Render(Render),
    /// Verify a record or run: the bag, the anchors, the verdict, the prose, the signature.
    #[command(
        after_help = "Examples:\n  evidence verify reports/g6/record.md\n  evidence verify g6 --require-signature"
    )]
    Verify(Verify),
    /// Sign a run and its record for a seat of the case, with an SSH key.
    #[command(after_help = "Examples:\n  evidence sign hb-08 --seat verifier --key ~/.ssh/id_ed25519\n  \
        evidence sign hb-08 --seat verifier --key ~/.ssh/id_ed25519.pub     # the private part is in an agent\n  \
        evidence sign hb-08 --seat verifier --key ~/.ssh/id_ed25519 --allow # prints a line for allowed_signers\n  \
        evidence sign hb-08 --seat owner --key KEY --answers C-5 --says 'Seen by me.' # answers an item after the run\n\n\
        Anybody verifies it with `ssh-keygen -Y verify`; the exact command is printed.")]
    Sign(Sign),
    /// Say the verdict for machines: an in-toto test-result in a DSSE envelope, signed for a seat.
    #[command(after_help = "Example:\n  evidence sign hb-08 --seat verifier --key ~/.ssh/id_ed25519\n  \
        evidence attest hb-08 --seat verifier --key ~/.ssh/id_ed25519\n\n\
        Takes Ed25519 keys: a file without a passphrase, or the public part of one in an agent.")]
    Attest(Attest),
    /// Keep a timestamp (RFC 3161) of a run or of a signature, and write the question for one.
    #[command(
        after_help = "Examples:\n  evidence timestamp hb-08 --query hb-08.tsq      # send it to an authority\n  \
        evidence timestamp hb-08 --token hb-08.tsr      # keep the answer\n  \
        evidence timestamp hb-08 --seat verifier --token verifier.tsr\n  \
        evidence verify hb-08 --tsa-ca authority.pem"
    )]
    Timestamp(Timestamp),
    /// Find secrets before they leave: in files, folders, archives, standard input, a git change.
    #[command(
        after_help = "Examples:\n  evidence scan\n  evidence scan --staged\n  evidence scan --format sarif src > scan.sarif\n\n\
        Exit code: 0 clean, 1 findings, 2 something could not be scanned."
    )]
    Scan(Scan),
    /// Replace every secret by a label, and nothing else.
    #[command(
        after_help = "Examples:\n  journalctl -u app | evidence mask - > app.log\n  evidence mask app.log --in-place"
    )]
    Mask(Mask),
    /// List, show or check the rules that secrets are found by.
    #[command(
        after_help = "Examples:\n  evidence rules list\n  evidence rules show github-token\n  evidence rules check --rules ours.yaml"
    )]
    Rules(Rules),
    /// Print the JSON Schema of cases or policies, for editors.
    #[command(after_help = "Example:\n  evidence schema case > .vscode/case.schema.json")]
    Schema(Schema),
    /// Explain a collector, an operator, an exit code, a policy or a template.
    #[command(
        after_help = "Examples:\n  evidence explain backup\n  evidence explain younger_than\n  evidence explain 3"
    )]
    Explain(Explain),
    /// Print the completions for a shell.
    #[command(after_help = "Example:\n  evidence completions bash > /etc/bash_completion.d/evidence")]
    Completions(Completions),
}

/// `evidence demo`.
#[derive(Args)]
pub struct Demo {
    /// The folder to make; it must not exist or be empty.
    #[arg(default_value = "evidence-demo")]
    pub folder: PathBuf,
    /// The folder of PostgreSQL's `initdb` and `postgres`, when it is none of the usual ones.
    #[arg(long, value_name = "DIR")]
    pub server_binaries: Option<PathBuf>,
}

/// `evidence init`.
#[derive(Args)]
pub struct Init {
    /// The new case's name: lower-case letters, digits, `-`.
    pub case: String,
    /// What kind of case it is.
    #[arg(long, value_name = "KIND", default_value = "incident")]
    pub from: Kind,
}

/// The kinds of case that `init` knows.
#[derive(Clone, Copy, ValueEnum)]
pub enum Kind {
    /// A blocker to be closed.
    Closure,
    /// One backup job: is its newest file intact, fresh and complete.
    Backup,
    /// Something broke.
    Incident,
    /// Something was done and must be verified.
    Verification,
    /// Something is to be made safer.
    Hardening,
    /// A blocker to be closed by a restore into a server of its own.
    RestoreTest,
    /// A backup made after an execution, verified with a drill and with production before and after.
    PostExecution,
}

/// `evidence examine`.
#[derive(Args)]
pub struct Examine {
    /// Backup files; `-` reads standard input.
    #[arg(required = true, value_name = "PATH|-")]
    pub paths: Vec<PathBuf>,
    /// Also compute SHA-256 of the decompressed payload, raw and without `\restrict` tokens.
    #[arg(long)]
    pub payload_digest: bool,
    /// Stop after this much decompressed payload, e.g. `500 GB`.
    #[arg(long, value_name = "SIZE", default_value = "10 TB")]
    pub expansion_limit: String,
    /// Stop after this long, e.g. `30m`.
    #[arg(long, value_name = "TIME", default_value = "12h")]
    pub time_limit: String,
}

/// `evidence plan`.
#[derive(Args)]
pub struct Plan {
    /// The case's name, or its folder.
    pub case: String,
    /// Print every statement and command whole, over several lines.
    #[arg(long)]
    pub full: bool,
}

/// `evidence collect`.
#[derive(Args)]
pub struct Collect {
    /// The case's name, or its folder.
    pub case: String,
    /// Refuse any other plan than the one with this SHA-256.
    #[arg(long, value_name = "DIGEST")]
    pub plan_sha256: Option<String>,
    /// What the kernel has to enforce.
    #[command(flatten)]
    pub limits: KernelLimits,
}

/// `evidence run`.
#[derive(Args)]
pub struct Run {
    /// The case's name, or its folder.
    pub case: String,
    /// Refuse any other plan than the one with this SHA-256.
    #[arg(long, value_name = "DIGEST")]
    pub plan_sha256: Option<String>,
    /// What the kernel has to enforce.
    #[command(flatten)]
    pub limits: KernelLimits,
}

/// What the kernel has to enforce while a case is collected.
#[derive(Args)]
pub struct KernelLimits {
    /// Refuse to run unless the kernel fully enforces that the collectors change nothing.
    #[arg(long)]
    pub require_sandbox: bool,
    /// Restore a dump although this kernel cannot confine its server: a hostile dump can then do all that the server's user may do.
    #[arg(long)]
    pub allow_unconfined: bool,
}

impl KernelLimits {
    /// The same, for a run.
    #[must_use]
    pub fn of(&self) -> super::pipeline::Limits {
        super::pipeline::Limits { require_sandbox: self.require_sandbox, allow_unconfined: self.allow_unconfined }
    }
}

/// `evidence check`.
#[derive(Args)]
pub struct Check {
    /// The case (its newest sealed run), `CASE/RUN`, or a run's folder.
    #[arg(value_name = "CASE|RUN")]
    pub run: String,
    /// Not established (exit code 3) unless the case counts as closed: judged, signed, waivers in force, and all that it requires closed.
    #[arg(long)]
    pub require_closed: bool,
    /// Who may sign: an allowed-signers file of `ssh-keygen`. Without it: `allowed_signers` in the root.
    #[arg(long, value_name = "FILE")]
    pub allowed_signers: Option<PathBuf>,
}

/// `evidence prune`.
#[derive(Args)]
pub struct Prune {
    /// The cases, by name or folder. Without one: every case of the root.
    #[arg(value_name = "CASE")]
    pub cases: Vec<String>,
    /// Remove what is listed. Without it, nothing is removed.
    #[arg(long)]
    pub force: bool,
}

/// `evidence diff`.
#[derive(Args)]
pub struct Diff {
    /// Two runs, the earlier one first: `CASE/RUN`, a run's folder, or a case (its newest run). One
    /// case alone means its last two runs.
    #[arg(required = true, num_args = 1..=2, value_name = "CASE|RUN")]
    pub runs: Vec<String>,
}

/// `evidence status`.
#[derive(Args)]
pub struct Status {
    /// How to print it.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: StatusFormat,
    /// Judge ages as of this instant (RFC 3339); without it: now.
    #[arg(long, value_name = "INSTANT")]
    pub as_of: Option<String>,
}

/// Formats of a status.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum StatusFormat {
    Text,
    Json,
    Mermaid,
    Svg,
}

/// `evidence render`.
#[derive(Args)]
pub struct Render {
    /// The case (its newest sealed run), `CASE/RUN`, or a run's folder.
    #[arg(value_name = "CASE|RUN")]
    pub run: String,
    /// Where to write; `-` is standard output. Without it: `record.md` in the case's folder.
    #[arg(long, short, value_name = "FILE|-")]
    pub output: Option<PathBuf>,
    /// Replace an output file that exists already.
    #[arg(long)]
    pub force: bool,
}

/// `evidence verify`.
#[derive(Args)]
pub struct Verify {
    /// A record, the case (its newest sealed run), `CASE/RUN`, or a run's folder.
    #[arg(value_name = "RECORD|CASE|RUN")]
    pub subject: String,
    /// Not established (exit code 3) unless a known signer signed it.
    #[arg(long)]
    pub require_signature: bool,
    /// Who may sign: an allowed-signers file of `ssh-keygen`. Without it: `allowed_signers` in the root.
    #[arg(long, value_name = "FILE")]
    pub allowed_signers: Option<PathBuf>,
    /// Which time-stamping authorities count: certificates, PEM. Without it: `tsa-ca.pem` in the root.
    #[arg(long, value_name = "FILE")]
    pub tsa_ca: Option<PathBuf>,
    /// Not established (exit code 3) unless the case counts as closed: judged, signed, waivers in force, and all that it requires closed.
    #[arg(long)]
    pub require_closed: bool,
}

/// `evidence sign`.
#[derive(Args)]
pub struct Sign {
    /// The case (its newest run), `CASE/RUN`, or a run's folder.
    #[arg(value_name = "CASE|RUN")]
    pub run: String,
    /// The seat that signs; the case says who sits there.
    #[arg(long, visible_alias = "as")]
    pub seat: String,
    /// The SSH key: a private one, or the public part of one that an agent holds.
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,
    /// State under the signature that this checklist item holds; the policy asks the seat, and the run left it UNKNOWN.
    #[arg(long, value_name = "ITEM", requires = "says", conflicts_with = "allow")]
    pub answers: Vec<String>,
    /// What the seat states about the item; once for each `--answers`, in the same order.
    #[arg(long, value_name = "TEXT", requires = "answers")]
    pub says: Vec<String>,
    /// Whether the answered items hold: `true` or `false`.
    #[arg(long, value_name = "BOOL", default_value = "true", action = clap::ArgAction::Set, requires = "answers")]
    pub holds: bool,
    /// Sign nothing; print the line of an allowed-signers file that lets this key sign as who sits there.
    #[arg(long)]
    pub allow: bool,
    /// Replace the seat's signature, and with it its attestation and timestamp.
    #[arg(long)]
    pub replace: bool,
    /// Who may sign, for what is printed afterwards. Without it: `allowed_signers` in the root.
    #[arg(long, value_name = "FILE")]
    pub allowed_signers: Option<PathBuf>,
}

/// `evidence attest`.
#[derive(Args)]
pub struct Attest {
    /// The case (its newest run), `CASE/RUN`, or a run's folder.
    #[arg(value_name = "CASE|RUN")]
    pub run: String,
    /// The seat; it must have signed with the same key.
    #[arg(long)]
    pub seat: String,
    /// The Ed25519 key: a private one, or the public part of one that an agent holds.
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,
    /// Replace the seat's attestation.
    #[arg(long)]
    pub replace: bool,
}

/// `evidence timestamp`.
#[derive(Args)]
#[command(group(clap::ArgGroup::new("what").required(true).args(["query", "token"])))]
pub struct Timestamp {
    /// The case (its newest run), `CASE/RUN`, or a run's folder.
    #[arg(value_name = "CASE|RUN")]
    pub run: String,
    /// Of this seat's signature; without it: of the bundle.
    #[arg(long)]
    pub seat: Option<String>,
    /// Write the question for an authority (DER).
    #[arg(long, value_name = "FILE")]
    pub query: Option<PathBuf>,
    /// Replace a query file that exists already.
    #[arg(long)]
    pub force: bool,
    /// Keep the answer of the authority (DER).
    #[arg(long, value_name = "FILE")]
    pub token: Option<PathBuf>,
    /// Replace the token that is there.
    #[arg(long)]
    pub replace: bool,
}

/// `evidence schema`.
#[derive(Args)]
pub struct Schema {
    /// Of what.
    pub of: SchemaOf,
}

/// What has a schema.
#[derive(Clone, Copy, ValueEnum)]
pub enum SchemaOf {
    /// `case.yaml`.
    Case,
    /// `policies/*.yaml`.
    Policy,
}

/// `evidence explain`.
#[derive(Args)]
pub struct Explain {
    /// A collector, operator, exit code, policy or template; `collectors`, `operators` or
    /// `exit-codes` print the whole chapter.
    pub name: String,
}

/// `evidence completions`.
#[derive(Args)]
pub struct Completions {
    /// The shell.
    pub shell: clap_complete::Shell,
}

/// `evidence scan`.
#[derive(Args)]
pub struct Scan {
    /// Files and folders; `-` reads standard input.
    #[arg(value_name = "PATH|-", default_value = ".")]
    pub paths: Vec<PathBuf>,
    /// How to print what was found.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: ScanFormat,
    /// Only the lines that the next commit would add.
    #[arg(long, conflicts_with_all = ["since", "history"])]
    pub staged: bool,
    /// Only the lines that were added since a revision, committed or not.
    #[arg(long, value_name = "REV", conflicts_with = "history")]
    pub since: Option<String>,
    /// The lines that any commit of any branch added.
    #[arg(long)]
    pub history: bool,
    /// Do not report what this file knows.
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,
    /// Write a baseline of everything that is found now; exit code 0.
    #[arg(long, value_name = "FILE", conflicts_with = "baseline")]
    pub write_baseline: Option<PathBuf>,
    /// Replace a baseline that exists already.
    #[arg(long)]
    pub force: bool,
    /// The key of the baseline. Without it: the baseline's name with `.key` behind it.
    #[arg(long, value_name = "FILE")]
    pub baseline_key: Option<PathBuf>,
    /// Settings. Without it: `.evidence/scan.yaml`, if there is one.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Leave out paths that match this pattern, e.g. `**/fixtures/**`.
    #[arg(long, value_name = "GLOB")]
    pub exclude: Vec<String>,
    /// Which rules.
    #[command(flatten)]
    pub choice: Choice,
    /// Report findings from this confidence on.
    #[arg(long, value_name = "LEVEL")]
    pub min_confidence: Option<Level>,
    /// Tell on standard error how much was scanned and how fast.
    #[arg(long)]
    pub stats: bool,
    /// Show this many characters of each masked line.
    #[arg(long, value_name = "N", default_value = "0")]
    pub show: usize,
}

/// Which rules.
#[derive(Args)]
pub struct Choice {
    /// Further rules: a file of ours in YAML, or one for gitleaks in TOML.
    #[arg(long, value_name = "FILE")]
    pub rules: Vec<PathBuf>,
    /// Only this rule.
    #[arg(long, value_name = "RULE")]
    pub only: Vec<String>,
    /// Not this rule.
    #[arg(long, value_name = "RULE")]
    pub skip: Vec<String>,
}

/// Formats of findings.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ScanFormat {
    Text,
    Json,
    Jsonl,
    Sarif,
    Junit,
    Github,
    Csv,
}

/// Levels of confidence.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Level {
    Low,
    Medium,
    High,
}

/// `evidence mask`.
#[derive(Args)]
pub struct Mask {
    /// A file, or `-` for standard input.
    #[arg(value_name = "PATH|-", default_value = "-")]
    pub path: PathBuf,
    /// Where to write; `-`, or without it: standard output.
    #[arg(long, short, value_name = "FILE|-", conflicts_with = "in_place")]
    pub output: Option<PathBuf>,
    /// Replace the file at once, mode and owner kept.
    #[arg(long)]
    pub in_place: bool,
    /// Write which labels stand where, never the secrets (0600).
    #[arg(long, value_name = "FILE")]
    pub map: Option<PathBuf>,
    /// Replace an output file that exists already.
    #[arg(long)]
    pub force: bool,
    /// Which rules.
    #[command(flatten)]
    pub choice: Choice,
}

/// `evidence rules`.
#[derive(Args)]
pub struct Rules {
    /// What to do.
    #[command(subcommand)]
    pub action: RulesAction,
}

/// What `evidence rules` can do.
#[derive(Subcommand)]
pub enum RulesAction {
    /// Print every rule: id, confidence, what it finds.
    List(Choice),
    /// Print all there is to say about a rule.
    Show {
        /// The rule's id.
        rule: String,
        /// Which rules.
        #[command(flatten)]
        choice: Choice,
    },
    /// Run every rule against its own examples, and lint how it is written.
    Check(Choice),
}
