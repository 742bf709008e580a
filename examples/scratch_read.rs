use flowrun::{problem::{Problems, draw::{draw, Style}}, source::Sources, syntax, yaml};
fn main() {
    let mut sources = Sources::default();
    let mut problems = Problems::default();
    for path in std::env::args().skip(1) {
        let bytes = std::fs::read(&path).unwrap();
        let Some(file) = yaml::decode(&mut sources, &path, &bytes, &mut problems) else { continue };
        let Some(tree) = yaml::read(&sources, file, &mut problems) else { continue };
        let Some(kind) = syntax::kind(&tree, &mut problems) else { continue };
        use syntax::FileKind as K;
        let p = &mut problems;
        let ok = match kind {
            K::Flow => syntax::flow(&tree, p).map(|a| if std::env::var("DUMP").is_ok() { println!("{a:#?}") }).is_some(),
            K::Overlay => syntax::overlay(&tree, p).is_some(),
            K::Fragment => syntax::fragment(&tree, p).is_some(),
            K::Connector => syntax::connector(&tree, p).map(|a| if std::env::var("DUMP").is_ok() { println!("{a:#?}") }).is_some(),
            K::Estate => syntax::estate(&tree, p).is_some(),
            K::Cases => syntax::cases(&tree, p).is_some(),
        };
        println!("{path}: {kind:?} {ok}");
    }
    println!("{}", draw(&problems.into_sorted(), &sources, Style::PLAIN));
}
