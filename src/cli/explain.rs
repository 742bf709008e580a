//! `flowrun explain CODE`: the section of `docs/problems.md`, which is part of the program.

use serde_json::json;

use super::{
    Streams,
    args::{Common, Format},
    exit::Exit,
};
use crate::{problem::codes, shape::near};

const PROBLEMS: &str = include_str!("../../docs/problems.md");

pub(super) fn run(code: &str, common: &Common, streams: &mut Streams) -> Exit {
    let code = spelt(code);
    if let (Some(known), Some(section)) = (codes::find(&code), section(&code)) {
        if common.format == Format::Json {
            let text = section.split_once('\n').map_or("", |(_, text)| text.trim());
            streams.give(json!({ "code": known.code, "title": known.title, "text": text }).to_string());
        } else {
            streams.give(section.trim_end());
        }
        return Exit::Done;
    }
    if let Some(near) = near(&code, codes::ALL.iter().map(|known| known.code)) {
        streams.say(format!("flowrun: no problem has the code `{code}`: did you mean `{near}`?"));
        return Exit::Usage;
    }
    streams.say(format!("flowrun: no problem has the code `{code}`; the codes are:"));
    codes::ALL.iter().for_each(|known| streams.say(format!("  {} {}", known.code, known.title)));
    Exit::Usage
}

/// A code as it is printed: `502` and `fr502` are `FR502`.
fn spelt(code: &str) -> String {
    let code = code.trim().to_uppercase();
    if code.starts_with(|letter: char| letter.is_ascii_digit()) { format!("FR{code}") } else { code }
}

fn section(code: &str) -> Option<&'static str> {
    let start = PROBLEMS.find(&format!("\n## {code} "))? + 1;
    let rest = &PROBLEMS[start..];
    let end = rest[3..].find("\n## ").map_or(rest.len(), |end| end + 3);
    rest.get(..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_ends_where_the_next_begins() {
        let section = section("FR101").unwrap();
        assert!(section.starts_with("## FR101"));
        assert_eq!(section.matches("\n## ").count(), 0);
        for code in ["FR999", "FR10", "FR"] {
            assert!(super::section(code).is_none(), "{code}");
        }
    }

    #[test]
    fn every_code_has_a_section_of_its_title() {
        for known in codes::ALL {
            let section = section(known.code).unwrap_or_default();
            assert!(section.starts_with(&format!("## {} {}\n", known.code, known.title)), "{}", known.code);
        }
    }

    #[test]
    fn codes_are_known_however_they_are_typed() {
        assert_eq!([spelt("502"), spelt("fr502"), spelt(" FR502 ")], ["FR502"; 3]);
    }
}
