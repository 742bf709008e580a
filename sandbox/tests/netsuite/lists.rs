//! Lists: pages, links, conditions.

use serde_json::json;

use crate::desk::{Desk, line, order, read};

#[tokio::test(flavor = "multi_thread")]
async fn pages_link_to_each_other_on_the_clients_host() {
    let desk = Desk::open().await;
    let mut ids = Vec::new();
    let mut next = Some(desk.url("/record/v1/salesTaxItem?limit=4&q=rate%20GREATER%200"));
    while let Some(url) = next {
        let path = url.strip_prefix(&desk.url("")).expect("the client's own host").to_owned();
        let page = desk.read(&path).await;
        assert_eq!(page["totalResults"], 9);
        ids.extend(page["items"].as_array().unwrap().iter().map(|item| {
            assert_eq!(item.as_object().unwrap().len(), 2, "only links and id");
            item["id"].as_str().unwrap().to_owned()
        }));
        let links = page["links"].as_array().unwrap();
        next = links
            .iter()
            .find(|link| link["rel"] == "next")
            .map(|link| link["href"].as_str().unwrap().to_owned());
        assert_eq!(next.is_some(), page["hasMore"].as_bool().unwrap());
    }
    assert_eq!(ids, ["81", "82", "84", "85", "86", "87", "88", "93", "94"]);
    let host = desk.get_access("base_url").replace("127.0.0.1", "localhost");
    let url = format!("{host}/services/rest/record/v1/customer?limit=1");
    let header = Desk::sign("GET", &url, &desk.keys("localhost-1"), &[]);
    let got = read(desk.http.get(&url).header("authorization", header).send().await.unwrap()).await;
    assert!(got.body["links"][0]["href"].as_str().unwrap().starts_with(&host), "{}", got.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_windows_and_conditions_are_refused() {
    let desk = Desk::open().await;
    for path in [
        "?limit=3&offset=4",
        "?limit=0",
        "?limit=1001",
        "?limit=x",
        "?limit=1&offset=1000",
        "?q=email%20LIKE%20x",
        "?q=lastModifiedDate%20AFTER%202026-01-31T00%3A00%3A00Z",
        "?q=addressBook%20EMPTY",
    ] {
        let got = desk.get(&format!("/record/v1/customer{path}")).await;
        assert_eq!((got.status.as_u16(), got.problem().0), (400, "INVALID_PARAMETER"), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn conditions_find_records() {
    let desk = Desk::open().await;
    let mut body = order(&[line(1001, 1, "30")]);
    body["externalId"] = json!("BC|1");
    body["custbody_bc_order_id"] = json!("1001");
    let id = desk.create("salesOrder", &body).await;
    let found = async |kind: &str, q: &str| -> Vec<String> {
        let query = reqwest::Url::parse_with_params("http://x", &[("q", q)]).unwrap();
        let page = desk.read(&format!("/record/v1/{kind}?{}", query.query().unwrap())).await;
        page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
    };
    for q in [
        r#"externalId IS "BC|1""#,
        "custbody_bc_order_id IS 1001 AND entity EQUAL 501",
        "total BETWEEN [29, 31] AND (memo EMPTY OR memo IS x)",
        "status IS B AND entity ANY_OF [1, 501]",
        "tranId START_WITH SO",
    ] {
        assert_eq!(found("salesOrder", q).await, [id.as_str()], "{q}");
    }
    assert_eq!(found("salesOrder", "total GREATER 30").await, Vec::<String>::new());
    // Text that a buyer wrote stays a value.
    assert_eq!(found("customer", r#"email IS "a' OR '1'='1""#).await, Vec::<String>::new());
    assert_eq!(found("customer", "email IS ADA.HOLT@example.com").await, ["501"]);
}
