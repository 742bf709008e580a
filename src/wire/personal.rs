//! Personal data in errors. In: what an operation was asked, with the marks of its records, and a platform's refusal. Out: the
//! refusal without what it repeats of them: its words go into messages, and messages are read by many.

use crate::{
    connector::Operation,
    secret::{Redactor, Secret, rewrite},
    value::Value,
};

/// What stands where something personal was.
const HIDDEN: &str = "[personal]";

/// A refusal's body without personal data.
pub(super) fn hidden(operation: &Operation, inputs: &[Value], body: &Value) -> Value {
    let redactor = Redactor::new(HIDDEN);
    for text in operation.personal(inputs) {
        redactor.learn(&Secret::new(text.to_owned()));
    }
    rewrite(body, &|text| without_addresses(&redactor.clean(text)))
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
