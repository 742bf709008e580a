//! A flow and what an overlay changes in it. In: the tree of the flow, the overlay. Out: one tree, in which everything keeps
//! the place where it was written, so that a problem points into the file that made it. It knows no estate.
//!
//! Objects are merged key by key; anything else of the overlay stands in place of the flow's.

use crate::{
    problem::{Problem, Problems, codes},
    shape::near,
    source::Name,
    syntax::{
        ast::{Change, Overlay},
        flow::node_name,
    },
    yaml::{Kind, Node},
};

/// Keys of an overlay, and of its nodes, that say how it is laid on.
const HOW: [&str; 3] = ["extends", "nodes", "before"];

/// The flow's tree with the overlay laid over it.
pub(super) fn laid_over(flow: &Node, overlay: &Overlay, problems: &mut Problems) -> Node {
    let mut whole = merged(flow, &overlay.tree);
    if let Kind::Map(entries) = &mut whole.kind
        && let Some((_, nodes)) = entries.iter_mut().find(|(key, _)| &*key.value == "nodes")
        && let Kind::List(nodes) = &mut nodes.kind
    {
        for change in &overlay.nodes {
            lay(nodes, change, problems);
        }
    }
    whole
}

fn merged(base: &Node, over: &Node) -> Node {
    let (Kind::Map(below), Kind::Map(above)) = (&base.kind, &over.kind) else { return over.clone() };
    let mut entries = below.clone();
    for (key, node) in above.iter().filter(|(key, _)| !HOW.contains(&&*key.value)) {
        match entries.iter_mut().find(|(known, _)| known.value == key.value) {
            Some((known, old)) => (*known, *old) = (key.clone(), merged(old, node)),
            None => entries.push((key.clone(), node.clone())),
        }
    }
    Node { kind: Kind::Map(entries), span: base.span }
}

fn lay(nodes: &mut Vec<Node>, change: &Change, problems: &mut Problems) {
    let place = |nodes: &[Node], name: &Name| nodes.iter().position(|node| is_called(node, name));
    match change {
        Change::Drop(name) => match place(nodes, name) {
            Some(at) => drop(nodes.remove(at)),
            None => problems.add(unknown(nodes, name)),
        },
        Change::Node { kind, name, before, tree } => match (place(nodes, name), before) {
            (Some(at), None) => {
                if node_name(&nodes[at]).is_some_and(|(known, _)| known.value != kind.value) {
                    let message = format!("`{}` is a node of another kind in the flow", name.value);
                    let problem = Problem::error(codes::OVERLAID, kind.span, message);
                    let there = nodes[at].span;
                    problems.add(
                        problem.also(there, "here").help("drop it first, or give this one another name"),
                    );
                } else {
                    nodes[at] = merged(&nodes[at], tree);
                }
            }
            (Some(_), Some(before)) => {
                let message =
                    format!("`{}` is there already, `before` is for nodes that come to the flow", name.value);
                problems
                    .add(Problem::error(codes::OVERLAID, before.span, message).help("leave `before` out"));
            }
            (None, before) => {
                let at = before.as_ref().map_or(Some(nodes.len()), |before| place(nodes, before));
                if let (None, Some(before)) = (at, before) {
                    problems.add(unknown(nodes, before));
                }
                nodes.insert(at.unwrap_or(nodes.len()), without_how(tree));
            }
        },
    }
}

fn is_called(node: &Node, name: &Name) -> bool {
    node_name(node).is_some_and(|(_, known)| known.value == name.value)
}

fn without_how(tree: &Node) -> Node {
    let mut tree = tree.clone();
    if let Kind::Map(entries) = &mut tree.kind {
        entries.retain(|(key, _)| !HOW.contains(&&*key.value));
    }
    tree
}

fn unknown(nodes: &[Node], name: &Name) -> Problem {
    let names: Vec<Name> = nodes.iter().filter_map(|node| Some(node_name(node)?.1)).collect();
    let problem =
        Problem::error(codes::OVERLAID, name.span, format!("the flow has no node `{}`", name.value));
    match near(&name.value, names.iter().map(|name| &*name.value)) {
        Some(near) => problem.help(format!("did you mean `{near}`?")),
        None => problem,
    }
}
