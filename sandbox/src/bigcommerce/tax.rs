//! The store's tax: classes, rates by destination, and the split of an amount into net and taxes. In: an amount with
//! or without tax and the rates that hold there. Out: [`Taxed`]. It must never know what is being taxed.

use serde::{Deserialize, Serialize};

use super::money::Fixed;

/// The default class.
pub(super) const DEFAULT: u32 = 0;
/// Never taxed.
pub(super) const EXEMPT: u32 = 1;
/// Shipping and handling.
pub(super) const SHIPPING: u32 = 2;
/// Gift wrapping.
pub(super) const WRAPPING: u32 = 3;
/// The lower rate.
pub(super) const REDUCED: u32 = 4;

/// Id and name of every class.
pub(super) const CLASSES: &[(u32, &str)] = &[
    (DEFAULT, "Default Tax Class"),
    (EXEMPT, "Non-Taxable Products"),
    (SHIPPING, "Shipping"),
    (WRAPPING, "Gift Wrapping"),
    (REDUCED, "Reduced Rate"),
];

/// The name of a class; a provider's amounts have none of the store's classes.
pub(super) fn class_name(id: Option<u32>) -> &'static str {
    let found = id.and_then(|id| CLASSES.iter().find(|(known, _)| *known == id));
    found.map_or("Automatic Tax", |(_, name)| name)
}

/// When tax is rounded (`/v3/tax/settings`, `rounding_strategy`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Rounding {
    /// The tax of each rate on each line.
    #[default]
    RateRounding,
    /// Only the order's sums.
    NoRounding,
}

/// One rate at one destination for one class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Rate {
    /// Id of the rate.
    pub id: u32,
    /// Name on the order.
    pub name: String,
    /// Percent.
    pub percent: Fixed,
    /// Rates of a higher number may be charged on top of those of a lower one.
    pub priority: u32,
}

/// Country, state, id, name, priority, percent for the default, shipping, wrapping and reduced classes.
type Row = (&'static str, &'static str, u32, &'static str, u32, [&'static str; 4]);

const RATES: &[Row] = &[
    ("US", "Illinois", 1, "Illinois State Tax", 0, ["6.25", "6.25", "6.25", "1"]),
    ("US", "Illinois", 2, "Peoria County Tax", 0, ["2.75", "0", "2.75", "0"]),
    ("US", "Colorado", 8, "Colorado State Tax", 0, ["2.9", "0", "2.9", "2.9"]),
    ("US", "Colorado", 9, "Denver City Tax", 0, ["5.15", "0", "5.15", "0"]),
    ("US", "Colorado", 10, "Transport District Tax", 0, ["1.1", "0", "1.1", "1.1"]),
    ("CA", "Quebec", 3, "GST", 0, ["5", "5", "5", "0"]),
    ("CA", "Quebec", 4, "QST", 1, ["9.975", "9.975", "9.975", "0"]),
    ("GB", "", 5, "VAT", 0, ["20", "20", "20", "5"]),
    ("DE", "", 6, "MwSt", 0, ["19", "19", "19", "7"]),
    ("JP", "", 7, "Consumption Tax", 0, ["10", "10", "10", "8"]),
];

/// The rates for a destination and class, those of 0 % left out.
pub(super) fn rates(country_iso2: &str, state: &str, class: u32) -> Vec<Rate> {
    let column = match class {
        DEFAULT => 0,
        SHIPPING => 1,
        WRAPPING => 2,
        REDUCED => 3,
        _ => return Vec::new(),
    };
    RATES
        .iter()
        .filter(|row| row.0 == country_iso2 && (row.1.is_empty() || row.1 == state))
        .map(|row| Rate {
            id: row.2,
            name: row.3.to_owned(),
            percent: Fixed::parse(row.5[column]).unwrap_or_default(),
            priority: row.4,
        })
        .filter(|rate| !rate.percent.is_zero())
        .collect()
}

/// The table's rows: country, state, name, priority, percent by class.
pub(super) fn table()
-> impl Iterator<Item = (&'static str, &'static str, &'static str, u32, Vec<(u32, Fixed)>)> {
    RATES.iter().map(|row| {
        let percent = |class: u32| {
            let column = [DEFAULT, SHIPPING, WRAPPING, REDUCED].iter().position(|known| *known == class);
            column.and_then(|column| Fixed::parse(row.5[column])).unwrap_or_default()
        };
        let classes = CLASSES.iter().map(|(class, _)| (*class, percent(*class)));
        (row.0, row.1, row.3, row.4, classes.collect())
    })
}

/// Whether prices in this country are shown with tax.
pub(super) fn is_inclusive_country(country_iso2: &str) -> bool {
    matches!(country_iso2, "GB" | "DE" | "JP" | "KW")
}

/// How tax is worked out: the rules that hold for a whole order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Rules {
    /// Prices are entered with tax.
    pub inclusive: bool,
    /// When to round.
    pub rounding: Rounding,
    /// Rates of a higher priority are charged on the tax of the lower ones too.
    pub compound: bool,
    /// Fees are part of the order's total.
    pub fees_in_total: bool,
    /// Refunds are taken off the order's total.
    #[serde(default)]
    pub refunds_lower_total: bool,
    /// Decimals of the currency.
    pub digits: u32,
}

/// An amount without and with tax.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Taxed {
    /// Without tax.
    pub ex: Fixed,
    /// With tax.
    pub inc: Fixed,
    /// The tax of each rate, in their order.
    pub parts: Vec<Fixed>,
}

impl Taxed {
    /// The tax of all rates.
    pub(super) fn tax(&self) -> Fixed {
        self.parts.iter().copied().sum()
    }
}

impl Rules {
    /// Splits an amount that was entered as the store enters prices.
    pub(super) fn split(self, entered: Fixed, rates: &[Rate]) -> Taxed {
        if self.inclusive { self.take_from(entered, rates) } else { self.add_to(entered, rates) }
    }

    /// Adds tax to a net amount.
    pub(super) fn add_to(self, ex: Fixed, rates: &[Rate]) -> Taxed {
        let parts = self.parts(ex, rates);
        Taxed { ex, inc: ex + parts.iter().copied().sum(), parts }
    }

    /// Takes the tax out of a gross amount.
    pub(super) fn take_from(self, inc: Fixed, rates: &[Rate]) -> Taxed {
        let parts = self.parts(self.net(inc, rates), rates);
        Taxed { ex: inc - parts.iter().copied().sum(), inc, parts }
    }

    /// The net amount within a gross one, not rounded.
    pub(super) fn net(self, inc: Fixed, rates: &[Rate]) -> Fixed {
        let sum: Fixed = self.weights(rates).into_iter().sum();
        inc.div(Fixed::ONE + sum)
    }

    /// The tax of each rate on a net amount.
    pub(super) fn parts(self, ex: Fixed, rates: &[Rate]) -> Vec<Fixed> {
        let exact = self.weights(rates).into_iter().map(|weight| ex.mul(weight));
        match self.rounding {
            Rounding::RateRounding => exact.map(|tax| tax.round(self.digits)).collect(),
            Rounding::NoRounding => exact.collect(),
        }
    }

    /// Each rate's tax on a net amount of one.
    fn weights(self, rates: &[Rate]) -> Vec<Fixed> {
        let hundred = Fixed::whole(100);
        let mut weights: Vec<Fixed> = Vec::with_capacity(rates.len());
        for rate in rates {
            let below: Fixed = rates
                .iter()
                .zip(&weights)
                .filter(|(other, _)| self.compound && other.priority < rate.priority)
                .map(|(_, weight)| *weight)
                .sum();
            weights.push((Fixed::ONE + below).mul(rate.percent).div(hundred));
        }
        weights
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amount(text: &str) -> Fixed {
        Fixed::parse(text).expect(text)
    }

    fn rules(inclusive: bool, compound: bool) -> Rules {
        Rules {
            inclusive,
            rounding: Rounding::RateRounding,
            compound,
            fees_in_total: true,
            refunds_lower_total: false,
            digits: 2,
        }
    }

    #[test]
    fn tax_is_added_rate_by_rate() {
        let illinois = rates("US", "Illinois", DEFAULT);
        let taxed = rules(false, false).split(amount("14.50"), &illinois);
        assert_eq!(taxed.parts, [amount("0.91"), amount("0.40")]);
        assert_eq!(taxed.inc, amount("15.81"));
    }

    #[test]
    fn tax_is_taken_out_of_a_gross_price() {
        let taxed = rules(true, false).split(amount("9.99"), &rates("GB", "Shropshire", DEFAULT));
        assert_eq!((taxed.ex, taxed.tax(), taxed.inc), (amount("8.32"), amount("1.67"), amount("9.99")));
    }

    #[test]
    fn a_higher_priority_may_be_charged_on_tax() {
        let quebec = rates("CA", "Quebec", DEFAULT);
        assert_eq!(rules(false, false).split(amount("100"), &quebec).inc, amount("114.98"));
        assert_eq!(rules(false, true).split(amount("100"), &quebec).inc, amount("115.47"));
    }

    #[test]
    fn kuwait_and_exempt_goods_have_no_tax() {
        assert!(rates("KW", "", DEFAULT).is_empty());
        assert!(rates("GB", "", EXEMPT).is_empty());
    }
}
