#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used)]
use flowrun::{
    compile::compile,
    estate::{Disk, Files, Memory},
    plan,
    problem::draw::{Style, draw},
};
use std::path::PathBuf;
fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let paths: Vec<PathBuf> = args.iter().filter(|a| !a.starts_with("--")).map(PathBuf::from).collect();
    let memory = Memory::default();
    let files: &dyn Files = if paths.is_empty() { &memory } else { &Disk };
    let start = std::time::Instant::now();
    let compiled = compile(files, &paths, None);
    let took = start.elapsed();
    println!("{}", draw(&compiled.problems, &compiled.sources, Style::PLAIN));
    println!(
        "{} problems, {} plans, {took:?}, {} files",
        compiled.problems.len(),
        compiled.plans.len(),
        compiled.files
    );
    for p in &compiled.plans {
        if args.iter().any(|a| a == "--mermaid") {
            println!("{}", plan::draw::mermaid(&plan::draw::drawing(p)));
        }
        if args.iter().any(|a| a == "--svg") {
            std::fs::write(format!("/tmp/{}.svg", p.flow), plan::draw::svg(&plan::draw::drawing(p))).unwrap();
        }
        if args.iter().any(|a| a == "--dot") {
            println!("{}", plan::draw::dot(&plan::draw::drawing(p)));
        }
        if args.iter().any(|a| a == "--freeze") {
            for n in &p.nodes {
                println!("{} needs {:?} gates {:?} freeze {:?}", n.name, n.needs, n.gates, n.freeze);
            }
        }
    }
}
