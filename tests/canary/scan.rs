//! Looking for texts in bytes, in every form in which they may lie there. It shares no code with the product, which hides them.

use std::collections::{BTreeSet, HashMap};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE},
};

/// Texts to be looked for, in one pass.
pub struct Search {
    /// What a form is of, what form it is, its bytes.
    forms: Vec<(String, &'static str, Vec<u8>)>,
    /// Forms by their first bytes.
    by_start: HashMap<[u8; 4], Vec<usize>>,
    /// Which first two bytes any form has: most places are passed over by this alone.
    starts: Vec<bool>,
}

impl Search {
    pub fn new<'a>(texts: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut forms = Vec::new();
        for (name, text) in texts {
            assert!(text.len() >= 8, "too short to be found only where it is: {text}");
            for text in [text.to_owned(), text.to_lowercase(), text.to_uppercase()] {
                forms.extend(
                    self::forms(&text).into_iter().map(|(form, bytes)| (name.to_owned(), form, bytes)),
                );
            }
        }
        forms.sort();
        forms.dedup();
        let mut by_start = HashMap::<_, Vec<_>>::new();
        let mut starts = vec![false; 1 << 16];
        for (at, (_, _, form)) in forms.iter().enumerate() {
            by_start.entry([form[0], form[1], form[2], form[3]]).or_default().push(at);
            starts[usize::from(u16::from_be_bytes([form[0], form[1]]))] = true;
        }
        Self { forms, by_start, starts }
    }

    /// What is there, and in which form.
    pub fn found(&self, bytes: &[u8]) -> BTreeSet<(&str, &str)> {
        let mut found = BTreeSet::new();
        for at in 0..bytes.len().saturating_sub(3) {
            if self.starts[usize::from(u16::from_be_bytes([bytes[at], bytes[at + 1]]))] {
                let start = [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
                for form in self.by_start.get(&start).into_iter().flatten() {
                    let (name, form, text) = &self.forms[*form];
                    if bytes[at..].starts_with(text) {
                        found.insert((&**name, *form));
                    }
                }
            }
        }
        found
    }
}

fn forms(text: &str) -> Vec<(&'static str, Vec<u8>)> {
    let bytes = text.as_bytes();
    let each = |write: fn(&u8) -> String| bytes.iter().map(write).collect::<String>();
    let json = serde_json::to_string(text).unwrap();
    let json = json[1..json.len() - 1].to_owned();
    let (strict, loose) = (percent(bytes, "-._~"), percent(bytes, "-._~!$&'()*+,;=:@/?"));
    let mut forms = vec![
        ("raw", text.to_owned()),
        ("percent-encoded", lower_escapes(&strict)),
        ("percent-encoded", strict.replace("%20", "+")),
        ("percent-encoded", strict),
        ("percent-encoded, loosely", lower_escapes(&loose)),
        ("percent-encoded, loosely", loose),
        ("percent-encoded whole", each(|byte| format!("%{byte:02X}"))),
        ("percent-encoded whole", each(|byte| format!("%{byte:02x}"))),
        ("hex", each(|byte| format!("{byte:02X}"))),
        ("hex", each(|byte| format!("{byte:02x}"))),
        ("JSON", json.replace('/', "\\/")),
        ("JSON within JSON", json.replace('\\', "\\\\").replace('"', "\\\"")),
        ("JSON", json),
        ("JSON, ASCII", text.chars().map(escaped).collect()),
        ("Rust", text.escape_debug().to_string()),
    ];
    for before in 0..3 {
        forms.push(("base64", base64(&STANDARD, bytes, before)));
        forms.push(("base64 for URLs", base64(&URL_SAFE, bytes, before)));
    }
    forms.into_iter().map(|(name, form)| (name, form.into_bytes())).collect()
}

fn percent(bytes: &[u8], keep: &str) -> String {
    let one = |byte: &u8| match char::from(*byte) {
        letter if letter.is_ascii_alphanumeric() || keep.contains(letter) => letter.to_string(),
        _ => format!("%{byte:02X}"),
    };
    bytes.iter().map(one).collect()
}

/// `%2F` as `%2f`.
fn lower_escapes(text: &str) -> String {
    let mut escape = 0;
    let one = |letter: char| {
        escape = if letter == '%' { 3 } else { u8::saturating_sub(escape, 1) };
        if escape > 0 { letter.to_ascii_lowercase() } else { letter }
    };
    text.chars().map(one).collect()
}

fn escaped(letter: char) -> String {
    match letter {
        '"' | '\\' => format!("\\{letter}"),
        '\n' => "\\n".into(),
        ' '..='~' => letter.into(),
        _ => format!("\\u{:04x}", u32::from(letter)),
    }
}

/// What base64 makes of a text that stands after so many other bytes: only what does not depend on them, nor on what follows.
fn base64(alphabet: &impl base64::Engine, bytes: &[u8], before: usize) -> String {
    let whole = alphabet.encode([&vec![0; before], bytes].concat());
    whole[[0, 2, 3][before]..(before + bytes.len()) * 8 / 6].to_owned()
}

#[test]
fn every_form_is_found_and_nothing_else() {
    let text = "s3cr€t/pass+w\"ord:x";
    let search = Search::new([("it", text)]);
    let around = |before: &str, inside: &str, after: &str| format!("{before}{inside}{after}");
    let hex = "73336372e282ac742f706173732b77226f72643a78".to_owned();
    let mut planted = vec![
        text.to_owned(),
        text.to_uppercase(),
        hex.to_uppercase(),
        hex,
        "s3cr%E2%82%ACt%2Fpass%2Bw%22ord%3Ax".into(),
        "s3cr%e2%82%act%2fpass%2bw%22ord%3ax".into(),
        "s3cr%E2%82%ACt/pass+w%22ord:x".into(),
        r#"s3cr€t/pass+w\"ord:x"#.into(),
        r#"s3cr€t\/pass+w\"ord:x"#.into(),
        r#"s3cr\u20act/pass+w\"ord:x"#.into(),
        r#"s3cr€t/pass+w\\\"ord:x"#.into(),
    ];
    for before in ["", "u", "us", "use", "user"] {
        for after in ["", "a", "ab"] {
            planted.push(STANDARD.encode(around(before, text, after)));
            planted.push(URL_SAFE.encode(around(before, text, after)));
        }
    }
    for form in planted {
        let bytes = [b"\0\xff\xe2", form.as_bytes(), b"\x80\xac"].concat();
        assert!(!search.found(&bytes).is_empty(), "{form}");
    }
    for innocent in ["", "s3cr€t/pass+w\"ord:", "3cr€t/pass+w\"ord:x", "c2VjcmV0"] {
        assert!(search.found(innocent.as_bytes()).is_empty(), "{innocent}");
    }
}
