//! The log: what no report tells, for whoever looks for a fault. In: `RUST_LOG`, which says how much. Out: lines on standard
//! error. Only flowrun's own lines: libraries log what they send.

use tracing_subscriber::{
    EnvFilter, Layer as _, filter::filter_fn, fmt, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

use super::args::Format;

/// Starts the log; without `RUST_LOG` warnings and errors are told.
pub(super) fn start(format: Format, color: bool) {
    let much = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    let own = filter_fn(|what| what.target().starts_with("flowrun"));
    let lines = fmt::layer().with_writer(std::io::stderr).with_ansi(color);
    let lines = if format == Format::Json { lines.json().boxed() } else { lines.boxed() };
    // An error says that somebody else in the process logs already.
    drop(tracing_subscriber::registry().with(much).with(lines.with_filter(own)).try_init());
}
