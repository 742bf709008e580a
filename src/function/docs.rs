//! The reference of functions and tests as Markdown, written from the table.

use std::fmt::Write as _;

use super::{FUNCTIONS, Function, TESTS};

const INTRODUCTION: &str = "# Expressions

`{{ … }}` holds an expression. A scalar that is one expression keeps its type; text with expressions in it is text. Numbers
are exact decimals of at most 28 digits: what does not come out exactly is an error, never a rounded number.

| written | means |
|---|---|
| `x.name`, `x['name']`, `x[0]`, `x[-1]`, `x[1:3]` | a member, an element, a part of a list or text; what is missing is an error |
| `result[key]` | the element of a result that is keyed by `by:`; it has `.key`, `.item`, `.value` |
| `tables.name[key]`, `tables.name[k1, k2]`, `tables.name.column` | a row, all values of a column |
| `+ - *` | exact; `+` also joins lists; two currencies, or an amount and a number other than 0, are an error |
| `/` | exact, or an error; inside `round(a / b, 2)` the quotient is rounded once |
| `//`, `%`, `**` | divided and rounded down, what that leaves, a whole power |
| `a ~ b` | joined as text |
| `== != < <= > >=`, `a < b < c`, `in`, `not in` | comparisons; text is never equal to a number, null only to null |
| `and`, `or`, `not` | true or false; null, zero and what is empty count as false |
| `a if c else b` | one or the other; `else` is required |
| `[a, b]`, `{'name': a}`, `omit` | a list, an object, leave this field or element out |

# Functions

Written from the table that the checker and the evaluator use; every example is run as a test. A function works both ways:
`round(x, 2)` and `x | round(2)`. A parameter with `?` may be left out.
";

/// The text of `docs/functions.md`.
pub fn reference() -> String {
    let mut out = String::from(INTRODUCTION);
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
