//! The catalogue of the made-up shop. In: nothing. Out: [`Item`]s; a sellable thing has one SKU on both platforms.

/// How an item is sold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ItemKind {
    /// A thing with stock.
    Simple,
    /// A download.
    Digital,
    /// The head of a matrix; only its children are sold.
    Parent,
    /// One row of a matrix.
    Child,
    /// Made of other items.
    Kit,
}

/// How an item is taxed; each twin knows its own classes and codes for these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tax {
    /// The usual rate.
    Standard,
    /// The lower rate of the country, if it has one.
    Reduced,
    /// Never taxed.
    Exempt,
}

/// Something in the catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Stock keeping unit, the key both platforms share.
    pub sku: String,
    /// Name for people.
    pub name: String,
    /// How it is sold.
    pub kind: ItemKind,
    /// Price in cents of the store's own currency, without a statement on tax.
    pub price: u32,
    /// Cost in cents.
    pub cost: u32,
    /// Weight in grams.
    pub weight: u32,
    /// Tax group.
    pub tax: Tax,
    /// Children: the SKU of the head.
    pub parent: Option<String>,
    /// Children: option name and value, in the order of the options.
    pub options: Vec<(String, String)>,
    /// Kits: SKU and number of each part.
    pub parts: Vec<(String, u32)>,
    /// Stock at the start.
    pub stock: u32,
    /// Sold before it can be sent.
    pub preorder: bool,
    /// Known to the store only, so that an order with it meets an ERP that lacks the item.
    pub store_only: bool,
}

/// SKU, name, price, cost, weight, tax group.
type Row = (&'static str, &'static str, u32, u32, u32, Tax);

const SIMPLE: &[Row] = &[
    ("PLATE-26", "Stoneware plate 26 cm", 1450, 610, 720, Tax::Standard),
    ("BOWL-15", "Stoneware bowl 15 cm", 1175, 480, 430, Tax::Standard),
    ("MUG-30", "Stoneware mug 30 cl", 999, 395, 350, Tax::Standard),
    ("KNIFE-20", "Cook's knife 20 cm", 6495, 3120, 240, Tax::Standard),
    ("BOARD-OAK", "Oak cutting board", 3833, 1790, 1600, Tax::Standard),
    ("TOWEL-2", "Tea towels, two", 1267, 512, 180, Tax::Standard),
    ("TIMER-60", "Kitchen timer", 799, 260, 95, Tax::Standard),
    ("SALT-500", "Sea salt 500 g", 333, 121, 510, Tax::Reduced),
    ("HONEY-340", "Heather honey 340 g", 725, 388, 520, Tax::Reduced),
    ("BOOK-BREAD", "The Plain Loaf, hardback", 2495, 1105, 980, Tax::Exempt),
    ("STAMP-1", "Recipe card, single", 7, 2, 4, Tax::Standard),
    ("OVEN-900", "Range oven 90 cm", 184_999, 121_500, 78_000, Tax::Standard),
];

const MATRIX: &[(Row, &[&str], &[&str])] = &[
    (
        ("APRON", "Linen apron", 3417, 1520, 310, Tax::Standard),
        &["Natural", "Slate", "Rust"],
        &["Small", "Large"],
    ),
    (
        ("PAN", "Cast iron pan", 5850, 2790, 2900, Tax::Standard),
        &["Black", "Blue"],
        &["24 cm", "28 cm", "32 cm"],
    ),
];

/// The whole catalogue, the same for every seed.
pub fn catalogue() -> Vec<Item> {
    let mut items: Vec<Item> = SIMPLE.iter().map(|row| item(*row, ItemKind::Simple)).collect();
    items.push(item(("EBOOK-SOUP", "Forty Soups, download", 850, 0, 0, Tax::Standard), ItemKind::Digital));
    for (row, colours, sizes) in MATRIX {
        items.push(item(*row, ItemKind::Parent));
        for colour in *colours {
            for size in *sizes {
                items.push(child(*row, colour, size));
            }
        }
    }
    items.push(Item {
        parts: vec![("PLATE-26".into(), 4), ("BOWL-15".into(), 4), ("MUG-30".into(), 2)],
        ..item(("SET-TABLE", "Table set for four", 11_250, 5150, 5300, Tax::Standard), ItemKind::Kit)
    });
    items.push(Item {
        preorder: true,
        ..item(
            ("MIXER-S26", "Stand mixer, spring model", 32_900, 19_990, 9400, Tax::Standard),
            ItemKind::Simple,
        )
    });
    for row in [
        ("LAMP-NEW", "Table lamp, just in", 4733, 2100, 1450, Tax::Standard),
        ("VASE-OLD", "Vase, second choice", 2150, 900, 1100, Tax::Standard),
    ] {
        items.push(Item { store_only: true, ..item(row, ItemKind::Simple) });
    }
    items
}

fn item((sku, name, price, cost, weight, tax): Row, kind: ItemKind) -> Item {
    Item {
        sku: sku.to_owned(),
        name: name.to_owned(),
        kind,
        price,
        cost,
        weight,
        tax,
        parent: None,
        options: Vec::new(),
        parts: Vec::new(),
        stock: if matches!(kind, ItemKind::Simple | ItemKind::Child) { 500 } else { 0 },
        preorder: false,
        store_only: false,
    }
}

fn child(row: Row, colour: &str, size: &str) -> Item {
    let short = |text: &str| text.chars().filter(char::is_ascii_alphanumeric).take(3).collect::<String>();
    Item {
        sku: format!("{}-{}-{}", row.0, short(colour), short(size)).to_uppercase(),
        name: format!("{}, {colour}, {size}", row.1),
        parent: Some(row.0.to_owned()),
        options: vec![("Colour".into(), colour.into()), ("Size".into(), size.into())],
        ..item(row, ItemKind::Child)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn skus_are_unique_and_references_hold() {
        let items = catalogue();
        let skus: BTreeSet<_> = items.iter().map(|item| item.sku.as_str()).collect();
        assert_eq!(skus.len(), items.len());
        for item in &items {
            assert!(item.parent.iter().all(|sku| skus.contains(sku.as_str())), "{}", item.sku);
            assert!(item.parts.iter().all(|(sku, _)| skus.contains(sku.as_str())), "{}", item.sku);
        }
    }
}
