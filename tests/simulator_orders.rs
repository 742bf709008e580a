//! The shipped orders flow in the simulator: its very plan, a platform that answers from its own case files, a crash at every
//! point of its life. Whatever happens, one customer and one sales order come of it, and the number is back on the order.

use std::{collections::BTreeMap, fs, path::PathBuf, sync::Arc, time::Duration};

use flowrun::{
    compile::{Compiled, compile},
    estate::SHIPPED,
    event::Request,
    shape,
    trial::sim::{
        At, Case, Crash, Does, Done, Happens, Hook, Outcome, Point, Scenario, Script, Tail, Verdict,
    },
    value::Value,
};

const FOLDER: &str = "flows/bigcommerce-netsuite";

/// What the operations of an order's life answer, by name, as the connector gives them to expressions.
struct Answers {
    compiled: Compiled,
    order: Value,
    head: &'static str,
    /// The number of the sales order: on the order, too, once it was tagged.
    number: &'static str,
    customer: &'static str,
    /// Whether `NetSuite` knows the buyer from the beginning.
    known: bool,
}

impl Answers {
    /// A JSON text as an operation gives it.
    fn typed(&self, request: &Request, json: &str) -> Value {
        let connection = &self.compiled.connections[&request.connection];
        let gives = &connection.operation(&request.operation).unwrap().gives;
        let value = Value::parse(json.as_bytes()).unwrap();
        shape::inward_with(&value, gives, &|id| connection.currency(id)).unwrap()
    }

    fn of(&self, request: &Request, input: &Value, log: &[Done]) -> Option<Does> {
        let text = |name: &str| input.get(name).and_then(Value::scalar_text).unwrap_or_default();
        let made = |operation: &str, mark: &str| {
            log.iter().any(|done| &*done.operation == operation && done.mark == mark)
        };
        let typed = |json: &str| self.typed(request, json);
        Some(match &*request.operation {
            "get_order" => {
                let Value::Map(order) = &self.order else { panic!("an order is an object") };
                let mut order = order.as_ref().clone();
                if made("put_tag_order", &text("id")) {
                    order.insert("external_order_id".into(), Value::from(self.number));
                }
                Does::Gives(typed(&Value::from(order).to_json()))
            }
            "list_transactions" | "order_metafields" => Does::Gives(typed("[]")),
            "release_dates" => Does::Gives(Value::Null),
            "items_by_sku" => {
                let sku = text("sku");
                let item = format!(
                    r#"{{"id":"1{}","itemid":"{sku}","itemtype":"InvtPart","isinactive":"F"}}"#,
                    sku.len()
                );
                Does::Gives(typed(&item))
            }
            "find_customer" | "written_customer" => {
                let found = self.known || made("create_customer", &text("external_id"));
                Does::Gives(if found { typed(self.customer) } else { Value::Null })
            }
            "create_customer" => Does::Makes(text("external_id"), typed(r#"{"id":"804"}"#)),
            "upsert_sales_order" => Does::Makes(state(input), typed(self.head)),
            "written_sales_order" => {
                let found = made("upsert_sales_order", &state(input));
                Does::Gives(if found { typed(self.head) } else { Value::Null })
            }
            "tag_order" => {
                let tagged =
                    format!(r#"{{"id":{},"external_order_id":"{}"}}"#, text("id"), text("external_order_id"));
                Does::Puts(text("id"), typed(&tagged))
            }
            _ => return None,
        })
    }
}

/// A sales order and the state of it that is sent: each is to arrive once.
fn state(input: &Value) -> String {
    let part = |value: Option<&Value>| value.and_then(Value::scalar_text).unwrap_or_default();
    let version = input.get("body").and_then(|body| body.get("custbody_bc_version"));
    format!("{}/{}", part(input.get("external_id")), part(version))
}

fn scenario(
    name: &'static str,
    id: i64,
    answers: impl FnOnce(Compiled) -> Answers,
    hooks: &[u64],
) -> Scenario {
    let compiled = compile(&SHIPPED, &[PathBuf::from("/flows")], Some("production"));
    assert!(!compiled.has_errors());
    let plans = compiled.plans.clone();
    let answers = answers(compiled);
    let mut scenario = Scenario::new(name, plans);
    scenario.script = Some(Script(Arc::new(move |request, input, log| answers.of(request, input, log))));
    let body = Value::object([("order_id", Value::from(id))]);
    scenario.hooks = hooks
        .iter()
        .map(|at| Hook { at: Duration::from_secs(*at), flow: "orders", body: body.clone(), insists: true })
        .collect();
    scenario
}

fn order(file: &str) -> Value {
    Value::parse(&fs::read(PathBuf::from(FOLDER).join(file)).unwrap()).unwrap()
}

/// A guest who is not known yet: a child run makes the customer, then the order goes over and its number comes back.
fn new_buyer() -> Scenario {
    let answers = |compiled| Answers {
        compiled,
        order: order("order_251.json"),
        head: r#"{"id":"5002","tranId":"SO901","total":44.96,"currency":{"id":"1"},"status":{"id":"B"}}"#,
        number: "SO901",
        customer: r#"{"id":"804","deals":"T","pays":"T"}"#,
        known: false,
    };
    scenario("orders, a new buyer", 251, answers, &[0])
}

/// A known customer, announced twice: the second run finds everything as it was.
fn announced_twice() -> Scenario {
    let answers = |compiled| Answers {
        compiled,
        order: order("order_250.json"),
        head: r#"{"id":"5001","tranId":"SO900","total":36.94,"currency":{"id":"2"},"status":{"id":"B"}}"#,
        number: "SO900",
        customer: r#"{"id":"803","externalid":"uk-C52","deals":"T","pays":"T"}"#,
        known: true,
    };
    scenario("orders, announced twice", 250, answers, &[0, 0])
}

#[track_caller]
fn judge(scenario: &Scenario, case: &Case, base: &Verdict) -> Verdict {
    let verdict = scenario.play(case);
    let facts = || {
        verdict
            .facts
            .iter()
            .map(|fact| format!("  {fact:?}").chars().take(400).collect())
            .collect::<Vec<String>>()
    };
    assert!(
        verdict.found.is_empty(),
        "{}: {:#?}\n{case:?}\n{}",
        scenario.name,
        verdict.notes,
        facts().join("\n")
    );
    assert_eq!(verdict.state, base.state, "{}: another end than without a crash\n{case:?}", scenario.name);
    verdict
}

#[test]
fn the_shipped_orders_survive_a_crash_at_every_point() {
    let mut deaths: BTreeMap<Happens, u32> = BTreeMap::new();
    let mut cases = 0;
    for scenario in [new_buyer(), announced_twice()] {
        let base = scenario.play(&Case::default());
        let base = judge(&scenario, &Case::default(), &base);
        let points = base.points[0].points;
        assert!(
            base.requests >= 7 && points >= 40,
            "{}: {} requests, {points} points",
            scenario.name,
            base.requests
        );
        for at in 1..=points {
            for (number, tail) in [Tail::Lost, Tail::Half, Tail::Kept].into_iter().enumerate() {
                let finishes = (at as usize + number).is_multiple_of(2);
                let crash = Crash { at: At::Point(at), tail, finishes, down: Duration::from_secs(1) };
                let case = Case { crashes: vec![crash], seed: u64::from(at % 3), ..Case::default() };
                for point in judge(&scenario, &case, &base).deaths {
                    *deaths.entry(point).or_default() += 1;
                }
                cases += 1;
            }
        }
        for request in 1..=base.requests {
            for fault in Outcome::FAULTS {
                let faults = BTreeMap::from([(request, fault)]);
                judge(&scenario, &Case { faults, ..Case::default() }, &base);
                cases += 1;
            }
        }
        println!("{}: {points} points, {} requests", scenario.name, base.requests);
    }
    println!("{cases} cases, crashes by point {deaths:?}");
    for point in Point::ALL {
        assert!(
            deaths.get(&Happens::Point(point)).is_some_and(|count| *count > 0),
            "no crash at any {point:?}"
        );
    }
}
