//! How facts lie on disk: a format byte, a key id, then the bytes. In: anything serialisable. Out: bytes, and back. It must
//! never know where the bytes are kept.

use serde::{Serialize, de::DeserializeOwned};

/// The only format so far: postcard, not encrypted.
const POSTCARD: u8 = 1;
/// The key id that stands for "not encrypted".
const OPEN: [u8; 2] = [0, 0];

/// Bytes that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Written by another version.
    #[error("found a record of format {found}, expected {POSTCARD}: it was written by a newer flowrun")]
    Format {
        /// The format byte.
        found: u8,
    },
    /// Encrypted with a key that this version cannot have.
    #[error("found a record under key {found}, expected an open one: it was written by a newer flowrun")]
    Key {
        /// The key id.
        found: u16,
    },
    /// Cut short or damaged.
    #[error("found a damaged record: {0}")]
    Damaged(#[from] postcard::Error),
}

/// Seals a record. The room for a key is there from the first day, so that encryption a subject needs no migration.
pub fn seal<T: Serialize>(record: &T) -> Result<Vec<u8>, Error> {
    let mut out = Vec::with_capacity(256);
    out.push(POSTCARD);
    out.extend_from_slice(&OPEN);
    Ok(postcard::to_extend(record, out)?)
}

/// Opens a sealed record.
pub fn open<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    match bytes {
        [POSTCARD, 0, 0, rest @ ..] => Ok(postcard::from_bytes(rest)?),
        [POSTCARD, low, high, ..] => Err(Error::Key { found: u16::from_le_bytes([*low, *high]) }),
        [found, ..] => Err(Error::Format { found: *found }),
        [] => Err(Error::Damaged(postcard::Error::DeserializeUnexpectedEnd)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Value;

    #[test]
    fn a_record_comes_back_with_its_digits() {
        let text = br#"{"a":12.10,"b":[1e400,null,true,"x"],"c":{}}"#;
        let value = Value::parse(text).unwrap();
        assert_eq!(open::<Value>(&seal(&value).unwrap()).unwrap(), value);
    }

    #[test]
    fn foreign_and_damaged_records_are_refused() {
        let mut bytes = seal(&"text").unwrap();
        assert!(matches!(open::<String>(&bytes[..4]), Err(Error::Damaged(_))));
        assert!(matches!(open::<String>(&[]), Err(Error::Damaged(_))));
        bytes[1] = 7;
        assert!(matches!(open::<String>(&bytes), Err(Error::Key { found: 7 })));
        bytes[0] = 9;
        assert!(matches!(open::<String>(&bytes), Err(Error::Format { found: 9 })));
    }
}
