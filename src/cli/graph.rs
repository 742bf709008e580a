//! `flowrun graph`: the drawing of a flow.

use serde_json::{Map, Value as Json, json};

use super::{
    Streams,
    args::{Common, Drawing, Format, Graph},
    estate,
    exit::Exit,
};
use crate::plan::{Node, NodeId, Plan, Work, draw};

pub(super) fn run(args: &Graph, common: &Common, streams: &mut Streams) -> Exit {
    let (compiled, name) = estate::of_flow(&args.flow, common);
    let Some(plan) = compiled.plan(&name) else {
        if let Some(exit) = estate::refuse(&compiled, common, streams) {
            return exit;
        }
        streams.say(unknown(&name, compiled.plans.iter().map(|plan| &*plan.flow)));
        return Exit::Usage;
    };
    let drawing = || if args.detail { draw::detail(plan) } else { draw::overview(plan) };
    let text = match (common.format, args.language()) {
        (Format::Json, _) => json(plan).to_string(),
        (_, Drawing::Mermaid) => draw::mermaid(&drawing()),
        (_, Drawing::Svg) => draw::svg(&drawing()),
        (_, Drawing::Dot) => draw::dot(&drawing()),
        (_, Drawing::Text) => draw::plain(&drawing()),
    };
    let Some(file) = &args.output else {
        streams.give(text.trim_end());
        return Exit::Done;
    };
    match std::fs::write(file, text) {
        Ok(()) => {
            streams.say(format!("{name} is drawn in {}", file.display()));
            Exit::Done
        }
        Err(error) => {
            streams.say(format!("flowrun: {} cannot be written: {error}", file.display()));
            Exit::CannotStart
        }
    }
}

/// The graph of a plan: nodes in the order in which they may run, each with what it waits for.
fn json(plan: &Plan) -> Json {
    let name = |id: &NodeId| plan.nodes.get(usize::from(*id)).map(|node| &*node.name);
    let names = |ids: &[NodeId]| ids.iter().filter_map(name).collect::<Vec<_>>();
    let node = |node: &Node| {
        let when = node.when.iter().filter_map(|(decision, outcomes)| {
            let outcomes = outcomes.iter().map(|outcome| &**outcome).collect::<Vec<_>>();
            Some((name(decision)?.to_owned(), json!(outcomes)))
        });
        let mut told = json!({
            "name": &*node.name, "kind": node.kind, "needs": names(&node.needs), "reads": names(&node.mentions),
            "gates": names(&node.gates), "when": when.collect::<Map<_, _>>(),
            "if": node.condition.is_some(), "each": node.each.is_some(),
        });
        match &node.work {
            Work::Map(_) => {}
            Work::Decide(decide) => told["outcomes"] = decide.outcomes().map(|outcome| &**outcome).collect(),
            Work::Call(call) => told["calls"] = format!("{}.{}", call.connection, call.operation).into(),
            Work::Child(child) => told["calls"] = format!("flows.{}", child.flow).into(),
        }
        if let Some(title) = &node.title {
            told["title"] = (**title).into();
        }
        told
    };
    let nodes: Vec<Json> = plan.nodes.iter().map(node).collect();
    json!({ "flow": &*plan.flow, "title": &*plan.title, "fingerprint": plan.print.to_string(), "nodes": nodes })
}

/// What is said of a flow that is not there.
pub(super) fn unknown<'a>(name: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    let help = crate::shape::near(name, known.clone()).map_or_else(
        || format!("there are {}", known.collect::<Vec<_>>().join(", ")),
        |near| format!("did you mean `{near}`?"),
    );
    format!("flowrun: there is no file and no flow `{name}`: {help}")
}
