//! What a failed answer means. In: status, body, the connector's rules. Out: a class, whether it can have had an effect, and
//! what the platform said. It must never decide by words of a language.

use std::sync::Arc;

use super::model::{ErrorPaths, Rule};
use crate::{
    event::{Class, Sent},
    value::Value,
};

/// What a failed answer means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What is to be done.
    pub class: Class,
    /// Whether it can have had an effect.
    pub sent: Sent,
    /// Code and words of the platform.
    pub told: String,
}

/// The first rule that fits, else what the status says by itself.
pub fn judge<'a>(
    status: u16,
    body: &Value,
    paths: &ErrorPaths,
    rules: impl IntoIterator<Item = &'a Rule>,
) -> Verdict {
    let code = first(body, &paths.code);
    let words = first(body, &paths.message);
    let fits = |rule: &&Rule| {
        let status_fits = rule.statuses.iter().any(|(low, high)| (*low..=*high).contains(&status));
        let code_fits = rule.codes.is_empty()
            || code.as_deref().is_some_and(|code| rule.codes.iter().any(|known| &**known == code));
        status_fits && code_fits
    };
    let rule = rules.into_iter().find(fits);
    let (class, sent) = by_status(status);
    let told =
        [Some(format!("HTTP {status}")), code, words].into_iter().flatten().collect::<Vec<_>>().join(": ");
    Verdict {
        class: rule.map_or(class, |rule| rule.class),
        sent: rule.map_or(sent, |rule| rule.sent.unwrap_or(by_status(status).1)),
        told: shorten(&told),
    }
}

fn by_status(status: u16) -> (Class, Sent) {
    match status {
        401 | 403 => (Class::Auth, Sent::No),
        408 | 425 => (Class::Retry, Sent::Maybe),
        409 => (Class::Conflict, Sent::No),
        423 => (Class::Retry, Sent::No),
        429 => (Class::Throttle, Sent::No),
        500.. => (Class::Outage, Sent::Maybe),
        _ => (Class::Reject, Sent::No),
    }
}

/// The first of several paths that leads to a scalar.
pub fn first(value: &Value, paths: &[Arc<[Arc<str>]>]) -> Option<String> {
    paths.iter().find_map(|path| at(value, path)).and_then(Value::scalar_text).filter(|text| !text.is_empty())
}

/// What a path of member names and list indices leads to.
pub fn at<'a>(value: &'a Value, path: &[Arc<str>]) -> Option<&'a Value> {
    path.iter().try_fold(value, |value, step| value.get(step).or_else(|| value.at(step.parse().ok()?)))
}

fn shorten(text: &str) -> String {
    const LONGEST: usize = 300;
    let clean: String =
        text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).take(LONGEST).collect();
    if text.chars().nth(LONGEST).is_some() { clean + "…" } else { clean }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> Arc<[Arc<str>]> {
        text.split('.').map(Arc::from).collect()
    }

    #[test]
    fn rules_come_before_what_the_status_says() {
        let paths =
            ErrorPaths { code: vec![path("o:errorDetails.0.o:errorCode")], message: vec![path("title")] };
        let landed =
            Rule { statuses: vec![(400, 400)], codes: vec!["DONE".into()], class: Class::Landed, sent: None };
        let all =
            Rule { statuses: vec![(500, 599)], codes: vec![], class: Class::Retry, sent: Some(Sent::No) };
        let body =
            Value::parse(br#"{"title":"Bad\nRequest","o:errorDetails":[{"o:errorCode":"DONE"}]}"#).unwrap();
        let verdict = judge(400, &body, &paths, [&landed, &all]);
        assert_eq!(
            verdict,
            Verdict { class: Class::Landed, sent: Sent::No, told: "HTTP 400: DONE: Bad Request".into() }
        );
        assert_eq!(judge(400, &Value::Null, &paths, [&landed]).class, Class::Reject);
        assert_eq!(judge(503, &body, &paths, [&all]).sent, Sent::No);
    }

    #[test]
    fn every_status_has_a_meaning() {
        for (status, class, sent) in [
            (400, Class::Reject, Sent::No),
            (401, Class::Auth, Sent::No),
            (403, Class::Auth, Sent::No),
            (404, Class::Reject, Sent::No),
            (408, Class::Retry, Sent::Maybe),
            (409, Class::Conflict, Sent::No),
            (422, Class::Reject, Sent::No),
            (429, Class::Throttle, Sent::No),
            (500, Class::Outage, Sent::Maybe),
            (599, Class::Outage, Sent::Maybe),
        ] {
            let verdict = judge(status, &Value::Null, &ErrorPaths::default(), []);
            assert_eq!((verdict.class, verdict.sent), (class, sent), "{status}");
        }
    }
}
