//! FR409: all elements are wanted of a node that may lose some. In: reads of nodes with `apart`. Out: a problem at the
//! mention. Going on element by element, counting, choosing, and asking for those that failed are no wish for all.

use super::{Subject, work};
use crate::{
    expr::Read,
    flow::Work,
    problem::{Problem, Problems, codes},
};

pub(super) fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for node in subject.nodes.iter().filter(|node| !matches!(node.work, Work::Decide(_))) {
        for mention in work(node).iter().filter(|mention| wants_all(&mention.read)) {
            let (Some(other), Some(span)) = (subject.node(mention.read.slot), mention.span) else { continue };
            if subject.nodes[other].each.as_ref().is_none_or(|each| each.apart.is_none()) {
                continue;
            }
            let name = &subject.nodes[other].name;
            let message = format!("`{name}` may have lost elements: it has `apart`");
            let problem = Problem::error(codes::APART, span, message);
            problems.add(
                problem
                    .also(subject.ast(other).name.span, "elements that fail become letters of their own")
                    .help(format!("drop `apart`, or go on element by element: `each: \"{{{{ {name} }}}}\"`")),
            );
        }
    }
}

/// Whether a read takes the elements themselves. An empty name at its end only asks how many there are.
fn wants_all(read: &Read) -> bool {
    !read.control && !read.failed && read.path.last().is_none_or(|name| !name.is_empty())
}
