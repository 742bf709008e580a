//! Overlays laid over the flows they change: the estate's own, or those that come with flowrun. In: an estate as it was read.
//! Out: the same with each such flow in its changed form, and what a shipped one stands on. It must never know what a node
//! does.

use std::path::{Path, PathBuf};

use super::{Estate, Files as _, Part, Reader, SHIPPED, print, stem};
use crate::{
    problem::{Problem, codes},
    shape::near,
    source::Name,
    syntax::{
        self,
        ast::{self, Work},
    },
    value::{Hash, Value},
    yaml,
};

/// A flow before an overlay is laid over it.
struct Base {
    file: u32,
    tree: yaml::Node,
    print: Hash,
}

/// The file of a shipped flow.
fn shipped(name: &str) -> PathBuf {
    Path::new("/flows").join(format!("{name}.yaml"))
}

/// The estate's own flow that an overlay names, by its place in the list.
fn own(estate: &Estate, name: &str) -> Option<usize> {
    let below =
        |path: &Path| path.strip_prefix(estate.root.as_ref()?).ok().map(|path| path.with_extension(""));
    estate.flows.iter().position(|part| below(&part.path).is_some_and(|found| found == Path::new(name)))
}

/// Whether an estate changes a flow that comes with flowrun.
pub(super) fn is_on_shipped(estate: &Estate) -> bool {
    let names = estate.overlays.iter().map(|part| &part.tree.extends.value);
    names.into_iter().any(|name| own(estate, name).is_none() && SHIPPED.is_file(&shipped(name)))
}

impl Reader<'_> {
    /// Lays all overlays over their flows. It reads what comes with flowrun.
    pub(super) fn lay_overlays(&mut self, estate: &mut Estate) {
        for at in 0..estate.overlays.len() {
            let part = estate.overlays[at].clone();
            let name = &part.tree.extends;
            let earlier = estate.overlays[..at].iter().find(|other| other.tree.extends.value == name.value);
            if let Some(earlier) = earlier {
                let message = format!("two overlays change `{}`", name.value);
                let problem = Problem::error(codes::OVERLAID, name.span, message).help("make them one");
                self.problems.add(problem.also(earlier.tree.extends.span, "the first"));
                continue;
            }
            let Some(base) = self.base(estate, name) else { continue };
            self.is_the_same(&part.tree, &base);
            estate.under.insert(part.file, base.file);
            let Some(tree) = syntax::overlaid(&base.tree, &part.tree, self.problems) else {
                estate.broken.insert(stem(Path::new(&*name.value)));
                continue;
            };
            let print =
                Value::list([base.print, part.print].map(|print| Value::from(print.to_string()))).hash();
            self.beside(estate, &shipped(&name.value), &tree);
            estate.flows.push(Part { tree, file: part.file, path: part.path, print });
        }
    }

    /// The flow that is changed; it stands for itself no longer.
    fn base(&mut self, estate: &mut Estate, name: &Name) -> Option<Base> {
        let shipped = shipped(&name.value);
        let file = match own(estate, &name.value) {
            Some(at) => Some(estate.flows.remove(at).file),
            None if SHIPPED.is_file(&shipped) => self.text(&shipped),
            None => {
                let (problem, meant) = unknown(estate, name);
                self.problems.add(problem);
                estate.broken.extend([&*name.value, &*meant].map(|name| stem(Path::new(name))));
                None
            }
        }?;
        let tree = yaml::read(self.sources, file, self.problems)?;
        Some(Base { file, print: print::of(&tree), tree })
    }

    /// Tells if the flow is not the one that the overlay was written for.
    fn is_the_same(&mut self, overlay: &ast::Overlay, base: &Base) {
        let found = base.print.to_string();
        let Some(print) = overlay.print.as_ref().filter(|print| !found.starts_with(&*print.value)) else {
            return;
        };
        let name = &overlay.extends.value;
        let problem = Problem::warning(
            codes::OVERLAID_CHANGED,
            print.span,
            format!("`{name}` is not the flow that this was written for"),
        );
        let short = &found[..8];
        self.problems
            .add(problem.help(format!("see whether it still fits, then write `extends: {name}@{short}`")));
    }

    /// Reads the shipped flows that a shipped one calls, where the estate has none of the name.
    fn beside(&mut self, estate: &mut Estate, base: &Path, flow: &ast::Flow) {
        let calls = flow.nodes.iter().filter_map(|node| match &node.work {
            Work::Call(call) => call.target.value.strip_prefix("flows."),
            _ => None,
        });
        for called in calls {
            let path = base.with_file_name(format!("{called}.yaml"));
            let known = estate.flows.iter().any(|part| &*part.tree.name.value == called);
            if known || !SHIPPED.is_file(&path) {
                continue;
            }
            self.file(&path, false);
            let Some(part) = self.estate.flows.pop() else { continue };
            let tree = part.tree.clone();
            estate.flows.push(part);
            self.beside(estate, &path, &tree);
        }
    }
}

/// The problem of a flow that is not there, and the one that was meant, or the same again.
fn unknown(estate: &Estate, name: &Name) -> (Problem, String) {
    let problem = Problem::error(
        codes::UNKNOWN_FLOW,
        name.span,
        format!("there is no flow `{}` to change", name.value),
    );
    let below = |path: &Path, root: &Path| {
        Some(path.strip_prefix(root).ok()?.with_extension("").display().to_string())
    };
    let root = estate.root.clone().unwrap_or_default();
    let shipped = SHIPPED.list(Path::new("/flows")).unwrap_or_default();
    let mut known: Vec<String> = estate.flows.iter().filter_map(|part| below(&part.path, &root)).collect();
    known.extend(shipped.iter().filter_map(|path| below(path, Path::new("/flows"))));
    if let Some(near) = near(&name.value, known.iter().map(String::as_str)) {
        return (problem.help(format!("did you mean `{near}`?")), near.to_owned());
    }
    let help = "say its path below the estate, or below the flows that come with flowrun, without `.yaml`";
    (problem.help(help), name.value.to_string())
}
