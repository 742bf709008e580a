//! What goes wrong on this pair of platforms in real life, as requirements. Each has a test of its number, and a slip: a shipped
//! file with a few words changed, as somebody might leave it, which the checker lets pass and the test does not. A slip must
//! turn its own requirement red and, of those that are played as cases, no other (or those that are named beside it).
//!
//! `played`: cases of `tests/data/requirements`, against scripted systems. `traded`: the real program once, against both twins.
//! `served`: the program as a service.

mod desk;
mod played;
mod served;
mod traded;
mod upkeep;

use std::{fs, path::Path};

use flowrun::{
    compile::compile,
    estate::Memory,
    problem::{
        Severity,
        draw::{Style, draw},
    },
};

use crate::check::lay;

/// Words of a shipped file, and what somebody wrote instead.
#[derive(Debug)]
pub(crate) struct Slip {
    /// The file, below `flows`.
    file: &'static str,
    old: &'static str,
    new: &'static str,
    /// Other played requirements that it breaks too.
    also: &'static [&'static str],
}

/// The shipped estate, perhaps with a slip.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Estate(Option<&'static Slip>);

impl Estate {
    /// Makes the slip in a copy of the estate.
    pub(crate) fn slip_in(self, flows: &Path) {
        if let Some(slip) = self.0 {
            let path = flows.join(slip.file);
            let text = fs::read_to_string(&path).unwrap();
            fs::write(&path, slip.made(&text)).unwrap();
        }
    }

    fn memory(self) -> Memory {
        let files = lay(Memory::default(), "flows");
        match self.0 {
            None => files,
            Some(slip) => {
                let text = fs::read_to_string(Path::new("flows").join(slip.file)).unwrap();
                files.with(Path::new("/").join(slip.file), slip.made(&text))
            }
        }
    }
}

impl Slip {
    fn made(&self, text: &str) -> String {
        assert_eq!(text.matches(self.old).count(), 1, "{} says once: {}", self.file, self.old);
        text.replace(self.old, self.new)
    }
}

/// What judges an estate: nothing if the requirement is met.
#[derive(Clone, Copy)]
enum Judge {
    /// The cases that are named after the requirement.
    Played,
    By(fn(Estate) -> Verdict),
}

/// What is wrong, if anything.
pub(crate) type Verdict = Result<(), String>;

/// Holds or says what does not.
pub(crate) fn want(holds: bool, told: impl FnOnce() -> String) -> Verdict {
    if holds { Ok(()) } else { Err(told()) }
}

fn met(name: &str, judge: Judge) {
    let verdict = match judge {
        Judge::Played => played::verdict(name),
        Judge::By(judge) => judge(Estate(None)),
    };
    assert_eq!(verdict, Ok(()));
}

fn broken(name: &str, judge: Judge, slip: &'static Slip) {
    let estate = Estate(Some(slip));
    let compiled = compile(&estate.memory(), &["/".into()], None);
    let refused = compiled.problems.iter().any(|problem| problem.severity == Severity::Error);
    assert!(
        !refused,
        "the checker refuses it: {}",
        draw(&compiled.problems, &compiled.sources, Style::PLAIN)
    );
    let mut expected: Vec<String> = slip.also.iter().map(|also| (*also).to_owned()).collect();
    match judge {
        Judge::Played => expected.push(name[..3].to_owned()),
        Judge::By(judge) => assert!(judge(estate).is_err(), "{name} does not see {slip:?}"),
    }
    expected.sort();
    assert_eq!(played::red(estate), expected, "what {slip:?} breaks of the played requirements");
}

/// A test and a slip for each requirement.
macro_rules! requirements {
    ($($name:ident: $judge:expr, $file:literal, $old:literal => $new:literal $(, also $also:expr)?;)*) => {
        $(#[test]
        fn $name() {
            met(stringify!($name), $judge);
        })*

        mod slips {
            use super::*;
            $(#[test]
            fn $name() {
                const ALSO: &[&str] = &[$($also)?];
                static SLIP: Slip = Slip { file: $file, old: $old, new: $new, also: ALSO };
                broken(stringify!($name), $judge, &SLIP);
            })*
        }
    };
}

use Judge::{By, Played};

requirements! {
    r01_one_order_however_often_it_is_told: By(traded::told_again), "bigcommerce-netsuite/orders.yaml",
        "    with: { external_id: \"{{ connection.store.code }}-{{ event.order_id }}\", body:"
            => "    with: { external_id: \"{{ connection.store.code }}-{{ event.order_id }}-{{ run.id }}\", body:";
    r03_an_order_that_cannot_be_read_yet_is_asked_for_again: By(traded::announced_too_early), "connectors/bigcommerce.yaml",
        "classes: [{ status: 404, class: gone }] " => "classes: [{ status: 404, class: reject }] ";
    r04_webhooks_are_answered_before_the_work: By(served::hooks_are_answered_before_the_work),
        "bigcommerce-netsuite/orders.yaml", "body.data.id }}" => "body.data.number }}";
    r05_an_outage_of_webhooks_is_caught_up: By(served::outage_of_hooks), "bigcommerce-netsuite/orders.yaml",
        "    - poll: store.orders_modified       # ... and again, for what webhooks missed
      every: 10m
      start: now                        # never the whole history by accident
      event: { order_id: \"{{ row.id }}\" }
" => "";
    r06_commit_then_timeout_gives_one_sales_order: By(traded::committed_then_lost), "connectors/netsuite.yaml",
        "    repeat: { look: written_sales_order, settle: \"{{ settings.settle }}\" }" => "    repeat: never";
    r07_two_stores_with_one_number: By(traded::two_stores), "bigcommerce-netsuite/orders.yaml",
        "    with: { external_id: \"{{ connection.store.code }}-{{ event.order_id }}\", body:"
            => "    with: { external_id: \"main-{{ event.order_id }}\", body:";
    r09_fulfilled_lines_stay_and_cancelled_ones_are_closed: By(traded::edited_after_it_was_sent),
        "connectors/netsuite.yaml", "        query: { replace: taxDetails }
        body: \"{{ with.body }}\"
        over: found
" => "        query: { replace: taxDetails }
        body: \"{{ with.body }}\"
";
    r13_no_row_falls_out_of_the_delta_window: By(served::delta_window), "connectors/bigcommerce.yaml",
        "    query: { min_date_modified: \"{{ cursor.since }}\", sort: \"date_modified:asc\" }
    paging: { kind: page, size: 250 }
    cursor: { kind: second, field: date_modified, format: rfc2822, tie: id }
    example:
      with: {}
      cursor: { since: 2026-03-02T08:15:00Z }
      answers:
        answer:
          asked: \"GET /v2/orders?min_date_modified=Mon"
            => "    query: { min_date_created: \"{{ cursor.since }}\", sort: \"date_modified:asc\" }
    paging: { kind: page, size: 250 }
    cursor: { kind: second, field: date_modified, format: rfc2822, tie: id }
    example:
      with: {}
      cursor: { since: 2026-03-02T08:15:00Z }
      answers:
        answer:
          asked: \"GET /v2/orders?min_date_created=Mon";
    r14_a_guest_is_found_within_the_store: By(traded::guest_with_a_known_address), "connectors/netsuite.yaml",
        "(c.custentity_bc_store = :store AND LOWER(c.email) = LOWER(:email))" => "(LOWER(c.email) = LOWER(:email))";
    r17_two_quick_orders_make_one_customer: Played, "bigcommerce-netsuite/create_customer.yaml",
        "found is not none }}" => "found is not none and found.id == '' }}";
    r18_subsidiary_location_and_customer_belong_together: By(traded::one_subsidiary), "tables/storefronts.csv",
        "3,Germany,3,EUR,3,1" => "3,Germany,3,EUR,1,1";
    r21_totals_agree_for_orders_of_every_kind: By(traded::totals), "bigcommerce-netsuite/orders.yaml",
        "handling: \"{{ order.handling_cost_inc_tax }}\"" => "handling: \"{{ order.store_credit_amount }}\"", also "r30";
    r25_netsuite_does_not_reprice: By(traded::prices_stick), "bigcommerce-netsuite/orders.yaml",
        "      price: { id: \"-1\" }               # custom" => "      price: { id: \"1\" }               # custom";
    r57_a_busy_account_is_backed_off: By(traded::account_is_busy), "connectors/netsuite.yaml",
        "- { status: 429, class: throttle, sent: no }" => "- { status: 429, class: reject }";
    r58_the_stores_quota_is_kept: By(traded::quota_is_kept), "connectors/bigcommerce.yaml",
        "left: X-Rate-Limit-Requests-Left" => "left: X-Requests-Left";
    r60_drift_of_a_record_is_seen_before_it_runs: By(upkeep::drift_is_seen), "bigcommerce-netsuite/orders.yaml",
        "handling: \"{{ order.handling_cost_inc_tax }}\""
            => "handling: \"{{ order | path('$.handling_cost_inc_tax') | first }}\"";
    r61_what_failed_is_seen_and_goes_away_when_it_is_cured: By(traded::letters), "bigcommerce-netsuite/orders.yaml",
        "    reject: { some: \"nothing" => "    ignore: { some: \"nothing", also "r20";
    r62_a_kill_loses_nothing_and_doubles_nothing: By(traded::killed), "connectors/netsuite.yaml",
        "    repeat: { look: written_sales_order, settle: \"{{ settings.settle }}\" }" => "    repeat: never";
    r02_unpaid_orders_wait: Played, "tables/order_status.csv",
        "7,Awaiting Payment,false" => "7,Awaiting Payment,true";
    r08_the_newest_state_wins: Played, "bigcommerce-netsuite/orders.yaml",
        "    call: store.get_order\n" => "    call: store.get_order\n    fresh: 10m\n";
    r10_no_line_is_ever_left_out: Played, "bigcommerce-netsuite/orders.yaml",
        "rejectattr('parent_order_product_id', 'in', kits)" => "rejectattr('parent_order_product_id', 'ne', none)";
    r11_an_unknown_sku_is_named_and_comes_back: Played, "bigcommerce-netsuite/orders.yaml",
        "    retry: { every: 15m, for: 3d }      # comes back by itself, with the newest tables\n" => "";
    r12_a_kit_is_one_line: Played, "bigcommerce-netsuite/orders.yaml", "== 'Kit' }}" => "== 'KitItem' }}";
    r15_a_buyer_without_an_address_is_the_storefronts_customer: Played, "bigcommerce-netsuite/orders.yaml",
        "nameless: \"{{ order.customer_id == 0" => "nameless: \"{{ order.customer_id == -1";
    r16_one_name_two_buyers: Played, "fragments/ns_customer.yaml",
        "\"{{ who | clip(50) }} {{ external_id }}\"" => "\"{{ who | clip(50) }}\"";
    r19_checkout_fields_land_where_the_table_says: Played, "tables/checkout_fields.csv",
        "PO Number,otherRefNum,false\n" => "";
    r20_a_pre_ordered_line_keeps_its_ship_date: Played, "bigcommerce-netsuite/orders.yaml",
        "      expectedShipDate: \"{{ details[part.key].value.released | default(omit) }}\"\n" => "";
    r22_tax_goes_over_in_amounts_to_the_cent: Played, "fragments/tax_by_line.yaml",
        "weight='amount'" => "weight='rate'";
    r23_prices_with_tax_are_not_taxed_twice: Played, "fragments/net_of_line.yaml",
        "\"{{ line.discounted_total_inc_tax - (on_line | sum(attribute='line_amount')) }}\""
            => "\"{{ line.total_ex_tax if on_line != [] else line.discounted_total_inc_tax }}\"", also "r26";
    r24_a_repriced_order_is_loud: Played, "bigcommerce-netsuite/orders.yaml",
        "{{ result.total == order.total_inc_tax }}" => "{{ result.total != 0 }}";
    r26_a_discount_lowers_its_line: Played, "fragments/net_of_line.yaml",
        "line.discounted_total_inc_tax - " => "line.total_inc_tax - ";
    r27_a_certificate_sold_is_a_liability_and_redeemed_pays: Played, "tables/tenders.csv",
        "gift_certificate,giftcertificate,6,251" => "gift_certificate,giftcertificate,6,";
    r28_every_tender_is_a_deposit_of_its_own: Played, "bigcommerce-netsuite/orders.yaml",
        "['purchase', 'capture']" => "['purchase', 'capture', 'authorization']";
    r29_the_orders_currency_at_the_orders_rate: Played, "bigcommerce-netsuite/orders.yaml",
        "exchangeRate: \"{{ rate | default(omit) }}\"" => "exchangeRate: 1";
    r30_each_charge_is_taxed_for_itself: Played, "fragments/tax_rows.yaml",
        "{{ -1 if t.line_item_type == 'shipping'" => "{{ -1 if t.line_item_type != 'item'";
    r31_tax_that_a_marketplace_collects_is_not_ours: Played, "tables/storefronts.csv",
        ",511,marketplace" => ",511,own";
}
