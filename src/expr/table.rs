//! Tables: CSV with a typed header, looked up by key. In: a name and a text. Out: [`Table`], or every fault of the text.

use std::{collections::HashMap, fmt, sync::Arc};

use super::cells::{Cells, cells};
use crate::{
    money,
    shape::{Shape, near},
    value::{Map, Value},
};

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnShape {
    /// Whole numbers.
    Int,
    /// Text as it is: `yes` and `no` are texts.
    Text,
    /// Exact decimals.
    Decimal,
    /// `true` or `false`.
    Bool,
    /// Codes of ISO 4217: text that is a currency.
    Currency,
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: Arc<str>,
    /// What it holds.
    pub shape: ColumnShape,
    /// Whether it is part of the key.
    pub key: bool,
}

/// A table: rows are objects; an empty cell outside the key is null.
#[derive(Clone, Debug)]
pub struct Table {
    /// Its name.
    pub name: Arc<str>,
    /// Its columns, in the order of the header.
    pub columns: Vec<Column>,
    /// Its rows, in the order of the file.
    pub rows: Vec<Value>,
    lists: HashMap<Arc<str>, Value>,
    all: Value,
    index: HashMap<String, usize>,
}

/// Something wrong with a table's text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub struct TableFault {
    /// From 1.
    pub line: usize,
    /// From 1: the cell's number in its line.
    pub column: usize,
    /// What was found and what was expected.
    pub message: String,
}

impl ColumnShape {
    fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "int" => Self::Int,
            "text" => Self::Text,
            "decimal" => Self::Decimal,
            "bool" => Self::Bool,
            "currency" => Self::Currency,
            _ => return None,
        })
    }

    /// What expressions see.
    pub fn shape(self) -> Shape {
        match self {
            Self::Int => Shape::Int,
            Self::Text | Self::Currency => Shape::TEXT,
            Self::Decimal => Shape::Number,
            Self::Bool => Shape::Bool,
        }
    }

    /// The value of a cell; a currency is written in capitals, as platforms write it.
    fn read(self, cell: &str) -> Option<Value> {
        match self {
            Self::Int => cell.parse::<i64>().ok().map(Value::from),
            Self::Text => Some(cell.into()),
            Self::Decimal => money::decimal(cell).ok().map(Value::from),
            Self::Bool => cell.parse::<bool>().ok().map(Value::from),
            Self::Currency => money::Currency::from_code(cell).map(|currency| currency.code().into()),
        }
    }
}

impl fmt::Display for ColumnShape {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Currency => out.write_str("codes of ISO 4217 such as `EUR`"),
            other => other.shape().fmt(out),
        }
    }
}

impl Table {
    /// Reads CSV whose header names types and keys: `channel_id:int*,subsidiary:text`.
    pub fn from_csv(name: &str, text: &str) -> Result<Self, Vec<TableFault>> {
        let told = |(line, message)| TableFault { line, column: 1, message };
        let records = cells(text).map_err(|faults| faults.into_iter().map(told).collect::<Vec<_>>())?;
        let Some((header, records)) = records.split_first() else {
            return Err(vec![told((
                1,
                "the header is missing: expected `name:type` for each column".into(),
            ))]);
        };
        let mut faults = Vec::new();
        let columns = columns(header, &mut faults);
        if columns.len() != header.cells.len() {
            return Err(faults);
        }
        let mut table = Building { columns, rows: Vec::new(), index: HashMap::new(), faults };
        for record in records {
            table.row(record);
        }
        if table.faults.is_empty() { Ok(table.done(name)) } else { Err(table.faults) }
    }

    /// The key columns.
    pub fn keys(&self) -> impl Iterator<Item = &Column> {
        self.columns.iter().filter(|column| column.key)
    }

    /// The row of these keys.
    pub fn row(&self, keys: &[&Value]) -> Option<&Value> {
        self.index.get(&index_key(keys.iter().copied())?).map(|row| &self.rows[*row])
    }

    /// All values of a column, in the order of the rows.
    pub fn column(&self, name: &str) -> Option<&Value> {
        self.lists.get(name)
    }

    /// All rows as one list.
    pub fn all(&self) -> &Value {
        &self.all
    }

    /// The column whose name is most like this.
    pub fn nearest_column(&self, name: &str) -> Option<&str> {
        near(name, self.columns.iter().map(|column| &*column.name))
    }

    /// The key that is most like this, if one column is the key.
    pub fn nearest_key(&self, key: &str) -> Option<&str> {
        let mut keys = self.keys();
        let (Some(column), None) = (keys.next(), keys.next()) else { return None };
        near(key, self.rows.iter().filter_map(|row| row.get(&column.name)?.as_str()))
    }

    /// The shape of a row.
    pub fn shape(&self) -> Shape {
        Shape::object(self.columns.iter().map(|column| {
            let nullable = !column.key
                && self
                    .column(&column.name)
                    .and_then(Value::as_list)
                    .is_some_and(|list| list.iter().any(Value::is_null));
            let shape = column.shape.shape();
            (Arc::clone(&column.name), if nullable { shape.optional() } else { shape })
        }))
    }
}

struct Building {
    columns: Vec<Column>,
    rows: Vec<Value>,
    index: HashMap<String, usize>,
    faults: Vec<TableFault>,
}

impl Building {
    fn fault(&mut self, line: usize, column: usize, message: String) {
        self.faults.push(TableFault { line, column, message });
    }

    fn row(&mut self, Cells { line, cells }: &Cells) {
        let line = *line;
        if cells.len() != self.columns.len() {
            let message = format!("expected {} cells, found {}", self.columns.len(), cells.len());
            return self.fault(
                line,
                cells.len().min(self.columns.len()) + usize::from(cells.len() > self.columns.len()),
                message,
            );
        }
        let mut row = Map::default();
        for (number, cell) in cells.iter().enumerate() {
            let column = self.columns[number].clone();
            match cell_value(&column, cell) {
                Ok(value) => drop(row.insert(column.name, value)),
                Err(message) => self.fault(line, number + 1, message),
            }
        }
        let keys = self.columns.iter().filter(|column| column.key).filter_map(|column| row.get(&column.name));
        if let Some(key) = index_key(keys) {
            if self.columns.iter().any(|column| column.key) && self.index.contains_key(&key) {
                return self.fault(line, 1, format!("a row for {} is there already", shown(&key)));
            }
            self.index.insert(key, self.rows.len());
        }
        self.rows.push(row.into());
    }

    fn done(self, name: &str) -> Table {
        let list =
            |column: &Column| Value::list(self.rows.iter().filter_map(|row| row.get(&column.name).cloned()));
        let lists = self.columns.iter().map(|column| (Arc::clone(&column.name), list(column))).collect();
        let all = Value::list(self.rows.iter().cloned());
        Table { name: name.into(), columns: self.columns, rows: self.rows, lists, all, index: self.index }
    }
}

fn columns(header: &Cells, faults: &mut Vec<TableFault>) -> Vec<Column> {
    let mut columns: Vec<Column> = Vec::new();
    for (number, cell) in header.cells.iter().enumerate() {
        let mut fault =
            |message: String| faults.push(TableFault { line: header.line, column: number + 1, message });
        let (cell, key) = cell.strip_suffix('*').map_or((cell.as_str(), false), |cell| (cell, true));
        let Some((name, shape)) = cell.split_once(':') else {
            fault(format!("`{cell}` has no type: write `{cell}:text`, or int, decimal, bool, currency"));
            continue;
        };
        let Some(shape) = ColumnShape::from_name(shape.trim()) else {
            fault(format!("`{}` is no type: expected int, text, decimal, bool or currency", shape.trim()));
            continue;
        };
        if name.trim().is_empty() || columns.iter().any(|column| &*column.name == name.trim()) {
            fault(format!("`{}` is no new name for a column", name.trim()));
            continue;
        }
        columns.push(Column { name: name.trim().into(), shape, key });
    }
    columns
}

fn cell_value(column: &Column, cell: &str) -> Result<Value, String> {
    match cell {
        "" if column.key => Err(format!("the key `{}` is empty", column.name)),
        "" => Ok(Value::Null),
        cell => column.shape.read(cell).ok_or_else(|| {
            format!(
                "`{}` holds {}, found `{}`",
                column.name,
                column.shape,
                cell.chars().take(40).collect::<String>()
            )
        }),
    }
}

/// Keys as one text: numbers by value, kinds kept apart.
fn index_key<'v>(keys: impl Iterator<Item = &'v Value>) -> Option<String> {
    let mut text = String::new();
    for key in keys {
        match key {
            Value::Text(part) => {
                text.push('"');
                text.push_str(part);
            }
            Value::Number(number) => text.push_str(&number.exact().ok()?.normalize().to_string()),
            Value::Bool(truth) => text.push_str(if *truth { "t" } else { "f" }),
            _ => return None,
        }
        text.push('\u{1f}');
    }
    Some(text)
}

fn shown(key: &str) -> String {
    key.trim_end_matches('\u{1f}').replace('"', "").replace('\u{1f}', ", ")
}

/// The tables of an estate, by name.
#[derive(Clone, Debug, Default)]
pub struct Tables(HashMap<Arc<str>, Table>);

impl Tables {
    /// No tables.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a table; a later one of the same name replaces the earlier.
    pub fn add(&mut self, table: Table) {
        self.0.insert(Arc::clone(&table.name), table);
    }

    /// The table of that name.
    pub fn get(&self, name: &str) -> Option<&Table> {
        self.0.get(name)
    }

    /// The table whose name is most like this.
    pub fn nearest(&self, name: &str) -> Option<&str> {
        near(name, self.0.keys().map(|known| &**known))
    }

    /// All tables, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Table> {
        self.0.values()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_found_by_typed_keys() {
        let text = "method:text*,gateway:text*,id:int,rate:decimal,on:bool\ncard,acme,7,1.50,true\ncard,\"o,k\",8,,false\n";
        let table = Table::from_csv("tenders", text).unwrap();
        let row = table.row(&[&"card".into(), &"o,k".into()]).unwrap();
        assert_eq!(row.to_json(), r#"{"method":"card","gateway":"o,k","id":8,"rate":null,"on":false}"#);
        assert_eq!(table.row(&[&"card".into(), &"none".into()]), None);
        assert_eq!(table.column("id").unwrap().to_json(), "[7,8]");
        let numbers = Table::from_csv("n", "id:int*,name:text\n1,yes\n2,no\n").unwrap();
        assert_eq!(numbers.row(&[&Value::parse(b"1.0").unwrap()]).unwrap().get("name"), Some(&"yes".into()));
        assert_eq!(numbers.row(&[&"1".into()]), None);
    }

    #[test]
    fn every_fault_is_told() {
        for (text, told) in [
            ("", "line 1, column 1: the header is missing: expected `name:type` for each column"),
            (
                "a,b:int\n",
                "line 1, column 1: `a` has no type: write `a:text`, or int, decimal, bool, currency",
            ),
            (
                "a:number\n",
                "line 1, column 1: `number` is no type: expected int, text, decimal, bool or currency",
            ),
            ("a:int*,a:int\n", "line 1, column 2: `a` is no new name for a column"),
            (
                "a:int*,b:bool\nx,true\n2,yes\n",
                "line 2, column 1: `a` holds whole number, found `x`\nline 3, column 2: `b` holds boolean, found `yes`",
            ),
            ("a:int*,b:text\n1,x\n1,y\n", "line 3, column 1: a row for 1 is there already"),
            ("a:int*,b:text\n1\n", "line 2, column 1: expected 2 cells, found 1"),
            ("a:text*\n\"\"\n", "line 2, column 1: the key `a` is empty"),
            (
                "a:currency*\nEUR\nXXY\n",
                "line 3, column 1: `a` holds codes of ISO 4217 such as `EUR`, found `XXY`",
            ),
        ] {
            let faults = Table::from_csv("t", text).unwrap_err();
            let faults: Vec<_> = faults.iter().map(ToString::to_string).collect();
            assert_eq!(faults.join("\n"), told, "{text}");
        }
    }
}
