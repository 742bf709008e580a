//! What an expression reads: static, by member names, data apart from control. It serves edges, lineage and what is kept on
//! disk, so it tells too much rather than too little.

use std::sync::Arc;

use super::{
    Mapping, Slot,
    node::{Kind, Node, Select, Step, Way},
    template::{Body, Part},
};
use crate::{
    function::{Function, Origin as From},
    value::Path,
};

/// One place that is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    /// The root.
    pub slot: Slot,
    /// Member names below it; a step into a list leaves no name: a field of a list is that field of each element. An empty
    /// name at the end: only whether it is there, or how many there are.
    pub path: Vec<Arc<str>>,
    /// Whether it only decides, and is no part of the value.
    pub control: bool,
    /// Whether its absence is provided for: under `default`, `first_of`, `is defined`.
    pub optional: bool,
    /// Whether it is of the elements that failed: `failed_of`.
    pub failed: bool,
    /// First byte of the mention in its template's text.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

/// Every mention of a root.
pub(super) fn roots(body: &Body) -> Vec<(Slot, u32, u32)> {
    let mut roots: Vec<_> = reads(body).into_iter().map(|read| (read.slot, read.start, read.end)).collect();
    roots.sort_unstable();
    roots.dedup();
    roots
}

/// What some expressions read.
pub(super) fn reads_of<'n>(nodes: impl Iterator<Item = &'n Node>) -> Vec<Read> {
    let mut reader = Reader::default();
    reader.each(nodes, Mode::default());
    reader.out
}

pub(super) fn reads(body: &Body) -> Vec<Read> {
    let mut reader = Reader::default();
    match body {
        Body::Const(_) => {}
        Body::One(node) => reader.all(node, Mode::default()),
        Body::Mixed(parts) => {
            for part in parts {
                if let Part::Expression(node) = part {
                    reader.all(node, Mode::default());
                }
            }
        }
    }
    reader.out
}

#[derive(Clone, Copy, Default)]
struct Mode {
    control: bool,
    optional: bool,
}

impl Mode {
    fn control(self) -> Self {
        Self { control: true, ..self }
    }

    fn optional(self) -> Self {
        Self { optional: true, ..self }
    }
}

#[derive(Default)]
struct Reader {
    out: Vec<Read>,
}

impl Reader {
    /// All of a node's value is read.
    fn all(&mut self, node: &Node, mode: Mode) {
        let origins = self.origins(node, mode);
        self.out.extend(origins);
    }

    fn each<'n>(&mut self, nodes: impl IntoIterator<Item = &'n Node>, mode: Mode) {
        for node in nodes {
            self.all(node, mode);
        }
    }

    /// Only whether it is there is read, or how many there are.
    fn presence(&mut self, node: &Node, mode: Mode) {
        let origins = self.origins(node, mode);
        self.out.extend(origins.into_iter().map(|origin| below(origin, [&Arc::from("")])));
    }

    /// The places that a node's value comes from as it is; everything else that it reads is told.
    fn origins(&mut self, node: &Node, mode: Mode) -> Vec<Read> {
        match &node.kind {
            Kind::Path { slot, steps } => {
                let Mode { control, optional } = mode;
                let root = Read {
                    slot: *slot,
                    path: Vec::new(),
                    control,
                    optional,
                    failed: false,
                    start: node.start,
                    end: node.end,
                };
                self.steps(vec![root], steps)
            }
            Kind::Steps { base, steps } => {
                if let Kind::Index { base, key } = &base.kind {
                    return self.index(base, key, steps, mode);
                }
                let origins = self.origins(base, mode);
                self.steps(origins, steps)
            }
            Kind::Index { base, key } => self.index(base, key, &[], mode),
            Kind::Slice { base, from, to } => {
                from.iter().chain(to).for_each(|bound| self.all(bound, mode.control()));
                self.origins(base, mode)
            }
            Kind::If(branches) => {
                self.all(&branches[0], mode.control());
                let mut origins = self.origins(&branches[1], mode);
                origins.extend(self.origins(&branches[2], mode));
                origins
            }
            Kind::Default(sides) => {
                let mut origins = self.origins(&sides[0], mode.optional());
                origins.extend(self.origins(&sides[1], mode));
                origins
            }
            Kind::FirstOf(values) => {
                values.iter().flat_map(|value| self.origins(value, mode.optional())).collect()
            }
            Kind::MapPath { list, steps } => {
                let origins = self.origins(list, mode);
                self.steps(origins, steps)
            }
            Kind::Select(select) => self.select(select, mode),
            Kind::Find { list, fields } => {
                let origins = self.origins(list, mode);
                for (path, value) in fields {
                    self.control(&origins, Some(&path.path));
                    self.all(value, mode.control());
                }
                origins
            }
            Kind::Call { function, args } => self.call(function, args, mode),
            _ => {
                self.made(node, mode);
                Vec::new()
            }
        }
    }

    /// Nodes whose value is made anew.
    fn made(&mut self, node: &Node, mode: Mode) {
        match &node.kind {
            Kind::Not(inner) => self.all(inner, mode.control()),
            Kind::Negate(inner) => self.all(inner, mode),
            Kind::Arithmetic(_, sides) => sides.iter().for_each(|side| self.all(side, mode)),
            Kind::And(sides) | Kind::Or(sides) => {
                self.each(sides.iter(), mode.control());
            }
            Kind::Compare { first, rest } => {
                self.all(first, mode.control());
                self.each(rest.iter().map(|(_, next)| next), mode.control());
            }
            Kind::Test { value, test, than } => {
                let mode = mode.control();
                match test.names[0] {
                    "defined" | "undefined" => self.presence(value, mode.optional()),
                    "none" => self.presence(value, mode),
                    _ => self.all(value, mode),
                }
                self.each(than.iter().map(|than| &**than), mode);
            }
            Kind::Row { keys, .. } | Kind::Concat(keys) | Kind::List(keys) => {
                self.each(keys.iter(), mode);
            }
            Kind::Object(members) => members.iter().for_each(|(_, member)| self.all(member, mode)),
            Kind::MapCall { list, args, .. } => {
                self.all(list, mode);
                args.iter().flatten().for_each(|arg| self.all(arg, mode));
            }
            Kind::JsonPath { value, path, .. } => {
                let prefix = path.prefix();
                let origins = self.origins(value, mode);
                self.out.extend(origins.into_iter().map(|origin| below(origin, &prefix)));
            }
            Kind::FailedOf { slot } => {
                let (start, end) = node.place();
                self.out.push(Read {
                    slot: *slot,
                    path: Vec::new(),
                    control: mode.control,
                    optional: mode.optional,
                    failed: true,
                    start,
                    end,
                });
            }
            Kind::TieOut { record, parts } => {
                let origins = self.origins(record, mode);
                match parts.get() {
                    None => self.out.extend(origins),
                    Some(parts) => {
                        let reads = parts
                            .iter()
                            .flat_map(|part| origins.iter().map(|origin| below(origin.clone(), &part.path)));
                        self.out.extend(reads);
                    }
                }
            }
            Kind::RoundedDivision { sides, digits, mode: rounding } => {
                sides.iter().for_each(|side| self.all(side, mode));
                digits.iter().chain(rounding).for_each(|arg| self.all(arg, mode.control()));
            }
            _ => {}
        }
    }

    /// Origins some steps further. A look-up in a keyed result also reads the keys.
    fn steps(&mut self, mut origins: Vec<Read>, steps: &[Step]) -> Vec<Read> {
        for (at, step) in steps.iter().enumerate() {
            let keyed = matches!(steps.get(at + 1), Some(Step { way: Way::Member(name), .. }) if is_keyed_member(name));
            match &step.way {
                Way::Look(_) | Way::At(_) if keyed => self.keys(&origins),
                Way::Member(name) | Way::Look(name) => {
                    for origin in &mut origins {
                        origin.path.push(Arc::clone(name));
                    }
                }
                Way::At(_) => {}
            }
        }
        origins
    }

    /// The keys of a keyed result decide, and that it is one.
    fn keys(&mut self, origins: &[Read]) {
        for origin in origins {
            let origin = Read { control: true, ..origin.clone() };
            self.out.push(below(origin.clone(), [&Arc::from("key")]));
            self.out.push(below(origin.clone(), [&Arc::from("item"), &Arc::from("")]));
            self.out.push(below(origin, [&Arc::from("value"), &Arc::from("")]));
        }
    }

    /// A step by a key that is worked out: of a keyed result some members, of anything else all of it.
    fn index(&mut self, base: &Node, key: &Node, steps: &[Step], mode: Mode) -> Vec<Read> {
        self.all(key, mode.control());
        let origins = self.origins(base, mode);
        match steps.first() {
            Some(Step { way: Way::Member(name), .. }) if is_keyed_member(name) => {
                self.keys(&origins);
                self.steps(origins, steps)
            }
            _ => {
                self.out.extend(origins);
                Vec::new()
            }
        }
    }

    fn select(&mut self, select: &Select, mode: Mode) -> Vec<Read> {
        let origins = self.origins(&select.list, mode);
        let presence =
            select.test.is_some_and(|test| matches!(test.names[0], "defined" | "undefined" | "none"));
        match &select.attribute {
            Some(attribute) if presence => {
                let mut path = attribute.path.clone();
                path.0.push(crate::value::Step::Key("".into()));
                self.control(&origins, Some(&path));
            }
            attribute => self.control(&origins, attribute.as_ref().map(|attribute| &attribute.path)),
        }
        select.than.iter().for_each(|than| self.all(than, mode.control()));
        origins
    }

    /// An attribute of the elements decides.
    fn control(&mut self, origins: &[Read], path: Option<&Path>) {
        for origin in origins {
            let origin = Read { control: true, ..origin.clone() };
            self.out.push(path.map_or(origin.clone(), |path| below(origin, path.names())));
        }
    }

    fn call(&mut self, function: &Function, args: &[Option<Node>], mode: Mode) -> Vec<Read> {
        let mut args = args.iter().flatten();
        let Some(first) = args.next() else { return Vec::new() };
        if function.name == "length" {
            self.presence(first, mode);
            return Vec::new();
        }
        let origins = self.origins(first, mode);
        let paths: Vec<&Path> = args
            .clone()
            .filter_map(|arg| match &arg.kind {
                Kind::Attribute(path) => Some(path),
                _ => None,
            })
            .collect();
        let decides = if function.origin == From::First { mode.control() } else { mode };
        args.for_each(|arg| self.all(arg, decides));
        match (function.origin, paths.as_slice()) {
            (From::First, []) if !matches!(function.name, "first" | "last") => {
                self.control(&origins, None);
                origins
            }
            (From::First, paths) => {
                for path in paths {
                    self.control(&origins, Some(path));
                }
                origins
            }
            (From::All, [path]) if function.name == "sum" => {
                self.out.extend(origins.into_iter().map(|origin| below(origin, path.names())));
                Vec::new()
            }
            (From::All, _) => {
                self.out.extend(origins);
                Vec::new()
            }
        }
    }
}

fn is_keyed_member(name: &str) -> bool {
    matches!(name, "key" | "item" | "value")
}

fn below<'n>(mut read: Read, names: impl IntoIterator<Item = &'n Arc<str>>) -> Read {
    read.path.extend(names.into_iter().cloned());
    read
}

/// What a mapping reads; reads of names that it binds itself become reads of what they are bound to.
pub(super) fn mapping(mapping: &Mapping) -> Vec<Read> {
    match mapping {
        Mapping::Const(_) => Vec::new(),
        Mapping::Template(template) => template.reads(),
        Mapping::List(items) => items.iter().flat_map(self::mapping).collect(),
        Mapping::Object(members) => members.iter().flat_map(|(_, member)| self::mapping(member)).collect(),
        Mapping::Each { list, slot, filter, body } => {
            let (mut out, origins) = split(list.body());
            let mut inner = self::mapping(body);
            if let Some(filter) = filter {
                inner.extend(filter.reads().into_iter().map(|read| Read { control: true, ..read }));
            }
            if !inner.iter().any(|read| read.slot == *slot) {
                out.extend(origins.iter().map(|origin| below(origin.clone(), [&Arc::from("")])));
            }
            out.extend(substitute(inner, *slot, &origins));
            out
        }
        Mapping::Let { bind, body } => {
            let mut reads = self::mapping(body);
            for (slot, value) in bind.iter().rev() {
                let (mut out, origins) = match value {
                    Mapping::Template(template) => split(template.body()),
                    other => (self::mapping(other), Vec::new()),
                };
                out.extend(substitute(reads, *slot, &origins));
                reads = out;
            }
            reads
        }
    }
}

/// What a template reads besides its value's origins, and those.
fn split(body: &Body) -> (Vec<Read>, Vec<Read>) {
    match body {
        Body::One(node) => {
            let mut reader = Reader::default();
            let origins = reader.origins(node, Mode::default());
            (reader.out, origins)
        }
        other => (reads(other), Vec::new()),
    }
}

fn substitute(inner: Vec<Read>, slot: Slot, origins: &[Read]) -> Vec<Read> {
    let mut out = Vec::new();
    for read in inner {
        if read.slot != slot {
            out.push(read);
            continue;
        }
        for origin in origins {
            let mut path = origin.path.clone();
            path.extend(read.path.iter().cloned());
            let (control, optional) = (read.control || origin.control, read.optional || origin.optional);
            out.push(Read { path, control, optional, ..origin.clone() });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use crate::expr::{Mapping, Names, Template};

    fn names() -> Names<'static> {
        Names::new().with("order", 0).with("items", 1).with("p", 2)
    }

    fn told(reads: Vec<super::Read>) -> Vec<String> {
        let roots = ["order", "items", "p"];
        let mut told: Vec<_> = reads
            .into_iter()
            .map(|read| {
                let path = read.path.iter().fold(String::new(), |path, name| path + "." + name);
                let marks = [(read.control, "?"), (read.optional, "~")];
                let marks: String = marks.iter().filter(|(set, _)| *set).map(|(_, mark)| *mark).collect();
                format!("{}{path}{marks}", roots[usize::from(read.slot)])
            })
            .collect();
        told.sort();
        told.dedup();
        told
    }

    #[test]
    fn reads_go_to_the_field() {
        for (text, reads) in [
            ("{{ order.to.email | lower }}", "order.to.email"),
            ("{{ order.lines | map(attribute='cost') | sum }}", "order.lines.cost"),
            ("{{ order.lines | sum(attribute='cost') }}", "order.lines.cost"),
            ("{{ order.lines[0].sku }}", "order.lines.sku"),
            ("{{ order.a if order.b > 1 else order.c }}", "order.a order.b? order.c"),
            ("{{ order.a | default(order.b) }}", "order.a~ order.b"),
            ("{{ order.a is defined }}", "order.a.?~"),
            ("{{ order.lines | length }}", "order.lines."),
            (
                "{{ order.lines | selectattr('qty', '>', 1) | map(attribute='sku') | first }}",
                "order.lines.qty? order.lines.sku",
            ),
            ("{{ items[p.sku].value.id }}", "items.item.? items.key? items.value.? items.value.id p.sku?"),
            ("{{ order.lines | find(id=p.id) }}", "order.lines order.lines.id? p.id?"),
            ("{{ order | path('$.lines[?@.x].y') }}", "order.lines"),
            ("{{ tables.t[order.code].id }}", "order.code"),
            ("order {{ order.id }} of {{ order.to.email }}", "order.id order.to.email"),
            ("{{ {'a': order.x, 'b': [order.y]} }}", "order.x order.y"),
        ] {
            let template = Template::parse(text, &names()).unwrap();
            assert_eq!(told(template.reads()).join(" "), reads, "{text}");
        }
    }

    #[test]
    fn names_bound_inside_are_traced_to_what_they_stand_for() {
        let parse = |text: &str| Template::parse(text, &names()).unwrap();
        let body = |text: &str| Box::new(Mapping::Template(parse(text)));
        let each = |text: &str| Mapping::Each {
            list: parse("{{ order.lines }}"),
            slot: 2,
            filter: Some(parse("{{ p.kind != 'gift' }}")),
            body: body(text),
        };
        assert_eq!(told(each("{{ p.sku }}").reads()), ["order.lines.kind?", "order.lines.sku"]);
        let bound = Mapping::Let {
            bind: vec![(2, Mapping::Template(parse("{{ order.to }}")))],
            body: body("{{ p.zip }}"),
        };
        assert_eq!(told(bound.reads()), ["order.to.zip"]);
        let unused =
            Mapping::Each { list: parse("{{ order.lines }}"), slot: 2, filter: None, body: body("x") };
        assert_eq!(told(unused.reads()), ["order.lines."]);
        assert_eq!(parse("{{ order.a + order.b }}").roots().collect::<Vec<_>>(), [(0, 3, 10), (0, 13, 20)]);
    }
}
