//! What goes wrong on this pair of platforms in real life, as requirements. Each has a test of its number, and a
//! slip (`tests/data/requirements/slips.yaml`): a shipped file with a few words changed, as somebody might leave it,
//! which the checker lets pass and the test does not. A slip turns its own requirement red and, of those that are
//! played as cases, no other but those that are named beside it.
//!
//! `played`: cases of `tests/data/requirements`, against scripted systems. `traded`: the real program once, against
//! both twins. `served`: the program as a service.

mod desk;
mod played;
mod served;
mod traded;
mod upkeep;

use std::{fs, path::Path, sync::OnceLock};

use flowrun::estate::Memory;

use crate::check::lay;

/// Words of a shipped file, and what somebody wrote instead.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Slip {
    requirement: String,
    /// The file, below `flows`.
    file: String,
    old: String,
    new: String,
    /// Other played requirements that it breaks too.
    #[serde(default)]
    also: Vec<String>,
}

fn slips() -> &'static [Slip] {
    static SLIPS: OnceLock<Vec<Slip>> = OnceLock::new();
    SLIPS.get_or_init(|| {
        let text = fs::read_to_string("tests/data/requirements/slips.yaml").unwrap();
        serde_yaml::from_str(&text).unwrap()
    })
}

/// The shipped estate, perhaps with a slip.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Estate(Option<&'static Slip>);

impl Estate {
    /// Makes the slip in a copy of the estate.
    pub(crate) fn slip_in(self, flows: &Path) {
        if let Some(slip) = self.0 {
            let path = flows.join(&slip.file);
            let text = fs::read_to_string(&path).unwrap();
            fs::write(&path, slip.made(&text)).unwrap();
        }
    }

    fn memory(self) -> Memory {
        let files = lay(Memory::default(), "flows");
        match self.0 {
            None => files,
            Some(slip) => {
                let text = fs::read_to_string(Path::new("flows").join(&slip.file)).unwrap();
                files.with(Path::new("/").join(&slip.file), slip.made(&text))
            }
        }
    }
}

impl Slip {
    fn made(&self, text: &str) -> String {
        assert_eq!(text.matches(&self.old).count(), 1, "{} says once: {}", self.file, self.old);
        text.replace(&self.old, &self.new)
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

fn broken(name: &str, judge: Judge) {
    let slip = slips().iter().find(|slip| slip.requirement == name).expect("a slip for each requirement");
    let estate = Estate(Some(slip));
    let mut expected = slip.also.clone();
    match judge {
        Judge::Played => expected.push(name[..3].to_owned()),
        Judge::By(judge) => assert!(judge(estate).is_err(), "{name} does not see {slip:?}"),
    }
    expected.sort();
    assert_eq!(played::red(estate), expected, "what {slip:?} breaks of the played requirements");
}

/// A test and a slip for each requirement.
macro_rules! requirements {
    ($($name:ident: $judge:expr;)*) => {
        $(#[test]
        fn $name() {
            met(stringify!($name), $judge);
        })*

        mod slip {
            use super::*;
            $(#[test]
            fn $name() {
                broken(stringify!($name), $judge);
            })*
        }

        #[test]
        fn every_slip_is_one_of_a_requirement() {
            let named: Vec<&str> = slips().iter().map(|slip| &*slip.requirement).collect();
            assert_eq!(named, [$(stringify!($name)),*]);
        }
    };
}

use Judge::{By, Played};

requirements! {
    r01_one_order_however_often_it_is_told: By(traded::told_again);
    r02_unpaid_orders_wait: Played;
    r03_an_order_that_cannot_be_read_yet_is_asked_for_again: By(traded::announced_too_early);
    r04_webhooks_are_answered_before_the_work: By(served::hooks_are_answered_before_the_work);
    r05_an_outage_of_webhooks_is_caught_up: By(served::outage_of_hooks);
    r06_commit_then_timeout_gives_one_sales_order: By(traded::committed_then_lost);
    r07_two_stores_with_one_number: By(traded::two_stores);
    r08_the_newest_state_wins: Played;
    r09_fulfilled_lines_stay_and_cancelled_ones_are_closed: By(traded::edited_after_it_was_sent);
    r09_a_sent_line_with_another_quantity_is_left_alone: By(traded::edited_line_that_was_sent);
    r09_what_was_refunded_before_it_was_sent_is_closed: By(traded::refunded);
    r10_no_line_is_ever_left_out: Played;
    r11_an_unknown_sku_is_named_and_comes_back: Played;
    r12_a_kit_is_one_line: Played;
    r13_no_row_falls_out_of_the_delta_window: By(served::delta_window);
    r14_a_guest_is_found_within_the_store: By(traded::guest_with_a_known_address);
    r15_a_buyer_without_an_address_is_the_storefronts_customer: Played;
    r16_one_name_two_buyers: Played;
    r17_two_quick_orders_make_one_customer: Played;
    r18_subsidiary_location_and_customer_belong_together: By(traded::one_subsidiary);
    r19_checkout_fields_land_where_the_table_says: Played;
    r20_a_pre_ordered_line_keeps_its_ship_date: Played;
    r21_totals_agree_for_orders_of_every_kind: By(traded::totals);
    r22_tax_goes_over_in_amounts_to_the_cent: Played;
    r23_prices_with_tax_are_not_taxed_twice: Played;
    r24_a_repriced_order_is_loud: Played;
    r25_netsuite_does_not_reprice: By(traded::prices_stick);
    r26_a_discount_lowers_its_line: Played;
    r27_a_certificate_sold_is_a_liability_and_redeemed_pays: Played;
    r28_every_tender_is_a_deposit_of_its_own: Played;
    r29_the_orders_currency_at_the_orders_rate: Played;
    r30_each_charge_is_taxed_for_itself: Played;
    r31_tax_that_a_marketplace_collects_is_not_ours: Played;
    r57_a_busy_account_is_backed_off: By(traded::account_is_busy);
    r58_the_stores_quota_is_kept: By(traded::quota_is_kept);
    r60_drift_of_a_record_is_seen_before_it_runs: By(upkeep::drift_is_seen);
    r61_what_failed_is_seen_and_goes_away_when_it_is_cured: By(traded::letters);
    r62_a_kill_loses_nothing_and_doubles_nothing: By(traded::killed);
}
