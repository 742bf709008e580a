//! Personal data, hidden. In: values and the names of the fields that records mark as personal. Out: values to be shown. It must
//! never know a record.

use std::{collections::BTreeSet, sync::Arc};

use serde_json::Value as Json;

use crate::{shape::without_addresses, value::Value};

/// What stands for a personal value.
const HIDDEN: &str = "***";

/// Which fields are hidden, wherever they stand.
#[derive(Clone, Debug)]
pub enum Mask {
    /// Fields of these names, and texts that look like e-mail addresses.
    Fields(BTreeSet<Arc<str>>),
    /// Nothing: somebody asked to see it all.
    Nothing,
}

impl Mask {
    /// The value as JSON, its personal parts hidden.
    pub fn json(&self, value: &Value) -> Json {
        let mut shown = serde_json::from_str(&value.to_json()).unwrap_or_default();
        if let Self::Fields(names) = self {
            hide(&mut shown, names, false);
        }
        shown
    }

    /// Text for people, e-mail addresses in it hidden.
    pub(super) fn text(&self, text: &str) -> String {
        match self {
            Self::Nothing => text.to_owned(),
            Self::Fields(_) => without_addresses(text, HIDDEN),
        }
    }
}

fn hide(value: &mut Json, names: &BTreeSet<Arc<str>>, personal: bool) {
    match value {
        Json::Object(fields) => {
            for (name, field) in fields.iter_mut() {
                hide(field, names, personal || names.contains(name.as_str()));
            }
        }
        Json::Array(elements) => elements.iter_mut().for_each(|element| hide(element, names, personal)),
        Json::Null | Json::Bool(_) => {}
        Json::String(text) if text.is_empty() => {}
        Json::String(_) | Json::Number(_) if personal => *value = HIDDEN.into(),
        Json::String(text) => *text = without_addresses(text, HIDDEN),
        Json::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn personal_fields_and_addresses_are_hidden() {
        let mask = Mask::Fields(BTreeSet::from(["email".into(), "billing".into()]));
        let text = br#"{"id":7,"email":"a@b.c","billing":{"name":"Ann","zip":12,"none":null},"lines":[{"note":"to <x.y@z.org>, now","sku":"A@"}]}"#;
        let shown = mask.json(&Value::parse(text).unwrap());
        assert_eq!(
            shown.to_string(),
            r#"{"id":7,"email":"***","billing":{"name":"***","zip":"***","none":null},"lines":[{"note":"to <***>, now","sku":"A@"}]}"#
        );
        assert_eq!(mask.text("no buyer me@here.org: stop"), "no buyer ***: stop");
        assert_eq!(Mask::Nothing.text("me@here.org"), "me@here.org");
    }
}
