//! A scalar cut into text and expressions, and the guard before the parser: it recurses without a bound of its own, so tokens,
//! signs in a row and bytes are counted first.

use std::ops::Range;

use minijinja::machinery::{Token, Tokenizer};

use super::{Fault, FaultKind};

const MAX_BYTES: usize = 8 * 1024;
const MAX_TOKENS: usize = 500;
const MAX_SIGNS: usize = 8;

/// A part of a scalar.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// Literal text.
    Text(Range<usize>),
    /// What stands between `{{` and `}}`.
    Expression(Range<usize>),
}

/// Cuts a scalar at its `{{ … }}`.
pub(super) fn pieces(text: &str) -> Result<Vec<Piece>, Fault> {
    let mut pieces = Vec::new();
    let mut at = 0;
    while let Some(open) = text[at..].find('{').map(|found| at + found) {
        let next = text.as_bytes().get(open + 1);
        if let Some(b'%' | b'#') = next {
            let message = "statements and comments have no place here: only `{{ … }}`";
            let help = "a condition is `{{ a if c else b }}`, a loop is `each:`";
            return Err(Fault::new(FaultKind::Syntax, span(&(open..open + 2)), message).help(help));
        }
        if next != Some(&b'{') {
            at = push_text(&mut pieces, at..open + 1);
            continue;
        }
        let inner = open + 2;
        let Some(length) = close(&text[inner..]) else {
            return Err(Fault::new(FaultKind::Syntax, span(&(open..text.len())), "`{{` is never closed")
                .help("write `}}` after it"));
        };
        if text[inner..].starts_with('-') {
            let fault = Fault::new(FaultKind::Syntax, span(&(open..inner + 1)), "`{{-` has no meaning here");
            return Err(fault.help("for a negative value put a space between: `{{ -x }}`"));
        }
        push_text(&mut pieces, at..open);
        pieces.push(Piece::Expression(inner..inner + length));
        at = inner + length + 2;
    }
    push_text(&mut pieces, at..text.len());
    Ok(pieces)
}

/// Adds text, joined to text before it, and returns where it ends.
fn push_text(pieces: &mut Vec<Piece>, range: Range<usize>) -> usize {
    let end = range.end;
    match pieces.last_mut() {
        Some(Piece::Text(before)) if before.end == range.start => before.end = end,
        _ if range.is_empty() => {}
        _ => pieces.push(Piece::Text(range)),
    }
    end
}

/// Where the expression that begins `text` ends: the first `}}` outside quotes and braces.
fn close(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let (mut at, mut open) = (0, 0_usize);
    while at < bytes.len() {
        match bytes[at] {
            quote @ (b'"' | b'\'') => at = after_quoted(bytes, at, quote)?,
            b'{' => open += 1,
            b'}' if open > 0 => open -= 1,
            b'}' if bytes.get(at + 1) == Some(&b'}') => return Some(at),
            _ => {}
        }
        at += 1;
    }
    None
}

/// The place of the quote that ends the text begun at `at`.
fn after_quoted(bytes: &[u8], at: usize, quote: u8) -> Option<usize> {
    let mut at = at + 1;
    while *bytes.get(at)? != quote {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    Some(at)
}

fn span(range: &Range<usize>) -> (u32, u32) {
    (range.start as u32, range.end as u32)
}

/// An expression that is safe to parse.
pub(super) struct Guarded {
    /// The text for the parser, byte for byte as long as what was written: the brackets of `x[a, b]` are parentheses, since
    /// the grammar has no several subscripts.
    pub(super) text: String,
    /// Where such brackets open.
    pub(super) several: Vec<usize>,
}

/// Counts the tokens of an expression at `offset` of its scalar.
pub(super) fn guard(expression: &str, offset: usize) -> Result<Guarded, Fault> {
    let whole = (offset as u32, (offset + expression.len()) as u32);
    let too_large = |what: String| {
        Fault::new(FaultKind::TooLarge, whole, format!("the expression is too large: {what}"))
            .help("give a part of it a node of its own")
    };
    if expression.len() > MAX_BYTES {
        return Err(too_large(format!("more than {MAX_BYTES} bytes")));
    }
    let mut brackets = Brackets::default();
    let mut tokens =
        Tokenizer::new(expression, "expression", true, minijinja::syntax::SyntaxConfig::default());
    let (mut count, mut signs) = (0, 0);
    loop {
        let (token, place) = match tokens.next_token() {
            Ok(Some((token, place))) => (token, place.start_offset as usize),
            Ok(None) => break,
            Err(error) => return Err(syntax(&error, expression, offset)),
        };
        count += 1;
        signs = if matches!(token, Token::Minus | Token::Ident("not")) { signs + 1 } else { 0 };
        if count > MAX_TOKENS {
            return Err(too_large(format!("more than {MAX_TOKENS} words and signs")));
        }
        if signs > MAX_SIGNS {
            return Err(too_large(format!("more than {MAX_SIGNS} signs in a row")));
        }
        brackets.token(&token, place);
    }
    Ok(brackets.rewrite(expression))
}

/// A syntax error of the grammar, at its place in the scalar.
pub(super) fn syntax(error: &minijinja::Error, expression: &str, offset: usize) -> Fault {
    let whole = 0..expression.len();
    let mut range =
        error.range().filter(|range| range.start <= range.end && range.end <= whole.end).unwrap_or(whole);
    while !expression.is_char_boundary(range.start) {
        range.start -= 1;
    }
    while !expression.is_char_boundary(range.end) {
        range.end += 1;
    }
    let alone = expression[range.clone()].trim() == "=";
    let range = offset + range.start..offset + range.end;
    let message = error.detail().unwrap_or("this is no expression").to_owned();
    let fault = Fault::new(FaultKind::Syntax, span(&range), message);
    fault.did_you_mean(alone.then_some("=="))
}

/// Finds the subscripts that have a comma.
#[derive(Default)]
struct Brackets {
    open: Vec<(usize, bool, bool)>,
    pairs: Vec<(usize, usize)>,
    after_value: bool,
}

impl Brackets {
    fn token(&mut self, token: &Token<'_>, place: usize) {
        match token {
            Token::BracketOpen => self.open.push((place, self.after_value, false)),
            Token::ParenOpen | Token::BraceOpen => self.open.push((place, false, false)),
            Token::Comma => {
                if let Some((_, _, comma)) = self.open.last_mut() {
                    *comma = true;
                }
            }
            Token::BracketClose | Token::ParenClose | Token::BraceClose => {
                if let Some((start, true, true)) = self.open.pop() {
                    self.pairs.push((start, place));
                }
            }
            _ => {}
        }
        self.after_value = match token {
            Token::Ident(word) => !matches!(*word, "in" | "not" | "and" | "or" | "if" | "else" | "is"),
            Token::BracketClose | Token::ParenClose => true,
            _ => false,
        };
    }

    fn rewrite(self, expression: &str) -> Guarded {
        let mut text = expression.to_owned();
        for (open, close) in &self.pairs {
            text.replace_range(*open..=*open, "(");
            text.replace_range(*close..=*close, ")");
        }
        Guarded { text, several: self.pairs.into_iter().map(|(open, _)| open).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_are_cut_at_expressions_only() {
        let text = Piece::Text;
        let expression = Piece::Expression;
        for (scalar, cut) in [
            ("plain {text}", vec![text(0..12)]),
            ("{{ a }}", vec![expression(2..5)]),
            ("x{{ a }}y", vec![text(0..1), expression(3..6), text(8..9)]),
            ("{{ '}}' }}", vec![expression(2..8)]),
            ("{{ {'a': {'b': 1}} }}", vec![expression(2..19)]),
            ("{{ \"\\\"}}\" }}", vec![expression(2..10)]),
            ("{{a}}{{b}}", vec![expression(2..3), expression(7..8)]),
            ("", vec![]),
        ] {
            assert_eq!(pieces(scalar).unwrap(), cut, "{scalar}");
        }
        for (scalar, message) in [
            ("{{ a", "`{{` is never closed"),
            ("{{ 'a }}", "`{{` is never closed"),
            ("{% if a %}", "statements and comments have no place here: only `{{ … }}`"),
            ("{{-a }}", "`{{-` has no meaning here"),
        ] {
            assert_eq!(pieces(scalar).unwrap_err().message, message);
        }
    }

    #[test]
    fn several_subscripts_are_found() {
        for (written, read) in [
            ("t.x[a, b]", "t.x(a, b)"),
            ("t.x[f(a, b)]", "t.x[f(a, b)]"),
            ("a in [1, 2]", "a in [1, 2]"),
            ("t.x[a[1, 2], 'é, [']", "t.x(a(1, 2), 'é, [')"),
        ] {
            assert_eq!(guard(written, 0).unwrap().text, read);
        }
    }

    #[test]
    fn what_is_too_large_is_refused_before_the_parser_sees_it() {
        for expression in
            ["-".repeat(50_000) + "1", "not ".repeat(600) + "a", "a+".repeat(3000) + "a", "x".repeat(9000)]
        {
            assert_eq!(guard(&expression, 0).err().map(|fault| fault.kind), Some(FaultKind::TooLarge));
        }
    }
}
