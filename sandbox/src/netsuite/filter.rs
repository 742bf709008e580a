//! The `q` of a list: a condition over the fields of a record.
//!
//! In: text such as `email IS "a@b.example" AND (id ANY_OF [1, 2])`. Out: a [`Filter`] that says yes or no to a record.
//! It must never sort or page.

use jiff::civil::Date;
use serde_json::Value;

use super::{
    amount::Amount,
    http::Problem,
    schema::{Def, Kind},
    time,
};

/// A condition.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Filter {
    And(Vec<Filter>),
    Or(Vec<Filter>),
    Test { field: String, operator: Operator, negated: bool, values: Vec<Operand> },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Empty,
    Is,
    AnyOf,
    Between,
    Equal,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    Contain,
    StartWith,
    EndWith,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Operand {
    Text(String),
    Number(Amount),
    Day(Date),
    Truth(bool),
}

/// What the account says of dates in `q`.
#[derive(Clone, Copy)]
pub(crate) struct Dates<'a> {
    pub(crate) format: &'a str,
    pub(crate) offset: i32,
}

/// Reads a condition against the fields of a record type.
pub(crate) fn parse(text: &str, def: &Def, dates: Dates) -> Result<Filter, Problem> {
    let tokens = tokens(text)?;
    let mut parser = Parser { tokens: &tokens, at: 0, def, dates, depth: 0 };
    let filter = parser.any()?;
    if parser.at < tokens.len() {
        return Err(bad(&format!("unexpected {:?}", tokens[parser.at])));
    }
    Ok(filter)
}

fn bad(reason: &str) -> Problem {
    Problem::parameter(format!("Invalid query: {reason}."), "q")
}

fn tokens(text: &str) -> Result<Vec<String>, Problem> {
    let mut out = Vec::new();
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            letter if letter.is_whitespace() => {}
            '(' | ')' | '[' | ']' | ',' => out.push(letter.to_string()),
            '"' => {
                let mut word = String::from('"');
                loop {
                    match letters.next() {
                        Some('\\') => word.extend(letters.next()),
                        Some('"') => break,
                        Some(letter) => word.push(letter),
                        None => return Err(bad("a double quote is not closed")),
                    }
                }
                out.push(word);
            }
            letter => {
                let mut word = String::from(letter);
                while let Some(next) =
                    letters.next_if(|next| !next.is_whitespace() && !"()[],\"".contains(*next))
                {
                    word.push(next);
                }
                out.push(word);
            }
        }
    }
    Ok(out)
}

struct Parser<'a> {
    tokens: &'a [String],
    at: usize,
    def: &'a Def,
    dates: Dates<'a>,
    depth: usize,
}

impl Parser<'_> {
    fn peek(&self) -> &str {
        self.tokens.get(self.at).map_or("", String::as_str)
    }

    fn take(&mut self, word: &str) -> bool {
        let hit = self.peek().eq_ignore_ascii_case(word);
        self.at += usize::from(hit);
        hit
    }

    fn any(&mut self) -> Result<Filter, Problem> {
        let mut parts = vec![self.all()?];
        while self.take("OR") {
            parts.push(self.all()?);
        }
        Ok(if parts.len() == 1 { parts.swap_remove(0) } else { Filter::Or(parts) })
    }

    fn all(&mut self) -> Result<Filter, Problem> {
        let mut parts = vec![self.one()?];
        while self.take("AND") {
            parts.push(self.one()?);
        }
        Ok(if parts.len() == 1 { parts.swap_remove(0) } else { Filter::And(parts) })
    }

    fn one(&mut self) -> Result<Filter, Problem> {
        if self.take("(") {
            self.depth += 1;
            if self.depth > 100 {
                return Err(bad("too many parentheses"));
            }
            let inner = self.any()?;
            self.depth -= 1;
            return if self.take(")") { Ok(inner) } else { Err(bad("a parenthesis is not closed")) };
        }
        let name = self.peek().to_owned();
        self.at += 1;
        let (name, kind) = self.field(&name)?;
        let word = self.peek().to_ascii_uppercase();
        self.at += 1;
        let (operator, negated) = operator(&word, &kind)
            .ok_or_else(|| bad(&format!("the operator {word:?} does not fit the field {name:?}")))?;
        let values = self.values(operator, &kind, &name)?;
        Ok(Filter::Test { field: name, operator, negated, values })
    }

    fn field(&self, name: &str) -> Result<(String, Kind), Problem> {
        match name.to_ascii_lowercase().as_str() {
            "id" => return Ok(("id".into(), Kind::Integer)),
            "externalid" => return Ok(("externalId".into(), Kind::Text(255))),
            _ => {}
        }
        let field = self
            .def
            .field(name)
            .filter(|field| !matches!(field.kind, Kind::List(_) | Kind::Part(_) | Kind::Many(_)));
        field
            .map(|field| (field.name.clone(), field.kind.clone()))
            .ok_or_else(|| bad(&format!("{} has no field {name:?} to search by", self.def.name)))
    }

    fn values(&mut self, operator: Operator, kind: &Kind, field: &str) -> Result<Vec<Operand>, Problem> {
        let mut words = Vec::new();
        match operator {
            Operator::Empty => {}
            Operator::AnyOf | Operator::Between => {
                if !self.take("[") {
                    return Err(bad("a list in square brackets is expected"));
                }
                while !self.take("]") {
                    if self.peek().is_empty() {
                        return Err(bad("a square bracket is not closed"));
                    }
                    if !self.take(",") {
                        words.push(self.peek().to_owned());
                        self.at += 1;
                    }
                }
                if words.is_empty() || (operator == Operator::Between && words.len() != 2) {
                    return Err(bad("the list has the wrong number of values"));
                }
            }
            _ => {
                if matches!(self.peek(), "" | "(" | ")" | "[" | "]" | ",") {
                    return Err(bad(&format!("a value for {field:?} is expected")));
                }
                words.push(self.peek().to_owned());
                self.at += 1;
            }
        }
        words.iter().map(|word| self.operand(word, kind, field)).collect()
    }

    fn operand(&self, word: &str, kind: &Kind, field: &str) -> Result<Operand, Problem> {
        let text = word.strip_prefix('"').unwrap_or(word);
        match class(kind) {
            Class::Number => Amount::parse(text)
                .map(Operand::Number)
                .ok_or_else(|| bad(&format!("{text:?} is no number, as {field:?} wants"))),
            Class::Truth => match text.to_ascii_lowercase().as_str() {
                "true" | "t" => Ok(Operand::Truth(true)),
                "false" | "f" => Ok(Operand::Truth(false)),
                _ => Err(bad(&format!("{text:?} is neither true nor false, as {field:?} wants"))),
            },
            Class::Day => time::read(text, self.dates.format).map(Operand::Day).ok_or_else(|| {
                bad(&format!(
                    "parsing of date/time {text:?} for {field:?} failed with date format {:?}",
                    self.dates.format
                ))
            }),
            Class::Text => Ok(Operand::Text(text.to_owned())),
        }
    }
}

enum Class {
    Text,
    Number,
    Truth,
    Day,
}

fn class(kind: &Kind) -> Class {
    match kind {
        Kind::Integer | Kind::Number | Kind::Rate | Kind::Ref(_) | Kind::Break => Class::Number,
        Kind::Bool => Class::Truth,
        Kind::Date | Kind::Moment => Class::Day,
        _ => Class::Text,
    }
}

fn operator(word: &str, kind: &Kind) -> Option<(Operator, bool)> {
    use Operator as O;
    let (word, negated) = word.strip_suffix("_NOT").map_or((word, false), |word| (word, true));
    if word == "EMPTY" {
        return Some((O::Empty, negated));
    }
    let found = match (class(kind), word) {
        (Class::Truth | Class::Text, "IS") => O::Is,
        (Class::Number, "ANY_OF") => O::AnyOf,
        (Class::Text, "ANY_OF") if matches!(kind, Kind::Choice(_)) => O::AnyOf,
        (Class::Number, "BETWEEN" | "WITHIN") => O::Between,
        (Class::Number, "EQUAL") | (Class::Day, "ON") => O::Equal,
        (Class::Number, "GREATER") | (Class::Day, "AFTER") => O::Greater,
        (Class::Number, "GREATER_OR_EQUAL") | (Class::Day, "ON_OR_AFTER") => O::GreaterOrEqual,
        (Class::Number, "LESS") | (Class::Day, "BEFORE") => O::Less,
        (Class::Number, "LESS_OR_EQUAL") | (Class::Day, "ON_OR_BEFORE") => O::LessOrEqual,
        (Class::Text, "CONTAIN") => O::Contain,
        (Class::Text, "START_WITH") => O::StartWith,
        (Class::Text, "END_WITH" | "ENDWITH") => O::EndWith,
        _ => return None,
    };
    Some((found, negated))
}

impl Filter {
    /// Whether a record fulfils the condition; `field` gives its fields, `id` and `externalId` among them.
    pub(crate) fn holds(&self, field: &dyn Fn(&str) -> Option<Value>, dates: Dates) -> bool {
        match self {
            Self::And(parts) => parts.iter().all(|part| part.holds(field, dates)),
            Self::Or(parts) => parts.iter().any(|part| part.holds(field, dates)),
            Self::Test { field: name, operator, negated, values } => {
                test(field(name).as_ref(), *operator, values, dates) != *negated
            }
        }
    }
}

fn test(value: Option<&Value>, operator: Operator, values: &[Operand], dates: Dates) -> bool {
    let value = value.filter(|value| !value.is_null() && *value != "");
    if operator == Operator::Empty {
        return value.is_none();
    }
    let Some(value) = value else { return values == [Operand::Truth(false)] };
    let one = |operand: &Operand, compare: &dyn Fn(std::cmp::Ordering) -> bool| match operand {
        Operand::Number(number) => Amount::of(value).is_some_and(|own| compare(own.cmp(number))),
        Operand::Day(day) => own_day(value, dates).is_some_and(|own| compare(own.cmp(day))),
        Operand::Truth(truth) => value.as_bool() == Some(*truth),
        Operand::Text(text) => {
            value.as_str().is_some_and(|own| compare(own.to_lowercase().cmp(&text.to_lowercase())))
        }
    };
    let lower = |operand: &Operand| match operand {
        Operand::Text(text) => text.to_lowercase(),
        _ => String::new(),
    };
    let own = value.as_str().unwrap_or_default().to_lowercase();
    let Some(first) = values.first() else { return false };
    match operator {
        Operator::Is | Operator::Equal => one(first, &std::cmp::Ordering::is_eq),
        Operator::AnyOf => values.iter().any(|operand| one(operand, &std::cmp::Ordering::is_eq)),
        Operator::Between => {
            one(first, &std::cmp::Ordering::is_ge)
                && values.get(1).is_some_and(|last| one(last, &std::cmp::Ordering::is_le))
        }
        Operator::Greater => one(first, &std::cmp::Ordering::is_gt),
        Operator::GreaterOrEqual => one(first, &std::cmp::Ordering::is_ge),
        Operator::Less => one(first, &std::cmp::Ordering::is_lt),
        Operator::LessOrEqual => one(first, &std::cmp::Ordering::is_le),
        Operator::Contain => own.contains(&lower(first)),
        Operator::StartWith => own.starts_with(&lower(first)),
        Operator::EndWith => own.ends_with(&lower(first)),
        Operator::Empty => false,
    }
}

fn own_day(value: &Value, dates: Dates) -> Option<Date> {
    let text = value.as_str()?;
    match text.parse::<jiff::Timestamp>() {
        Ok(at) => Some(time::local(at, dates.offset).date()),
        Err(_) => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::netsuite::{schema::Schema, settings::TaxMode};

    const DATES: Dates = Dates { format: "M/D/YYYY", offset: 0 };

    fn ask(q: &str) -> Result<bool, String> {
        let schema = Schema::load(&[], &[], TaxMode::SuiteTax);
        let Value::Object(body) = json!({
            "id": "7", "externalId": "BC|7", "email": "Ann@Example.com", "isPerson": true, "subsidiary": "2",
            "companyName": "a b", "creditLimit": 12.5, "lastModifiedDate": "2026-03-09T23:00:00Z",
        }) else {
            unreachable!()
        };
        let filter = parse(q, schema.def("customer"), DATES).map_err(|problem| problem.detail)?;
        Ok(filter.holds(&|field| body.get(field).cloned(), DATES))
    }

    #[test]
    fn operators() {
        for (q, holds) in [
            (r#"email IS "ann@example.com""#, true),
            ("email IS ann@example.com", true),
            ("EMAIL START_WITH ann AND email END_WITH .com", true),
            ("email CONTAIN_NOT example", false),
            (r#"companyName IS "a b""#, true),
            (r#"externalId IS "BC|7""#, true),
            ("phone EMPTY", true),
            ("email EMPTY", false),
            ("email EMPTY_NOT", true),
            ("isPerson IS true", true),
            ("isPerson IS_NOT true", false),
            ("isInactive IS false", true),
            ("id ANY_OF [1, 7]", true),
            ("id ANY_OF_NOT [1,7]", false),
            ("subsidiary EQUAL 2", true),
            ("creditLimit BETWEEN [1, 42]", true),
            ("creditLimit GREATER 12.5", false),
            ("creditLimit GREATER_OR_EQUAL 12.5", true),
            ("lastModifiedDate ON 3/9/2026", true),
            ("lastModifiedDate AFTER 3/9/2026", false),
            (r#"lastModifiedDate ON_OR_AFTER "3/9/2026""#, true),
            ("id EQUAL 1 OR id EQUAL 7 AND isPerson IS true", true),
            ("(id EQUAL 7 OR id EQUAL 1) AND isPerson IS false", false),
        ] {
            assert_eq!(ask(q), Ok(holds), "{q}");
        }
    }

    #[test]
    fn what_cannot_be_asked_says_why() {
        for (q, part) in [
            ("lastModifiedDate AFTER 2026-03-09T00:00:00Z", "failed with date format"),
            ("lastModifiedDate AFTER \"2026-03-09\"", "failed with date format"),
            ("emial IS a", "no field \"emial\""),
            ("email GREATER a", "does not fit"),
            ("email IS", "a value"),
            ("(email IS a", "not closed"),
            ("id ANY_OF [1", "not closed"),
            ("email IS \"a", "not closed"),
            ("email IS a b", "unexpected"),
            ("", "no field"),
        ] {
            assert!(ask(q).unwrap_err().contains(part), "{q}: {:?}", ask(q));
        }
    }
}
