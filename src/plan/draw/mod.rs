//! Drawings of a plan: an overview of a few boxes as one draws for a client, and the detail, a box a node. In: a [`Plan`].
//! Out: boxes and arrows, and their text in Mermaid, DOT, SVG and plain words. It must never know the file the plan came
//! from.

mod arrows;
mod detail;
mod dot;
mod layout;
mod mermaid;
mod overview;
mod plain;
mod shape;
mod svg;
mod text;

use crate::flow::Kind;

pub use self::{detail::detail, dot::dot, mermaid::mermaid, overview::overview, plain::plain, svg::svg};

/// Boxes and arrows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Drawing {
    /// What stands above it.
    pub title: String,
    /// Whether a box stands for several nodes, so that its rows are a list.
    pub is_overview: bool,
    /// From the trigger on, in reading order; exits follow what they leave.
    pub boxes: Vec<Block>,
    /// Between boxes.
    pub arrows: Vec<Arrow>,
}

/// A box.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Its name within the drawing: letters, digits and `_`.
    pub id: String,
    /// Decides shape and colour.
    pub look: Look,
    /// What it is called; one line or, if it is long, several.
    pub head: Vec<String>,
    /// What else stands in it.
    pub rows: Vec<Row>,
}

/// A line of a box, or several if it is long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// In an overview, the node it is about.
    pub name: Option<String>,
    /// What is said.
    pub told: Vec<String>,
}

/// What a box is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// Where events come from.
    Trigger,
    /// A node, or in an overview several of a kind.
    Node(Kind),
    /// `if:` of the node it leads to.
    Condition,
    /// The run ends well here.
    Ignored,
    /// The run becomes a dead letter here.
    Letter,
    /// Nothing more is done on this way.
    Nothing,
    /// What a child run gives back.
    Give,
}

impl Look {
    const ALL: [Self; 11] = [
        Self::Trigger,
        Self::Node(Kind::Extract),
        Self::Node(Kind::Transform),
        Self::Node(Kind::Decision),
        Self::Node(Kind::Action),
        Self::Node(Kind::Writeback),
        Self::Condition,
        Self::Ignored,
        Self::Letter,
        Self::Nothing,
        Self::Give,
    ];

    /// Whether the box ends a way that leaves the drawing's main course; it stands beside what it leaves.
    fn is_exit(self) -> bool {
        matches!(self, Self::Ignored | Self::Letter | Self::Nothing)
    }

    /// One word, for classes and legends.
    fn word(self) -> &'static str {
        match self {
            Self::Trigger => "trigger",
            Self::Node(kind) => kind.word(),
            Self::Condition => "condition",
            Self::Ignored => "ignored",
            Self::Letter => "letter",
            Self::Nothing => "nothing",
            Self::Give => "give",
        }
    }

    /// What it means, for the legend.
    fn meaning(self) -> &'static str {
        match self {
            Self::Trigger => "trigger: starts runs",
            Self::Node(Kind::Extract) => "extract: reads",
            Self::Node(Kind::Transform) => "transform: maps",
            Self::Node(Kind::Decision) => "decision: chooses",
            Self::Node(Kind::Action) => "action: writes",
            Self::Node(Kind::Writeback) => "writeback: writes to the source",
            Self::Condition => "condition of one node",
            Self::Ignored => "ends well",
            Self::Letter => "dead letter",
            Self::Nothing => "nothing more on this way",
            Self::Give => "what the run gives back",
        }
    }

    /// Fill and line; dark text stands on every fill.
    fn colours(self) -> (&'static str, &'static str) {
        match self {
            Self::Trigger => ("#e8e3f4", "#6b4fa1"),
            Self::Node(Kind::Extract) => ("#dcecf9", "#2b6ca3"),
            Self::Node(Kind::Transform) => ("#eeeeee", "#666666"),
            Self::Node(Kind::Decision) | Self::Condition => ("#fff3cd", "#a67c00"),
            Self::Node(Kind::Action) => ("#d9f0dd", "#2d7a3e"),
            Self::Node(Kind::Writeback) => ("#d3efec", "#1b7a70"),
            Self::Ignored | Self::Nothing => ("#ffffff", "#8a8a8a"),
            Self::Letter => ("#fbdcdc", "#b03030"),
            Self::Give => ("#ffffff", "#333333"),
        }
    }
}

/// An arrow between the boxes of these numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrow {
    /// From.
    pub from: usize,
    /// To.
    pub to: usize,
    /// The outcomes it stands for.
    pub label: Option<String>,
    /// Whether it only orders: a gate, or `after:`.
    pub dashed: bool,
}

impl Drawing {
    fn add(&mut self, id: String, look: Look, head: Vec<String>, rows: Vec<Row>) -> usize {
        self.boxes.push(Block { id, look, head, rows });
        self.boxes.len() - 1
    }

    fn arrow(&mut self, from: usize, to: usize, label: Option<String>, dashed: bool) {
        self.arrows.push(Arrow { from, to, label, dashed });
    }

    /// The kinds of boxes in it, each once, in the order of [`Look::ALL`].
    fn looks(&self) -> impl Iterator<Item = Look> {
        Look::ALL.into_iter().filter(|look| self.boxes.iter().any(|block| block.look == *look))
    }

    /// Whether an arrow of it only orders.
    fn has_dashes(&self) -> bool {
        self.arrows.iter().any(|arrow| arrow.dashed)
    }
}

/// What dashed arrows mean, for the legend.
const DASHED: &str = "dashed: waits for it, reads nothing of it";

/// A name as an identifier of every drawing language.
fn id(name: &str) -> String {
    name.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '_' }).collect()
}
