//! Batches and poll cursors. In: as written. Out: resolved; problems where keys do not go together.

use std::{sync::Arc, time::Duration};

use super::Lower;
use crate::{
    connector::model::{Back, Batch, BatchErrors, Cursor, StampFormat, slot},
    problem::codes,
    shape::{Shape, element},
    source::Scalar,
    syntax::connector as ast,
};

impl Lower<'_> {
    pub(super) fn batch(&mut self, file: &ast::Batch) -> Option<Batch> {
        let back = match (&file.key, &file.match_, &file.answers) {
            (Some(key), Some(row), None) => Back::Match { key: self.template(key), row: self.over_row(row) },
            (None, None, Some(word)) => {
                let words = [("in_order", false), ("whole", true)];
                if self.word(word, "way that answers come back", &words)? {
                    Back::Whole
                } else {
                    Back::InOrder
                }
            }
            _ => {
                self.add(
                    codes::OPERATION,
                    file.span,
                    "a batch says either `key` and `match`, or `answers: in_order | whole`",
                );
                return None;
            }
        };
        let errors = self.batch_errors(file, matches!(back, Back::Match { .. }));
        let same = file.same.as_ref().map(|same| self.template(same));
        Some(Batch { max: file.max.value.max(1), back, errors, same })
    }

    fn over_row(&mut self, scalar: &Scalar) -> crate::expr::Template {
        self.names.push(("row".into(), slot::ROW));
        let template = self.template(scalar);
        self.names.pop();
        template
    }

    fn batch_errors(&mut self, file: &ast::Batch, matched: bool) -> Option<BatchErrors> {
        if file.errors.is_empty() {
            return None;
        }
        if !matched {
            self.add(
                codes::OPERATION,
                file.span,
                "`errors` needs `key` and `match`: else no element can be named",
            );
        }
        let find =
            |key: &str| file.errors.iter().find(|(name, _)| &*name.value == key).map(|(_, scalar)| scalar);
        let (Some(list), Some(row)) = (find("list"), find("match")) else {
            self.add(codes::OPERATION, file.span, "`errors` needs `list` and `match`");
            return None;
        };
        self.names.push(("answer".into(), slot::ANSWER));
        let list = self.template(list);
        self.names.pop();
        let (row, message) = (self.over_row(row), find("message").map(|message| self.over_row(message)));
        Some(BatchErrors { list, row, message })
    }

    pub(super) fn cursor(
        &mut self,
        file: &ast::Cursor,
        operation: &ast::Operation,
        gives: &Shape,
    ) -> Option<Cursor> {
        let known = ["kind", "field", "format", "zone", "tie", "overlap", "lag"];
        self.only(&file.keys, &known, "a cursor");
        let kind = self.text(&file.keys, "kind", file.span)?;
        let keyset = self.word(&kind, "kind of cursor", &[("second", false), ("keyset", true)])?;
        let field = self.text(&file.keys, "field", file.span)?;
        let formats = [
            ("rfc2822", StampFormat::Rfc2822),
            ("iso", StampFormat::Iso),
            ("sql", StampFormat::Sql),
            ("unix", StampFormat::Unix),
        ];
        let format = self.text(&file.keys, "format", file.span)?;
        let format = self.word(&format, "format of stamps", &formats)?;
        let tie = self.optional_text(&file.keys, "tie").map(|tie| tie.value);
        if keyset && tie.is_none() {
            self.add(
                codes::OPERATION,
                file.span,
                "a keyset cursor needs `tie`: what tells rows of one stamp apart",
            );
        }
        if operation.reads.is_none() || operation.calls.len() != 1 || element(gives).is_none() {
            self.add(codes::OPERATION, file.span, "a poll is one call that reads a list");
        }
        if let Some(row) = element(gives)
            && let Shape::Object(object) = row.present()
        {
            for name in std::iter::once(&field.value).chain(&tie) {
                if !object.fields.contains_key(name) {
                    self.add(codes::CONNECTOR_NAME, file.span, format!("the rows have no field `{name}`"));
                }
            }
        }
        let zone = self.optional_template(&file.keys, "zone");
        let overlap = self.span_of(file, "overlap").unwrap_or(Duration::ZERO);
        let lag = self.span_of(file, "lag").unwrap_or(Duration::from_secs(1));
        Some(Cursor { field: Arc::clone(&field.value), format, zone, tie, keyset, overlap, lag })
    }

    fn span_of(&mut self, file: &ast::Cursor, key: &str) -> Option<Duration> {
        let name = self.optional_text(&file.keys, key)?;
        let found = crate::connector::open::duration(&name.value);
        if found.is_none() {
            self.add(codes::CONNECTOR_WORD, name.span, format!("`{key}` is a duration such as `10m`"));
        }
        found
    }
}
