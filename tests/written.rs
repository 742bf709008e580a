//! Files that are written from the code: schemas for editors, the key reference. `FLOWRUN_BLESS=1` writes them.

use std::{env, fs};

use flowrun::syntax::{
    reference::{self, BEGIN, END},
    schema,
};

/// Holds a file against what the code says, or writes it.
#[track_caller]
fn same(path: &str, found: &str) {
    if env::var_os("FLOWRUN_BLESS").is_some() {
        fs::write(path, found).expect("it can be written");
    }
    let there = fs::read_to_string(path).unwrap_or_default();
    assert!(there == found, "{path} is not what the code says (FLOWRUN_BLESS=1 writes it)");
}

#[test]
fn schemas_are_what_the_keys_say() {
    for (name, schema) in schema::all() {
        let text = serde_json::to_string_pretty(&schema).unwrap() + "\n";
        same(&format!("schemas/{name}"), &text);
    }
}

#[test]
fn the_key_reference_is_what_the_keys_say() {
    let path = "docs/language.md";
    let page = fs::read_to_string(path).unwrap();
    let (before, rest) = page.split_once(BEGIN).expect("docs/language.md has a place for the reference");
    let (_, after) = rest.split_once(END).expect("the reference has an end");
    same(path, &format!("{before}{BEGIN}\n\n{}{END}{after}", reference::markdown()));
}

#[test]
fn the_function_reference_is_what_the_table_says() {
    same("docs/functions.md", &flowrun::function::reference());
}
