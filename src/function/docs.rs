//! The reference of functions and tests as Markdown, written from the table.

use std::fmt::Write as _;

use super::{FUNCTIONS, Function, TESTS};

/// The text of `docs/functions.md`.
pub fn reference() -> String {
    let mut out = String::from(
        "# Functions\n\nWritten from the table that the checker and the evaluator use; every example is run as a test. \
         A function works both ways: `round(x, 2)` and `x | round(2)`.\n",
    );
    for function in FUNCTIONS {
        entry(function, &mut out);
    }
    out.push_str("\n# Tests\n\n`x is none`, `x is not none`, `list | selectattr('n', '>', 5)`.\n\n| test | holds if |\n|---|---|\n");
    for test in TESTS {
        let names = test.names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        _ = writeln!(out, "| {names} | {} |", test.doc);
    }
    out
}

fn entry(function: &Function, out: &mut String) {
    let params = function.params.iter().map(|param| {
        let name = if param.needed { param.name.to_owned() } else { format!("{}?", param.name) };
        match param.words {
            [] => format!("{name}: {}", param.takes.words()),
            words => format!("{name}: {}", words.join(" | ")),
        }
    });
    let params = params.collect::<Vec<_>>().join(", ");
    let more = if function.rest { ", …" } else { "" };
    _ = write!(out, "\n## {}\n\n`{}({params}{more})`\n\n{}\n", function.name, function.name, function.doc);
    if !function.examples.is_empty() {
        out.push_str("\n```text\n");
        for (expression, gives) in function.examples {
            _ = writeln!(out, "{expression}  →  {gives}");
        }
        out.push_str("```\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_has_its_section() {
        let text = reference();
        for function in FUNCTIONS {
            assert!(text.contains(&format!("\n## {}\n", function.name)), "{}", function.name);
        }
        assert!(text.contains("round(value: number or amount, digits?: number, mode?: half_up | half_even"));
    }
}
