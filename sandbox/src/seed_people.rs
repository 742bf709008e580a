//! Made-up people and places. In: a source of chance. Out: names and addresses; e-mail addresses end in
//! `example.com`, `example.org` or `example.net`, which belong to nobody.

use crate::seed::Random;

/// A country with one town the shop sends to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// ISO 3166 alpha-2.
    pub country_iso2: &'static str,
    /// Name of the country.
    pub country: &'static str,
    /// State or province, empty where there is none.
    pub state: &'static str,
    /// Town.
    pub city: &'static str,
    /// Postal code.
    pub zip: &'static str,
}

/// Somebody who buys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// E-mail address.
    pub email: String,
    /// Telephone number.
    pub phone: String,
    /// Firm, empty for private persons.
    pub company: String,
    /// House and street.
    pub street: String,
}

const FIRST: &[&str] = &[
    "Asha", "Bram", "Carys", "Dmitri", "Eilidh", "Farid", "Greta", "Hiro", "Ines", "Jonas", "Kezia", "Lars",
    "Maren", "Nkechi", "Orla", "Pavel", "Quentin", "Rosa", "Søren", "Tamsin", "Uma", "Viktor", "Wren", "Zoë",
];
const LAST: &[&str] = &[
    "Abara",
    "Bexley",
    "Castellan",
    "Dunmore",
    "Ekholm",
    "Farrow",
    "Gallagher",
    "Hartnell",
    "Iversen",
    "Jardine",
    "Kimura",
    "Lindqvist",
    "Moreau",
    "Nørgaard",
    "O'Rourke",
    "Pereira",
    "Quill",
    "Rossi",
    "Sato",
    "Thackeray",
    "Underhill",
    "Vance",
    "Whitlock",
    "Zielinski",
];
const STREETS: &[&str] =
    &["Mill Lane", "Station Road", "Orchard Row", "Quay Street", "Chapel Hill", "North Parade"];
const FIRMS: &[&str] = &["Copper Kettle Café", "Harbour Catering Ltd", "Nine Tables GmbH", "Fern & Co"];
const DOMAINS: &[&str] = &["example.com", "example.org", "example.net"];

const PLACES: &[Place] = &[
    Place { country_iso2: "US", country: "United States", state: "Illinois", city: "Peoria", zip: "61602" },
    Place { country_iso2: "US", country: "United States", state: "Oregon", city: "Bend", zip: "97701" },
    Place { country_iso2: "US", country: "United States", state: "Colorado", city: "Denver", zip: "80202" },
    Place { country_iso2: "CA", country: "Canada", state: "Quebec", city: "Sherbrooke", zip: "J1H 1A1" },
    Place {
        country_iso2: "GB",
        country: "United Kingdom",
        state: "Shropshire",
        city: "Ludlow",
        zip: "SY8 1AS",
    },
    Place { country_iso2: "DE", country: "Germany", state: "Hessen", city: "Fulda", zip: "36037" },
    Place { country_iso2: "JP", country: "Japan", state: "Ishikawa", city: "Kanazawa", zip: "920-0962" },
    Place { country_iso2: "KW", country: "Kuwait", state: "", city: "Kuwait City", zip: "13001" },
];

/// A place in a state or province of a country (ISO alpha-2), if the shop sends there.
pub fn place_in(country: &str, state: &str) -> Option<Place> {
    PLACES.iter().find(|place| place.country_iso2 == country && place.state == state).copied()
}

/// A place in `country` (ISO alpha-2), or anywhere the shop sends to.
pub fn place(random: &mut Random, country: Option<&str>) -> Place {
    let near: Vec<Place> = PLACES
        .iter()
        .filter(|place| country.is_none_or(|code| code == place.country_iso2))
        .copied()
        .collect();
    random.pick(&near).copied().unwrap_or(PLACES[0])
}

/// Somebody new; `number` keeps the e-mail address unique within a shop.
pub fn person(random: &mut Random, number: u64) -> Person {
    let first = random.pick(FIRST).copied().unwrap_or_default();
    let last = random.pick(LAST).copied().unwrap_or_default();
    let plain =
        |text: &str| text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
    let domain = random.pick(DOMAINS).copied().unwrap_or_default();
    let street = random.pick(STREETS).copied().unwrap_or_default();
    Person {
        first_name: first.to_owned(),
        last_name: last.to_owned(),
        email: format!("{}.{}{number}@{domain}", plain(first), plain(last)),
        phone: format!("+1 555 {:03} {:04}", random.below(1000), random.below(10_000)),
        company: if random.chance(20) {
            random.pick(FIRMS).copied().unwrap_or_default().to_owned()
        } else {
            String::new()
        },
        street: format!("{} {street}", random.between(1, 240)),
    }
}
