//! The store's currencies. In: ISO codes. Out: ids, decimals, rates, and the entries of `/v2/currencies`.

use serde_json::{Value, json};

use super::money::Fixed;

/// One currency of the store.
struct Currency {
    id: u64,
    code: &'static str,
    name: &'static str,
    country: &'static str,
    token: &'static str,
    digits: u32,
    /// Units for one US dollar.
    per_dollar: &'static str,
    /// Shoppers can pay in it.
    transactional: bool,
}

const fn currency(
    id: u64,
    (code, name, country, token): (&'static str, &'static str, &'static str, &'static str),
    digits: u32,
    per_dollar: &'static str,
    transactional: bool,
) -> Currency {
    Currency { id, code, name, country, token, digits, per_dollar, transactional }
}

const CURRENCIES: &[Currency] = &[
    currency(1, ("USD", "US Dollar", "US", "$"), 2, "1", true),
    currency(2, ("GBP", "British Pound", "GB", "£"), 2, "0.7912", true),
    currency(3, ("EUR", "Euro", "DE", "€"), 2, "0.9235", true),
    currency(4, ("JPY", "Japanese Yen", "JP", "¥"), 0, "151.37", true),
    currency(5, ("KWD", "Kuwaiti Dinar", "KW", "KD"), 3, "0.30715", true),
    currency(6, ("CAD", "Canadian Dollar", "CA", "C$"), 2, "1.3641", false),
];

fn find(code: &str) -> Option<&'static Currency> {
    CURRENCIES.iter().find(|currency| currency.code == code)
}

/// The currency's id in the store, 0 if it has none.
pub(super) fn id(code: &str) -> u64 {
    find(code).map_or(0, |currency| currency.id)
}

/// Decimals of the currency.
pub(super) fn digits(code: &str) -> u32 {
    find(code).map_or(2, |currency| currency.digits)
}

/// Whether orders can be paid in it.
pub(super) fn is_transactional(code: &str) -> bool {
    find(code).is_some_and(|currency| currency.transactional)
}

/// Codes of the currencies that orders can be paid in.
pub(super) fn transactional() -> Vec<&'static str> {
    CURRENCIES.iter().filter(|currency| currency.transactional).map(|currency| currency.code).collect()
}

/// Units of `to` for one unit of `from`.
pub(super) fn rate(from: &str, to: &str) -> Fixed {
    if from == to {
        return Fixed::ONE;
    }
    let per_dollar = |code| find(code).and_then(|found| Fixed::parse(found.per_dollar)).unwrap_or(Fixed::ONE);
    per_dollar(to).div(per_dollar(from))
}

/// `/v2/currencies`, seen from the store's own currency.
pub(super) fn list(store: &str) -> Vec<Value> {
    CURRENCIES.iter().map(|currency| entry(currency, store)).collect()
}

fn entry(currency: &Currency, store: &str) -> Value {
    json!({
        "id": currency.id,
        "is_default": currency.code == store,
        "country_iso2": currency.country,
        "default_for_country_codes": [currency.country],
        "currency_code": currency.code,
        "currency_exchange_rate": rate(store, currency.code).text(10),
        "auto_update": false,
        "token_location": "left",
        "token": currency.token,
        "decimal_token": ".",
        "thousands_token": ",",
        "decimal_places": currency.digits,
        "name": currency.name,
        "enabled": true,
        "is_transactional": currency.transactional,
        "use_default_name": false,
    })
}
