//! Personal data in errors. In: what an operation was asked, with the marks of its records, and a platform's refusal. Out: the
//! refusal without what it repeats of them: its words go into messages, and messages are read by many.

use crate::{
    connector::Operation,
    secret::{Redactor, Secret, rewrite},
    shape::without_addresses,
    value::Value,
};

/// What stands where something personal was.
const HIDDEN: &str = "[personal]";

/// A refusal's body without personal data.
pub(super) fn hidden(operation: &Operation, inputs: &[Value], body: &Value) -> Value {
    let redactor = Redactor::new(HIDDEN);
    for text in operation.personal(inputs) {
        redactor.learn(&Secret::new(text.to_owned()));
    }
    // Some parameters have no mark.
    rewrite(body, &|text| without_addresses(&redactor.clean(text), HIDDEN))
}
