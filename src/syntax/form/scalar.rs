//! Scalars: text, names, numbers, words, durations, references. In: a scalar and what is wanted. Out: what is wrong with
//! it. It must never tell what stands where a secret belongs.

use super::{
    Form, Place,
    words::{example, listed, short, wanted},
};
use crate::{
    problem::{Problem, codes},
    shape::near,
    source::{Scalar, Span},
    syntax::{
        duration,
        keys::{Names, Want},
    },
    time,
    yaml::{Node, Plain, plain},
};

impl Form<'_> {
    pub(super) fn scalar(&mut self, node: &Node, scalar: &Scalar, want: &Want, place: Place<'_>) {
        let text = &*scalar.text;
        let expression = text.contains("{{");
        match want {
            Want::Expression => {}
            Want::Or(_) if expression => {}
            Want::Or(inner) => self.scalar(node, scalar, inner, place),
            Want::Reference => self.reference(node, text, place),
            _ if expression => {
                let message = format!("{} wants {}, found an expression", place.called(), wanted(want));
                self.problem(
                    codes::KIND,
                    node.span,
                    message,
                    format!("expressions are not read here; {}", example(place)),
                );
            }
            Want::Name(names) => self.name(text, node.span, *names, place.key),
            Want::Call => self.call(text, node.span, place),
            Want::Whole(least, most) => {
                let number =
                    (scalar.plain && !text.starts_with('+')).then(|| text.parse::<u64>().ok()).flatten();
                match number {
                    None => self.kind(node, want, place),
                    Some(number) if (u64::from(*least)..=u64::from(*most)).contains(&number) => {}
                    Some(_) => self.range(node, text, &format!("{least} to {most}"), place),
                }
            }
            Want::Number(least, most) => match (plain(text), text.parse::<f64>()) {
                (Plain::Number(_), Ok(number)) if (*least..=*most).contains(&number) => {}
                (Plain::Number(_), Ok(_)) => self.range(node, text, &format!("{least} to {most}"), place),
                _ => self.kind(node, want, place),
            },
            Want::Bool if !(scalar.plain && matches!(plain(text), Plain::Bool(_))) => {
                let message = format!("{} wants true or false, found `{}`", place.called(), short(text));
                let yes = matches!(&*text.to_lowercase(), "yes" | "on" | "true" | "y" | "1");
                let no = matches!(&*text.to_lowercase(), "no" | "off" | "false" | "n" | "0");
                let help = if yes {
                    "write `true`"
                } else if no {
                    "write `false`"
                } else {
                    "write `true` or `false`"
                };
                self.problem(codes::KIND, node.span, message, help);
            }
            Want::Duration if duration::duration(text).is_none() => {
                let message = format!("{} wants a duration, found `{}`", place.called(), short(text));
                self.problem(codes::DURATION, node.span, message, format!("write {}", duration::FORM));
            }
            Want::Word(words) if !words.contains(&text) => self.word(text, node.span, words, "", place),
            Want::Instant(words) if !words.contains(&text) && !time::is_instant(text) => {
                self.word(text, node.span, words, "an instant such as 2026-01-31T10:00:00Z", place);
            }
            Want::Text if text.is_empty() => {
                self.problem(codes::EMPTY, node.span, format!("{} is empty", place.called()), example(place));
            }
            _ => {}
        }
    }

    fn range(&mut self, node: &Node, text: &str, bounds: &str, place: Place<'_>) {
        let message = format!("{} is {}, expected {bounds}", place.called(), short(text));
        self.problem(codes::NUMBER, node.span, message, example(place));
    }

    fn word(&mut self, text: &str, span: Span, words: &[&'static str], more: &str, place: Place<'_>) {
        let message = format!("{} cannot be `{}`", place.called(), short(text));
        let help = if let Some(word) = near(text, words.iter().copied()) {
            format!("did you mean `{word}`?")
        } else {
            let words = listed(words.iter().copied());
            let all: Vec<&str> = [&*words, more].into_iter().filter(|part| !part.is_empty()).collect();
            format!("expected {}", all.join(" or "))
        };
        self.problem(codes::WORD, span, message, help);
    }

    /// A secret's reference. What was found is never told: it may be the secret.
    fn reference(&mut self, node: &Node, text: &str, place: Place<'_>) {
        let good = match text.split_once(':') {
            Some(("env", name)) => {
                let letters = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
                letters && name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
            }
            Some(("file", path)) => !path.trim().is_empty(),
            _ => false,
        };
        if !good {
            let message = format!("{} must say where the secret is, not what it is", place.called());
            let help = "write `env:NAME` or `file:path`; a secret that stood in a file is no secret any more: replace it";
            let problem = Problem::error(codes::INLINE_SECRET, node.span, message).help(help);
            self.problems.add(problem.hides(node.span));
        }
    }

    pub(super) fn name(&mut self, text: &str, span: Span, names: Names, what: &str) {
        let letters = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let good = match names {
            Names::Free => !text.contains("{{"),
            Names::Call => {
                text.split('.').all(|part| !part.is_empty() && letters(part)) && text.contains('.')
            }
            _ => {
                letters(text)
                    && text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
                    && text.len() <= 64
            }
        };
        if names.reserved().contains(&text) {
            let message = format!("the name `{text}` is kept for the language");
            self.problem(codes::RESERVED, span, message, "choose another name");
        } else if !good {
            let (wants, help) = match names {
                Names::Free => ("a constant", "keys cannot be made by expressions".to_owned()),
                Names::Call => ("`connection.operation`", "for example `store.get_order`".to_owned()),
                _ => ("a name", format!("a name has letters, digits and `_`{}", proposal(text))),
            };
            let message = format!("`{what}` wants {wants}, found `{}`", short(text));
            self.problem(codes::NAME, span, message, help);
        }
    }

    fn call(&mut self, text: &str, span: Span, place: Place<'_>) {
        let letters = |part: &str| part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let parts: Vec<_> = text.split('.').collect();
        let good = parts.iter().all(|part| !part.is_empty() && letters(part));
        if !good || !(2..=3).contains(&parts.len()) {
            let message = format!("{} wants `connection.operation`, found `{}`", place.called(), short(text));
            self.problem(codes::NAME, span, message, example(place));
        }
    }
}

/// A name made of what was written, if that is one.
fn proposal(text: &str) -> String {
    let letters = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '_' };
    let name: String = text.chars().map(letters).collect();
    let name = name.trim_matches('_');
    let good = name.starts_with(|first: char| first.is_ascii_alphabetic()) && name.len() <= 64;
    if good { format!(": `{name}`") } else { String::new() }
}
