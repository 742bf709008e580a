//! Keeps secrets that somebody wrote into a file out of what is drawn. In: a text, places known to be secret. Out: the text
//! of the same length with stars there. It reads no YAML: the file may be broken, and then the secret must stay hidden all
//! the more.

use std::ops::Range;

/// How the names of keys end that hold secrets.
const ENDINGS: &[&str] = &[
    "secret",
    "token",
    "password",
    "passwd",
    "passphrase",
    "private_key",
    "api_key",
    "apikey",
    "signing_key",
    "access_key",
];

/// What a value that is no secret itself begins with: a reference, an expression, a nested value, a block header.
const HARMLESS: &[&str] = &["env:", "file:", "{", "[", "|", ">", "#", "&", "*", "!"];

/// The text with stars in place of secrets; same length in bytes, same line breaks.
pub fn hidden(text: &str, known: &[Range<usize>]) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let mut places = known.to_vec();
    places.extend(by_key(text));
    places.extend(pem(text));
    for place in places {
        let end = place.end.min(bytes.len());
        for byte in &mut bytes[place.start.min(end)..end] {
            if !matches!(byte, b'\n' | b'\r') {
                *byte = b'*';
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|broken| String::from_utf8_lossy(broken.as_bytes()).into_owned())
}

/// Values of keys whose names say that they are secret, and all values below `secrets:`.
fn by_key(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut below: Option<usize> = None;
    let mut block = Block::None;
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let bare = line.trim_end();
        let indent = bare.len() - bare.trim_start().len();
        below = below.filter(|depth| bare.is_empty() || indent > *depth);
        if block.goes_on(bare, indent) {
            found.push(start + indent.min(bare.len())..start + bare.len());
        } else {
            block = Block::None;
            let mut inside = below.is_some();
            for (key, value) in pairs(bare) {
                let given = bare[value.clone()].trim_matches(['"', '\'']);
                let secret = ENDINGS.iter().any(|ending| key.to_ascii_lowercase().ends_with(ending))
                    || (inside && !given.contains(' '));
                if key == "secrets" {
                    inside = true;
                    below = Some(indent);
                } else if secret && given.starts_with(['|', '>']) {
                    block =
                        if bare[..value.start].contains('{') { Block::Brace } else { Block::Below(indent) };
                } else if secret && given.starts_with('[') {
                    found.push(start + value.start + 1..start + bare.len());
                } else if secret && !HARMLESS.iter().any(|sign| given.starts_with(sign)) {
                    found.push(start + value.start..start + value.end);
                }
            }
        }
        start += line.len();
    }
    found
}

/// Lines that go on with a secret.
enum Block {
    None,
    /// Those that are indented deeper.
    Below(usize),
    /// Those until a brace closes: no YAML, but meant so.
    Brace,
}

impl Block {
    fn goes_on(&mut self, bare: &str, indent: usize) -> bool {
        match self {
            Self::None => false,
            Self::Below(depth) => bare.is_empty() || indent > *depth,
            Self::Brace => {
                if bare.contains('}') {
                    *self = Self::None;
                }
                true
            }
        }
    }
}

/// `key: value` pairs of one line, in block or flow form, with the places of their values.
fn pairs(line: &str) -> Vec<(&str, Range<usize>)> {
    let mut found = Vec::new();
    for (colon, _) in line.match_indices(": ").chain(line.ends_with(':').then(|| (line.len() - 1, ":"))) {
        let name = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == '-';
        let key = line[..colon].trim_end_matches(['"', '\'']);
        let key = &key[key
            .rfind(|letter| !name(letter))
            .map_or(0, |at| at + key[at..].chars().next().map_or(1, char::len_utf8))..];
        let rest = &line[(colon + 2).min(line.len())..];
        let begin = (colon + 2).min(line.len()) + (rest.len() - rest.trim_start().len());
        let rest = &line[begin..];
        let length = match rest.chars().next() {
            Some(quote @ ('"' | '\'')) => rest[1..].find(quote).map_or(rest.len(), |close| close + 2),
            _ => rest.find([',', '}']).unwrap_or(rest.len()),
        };
        found.push((key, begin..begin + length));
    }
    found
}

/// Private keys in PEM form.
fn pem(text: &str) -> Vec<Range<usize>> {
    let begins = text.match_indices("-----BEGIN ").map(|(at, _)| at);
    begins.map(|at| at..text[at..].find("-----END").map_or(text.len(), |end| at + end)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(expected, hidden(text, &[]));
    }

    #[test]
    fn values_of_secret_keys_are_starred() {
        check("token: abc\nname: abc\n", "token: ***\nname: abc\n");
        check("a: { client_secret: \"x y\", id: 7 }", "a: { client_secret: *****, id: 7 }");
        check(
            "secrets:\n  any: abc\n  ref: env:ABC\nnext: abc\n",
            "secrets:\n  any: ***\n  ref: env:ABC\nnext: abc\n",
        );
        check("secrets: { any: abc, other: file:x }", "secrets: { any: ***, other: file:x }");
        check("private_key: |\n  ab\n  cd\nx: 1\n", "private_key: |\n  **\n  **\nx: 1\n");
        check("token: [abc, d]\nb: c", "token: [*******\nb: c");
        check("a: { token: |\n  ab\n  c }\nb: c", "a: { token: |\n  **\n  ***\nb: c");
        check("broken: [ -----BEGIN KEY\nab\n-----END", "broken: [ **************\n**\n-----END");
    }

    #[test]
    fn references_and_expressions_stay_readable() {
        for text in [
            "token: env:STORE_TOKEN",
            "token: \"{{ event.token }}\"",
            "secret: file:/run/x",
            "token:",
            "é: ü",
        ] {
            check(text, text);
        }
    }

    #[test]
    fn known_places_are_starred_whatever_they_hold() {
        assert_eq!("a ** d", hidden("a bc d", &[2..4, 90..99]));
    }
}
