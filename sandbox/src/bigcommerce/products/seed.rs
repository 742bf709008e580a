//! The categories of a new store: a tree for each storefront. In: nothing. Out: records.

use serde_json::json;

use crate::bigcommerce::{Store, state::State};

/// Categories of the first tree.
const FIRST: &[&str] = &["Shop All", "Kitchen", "Table", "Pantry"];

/// Puts a tree for each storefront in, and the first categories.
pub(in crate::bigcommerce) fn furnish(state: &mut State) {
    for channel in Store::channels().iter().filter(|row| row["type"] == "storefront") {
        let id = state.id("tree");
        let tree = json!({ "id": id, "name": channel["name"], "channels": [channel["id"]] });
        state.shelf.trees.insert(id, tree);
    }
    for name in FIRST {
        let id = state.id("category");
        let uuid = state.uuid();
        let row =
            json!({ "category_id": id, "category_uuid": uuid, "tree_id": 1, "parent_id": 0, "name": name });
        state.shelf.categories.insert(id, row);
    }
}
