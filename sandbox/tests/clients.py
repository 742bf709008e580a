"""Clients that we did not write, against a running sandbox.

    pip install --no-deps -r sandbox/tests/clients.txt      (`cargo test` does it by itself)
    python3 sandbox/tests/clients.py '<json of the sandbox's access>'     (or the name of a file that holds it, or -)

In: addresses and credentials, as `flowrun sandbox --allow-loopback-hooks --format json` prints them; the store's orders may be any.
Out: a line for each check on stdout; exit code 1 at the first that fails. It must never know how the twins are built.
"""

import asyncio
import json
import queue
import sys
import threading
import time
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer

import requests


def check(name, holds, seen=""):
    """Says that a check held, or stops."""
    if not holds:
        sys.exit(f"FAILED {name}: {seen}")
    print(f"ok  {name}")


def load(argument):
    """The access object from an argument: JSON, `-` for stdin, or a file."""
    if argument == "-":
        return json.load(sys.stdin)
    if argument.lstrip().startswith("{"):
        return json.loads(argument)
    with open(argument, encoding="utf-8") as file:
        return json.load(file)


async def netsuite(access):
    """PyPI `netsuite`: OAuth 1.0a with `oauth_body_hash`, `X-NetSuite-PropertyNameValidation: error`."""
    from netsuite import Config, NetSuiteRestApi, TokenAuth
    from netsuite.exceptions import NetsuiteAPIRequestError

    class Local(NetSuiteRestApi):
        """The client with the sandbox's address."""

        def _make_url(self, subpath):
            return f"{access['netsuite_url']}/services/rest{subpath}"

    config = Config(account=access["account"], auth=TokenAuth(**access["tba"]))
    api = Local(config, concurrent_requests=4)

    customer = await api.get("/record/v1/customer/501")
    check("reads a customer", customer["lastName"] == "Holt", customer)
    found = await api.get("/record/v1/customer", params={"q": 'email IS "ada.holt@example.com"', "limit": 5})
    check("finds it by a condition", [item["id"] for item in found["items"]] == ["501"], found)

    order = {
        "entity": {"id": "501"},
        "memo": "café & €",
        "taxDetailsOverride": True,
        "item": {
            "items": [
                {"item": {"id": "1001"}, "quantity": 2, "price": {"id": "-1"}, "amount": 59.98},
                {"item": {"id": "1003"}, "quantity": 1, "price": {"id": "-1"}, "amount": 9.99},
            ]
        },
        "total": 1,
    }
    path = "/record/v1/salesOrder/eid:clients-1"
    check("writes an order", await api.put(path, json=order) is None)
    check("writes it again", await api.put(path, json=order) is None)
    listed = await api.get("/record/v1/salesOrder", params={"q": "externalId IS clients-1"})
    check("there is one order", listed["totalResults"] == 1, listed)

    lines = await api.get(f"{path}/item", params={"expandSubResources": "true"})
    amounts = [line["amount"] for line in lines["items"]]
    check("sees the appended lines", amounts == [59.98, 9.99, 59.98, 9.99], lines)
    await api.patch(path, json={"item": {"items": [{"line": lines["items"][2]["line"], "amount": 5}]}})
    whole = await api.get(path, params={"expandSubResources": "true"})
    check("updates a known line", len(whole["item"]["items"]) == 4 and whole["total"] == 84.96, whole)

    rows = await api.suiteql(
        "SELECT t.tranid, COUNT(*) AS Lines, SUM(-1 * tl.foreignamount) AS amount FROM transaction t "
        "JOIN transactionline tl ON tl.transaction = t.id WHERE t.externalid = 'clients-1' AND tl.mainline = 'F' "
        "GROUP BY t.tranid"
    )
    row = rows["items"][0]
    check("asks with SuiteQL", (row["lines"], row["amount"]) == ("4", "84.96"), row)
    page = await api.suiteql("SELECT id FROM item ORDER BY id", limit=10, offset=10)
    check("pages through SuiteQL", page["count"] == 10 and page["hasMore"], page)
    schema = await api.jsonschema("salesorder")
    check("reads the metadata", "custbody_bc_order_id" in schema["properties"])

    try:
        await api.post("/record/v1/salesOrder", json={**order, "entity": {"id": "9999"}})
        check("a wrong reference is refused", False)
    except NetsuiteAPIRequestError as error:
        check("a wrong reference is refused", error.status_code == 400 and "INVALID_CONTENT" in error.response_text)

    wrong = TokenAuth(**{**access["tba"], "token_secret": "wrong"})
    try:
        await Local(Config(account=access["account"], auth=wrong)).get("/record/v1/customer/501")
        check("a wrong secret is refused", False)
    except NetsuiteAPIRequestError as error:
        check("a wrong secret is refused", error.status_code == 401, error)


def token(access):
    """OAuth 2.0 client credentials: an assertion signed by PyPI `PyJWT`, whose audience is a list as some clients write it."""
    import jwt

    now = int(time.time())
    claims = {"iss": access["client_id"], "scope": [access["scope"]], "aud": [access["token_url"]], "iat": now, "exp": now + 600}
    headers = {"kid": access["certificate_id"]}

    def ask(key, algorithm):
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": jwt.encode(claims, key, algorithm, headers),
        }
        return requests.post(access["token_url"], data=form, timeout=20)

    given = ask(access["private_key"], access["algorithm"]).json()
    bearer = {"Authorization": f"{given['token_type']} {given['access_token']}"}
    answer = requests.get(f"{access['netsuite_url']}/services/rest/record/v1/customer/501", headers=bearer, timeout=20)
    check("reads with a token that an assertion gave", answer.json()["lastName"] == "Holt", answer.text)
    check("an assertion of another key is refused", ask("0" * 32, "HS256").status_code in (400, 401))


def store_connection(access):
    """PyPI `bigcommerce`, its address that of the sandbox."""
    from bigcommerce.connection import OAuthConnection

    class Local(OAuthConnection):
        """The client with the sandbox's address; like the original it speaks V2 unless told."""

        def full_path(self, url):
            return f"{access['bigcommerce_url']}/{url if url.startswith('v3/') else 'v2/' + url}"

    return Local(access["bigcommerce_client_id"], access["store_hash"], access["token"])


def refused(name, status, call):
    """Checks that the store refuses a call with this status."""
    from bigcommerce.exception import ClientRequestException

    try:
        answer = call()
    except ClientRequestException as error:
        check(name, error.response.status_code == status, error)
    else:
        check(name, False, answer)


def store_orders(api):
    """Orders of V2: pages, parts, writes."""
    from bigcommerce.resources.orders import Orders

    ids = [order.id for order in Orders.iterall(connection=api)]
    check("reads all orders, page by page until one is empty", len(ids) > 4 and ids == sorted(set(ids)), ids)
    check("counts them", Orders.count(connection=api) == len(ids))
    pages = -(-len(ids) // 3)
    paged = [[order.id for order in Orders.all(connection=api, page=page, limit=3)] for page in range(1, pages + 1)]
    check("pages of three", {len(page) for page in paged[:-1]} == {3} and sum(paged, []) == ids, paged)
    behind = api.make_request("GET", "orders", params={"page": pages + 1, "limit": 3})
    check("behind the last page is nothing", not behind, behind)
    newest = Orders.all(connection=api, sort="date_created:desc", limit=1)[0]
    check("sorts", newest.id == ids[-1], newest.id)
    later = Orders.all(connection=api, min_id=ids[4])
    check("filters", [order.id for order in later] == ids[4:], later)

    order = next(order for order in Orders.all(connection=api) if Decimal(order.total_tax) > 0)
    products, addresses = order.products(), order.shipping_addresses()
    check("reads an order's products", products and all(line["sku"] is not None for line in products), products)
    check("reads its addresses", len(addresses) == order.shipping_address_count, addresses)
    rates = [Decimal(tax["rate"]) for tax in order.taxes()]
    check("reads its taxes", rates and all(rate > 0 for rate in rates), rates)
    quantity = sum(int(line["quantity"]) for line in products)
    check("its lines are as many as it says", quantity == int(order.items_total), (quantity, order.items_total))
    for _ in range(2):
        order.update(staff_notes="seen by a client")
    again = Orders.get(order.id, connection=api)
    check("writes an order twice", again.staff_notes == "seen by a client")
    check("a write changes no sum", again.total_inc_tax == order.total_inc_tax, again.total_inc_tax)
    refused("an order that is not there is refused", 404, lambda: Orders.get(999_999, connection=api))
    return order.id


def store_catalogue(api):
    """Products of V3: pages, variants."""
    call = api.make_request
    seen, page, pages = [], 1, 1
    while page <= pages:
        answer = call("GET", "v3/catalog/products", params={"limit": 5, "page": page})
        pages = answer["meta"]["pagination"]["total_pages"]
        seen += [product["id"] for product in answer["data"]]
        page += 1
    total = answer["meta"]["pagination"]["total"]
    check("reads all products, page by page", pages > 1 and len(set(seen)) == len(seen) == total, (pages, total))
    product = call("GET", f"v3/catalog/products/{seen[0]}", params={"include": "variants"})["data"]
    found = call("GET", "v3/catalog/products", params={"sku": product["sku"]})["data"]
    check("finds a product by its SKU", [one["id"] for one in found] == [product["id"]], found)
    check("reads its variants", all(one["product_id"] == product["id"] for one in product["variants"]), product)


def store_metafields(api, order):
    """Metafields of an order: make, list, change, delete."""
    call, path = api.make_request, f"v3/orders/{order}/metafields"
    field = {"namespace": "clients", "key": "note", "value": "café", "permission_set": "app_only"}
    made = call("POST", path, field)["data"]
    check("makes a metafield", made["value"] == "café" and made["resource_id"] == order, made)
    refused("the same key again is refused", 409, lambda: call("POST", path, field))
    changed = call("PUT", f"{path}/{made['id']}", {"value": "tea"})["data"]
    listed = call("GET", path, params={"namespace": "clients"})["data"]
    check("changes and lists it", [one["value"] for one in listed] == ["tea"] == [changed["value"]], listed)
    call("DELETE", f"{path}/{made['id']}")
    check("deletes it", call("GET", path)["data"] == [])


def store_api(access):
    """The store, through the client."""
    from bigcommerce.resources.store import Store

    api = store_connection(access)
    store = Store.all(connection=api)
    check("reads the store", bool(store["currency"]), store)
    check("sees its quota", api.rate_limit["requests_remaining"] < api.rate_limit["requests_quota"], api.rate_limit)
    order = store_orders(api)
    store_catalogue(api)
    store_metafields(api, order)
    stranger = store_connection({**access, "token": "wrong"})
    refused("a wrong token is refused", 401, lambda: stranger.make_request("GET", "orders"))


def other_connection(access):
    """PyPI `bigc`, its address that of the sandbox."""
    from bigc import BigCommerceAPI

    api = BigCommerceAPI(access["store_hash"], access["token"])
    for client, version in ((api.api_v2, "v2"), (api.api_v3, "v3")):
        client._prepare_url = lambda path, version=version: f"{access['bigcommerce_url']}/{version}/{path.lstrip('/')}"
    return api


def other_store(access):
    """PyPI `bigc`: pages until one is short, cursors, one record of many."""
    from bigc.exceptions import DoesNotExistError

    api = other_connection(access)
    orders = list(api.orders_v2.all())
    paged = list(api.api_v2.get_many("/orders", page_size=3))
    check("bigc reads all orders", len(orders) > 6 and [one["id"] for one in paged] == [one["id"] for one in orders])
    lines = list(api.orders_v2.all_products(orders[0]["id"]))
    check("bigc reads an order's products", [one["order_id"] for one in lines] == [orders[0]["id"]] * len(lines) != [])
    check("bigc sees that nothing is refunded", list(api.orders_v3.all_refunds(orders[0]["id"])) == [])
    customers = list(api.api_v3.get_many("/customers", page_size=2, cursor=True))
    ids = [one["id"] for one in customers]
    check("bigc follows cursors", len(ids) > 2 and len(set(ids)) == len(ids), ids)
    check("bigc finds one customer", api.customers_v3.get(ids[-1])["email"] == customers[-1]["email"])
    try:
        api.customers_v3.get(999_999)
        check("bigc misses a customer that is not there", False)
    except DoesNotExistError:
        check("bigc misses a customer that is not there", True)
    made = api.customers_v3.create({"first_name": "Bo", "last_name": "Lund", "email": "bo.lund@example.com"})
    changed = api.customers_v3.update(made["id"], {"last_name": "Lind"})
    check("bigc makes and changes a customer", (changed["id"], changed["last_name"]) == (made["id"], "Lind"), changed)
    products = list(api.products_v3.all())
    check("bigc reads the catalogue", len(products) > 5)
    other_catalogue(api, next(one for one in products if one["inventory_tracking"] == "variant"))
    other_shipment(api)
    return api


def other_catalogue(api, product):
    """PyPI `bigc`: a category, a product, variants, a customer group, the price that follows."""
    category = api.categories_v3.create({"name": "Clients", "parent_id": 0})
    body = {"name": "Client's jug", "type": "physical", "weight": 1, "price": 20, "categories": [category["id"]]}
    made = api.products_v3.create(body)
    again = api.products_v3.get(made["id"])
    check("bigc makes a category and a product", (again["price"], again["categories"]) == (20, [category["id"]]), again)
    variants = list(api.product_variants_v3.all(product["id"]))
    first = api.product_variants_v3.update(product["id"], variants[0]["id"], {"mpn": "M-1"})
    check("bigc changes a variant", len(variants) > 1 and first["mpn"] == "M-1", first)
    rules = [{"type": "all", "method": "percent", "amount": "25"}]
    group = api.customer_groups_v2.create({"name": "Clients", "discount_rules": rules})
    asked = {"channel_id": 1, "currency_code": "USD", "customer_group_id": group["id"], "items": [{"product_id": made["id"]}]}
    price = next(iter(api.pricing_v3.get_pricing(asked)))["calculated_price"]
    check("bigc asks for the price of a customer group", price["tax_exclusive"] == 15, price)
    for delete, row in (
        (api.customer_groups_v2.delete, group),
        (api.products_v3.delete, made),
        (api.categories_v3.delete, category),
    ):
        delete(row["id"])
    left = [one["id"] for one in api.products_v3.all()]
    check("bigc deletes what it made", made["id"] not in left, left)


def other_shipment(api):
    """PyPI `bigc`: an order is made and sent."""
    to = {"first_name": "Bo", "country_iso2": "US", "state": "Texas", "email": "bo.lund@example.com"}
    order = api.orders_v2.create({"billing_address": to, "products": [{"product_id": 1, "quantity": 2}]})
    line = next(iter(api.orders_v2.all_products(order["id"])))
    parcel = {
        "order_address_id": line["order_address_id"],
        "tracking_number": "JD01",
        "shipping_provider": "royalmail",
        "items": [{"order_product_id": line["id"], "quantity": 2}],
    }
    made = api.orders_v2.create_shipment(order["id"], parcel)
    listed = list(api.orders_v2.all_shipments(order["id"]))
    check("bigc sends an order", [one["id"] for one in listed] == [made["id"]], listed)
    status = api.orders_v2.get(order["id"])["status"]
    check("the order is shipped", status == "Shipped", status)


def hooks(access, api):
    """A webhook that is registered by PyPI `bigc` and verified by PyPI `standardwebhooks`, key by the store's secret."""
    from base64 import b64encode

    from standardwebhooks import Webhook, WebhookVerificationError

    inbox = queue.Queue()

    class Receiver(BaseHTTPRequestHandler):
        """Keeps what arrives and says that it did."""

        def do_POST(self):
            """One delivery."""
            body = self.rfile.read(int(self.headers["content-length"]))
            self.send_response(200)
            self.end_headers()
            inbox.put((dict(self.headers), body))

        def log_message(self, *_):
            """Nothing is logged."""

    server = HTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    wanted = {
        "scope": "store/order/created",
        "destination": f"http://127.0.0.1:{server.server_port}/",
        "headers": {"x-shared": "yes"},
    }
    made = api.webhooks_v3.create(wanted)
    check("bigc registers a webhook", made["is_active"] and made["id"] in [one["id"] for one in api.webhooks_v3.all()])
    placed = requests.post(f"{access['admin_url']}/bigcommerce/orders", json={}, timeout=20).json()["order_ids"]
    headers, body = inbox.get(timeout=20)
    seal = Webhook(b64encode(access["hook_secret"].encode()).decode())
    event = seal.verify(body, headers)
    check("standardwebhooks verifies it", (event["scope"], [event["data"]["id"]]) == (wanted["scope"], placed), event)
    check("its own header is on it", {name.lower(): value for name, value in headers.items()}["x-shared"] == "yes")
    try:
        seal.verify(body.replace(b"order", b"other"), headers)
        check("standardwebhooks refuses a body that was changed", False)
    except WebhookVerificationError:
        check("standardwebhooks refuses a body that was changed", True)
    api.webhooks_v3.delete(made["id"])
    server.shutdown()


def main():
    """The clients, one after the other."""
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    access = load(sys.argv[1])
    asyncio.run(netsuite(access))
    token(access)
    store_api(access)
    hooks(access, other_store(access))


if __name__ == "__main__":
    main()
