//! Expressions and data that are too large, too deep or too long end in an error, never in a crash.

use super::{json, names, run};
use crate::{
    expr::{FaultKind, Limits, Mapping, Root, Scope, Tables, Template},
    value::Value,
};

/// A few of each shape that makes the grammar's own parser recurse.
fn monsters() -> Vec<String> {
    let mut all = Vec::new();
    for size in [60, 160, 400, 5_000] {
        all.extend([
            "-".repeat(size) + "1",
            "not ".repeat(size) + "true",
            "(".repeat(size) + "1" + &")".repeat(size),
            "[".repeat(size) + &"]".repeat(size),
            "1 if true else ".repeat(size) + "2",
            "1+".repeat(size) + "1",
            "'a'~".repeat(size) + "'b'",
            "order".to_owned() + &".a".repeat(size),
            "order".to_owned() + &"[0]".repeat(size),
            "order".to_owned() + &"|upper".repeat(size),
            "true and ".repeat(size) + "true",
            "1 < ".repeat(size) + "2",
            "round(".repeat(size) + "1" + &")".repeat(size),
            "{'a':".repeat(size) + "1" + &"}".repeat(size),
            "order".to_owned() + &" is none".repeat(size),
        ]);
    }
    all
}

#[test]
fn deep_and_endless_expressions_end_well_on_a_small_stack() {
    let work = || {
        for monster in monsters() {
            match Template::parse(&format!("{{{{ {monster} }}}}"), &names()) {
                Ok(template) => {
                    let value = json("{}");
                    let roots = [Root::Value(&value)];
                    let tables = Tables::new();
                    drop(template.eval(&Scope::new(&roots, &tables)));
                    drop(template.infer(&crate::expr::Env::new(None)));
                    drop(template.reads());
                }
                Err(faults) => assert!(
                    faults.iter().all(|fault| matches!(fault.kind, FaultKind::TooLarge | FaultKind::Syntax)),
                    "{faults:?}"
                ),
            }
        }
    };
    std::thread::Builder::new().stack_size(2 << 20).spawn(work).unwrap().join().unwrap();
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(20_000))]

    #[test]
    fn any_text_is_read_or_refused(
        words in proptest::collection::vec(0_usize..40, 0..30), spaced in proptest::prelude::any::<bool>(),
    ) {
        const WORDS: [&str; 40] = [
            "order", "items", "skipped", "tables", ".id", ".lines", "[0]", "['a']", "[", "]", "(", ")", "{", "}", ":", ",", "'x'", "1", "2.50", "none",
            "true", "+", "-", "*", "/", "//", "%", "~", "==", "<", "in", "not", "and", "if", "else", "|", "sum", "map(attribute='id')", "is defined", "omit",
        ];
        let text = words.into_iter().map(|word| WORDS[word]).collect::<Vec<_>>().join(if spaced { " " } else { "" });
        for text in [format!("{{{{ {text} }}}}"), text] {
            if let Ok(template) = Template::parse(&text, &names()) {
                let value = json(super::ORDER);
                let roots = [Root::Value(&value), Root::Skipped];
                let tables = Tables::new();
                template.infer(&crate::expr::Env::new(Some(&tables)));
                template.reads();
                if let Err(error) = template.eval(&Scope::new(&roots, &tables)) {
                    proptest::prop_assert!(text.get(error.start as usize..error.end as usize).is_some(), "{text}: {error:?}");
                }
            }
        }
    }

    #[test]
    fn any_characters_are_read_or_refused(text in "\\PC{0,60}") {
        for text in [text.clone(), format!("{{{{{text}}}}}"), format!("{{{{ '{text}' | upper }}}}")] {
            if let Err(faults) = Template::parse(&text, &names()) {
                for fault in faults {
                    proptest::prop_assert!(text.get(fault.start as usize..fault.end as usize).is_some(), "{text}: {fault:?}");
                }
            }
        }
    }
}

#[test]
fn long_text_passes_and_is_not_made() {
    let long = "x".repeat(10 << 20);
    let value = Value::object([("text", Value::from(long))]);
    let roots = [Root::Value(&value)];
    let tables = Tables::new();
    let eval = |text: &str| {
        let template = Template::parse(text, &names()).unwrap();
        template.eval(&Scope::new(&roots, &tables)).map_err(|error| error.message.clone())
    };
    assert!(eval("{{ order.text }}").is_ok());
    assert_eq!(eval("{{ order.text | length }}").unwrap(), Some(Value::from(10 << 20)));
    for text in [
        "a{{ order.text }}",
        "{{ order.text ~ 'a' }}",
        "{{ [order.text] | join }}",
        "{{ order.text | replace('x', 'yy') }}",
    ] {
        assert!(eval(text).unwrap_err().contains("longer than 4194304 bytes"), "{text}");
    }
}

#[test]
fn work_is_paid_for() {
    let list = Value::list((0..1000).map(Value::from));
    let roots = [Root::Value(&list)];
    let tables = Tables::new();
    let eval = |text: &str, limits: Limits| {
        let template = Template::parse(text, &names()).unwrap();
        template.eval(&Scope::limited(&roots, &tables, limits)).map_err(|error| error.message.clone())
    };
    let limits = Limits { fuel: 500, ..Limits::default() };
    assert_eq!(
        eval("{{ order | map('abs') }}", limits),
        Err("the evaluation took more than 500 steps".into())
    );
    assert_eq!(eval("{{ 5 in order }}", limits), Err("the evaluation took more than 500 steps".into()));
    let limits = Limits { items: 1500, ..Limits::default() };
    assert_eq!(
        eval("{{ order + order }}", limits),
        Err("the list would have more than 1500 elements".into())
    );
    let limits = Limits { places: 100, ..Limits::default() };
    assert_eq!(
        eval("{{ order | path('$..*') }}", limits),
        Err("the JSONPath looked at more than 100 places".into())
    );
    let names = names();
    let each = |body: Mapping| Mapping::Each {
        list: Template::parse("{{ order }}", &names).unwrap(),
        slot: 1,
        filter: None,
        body: Box::new(body),
    };
    let square = each(each(Mapping::Template(Template::parse("{{ items }}", &names).unwrap())));
    let limits = Limits { fuel: 100_000, ..Limits::default() };
    let error = square.eval(&Scope::limited(&roots, &tables, limits)).unwrap_err();
    assert!(error.to_string().contains("more than 100000 steps"), "{error}");
    assert!(error.field.starts_with('['), "{error}");
}

#[test]
fn what_stands_in_text_is_never_read_again() {
    assert_eq!(run("{{ '{{ order.id }}' }}").as_deref(), Ok(r#""{{ order.id }}""#));
    assert_eq!(run("{{ order.tags | join('}}') }}").as_deref(), Ok(r#""new}}web""#));
}
