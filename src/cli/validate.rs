//! `flowrun validate`: every problem of every file in one pass.

use std::time::Instant;

use super::{
    Streams,
    args::{Common, Format, Paths},
    estate,
    exit::Exit,
};
use crate::report::problems;

pub(super) fn run(args: &Paths, common: &Common, streams: &mut Streams) -> Exit {
    let began = Instant::now();
    let compiled = estate::compiled(&args.paths, common);
    let seconds = began.elapsed().as_secs_f64();
    let (found, sources) = (&compiled.problems, &compiled.sources);
    match common.format {
        Format::Human => {
            compiled.notes.iter().for_each(|note| streams.say(format!("note: {note}")));
            streams.show(&problems::human(found, sources, estate::style(streams)));
            if compiled.files == 0 {
                streams.say("warning: nothing was checked: no flow, connector or table is here");
            } else if found.is_empty() {
                let files = if compiled.files == 1 {
                    "1 file".to_owned()
                } else {
                    format!("{} files", compiled.files)
                };
                streams.say(format!("no problems in {files} ({:.0} ms)", seconds * 1000.0));
            }
        }
        Format::Json => streams.give(problems::json(found, sources, compiled.files, seconds)),
        Format::Sarif => streams.give(problems::sarif(found, sources)),
        Format::Github => streams.give(problems::github(found, sources).trim_end()),
    }
    if args.paths.iter().any(|path| !path.exists()) {
        return Exit::CannotStart;
    }
    if compiled.has_errors() { Exit::Problems } else { Exit::Done }
}
