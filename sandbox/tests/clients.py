"""Clients that we did not write, against a running sandbox.

    pip install netsuite==0.12.0 bigcommerce==0.23.4
    python3 sandbox/tests/clients.py '<json of the sandbox's access>'     (or the name of a file that holds it, or -)

In: addresses and credentials, as `flowrun sandbox --format json` prints them: an object with `netsuite` and `bigcommerce`.
Out: a line for each check on stdout; exit code 1 at the first that fails. It must never know how the twins are built.
"""

import asyncio
import json
import sys


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


def store_api(access):
    """PyPI `bigcommerce`: token in a header."""
    from bigcommerce.connection import OAuthConnection

    api = OAuthConnection(access["client_id"], access["store_hash"], access["access_token"])

    def call(method, path, data=None):
        return api.make_request(method, access["base_url"] + path, data=data)

    store = call("GET", "/v2/store")
    check("reads the store", bool(store.get("currency")), store)
    orders = call("GET", "/v2/orders?limit=5") or []
    check("reads orders", isinstance(orders, list), orders)
    if orders:
        path = f"/v2/orders/{orders[0]['id']}"
        for _ in range(2):
            call("PUT", path, {"staff_notes": "seen by a client"})
        check("writes an order twice", call("GET", path)["staff_notes"] == "seen by a client")
        check("reads its products", isinstance(call("GET", f"{path}/products"), list))


def main():
    """Runs what the access object and the installed packages allow; the NetSuite part always."""
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    access = load(sys.argv[1])
    asyncio.run(netsuite(access["netsuite"]))
    store = access.get("bigcommerce")
    if store:
        try:
            import bigcommerce.connection  # noqa: F401
        except ImportError:
            print("--  bigcommerce: the package is not installed")
        else:
            store_api(store)


if __name__ == "__main__":
    main()
