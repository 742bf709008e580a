//! `SuiteQL`: an embedded database whose tables carry the platform's names and follow the account's records.
//!
//! In: the [`Store`]'s changes, and statements. Out: pages of rows; every value is text, nulls are left out. A statement
//! can read only. It must never change a record.

mod dialect;
mod functions;
mod goods;
mod project;

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, PoisonError, mpsc},
    time::Duration,
};

use rusqlite::{
    Connection, Statement,
    types::{Value as Sql, ValueRef},
};
use serde_json::{Map, Value, json};

use self::{
    dialect::Refused,
    functions::{Names, World},
    project::{BESIDE, OWNED, Projector, Row, list_table},
};
use super::{
    amount::Amount,
    http::{COLLECTION, Call, Problem, Reply},
    list::Page,
    schema::{Def, Field, Kind, Schema},
    settings::{Settings, TaxMode},
    store::{Changes, Store, title},
    time,
};
use crate::Shared;

/// The most rows a query gives in all its pages.
const ROW_LIMIT: usize = 100_000;
/// How long a statement may run.
const TIME_LIMIT: Duration = Duration::from_secs(30);

/// The tables and what fills them.
pub(crate) struct Database {
    connection: Connection,
    columns: HashMap<String, Vec<String>>,
    dates: Vec<String>,
    names: Names,
    format: String,
    offset: i32,
    deleted: usize,
    notes: usize,
    rewritten: usize,
}

impl Database {
    /// Empty tables with the account's custom columns.
    pub(crate) fn open(shared: &Arc<Shared>, schema: &Schema, settings: &Settings) -> Self {
        let (clock, offset) = (shared.clone(), settings.utc_offset_minutes);
        let world = World {
            names: Names::default(),
            now: Arc::new(move || time::local(clock.clock.now(), offset)),
            format: settings.date_format.clone(),
        };
        let mut tables = tables(schema);
        if settings.tax_mode != TaxMode::SuiteTax {
            // The records of SuiteTax come with its bundles.
            tables.retain(|(name, _)| name != "customrecord_ste_taxrate");
        }
        let connection = create(&tables, &world)
            .expect("`tables.txt` is good SQL (a test makes it) and memory is all it needs");
        let is_date = |column: &&String| column.ends_with('@');
        let plain = |column: &String| column.trim_end_matches(['#', '~', '@']).to_owned();
        Self {
            connection,
            dates: tables.iter().flat_map(|(_, columns)| columns.iter().filter(is_date).map(plain)).collect(),
            columns: tables
                .iter()
                .map(|(table, columns)| (table.clone(), columns.iter().map(plain).collect()))
                .collect(),
            names: world.names,
            format: settings.date_format.clone(),
            offset,
            deleted: 0,
            notes: 0,
            rewritten: 0,
        }
    }

    /// Brings the tables up to the store.
    pub(crate) fn follow(&mut self, store: &mut Store, schema: &Schema) {
        let told = self.notes == store.notes.len() && self.rewritten == store.rewritten;
        if !store.is_dirty() && told {
            return;
        }
        let changes = store.drain();
        if let Err(error) = self.update(store, schema, &changes) {
            tracing::error!(%error, "the SuiteQL tables do not follow the records");
        }
    }

    fn has(&self, table: &str) -> bool {
        self.columns.contains_key(table)
    }

    fn update(&mut self, store: &Store, schema: &Schema, changes: &Changes) -> rusqlite::Result<()> {
        let projector =
            Projector { store, schema, offset: self.offset, rates: self.has("customrecord_ste_taxrate") };
        let columns = |table: &str| self.columns.get(table).cloned().unwrap_or_default();
        let transaction = self.connection.unchecked_transaction()?;
        let items = changes.stock.iter().filter_map(|(item, _)| {
            store.resolve(schema, "item", *item).map(|record| (record.kind.clone(), *item))
        });
        let mut touched: BTreeSet<(String, i64)> = changes.records.iter().cloned().chain(items).collect();
        if changes.records.iter().any(|(kind, _)| matches!(kind.as_str(), "priceLevel" | "currency")) {
            // Prices that follow from a level's percentage.
            let goods = schema.records().filter(|def| def.family == "item");
            touched.extend(goods.flat_map(|def| store.all(&def.name)).map(|it| (it.kind.clone(), it.id)));
        }
        for (kind, id) in &touched {
            let def = schema.def(kind);
            let owned = OWNED
                .iter()
                .filter(|(family, ..)| *family == def.family)
                .map(|(_, table, key)| (*table, *key));
            let list = list_table(kind);
            let beside = BESIDE.iter().filter(|(name, table, _)| name == kind && self.has(table));
            let beside = beside.map(|(_, table, key)| (*table, *key));
            for (table, key) in owned.chain(list.as_deref().map(|table| (table, "id"))).chain(beside) {
                let sql = format!("DELETE FROM [{table}] WHERE [{key}] = ?");
                transaction.prepare_cached(&sql)?.execute([id])?;
            }
            let Some(record) = store.get(kind, *id) else { continue };
            for row in projector.rows(record, &columns) {
                insert(&transaction, &row)?;
            }
            let group = if def.family == "list" { kind.clone() } else { def.family.clone() };
            self.names
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert((group, *id), title(schema, record));
        }
        let moved = changes.stock.iter().copied();
        let goods = changes.records.iter().filter(|(kind, _)| kind == "inventoryItem");
        let kept = goods.flat_map(|(_, id)| store.stock_of(*id).map(|(location, _)| (*id, location)));
        let stock: BTreeSet<(i64, i64)> = moved.chain(kept).collect();
        for (item, location) in &stock {
            for table in ["inventoryitemlocations", "aggregateitemlocation"] {
                let sql = format!("DELETE FROM [{table}] WHERE item = ? AND location = ?");
                transaction.prepare_cached(&sql)?.execute([item, location])?;
            }
            if let Some(stock) = store.stock.get(&(*item, *location)) {
                for row in projector.stock((*item, *location), *stock, &columns) {
                    insert(&transaction, &row)?;
                }
            }
        }
        for gone in &store.deleted[self.deleted..] {
            insert(&transaction, &projector.deleted(gone))?;
        }
        let mut told = self.notes;
        if self.rewritten != store.rewritten {
            transaction.execute("DELETE FROM systemnote", [])?;
            told = 0;
        }
        for (at, note) in store.notes.iter().enumerate().skip(told) {
            insert(&transaction, &projector.note(i64::try_from(at).unwrap_or_default() + 1, note))?;
        }
        transaction.commit()?;
        (self.deleted, self.notes) = (store.deleted.len(), store.notes.len());
        self.rewritten = store.rewritten;
        statuses(schema, &self.names);
        Ok(())
    }

    /// POST on the query service.
    pub(crate) fn serve(&self, call: &Call) -> Result<Reply, Problem> {
        if !call.prefers("transient") {
            return Err(Problem {
                code: "INVALID_HEADER",
                ..Problem::request("the query service needs the header \"Prefer: transient\"")
            });
        }
        let page = Page::of(call)?;
        let body = call.object()?;
        let Some(text) = body.get("q").and_then(Value::as_str) else {
            return Err(Problem::content("the body needs a text \"q\"", "q"));
        };
        let _watch = self.watch();
        let rows = dialect::translate(text, &self.dates)
            .and_then(|sql| self.run(&sql, body.get("params")))
            .map_err(|Refused(reason)| {
                let detail = format!(
                    "Invalid search query. Detailed unprocessed description follows. Search error occurred: {reason}."
                );
                Problem::parameter(detail, "")
            })?;
        Ok(Reply::ok(page.envelope(call, page.of_rows(&rows), rows.len()), COLLECTION))
    }

    /// Stops a statement that runs too long; dropping the sender calls the watch off.
    fn watch(&self) -> mpsc::Sender<()> {
        let (watch, ended) = mpsc::channel();
        let statement = self.connection.get_interrupt_handle();
        std::thread::spawn(move || {
            if ended.recv_timeout(TIME_LIMIT) == Err(mpsc::RecvTimeoutError::Timeout) {
                statement.interrupt();
            }
        });
        watch
    }

    fn run(&self, sql: &str, parameters: Option<&Value>) -> Result<Vec<Value>, Refused> {
        let mut statement = self.connection.prepare(sql).map_err(|error| wording(&error, sql))?;
        if !statement.readonly() {
            return Err(Refused("Only SELECT statements are possible".into()));
        }
        bind(&mut statement, parameters)?;
        let names: Vec<String> =
            statement.column_names().enumerate().map(|(at, name)| column(name, at)).collect();
        let mut rows = statement.raw_query();
        let mut out = Vec::new();
        while let Some(row) = rows.next().map_err(|error| wording(&error, sql))? {
            let mut item = Map::new();
            item.insert("links".into(), json!([]));
            for (at, name) in names.iter().enumerate() {
                if let Some(text) = row.get_ref(at).ok().and_then(|value| self.shown(value)) {
                    item.insert(name.clone(), Value::String(text));
                }
            }
            out.push(Value::Object(item));
            if out.len() == ROW_LIMIT {
                break;
            }
        }
        Ok(out)
    }

    /// A value as text; dates in the account's format, without time.
    fn shown(&self, value: ValueRef) -> Option<String> {
        match value {
            ValueRef::Null => None,
            ValueRef::Integer(number) => Some(number.to_string()),
            ValueRef::Real(number) => Some(functions::digits(number)),
            ValueRef::Text(text) => Some(String::from_utf8_lossy(text).into_owned()),
            ValueRef::Blob(_) => functions::stored(value).map(|at| time::shown(at.date(), &self.format)),
        }
    }
}

fn tables(schema: &Schema) -> Vec<(String, Vec<String>)> {
    let mut all: Vec<(String, Vec<String>)> = include_str!("tables.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once(':'))
        .map(|(name, columns)| (name.to_owned(), columns.split_whitespace().map(str::to_owned).collect()))
        .collect();
    for def in schema.records().filter(|def| matches!(def.code.as_str(), "CustomList" | "CustomRecord")) {
        let mut columns = ["id#", "name", "isinactive"].map(str::to_owned).to_vec();
        if def.code == "CustomRecord" {
            columns.extend(["externalid", "created@", "lastmodified@"].map(str::to_owned));
            columns.extend(custom(def));
        }
        all.push((def.name.to_lowercase(), columns));
    }
    for (table, def) in [
        ("transaction", "salesOrder"),
        ("transactionline", "sale-item"),
        ("customer", "customer"),
        ("item", "inventoryItem"),
    ] {
        let custom = custom(schema.def(def));
        if let Some((_, columns)) = all.iter_mut().find(|(name, _)| name == table) {
            columns.extend(custom);
        }
    }
    all
}

/// The columns of a record type's custom fields.
fn custom(def: &Def) -> Vec<String> {
    let column = |field: &Field| {
        let suffix = match field.kind {
            Kind::Number => "~",
            Kind::Integer | Kind::Ref(_) => "#",
            Kind::Date | Kind::Moment => "@",
            _ => "",
        };
        format!("{}{suffix}", field.name.to_lowercase())
    };
    def.fields().filter(|field| field.custom).map(column).collect()
}

fn create(tables: &[(String, Vec<String>)], world: &World) -> rusqlite::Result<Connection> {
    let connection = Connection::open_in_memory()?;
    connection.set_prepared_statement_cache_capacity(256);
    functions::install(&connection, world)?;
    for (table, columns) in tables {
        let columns: Vec<String> = columns
            .iter()
            .map(|column| match column.chars().last() {
                Some('#') => format!("[{}] INTEGER", column.trim_end_matches('#')),
                Some('~') => format!("[{}] NUMERIC", column.trim_end_matches('~')),
                Some('@') => format!("[{}] BLOB", column.trim_end_matches('@')),
                _ => format!("[{column}] TEXT"),
            })
            .collect();
        connection.execute_batch(&format!("CREATE TABLE [{table}] ({})", columns.join(", ")))?;
        let key = columns[0].split(' ').next().unwrap_or_default();
        connection.execute_batch(&format!("CREATE INDEX [{table}_key] ON [{table}] ({key})"))?;
    }
    for (_, table, key) in OWNED {
        connection
            .execute_batch(&format!("CREATE INDEX IF NOT EXISTS [{table}_{key}] ON [{table}] ([{key}])"))?;
    }
    connection.execute_batch(
        "INSERT INTO dual VALUES ('X'); CREATE INDEX item_name ON item (itemid);
         CREATE INDEX transaction_external ON [transaction] (externalid);",
    )?;
    Ok(connection)
}

fn insert(connection: &Connection, row: &Row) -> rusqlite::Result<()> {
    let names: Vec<String> = row.cells.iter().map(|(name, _)| format!("[{name}]")).collect();
    let marks = vec!["?"; names.len()].join(", ");
    let sql = format!("INSERT INTO [{}] ({}) VALUES ({marks})", row.table, names.join(", "));
    let values = row.cells.iter().map(|(_, value)| value);
    connection.prepare_cached(&sql)?.execute(rusqlite::params_from_iter(values))?;
    Ok(())
}

/// The names of statuses, by transaction type and letter.
fn statuses(schema: &Schema, names: &Names) {
    let mut names = names.lock().unwrap_or_else(PoisonError::into_inner);
    for def in schema.records().filter(|def| def.family == "transaction") {
        let Some(Kind::Choice(choices)) = def.field("status").map(|field| &field.kind) else { continue };
        for (letter, name) in choices {
            let key = (format!("status {} {letter}", def.code), 0);
            names.entry(key).or_insert_with(|| format!("{} : {name}", def.title));
        }
    }
}

fn bind(statement: &mut Statement, parameters: Option<&Value>) -> Result<(), Refused> {
    let none = Vec::new();
    let given = parameters.and_then(Value::as_array).unwrap_or(&none);
    let wanted = statement.parameter_count();
    if given.len() != wanted {
        return Err(Refused(format!("{wanted} parameters are wanted, {} were given", given.len())));
    }
    for (at, value) in given.iter().enumerate() {
        let value = match value {
            Value::Null => Sql::Null,
            Value::Bool(truth) => Sql::Text(if *truth { "T" } else { "F" }.into()),
            Value::Number(number) => {
                let text = number.to_string();
                let exact = Amount::parse(&text).map_or(text, |exact| exact.to_string());
                exact.parse().map(Sql::Integer).or_else(|_| exact.parse().map(Sql::Real)).unwrap_or(Sql::Null)
            }
            Value::String(text) => Sql::Text(text.clone()),
            _ => return Err(Refused(format!("parameter {} is neither text nor number", at + 1))),
        };
        statement.raw_bind_parameter(at + 1, value).map_err(|error| Refused(error.to_string()))?;
    }
    Ok(())
}

/// The key of a column: its name in lower case, or `expr1` and so on if it has none.
fn column(name: &str, at: usize) -> String {
    let plain = !name.is_empty()
        && name.chars().all(|letter| letter.is_alphanumeric() || "_$# ".contains(letter))
        && !name.starts_with(|letter: char| letter.is_ascii_digit());
    if plain { name.to_lowercase() } else { format!("expr{}", at + 1) }
}

/// The platform's words for what the database says.
fn wording(error: &rusqlite::Error, sql: &str) -> Refused {
    let text = match error {
        rusqlite::Error::SqliteFailure(_, Some(text)) => text.clone(),
        rusqlite::Error::SqlInputError { msg, .. } => msg.clone(),
        other => other.to_string(),
    };
    if let Some(table) = text.strip_prefix("no such table: ") {
        return Refused(format!("Record '{table}' was not found"));
    }
    if let Some(column) = text.strip_prefix("no such column: ") {
        let column = column.trim_matches(['[', ']']);
        return match column.split_once('.') {
            Some((record, field)) => Refused(format!("Field '{field}' for record '{record}' was not found")),
            None => Refused(format!("Unknown identifier '{column}'")),
        };
    }
    tracing::debug!(text, sql, "a SuiteQL statement failed");
    Refused(text)
}
