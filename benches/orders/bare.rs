//! The bare client: workload A as somebody would write it by hand with reqwest and serde, connections kept alive, nothing kept
//! on disk: an order in flight is lost when it stops. It is the bound that the engine is measured against.

use std::{borrow::Cow, io::Write as _, sync::Arc};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use reqwest::Client;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

type Error = Box<dyn std::error::Error + Send + Sync>;

/// Serves until it is killed. `stub`: the port of both systems.
pub(crate) async fn serve(stub: &str, key: &'static str) -> Result<(), Error> {
    let client = super::client()?;
    let bare = Arc::new(Bare { client, base: format!("http://127.0.0.1:{stub}"), key });
    let router = Router::new().route("/hooks/shop", post(hook)).with_state(bare);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    std::io::stdout().flush()?;
    axum::serve(listener, router).await?;
    Ok(())
}

struct Bare {
    client: Client,
    base: String,
    key: &'static str,
}

#[derive(Deserialize)]
struct Hook {
    data: HookData,
}

#[derive(Deserialize)]
struct HookData {
    id: u64,
}

async fn hook(State(bare): State<Arc<Bare>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    if headers.get("x-hook-key").is_none_or(|key| key != bare.key) {
        return StatusCode::UNAUTHORIZED;
    }
    let Ok(hook) = serde_json::from_slice::<Hook>(&body) else { return StatusCode::BAD_REQUEST };
    tokio::spawn(async move {
        if let Err(error) = bare.run(hook.data.id).await {
            eprintln!("order {}: {error}", hook.data.id);
        }
    });
    StatusCode::NO_CONTENT
}

impl Bare {
    async fn get(&self, path: &str) -> Result<Bytes, Error> {
        let request = self.client.get(format!("{}{path}", self.base)).header("accept", "application/json");
        Ok(request.header("x-auth-token", "bench").send().await?.error_for_status()?.bytes().await?)
    }

    async fn put(&self, path: &str, body: &(impl Serialize + Sync)) -> Result<Bytes, Error> {
        let request = self.client.put(format!("{}{path}", self.base)).header("accept", "application/json");
        let answer = request.header("authorization", "Bearer bench").json(body).send().await?;
        Ok(answer.error_for_status()?.bytes().await?)
    }

    async fn run(&self, id: u64) -> Result<(), Error> {
        let order = self.get(&format!("/v2/orders/{id}")).await?;
        let lines = self.get(&format!("/v2/orders/{id}/products")).await?;
        let order: Order<'_> = serde_json::from_slice(&order)?;
        let lines: Vec<Line<'_>> = serde_json::from_slice(&lines)?;
        let query = Query {
            q: "SELECT id, email FROM customer WHERE email = ?",
            params: [&order.billing_address.email],
        };
        let request =
            self.client.post(format!("{}/services/rest/query/v1/suiteql?limit=1000&offset=0", self.base));
        let request =
            request.header("authorization", "Bearer bench").header("prefer", "transient").json(&query);
        let found = request.send().await?.error_for_status()?.bytes().await?;
        let found: Found = serde_json::from_slice(&found)?;
        let entity = match found.items.into_iter().next() {
            Some(row) => Reference { id: Some(row.id.into()), external_id: None },
            None => self.new_customer(&order).await?,
        };
        let body = sales_order(&order, &lines, entity);
        self.put(&format!("/services/rest/record/v1/salesOrder/eid:BC-{id}"), &body).await?;
        self.put(&format!("/v2/orders/{id}"), &Tag { external_order_id: format!("BC-{id}") }).await?;
        Ok(())
    }

    async fn new_customer(&self, order: &Order<'_>) -> Result<Reference<'static>, Error> {
        let id = format!("BC-CUST-{}", order.customer_id);
        let buyer = &order.billing_address;
        let body = Customer {
            external_id: &id,
            first_name: &buyer.first_name,
            last_name: &buyer.last_name,
            email: &buyer.email,
            subsidiary: Reference::id(channel(order.channel_id)[0]),
        };
        self.put(&format!("/services/rest/record/v1/customer/eid:{id}"), &body).await?;
        Ok(Reference { id: None, external_id: Some(id.into()) })
    }
}

fn sales_order<'a>(order: &'a Order<'a>, lines: &'a [Line<'a>], entity: Reference<'a>) -> SalesOrder<'a> {
    let buyer = &order.billing_address;
    let name = format!("{} {}", buyer.first_name, buyer.last_name);
    let [subsidiary, location, class] = channel(order.channel_id);
    SalesOrder {
        external_id: format!("BC-{}", order.id),
        tran_date: date(&order.date_created),
        other_ref_num: order.id.to_string(),
        memo: format!("Order {}", order.id),
        email: &buyer.email,
        currency: Reference::id(match &*order.currency_code {
            "GBP" => "1",
            "USD" => "2",
            _ => "4",
        }),
        exchange_rate: number(&order.currency_exchange_rate),
        subsidiary: Reference::id(subsidiary),
        location: Reference::id(location),
        class: Reference::id(class),
        ship_method: Reference::id("92"),
        shipping_cost: number(&order.shipping_cost_ex_tax),
        discount_total: -(number(&order.discount_amount) + number(&order.coupon_discount)),
        order_status: Reference::id(if order.status_id == 11 { "B" } else { "A" }),
        to_be_emailed: false,
        entity,
        custbody_channel: order.channel_id,
        custbody_status: &order.status,
        custbody_payment_method: &order.payment_method,
        custbody_payment_ref: order.payment_provider_id.as_deref(),
        custbody_payment_status: &order.payment_status,
        custbody_ip: &order.ip_address,
        custbody_total: number(&order.total_inc_tax),
        custbody_tax: number(&order.total_tax),
        custbody_ship_tax: number(&order.shipping_cost_tax),
        custbody_gift_cert: number(&order.gift_certificate_amount),
        custbody_guest: order.customer_id == 0,
        custbody_message: &order.customer_message,
        custbody_items: order.items_total,
        custbody_source: &order.order_source,
        billing_address: Address {
            addressee: if buyer.company.is_empty() {
                name.clone().into()
            } else {
                Cow::Borrowed(&*buyer.company)
            },
            attention: name,
            addr1: &buyer.street_1,
            addr2: &buyer.street_2,
            city: &buyer.city,
            state: &buyer.state,
            zip: &buyer.zip,
            country: Reference::id(&buyer.country_iso2),
            addr_phone: &buyer.phone,
        },
        item: Items { items: lines.iter().map(item).collect() },
    }
}

fn item<'a>(line: &'a Line<'a>) -> Item<'a> {
    Item {
        item: Reference { id: None, external_id: Some(line.sku.to_uppercase().into()) },
        quantity: line.quantity,
        rate: number(&line.price_ex_tax),
        amount: number(&line.total_ex_tax),
        description: &line.name,
        tax_code: Reference::id(if number(&line.total_tax) > 0.0 { "S-GB" } else { "Z-GB" }),
        price: Reference::id("-1"),
        custcol_line_id: line.id.to_string(),
        custcol_tax: number(&line.total_tax),
    }
}

/// Subsidiary, location and class of a channel.
fn channel(id: u64) -> [&'static str; 3] {
    if id == 2 { ["3", "12", "6"] } else { ["1", "10", "5"] }
}

fn number(text: &str) -> f64 {
    text.parse().unwrap_or(0.0)
}

/// `Mon, 02 Nov 2026 …` as `2026-11-02`.
fn date(text: &str) -> String {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let mut parts = text.split(' ').skip(1);
    let (day, month, year) = (
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
    );
    let month = MONTHS.iter().position(|known| *known == month).map_or(0, |at| at + 1);
    format!("{year}-{month:02}-{day}")
}

#[derive(Deserialize)]
struct Order<'a> {
    id: u64,
    customer_id: u64,
    #[serde(borrow)]
    date_created: Cow<'a, str>,
    status_id: u64,
    #[serde(borrow)]
    status: Cow<'a, str>,
    channel_id: u64,
    #[serde(borrow)]
    currency_code: Cow<'a, str>,
    #[serde(borrow)]
    currency_exchange_rate: Cow<'a, str>,
    #[serde(borrow)]
    shipping_cost_ex_tax: Cow<'a, str>,
    #[serde(borrow)]
    shipping_cost_tax: Cow<'a, str>,
    #[serde(borrow)]
    discount_amount: Cow<'a, str>,
    #[serde(borrow)]
    coupon_discount: Cow<'a, str>,
    #[serde(borrow)]
    gift_certificate_amount: Cow<'a, str>,
    #[serde(borrow)]
    total_inc_tax: Cow<'a, str>,
    #[serde(borrow)]
    total_tax: Cow<'a, str>,
    items_total: u64,
    #[serde(borrow)]
    payment_method: Cow<'a, str>,
    #[serde(borrow)]
    payment_provider_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    payment_status: Cow<'a, str>,
    #[serde(borrow)]
    ip_address: Cow<'a, str>,
    #[serde(borrow)]
    customer_message: Cow<'a, str>,
    #[serde(borrow)]
    order_source: Cow<'a, str>,
    #[serde(borrow)]
    billing_address: Buyer<'a>,
}

#[derive(Deserialize)]
struct Buyer<'a> {
    #[serde(borrow)]
    first_name: Cow<'a, str>,
    #[serde(borrow)]
    last_name: Cow<'a, str>,
    #[serde(borrow)]
    company: Cow<'a, str>,
    #[serde(borrow)]
    street_1: Cow<'a, str>,
    #[serde(borrow)]
    street_2: Cow<'a, str>,
    #[serde(borrow)]
    city: Cow<'a, str>,
    #[serde(borrow)]
    state: Cow<'a, str>,
    #[serde(borrow)]
    zip: Cow<'a, str>,
    #[serde(borrow)]
    country_iso2: Cow<'a, str>,
    #[serde(borrow)]
    phone: Cow<'a, str>,
    #[serde(borrow)]
    email: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Line<'a> {
    id: u64,
    #[serde(borrow)]
    sku: Cow<'a, str>,
    #[serde(borrow)]
    name: Cow<'a, str>,
    quantity: u64,
    #[serde(borrow)]
    price_ex_tax: Cow<'a, str>,
    #[serde(borrow)]
    total_ex_tax: Cow<'a, str>,
    #[serde(borrow)]
    total_tax: Cow<'a, str>,
}

#[derive(Serialize)]
struct Query<'a> {
    q: &'static str,
    params: [&'a str; 1],
}

#[derive(Deserialize)]
struct Found {
    items: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Reference<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    external_id: Option<Cow<'a, str>>,
}

impl<'a> Reference<'a> {
    fn id(id: &'a str) -> Self {
        Self { id: Some(id.into()), external_id: None }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Customer<'a> {
    external_id: &'a str,
    first_name: &'a str,
    last_name: &'a str,
    email: &'a str,
    subsidiary: Reference<'a>,
}

#[derive(Serialize)]
struct SalesOrder<'a> {
    #[serde(rename = "externalId")]
    external_id: String,
    #[serde(rename = "tranDate")]
    tran_date: String,
    #[serde(rename = "otherRefNum")]
    other_ref_num: String,
    memo: String,
    email: &'a str,
    currency: Reference<'a>,
    #[serde(rename = "exchangeRate")]
    exchange_rate: f64,
    subsidiary: Reference<'a>,
    location: Reference<'a>,
    class: Reference<'a>,
    #[serde(rename = "shipMethod")]
    ship_method: Reference<'a>,
    #[serde(rename = "shippingCost")]
    shipping_cost: f64,
    #[serde(rename = "discountTotal")]
    discount_total: f64,
    #[serde(rename = "orderStatus")]
    order_status: Reference<'a>,
    #[serde(rename = "toBeEmailed")]
    to_be_emailed: bool,
    entity: Reference<'a>,
    custbody_channel: u64,
    custbody_status: &'a str,
    custbody_payment_method: &'a str,
    custbody_payment_ref: Option<&'a str>,
    custbody_payment_status: &'a str,
    custbody_ip: &'a str,
    custbody_total: f64,
    custbody_tax: f64,
    custbody_ship_tax: f64,
    custbody_gift_cert: f64,
    custbody_guest: bool,
    custbody_message: &'a str,
    custbody_items: u64,
    custbody_source: &'a str,
    #[serde(rename = "billingAddress")]
    billing_address: Address<'a>,
    item: Items<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Address<'a> {
    attention: String,
    addressee: Cow<'a, str>,
    addr1: &'a str,
    addr2: &'a str,
    city: &'a str,
    state: &'a str,
    zip: &'a str,
    country: Reference<'a>,
    addr_phone: &'a str,
}

#[derive(Serialize)]
struct Items<'a> {
    items: Vec<Item<'a>>,
}

#[derive(Serialize)]
struct Item<'a> {
    item: Reference<'a>,
    quantity: u64,
    rate: f64,
    amount: f64,
    description: &'a str,
    #[serde(rename = "taxCode")]
    tax_code: Reference<'a>,
    price: Reference<'a>,
    custcol_line_id: String,
    custcol_tax: f64,
}

#[derive(Serialize)]
struct Tag {
    external_order_id: String,
}
