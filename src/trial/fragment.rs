//! Cases of fragments. In: a fragment, parameters as a platform would send them, what should come of it. Out: what differs.

use std::sync::Arc;

use super::{
    case::{Miss, catalogue, decode_any, did_you_mean},
    compare::{Measure, differences},
    given,
};
use crate::{
    check,
    compile::Compiled,
    expr::Scope,
    problem::Problems,
    shape::Shape,
    syntax::{
        ast::{Fragment, Given},
        case::{Case, End},
    },
    value::Value,
};

/// What differs between what a fragment gives and what the case wants.
pub(super) fn judge(
    compiled: &Compiled,
    fragment: &Fragment,
    case: &Case,
    with: &Given,
    ends: &End,
) -> Vec<Miss> {
    match (given_by(compiled, fragment, with), ends) {
        (Err(miss), _) => vec![miss],
        (Ok(Ok(found)), End::Gives(wanted)) => gives(compiled, wanted, &found),
        (Ok(Err(error)), End::Gives(_)) => {
            vec![Miss::new(case.name.span, "gives", format!("it failed: {error}"))]
        }
        (Ok(Ok(found)), End::Fails(wanted)) => {
            let told = format!("wanted an error that says `{}`, found {}", wanted.value, found.to_json());
            vec![Miss::new(wanted.span, "fails", told)]
        }
        (Ok(Err(error)), End::Fails(wanted)) if error.contains(&*wanted.value) => Vec::new(),
        (Ok(Err(error)), End::Fails(wanted)) => {
            let told = format!("wanted an error that says `{}`, found `{error}`", wanted.value);
            vec![Miss::new(wanted.span, "fails", told)]
        }
    }
}

fn gives(compiled: &Compiled, wanted: &Given, found: &Value) -> Vec<Miss> {
    let value = match given::value(wanted, &compiled.tables) {
        Ok(value) => value,
        Err(unread) => return vec![unread.into()],
    };
    let all = differences(&value, found, Measure::Exactly).into_iter();
    all.map(|found| Miss::new(given::span_at(wanted, &found.path), found.place("gives"), found.told()))
        .collect()
}

/// What a fragment gives, or its error.
fn given_by(compiled: &Compiled, fragment: &Fragment, with: &Given) -> Result<Result<Value, String>, Miss> {
    let values = parameters(compiled, fragment, with)?;
    let mut problems = Problems::default();
    let mapping = check::fragment(fragment, values, &catalogue(compiled), &mut problems);
    if let Some(problem) = problems.into_sorted().into_iter().next() {
        let span = problem.labels.first().map_or(fragment.name.span, |label| label.span);
        return Err(Miss::fault(span, problem.message));
    }
    let made = mapping.eval(&Scope::new(&[], &compiled.tables));
    Ok(made.map(Option::unwrap_or_default).map_err(|error| error.to_string()))
}

/// The values of all parameters, in the order in which the fragment declares them, as its expressions see them.
fn parameters(compiled: &Compiled, fragment: &Fragment, with: &Given) -> Result<Vec<Value>, Miss> {
    let Given::Object(members, span) = with else {
        return Err(Miss::fault(given::span(with), "found no object, expected the fragment's parameters"));
    };
    let declared = || fragment.params.iter().map(|(name, _)| &*name.value);
    if let Some((name, _)) = members.iter().find(|(name, _)| !declared().any(|known| known == &*name.value)) {
        let near = did_you_mean(&name.value, declared());
        let told = format!("`{}` takes no parameter `{}`{near}", fragment.name.value, name.value);
        return Err(Miss::fault(name.span, told));
    }
    let catalogue = catalogue(compiled);
    let mut values = Vec::new();
    for (name, of) in &fragment.params {
        let shape = catalogue.named(&of.value).unwrap_or(Shape::Any);
        let Some((_, given)) = members.iter().find(|(known, _)| known.value == name.value) else {
            if shape.may_miss() {
                values.push(Value::Null);
                continue;
            }
            let told = format!("`{}` needs `{}`", fragment.name.value, name.value);
            return Err(Miss::fault(*span, told));
        };
        let value = given::value(given, &compiled.tables)?;
        let decoded = decode_any(&value, &shape, compiled);
        values.push(decoded.map_err(|told| {
            Miss::fault(
                given::span(given),
                format!("`{}` is not {}: {told}", name.value, Arc::clone(&of.value)),
            )
        })?);
    }
    Ok(values)
}
