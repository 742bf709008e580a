//! How many mappings a second one core makes: 40 fields over an order of about 18 kB. Also how fast such an order is read
//! from JSON and written back. Prints one line for each; run with `cargo bench --bench mapping`.

#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

mod measure;

use std::{
    fmt::Write as _,
    hint::black_box,
    time::{Duration, Instant},
};

use flowrun::{
    expr::{Mapping, Names, Root, Scope, Table, Tables, Template},
    value::Value,
};

const LINES: usize = 60;
const ROUND: Duration = Duration::from_millis(500);
const ROUNDS: usize = 4;

/// An order with 60 lines, all data made up.
fn order() -> String {
    let mut lines = String::new();
    for line in 0..LINES {
        let comma = if line == 0 { "" } else { "," };
        let _ = write!(
            lines,
            r#"{comma}{{"id":{id},"sku":"SKU-{line:04}","name":"Item number {line}","quantity":{quantity},"price_ex_tax":{price}.2500,"price_inc_tax":{price}.5000,"weight":0.7500,"is_refunded":false,"options":[{{"name":"Colour","value":"Blue"}},{{"name":"Size","value":"L"}}],"tax":{{"class":"standard","rate":20,"amount":{price}.0500}}}}"#,
            id = 90_000 + line,
            quantity = 1 + line % 7,
            price = 3 + line % 40,
        );
    }
    format!(
        r#"{{"id":1042,"number":"W-1042","status":"paid","status_id":11,"channel_id":1,"currency":"GBP","created":"2026-11-02T10:15:00Z",
        "total_ex_tax":812.50,"total_inc_tax":975.00,"total_tax":162.50,"shipping_ex_tax":10.00,"handling_ex_tax":0,"discount":5.25,"exchange_rate":1.2735,
        "customer":{{"id":77,"email":"jo.bloggs@example.test","first_name":"Jo","last_name":"Bloggs","phone":"01632 960000","group":{{"id":3,"name":"Trade"}}}},
        "billing":{{"street":"1 Made Up Street","city":"Leeds","zip":"LS1 1AA","country":"gb","state":null}},
        "shipping":{{"street":"2 Made Up Street","city":"York","zip":"YO1 1AA","country":"gb","method":"standard"}},
        "note":"please ring twice","tags":["new","web"],"lines":[{lines}]}}"#
    )
}

/// Twenty paths, eight sums, six functions on text, three walks over all lines, three conditions.
const FIELDS: [&str; 40] = [
    "{{ order.id }}",
    "{{ order.number }}",
    "{{ order.status }}",
    "{{ order.channel_id }}",
    "{{ order.created }}",
    "{{ order.total_ex_tax }}",
    "{{ order.total_inc_tax }}",
    "{{ order.total_tax }}",
    "{{ order.customer.id }}",
    "{{ order.customer.email }}",
    "{{ order.customer.phone }}",
    "{{ order.customer.group.name }}",
    "{{ order.billing.street }}",
    "{{ order.billing.city }}",
    "{{ order.billing.zip }}",
    "{{ order.shipping.street }}",
    "{{ order.shipping.city }}",
    "{{ order.lines[0].sku }}",
    "{{ order.lines }}",
    "{{ tables.currencies[order.currency].id }}",
    "{{ order.total_ex_tax + order.total_tax }}",
    "{{ order.total_inc_tax - order.discount }}",
    "{{ order.lines[0].quantity * order.lines[0].price_ex_tax }}",
    "{{ order.total_ex_tax * 0.2 }}",
    "{{ order.total_inc_tax - order.total_ex_tax - order.total_tax }}",
    "{{ (order.total_inc_tax * order.exchange_rate) | round(2) }}",
    "{{ round(order.total_tax / order.total_ex_tax, 4) }}",
    "{{ order.shipping_ex_tax + order.handling_ex_tax }}",
    "{{ order.customer.email | lower }}",
    "{{ order.billing.country | upper }}",
    "{{ order.shipping.country | upper }}",
    "{{ order.customer.first_name }} {{ order.customer.last_name }}",
    "BC-{{ order.id }}",
    "{{ order.note | clip(10) }}",
    "{{ order.lines | map(attribute='sku') | join(',') }}",
    "{{ order.lines | map(attribute='price_ex_tax') | sum }}",
    "{{ order.lines | sum(attribute='quantity') }}",
    "{{ 'trade' if order.customer.group.name == 'Trade' else 'retail' }}",
    "{{ order.billing.state | default('none') }}",
    "{{ order.status_id in [2, 10, 11] and order.total_inc_tax > 0 }}",
];

fn mapping() -> Result<Mapping, String> {
    let names = Names::new().with("order", 0);
    let field = |(index, text): (usize, &&str)| {
        let template = Template::parse(text, &names).map_err(|faults| format!("{text}: {faults:?}"))?;
        Ok((format!("field_{index:02}").into(), Mapping::Template(template)))
    };
    Ok(Mapping::Object(FIELDS.iter().enumerate().map(field).collect::<Result<_, String>>()?))
}

/// How long this thread has had a core; where the system does not say, how long it has run.
fn clock(begin: Instant) -> Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let told =
        told.as_deref().and_then(|told| told.split(' ').next()?.parse().ok()).map(Duration::from_nanos);
    told.unwrap_or_else(|| begin.elapsed())
}

/// How long a round is.
fn round() -> Duration {
    if measure::is_real() { ROUND } else { ROUND / 100 }
}

/// The best rate of some rounds, a second of a core.
fn best(mut work: impl FnMut() -> Result<(), String>) -> Result<f64, String> {
    let mut best = 0.0_f64;
    for _ in 0..ROUNDS {
        let begin = Instant::now();
        let (start, mut count) = (clock(begin), 0_u32);
        while clock(begin).saturating_sub(start) < round() {
            for _ in 0..50 {
                work()?;
            }
            count += 50;
        }
        best = best.max(f64::from(count) / clock(begin).saturating_sub(start).as_secs_f64());
    }
    Ok(best)
}

fn main() -> Result<(), String> {
    let text = order();
    let order = Value::parse(text.as_bytes()).map_err(|error| error.to_string())?;
    let mapping = mapping()?;
    let mut tables = Tables::new();
    let currencies = Table::from_csv("currencies", "code:text*,id:int\nGBP,1\nUSD,2\n");
    tables.add(currencies.map_err(|faults| format!("{faults:?}"))?);
    let roots = [Root::Value(&order)];
    let eval = || mapping.eval(&Scope::new(&roots, &tables)).map_err(|error| error.to_string());
    let made = eval()?.unwrap_or_default().to_json();
    println!(
        "an order of {} bytes, a mapping of {} fields that gives {} bytes",
        text.len(),
        FIELDS.len(),
        made.len()
    );
    let mapped = best(|| eval().map(|value| drop(black_box(value))))?;
    println!("mappings: {mapped:.0} a second on one core");
    let read = best(|| {
        Value::parse(black_box(text.as_bytes()))
            .map(|value| drop(black_box(value)))
            .map_err(|error| error.to_string())
    })?;
    let bare_read = best(|| {
        serde_json::from_slice::<serde_json::Value>(black_box(text.as_bytes()))
            .map(|value| drop(black_box(value)))
            .map_err(|error| error.to_string())
    })?;
    println!("orders read from JSON: {read:.0} a second; serde_json: {bare_read:.0}");
    let written = best(|| {
        black_box(order.to_json());
        Ok(())
    })?;
    let bare = serde_json::from_str::<serde_json::Value>(&text).map_err(|error| error.to_string())?;
    let bare_written = best(|| {
        black_box(bare.to_string());
        Ok(())
    })?;
    println!("orders written as JSON: {written:.0} a second; serde_json: {bare_written:.0}");
    println!("a mapping takes {:.2} times what serde_json takes to read the order", bare_read / mapped);
    println!(
        "reading takes {:.2} times serde_json's time, writing {:.2} times",
        bare_read / read,
        bare_written / written
    );
    measure::at_least("mappings a second on one core", mapped, 50_000.0);
    Ok(())
}
