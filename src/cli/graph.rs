//! `flowrun graph`: the drawing of a flow.

use super::{
    Streams,
    args::{Common, Drawing, Graph},
    estate,
    exit::Exit,
};
use crate::plan::draw;

pub(super) fn run(args: &Graph, common: &Common, streams: &mut Streams) -> Exit {
    let (compiled, name) = estate::of_flow(&args.flow, common);
    let Some(plan) = compiled.plan(&name) else {
        if let Some(exit) = estate::refuse(&compiled, common, streams) {
            return exit;
        }
        streams.say(unknown(&name, compiled.plans.iter().map(|plan| &*plan.flow)));
        return Exit::Usage;
    };
    let drawing = if args.detail { draw::detail(plan) } else { draw::overview(plan) };
    let text = match args.language() {
        Drawing::Mermaid => draw::mermaid(&drawing),
        Drawing::Svg => draw::svg(&drawing),
        Drawing::Dot => draw::dot(&drawing),
        Drawing::Text => draw::plain(&drawing),
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

/// What is said of a flow that is not there.
pub(super) fn unknown<'a>(name: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    let help = crate::shape::near(name, known.clone()).map_or_else(
        || format!("there are {}", known.collect::<Vec<_>>().join(", ")),
        |near| format!("did you mean `{near}`?"),
    );
    format!("flowrun: there is no file and no flow `{name}`: {help}")
}
