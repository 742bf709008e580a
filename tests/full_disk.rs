//! A one-off run on a journal that cannot grow: nothing is taken and nothing is sent, and with room all goes on.

use flowrun_sandbox::bigcommerce::Trade;

use super::{
    journey::{World, plain},
    program::Program,
};

/// Lets the journal's file grow no further than so many pages, as a full disk would; 0: as far as it likes.
fn bound(program: &Program, pages: i64) {
    let journal = rusqlite::Connection::open(program.folder().join("flows/journal/journal.db")).unwrap();
    if pages > 0 {
        // No free page is left to be used again.
        journal.execute_batch("PRAGMA wal_checkpoint(TRUNCATE); VACUUM").unwrap();
    }
    journal.execute("INSERT OR REPLACE INTO meta VALUES ('pages', ?1)", [pages]).unwrap();
}

/// A program in a folder with a journal that has room for nothing more.
fn full(world: &World, arguments: &[&str]) -> Program {
    let program = world.program(&["exec", "orders", "--key", "999999", "--data", "journal"]);
    assert_eq!(program.run_in("flows").code, 1, "no such order, but a journal");
    bound(&program, 1);
    world.again(&program, arguments)
}

#[track_caller]
fn goes_on_with_room(world: &World, program: &Program, arguments: &[&str]) {
    bound(program, 0);
    let said = world.again(program, arguments).run_in("flows");
    assert_eq!(said.code, 0, "{}", said.err);
    assert_eq!(world.created(), 1);
    world.all_is_well();
}

#[test]
fn nothing_is_taken_and_nothing_is_sent() {
    let world = World::new();
    let order = world.place(&plain());
    let arguments = ["exec", "orders", "--event", "event.json", "--data", "journal"];
    let event = format!(r#"{{"order_id": {order}, "more": "{}"}}"#, "x".repeat(100_000));
    let program = full(&world, &arguments).file("flows/event.json", &event);
    let said = program.run_in("flows");
    assert_eq!(said.code, 5, "{}", said.err);
    assert!(said.err.contains("journal/journal.db: ") && said.err.contains("is full"), "{}", said.err);
    assert_eq!(world.written(), 0);
    goes_on_with_room(&world, &program, &arguments);
}

#[test]
fn a_disk_that_fills_up_on_the_way_stops_the_run_before_its_writes() {
    let world = World::new();
    let lines = (0..60).map(|_| ("PLATE-26".to_owned(), 1)).collect();
    let order = world.place(&Trade { items: Some(lines), ..plain() }).to_string();
    let arguments = ["exec", "orders", "--key", &order, "--data", "journal"];
    let program = full(&world, &arguments);
    let said = program.run_in("flows");
    assert_eq!(said.code, 5, "{}", said.err);
    assert!(said.err.contains("+ skus_known") && said.err.contains("journal/journal.db: "), "{}", said.err);
    assert_eq!(world.written(), 0, "much was read, nothing was written");
    goes_on_with_room(&world, &program, &arguments);
}
