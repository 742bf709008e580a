//! Events of the YAML parser to a tree. In: text, and the places of unquoted expressions already told. Out: a tree and its
//! problems, or the place of one more unquoted expression. It must never know keys.

use std::{collections::HashMap, ops::Range, sync::Arc};

use granit_parser::{Event, Parser, ScalarStyle, Span as Place, StructureStyle};

use super::{
    Kind, MAX_DEPTH, MAX_SCALAR, Node, Plain, fault,
    places::{BLANK, Placed, Style},
    plain, quote,
};
use crate::{
    problem::{Problem, codes},
    source::{Name, Scalar, Span, Spanned},
};

/// What came of a file.
pub(super) enum Built {
    /// Problems, and a tree unless the text is no YAML.
    Tree(Vec<Problem>, Option<Node>),
    /// An expression without quotes; reading goes on once it is known.
    Unquoted(Range<usize>),
}

/// Builds the tree. `unquoted` places are read as if they had quotes.
pub(super) fn build(text: &str, file: u32, unquoted: &[Range<usize>]) -> Built {
    let masked = if unquoted.is_empty() { None } else { Some(quote::masked(text, unquoted)) };
    let scanned = masked.as_deref().unwrap_or(text);
    let options = granit_parser::options! {
        emit_comments: false,
        emit_anchor_events: true,
        emit_unresolved_aliases: true,
        disallow_directives: true,
        flow_nesting_limit: MAX_DEPTH + 1,
        block_nesting_limit: MAX_DEPTH + 1,
    };
    let mut builder = Builder::new(text, scanned, file, unquoted);
    let mut parser = Parser::new_from_str_with_options(scanned, options);
    while let Some(event) = parser.next_event() {
        let step = match event {
            Ok((event, place)) => builder.event(event, &place),
            Err(error) => builder.broken(&error),
        };
        match step {
            Step::On => {}
            Step::Stop => return Built::Tree(builder.problems, None),
            Step::Last => break,
            Step::Unquoted(place) => return Built::Unquoted(place),
        }
    }
    builder.end()
}

enum Step {
    On,
    Stop,
    Last,
    Unquoted(Range<usize>),
}

enum Frame {
    List { start: usize, flow: bool, items: Vec<Node> },
    Map { start: usize, flow: bool, entries: Vec<(Name, Node)>, first: HashMap<Arc<str>, Span>, key: Key },
}

/// The key whose value comes next.
enum Key {
    None,
    Good(Name),
    /// The entry is left out: its key was a problem.
    Bad,
}

struct Builder<'a> {
    text: &'a str,
    scanned: &'a str,
    file: u32,
    unquoted: &'a [Range<usize>],
    problems: Vec<Problem>,
    open: Vec<Frame>,
    root: Option<Node>,
    documents: usize,
    scalars: Vec<Range<usize>>,
}

impl<'a> Builder<'a> {
    fn new(text: &'a str, scanned: &'a str, file: u32, unquoted: &'a [Range<usize>]) -> Self {
        let (problems, open, scalars) = (Vec::new(), Vec::new(), Vec::new());
        Self { text, scanned, file, unquoted, problems, open, root: None, documents: 0, scalars }
    }

    fn span(&self, start: usize, end: usize) -> Span {
        Span { file: self.file, start: start as u32, end: end.max(start) as u32 }
    }

    fn problem(&mut self, code: &'static str, place: Range<usize>, message: &str, help: &str) {
        let problem = Problem::error(code, self.span(place.start, place.end), message);
        self.problems.push(problem.help(help));
    }

    fn event(&mut self, event: Event<'_>, place: &Place) -> Step {
        let range = place.byte_range().unwrap_or(0..0);
        if let Some(tag) = place.tag_span().and_then(|tag| tag.byte_range()) {
            let help = "leave it out: quote what is text, write numbers and true / false plainly";
            self.problem(codes::TAG, tag, "a tag: types are not declared here", help);
        }
        match event {
            Event::DocumentStart(..) if self.documents > 0 => {
                let help = "one file says one thing: move the rest into a file of its own";
                self.problem(codes::DOCUMENTS, range, "a second document begins here", help);
                return Step::Last;
            }
            Event::DocumentStart(..) => self.documents += 1,
            Event::Scalar(text, style, ..) => self.scalar(&text, style, range, place.indent),
            Event::SequenceStart(style, ..) => return self.start(style, range.start, true),
            Event::MappingStart(style, ..) => return self.start(style, range.start, false),
            Event::SequenceEnd | Event::MappingEnd => self.close(range.end),
            Event::Anchor(..) => self.copying(range, "an anchor"),
            Event::Alias(_) | Event::UnresolvedAlias(_) => {
                self.copying(range.clone(), "an alias");
                let span = self.span(range.start, range.end);
                self.put(Node { kind: Kind::Null, span });
            }
            _ => {}
        }
        Step::On
    }

    fn copying(&mut self, place: Range<usize>, what: &str) {
        let help =
            "write the value out; what flows share goes into a fragment or a table. If it is text, quote it";
        self.problem(codes::ALIAS, place, &format!("{what}: parts of a file are not copied"), help);
    }

    fn start(&mut self, style: StructureStyle, start: usize, list: bool) -> Step {
        if let Some(place) = quote::starting(self.scanned, start).filter(|_| !list) {
            return Step::Unquoted(place);
        }
        if self.open.len() >= MAX_DEPTH {
            let message = format!("lists and objects stand more than {MAX_DEPTH} deep within one another");
            self.problem(codes::LIMIT, start..start + 1, &message, "say it flatter");
            return Step::Stop;
        }
        let flow = style == StructureStyle::Flow;
        self.open.push(if list {
            Frame::List { start, flow, items: Vec::new() }
        } else {
            Frame::Map { start, flow, entries: Vec::new(), first: HashMap::new(), key: Key::None }
        });
        Step::On
    }

    fn close(&mut self, end: usize) {
        let last = |child: Option<&Node>, start: usize| child.map_or(start, |node| node.span.end as usize);
        let node = match self.open.pop() {
            None => return,
            Some(Frame::List { start, flow, items }) => {
                let end = if flow { end } else { last(items.last(), start) };
                Node { span: self.span(start, end), kind: Kind::List(items) }
            }
            Some(Frame::Map { start, flow, entries, .. }) => {
                let end = if flow { end } else { last(entries.last().map(|(_, node)| node), start) };
                Node { span: self.span(start, end), kind: Kind::Map(entries) }
            }
        };
        self.put(node);
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, mut range: Range<usize>, indent: Option<usize>) {
        let raw = &self.text[range.clone()];
        if !matches!(style, ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted) {
            range.end = range.start + raw.trim_end_matches(BLANK).len();
        }
        if text.len() > MAX_SCALAR {
            let message = format!("a text of {} bytes, at most {MAX_SCALAR} are read", text.len());
            self.problem(
                codes::LIMIT,
                range.start..range.start + 1,
                &message,
                "keep large data in a table or a file",
            );
            // in the place of the problem, so that nothing more is told there
            let span = self.span(range.start, range.start + 1);
            return self.put(Node { kind: Kind::Null, span });
        }
        let text = if style == ScalarStyle::Plain && range.is_empty() { "" } else { text };
        self.scalars.push(range.clone());
        let span = self.span(range.start, range.end);
        let quotes = self.unquoted.iter().any(|place| place.start < range.end && range.start < place.end);
        let plain = style == ScalarStyle::Plain && !quotes;
        let placed = if quotes {
            Placed::read(&self.text[range.clone()], range.start, Style::Plain)
        } else {
            self.placed(text, style, &range, indent)
        };
        if plain && !self.in_key() && plain::plain(&placed.text) == Plain::Null {
            return self.put(Node { kind: Kind::Null, span });
        }
        let runs = if placed.runs.is_empty() { vec![(0, span.start)] } else { placed.runs };
        let scalar = Scalar { text: placed.text.into(), span, plain, places: runs.into() };
        self.put(Node { kind: Kind::Scalar(scalar), span });
    }

    /// The text with its places. Should they not agree with what the parser read, the whole scalar is one place.
    fn placed(&self, text: &str, style: ScalarStyle, range: &Range<usize>, indent: Option<usize>) -> Placed {
        let (how, margin) = match style {
            ScalarStyle::Plain => (Style::Plain, 0),
            ScalarStyle::SingleQuoted => (Style::Single, 1),
            ScalarStyle::DoubleQuoted => (Style::Double, 1),
            ScalarStyle::Literal => (Style::Literal(indent.unwrap_or(0)), 0),
            ScalarStyle::Folded => (Style::Folded(indent.unwrap_or(0)), 0),
        };
        let inner = range.start + margin..range.end.saturating_sub(margin).max(range.start + margin);
        let constant = margin == 1 && !text.contains("{{");
        let placed = Placed::read(self.text.get(inner.clone()).unwrap_or(""), inner.start, how);
        let wanted = if constant { text } else { text.trim_matches(BLANK) };
        let placed = if constant { placed } else { placed.trimmed() };
        if placed.text == wanted {
            return placed;
        }
        if wanted.is_empty() {
            return Placed::default();
        }
        let runs = wanted.char_indices().map(|(offset, _)| (offset as u32, inner.start as u32)).collect();
        Placed { text: wanted.to_owned(), runs }
    }

    fn in_key(&self) -> bool {
        matches!(self.open.last(), Some(Frame::Map { key: Key::None, .. }))
    }

    fn put(&mut self, node: Node) {
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Frame::List { items, .. }) => items.push(node),
            Some(Frame::Map { entries, key, .. }) => match std::mem::replace(key, Key::None) {
                Key::None => {
                    let found = self.key(node);
                    if let Some(Frame::Map { key, .. }) = self.open.last_mut() {
                        *key = found;
                    }
                }
                Key::Good(name) => entries.push((name, node)),
                Key::Bad => {}
            },
        }
    }

    /// What stands in a key's place: text that the object does not have yet.
    fn key(&mut self, node: Node) -> Key {
        let Kind::Scalar(scalar) = node.kind else {
            let place = node.span.start as usize..node.span.end as usize;
            let help = "write `name: value`; if the key is text with signs in it, quote it";
            self.problem(codes::KIND, place, "the key of an object must be text", help);
            return Key::Bad;
        };
        if &*scalar.text == "<<" && scalar.plain {
            let place = scalar.span.start as usize..scalar.span.end as usize;
            self.copying(place, "a merge key");
            return Key::Bad;
        }
        if scalar.text.is_empty() {
            let place = scalar.span.start as usize..scalar.span.end as usize;
            self.problem(codes::EMPTY, place, "a key without a name", "write `name: value`");
            return Key::Bad;
        }
        let name = Spanned::new(scalar.text, scalar.span);
        let Some(Frame::Map { first, .. }) = self.open.last_mut() else { return Key::Bad };
        if let Some(earlier) = first.get(&name.value) {
            let message = format!("the key `{}` stands twice in one object", name.value);
            let problem = Problem::error(codes::DUPLICATE_KEY, name.span, message);
            let problem = problem.says("again here").also(*earlier, "first here");
            self.problems.push(problem.help("keep one of them, or give the other its own name"));
            return Key::Bad;
        }
        first.insert(name.value.clone(), name.span);
        Key::Good(name)
    }

    fn broken(&mut self, error: &granit_parser::ScanError) -> Step {
        let at = error.marker().byte_offset().unwrap_or(0);
        if let Some(place) = quote::before(self.scanned, at, &self.scalars) {
            return Step::Unquoted(place);
        }
        self.problems.push(fault::problem(self.text, self.file, at, error.kind()));
        Step::Stop
    }

    fn end(mut self) -> Built {
        let nothing = self.root.as_ref().is_none_or(|root| root.kind == Kind::Null);
        if nothing && self.problems.is_empty() {
            self.problem(
                codes::EMPTY,
                0..0,
                "the file is empty",
                "docs/language.md shows a file to begin with",
            );
        }
        Built::Tree(self.problems, if nothing { None } else { self.root })
    }
}
