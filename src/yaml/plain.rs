//! What a plain scalar means: YAML 1.2 core. In: its text. Out: null, boolean, number or text. It must never know what is
//! wanted: `yes`, `no`, `on`, `True`, dates and times are text.

/// What a plain scalar is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plain<'a> {
    /// `null`, `~` or nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A decimal number, its digits as written.
    Number(&'a str),
    /// Everything else.
    Text(&'a str),
}

/// Reads a plain scalar. Only the lower-case words count, as in JSON, and only decimal numbers are numbers: octal, hexadecimal, infinity and not-a-number are text, for no
/// value of a flow can be one.
pub fn plain(text: &str) -> Plain<'_> {
    match text {
        "" | "~" | "null" => Plain::Null,
        "true" => Plain::Bool(true),
        "false" => Plain::Bool(false),
        text if is_number(text) => Plain::Number(text),
        text => Plain::Text(text),
    }
}

/// `[-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?`
fn is_number(text: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['-', '+']).unwrap_or(exponent))),
        None => (unsigned, None),
    };
    let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    digits(whole)
        && digits(part)
        && !(whole.is_empty() && part.is_empty())
        && exponent.is_none_or(|exponent| !exponent.is_empty() && digits(exponent))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn core_schema_without_surprises() {
        for text in ["", "~", "null"] {
            assert_eq!(Plain::Null, plain(text), "{text}");
        }
        assert_eq!(Plain::Bool(true), plain("true"));
        assert_eq!(Plain::Bool(false), plain("false"));
        for text in ["0", "-1", "+12", "1.50", ".5", "1.", "1e9", "-1.5E-3", "007"] {
            assert_eq!(Plain::Number(text), plain(text), "{text}");
        }
        for text in [
            "yes", "no", "on", "off", "Null", "True", "FALSE", ".", "-", "e9", "1e", "0x1F", "0o7", ".inf",
            ".nan",
        ] {
            assert_eq!(Plain::Text(text), plain(text), "{text}");
        }
        for text in ["2026-01-31", "10:30", "1_000", "1,5", "1.2.3", "+-1"] {
            assert_eq!(Plain::Text(text), plain(text), "{text}");
        }
    }
}
