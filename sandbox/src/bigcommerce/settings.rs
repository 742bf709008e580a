//! What can be said about a store at its start, and the credentials that follow from it. Every behaviour that the
//! platform does not document, and that this twin had to choose, is a switch here; its default is the choice.

use serde::{Deserialize, Serialize};

use super::tax::Rounding;
use crate::seed::{LOWER_AND_DIGITS, Random};

/// The store's plan: how many calls a window of 30 seconds allows, all clients together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Plan {
    /// 150 calls (Standard and Plus).
    #[default]
    Plus,
    /// 450 calls.
    Pro,
    /// No quota; the quota headers are left out.
    Unlimited,
}

impl Plan {
    /// Calls in a window, if limited.
    pub fn quota(self) -> Option<u32> {
        match self {
            Self::Plus => Some(150),
            Self::Pro => Some(450),
            Self::Unlimited => None,
        }
    }
}

/// An API account: what one client of the store logs in with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Owner of the webhooks and metafields that the account makes.
    pub client_id: String,
    /// Key of the webhook signatures.
    pub client_secret: String,
    /// Value of `X-Auth-Token`.
    pub access_token: String,
}

impl Account {
    /// An account made up from the sandbox's seed; `name` tells accounts of one store apart.
    pub fn made_up(seed: u64, name: &str) -> Self {
        let mut random = Random::new(seed, &format!("account {name}"));
        let mut text = |length| random.text(LOWER_AND_DIGITS, length);
        Self { client_id: text(31), client_secret: text(64), access_token: text(31) }
    }
}

/// The store's settings. The switches marked "choice" decide what the platform's documents leave open.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct Settings {
    /// Identifier of the store in every path; made up from the seed if empty.
    pub store_hash: String,
    /// Number of the store in webhooks and `/v2/store`.
    pub store_id: u64,
    /// Name of the store.
    pub name: String,
    /// ISO code of the store's own currency.
    pub currency: String,
    /// The quota.
    pub plan: Plan,
    /// Who may call; one is made up from the seed if there is none. [`Access`] shows the first.
    pub accounts: Vec<Account>,
    /// Registered customers at the start.
    pub customers: u32,
    /// Orders at the start, of every kind by turns; no webhook tells of them.
    pub orders: u32,
    /// When tax is rounded.
    pub rounding: Rounding,
    /// Choice: tax rates of a higher priority are charged on the tax of the lower ones too.
    pub compound_rates: bool,
    /// Choice: fees are part of an order's total.
    pub fees_in_total: bool,
    /// Choice: a refund lowers `total_inc_tax`, `total_ex_tax` and `total_tax`; otherwise they stay what was ordered.
    pub refunds_lower_total: bool,
    /// Choice: the status of a successful `POST /v2/orders`; the documents say 200, stores have been seen to say 201.
    pub created_status: u16,
    /// Choice: fields that V2 does not have are refused; they are ignored otherwise.
    pub refuse_unknown_fields: bool,
    /// Choice: `webhook-timestamp` shows sandbox time; receivers check it against their own clock, so by default it
    /// is real time.
    pub hook_timestamps_on_sandbox_clock: bool,
    /// Choice: how long, in milliseconds of real time, a webhook's receiver may take to answer.
    pub hook_timeout_ms: u64,
    /// Choice: for so many milliseconds of sandbox time after an order is placed, reads do not find it yet.
    pub read_lag_ms: u64,
    /// For so many milliseconds of sandbox time after stock is written, reads show the level before it.
    pub stock_lag_ms: u64,
    /// Choice: a bulk call on stock is refused (429) beside a bulk call on the catalogue; otherwise both are taken.
    pub refuse_bulk_beside_bulk: bool,
    /// Choice: a batch of price records writes what can be written and lists the rest; otherwise it is all or nothing.
    pub price_batches_are_partial: bool,
    /// Choice: `POST` of a price list assignment moves a group and channel that have another list; otherwise it is refused.
    pub assigning_moves: bool,
    /// Simple products beyond the catalogue, SKU `BULK-000001` and so on, for trials of size.
    pub bulk_products: u32,
    /// How long every call takes, in milliseconds of real time.
    pub latency_ms: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            store_hash: String::new(),
            store_id: 1_002_233,
            name: "Flint & Larder".into(),
            currency: "USD".into(),
            plan: Plan::Plus,
            accounts: Vec::new(),
            customers: 25,
            orders: 0,
            rounding: Rounding::RateRounding,
            compound_rates: true,
            fees_in_total: true,
            refunds_lower_total: false,
            created_status: 201,
            refuse_unknown_fields: true,
            hook_timestamps_on_sandbox_clock: false,
            hook_timeout_ms: 10_000,
            read_lag_ms: 0,
            stock_lag_ms: 0,
            refuse_bulk_beside_bulk: true,
            price_batches_are_partial: true,
            assigning_moves: false,
            bulk_products: 0,
            latency_ms: 0,
        }
    }
}

impl Settings {
    /// Fills in what is made up from the seed.
    pub(super) fn complete(mut self, seed: u64) -> Self {
        if self.store_hash.is_empty() {
            self.store_hash = Random::new(seed, "store hash").text(LOWER_AND_DIGITS, 10);
        }
        if self.accounts.is_empty() {
            self.accounts.push(Account::made_up(seed, "first"));
        }
        self
    }

    pub(super) fn access(&self, base: &str) -> Access {
        let account = self.accounts.first().cloned().unwrap_or_else(|| Account::made_up(0, "none"));
        Access {
            base_url: format!("{base}/stores/{}", self.store_hash),
            store_hash: self.store_hash.clone(),
            access_token: account.access_token,
            client_id: account.client_id,
            client_secret: account.client_secret,
        }
    }
}

/// Address and credentials of the store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Access {
    /// Up to and with `/stores/{hash}`; `/v2/…` and `/v3/…` follow.
    pub base_url: String,
    /// Identifier of the store.
    pub store_hash: String,
    /// Value of `X-Auth-Token`.
    pub access_token: String,
    /// The API account's id.
    pub client_id: String,
    /// The API account's secret: the key of the webhook signatures.
    pub client_secret: String,
}
