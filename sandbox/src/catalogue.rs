//! The goods both twins sell, as one table, so that a SKU ordered in one platform is an item of the other.
//!
//! In: nothing. Out: [`PRODUCTS`]. It must never know how a platform stores a product.

/// The currencies every product is priced in, in the order of [`Product::prices`].
pub const CURRENCIES: [&str; 5] = ["USD", "GBP", "EUR", "JPY", "KWD"];

/// What sort of thing a product is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Goods with stock.
    Stocked,
    /// Goods without stock: downloads.
    Digital,
    /// Work: fitting, engraving.
    Service,
    /// The parent of variants; it is not sold itself. Its options, in order.
    Parent(&'static [&'static str]),
    /// A variant with stock: the parent's SKU and one value for each of its options.
    Variant(&'static str, &'static [&'static str]),
    /// Sold as one, fulfilled as its members: SKU and how many of it go into one kit.
    Kit(&'static [(&'static str, u32)]),
    /// A gift certificate; its price is what the buyer chooses.
    GiftCertificate,
}

/// One product.
#[derive(Clone, Copy, Debug)]
pub struct Product {
    /// Stock keeping unit, the same in both twins.
    pub sku: &'static str,
    /// The name a buyer sees.
    pub name: &'static str,
    /// What sort of thing it is.
    pub kind: Kind,
    /// Price without tax for each of [`CURRENCIES`], as decimal text in that currency's minor units.
    pub prices: [&'static str; 5],
    /// Units on hand in the main warehouse when the sandbox starts (0 where the kind has no stock).
    pub stock: u32,
    /// Weight in kilograms, as decimal text.
    pub weight: &'static str,
}

impl Product {
    /// The price in a currency (ISO code), as decimal text.
    pub fn price(&self, currency: &str) -> Option<&'static str> {
        CURRENCIES.iter().position(|code| *code == currency).map(|at| self.prices[at])
    }
}

/// The product of a SKU.
pub fn by_sku(sku: &str) -> Option<&'static Product> {
    PRODUCTS.iter().find(|product| product.sku == sku)
}

use Kind::{Digital, GiftCertificate, Kit, Parent, Service, Stocked, Variant};

const fn p(
    sku: &'static str,
    name: &'static str,
    kind: Kind,
    prices: [&'static str; 5],
    stock: u32,
) -> Product {
    Product { sku, name, kind, prices, stock, weight: "0.5" }
}

/// All products: FR-1001 to FR-1041, three kits, one gift certificate.
pub const PRODUCTS: &[Product] = &[
    p("FR-1001", "Oak serving board", Stocked, ["42.00", "34.99", "39.90", "6200", "12.900"], 120),
    p("FR-1002", "Walnut serving board", Stocked, ["58.50", "47.50", "54.95", "8650", "17.975"], 64),
    p("FR-1003", "Linen tea towel", Stocked, ["11.95", "9.99", "10.90", "1750", "3.675"], 480),
    p("FR-1004", "Set of four napkins", Stocked, ["24.00", "19.50", "22.90", "3550", "7.375"], 210),
    p("FR-1005", "Table runner", Stocked, ["36.75", "29.95", "34.50", "5450", "11.295"], 75),
    p("FR-1006", "Beeswax candle", Stocked, ["8.33", "6.67", "7.77", "1230", "2.555"], 900),
    p("FR-1007", "Candle holder", Stocked, ["17.20", "13.99", "15.95", "2550", "5.285"], 150),
    p("FR-1008", "Salt pig", Stocked, ["26.40", "21.45", "24.60", "3900", "8.115"], 58),
    p("FR-1009", "Pepper mill", Stocked, ["39.99", "32.49", "37.25", "5920", "12.290"], 83),
    p("FR-1010", "Apron", Parent(&["Colour", "Size"]), ["31.00", "25.00", "29.00", "4590", "9.530"], 0),
    p(
        "FR-1011",
        "Apron, blue, M",
        Variant("FR-1010", &["Blue", "M"]),
        ["31.00", "25.00", "29.00", "4590", "9.530"],
        40,
    ),
    p(
        "FR-1012",
        "Apron, blue, L",
        Variant("FR-1010", &["Blue", "L"]),
        ["31.00", "25.00", "29.00", "4590", "9.530"],
        35,
    ),
    p(
        "FR-1013",
        "Apron, grey, M",
        Variant("FR-1010", &["Grey", "M"]),
        ["31.00", "25.00", "29.00", "4590", "9.530"],
        22,
    ),
    p(
        "FR-1014",
        "Apron, grey, L",
        Variant("FR-1010", &["Grey", "L"]),
        ["33.50", "27.00", "31.25", "4960", "10.295"],
        0,
    ),
    p("FR-1015", "Oven glove", Parent(&["Colour"]), ["14.50", "11.75", "13.50", "2150", "4.455"], 0),
    p(
        "FR-1016",
        "Oven glove, red",
        Variant("FR-1015", &["Red"]),
        ["14.50", "11.75", "13.50", "2150", "4.455"],
        60,
    ),
    p(
        "FR-1017",
        "Oven glove, green",
        Variant("FR-1015", &["Green"]),
        ["14.50", "11.75", "13.50", "2150", "4.455"],
        54,
    ),
    p("FR-1018", "Bread knife", Stocked, ["64.00", "52.00", "59.50", "9470", "19.670"], 31),
    p("FR-1019", "Paring knife", Stocked, ["28.90", "23.49", "26.95", "4280", "8.885"], 77),
    p("FR-1020", "Knife roll", Stocked, ["75.00", "60.95", "69.90", "11100", "23.055"], 18),
    p("FR-1021", "Cast iron pan, 26 cm", Stocked, ["89.00", "72.30", "82.95", "13170", "27.355"], 26),
    p("FR-1022", "Cast iron pan, 30 cm", Stocked, ["109.00", "88.55", "101.50", "16130", "33.500"], 14),
    p("FR-1023", "Enamel stock pot", Stocked, ["95.49", "77.60", "88.95", "14130", "29.350"], 20),
    p("FR-1024", "Whisk", Stocked, ["12.49", "10.15", "11.65", "1850", "3.840"], 140),
    p("FR-1025", "Rolling pin", Stocked, ["22.22", "18.05", "20.70", "3290", "6.830"], 96),
    p("FR-1026", "Flour sieve", Stocked, ["19.00", "15.45", "17.70", "2810", "5.840"], 67),
    p("FR-1027", "Pie dish", Stocked, ["34.00", "27.60", "31.70", "5030", "10.450"], 45),
    p("FR-1028", "Jam jar", Stocked, ["2.05", "1.67", "1.91", "303", "0.630"], 2400),
    p("FR-1029", "Preserving thermometer", Stocked, ["18.18", "14.77", "16.95", "2690", "5.588"], 39),
    p("FR-1030", "Funnel", Stocked, ["7.50", "6.10", "6.99", "1110", "2.305"], 130),
    p("FR-1031", "Stoneware plate", Stocked, ["16.00", "13.00", "14.90", "2370", "4.918"], 10),
    p("FR-1032", "Stoneware bowl", Stocked, ["13.00", "10.55", "12.10", "1920", "3.995"], 12),
    p("FR-1033", "Stoneware mug", Stocked, ["12.00", "9.75", "11.20", "1780", "3.688"], 8),
    p("FR-1034", "Teapot", Stocked, ["48.00", "39.00", "44.75", "7100", "14.755"], 33),
    p("FR-1035", "Tea strainer", Stocked, ["9.99", "8.10", "9.30", "1480", "3.070"], 88),
    p("FR-1036", "Loose leaf tea, 100 g", Stocked, ["14.25", "11.55", "13.30", "2110", "4.380"], 300),
    p("FR-1037", "Coffee dripper", Stocked, ["27.00", "21.95", "25.15", "4000", "8.300"], 52),
    p("FR-1038", "Recipe book (PDF)", Digital, ["9.00", "7.30", "8.40", "1330", "2.766"], 0),
    p("FR-1039", "Engraving", Service, ["15.00", "12.20", "14.00", "2220", "4.610"], 0),
    p("FR-1040", "Knife sharpening", Service, ["10.00", "8.13", "9.32", "1480", "3.074"], 0),
    p("FR-1041", "Harvest basket (pre-order)", Stocked, ["66.66", "54.16", "62.10", "9865", "20.490"], 0),
    p(
        "FR-KIT-1",
        "Dinner set for four",
        Kit(&[("FR-1031", 4), ("FR-1032", 4), ("FR-1033", 2)]),
        ["132.00", "107.25", "123.00", "19530", "40.575"],
        0,
    ),
    p(
        "FR-KIT-2",
        "Tea for two",
        Kit(&[("FR-1034", 1), ("FR-1035", 1), ("FR-1036", 2)]),
        ["79.00", "64.20", "73.60", "11690", "24.283"],
        0,
    ),
    p(
        "FR-KIT-3",
        "Jam maker's set",
        Kit(&[("FR-1028", 12), ("FR-1029", 1), ("FR-1030", 1)]),
        ["46.00", "37.40", "42.85", "6800", "14.140"],
        0,
    ),
    p("FR-GIFT", "Gift certificate", GiftCertificate, ["0.00", "0.00", "0.00", "0", "0.000"], 0),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_and_parents_exist_and_skus_are_unique() {
        for (at, product) in PRODUCTS.iter().enumerate() {
            assert!(PRODUCTS[..at].iter().all(|other| other.sku != product.sku), "{}", product.sku);
            match product.kind {
                Kit(members) => assert!(members.iter().all(|(sku, _)| by_sku(sku).is_some())),
                Variant(parent, values) => {
                    let Some(Product { kind: Parent(options), .. }) = by_sku(parent) else {
                        panic!("{parent}")
                    };
                    assert_eq!(options.len(), values.len());
                }
                _ => {}
            }
        }
    }

    #[test]
    fn prices_have_the_minor_units_of_their_currency() {
        for product in PRODUCTS {
            for (code, price) in CURRENCIES.iter().zip(product.prices) {
                let decimals = price.split_once('.').map_or(0, |(_, tail)| tail.len());
                assert_eq!(
                    decimals,
                    match *code {
                        "JPY" => 0,
                        "KWD" => 3,
                        _ => 2,
                    },
                    "{} {code}",
                    product.sku
                );
            }
        }
    }
}
