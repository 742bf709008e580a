"""Clients that we did not write, against a running sandbox.

    pip install --no-deps -r sandbox/tests/clients.txt      (`cargo test` does it by itself)
    python3 sandbox/tests/clients.py '<json of the sandbox's access>'     (or the name of a file that holds it, or -)

In: addresses and credentials, as `flowrun sandbox --format json` prints them: an object with `netsuite` and `bigcommerce`.
Out: a line for each check on stdout; exit code 1 at the first that fails. It must never know how the twins are built.
"""

import asyncio
import json
import sys
from decimal import Decimal


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
            return f"{access['base_url']}/services/rest{subpath}"

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


def store_connection(access):
    """PyPI `bigcommerce`, its address that of the sandbox."""
    from bigcommerce.connection import OAuthConnection

    class Local(OAuthConnection):
        """The client with the sandbox's address; like the original it speaks V2 unless told."""

        def full_path(self, url):
            return f"{access['base_url']}/{url if url.startswith('v3/') else 'v2/' + url}"

    return Local(access["client_id"], access["store_hash"], access["access_token"])


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
    check("reads all orders, page by page until one is empty", len(ids) == 7 and ids == sorted(set(ids)), ids)
    check("counts them", Orders.count(connection=api) == 7)
    paged = [[order.id for order in Orders.all(connection=api, page=page, limit=3)] for page in (1, 2, 3)]
    check("pages of three", [len(page) for page in paged] == [3, 3, 1] and sum(paged, []) == ids, paged)
    check("behind the last page is nothing", not api.make_request("GET", "orders", params={"page": 4, "limit": 3}))
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
    stranger = store_connection({**access, "access_token": "wrong"})
    refused("a wrong token is refused", 401, lambda: stranger.make_request("GET", "orders"))


def main():
    """Both clients, one after the other."""
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    access = load(sys.argv[1])
    asyncio.run(netsuite(access["netsuite"]))
    store_api(access["bigcommerce"])


if __name__ == "__main__":
    main()
