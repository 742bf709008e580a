//! Problems drawn over the lines they point at. In: problems and the files. Out: text for people. The only place that
//! knows miette; it must never show a secret (see [`super::hide`]).

use std::{collections::BTreeMap, fmt, ops::Range, sync::Arc};

use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceSpan};

use super::{Label, Problem, Severity, hide};
use crate::source::Sources;

/// How to draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Colours of the terminal.
    pub color: bool,
    /// Columns to keep within.
    pub width: usize,
}

impl Style {
    /// What goes into files and pipes: no colours, 80 columns.
    pub const PLAIN: Self = Self { color: false, width: 80 };
}

/// Draws every problem, each followed by an empty line.
pub fn draw(problems: &[Problem], sources: &Sources, style: Style) -> String {
    let theme = if style.color { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler = GraphicalReportHandler::new_themed(theme)
        .with_width(style.width)
        .with_context_lines(1)
        .with_links(false)
        .with_break_words(false)
        .without_syntax_highlighting();
    let texts = texts(problems, sources);
    let mut drawn = String::new();
    for problem in problems.iter().take(MOST) {
        let mut one = String::new();
        if on_a_long_line(problem, sources) {
            one = in_words(problem, sources);
        } else if handler.render_report(&mut one, &Drawing::new(problem, &texts)).is_err() {
            one = format!("{}: {}\n", problem.code, problem.message);
        }
        for line in one.lines() {
            drawn.push_str(line.trim_end());
            drawn.push('\n');
        }
        drawn.push('\n');
    }
    if problems.len() > MOST {
        drawn.push_str(&format!("and {} more: mend these first\n\n", problems.len() - MOST));
    }
    drawn
}

/// Problems that are drawn at the most: nobody reads more, and a broken file can have thousands.
const MOST: usize = 100;
/// A line longer than this is not drawn: it would be repeated for every problem on it.
const LONGEST: usize = 1000;

/// Whether a line that would be drawn is too long: those of the place, the one above and the one below.
fn on_a_long_line(problem: &Problem, sources: &Sources) -> bool {
    problem.labels.iter().any(|label| {
        let Some(source) = sources.get(label.span.file) else { return false };
        let bytes = source.text.as_bytes();
        let (start, end) = (label.span.start as usize, label.span.end as usize);
        let before = &bytes[..start.min(bytes.len())];
        let behind = &bytes[end.min(bytes.len())..];
        let wide = end.saturating_sub(start) > 2 * LONGEST;
        wide || is_long(before.iter().rev(), before.len()) || is_long(behind.iter(), behind.len())
    })
}

/// Whether the second line break, or the end, is farther than two long lines.
fn is_long<'b>(bytes: impl Iterator<Item = &'b u8>, length: usize) -> bool {
    let breaks = bytes.take(2 * LONGEST).filter(|byte| **byte == b'\n').count();
    breaks < 2 && length > 2 * LONGEST
}

fn in_words(problem: &Problem, sources: &Sources) -> String {
    let mut told = format!("{}\n\n  x {}\n", problem.code, clipped(&problem.message));
    for label in &problem.labels {
        let (line, column) = sources.line_column(label.span.file, label.span.start);
        let name = sources.get(label.span.file).map_or("", |source| &*source.name);
        told.push_str(&format!("    {name}:{line}:{column} {}\n", label.text));
    }
    if let Some(help) = &problem.help {
        told.push_str(&format!("  help: {}\n", clipped(help)));
    }
    told
}

fn clipped(text: &str) -> String {
    if text.chars().count() > LONGEST {
        text.chars().take(LONGEST).chain("...".chars()).collect()
    } else {
        text.into()
    }
}

type Texts = BTreeMap<u32, NamedSource<Arc<str>>>;

/// The texts of the files that problems point at, secrets starred out.
fn texts(problems: &[Problem], sources: &Sources) -> Texts {
    let mut secret: BTreeMap<u32, Vec<Range<usize>>> = BTreeMap::new();
    for problem in problems {
        for Label { span, .. } in &problem.labels {
            secret.entry(span.file).or_default();
        }
        for span in &problem.hidden {
            secret.entry(span.file).or_default().push(span.start as usize..span.end as usize);
        }
    }
    let text = |(file, places): (u32, Vec<Range<usize>>)| {
        let source = sources.get(file)?;
        let text: Arc<str> = hide::hidden(&source.text, &places).into();
        Some((file, NamedSource::new(&*source.name, text)))
    };
    secret.into_iter().filter_map(text).collect()
}

/// One problem, or what it says of another file, as miette wants it.
#[derive(Debug)]
struct Drawing<'a> {
    message: &'a str,
    code: Option<&'a str>,
    severity: Severity,
    help: Option<&'a str>,
    source: Option<&'a NamedSource<Arc<str>>>,
    labels: Vec<LabeledSpan>,
    elsewhere: Vec<Drawing<'a>>,
}

impl<'a> Drawing<'a> {
    fn new(problem: &'a Problem, texts: &'a Texts) -> Self {
        let file = problem.labels.first().map(|label| label.span.file);
        let (here, there): (Vec<_>, Vec<_>) =
            problem.labels.iter().partition(|label| Some(label.span.file) == file);
        let source = file.and_then(|file| texts.get(&file));
        let elsewhere = there.into_iter().map(|label| Self {
            message: "see also",
            code: None,
            severity: problem.severity,
            help: None,
            source: texts.get(&label.span.file),
            labels: labels(&[label], texts.get(&label.span.file)),
            elsewhere: Vec::new(),
        });
        Self {
            message: &problem.message,
            code: Some(problem.code),
            severity: problem.severity,
            help: problem.help.as_deref(),
            source,
            labels: labels(&here, source),
            elsewhere: elsewhere.collect(),
        }
    }
}

fn labels(labels: &[&Label], source: Option<&NamedSource<Arc<str>>>) -> Vec<LabeledSpan> {
    let Some(text) = source.map(NamedSource::inner) else { return Vec::new() };
    let span = |label: &Label| {
        let start = text.floor_char_boundary(label.span.start as usize);
        let end = text.ceil_char_boundary(label.span.end as usize).max(start);
        SourceSpan::from(start..end)
    };
    let words = |label: &Label| (!label.text.is_empty()).then(|| label.text.clone());
    let first =
        labels.iter().take(1).map(|label| LabeledSpan::new_primary_with_span(words(label), span(label)));
    first
        .chain(labels.iter().skip(1).map(|label| LabeledSpan::new_with_span(words(label), span(label))))
        .collect()
}

impl fmt::Display for Drawing<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.message)
    }
}

impl std::error::Error for Drawing<'_> {}

impl miette::Diagnostic for Drawing<'_> {
    fn code<'b>(&'b self) -> Option<Box<dyn fmt::Display + 'b>> {
        self.code.map(|code| Box::new(code) as Box<dyn fmt::Display>)
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.severity {
            Severity::Warning => miette::Severity::Warning,
            Severity::Error => miette::Severity::Error,
        })
    }

    fn help<'b>(&'b self) -> Option<Box<dyn fmt::Display + 'b>> {
        self.help.map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        self.source.map(|source| source as &dyn miette::SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.labels.iter().cloned()))
    }

    fn related<'b>(&'b self) -> Option<Box<dyn Iterator<Item = &'b dyn miette::Diagnostic> + 'b>> {
        let related = self.elsewhere.iter().map(|drawing| drawing as &dyn miette::Diagnostic);
        (!self.elsewhere.is_empty()).then(|| Box::new(related) as Box<dyn Iterator<Item = _>>)
    }
}
