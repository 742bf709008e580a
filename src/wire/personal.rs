//! Personal data in errors. In: what an operation was asked, with the marks of its records, and a platform's refusal. Out: the
//! refusal without what it repeats of them: its words go into messages, and messages are read by many.

use crate::{
    connector::Operation,
    secret::{Redactor, Secret, rewrite},
    shape::Shape,
    value::Value,
};

/// What stands where something personal was.
const HIDDEN: &str = "[personal]";

/// A refusal's body without personal data.
pub(super) fn hidden(operation: &Operation, inputs: &[Value], body: &Value) -> Value {
    let redactor = Redactor::new(HIDDEN);
    for input in inputs {
        for (name, param) in &operation.with {
            marked(input.get(name), &param.shape, &redactor);
        }
    }
    rewrite(body, &|text| without_addresses(&redactor.clean(text)))
}

/// Learns the texts that stand where the shape says that something is personal.
fn marked(value: Option<&Value>, shape: &Shape, redactor: &Redactor) {
    match (value, shape) {
        (Some(_), Shape::Optional(inner)) => marked(value, inner, redactor),
        (Some(Value::List(items)), Shape::List(inner)) => {
            items.iter().for_each(|item| marked(Some(item), inner, redactor));
        }
        (Some(Value::Map(map)), Shape::Object(object)) => {
            for (name, field) in &object.fields {
                match map.get(&**name) {
                    Some(Value::Text(text)) if field.personal.is_some() => {
                        redactor.learn(&Secret::new(text.to_string()));
                    }
                    value => marked(value, &field.shape, redactor),
                }
            }
        }
        _ => {}
    }
}

/// The text without e-mail addresses: some parameters have no mark.
fn without_addresses(text: &str) -> String {
    let inside = |letter: char| letter.is_alphanumeric() || "._%+'-".contains(letter);
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('@') {
        let name = rest[..at].trim_end_matches(inside).len();
        let domain = &rest[at + 1..];
        let end = at + 1 + domain.find(|letter| !inside(letter)).unwrap_or(domain.len());
        if name < at && rest[at + 1..end].contains('.') {
            out.push_str(&rest[..name]);
            out.push_str(HIDDEN);
        } else {
            out.push_str(&rest[..end]);
        }
        rest = &rest[end..];
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_out_and_nothing_else() {
        for (text, left) in [
            ("no customer a.b+c@shop.example here", "no customer [personal] here"),
            ("<a@b.cd>,'e@f.gh'", "<[personal]>,[personal]"),
            ("at 5 @ 3 and @here, x@localhost", "at 5 @ 3 and @here, x@localhost"),
            ("ä@b.cd", "[personal]"),
            ("", ""),
        ] {
            assert_eq!(without_addresses(text), left, "{text}");
        }
    }
}
