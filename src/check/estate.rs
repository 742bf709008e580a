//! Rules over flows together; here: lanes that wait for one another (FR411). In: trees and checked flows. Out: problems at
//! the call. It must never know expressions.

use std::collections::BTreeMap;

use super::{Catalogue, call, echo};
use crate::{
    flow::Flow,
    graph::Graph,
    problem::{Problem, Problems, codes},
    source::{Name, Span},
    syntax::ast,
};

/// A call of another flow.
pub(super) struct Start<'a> {
    /// The flow that is started.
    pub(super) name: &'a str,
    target: &'a Name,
    waits: bool,
}

/// The flows that a flow starts.
pub(super) fn children(flow: &ast::Flow) -> Vec<Start<'_>> {
    flow.nodes
        .iter()
        .filter_map(|node| match &node.work {
            ast::Work::Call(call) => Some(call),
            _ => None,
        })
        .filter_map(|call| {
            let name = call.target.value.strip_prefix("flows.")?;
            Some(Start {
                name,
                target: &call.target,
                waits: call.wait.as_ref().is_none_or(|wait| wait.value),
            })
        })
        .collect()
}

/// All rules over flows together.
pub(super) fn check(asts: &[&ast::Flow], flows: &[Flow], catalogue: &Catalogue, problems: &mut Problems) {
    lanes(asts, flows, problems);
    echo::check(asts, flows, catalogue, problems);
}

/// The name of a flow's lane: its own, unless it shares one.
fn lane(flow: &Flow) -> &str {
    flow.trigger.lane.as_ref().map_or(&flow.name, |(name, _)| name)
}

fn lanes(asts: &[&ast::Flow], flows: &[Flow], problems: &mut Problems) {
    let mut names: Vec<&str> = flows.iter().map(lane).collect();
    names.sort_unstable();
    names.dedup();
    let number = |name: &str| names.iter().position(|known| *known == name);
    let by_name: BTreeMap<&str, &Flow> = flows.iter().map(|flow| (&*flow.name, flow)).collect();
    let mut graph = Graph::new(names.len());
    let mut waits: Vec<(usize, usize, Span)> = Vec::new();
    for (ast, flow) in asts.iter().zip(flows) {
        for start in children(ast).iter().filter(|start| start.waits) {
            let Some(child) = by_name.get(start.name) else { continue };
            if let (Some(holds), Some(wants)) = (number(lane(flow)), number(lane(child))) {
                graph.need(holds, wants);
                waits.push((holds, wants, call::split(start.target).1.span));
            }
        }
    }
    for cycle in graph.cycles() {
        let way: Vec<String> =
            cycle.iter().chain(cycle.first()).map(|lane| format!("`{}`", names[*lane])).collect();
        let next = |at: usize| cycle[(at + 1) % cycle.len()];
        let calls: Vec<Span> = cycle
            .iter()
            .enumerate()
            .filter_map(|(at, lane)| {
                waits.iter().find(|(holds, wants, _)| holds == lane && *wants == next(at))
            })
            .map(|(.., span)| *span)
            .collect();
        let Some((first, others)) = calls.split_first() else { continue };
        let message = format!("a run would wait for a lane that it holds: {}", way.join(" -> "));
        let mut problem = Problem::error(codes::LANE_CYCLE, *first, message).says("waits for this flow");
        for span in others {
            problem = problem.also(*span, "which waits for this one");
        }
        problems.add(problem.help("give one of them a `lane` of its own, or do not wait: `wait: false`"));
    }
}
