//! The other records: customers, deposits, items and their prices, what is made from an order.

use serde_json::{Value, json};

use crate::desk::{Desk, line, order};

#[tokio::test(flavor = "multi_thread")]
async fn customers_have_what_they_need() {
    let desk = Desk::open().await;
    for (body, field) in [
        (json!({ "isPerson": true, "lastName": "Roe" }), "subsidiary"),
        (json!({ "isPerson": true, "firstName": "Jo", "subsidiary": "2" }), "lastName"),
        (json!({ "companyName": "", "subsidiary": "2" }), "companyName"),
    ] {
        let got = desk.post("/record/v1/customer", &body).await;
        assert_eq!((got.problem().0, got.problem().1), ("USER_ERROR", field), "{body}");
        assert!(got.problem().2.contains("enter value"));
    }
    let id = desk
        .create(
            "customer",
            &json!({
                "isPerson": true, "firstName": "Jo", "lastName": "Roe", "subsidiary": { "id": "2" }, "email": "jo@example.org",
                "custentity_bc_store": "uk", "externalId": "uk-9",
                "addressBook": { "items": [{ "label": "Home", "defaultBilling": true, "addressBookAddress":
                    { "addr1": "2 Elm Row", "city": "York", "zip": "YO1 7HH", "country": { "id": "GB" } } }] },
            }),
        )
        .await;
    let made = desk.whole(&format!("customer/{id}")).await;
    assert_eq!(
        (&made["entityId"], &made["currency"]["refName"]),
        (&json!(format!("CUS{id}")), &json!("British Pound"))
    );
    assert_eq!(made["custentity_bc_store"], "uk");
    let address = &made["addressBook"]["items"][0];
    assert_eq!(address["addressBookAddress"]["addrText"], "2 Elm Row\nYork YO1 7HH\nGB");
    let line = address["id"].to_string();
    let path = format!("/record/v1/customer/{id}/addressBook/{line}/addressBookAddress");
    assert_eq!(desk.patch(&path, &json!({ "city": "Selby" })).await.status, 204);
    assert_eq!(desk.read(&path).await["city"], "Selby");
    let same = json!({ "addressBook": { "items": [{ "id": line, "label": "Work" }, { "label": "New" }] } });
    desk.change(&format!("customer/{id}"), &same).await;
    assert_eq!(desk.whole(&format!("customer/{id}")).await["addressBook"]["totalResults"], 2);
    assert_eq!(
        desk.read(&format!("/record/v1/customer/{id}/subsidiary")).await["name"],
        "Fern & Rowe UK Ltd"
    );

    assert_eq!(desk.post("/record/v1/currency", &json!({ "name": "x" })).await.problem().0, "USER_ERROR");
    assert_eq!(desk.delete(&format!("/record/v1/customer/{id}")).await.status, 204);
    assert_eq!(desk.get(&format!("/record/v1/customer/{id}")).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_subsidiary_is_a_relationship() {
    let desk = Desk::open().await;
    let mut body = order(&[line(1001, 1, "30")]);
    body["subsidiary"] = json!("3");
    assert_eq!(desk.post("/record/v1/salesOrder", &body).await.status, 400);
    desk.create("customerSubsidiaryRelationship", &json!({ "entity": "501", "subsidiary": "3" })).await;
    assert_eq!(desk.post("/record/v1/salesOrder", &body).await.status, 204);
    assert_eq!(desk.delete("/record/v1/customer/501").await.problem().0, "USER_ERROR");
}

#[tokio::test(flavor = "multi_thread")]
async fn deposits_agree_with_their_order() {
    let desk = Desk::open().await;
    let id = desk.create("salesOrder", &order(&[line(1001, 1, "30")])).await;
    let deposit =
        json!({ "salesOrder": { "id": id }, "payment": 12.345, "paymentOption": { "id": 2 }, "total": 99 });
    let path = "/record/v1/customerDeposit/eid:uk-T1";
    let (first, second) = (desk.put(path, &deposit).await, desk.put(path, &deposit).await);
    assert_eq!((first.status.as_u16(), first.id()), (204, second.id()));
    let made = desk.read(path).await;
    assert_eq!((made["payment"].to_string(), made["total"].to_string()), ("12.35".into(), "12.35".into()));
    assert_eq!((&made["customer"]["id"], &made["currency"]["id"]), (&json!("501"), &json!("2")));
    for (change, place) in [
        (json!({ "customer": "502" }), "subsidiary"),
        (json!({ "currency": "3" }), "currency"),
        (json!({ "payment": 0 }), "payment"),
        (json!({ "payment": null }), "payment"),
    ] {
        let mut body = deposit.clone();
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let got = desk.post("/record/v1/customerDeposit", &body).await;
        assert_eq!((got.status.as_u16(), got.problem().1), (400, place), "{change}: {}", got.body);
    }
    assert_eq!(desk.delete(&format!("/record/v1/salesOrder/{id}")).await.problem().0, "USER_ERROR");
}

#[tokio::test(flavor = "multi_thread")]
async fn prices_are_cells() {
    let desk = Desk::open().await;
    let cell = "/record/v1/inventoryItem/1001/price/currencypage=2,pricelevel=1,quantity=10";
    assert_eq!(desk.patch(cell, &json!({ "price": 30 })).await.status, 204);
    assert_eq!(desk.read(cell).await["price"], 30);
    let all = desk.read("/record/v1/inventoryItem/1001/price?expandSubResources=true").await;
    assert_eq!(all["totalResults"], 24, "six of the base price, and as many of each level that follows it");
    let made = desk
        .create(
            "salesOrder",
            &json!({ "entity": "501", "item": { "items": [{ "item": "1001", "quantity": 10 }] } }),
        )
        .await;
    assert_eq!(desk.read(&format!("/record/v1/salesOrder/{made}")).await["subtotal"], 300);
    let item = desk.read("/record/v1/inventoryItem/1011").await;
    assert_eq!((&item["matrixType"]["id"], &item["parent"]["refName"]), (&json!("CHILD"), &json!("FR-1010")));
    assert_eq!(desk.whole("kitItem/1101").await["member"]["totalResults"], 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fulfilment_and_an_invoice_follow_the_order() {
    let desk = Desk::open().await;
    let mut body = order(&[line(1001, 5, "150"), line(1101, 1, "100"), line(901, 1, "4")]);
    body["location"] = json!("2");
    let id = desk.create("salesOrder", &body).await;
    let path = format!("/record/v1/salesOrder/{id}");
    let stock = async |item: u32| -> (Value, Value) {
        let all = desk.whole(&format!("inventoryItem/{item}")).await;
        let here = all["locations"]["items"]
            .as_array()
            .unwrap()
            .iter()
            .find(|line| line["location"]["id"] == "2")
            .unwrap()
            .clone();
        (here["quantityOnHand"].clone(), here["quantityAvailable"].clone())
    };
    assert_eq!(stock(1001).await, (json!(120), json!(115)));
    assert_eq!(stock(1031).await, (json!(10), json!(6)), "the kit's plates are set aside");

    let partial = json!({ "item": { "items": [
        { "orderLine": 1, "quantity": 2, "location": "2" }, { "orderLine": 2, "itemReceive": false } ] },
        "package": { "items": [{ "packageTrackingNumber": "TRACK-1", "packageWeight": 1.5 }] } });
    let got = desk.post(&format!("{path}/!transform/itemFulfillment"), &partial).await;
    assert_eq!(got.status, 204, "{}", got.body);
    assert_eq!(desk.read(&path).await["status"]["id"], "D");
    assert_eq!(desk.read(&path).await["linkedTrackingNumbers"], "TRACK-1");
    assert_eq!(stock(1001).await, (json!(118), json!(115)));
    let gone = desk.delete(&format!("/record/v1/itemFulfillment/{}", got.id())).await;
    assert_eq!((gone.status.as_u16(), stock(1001).await), (204, (json!(120), json!(115))));
    assert_eq!(desk.read(&path).await["status"]["id"], "B", "as if it had never been sent");
    let got = desk.post(&format!("{path}/!transform/itemFulfillment"), &partial).await;
    assert_eq!(got.status, 204, "{}", got.body);
    let too_much = json!({ "item": { "items": [{ "orderLine": 1, "quantity": 9 }] } });
    let got = desk.post(&format!("{path}/!transform/itemFulfillment"), &too_much).await;
    assert_eq!(got.problem().1, "item.items[0].quantity");
    assert_eq!(desk.post(&format!("{path}/!transform/itemFulfillment"), &json!({})).await.status, 204);
    assert_eq!(desk.read(&path).await["status"]["id"], "F");
    assert_eq!(desk.post(&format!("{path}/!transform/itemFulfillment"), &json!({})).await.status, 400);
    let got = desk.post(&format!("{path}/!transform/invoice"), &json!({})).await;
    assert_eq!(got.status, 204, "{}", got.body);
    assert_eq!(desk.read(&path).await["status"]["id"], "G");
    let invoice = desk.whole(&format!("invoice/{}", got.id())).await;
    assert_eq!((&invoice["total"], &invoice["createdFrom"]["id"]), (&json!(254), &json!(id)));

    let paid =
        desk.post(&format!("/record/v1/invoice/{}/!transform/customerPayment", got.id()), &json!({})).await;
    assert_eq!(paid.status, 204, "{}", paid.body);
    let memo = desk.post(&format!("/record/v1/invoice/{}/!transform/creditMemo", got.id()), &json!({})).await;
    let apply = |amount: u32| json!({ "customer": "501", "apply": { "items": [{ "doc": { "id": memo.id() }, "apply": true, "amount": amount }] } });
    assert_eq!(desk.post("/record/v1/customerRefund", &apply(200)).await.status, 204);
    assert_eq!(desk.post("/record/v1/customerRefund", &apply(55)).await.problem().1, "apply.items[0].amount");
    assert_eq!(
        desk.post(&format!("{path}/!transform/customerRefund"), &json!({})).await.problem().0,
        "INVALID_REQUEST"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn closed_lines_give_their_stock_back() {
    let desk = Desk::open().await;
    let mut body = order(&[line(1021, 3, "90")]);
    body["location"] = json!("2");
    let id = desk.create("salesOrder", &body).await;
    let stock = "SELECT quantityavailable FROM inventoryitemlocations WHERE item = 1021 AND location = 2";
    assert_eq!(desk.rows(stock, &[]).await, [json!({ "quantityavailable": "23" })]);
    desk.change(
        &format!("salesOrder/{id}"),
        &json!({ "item": { "items": [{ "line": 1, "isClosed": true }] } }),
    )
    .await;
    assert_eq!(desk.read(&format!("/record/v1/salesOrder/{id}")).await["status"]["id"], "H");
    assert_eq!(desk.rows(stock, &[]).await, [json!({ "quantityavailable": "26" })]);
    let adjust = json!({ "account": "1", "inventory": { "items": [{ "item": "1021", "location": "2", "adjustQtyBy": -6 }] } });
    desk.create("inventoryAdjustment", &adjust).await;
    assert_eq!(desk.rows(stock, &[]).await, [json!({ "quantityavailable": "20" })]);
}
