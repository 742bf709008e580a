//! JSON text to values and back: digits are kept, duplicate keys and deep nests are refused.

use std::{fmt::Write as _, sync::Arc};

use jiter::{Jiter, JiterError, Peek};

use super::{Map, Number, Value};
use crate::money;

const MAX_DEPTH: usize = 128;
const MAX_DIGITS: usize = 1000;

/// JSON that cannot be read, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} at line {line}, column {column}")]
pub struct JsonError {
    /// What is wrong; never a part of the text itself.
    pub message: String,
    /// From 1.
    pub line: usize,
    /// From 1.
    pub column: usize,
}

impl Value {
    /// Reads one JSON document.
    pub fn parse(bytes: &[u8]) -> Result<Self, JsonError> {
        let mut reader = Jiter::new(bytes);
        let read = (|| {
            let peek = reader.peek().map_err(Fault::Json)?;
            let value = read(&mut reader, peek, 0)?;
            reader.finish().map_err(Fault::Json)?;
            Ok(value)
        })();
        read.map_err(|fault: Fault| fault.at(&reader))
    }

    /// Writes the value as compact JSON. Amounts are numbers with the digits of their currency.
    pub fn to_json(&self) -> String {
        let mut out = String::new();
        write(self, &mut out);
        out
    }
}

enum Fault {
    Json(JiterError),
    Own(String),
}

impl Fault {
    fn at(self, reader: &Jiter<'_>) -> JsonError {
        let (index, message) = match self {
            Self::Json(error) => (error.index, error.error_type.to_string()),
            Self::Own(message) => (reader.current_index(), message),
        };
        let place = reader.error_position(index);
        JsonError { message, line: place.line, column: place.column }
    }
}

fn read(reader: &mut Jiter<'_>, peek: Peek, depth: usize) -> Result<Value, Fault> {
    if depth > MAX_DEPTH {
        return Err(Fault::Own(format!("nested more than {MAX_DEPTH} levels")));
    }
    match peek {
        Peek::Null => reader.known_null().map(|()| Value::Null).map_err(Fault::Json),
        Peek::True | Peek::False => reader.known_bool(peek).map(Value::Bool).map_err(Fault::Json),
        Peek::String => reader.known_str().map(Value::from).map_err(Fault::Json),
        Peek::Array => read_list(reader, depth),
        Peek::Object => read_map(reader, depth),
        number => {
            let digits = reader.known_number_bytes(number).map_err(Fault::Json)?;
            Ok(Value::Number(read_number(digits)?))
        }
    }
}

fn read_list(reader: &mut Jiter<'_>, depth: usize) -> Result<Value, Fault> {
    let mut items = Vec::new();
    let mut next = reader.known_array().map_err(Fault::Json)?;
    while let Some(peek) = next {
        items.push(read(reader, peek, depth + 1)?);
        next = reader.array_step().map_err(Fault::Json)?;
    }
    Ok(Value::List(Arc::new(items)))
}

fn read_map(reader: &mut Jiter<'_>, depth: usize) -> Result<Value, Fault> {
    let mut map = Map::default();
    let mut key: Option<Arc<str>> = reader.known_object().map_err(Fault::Json)?.map(Into::into);
    while let Some(name) = key {
        let peek = reader.peek().map_err(Fault::Json)?;
        let value = read(reader, peek, depth + 1)?;
        if map.insert(name, value).is_some() {
            return Err(Fault::Own("an object names one key twice".into()));
        }
        key = reader.next_key().map_err(Fault::Json)?.map(Into::into);
    }
    Ok(Value::Map(Arc::new(map)))
}

fn read_number(bytes: &[u8]) -> Result<Number, Fault> {
    let text = std::str::from_utf8(bytes).map_err(|_| Fault::Own("a number that is not text".into()))?;
    if text.len() > MAX_DIGITS {
        return Err(Fault::Own(format!("a number of more than {MAX_DIGITS} digits")));
    }
    let plain = text != "-0" && !text.contains(['e', 'E']);
    match money::decimal(text) {
        Ok(digits) if plain => Ok(Number::Exact(digits)),
        _ => Ok(Number::Written(text.into())),
    }
}

fn write(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
        Value::Number(number) => _ = write!(out, "{number}"),
        Value::Money(money) => _ = write!(out, "{}", money.written()),
        Value::Text(text) => write_text(text, out),
        Value::List(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write(item, out);
            }
            out.push(']');
        }
        Value::Map(map) => {
            out.push('{');
            for (index, (key, value)) in map.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_text(key, out);
                out.push(':');
                write(value, out);
            }
            out.push('}');
        }
    }
}

fn write_text(text: &str, out: &mut String) {
    out.push('"');
    let mut clean = 0;
    for (at, byte) in text.bytes().enumerate() {
        let escape = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            b'\n' => "\\n",
            b'\r' => "\\r",
            b'\t' => "\\t",
            0..0x20 => "",
            _ => continue,
        };
        out.push_str(&text[clean..at]);
        if escape.is_empty() {
            _ = write!(out, "\\u{byte:04x}");
        } else {
            out.push_str(escape);
        }
        clean = at + 1;
    }
    out.push_str(&text[clean..]);
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_survive_a_round_trip() {
        for text in [
            r#"{"a":12.10,"b":[1e400,0.1,-0,123456789012345678901234567890.5],"c":"é\n\u0001\"","d":null,"e":true}"#,
            "[]",
            "\"x\"",
        ] {
            assert_eq!(Value::parse(text.as_bytes()).unwrap().to_json(), text);
        }
    }

    #[test]
    fn bad_json_says_where() {
        for (text, message) in [
            ("{\"a\":1,\"a\":2}", "an object names one key twice at line 1, column 13"),
            ("{\"a\":\n tru}", "expected ident at line 2, column 5"),
            ("", "EOF while parsing a value at line 1, column 0"),
        ] {
            assert_eq!(Value::parse(text.as_bytes()).unwrap_err().to_string(), message, "{text}");
        }
        let deep = "[".repeat(200) + &"]".repeat(200);
        assert!(Value::parse(deep.as_bytes()).unwrap_err().message.contains("nested"));
    }
}
