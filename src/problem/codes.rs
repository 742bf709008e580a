//! The codes of problems, one line each. In: nothing. Out: code, title, and whether the places it points at must be kept
//! out of sight. It must never know how a problem is found: `docs/problems.md` tells what each means and how to mend it.

/// A code and what it stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    /// `FR101` and so on. The hundreds: 1 YAML and form, 2 names, 3 types, 4 flow, 5 effects, 6 connectors and estate.
    pub code: &'static str,
    /// A few words; the heading of its section in `docs/problems.md`.
    pub title: &'static str,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $title:literal;)*) => {
        $($(#[$doc])* pub const $name: &str = $code;)*

        /// Every code, in order.
        pub const ALL: &[Code] = &[$(Code { code: $code, title: $title }),*];
    };
}

codes! {
    /// The text is no YAML.
    SYNTAX = "FR101", "not valid YAML";
    /// A tab stands where only spaces may.
    TAB = "FR102", "a tab where spaces are wanted";
    /// A key stands twice in one object.
    DUPLICATE_KEY = "FR103", "the same key twice";
    /// An anchor, an alias or a merge key.
    ALIAS = "FR104", "anchors, aliases and merge keys are not used";
    /// A tag or a directive.
    TAG = "FR105", "tags and directives are not used";
    /// More than one document in a file.
    DOCUMENTS = "FR106", "more than one document in a file";
    /// `{{ … }}` without quotes where YAML reads braces as an object.
    UNQUOTED = "FR107", "an expression without quotes";
    /// Too long, too deep, too many.
    LIMIT = "FR108", "larger than a file may be";
    /// Bytes that are no UTF-8 text.
    NOT_TEXT = "FR109", "not UTF-8 text";
    /// A key that nobody knows.
    UNKNOWN_KEY = "FR110", "unknown key";
    /// A key that must be there is not.
    MISSING_KEY = "FR111", "missing key";
    /// A list where text is wanted, and so on.
    KIND = "FR112", "the wrong kind of value";
    /// No duration.
    DURATION = "FR113", "not a duration";
    /// A name with characters that names do not have.
    NAME = "FR114", "not a name";
    /// A name that the language keeps for itself.
    RESERVED = "FR115", "a reserved name";
    /// Not one of the words that may stand here.
    WORD = "FR116", "not one of the words that may stand here";
    /// Exactly one of some keys is wanted.
    ONE_OF = "FR117", "exactly one of these keys is wanted";
    /// Two things of one list have the same name.
    DUPLICATE_NAME = "FR118", "the same name twice";
    /// Nothing was written where something is wanted.
    EMPTY = "FR119", "nothing is written here";
    /// A secret written into a file.
    INLINE_SECRET = "FR120", "a secret written into a file";
    /// A key of another kind of node or source.
    MISPLACED_KEY = "FR121", "a key of another kind";
    /// A number out of range.
    NUMBER = "FR122", "a number out of range";
}

/// The code's line, if there is such a code.
pub fn find(code: &str) -> Option<&'static Code> {
    ALL.iter().find(|known| known.code == code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_sorted_and_single() {
        assert!(ALL.windows(2).all(|pair| pair[0].code < pair[1].code));
        assert_eq!(Some("unknown key"), find(UNKNOWN_KEY).map(|code| code.title));
        assert_eq!(None, find("unknown key"));
    }
}
