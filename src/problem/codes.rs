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
    /// A name in an expression that nothing has.
    UNKNOWN_NAME = "FR201", "unknown name in an expression";
    /// A function, filter or test that does not exist.
    UNKNOWN_FUNCTION = "FR202", "unknown function, filter or test";
    /// A connection that neither the flow nor the estate declares.
    UNKNOWN_CONNECTION = "FR203", "unknown connection";
    /// An operation that the connector does not have.
    UNKNOWN_OPERATION = "FR204", "unknown operation";
    /// A parameter that the operation, flow or fragment does not take.
    UNKNOWN_PARAMETER = "FR205", "unknown parameter";
    /// A parameter that must be given is not.
    MISSING_PARAMETER = "FR206", "missing parameter";
    /// A table that the estate does not have.
    UNKNOWN_TABLE = "FR207", "unknown table";
    /// A column that the table does not have.
    UNKNOWN_COLUMN = "FR208", "unknown column";
    /// `when`, `after` or `changes` names a node that is not there.
    UNKNOWN_NODE = "FR209", "unknown node";
    /// An outcome that the decision does not have.
    UNKNOWN_OUTCOME = "FR210", "unknown outcome";
    /// A fragment that the estate does not have.
    UNKNOWN_FRAGMENT = "FR211", "unknown fragment";
    /// A flow that the estate does not have, or that other flows cannot start.
    UNKNOWN_FLOW = "FR212", "unknown flow";
    /// A type that is neither a plain word nor a record.
    UNKNOWN_TYPE = "FR213", "unknown type or record";
    /// A scope that the connector does not list, or no webhooks at all.
    UNKNOWN_SCOPE = "FR214", "unknown webhook scope";
    /// A setting that the connection does not have.
    UNKNOWN_SETTING = "FR215", "unknown setting";
    /// `as`, a parameter or a `let` hides a name in scope.
    NAME_TAKEN = "FR216", "a name that is already taken";
    /// A constant key that the table has no row for.
    UNKNOWN_ROW = "FR217", "unknown row";
    /// A book that the estate does not declare.
    UNKNOWN_BOOK = "FR218", "unknown book";
    /// The text between braces cannot be read.
    EXPRESSION = "FR301", "not an expression";
    /// A field that the value read does not have.
    UNKNOWN_FIELD = "FR302", "unknown field";
    /// An operator, filter or function is given what it does not take.
    WRONG_TYPE = "FR303", "wrong type in an expression";
    /// A value that may be absent is used as if it were there.
    MAYBE_ABSENT = "FR304", "may be absent";
    /// A field is written that the record does not have.
    TARGET_FIELD = "FR305", "a field that the target does not have";
    /// A value does not fit what it is written to.
    TARGET_TYPE = "FR306", "wrong type for the target";
    /// A field is written that the system sets itself.
    READ_ONLY = "FR307", "a read-only field";
    /// A record is written without a field that it must have.
    REQUIRED = "FR308", "a required field is left out";
    /// A constant is longer than the field it is written to.
    TOO_LONG = "FR309", "text too long for its field";
    /// A constant is none of the values of its field.
    NOT_A_VALUE = "FR310", "not one of the values";
    /// A condition is neither true nor false.
    CONDITION = "FR311", "a condition that is not true or false";
    /// `each` is given something else than a list.
    NOT_A_LIST = "FR312", "`each` over something that is no list";
    /// A `JSONPath` that cannot be read.
    JSONPATH = "FR313", "bad JSONPath";
    /// A key, lane, id or `by` that is neither text nor a number.
    KEY = "FR314", "not a key";
    /// A call with arguments that the function does not take.
    ARGUMENTS = "FR315", "wrong arguments";
    /// Amounts of two currencies meet.
    CURRENCIES = "FR316", "two currencies in one operation";
    /// A constant argument that is refused at every run.
    REFUSED = "FR317", "a constant that is refused";
    /// An amount with more digits than its currency may be written.
    UNROUNDED = "FR318", "an amount that is not rounded";
    /// Nodes need one another in a circle.
    CYCLE = "FR401", "nodes that wait for one another";
    /// A node is read whose conditions may not have held.
    SKIPPED = "FR402", "a node that may have been skipped";
    /// Conditions that exclude one another.
    NEVER_RUNS = "FR403", "a node that can never run";
    /// A node without effect whose value nobody reads.
    NEVER_USED = "FR404", "a node that nothing uses";
    /// A schedule that cannot be read.
    CRON = "FR405", "bad cron expression";
    /// A time zone that does not exist.
    ZONE = "FR406", "unknown time zone";
    /// With `keep: latest`, a run reads more of the event than its key.
    LATEST_EVENT = "FR407", "data of an event that may be replaced";
    /// Facts that cannot be told apart.
    ALL_WITHOUT_ID = "FR408", "`keep: all` without `id`";
    /// `apart` leaves failed elements out.
    APART = "FR409", "all elements are wanted of a node that may lose some";
    /// Elements of an `each` that cannot be told apart.
    SAME_KEY = "FR410", "the same key for every element";
    /// A run would wait for a lane that it holds itself.
    LANE_CYCLE = "FR411", "flows that wait for one another";
    /// Nobody has said what happens if the write is sent twice.
    NO_REPEAT = "FR501", "a write without an answer to repetition";
    /// A flow writes the very record it listens to.
    ECHO = "FR502", "a write that starts its own flow";
    /// The kind of node does not fit the operation.
    DIRECTION = "FR503", "a read that writes, or a write that reads";
    /// An identity that may differ at the next try.
    UNSTABLE_ID = "FR504", "an external id that comes from a read";
    /// No parameter has its counterpart in the record read.
    CHANGES = "FR505", "`changes` that does not compare what is written";
    /// A key of the language that nothing carries out yet.
    LATER = "FR506", "a key that comes with a later version";
    /// A poll of an operation without a cursor.
    NOT_POLLABLE = "FR507", "an operation that cannot be polled";
    /// Data of a person where keys and reasons are kept and shown in the clear.
    PERSONAL = "FR508", "personal data in a key, a reason or an open book";
    /// `repeat: safe` where a repetition would add lines.
    UNSAFE_REPEAT = "FR511", "a write that is not safe to repeat";
    /// A look that cannot answer for its write.
    LOOK = "FR512", "a look that cannot answer for its write";
    /// A type that nobody knows.
    TYPE = "FR601", "an unknown type";
    /// A kind, class or word of a connector that nobody knows.
    CONNECTOR_WORD = "FR602", "not one of the words that may stand in a connector";
    /// A base address or a path that could lead astray.
    PATH = "FR603", "an address that is not allowed";
    /// A step, an operation or a parameter that is not there.
    CONNECTOR_NAME = "FR604", "a name that the connector does not have";
    /// Keys that do not go together, or one that is missing.
    OPERATION = "FR605", "an operation that cannot be carried out";
    /// An expression in a connector that cannot be read.
    CONNECTOR_EXPRESSION = "FR606", "an expression in a connector that cannot be read";
    /// An example that does not hold.
    EXAMPLE = "FR607", "an example that does not hold";
    /// A record schema with an unknown key.
    RECORD_KEY = "FR650", "an unknown key in a record schema";
    /// A record schema that makes no sense.
    RECORD = "FR651", "a record schema that makes no sense";
    /// A record that is not there.
    RECORD_REFERENCE = "FR652", "a record that is not there";
    /// A file that is not there, too long, or forbidden.
    UNREADABLE = "FR670", "a file that cannot be read";
    /// Two flows, fragments, connectors or tables have the same name.
    SAME_FLOW = "FR671", "two of one name";
    /// A table whose header or a row cannot be read.
    TABLE = "FR672", "bad table";
    /// A table of an environment differs in its columns from the one it replaces.
    OVERLAY = "FR673", "a table of another form";
    /// A connection names a connector that is not there.
    UNKNOWN_CONNECTOR = "FR674", "unknown connector";
    /// An environment that the estate does not declare.
    UNKNOWN_ENVIRONMENT = "FR675", "unknown environment";
    /// Its settings are missing, unknown or of another type, or it does not say how to get in.
    SETTINGS = "FR676", "a connection that cannot be opened";
    /// An overlay changes a flow or a node that is not there, or not as it says.
    OVERLAID = "FR677", "an overlay that does not fit";
    /// A class of work or an alert that the estate does not declare.
    ESTATE_NAME = "FR678", "a name that the estate does not have";
    /// The flow under an overlay is not the one it was written for.
    OVERLAID_CHANGED = "FR679", "the flow under an overlay has changed";
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
