//! RFC 9535 paths. In: the text of a path. Out: what it selects in a value. `jsonpath-rust` reads the text; the walk is
//! our own, since theirs compares numbers as binary floats and has no limit. Amounts compare as their digits.

use jsonpath_rust::{
    parser::{
        model::{
            Comparable, Comparison, Filter, FilterAtom, FnArg, JpQuery, Literal, Segment, Selector,
            SingularQuery, SingularQuerySegment, Test, TestFunction,
        },
        parse_json_path,
    },
    query::{Query as _, state::State},
};
use std::{borrow::Cow, cmp::Ordering, sync::Arc};

use super::{Quantity, Value};
use crate::money;

/// Digits that survive the reader's binary floats.
const MAX_LITERAL_DIGITS: usize = 15;

/// A path that was read, ready to be used often.
#[derive(Clone, Debug)]
pub struct JsonPath {
    text: Arc<str>,
    query: Arc<JpQuery>,
}

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JsonStep {
    /// To the member of that name.
    Name(Arc<str>),
    /// To an element, or to some.
    Elements,
    /// To the elements for which something holds: the paths that are looked at in each.
    Filter(Vec<Vec<JsonStep>>),
    /// To more than one kind of thing.
    Other,
}

/// Why a path cannot be read or followed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JsonPathError {
    /// The text is no path.
    #[error("this is no JSONPath: {0}")]
    Syntax(String),
    /// A function that RFC 9535 does not have.
    #[error("JSONPath has no function `{0}`: it has length, count, value, match and search")]
    Function(String),
    /// A number with too many digits.
    #[error("a number in a JSONPath may have at most {MAX_LITERAL_DIGITS} digits")]
    Number,
    /// The walk went on for too long.
    #[error("the JSONPath looked at more than {0} places")]
    TooMuch(u64),
}

impl JsonPath {
    /// Reads a path.
    pub fn parse(text: &str) -> Result<Self, JsonPathError> {
        let query = parse_json_path(text).map_err(|error| JsonPathError::Syntax(told(&error)))?;
        query.segments.iter().try_for_each(check_segment)?;
        Ok(Self { text: text.into(), query: Arc::new(query) })
    }

    /// The text it was read from.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Member names up to the first step that is no plain name: all that the path can look at lies below them.
    pub fn prefix(&self) -> Vec<Arc<str>> {
        let mut names = Vec::new();
        for segment in &self.query.segments {
            match segment {
                Segment::Selector(Selector::Name(name)) => names.push(name.as_str().into()),
                _ => break,
            }
        }
        names
    }

    /// Its steps, as far as they go by names.
    pub fn steps(&self) -> Vec<JsonStep> {
        self.query.segments.iter().map(step).collect()
    }

    /// What it selects, in document order. Looks at `limit` places at most.
    pub fn select<'v>(&self, root: &'v Value, limit: u64) -> Result<Vec<&'v Value>, JsonPathError> {
        let mut walk = Walk { root, left: limit, limit };
        walk.segments(&self.query.segments, root)
    }
}

fn step(segment: &Segment) -> JsonStep {
    match segment {
        Segment::Selector(Selector::Name(name)) => JsonStep::Name(name.as_str().into()),
        Segment::Selector(Selector::Filter(filter)) => {
            let mut looked = Vec::new();
            looked_at(filter, &mut looked);
            JsonStep::Filter(looked)
        }
        Segment::Selector(_) => JsonStep::Elements,
        Segment::Selectors(_) | Segment::Descendant(_) => JsonStep::Other,
    }
}

/// The paths from an element that a filter looks at.
fn looked_at(filter: &Filter, out: &mut Vec<Vec<JsonStep>>) {
    match filter {
        Filter::Or(all) | Filter::And(all) => all.iter().for_each(|one| looked_at(one, out)),
        Filter::Atom(FilterAtom::Filter { expr, .. }) => looked_at(expr, out),
        Filter::Atom(FilterAtom::Test { expr, .. }) => tested(expr, out),
        Filter::Atom(FilterAtom::Comparison(comparison)) => {
            let (left, right) = comparison.vals();
            for side in [left, right] {
                match side {
                    Comparable::SingularQuery(SingularQuery::Current(steps)) => {
                        out.push(steps.iter().map(single).collect());
                    }
                    Comparable::Function(function) => called(function, out),
                    Comparable::Literal(_) | Comparable::SingularQuery(SingularQuery::Root(_)) => {}
                }
            }
        }
    }
}

fn single(step: &SingularQuerySegment) -> JsonStep {
    match step {
        SingularQuerySegment::Name(name) => JsonStep::Name(name.as_str().into()),
        SingularQuerySegment::Index(_) => JsonStep::Elements,
    }
}

fn tested(test: &Test, out: &mut Vec<Vec<JsonStep>>) {
    match test {
        Test::RelQuery(segments) => out.push(segments.iter().map(step).collect()),
        Test::AbsQuery(_) => {}
        Test::Function(function) => called(function, out),
    }
}

fn called(function: &TestFunction, out: &mut Vec<Vec<JsonStep>>) {
    let arguments: &[&FnArg] = match function {
        TestFunction::Length(one) => &[one],
        TestFunction::Value(one) | TestFunction::Count(one) => &[one],
        TestFunction::Search(one, two) | TestFunction::Match(one, two) => &[one, two],
        TestFunction::Custom(..) => &[],
    };
    for argument in arguments {
        match argument {
            FnArg::Literal(_) => {}
            FnArg::Test(test) => tested(test, out),
            FnArg::Filter(filter) => looked_at(filter, out),
        }
    }
}

fn told(error: &jsonpath_rust::parser::errors::JsonPathError) -> String {
    match error {
        jsonpath_rust::parser::errors::JsonPathError::PestError(error) => {
            error.variant.message().into_owned()
        }
        other => other.to_string(),
    }
}

fn check_segment(segment: &Segment) -> Result<(), JsonPathError> {
    match segment {
        Segment::Descendant(inner) => check_segment(inner),
        Segment::Selector(selector) => check_selector(selector),
        Segment::Selectors(selectors) => selectors.iter().try_for_each(check_selector),
    }
}

fn check_selector(selector: &Selector) -> Result<(), JsonPathError> {
    if let Selector::Filter(filter) = selector { check_filter(filter) } else { Ok(()) }
}

fn check_filter(filter: &Filter) -> Result<(), JsonPathError> {
    match filter {
        Filter::Or(all) | Filter::And(all) => all.iter().try_for_each(check_filter),
        Filter::Atom(FilterAtom::Filter { expr, .. }) => check_filter(expr),
        Filter::Atom(FilterAtom::Test { expr, .. }) => check_test(expr),
        Filter::Atom(FilterAtom::Comparison(comparison)) => {
            let (left, right) = comparison.vals();
            [left, right].into_iter().try_for_each(|side| match side {
                Comparable::Literal(literal) => check_literal(literal),
                Comparable::Function(function) => check_function(function),
                Comparable::SingularQuery(_) => Ok(()),
            })
        }
    }
}

fn check_test(test: &Test) -> Result<(), JsonPathError> {
    match test {
        Test::RelQuery(segments) => segments.iter().try_for_each(check_segment),
        Test::AbsQuery(query) => query.segments.iter().try_for_each(check_segment),
        Test::Function(function) => check_function(function),
    }
}

fn check_function(function: &TestFunction) -> Result<(), JsonPathError> {
    let check = |argument: &FnArg| match argument {
        FnArg::Literal(literal) => check_literal(literal),
        FnArg::Test(test) => check_test(test),
        FnArg::Filter(filter) => check_filter(filter),
    };
    match function {
        TestFunction::Custom(name, _) => Err(JsonPathError::Function(name.clone())),
        TestFunction::Length(argument) => check(argument),
        TestFunction::Value(argument) | TestFunction::Count(argument) => check(argument),
        TestFunction::Search(text, pattern) | TestFunction::Match(text, pattern) => {
            check(text).and_then(|()| check(pattern))
        }
    }
}

fn check_literal(literal: &Literal) -> Result<(), JsonPathError> {
    let Literal::Float(float) = literal else { return Ok(()) };
    let digits = format!("{float}").bytes().filter(u8::is_ascii_digit).count();
    if digits <= MAX_LITERAL_DIGITS { Ok(()) } else { Err(JsonPathError::Number) }
}

struct Walk<'v> {
    root: &'v Value,
    left: u64,
    limit: u64,
}

/// What one side of a comparison, or an argument, is.
type Side<'v> = Option<Cow<'v, Value>>;

impl<'v> Walk<'v> {
    fn pay(&mut self, places: usize) -> Result<(), JsonPathError> {
        self.left = self.left.checked_sub(places as u64).ok_or(JsonPathError::TooMuch(self.limit))?;
        Ok(())
    }

    fn segments(&mut self, segments: &[Segment], from: &'v Value) -> Result<Vec<&'v Value>, JsonPathError> {
        let mut nodes = vec![from];
        for segment in segments {
            let mut next = Vec::new();
            for node in nodes {
                self.segment(segment, node, &mut next)?;
            }
            nodes = next;
        }
        Ok(nodes)
    }

    fn segment(
        &mut self,
        segment: &Segment,
        node: &'v Value,
        out: &mut Vec<&'v Value>,
    ) -> Result<(), JsonPathError> {
        match segment {
            Segment::Selector(selector) => self.selector(selector, node, out),
            Segment::Selectors(selectors) => {
                selectors.iter().try_for_each(|selector| self.selector(selector, node, out))
            }
            Segment::Descendant(inner) => {
                self.segment(inner, node, out)?;
                children(node).try_for_each(|child| self.segment(segment, child, out))
            }
        }
    }

    fn selector(
        &mut self,
        selector: &Selector,
        node: &'v Value,
        out: &mut Vec<&'v Value>,
    ) -> Result<(), JsonPathError> {
        self.pay(1)?;
        match selector {
            Selector::Name(name) => out.extend(node.get(name)),
            Selector::Index(index) => out.extend(node.at(*index)),
            Selector::Wildcard => {
                let before = out.len();
                out.extend(children(node));
                self.pay(out.len() - before)?;
            }
            Selector::Slice(start, end, step) => {
                let before = out.len();
                slice(node, *start, *end, step.unwrap_or(1), out);
                self.pay(out.len() - before)?;
            }
            Selector::Filter(filter) => {
                for child in children(node) {
                    self.pay(1)?;
                    if self.holds(filter, child)? {
                        out.push(child);
                    }
                }
            }
        }
        Ok(())
    }

    fn holds(&mut self, filter: &Filter, node: &'v Value) -> Result<bool, JsonPathError> {
        match filter {
            Filter::Or(all) => {
                for one in all {
                    if self.holds(one, node)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Filter::And(all) => {
                for one in all {
                    if !self.holds(one, node)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Filter::Atom(FilterAtom::Filter { expr, not }) => Ok(self.holds(expr, node)? != *not),
            Filter::Atom(FilterAtom::Test { expr, not }) => Ok(self.test(expr, node)? != *not),
            Filter::Atom(FilterAtom::Comparison(comparison)) => self.compare(comparison, node),
        }
    }

    fn test(&mut self, test: &Test, node: &'v Value) -> Result<bool, JsonPathError> {
        Ok(match test {
            Test::Function(function) => {
                matches!(self.function(function, node)?.as_deref(), Some(Value::Bool(true)))
            }
            _ => !self.nodes(test, node)?.is_empty(),
        })
    }

    fn nodes(&mut self, test: &Test, node: &'v Value) -> Result<Vec<&'v Value>, JsonPathError> {
        match test {
            Test::RelQuery(segments) => self.segments(segments, node),
            Test::AbsQuery(query) => self.segments(&query.segments, self.root),
            Test::Function(_) => Ok(Vec::new()),
        }
    }

    fn compare(&mut self, comparison: &Comparison, node: &'v Value) -> Result<bool, JsonPathError> {
        let (left, right) = comparison.vals();
        let (left, right) = (self.side(left, node)?, self.side(right, node)?);
        let equal = match (&left, &right) {
            (None, None) => true,
            (Some(left), Some(right)) => equal(left, right),
            _ => false,
        };
        let order = left.as_deref().zip(right.as_deref()).and_then(|(left, right)| order(left, right));
        Ok(match comparison {
            Comparison::Eq(..) => equal,
            Comparison::Ne(..) => !equal,
            Comparison::Lt(..) => order == Some(Ordering::Less),
            Comparison::Lte(..) => equal || order == Some(Ordering::Less),
            Comparison::Gt(..) => order == Some(Ordering::Greater),
            Comparison::Gte(..) => equal || order == Some(Ordering::Greater),
        })
    }

    fn side(&mut self, side: &Comparable, node: &'v Value) -> Result<Side<'v>, JsonPathError> {
        match side {
            Comparable::Literal(literal) => Ok(value_of(literal).map(Cow::Owned)),
            Comparable::Function(function) => self.function(function, node),
            Comparable::SingularQuery(query) => {
                let (from, steps) = match query {
                    SingularQuery::Current(steps) => (node, steps),
                    SingularQuery::Root(steps) => (self.root, steps),
                };
                self.pay(steps.len())?;
                let found = steps.iter().try_fold(from, |value, step| match step {
                    SingularQuerySegment::Name(name) => value.get(name),
                    SingularQuerySegment::Index(index) => value.at(*index),
                });
                Ok(found.map(Cow::Borrowed))
            }
        }
    }

    fn function(&mut self, function: &TestFunction, node: &'v Value) -> Result<Side<'v>, JsonPathError> {
        Ok(match function {
            TestFunction::Length(argument) => self.argument(argument, node)?.and_then(|value| {
                let length = match &*value {
                    Value::Text(text) => text.chars().count(),
                    Value::List(items) => items.len(),
                    Value::Map(map) => map.len(),
                    _ => return None,
                };
                Some(Cow::Owned(count(length)))
            }),
            TestFunction::Count(argument) => {
                let FnArg::Test(test) = argument else { return Ok(None) };
                Some(Cow::Owned(count(self.nodes(test, node)?.len())))
            }
            TestFunction::Value(argument) => self.argument(argument, node)?,
            TestFunction::Match(text, pattern) => self.matches(text, pattern, node, false)?,
            TestFunction::Search(text, pattern) => self.matches(text, pattern, node, true)?,
            TestFunction::Custom(..) => None,
        })
    }

    /// The one value an argument means; nothing if it means none or several.
    fn argument(&mut self, argument: &FnArg, node: &'v Value) -> Result<Side<'v>, JsonPathError> {
        match argument {
            FnArg::Literal(literal) => Ok(value_of(literal).map(Cow::Owned)),
            FnArg::Filter(_) => Ok(None),
            FnArg::Test(test) => match &**test {
                Test::Function(function) => self.function(function, node),
                query => Ok(match self.nodes(query, node)?.as_slice() {
                    [one] => Some(Cow::Borrowed(*one)),
                    _ => None,
                }),
            },
        }
    }

    fn matches(
        &mut self,
        text: &FnArg,
        pattern: &FnArg,
        node: &'v Value,
        part: bool,
    ) -> Result<Side<'v>, JsonPathError> {
        let (text, pattern) = (self.argument(text, node)?, self.argument(pattern, node)?);
        let (Some(Value::Text(text)), Some(Value::Text(pattern))) = (text.as_deref(), pattern.as_deref())
        else {
            return Ok(Some(Cow::Owned(Value::Bool(false))));
        };
        self.pay(1 + text.len() / 16)?;
        let literal = |text: &str| FnArg::Literal(Literal::String(text.to_owned()));
        let (text, pattern) = (literal(text), literal(pattern));
        let function =
            if part { TestFunction::Search(text, pattern) } else { TestFunction::Match(text, pattern) };
        let nothing = serde_json::Value::Null;
        let holds = function.process(State::root(&nothing)).ok_val() == Some(serde_json::Value::Bool(true));
        Ok(Some(Cow::Owned(Value::Bool(holds))))
    }
}

fn count(places: usize) -> Value {
    Value::from(i64::try_from(places).unwrap_or(i64::MAX))
}

fn children(node: &Value) -> Box<dyn Iterator<Item = &Value> + '_> {
    match node {
        Value::List(items) => Box::new(items.iter()),
        Value::Map(map) => Box::new(map.values()),
        _ => Box::new(std::iter::empty()),
    }
}

/// RFC 9535 §2.3.4.2: bounds are clamped, a step of 0 selects nothing.
fn slice<'v>(node: &'v Value, start: Option<i64>, end: Option<i64>, step: i64, out: &mut Vec<&'v Value>) {
    let Value::List(items) = node else { return };
    let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
    let counted = |bound: i64| if bound < 0 { bound.saturating_add(length) } else { bound };
    let (low, high) = if step > 0 { (0, length) } else { (-1, length - 1) };
    let start = start.map_or(if step > 0 { low } else { high }, |bound| counted(bound).clamp(low, high));
    let end = end.map_or(if step > 0 { high } else { low }, |bound| counted(bound).clamp(low, high));
    let mut at = start;
    while step != 0 && (if step > 0 { at < end } else { at > end }) {
        out.extend(usize::try_from(at).ok().and_then(|at| items.get(at)));
        let Some(next) = at.checked_add(step) else { break };
        at = next;
    }
}

fn value_of(literal: &Literal) -> Option<Value> {
    Some(match literal {
        Literal::Int(whole) => Value::from(*whole),
        Literal::Float(float) => Value::from(money::decimal(&format!("{float}")).ok()?),
        Literal::String(text) => Value::from(text.as_str()),
        Literal::Bool(truth) => Value::Bool(*truth),
        Literal::Null => Value::Null,
    })
}

fn digits(value: &Value) -> Option<money::Decimal> {
    Quantity::of(value).ok().flatten().map(|quantity| quantity.digits)
}

fn equal(left: &Value, right: &Value) -> bool {
    match (digits(left), digits(right)) {
        (Some(left), Some(right)) => left == right,
        _ => left.same(right).unwrap_or(false),
    }
}

fn order(left: &Value, right: &Value) -> Option<Ordering> {
    match (digits(left), digits(right)) {
        (Some(left), Some(right)) => Some(left.cmp(&right)),
        _ => left.as_str().zip(right.as_str()).map(|(left, right)| left.cmp(right)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order_value() -> Value {
        let text = br#"{"id":7,"lines":[{"sku":"A1","qty":2,"price":0.1},{"sku":"B2","qty":9,"price":12.50,"note":null},
            {"sku":"B3","qty":12,"price":0.30000000000000001}],"to":{"zip":"12345"}}"#;
        Value::parse(text).unwrap()
    }

    #[test]
    fn paths_select() {
        for (path, selected) in [
            ("$.lines[*].sku", r#"["A1","B2","B3"]"#),
            ("$.lines[?@.qty > 6].sku", r#"["B2","B3"]"#),
            ("$.lines[?@.price == 0.1].sku", r#"["A1"]"#),
            ("$.lines[?@.price == 0.3].sku", "[]"),
            ("$.lines[?@.price > 0.3].sku", r#"["B2","B3"]"#),
            ("$.lines[?@.qty >= 9 && @.price < 1].sku", r#"["B3"]"#),
            ("$.lines[?@.note].sku", r#"["B2"]"#),
            ("$.lines[?!@.note].sku", r#"["A1","B3"]"#),
            ("$.lines[?@.note == null].sku", r#"["B2"]"#),
            ("$.lines[0,2].qty", "[2,12]"),
            ("$.lines[-1:].sku", r#"["B3"]"#),
            ("$.lines[::-1].sku", r#"["B3","B2","A1"]"#),
            ("$.lines[0:2:0]", "[]"),
            ("$..sku", r#"["A1","B2","B3"]"#),
            ("$..[0].sku", r#"["A1"]"#),
            ("$.lines[?match(@.sku, 'B.')].qty", "[9,12]"),
            ("$.lines[?search(@.sku, '3')].qty", "[12]"),
            ("$.lines[?length(@.sku) == 2 && @.sku != 'A1'].qty", "[9,12]"),
            (
                "$[?count(@.*) == 3]",
                "[[{\"sku\":\"A1\",\"qty\":2,\"price\":0.1},{\"sku\":\"B2\",\"qty\":9,\"price\":12.50,\"note\":null},{\"sku\":\"B3\",\"qty\":12,\"price\":0.30000000000000001}]]",
            ),
            ("$.to['zip']", r#"["12345"]"#),
            ("$.nowhere", "[]"),
        ] {
            let root = order_value();
            let found = JsonPath::parse(path).unwrap().select(&root, 10_000).unwrap();
            assert_eq!(Value::list(found.into_iter().cloned()).to_json(), selected, "{path}");
        }
    }

    #[test]
    fn bad_paths_are_refused() {
        for (path, message) in [
            ("lines[*]", "this is no JSONPath: "),
            ("$.lines[", "this is no JSONPath: "),
            ("$.a[?in(@.b, $.c)]", "JSONPath has no function `in`"),
            ("$.a[?@.b == 0.12345678901234567]", "a number in a JSONPath may have at most 15 digits"),
        ] {
            let error = JsonPath::parse(path).unwrap_err().to_string();
            assert!(error.starts_with(message), "{path}: {error}");
        }
    }

    #[test]
    fn an_exploding_path_ends() {
        let wide = Value::list((0..100).map(Value::from));
        let deep = Value::list((0..100).map(|_| wide.clone()));
        let path = JsonPath::parse("$..*[?@ > 1]..*").unwrap();
        assert_eq!(path.select(&deep, 1000), Err(JsonPathError::TooMuch(1000)));
        assert_eq!(JsonPath::parse("$.a.b[*].c").unwrap().prefix(), ["a".into(), "b".into()]);
    }
}
