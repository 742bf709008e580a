//! `flowrun test`: the cases beside the flows. One line a case, what differs below it, a summary.

use std::{path::Path, time::Instant};

use serde_json::{Value as Json, json};

use super::{
    Streams,
    args::{Common, Format, Test},
    estate,
    exit::Exit,
};
use crate::{
    estate::Disk,
    report::{Paint, Tint, problems},
    source::Span,
    trial::{self, Miss, Report, Told},
};

pub(super) fn run(args: &Test, common: &Common, streams: &mut Streams) -> Exit {
    if let Some(missing) = args.paths.paths.iter().find(|path| !path.exists()) {
        streams.say(format!("flowrun: `{}` does not exist", missing.display()));
        return Exit::CannotStart;
    }
    let began = Instant::now();
    let report = trial::run(&Disk, &args.paths.paths, common.env.as_deref());
    let seconds = began.elapsed().as_secs_f64();
    if common.format == Format::Json {
        streams.give(as_json(&report, seconds).to_string());
    } else {
        human(&report, args.coverage, seconds, streams);
    }
    if report.is_good() { Exit::Done } else { Exit::Problems }
}

fn human(report: &Report, coverage: bool, seconds: f64, streams: &mut Streams) {
    streams.show(&problems::human(&report.problems, &report.sources, estate::style(streams)));
    let paint = Paint(streams.color);
    for told in &report.told {
        streams.say(line(told, paint));
        for miss in &told.misses {
            let (file, line, column) = place(report, miss.span);
            let place = paint.text(Tint::Faint, &format!("{file}:{line}:{column}"));
            streams.say(format!("       {place}  {}", paint.text(Tint::Look, &miss.to_string())));
        }
    }
    if coverage {
        unreached(report, streams);
    }
    streams.say(summary(report, paint, seconds));
}

fn line(told: &Told, paint: Paint) -> String {
    let (tint, word) = if told.is_good() { (Tint::Good, "ok    ") } else { (Tint::Bad, "failed") };
    let name = format!("{}/{}", told.subject, told.name);
    let title = told.title.as_ref().map(|title| format!("  {}", paint.text(Tint::Faint, title)));
    format!("{} {}{}", paint.text(tint, word), paint.text(Tint::Strong, &name), title.unwrap_or_default())
}

fn unreached(report: &Report, streams: &mut Streams) {
    for (flow, missing) in &report.unreached {
        streams.say(format!("no case of `{flow}` reaches {}", missing.join(", ")));
    }
    if report.unreached.is_empty() && report.is_good() {
        streams.say("every node and every outcome of the flows whose cases all ran is reached");
    }
}

fn summary(report: &Report, paint: Paint, seconds: f64) -> String {
    let failed = report.told.iter().filter(|told| !told.is_good()).count();
    let passed = report.told.len() - failed;
    let took = format!("({:.0} ms)", seconds * 1000.0);
    match (passed, failed) {
        (0, 0) => format!("no cases found: they are `*.test.yaml` files beside the flows {took}"),
        (passed, 0) => format!("{} {took}", paint.text(Tint::Good, &format!("{} ok", cases(passed)))),
        (passed, failed) => {
            let told = paint.text(Tint::Bad, &format!("{} failed", cases(failed)));
            format!("{told}, {passed} ok {took}")
        }
    }
}

fn cases(count: usize) -> String {
    if count == 1 { "1 case".to_owned() } else { format!("{count} cases") }
}

/// File, line and column, the file as it was asked for.
fn place(report: &Report, span: Span) -> (String, usize, usize) {
    let file = report.sources.get(span.file).map_or("", |source| &source.name);
    let (line, column) = report.sources.line_column(span.file, span.start);
    (Path::new(file).display().to_string(), line, column)
}

fn as_json(report: &Report, seconds: f64) -> Json {
    let failed = report.told.iter().filter(|told| !told.is_good()).count();
    let unreached =
        report.unreached.iter().map(|(flow, missing)| json!({ "flow": &**flow, "missing": missing }));
    let problems = report.problems.iter().map(|problem| {
        let place = problem.labels.first().map(|label| place(report, label.span));
        let (file, line, column) = place.unwrap_or_default();
        json!({ "code": problem.code, "file": file, "line": line, "column": column, "message": problem.message })
    });
    json!({
        "cases": report.told.iter().map(|told| case_json(report, told)).collect::<Vec<_>>(),
        "problems": problems.collect::<Vec<_>>(),
        "unreached": unreached.collect::<Vec<_>>(),
        "passed": report.told.len() - failed,
        "failed": failed,
        "seconds": seconds,
    })
}

fn case_json(report: &Report, told: &Told) -> Json {
    let (file, line, _) = place(report, told.span);
    let miss = |miss: &Miss| {
        let (file, line, column) = place(report, miss.span);
        json!({ "file": file, "line": line, "column": column, "path": miss.path, "message": miss.message })
    };
    json!({
        "subject": &*told.subject, "case": &*told.name, "title": told.title.as_deref(), "file": file, "line": line,
        "ok": told.is_good(), "differences": told.misses.iter().map(miss).collect::<Vec<_>>(),
    })
}
