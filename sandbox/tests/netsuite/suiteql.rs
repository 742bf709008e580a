//! `SuiteQL`: the statements people use, the answers' shape, what is refused.

use reqwest::Method;
use serde_json::{Value, json};

use crate::desk::{Desk, line, order};

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_seen_with_its_lines_negative() {
    let desk = Desk::open().await;
    let mut goods = line(1001, 2, "59.98");
    goods["taxDetailsReference"] = json!("L1");
    goods["custcol_bc_line_id"] = json!("501");
    let mut body = order(&[goods]);
    body["externalId"] = json!("uk-7");
    body["taxDetails"] = json!({ "items": [
        { "taxDetailsReference": "L1", "taxCode": "81", "taxBasis": 59.98, "taxRate": 20, "taxAmount": 12 } ] });
    let id = desk.create("salesOrder", &body).await;
    let own: i64 = id.parse().unwrap();
    let rows = desk
        .rows(
            "SELECT t.id, t.tranid, t.type, t.status, t.externalid, t.foreigntotal, t.total, BUILTIN.DF(t.status) AS Shown, \
             BUILTIN.DF(t.entity) who, t.voided, t.memo FROM transaction t WHERE t.externalid = ?",
            &[json!("uk-7")],
        )
        .await;
    assert_eq!(
        rows,
        [json!({
            "id": id, "tranid": "SO10001", "type": "SalesOrd", "status": "B", "externalid": "uk-7", "foreigntotal": "71.98",
            "total": "71.98", "shown": "Sales Order : Pending Fulfillment", "who": "CUS501 Ada Holt", "voided": "F",
        })]
    );
    let lines = desk
        .rows(
            "SELECT tl.linesequencenumber, tl.item, -1*tl.quantity AS qty, tl.rate, -1*tl.foreignamount AS amount, \
             ABS(NVL(tl.quantityshiprecv,0)) AS fulfilled, tl.custcol_bc_line_id FROM transactionline tl \
             WHERE tl.transaction=? AND tl.mainline='F' AND tl.taxline='F' AND NVL(tl.iscogs,'F')='F' \
             ORDER BY tl.linesequencenumber",
            &[json!(own)],
        )
        .await;
    assert_eq!(
        lines,
        [json!({
            "linesequencenumber": "1", "item": "1001", "qty": "2", "rate": "29.99", "amount": "59.98", "fulfilled": "0",
            "custcol_bc_line_id": "501",
        })]
    );
    let tax = "SELECT SUM(-1*tl.foreignamount) AS salestax FROM transactionline tl WHERE tl.transaction=? AND tl.taxline='T'";
    assert_eq!(desk.rows(tax, &[json!(id)]).await, [json!({ "salestax": "12" })]);
    let all = "SELECT SUM(foreignamount) s FROM transactionline WHERE transaction = ?";
    assert_eq!(desk.rows(all, &[json!(id)]).await, [json!({ "s": "0" })], "a transaction balances");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_usual_reads_run() {
    let desk = Desk::open().await;
    let since = json!("2020-01-01 00:00:00");
    let items = desk
        .rows(
            "SELECT i.id, i.itemid, i.displayname, i.itemtype, i.subtype, i.matrixtype, i.parent, i.isinactive, i.upccode, \
             TO_CHAR(i.lastmodifieddate,'YYYY-MM-DD HH24:MI:SS') AS lastmodified FROM item i \
             WHERE i.lastmodifieddate >= TO_TIMESTAMP(?,'YYYY-MM-DD HH24:MI:SS') ORDER BY i.lastmodifieddate, i.id",
            std::slice::from_ref(&since),
        )
        .await;
    let apron = items.iter().find(|row| row["itemid"] == "FR-1011").unwrap();
    assert_eq!(
        (&apron["matrixtype"], &apron["parent"], &apron["isinactive"]),
        (&json!("CHILD"), &json!("1010"), &json!("F"))
    );
    assert_eq!(apron["lastmodified"].as_str().unwrap().len(), 19);
    let stock = desk
        .rows(
            "SELECT l.item, i.itemid, l.location, BUILTIN.DF(l.location) AS location_name, l.quantityavailable, \
             l.quantityonhand, l.quantitycommitted, l.quantityonorder, l.quantitybackordered \
             FROM inventoryitemlocations l JOIN item i ON i.id=l.item WHERE i.isinactive='F' \
             AND l.lastquantityavailablechange >= TO_TIMESTAMP(?,'YYYY-MM-DD HH24:MI:SS') AND i.itemid = ? \
             ORDER BY l.item, l.location",
            &[since.clone(), json!("FR-1001")],
        )
        .await;
    let seen: Vec<(&Value, &Value)> =
        stock.iter().map(|row| (&row["location_name"], &row["quantityavailable"])).collect();
    assert_eq!(
        seen,
        [
            (&json!("Reno Warehouse"), &json!("60")),
            (&json!("Leeds Warehouse"), &json!("120")),
            (&json!("Hamburg Warehouse"), &json!("30"))
        ]
    );
    let prices = desk
        .rows(
            "SELECT p.item, p.pricelevel, BUILTIN.DF(p.pricelevel) AS level_name, p.currency, p.quantity AS min_qty, \
             p.unitprice FROM pricing p WHERE p.item IN (?,?) ORDER BY p.item, p.pricelevel, p.currency, p.quantity",
            &[json!("1001"), json!("1002")],
        )
        .await;
    let base: Vec<&Value> = prices.iter().filter(|row| row["pricelevel"] == "1").collect();
    assert_eq!((prices.len(), base.len()), (40, 10), "every level has its rows");
    assert_eq!(
        *base[1],
        json!({ "item": "1001", "pricelevel": "1", "level_name": "Base Price", "currency": "2", "min_qty": "0", "unitprice": "34.99" })
    );
    let people = "SELECT c.id, c.entityid, c.externalid, c.isperson, c.parent FROM customer c \
                  WHERE LOWER(c.email)=LOWER(?) AND c.isinactive='F' ORDER BY c.id";
    assert_eq!(
        desk.rows(people, &[json!("ADA.holt@example.com")]).await,
        [json!({ "id": "501", "entityid": "CUS501", "isperson": "T" })]
    );
    assert!(desk.rows(people, &[json!("a' OR '1'='1")]).await.is_empty());
    let mut buyer = json!({ "companyName": "Second", "subsidiary": "2", "email": "Two@example.com", "custentity_bc_store": "uk" });
    let by_mail = desk.create("customer", &buyer).await;
    buyer["companyName"] = json!("Third");
    buyer["externalId"] = json!("uk-C3");
    let by_id = desk.create("customer", &buyer).await;
    let known = "SELECT c.id, c.externalid, c.email FROM customer c WHERE c.isinactive = 'F' AND (c.externalid = ? OR \
                 (c.custentity_bc_store = ? AND LOWER(c.email) = LOWER(?))) \
                 ORDER BY CASE WHEN c.externalid = ? THEN 0 ELSE 1 END, c.id FETCH FIRST 1 ROWS ONLY";
    for (wanted, found) in [("uk-C3", &by_id), ("uk-C9", &by_mail)] {
        let wanted = json!(wanted);
        let rows = desk.rows(known, &[wanted.clone(), json!("uk"), json!("two@EXAMPLE.com"), wanted]).await;
        assert_eq!((rows.len(), &rows[0]["id"]), (1, &json!(found)));
    }
    let taxes = "SELECT s.id, s.name, s.taxtype, r.custrecord_ste_taxrate_rate AS rate FROM salestaxitem s \
                 LEFT JOIN customrecord_ste_taxrate r ON r.custrecord_ste_taxrate_taxcode=s.id WHERE s.id = 86";
    assert_eq!(
        desk.rows(taxes, &[]).await,
        [json!({ "id": "86", "name": "US standard", "taxtype": "1", "rate": "8.25" })]
    );
    let kit = "SELECT item, quantity FROM kititemmember WHERE parentitem = 1101 ORDER BY linenumber";
    assert_eq!(desk.rows(kit, &[]).await[2], json!({ "item": "1033", "quantity": "2" }));
    let homes = "SELECT a.city FROM customeraddressbook b JOIN customeraddressbookentityaddress a \
                 ON a.nkey = b.addressbookaddress WHERE b.entity = 501 AND b.defaultbilling = 'T'";
    assert_eq!(desk.rows(homes, &[]).await, [json!({ "city": "Leeds" })]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_after_an_order_is_linked() {
    let desk = Desk::open().await;
    let mut body = order(&[line(1001, 2, "60")]);
    body["location"] = json!("2");
    body["shipMethod"] = json!("302");
    body["externalId"] = json!("uk-8");
    let id = desk.create("salesOrder", &body).await;
    let packages = json!({ "package": { "items": [{ "packageTrackingNumber": "T-2" }, { "packageTrackingNumber": "T-1" }] } });
    let got = desk.post(&format!("/record/v1/salesOrder/{id}/!transform/itemFulfillment"), &packages).await;
    assert_eq!(got.status, 204, "{}", got.body);
    let shipped = desk
        .rows(
            "SELECT t.id, t.tranid, t.status, so.id AS salesorder, so.externalid AS so_externalid, \
             BUILTIN.DF(s.shippingmethod) AS method, (SELECT LISTAGG(n.trackingnumber, ',') WITHIN GROUP (ORDER BY n.trackingnumber) \
             FROM TrackingNumberMap m JOIN TrackingNumber n ON n.id=m.trackingnumber WHERE m.transaction=t.id) AS tracking \
             FROM transaction t JOIN transactionline tl ON tl.transaction=t.id AND tl.mainline='T' \
             JOIN transaction so ON so.id=tl.createdfrom LEFT JOIN TransactionShipment s ON s.doc=t.id \
             WHERE t.type='ItemShip' AND t.lastmodifieddate >= TO_TIMESTAMP(?,'YYYY-MM-DD HH24:MI:SS')",
            &[json!("2020-01-01 00:00:00")],
        )
        .await;
    assert_eq!(
        shipped,
        [json!({
            "id": got.id(), "tranid": "IF5001", "status": "C", "salesorder": id, "so_externalid": "uk-8", "method": "Express",
            "tracking": "T-1,T-2",
        })]
    );
    let next = "SELECT DISTINCT t.id, t.type FROM NextTransactionLink n JOIN transaction t ON t.id=n.nextdoc WHERE n.previousdoc=?";
    assert_eq!(desk.rows(next, &[json!(id)]).await, [json!({ "id": got.id(), "type": "ItemShip" })]);
    let by_lines = "SELECT DISTINCT t.id, t.tranid, t.type, t.foreigntotal FROM transaction t JOIN transactionline tl \
                    ON tl.transaction=t.id WHERE tl.createdfrom=? AND t.type IN ('CashRfnd','CustCred','RtnAuth','CustRfnd')";
    assert!(desk.rows(by_lines, &[json!(id)]).await.is_empty());

    let contact =
        desk.create("contact", &json!({ "lastName": "Gone", "subsidiary": "2", "externalId": "c-1" })).await;
    desk.delete(&format!("/record/v1/contact/{contact}")).await;
    let gone = "SELECT recordid, type, externalid, TO_CHAR(deleteddate,'YYYY-MM-DD HH24:MI:SS') AS deleteddate FROM deletedrecord \
                WHERE deleteddate >= TO_TIMESTAMP(?,'YYYY-MM-DD HH24:MI:SS')";
    let rows = desk.rows(gone, &[json!("2020-01-01 00:00:00")]).await;
    assert_eq!((&rows[0]["recordid"], &rows[0]["externalid"]), (&json!(contact), &json!("c-1")));
    desk.change("customer/501", &json!({ "phone": "01" })).await;
    let notes = "SELECT newvalue FROM systemnote WHERE recordid = 501 AND field = 'CUSTOMER.PHONE'";
    assert_eq!(desk.rows(notes, &[]).await, [json!({ "newvalue": "01" })]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_dialect_runs() {
    let desk = Desk::open().await;
    for (statement, row) in [
        ("SELECT NVL(NULL, 'a') x, NVL2(NULL, 1, 2) y FROM dual", json!({ "x": "a", "y": "2" })),
        ("SELECT DECODE(2, 1, 'one', 2, 'two', 'more') x FROM dual", json!({ "x": "two" })),
        (
            "SELECT 0.1 + 0.2 x, TO_NUMBER('7') y, 1/2.0 z FROM dual",
            json!({ "x": "0.3", "y": "7", "z": "0.5" }),
        ),
        ("SELECT TO_DATE('2026-01-31','YYYY-MM-DD') d FROM dual", json!({ "d": "1/31/2026" })),
        (
            "SELECT TO_CHAR(TRUNC(TO_DATE('2026-01-31 10:00','YYYY-MM-DD HH24:MI')) + 1,'YYYY-MM-DD HH24:MI') d FROM dual",
            json!({ "d": "2026-02-01 00:00" }),
        ),
        ("SELECT COUNT(*) AS \"Count\" FROM currency", json!({ "count": "6" })),
        ("SELECT symbol FROM currency WHERE ROWNUM <= 1", json!({ "symbol": "USD" })),
        (
            "SELECT id FROM item WHERE lastmodifieddate >= SYSDATE - 1 ORDER BY id FETCH FIRST 1 ROWS ONLY",
            json!({ "id": "901" }),
        ),
        ("WITH c AS (SELECT id FROM currency) SELECT MAX(id) m FROM c", json!({ "m": "6" })),
        ("SELECT 1 + 1 FROM dual", json!({ "expr1": "2" })),
        (
            "SELECT isbasecurrency b, BUILTIN.CF(id) i FROM currency WHERE id = 1",
            json!({ "b": "T", "i": "1" }),
        ),
    ] {
        assert_eq!(desk.rows(statement, &[]).await, [row], "{statement}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_and_refusals() {
    let desk = Desk::open().await;
    let ask = async |query: &str, body: Value, prefer: &str| {
        desk.send(Method::POST, &format!("/query/v1/suiteql{query}"), Some(&body), &[("prefer", prefer)])
            .await
    };
    let all = json!({ "q": "SELECT id FROM item ORDER BY id" });
    let page = ask("?limit=5&offset=10", all.clone(), "transient").await.body;
    assert_eq!((&page["count"], &page["offset"], &page["hasMore"]), (&json!(5), &json!(10), &json!(true)));
    assert!(page["totalResults"].as_u64().unwrap() > 50);
    assert_eq!(page["items"][0]["links"], json!([]));
    assert_eq!(ask("?limit=5&offset=3", all.clone(), "transient").await.status, 400);
    assert_eq!(ask("", all.clone(), "respond-sync").await.problem().0, "INVALID_HEADER");
    assert_eq!(ask("", json!({ "query": "x" }), "transient").await.status, 400);
    for (statement, part) in [
        ("SELECT x FROM nonsense", "Record 'nonsense' was not found"),
        ("SELECT nonsense FROM item", "Unknown identifier 'nonsense'"),
        ("SELECT i.nonsense FROM item i", "Field 'nonsense' for record 'i' was not found"),
        ("SELECT id FROM item LIMIT 3", "LIMIT"),
        ("DELETE FROM item", "Only SELECT"),
        ("WITH x AS (SELECT 1) DELETE FROM item", "Only SELECT"),
        ("SELECT id FROM item WHERE id = ?", "parameters"),
        ("SELECT id FROM item WHERE lastmodifieddate >= '2026-01-31'", "date format"),
        ("SELECT TO_DATE('x','YYYY-MM-DD') FROM dual", "format"),
        ("SELECT * FROM sqlite_master", "not found"),
    ] {
        let got = desk.ask(statement, &[]).await;
        assert_eq!((got.status.as_u16(), got.problem().0), (400, "INVALID_PARAMETER"), "{statement}");
        assert!(got.problem().2.contains(part), "{statement}: {}", got.problem().2);
    }
    assert!(!desk.rows("SELECT id FROM item", &[]).await.is_empty(), "nothing was deleted");
}
