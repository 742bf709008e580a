//! The command line, as people type it. Its `--help` teaches.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Runs integration flows that are written as YAML.
///
/// A flow is a file: a trigger, then extract, transform, decision, action and writeback nodes. `validate` checks flows the
/// way a compiler checks a program, `exec` runs them durably: nothing lost, nothing done twice.
#[derive(Debug, Parser)]
#[command(name = "flowrun", version, max_term_width = 100, after_help = after_help(), arg_required_else_help = true)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub command: Command,
    #[command(flatten)]
    pub common: Common,
}

fn after_help() -> String {
    format!("Exit codes:\n{}\nStart with `flowrun demo`.", super::exit::Exit::table())
}

/// What every command understands.
#[derive(Clone, Debug, Args)]
pub(super) struct Common {
    /// How results are written: for people, or as JSON on standard output.
    #[arg(long, global = true, value_enum, default_value_t = Format::Human)]
    pub format: Format,
    /// No colours (also: the environment variable `NO_COLOR`).
    #[arg(long, global = true)]
    pub no_color: bool,
    /// Where the journal lives [default: `.flowrun` beside `flowrun.yaml`].
    #[arg(long, global = true, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Which environment of the estate: its connections and tables.
    #[arg(long, global = true, value_name = "NAME", env = "FLOWRUN_ENV")]
    pub env: Option<String>,
}

/// How results are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people.
    Human,
    /// JSON on standard output.
    Json,
    /// SARIF 2.1.0 (validate).
    Sarif,
    /// GitHub annotations (validate).
    Github,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Check flows, tables, connectors and records: every problem of every file in one pass.
    Validate(Paths),
    /// Run flows as a service: listen, poll and fire until stopped; or one event now (`--event FILE`, `--key ID`).
    ///
    /// As a service it takes webhooks at `/hooks/{connection}`, polls, fires schedules, keeps the webhooks at the
    /// platforms registered, and obeys `flowrun letters retry|drop|settle`. Ctrl-C or SIGTERM lets runs that have begun
    /// finish, then it ends.
    Exec(Exec),
    /// Run a flow for what changed in an older window: the poll again, from `--since` on.
    ///
    /// The flow's own poll stays where it is. Runs that find nothing to do change nothing; it may be repeated. Beside a running
    /// service the events are handed to that.
    Backfill(Backfill),
    /// Run the cases beside the flows (`*.test.yaml`) against scripted systems, on a clock that jumps.
    Test(Test),
    /// Draw a flow: an overview in a few boxes, or every node with `--detail`.
    Graph(Graph),
    /// What ran: find it by the business key (`flowrun runs list --key 1042`).
    Runs(Runs),
    /// What failed and waits for somebody.
    Letters(Letters),
    /// Explain a problem code: `flowrun explain FR301`.
    Explain {
        /// The code, as `validate` prints it.
        code: String,
    },
    /// Print or write the JSON Schemas that editors use for completion.
    Schema {
        /// Write them into this folder instead of printing one object.
        #[arg(long, value_name = "DIR")]
        write: Option<PathBuf>,
    },
    /// Start local twins of both platforms, with a ledger of every call and faults on request.
    Sandbox(Sandbox),
    /// A day of trade on twins of both platforms: see flowrun do its main job while much goes wrong.
    Demo(Demo),
}

/// Files and folders.
#[derive(Debug, Args)]
pub(super) struct Paths {
    /// Flow files or folders [default: the estate around the current folder, or the shipped one].
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
}

/// `flowrun test`.
#[derive(Debug, Args)]
pub(super) struct Test {
    /// Test files, flow files or folders.
    #[command(flatten)]
    pub paths: Paths,
    /// Say which nodes and outcomes no case reaches.
    #[arg(long)]
    pub coverage: bool,
}

/// `flowrun exec`.
#[derive(Debug, Args)]
pub(super) struct Exec {
    /// Flows: files, folders or names [default: every flow of the estate]; with `--event` or `--key` one flow.
    #[arg(value_name = "PATH")]
    pub flows: Vec<String>,
    /// The event as JSON: a file, or `-` for standard input.
    #[arg(long, value_name = "FILE", conflicts_with = "key")]
    pub event: Option<PathBuf>,
    /// Make the event from a business key, for flows whose event is that one field.
    #[arg(long, value_name = "ID")]
    pub key: Option<String>,
    /// `FILE` is a raw webhook body: map it as the trigger's first webhook does.
    #[arg(long, requires = "event")]
    pub hook: bool,
    /// Read for real, write nothing: show each write as what it would change.
    #[arg(long)]
    pub dry_run: bool,
    /// Say only what somebody must look at.
    #[arg(long, short)]
    pub quiet: bool,
}

/// `flowrun backfill`.
#[derive(Debug, Args)]
pub(super) struct Backfill {
    /// The flow: a file, or its name in the estate.
    pub flow: String,
    /// From when on: 2026-11-01, or 2026-11-01T08:00:00Z.
    #[arg(long, value_name = "INSTANT")]
    pub since: String,
    /// Up to when [default: now].
    #[arg(long, value_name = "INSTANT")]
    pub until: Option<String>,
}

/// `flowrun graph`.
#[derive(Debug, Args)]
pub(super) struct Graph {
    /// The flow: a file, or its name in the estate.
    pub flow: String,
    /// A box for every node and an arrow for whatever leads from one to another, instead of the overview.
    #[arg(long)]
    pub detail: bool,
    /// The drawing's language [default: by the file's ending, else mermaid].
    #[arg(long = "as", value_enum)]
    pub drawing: Option<Drawing>,
    /// Write to this file instead of standard output.
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

impl Graph {
    /// The drawing's language: as asked for, or as the file's name ends.
    pub(super) fn language(&self) -> Drawing {
        let ending = self.output.as_ref().and_then(|file| file.extension()?.to_str());
        self.drawing.unwrap_or(match ending {
            Some("svg") => Drawing::Svg,
            Some("dot" | "gv") => Drawing::Dot,
            Some("txt") => Drawing::Text,
            _ => Drawing::Mermaid,
        })
    }
}

/// Languages of drawings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Drawing {
    /// Mermaid, for Markdown.
    Mermaid,
    /// SVG, for a browser.
    Svg,
    /// Graphviz.
    Dot,
    /// Plain words, for a terminal.
    Text,
}

/// `flowrun runs`.
#[derive(Debug, Args)]
pub(super) struct Runs {
    #[command(subcommand)]
    pub what: RunsCommand,
}

/// What to do with runs.
#[derive(Debug, Subcommand)]
pub(super) enum RunsCommand {
    /// The newest runs, those that are not over too.
    List {
        /// Only runs of this flow.
        #[arg(long)]
        flow: Option<String>,
        /// Only runs about this business key, such as an order number.
        #[arg(long)]
        key: Option<String>,
        /// Only runs that stand like this.
        #[arg(long, value_enum)]
        state: Option<Standing>,
        /// How many.
        #[arg(long, default_value_t = 20)]
        limit: usize,
    },
    /// One run, node by node.
    Show {
        /// The run's number, as `list` prints it, or a business key.
        run: String,
        #[command(flatten)]
        reveal: Reveal,
    },
}

/// How a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Standing {
    /// Not over: waiting, running, rejected, parked, letter.
    Open,
    /// Over and well: ok, unchanged, ignored.
    Done,
    /// Waits for its turn.
    Waiting,
    /// Is under way.
    Running,
    /// A decision rejected it; it comes back by itself.
    Rejected,
    /// Goes on by itself at an instant.
    Parked,
    /// A dead letter: waits for somebody.
    Letter,
    /// Did all it had to.
    Ok,
    /// Found nothing changed and sent nothing.
    Unchanged,
    /// A decision ended it well.
    Ignored,
    /// A newer event took over.
    Superseded,
    /// Another run goes on with it.
    Continued,
    /// Somebody dropped it.
    Dropped,
}

impl Standing {
    /// Whether a run that stands like this is meant.
    pub(super) fn means(self, state: &str) -> bool {
        match self {
            Self::Open => ["waiting", "running", "rejected", "parked", "letter"].contains(&state),
            Self::Done => ["ok", "unchanged", "ignored"].contains(&state),
            one => one.to_possible_value().is_some_and(|value| value.get_name() == state),
        }
    }
}

/// Whether personal data is shown.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct Reveal {
    /// Show personal data too: names, addresses, e-mail.
    #[arg(long)]
    pub reveal: bool,
}

/// `flowrun letters`.
#[derive(Debug, Args)]
pub(super) struct Letters {
    #[command(subcommand)]
    pub what: LettersCommand,
}

/// What to do with dead letters.
#[derive(Debug, Subcommand)]
pub(super) enum LettersCommand {
    /// The runs that are parked, and why.
    List {
        /// Only letters about this business key.
        #[arg(long)]
        key: Option<String>,
    },
    /// One letter: why, what was sent and answered, what can be done.
    Show {
        /// The run's number or a business key.
        run: String,
        #[command(flatten)]
        reveal: Reveal,
    },
    /// Let it go on, with the newest version of the flow and its tables.
    Retry {
        /// The run's number or a business key.
        run: String,
        /// Send anew what was done already, also what may not be repeated.
        #[arg(long)]
        again: bool,
        #[command(flatten)]
        why: Why,
    },
    /// Let it go on with another event; without `--event`, print the event as it is.
    Edit {
        /// The run's number or a business key.
        run: String,
        /// The event as JSON: a file, or `-` for standard input.
        #[arg(long, value_name = "FILE")]
        event: Option<PathBuf>,
        #[command(flatten)]
        why: Why,
    },
    /// Give it up; who did it and why stays in the journal.
    Drop {
        /// The run's number or a business key.
        run: String,
        #[command(flatten)]
        why: Why,
    },
    /// Settle a write that is in doubt.
    Settle {
        /// The run's number or a business key.
        run: String,
        /// The node whose write is in doubt.
        #[arg(long)]
        node: String,
        /// Which element, for a node with `each`.
        #[arg(long)]
        element: Option<String>,
        /// It happened, and this is the record's id.
        #[arg(long, value_name = "ID", conflicts_with = "absent", required_unless_present = "absent")]
        landed: Option<String>,
        /// It did not happen.
        #[arg(long)]
        absent: bool,
        #[command(flatten)]
        why: Why,
    },
    /// What was asked of the engine, by whom, and what became of it: the newest first.
    Requests {
        /// How many.
        #[arg(long, default_value_t = 20)]
        limit: usize,
    },
}

/// A reason that stays in the journal.
#[derive(Clone, Debug, Args)]
pub(super) struct Why {
    /// Why, for those who look later.
    #[arg(long, value_name = "TEXT")]
    pub why: Option<String>,
}

/// The port of the store's twin, as the shipped estate's `url` says it.
pub(super) const DEFAULT_PORT: u16 = 8810;

/// `flowrun sandbox`.
#[derive(Debug, Args)]
pub(super) struct Sandbox {
    /// The number everything random is drawn from.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// How much faster than real time its clock runs.
    #[arg(long, default_value_t = 1)]
    pub speed: u32,
    /// The port of `BigCommerce`; `NetSuite` is ten above, the administration twenty; 0 takes free ones.
    #[arg(long, default_value_t = DEFAULT_PORT)]
    pub port: u16,
    /// How many orders the store has at the start.
    #[arg(long, default_value_t = 20)]
    pub orders: u32,
    /// The store's plan: 150 calls in 30 seconds, 450, or as many as one likes.
    #[arg(long, value_enum, default_value_t = Plan::Plus)]
    pub plan: Plan,
    /// Write the secrets that the shipped estate names to this file, for a shell to read.
    #[arg(long, value_name = "FILE")]
    pub env_file: Option<PathBuf>,
    /// Deliver webhooks to loopback addresses over plain HTTP.
    #[arg(long)]
    pub allow_loopback_hooks: bool,
    /// Serve HTTPS with a certificate that is written to this file.
    #[arg(long, value_name = "FILE")]
    pub tls: Option<PathBuf>,
    /// Keep the state in this folder.
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
}

/// How many calls the store's plan allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Plan {
    /// 150 in 30 seconds.
    Plus,
    /// 450 in 30 seconds.
    Pro,
    /// No quota.
    Unlimited,
}

/// `flowrun demo`.
#[derive(Debug, Args)]
pub(super) struct Demo {
    /// How many orders are placed.
    #[arg(long, default_value_t = 300)]
    pub orders: u32,
    /// The number everything random is drawn from.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// How much faster than real time the platforms' clock runs; the flows' waits are divided by it.
    #[arg(long, default_value_t = 1440, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub speed: u32,
    /// No progress while it runs.
    #[arg(long, short)]
    pub quiet: bool,
}
