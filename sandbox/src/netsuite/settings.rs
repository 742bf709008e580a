//! What can be said about an account at its start: credentials, features, limits, custom fields. Every behaviour that
//! the platform does not document, and that this twin had to choose, is a switch here; its default is the choice.
//!
//! In: nothing. Out: [`Settings`]. It must never know a request.

use base64::{Engine, engine::general_purpose::STANDARD};
use indexmap::IndexMap;
use ring::{
    rand::{SecureRandom, SystemRandom},
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    catalogue::{Kind, PRODUCTS, by_sku},
    seed_catalogue,
};

/// How the account taxes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TaxMode {
    /// `taxDetails` amounts with `taxDetailsOverride`; without the override the account's own rates by country.
    #[default]
    SuiteTax,
    /// The fields of legacy tax exist, and do nothing: REST does not support legacy tax.
    Legacy,
    /// No tax field exists.
    None,
}

/// Which clock the stamps of signatures and JWTs are compared with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stamps {
    /// The machine's clock: clients sign with theirs.
    #[default]
    Real,
    /// The sandbox clock.
    Sandbox,
}

/// What a custom field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CustomKind {
    /// Free text.
    Text,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// True or false.
    Bool,
    /// A date.
    Date,
    /// A date with its time.
    Moment,
    /// A record of the type the field names.
    Record,
    /// One value of a custom list of its own, `customlist_` and the rest of the field's name.
    List,
    /// Several values of such a list: what the platform wants of the options of matrix items.
    Multi,
}

/// A custom field; where it stands follows from its prefix: `custbody_`, `custcol_`, `custentity_`, `custitem_`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomField {
    /// Its script id.
    pub name: String,
    /// What it holds.
    pub kind: CustomKind,
    /// Custom lists: the values; the first has id 1.
    #[serde(default)]
    pub values: Vec<String>,
    /// Records: their type, such as `item`.
    #[serde(default)]
    pub record: String,
}

impl CustomField {
    /// A field without a list.
    pub fn new(name: &str, kind: CustomKind) -> Self {
        Self { name: name.to_owned(), kind, values: Vec::new(), record: String::new() }
    }

    /// A field that names a record.
    pub fn of(name: &str, record: &str) -> Self {
        Self { record: record.to_owned(), ..Self::new(name, CustomKind::Record) }
    }
}

/// A record type of the account's own: at `/record/v1/` and among the tables of `SuiteQL` by its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomRecord {
    /// Its script id, `customrecord_` and a name.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// Its fields, `custrecord_` and a name each, beside `name` and `isInactive`.
    pub fields: Vec<CustomField>,
}

/// A pair of keys of token-based authentication.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tba {
    /// The integration's key.
    pub consumer_key: String,
    /// The integration's secret.
    pub consumer_secret: String,
    /// The token's id.
    pub token_id: String,
    /// The token's secret.
    pub token_secret: String,
}

/// A certificate of the OAuth 2.0 client credentials set-up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// Its id: the `kid` of a JWT.
    pub id: String,
    /// The integration it is mapped to: the `iss` of a JWT.
    pub client_id: String,
    /// The public key, PEM (`BEGIN PUBLIC KEY`): EC P-256 or P-384, or RSA.
    pub public_key: String,
}

/// A deployed script.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restlet {
    /// Script id.
    pub script: String,
    /// Deployment id.
    pub deploy: String,
}

/// One account.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Account id as the realm spells it, such as `1000042_SB1`.
    pub account: String,
    /// Who may sign with OAuth 1.0a.
    pub tba: Vec<Tba>,
    /// Who may ask for an access token.
    pub certificates: Vec<Certificate>,
    /// The private key of the first certificate, PEM (PKCS #8), for [`Settings::access`]; empty if it is not ours.
    pub private_key: String,
    /// The account's custom fields.
    pub custom_fields: Vec<CustomField>,
    /// The account's custom records.
    pub custom_records: Vec<CustomRecord>,
    /// How the account taxes.
    pub tax_mode: TaxMode,
    /// How many requests the account serves at once.
    pub concurrency: usize,
    /// How long a request holds its slot at least, in real milliseconds.
    pub service_ms: u64,
    /// How long an asynchronous job takes, in milliseconds of sandbox time.
    pub async_ms: u64,
    /// Life of an access token in seconds of sandbox time.
    pub token_seconds: u64,
    /// Which clock stamps are compared with.
    pub stamps: Stamps,
    /// Failed logins in a row after which a token is locked for 30 minutes; 0 = never.
    pub lock_after: u32,
    /// The account's date format, of `YYYY`, `MM`, `M`, `DD`, `D` and separators.
    pub date_format: String,
    /// The account's time zone, in minutes east of UTC: dates of `SuiteQL` and `q` are read and shown in it.
    pub utc_offset_minutes: i32,
    /// Whether lines that are closed still count in a transaction's total.
    pub closed_lines_count: bool,
    /// The status of an order that is created without one: `A` or `B`.
    pub order_status: String,
    /// The preference to invoice in advance of fulfilment: a bill of an order takes lines that were not sent.
    pub invoice_in_advance: bool,
    /// The preference to refund in advance of return: a credit or a refund of a return takes goods that did not come back.
    pub refund_in_advance: bool,
    /// Whether an order's deposits are applied to an invoice that is made of it.
    pub apply_deposits: bool,
    /// Whether a credit that is made of an invoice is applied to it.
    pub apply_credits: bool,
    /// How long the removal of personal information takes, in milliseconds of sandbox time.
    pub removal_ms: u64,
    /// The `RESTlet` around that removal.
    pub removal_restlet: Restlet,
}

impl Default for Settings {
    fn default() -> Self {
        let (private_key, public_key) = key_pair();
        let client_id = secret();
        Self {
            account: "1000042_SB1".into(),
            tba: vec![Tba {
                consumer_key: client_id.clone(),
                consumer_secret: secret(),
                token_id: secret(),
                token_secret: secret(),
            }],
            certificates: vec![Certificate {
                id: format!("cert-{}", &secret()[..12]),
                client_id,
                public_key,
            }],
            private_key,
            custom_fields: custom_fields(),
            custom_records: vec![dated_prices()],
            tax_mode: TaxMode::SuiteTax,
            concurrency: 5,
            service_ms: 0,
            async_ms: 0,
            token_seconds: 3600,
            stamps: Stamps::Real,
            lock_after: 5,
            date_format: "M/D/YYYY".into(),
            utc_offset_minutes: 0,
            closed_lines_count: true,
            order_status: "B".into(),
            invoice_in_advance: true,
            refund_in_advance: true,
            apply_deposits: true,
            apply_credits: true,
            removal_ms: 0,
            removal_restlet: Restlet {
                script: "customscript_flowrun_piremoval".into(),
                deploy: "customdeploy_flowrun_piremoval".into(),
            },
        }
    }
}

impl Settings {
    /// Address and credentials of the account, where `base` is scheme, host and port of the twin: `base_url`, `account`,
    /// `realm`, `client_id`, `certificate_id`, `private_key`, `algorithm`, `token_url`, `scope`, `tba` (four keys),
    /// `tax_mode`, `concurrency`.
    pub fn access(&self, base: &str) -> Value {
        let certificate = self.certificates.first();
        json!({
            "base_url": base,
            "account": self.account,
            "realm": self.realm(),
            "client_id": certificate.map(|it| &it.client_id),
            "certificate_id": certificate.map(|it| &it.id),
            "private_key": self.private_key,
            "algorithm": "ES256",
            "token_url": format!("{base}{TOKEN_PATH}"),
            "scope": "rest_webservices",
            "tba": self.tba.first(),
            "tax_mode": self.tax_mode,
            "concurrency": self.concurrency,
        })
    }

    /// The account id as it stands in a realm: upper case with `_`.
    pub(crate) fn realm(&self) -> String {
        self.account.to_uppercase().replace('-', "_")
    }

    /// The account id as it stands in a host: lower case with `-`.
    pub(crate) fn host(&self) -> String {
        self.account.to_lowercase().replace('_', "-")
    }
}

/// Where an access token is asked for.
pub(crate) const TOKEN_PATH: &str = "/services/rest/auth/oauth2/v1/token";

fn custom_fields() -> Vec<CustomField> {
    let plain = [
        ("custentity_bc_store", CustomKind::Text),
        ("custentity_bc_erase", CustomKind::Bool),
        ("custentity_bc_customer_id", CustomKind::Text),
        ("custbody_bc_store", CustomKind::Text),
        ("custbody_bc_vat_number", CustomKind::Text),
        ("custbody_bc_rebill_of", CustomKind::Text),
        ("custbody_bc_discounts", CustomKind::Text),
        ("custcol_bc_options", CustomKind::Text),
        ("custcol_bc_ship_to", CustomKind::Text),
        ("custbody_bc_channel_id", CustomKind::Text),
        ("custbody_bc_order_id", CustomKind::Text),
        ("custbody_bc_fields", CustomKind::Text),
        ("custbody_bc_version", CustomKind::Text),
        ("custbody_bc_refund_id", CustomKind::Text),
        ("custcol_bc_line_id", CustomKind::Text),
        ("custitem_bc_published", CustomKind::Bool),
        ("custitem_bc_options", CustomKind::Text),
        ("custitem_bc_brand", CustomKind::Text),
        ("custitem_bc_images", CustomKind::Text),
        ("custitem_material", CustomKind::Text),
        ("custbody_bc_shipment_id", CustomKind::Text),
    ];
    let own = ["Kitchen", "Table", "Textiles", "Food", "Books", "Sets"].map(str::to_owned).to_vec();
    let lists = [
        ("custitem_bc_channels", ["Web shop", "Trade shop"].map(str::to_owned).to_vec()),
        ("custitem_bc_categories", own),
    ];
    let lists = lists.into_iter().map(|(name, values)| (name.to_owned(), values));
    let options = matrix_options().into_iter().map(|(name, values)| (option_field(&name), values));
    let multi = |(name, values): (String, Vec<String>)| CustomField {
        values,
        ..CustomField::new(&name, CustomKind::Multi)
    };
    plain
        .into_iter()
        .map(|(name, kind)| CustomField::new(name, kind))
        .chain(lists.chain(options).map(multi))
        .collect()
}

/// Prices from a moment on, which the platform's own price table does not know.
fn dated_prices() -> CustomRecord {
    let field = |name: &str| format!("custrecord_bc_price_{name}");
    let named =
        [("item", "item"), ("level", "priceLevel"), ("currency", "currency"), ("customer", "customer")];
    let plain =
        [("quantity", CustomKind::Number), ("amount", CustomKind::Number), ("from", CustomKind::Moment)];
    let named = named.into_iter().map(|(name, record)| CustomField::of(&field(name), record));
    let plain = plain.into_iter().map(|(name, kind)| CustomField::new(&field(name), kind));
    CustomRecord {
        name: "customrecord_bc_price".into(),
        title: "Dated price".into(),
        fields: named.chain(plain).collect(),
    }
}

/// The item field of a matrix option.
pub(crate) fn option_field(option: &str) -> String {
    format!("custitem_{}", option.to_lowercase())
}

/// The matrix options of both catalogues with their values, in the order of their first appearance.
fn matrix_options() -> IndexMap<String, Vec<String>> {
    let mut all: IndexMap<String, Vec<String>> = IndexMap::new();
    let mut add = |option: &str, value: &str| {
        let values = all.entry(option.to_owned()).or_default();
        if !values.iter().any(|known| known == value) {
            values.push(value.to_owned());
        }
    };
    for product in PRODUCTS {
        if let Kind::Variant(parent, values) = product.kind
            && let Some(Kind::Parent(options)) = by_sku(parent).map(|parent| parent.kind)
        {
            options.iter().zip(values).for_each(|(option, value)| add(option, value));
        }
    }
    for item in seed_catalogue::catalogue() {
        item.options.iter().for_each(|(option, value)| add(option, value));
    }
    all
}

/// 64 hexadecimal digits of chance: the shape of the platform's keys.
pub(crate) fn secret() -> String {
    use std::fmt::Write as _;
    let mut bytes = [0_u8; 32];
    // A system without a source of chance gives keys of zeros; nothing is protected by them but a sandbox.
    let _ = SystemRandom::new().fill(&mut bytes);
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The header of an EC P-256 public key in a PKIX `SubjectPublicKeyInfo`, up to the point itself.
const P256_SPKI: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
    0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

fn key_pair() -> (String, String) {
    let random = SystemRandom::new();
    let made =
        EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).ok().and_then(|document| {
            let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref(), &random)
                .ok()?;
            let public = [&P256_SPKI, pair.public_key().as_ref()].concat();
            Some((pem("PRIVATE KEY", document.as_ref()), pem("PUBLIC KEY", &public)))
        });
    made.unwrap_or_default()
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> = (0..text.len()).step_by(64).map(|at| &text[at..text.len().min(at + 64)]).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}
