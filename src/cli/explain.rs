//! `flowrun explain CODE`: the section of `docs/problems.md`, which is part of the program.

use super::{Streams, exit::Exit};

const PROBLEMS: &str = include_str!("../../docs/problems.md");

pub(super) fn run(code: &str, streams: &mut Streams) -> Exit {
    let code = code.to_uppercase();
    if let Some(section) = section(&code) {
        streams.give(section.trim_end());
        return Exit::Done;
    }
    let known: Vec<&str> = PROBLEMS.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    streams.say(format!("no problem has the code `{code}`; the codes are:"));
    known.iter().for_each(|title| streams.say(format!("  {title}")));
    Exit::Usage
}

fn section(code: &str) -> Option<&'static str> {
    let start = PROBLEMS.match_indices("\n## ").find(|(at, _)| PROBLEMS[at + 4..].starts_with(code))?.0 + 1;
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
        assert!(super::section("FR999").is_none());
    }
}
