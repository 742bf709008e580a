//! The examples of the function table, run.

use super::{json, run};
use crate::function::FUNCTIONS;

#[test]
fn every_example_gives_what_it_says() {
    for function in FUNCTIONS {
        for (expression, gives) in function.examples {
            let got = run(&format!("{{{{ {expression} }}}}"));
            assert_eq!(got.as_deref(), Ok(*gives), "{}: {expression}", function.name);
            assert!(json(gives).same(&json(&got.unwrap())).unwrap(), "{}: {expression}", function.name);
        }
    }
}

#[test]
fn every_plain_function_has_an_example() {
    for function in FUNCTIONS {
        let apart = matches!(function.name, "failed_of" | "tie_out");
        assert!(apart || !function.examples.is_empty(), "{}", function.name);
    }
}
