//! JSON text to values and back: digits are kept, duplicate keys and deep nests are refused.

use std::{cell::Cell, fmt::Write as _, sync::Arc};

use jiter::{Jiter, JiterError, Peek};

use super::{Number, Value};
use crate::money::{self, Decimal};

const MAX_DEPTH: usize = 128;
const MAX_DIGITS: usize = 1000;
/// Room for what is written, to begin with.
const USUAL: usize = 256;

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
        let keys = KEYS.take().unwrap_or_default();
        let mut reader = Reader { json: Jiter::new(bytes), keys, sizes: [0; REMEMBERED_DEPTHS] };
        let read = (|| {
            let peek = reader.json.peek()?;
            let value = reader.value(peek, 0)?;
            reader.json.finish()?;
            Ok(value)
        })();
        let read = read.map_err(|fault: Fault| fault.at(&reader.json));
        KEYS.set(Some(reader.keys));
        read
    }

    /// Writes the value as compact JSON. Amounts are numbers with the digits of their currency.
    pub fn to_json(&self) -> String {
        let mut out = String::with_capacity(USUAL);
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

impl From<JiterError> for Fault {
    fn from(error: JiterError) -> Self {
        Self::Json(error)
    }
}

/// The keys seen last: an order's lines all have the same ones, and so do orders, so most are shared rather than made.
struct Keys(Vec<Option<Arc<str>>>);

thread_local! {
    /// Between two documents that one thread reads.
    static KEYS: Cell<Option<Keys>> = const { Cell::new(None) };
}

/// Longer keys are not remembered.
const MAX_REMEMBERED_KEY: usize = 64;

impl Default for Keys {
    fn default() -> Self {
        Self(vec![None; 256])
    }
}

impl Keys {
    fn shared(&mut self, key: &str) -> Arc<str> {
        let bytes = key.as_bytes();
        if bytes.len() > MAX_REMEMBERED_KEY {
            return key.into();
        }
        let byte = |at: usize| usize::from(bytes.get(at).copied().unwrap_or_default());
        let middle = byte(bytes.len() / 2);
        let place = byte(0) ^ (byte(bytes.len().wrapping_sub(1)) << 2) ^ (middle << 4) ^ (bytes.len() << 1);
        let slot = &mut self.0[place % 256];
        match slot {
            Some(known) if **known == *key => Arc::clone(known),
            _ => Arc::clone(slot.insert(key.into())),
        }
    }
}

const REMEMBERED_DEPTHS: usize = 16;
const MAX_REMEMBERED: usize = 64;

struct Reader<'b> {
    json: Jiter<'b>,
    keys: Keys,
    /// How many members the last object at each depth had: the next one in the same list will have as many.
    sizes: [usize; REMEMBERED_DEPTHS],
}

impl Reader<'_> {
    fn value(&mut self, peek: Peek, depth: usize) -> Result<Value, Fault> {
        if depth > MAX_DEPTH {
            return Err(Fault::Own(format!("nested more than {MAX_DEPTH} levels")));
        }
        Ok(match peek {
            Peek::Null => self.json.known_null().map(|()| Value::Null)?,
            Peek::True | Peek::False => Value::Bool(self.json.known_bool(peek)?),
            Peek::String => Value::from(self.json.known_str()?),
            Peek::Array => self.list(depth)?,
            Peek::Object => self.object(depth)?,
            number => Value::Number(read_number(self.json.known_number_bytes(number)?)?),
        })
    }

    fn list(&mut self, depth: usize) -> Result<Value, Fault> {
        let mut items = Vec::new();
        let mut next = self.json.known_array()?;
        while let Some(peek) = next {
            items.push(self.value(peek, depth + 1)?);
            next = self.json.array_step()?;
        }
        Ok(Value::List(Arc::new(items)))
    }

    fn object(&mut self, depth: usize) -> Result<Value, Fault> {
        let expected = self.sizes.get(depth).copied().unwrap_or_default();
        let mut map = super::map_with_capacity(expected);
        let mut key = self.json.known_object()?.map(|key| self.keys.shared(key));
        while let Some(name) = key {
            let peek = self.json.peek()?;
            let value = self.value(peek, depth + 1)?;
            if map.insert(name, value).is_some() {
                return Err(Fault::Own("an object names one key twice".into()));
            }
            key = self.json.next_key()?.map(|key| self.keys.shared(key));
        }
        if let Some(size) = self.sizes.get_mut(depth) {
            *size = map.len().min(MAX_REMEMBERED);
        }
        Ok(Value::Map(Arc::new(map)))
    }
}

fn read_number(bytes: &[u8]) -> Result<Number, Fault> {
    let text = std::str::from_utf8(bytes).map_err(|_| Fault::Own("a number that is not text".into()))?;
    if text.len() > MAX_DIGITS {
        return Err(Fault::Own(format!("a number of more than {MAX_DIGITS} digits")));
    }
    let exponent = bytes.iter().any(|byte| matches!(byte, b'e' | b'E'));
    match money::decimal(text) {
        Ok(digits) if !(exponent || digits.is_zero() && bytes[0] == b'-') => Ok(Number::Exact(digits)),
        _ => Ok(Number::Written(text.into())),
    }
}

fn write(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
        Value::Number(number) => number.write(out),
        Value::Money(money) => write_digits(money.written(), out),
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

impl Number {
    /// Adds the number as it is written.
    pub fn write(&self, out: &mut String) {
        match self {
            Self::Exact(digits) => write_digits(*digits, out),
            Self::Written(text) => out.push_str(text),
        }
    }
}

/// Adds a decimal with the digits it has; faster than formatting, since most are short.
pub(super) fn write_digits(digits: Decimal, out: &mut String) {
    let mantissa = digits.mantissa();
    let Ok(mut rest) = u64::try_from(mantissa.unsigned_abs()) else {
        _ = write!(out, "{digits}");
        return;
    };
    let point = digits.scale() as usize;
    let mut buffer = [b'0'; 64];
    let mut at = buffer.len();
    let mut written = 0;
    while rest > 0 || written <= point {
        if written == point && point > 0 {
            at -= 1;
            buffer[at] = b'.';
        }
        at -= 1;
        buffer[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        written += 1;
    }
    if mantissa < 0 {
        out.push('-');
    }
    out.extend(buffer[at..].iter().map(|byte| char::from(*byte)));
}

fn write_text(text: &str, out: &mut String) {
    out.push('"');
    // without a branch in it, so that the compiler looks at many bytes at once
    let special = text.bytes().fold(0_u8, |found, byte| {
        found | u8::from(byte < 0x20) | u8::from(byte == b'"') | u8::from(byte == b'\\')
    });
    if special == 0 {
        out.push_str(text);
    } else {
        write_escaped(text, out);
    }
    out.push('"');
}

fn write_escaped(text: &str, out: &mut String) {
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
            "[-0.00,0.001,-0.50,18446744073709551616,79228162514264337593543950335,-1,1.10]",
            r#"{"":1,"a":{"":{"b":2}},"c":[{"k":1,"l":2},{"k":1,"l":2,"m":3},{"k":1}]}"#,
        ] {
            assert_eq!(Value::parse(text.as_bytes()).unwrap().to_json(), text);
        }
    }

    proptest::proptest! {
        #[test]
        fn digits_are_written_as_they_format(mantissa in proptest::prelude::any::<i64>(), scale in 0u32..29) {
            let digits = Decimal::new(mantissa, scale);
            let mut out = String::new();
            write_digits(digits, &mut out);
            proptest::prop_assert_eq!(out, digits.to_string());
        }
    }

    #[test]
    fn keys_of_many_objects_are_shared() {
        let value = Value::parse(br#"[{"sku":1},{"sku":2}]"#).unwrap();
        let key = |at| value.at(at).and_then(Value::as_map).and_then(|map| map.keys().next()).unwrap();
        assert!(Arc::ptr_eq(key(0), key(1)));
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
        for text in [
            "NaN",
            "Infinity",
            "-Infinity",
            "01",
            "1.",
            "+1",
            ".5",
            "[1,]",
            "{\"a\"}",
            "{a:1}",
            "'a'",
            "[1] 2",
            "\"\u{1}\"",
            "\"\\ud800\"",
            "nul",
            "[\"a\" \"b\"]",
        ] {
            assert!(Value::parse(text.as_bytes()).is_err(), "{text}");
        }
        assert!(Value::parse(b"\"\xff\"").is_err());
        let long = format!("[{}]", "9".repeat(2000));
        assert!(Value::parse(long.as_bytes()).unwrap_err().message.contains("more than 1000 digits"));
        let deep = "[".repeat(200) + &"]".repeat(200);
        assert!(Value::parse(deep.as_bytes()).unwrap_err().message.contains("nested"));
    }
}
