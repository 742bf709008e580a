//! The dialect: `SuiteQL` to the SQL of the embedded database.
//!
//! In: a statement. Out: the same statement in `SQLite`'s words; or why it is none. It must never run anything.

use std::fmt::Write as _;

/// A word of the statement.
#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Quoted(String),
    Text(String),
    Number(String),
    Parameter,
    Sign(String),
}

/// Functions that mean the same there, or that this twin has under another name.
const FUNCTIONS: &[(&str, &str)] = &[
    ("ABS", "ABS"),
    ("ADD_MONTHS", "NS_ADD_MONTHS"),
    ("AVG", "AVG"),
    ("CEIL", "NS_CEIL"),
    ("COALESCE", "COALESCE"),
    ("CONCAT", "NS_CONCAT"),
    ("COUNT", "COUNT"),
    ("DECODE", "NS_DECODE"),
    ("DENSE_RANK", "DENSE_RANK"),
    ("FIRST_VALUE", "FIRST_VALUE"),
    ("FLOOR", "NS_FLOOR"),
    ("GREATEST", "MAX"),
    ("INITCAP", "NS_INITCAP"),
    ("INSTR", "INSTR"),
    ("LAG", "LAG"),
    ("LAST_VALUE", "LAST_VALUE"),
    ("LEAD", "LEAD"),
    ("LEAST", "MIN"),
    ("LENGTH", "LENGTH"),
    ("LOWER", "LOWER"),
    ("LTRIM", "LTRIM"),
    ("MAX", "MAX"),
    ("MIN", "MIN"),
    ("MOD", "NS_MOD"),
    ("NULLIF", "NULLIF"),
    ("NVL", "IFNULL"),
    ("NVL2", "NS_NVL2"),
    ("RANK", "RANK"),
    ("REPLACE", "REPLACE"),
    ("ROUND", "ROUND"),
    ("ROW_NUMBER", "ROW_NUMBER"),
    ("RTRIM", "RTRIM"),
    ("SIGN", "NS_SIGN"),
    ("SUBSTR", "SUBSTR"),
    ("SUM", "SUM"),
    ("TO_CHAR", "NS_TO_CHAR"),
    ("TO_DATE", "NS_TO_DATE"),
    ("TO_NUMBER", "NS_TO_NUMBER"),
    ("TO_TIMESTAMP", "NS_TO_DATE"),
    ("TRIM", "TRIM"),
    ("TRUNC", "NS_TRUNC"),
    ("UPPER", "UPPER"),
];

/// Words that may stand before a parenthesis without being a function.
const BEFORE_PARENTHESIS: &[&str] = &[
    "ALL",
    "AND",
    "ANY",
    "AS",
    "BETWEEN",
    "BY",
    "CASE",
    "DISTINCT",
    "ELSE",
    "EXCEPT",
    "EXISTS",
    "FROM",
    "HAVING",
    "IN",
    "INTERSECT",
    "JOIN",
    "LIKE",
    "MINUS",
    "NOT",
    "ON",
    "OR",
    "OVER",
    "SELECT",
    "THEN",
    "UNION",
    "WHEN",
    "WHERE",
];

/// What gives a date, so that days can be added to it.
const DATES: &[&str] = &["NS_TO_DATE", "NS_TRUNC", "NS_ADD_MONTHS"];

/// Why a statement cannot be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refused(pub(super) String);

fn refused<T>(reason: impl Into<String>) -> Result<T, Refused> {
    Err(Refused(reason.into()))
}

/// Translates one statement; `date_columns` are the columns that hold dates, in lower case.
pub(super) fn translate(text: &str, date_columns: &[String]) -> Result<String, Refused> {
    let tokens = tokens(text)?;
    match tokens.first() {
        Some(Token::Word(word)) if ["SELECT", "WITH"].contains(&word.to_uppercase().as_str()) => {}
        _ => return refused("Only SELECT statements are possible"),
    }
    let mut translator = Translator { tokens: &tokens, at: 0, date_columns, depth: 0 };
    let out = translator.level()?;
    if translator.at < tokens.len() {
        return refused("A parenthesis is closed that was not opened");
    }
    Ok(out)
}

fn tokens(text: &str) -> Result<Vec<Token>, Refused> {
    let letters: Vec<char> = text.trim().trim_end_matches(';').chars().collect();
    let mut out = Vec::new();
    let mut at = 0;
    let run = |from: usize, fits: &dyn Fn(char) -> bool| {
        letters[from..].iter().position(|letter| !fits(*letter)).map_or(letters.len(), |length| from + length)
    };
    while at < letters.len() {
        let letter = letters[at];
        let next = letters.get(at + 1).copied().unwrap_or(' ');
        let from = at;
        match letter {
            _ if letter.is_whitespace() => at += 1,
            '-' if next == '-' => at = run(at, &|letter| letter != '\n'),
            '/' if next == '*' => {
                let end = letters[at + 2..].windows(2).position(|pair| pair == ['*', '/']);
                let Some(end) = end else { return refused("A comment is not closed") };
                at += end + 4;
            }
            '\'' => {
                at += 1;
                let mut word = String::new();
                loop {
                    match (letters.get(at), letters.get(at + 1)) {
                        (Some('\''), Some('\'')) => {
                            word.push('\'');
                            at += 2;
                        }
                        (Some('\''), _) => break,
                        (Some(letter), _) => {
                            word.push(*letter);
                            at += 1;
                        }
                        (None, _) => return refused("A text is not closed"),
                    }
                }
                at += 1;
                out.push(Token::Text(word));
            }
            '"' => {
                at = run(at + 1, &|letter| letter != '"');
                if at == letters.len() {
                    return refused("A quoted name is not closed");
                }
                out.push(Token::Quoted(letters[from + 1..at].iter().collect()));
                at += 1;
            }
            '?' => {
                at += 1;
                out.push(Token::Parameter);
            }
            _ if letter.is_ascii_digit() => {
                at = run(at, &|letter| letter.is_ascii_alphanumeric() || letter == '.');
                out.push(Token::Number(letters[from..at].iter().collect()));
            }
            _ if letter.is_alphabetic() || letter == '_' => {
                at = run(at, &|letter| letter.is_alphanumeric() || "_$#".contains(letter));
                out.push(Token::Word(letters[from..at].iter().collect()));
            }
            '<' | '>' | '!' | '=' | '|' => {
                let double = matches!((letter, next), ('<', '=' | '>') | ('>' | '!', '=') | ('|', '|'));
                at += if double { 2 } else { 1 };
                out.push(Token::Sign(letters[from..at].iter().collect()));
            }
            '(' | ')' | ',' | '.' | '+' | '-' | '*' | '/' => {
                at += 1;
                out.push(Token::Sign(letter.to_string()));
            }
            _ => return refused(format!("Unexpected character {letter:?}")),
        }
    }
    Ok(out)
}

struct Translator<'a> {
    tokens: &'a [Token],
    at: usize,
    date_columns: &'a [String],
    depth: usize,
}

/// What is known of the query on one level of parentheses.
#[derive(Default)]
struct Level {
    out: Vec<String>,
    /// Where the ORDER BY of this level begins in `out`.
    order: Option<usize>,
    rows: Option<String>,
    offset: Option<String>,
    limit: Option<String>,
}

impl Translator<'_> {
    fn word(&self, ahead: usize) -> String {
        match self.tokens.get(self.at + ahead) {
            Some(Token::Word(word)) => word.to_uppercase(),
            _ => String::new(),
        }
    }

    fn sign(&self, ahead: usize, sign: &str) -> bool {
        matches!(self.tokens.get(self.at + ahead), Some(Token::Sign(found)) if found == sign)
    }

    /// Everything up to the parenthesis that closes this level.
    fn level(&mut self) -> Result<String, Refused> {
        self.depth += 1;
        if self.depth > 60 {
            return refused("The statement is nested too deeply");
        }
        let mut level = Level::default();
        while let Some(token) = self.tokens.get(self.at) {
            if *token == Token::Sign(")".into()) {
                break;
            }
            self.token(token, &mut level)?;
        }
        self.depth -= 1;
        Ok(level.finish())
    }

    fn token(&mut self, token: &Token, level: &mut Level) -> Result<(), Refused> {
        match token {
            Token::Word(word) => return self.named(word, level),
            Token::Quoted(name) => level.out.push(format!("[{}]", name.replace(']', ""))),
            Token::Text(text) => {
                let literal = format!("'{}'", text.replace('\'', "''"));
                let out = if self.beside_date() { format!("NS_DATE({literal})") } else { literal };
                level.out.push(out);
            }
            Token::Parameter => {
                level.out.push(if self.beside_date() { "NS_DATE(?)".into() } else { "?".into() });
            }
            Token::Number(number) => level.out.push(number.clone()),
            Token::Sign(sign) if sign == "(" => {
                self.at += 1;
                let inner = self.level()?;
                self.close()?;
                level.out.push(format!("({inner})"));
                return Ok(());
            }
            Token::Sign(sign) => level.out.push(sign.clone()),
        }
        self.at += 1;
        Ok(())
    }

    fn close(&mut self) -> Result<(), Refused> {
        if !self.sign(0, ")") {
            return refused("A parenthesis is not closed");
        }
        self.at += 1;
        Ok(())
    }

    /// Whether the token here is compared with a column that holds a date.
    fn beside_date(&self) -> bool {
        let compares = |token: &Token| match token {
            Token::Sign(sign) => ["<", ">", "<=", ">=", "=", "<>", "!="].contains(&sign.as_str()),
            Token::Word(word) => word.eq_ignore_ascii_case("between"),
            _ => false,
        };
        let column = |token: Option<&Token>| matches!(token, Some(Token::Word(word)) if self.date_columns.contains(&word.to_lowercase()));
        self.at >= 2 && compares(&self.tokens[self.at - 1]) && column(self.tokens.get(self.at - 2))
    }

    fn named(&mut self, word: &str, level: &mut Level) -> Result<(), Refused> {
        let upper = word.to_uppercase();
        let after_dot = self.at > 0 && self.tokens[self.at - 1] == Token::Sign(".".into());
        if after_dot {
            level.out.push(name(word));
            self.at += 1;
            return Ok(());
        }
        match upper.as_str() {
            "LIMIT" => return refused("Invalid or unsupported search: LIMIT is not supported"),
            "FETCH" => return self.fetch(level),
            "OFFSET" => return self.offset(level),
            "ROWNUM" => return self.rownum(level),
            "BUILTIN" => return self.builtin(level),
            "SYSDATE" | "CURRENT_DATE" | "CURRENT_TIMESTAMP" | "SYSTIMESTAMP" => {
                self.at += 1;
                let days = self.days();
                level.out.push(match days {
                    Some(days) => format!("NS_ADD_DAYS(NS_SYSDATE(), {days})"),
                    None => "NS_SYSDATE()".into(),
                });
                return Ok(());
            }
            "ORDER" if self.word(1) == "BY" => level.order = Some(level.out.len()),
            "MINUS" => {
                level.out.push("EXCEPT".into());
                self.at += 1;
                return Ok(());
            }
            _ if upper.starts_with("SQLITE_") || upper.starts_with("PRAGMA") || upper.starts_with("NS_") => {
                return refused(format!("Record '{word}' was not found"));
            }
            _ => {}
        }
        if self.sign(1, "(") && !BEFORE_PARENTHESIS.contains(&upper.as_str()) {
            return self.function(word, &upper, level);
        }
        level.out.push(name(word));
        self.at += 1;
        Ok(())
    }

    /// `+ n` or `- n` after a date.
    fn days(&mut self) -> Option<String> {
        let minus = self.sign(0, "-");
        if !minus && !self.sign(0, "+") {
            return None;
        }
        let days = match self.tokens.get(self.at + 1)? {
            Token::Number(number) => number.clone(),
            Token::Parameter => "?".to_owned(),
            _ => return None,
        };
        self.at += 2;
        Some(if minus { format!("-1 * {days}") } else { days })
    }

    fn function(&mut self, word: &str, upper: &str, level: &mut Level) -> Result<(), Refused> {
        if upper == "LISTAGG" {
            return self.listagg(level);
        }
        let Some((_, own)) = FUNCTIONS.iter().find(|(name, _)| *name == upper) else {
            return refused(format!("Unknown identifier '{word}'"));
        };
        self.at += 2;
        let inner = self.level()?;
        self.close()?;
        let call = format!("{own}({inner})");
        let days = if DATES.contains(own) { self.days() } else { None };
        level.out.push(days.map_or(call.clone(), |days| format!("NS_ADD_DAYS({call}, {days})")));
        Ok(())
    }

    /// `LISTAGG(x, ',') WITHIN GROUP (ORDER BY y)`.
    fn listagg(&mut self, level: &mut Level) -> Result<(), Refused> {
        self.at += 2;
        let inner = self.level()?;
        self.close()?;
        let mut order = String::new();
        if self.word(0) == "WITHIN" && self.word(1) == "GROUP" && self.sign(2, "(") {
            self.at += 3;
            order = self.level()?;
            self.close()?;
        }
        level.out.push(format!("GROUP_CONCAT({inner} {order})"));
        Ok(())
    }

    /// `BUILTIN.DF(column)`, `BUILTIN.CF(column)`, `BUILTIN.RELATIVE_RANGES('DAGO30', 'START')`.
    fn builtin(&mut self, level: &mut Level) -> Result<(), Refused> {
        let function = self.word(2);
        if !self.sign(1, ".") || !self.sign(3, "(") {
            return refused("Unknown identifier 'BUILTIN'");
        }
        self.at += 4;
        let from = self.at;
        let inner = self.level()?;
        let words: Vec<&str> = self.tokens[from..self.at]
            .iter()
            .filter_map(|token| match token {
                Token::Word(word) => Some(word.as_str()),
                _ => None,
            })
            .collect();
        self.close()?;
        let out = match function.as_str() {
            "DF" => {
                let Some((column, path)) = words.split_last() else {
                    return refused("BUILTIN.DF wants a column");
                };
                let owner: String = path.iter().flat_map(|word| [name(word), ".".to_owned()]).collect();
                let kind =
                    if column.eq_ignore_ascii_case("status") { format!("{owner}type") } else { "''".into() };
                format!("NS_DF('{}', {inner}, {kind})", column.to_lowercase())
            }
            "CF" => inner,
            "RELATIVE_RANGES" => format!("NS_RANGE({inner})"),
            _ => return refused(format!("Unknown identifier 'BUILTIN.{function}'")),
        };
        level.out.push(out);
        Ok(())
    }

    /// `FETCH FIRST n ROWS ONLY`, `FETCH NEXT n ROWS ONLY`.
    fn fetch(&mut self, level: &mut Level) -> Result<(), Refused> {
        let good = ["FIRST", "NEXT"].contains(&self.word(1).as_str())
            && ["ROW", "ROWS"].contains(&self.word(3).as_str())
            && self.word(4) == "ONLY";
        match self.tokens.get(self.at + 2) {
            Some(Token::Number(number)) if good => level.limit = Some(number.clone()),
            Some(Token::Parameter) if good => level.limit = Some("?".into()),
            _ => return refused("FETCH FIRST n ROWS ONLY is expected"),
        }
        self.at += 5;
        Ok(())
    }

    fn offset(&mut self, level: &mut Level) -> Result<(), Refused> {
        match self.tokens.get(self.at + 1) {
            Some(Token::Number(number)) if ["ROW", "ROWS"].contains(&self.word(2).as_str()) => {
                level.offset = Some(number.clone());
            }
            _ => return refused("OFFSET n ROWS is expected"),
        }
        self.at += 3;
        Ok(())
    }

    /// `ROWNUM <= n` as a condition, or ROWNUM as a column.
    fn rownum(&mut self, level: &mut Level) -> Result<(), Refused> {
        let compared = match (self.tokens.get(self.at + 1), self.tokens.get(self.at + 2)) {
            (Some(Token::Sign(sign)), Some(Token::Number(number))) => {
                number.parse::<i64>().ok().and_then(|number| match sign.as_str() {
                    "<=" => Some(number),
                    "<" => Some(number - 1),
                    "=" if number == 1 => Some(1),
                    _ => None,
                })
            }
            _ => None,
        };
        let Some(rows) = compared else {
            level.out.push("ROW_NUMBER() OVER ()".into());
            self.at += 1;
            return Ok(());
        };
        self.at += 3;
        level.rows = Some(rows.to_string());
        match level.out.last().map(|word| word.to_uppercase()).as_deref() {
            Some("WHERE") if self.word(0) == "AND" => self.at += 1,
            Some("AND" | "WHERE") => {
                level.out.pop();
            }
            _ => return refused("ROWNUM can only be one of several conditions joined by AND"),
        }
        Ok(())
    }
}

impl Level {
    /// The level's text; ROWNUM counts before the order is made.
    fn finish(self) -> String {
        let mut text = join(&self.out);
        if let Some(rows) = self.rows {
            text = match self.order {
                None => format!("{text} LIMIT {rows}"),
                Some(at) => {
                    let order = unaliased(&self.out[at..]);
                    format!("SELECT * FROM ({} LIMIT {rows}) {order}", join(&self.out[..at]))
                }
            };
        }
        match (self.limit, self.offset) {
            (Some(limit), Some(offset)) => {
                let _ = write!(text, " LIMIT {limit} OFFSET {offset}");
            }
            (Some(limit), None) => {
                let _ = write!(text, " LIMIT {limit}");
            }
            (None, Some(offset)) => {
                let _ = write!(text, " LIMIT -1 OFFSET {offset}");
            }
            (None, None) => {}
        }
        text
    }
}

fn join(pieces: &[String]) -> String {
    let mut text = String::new();
    for piece in pieces {
        let tight = piece == "." || text.ends_with('.') || text.is_empty();
        if !tight {
            text.push(' ');
        }
        text.push_str(piece);
    }
    text
}

/// The pieces without the table names before their columns.
fn unaliased(pieces: &[String]) -> String {
    let mut out: Vec<String> = Vec::new();
    for piece in pieces {
        if out.last().is_some_and(|last| last == ".") {
            out.truncate(out.len().saturating_sub(2));
        }
        out.push(piece.clone());
    }
    join(&out)
}

/// A name as it stands in `SQLite`: those that are its own words are quoted.
fn name(word: &str) -> String {
    let own = ["TRANSACTION", "INDEX", "TABLE", "REFERENCES", "DEFAULT", "CHECK", "COMMIT", "VALUES"];
    if own.contains(&word.to_uppercase().as_str()) { format!("[{word}]") } else { word.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ok(text: &str) -> String {
        translate(text, &["lastmodifieddate".into()]).unwrap()
    }

    #[test]
    fn words_of_the_dialect() {
        for (from, to) in [
            ("SELECT NVL(a, 0) FROM transaction t", "SELECT IFNULL(a , 0) FROM [transaction] t"),
            ("select id from item fetch first 5 rows only;", "select id from item LIMIT 5"),
            (
                "SELECT id FROM item ORDER BY id OFFSET 10 ROWS FETCH NEXT 5 ROWS ONLY",
                "SELECT id FROM item ORDER BY id LIMIT 5 OFFSET 10",
            ),
            ("SELECT id FROM item WHERE a = 1 AND ROWNUM <= 3", "SELECT id FROM item WHERE a = 1 LIMIT 3"),
            ("SELECT id FROM item WHERE ROWNUM < 3 AND a = 1", "SELECT id FROM item WHERE a = 1 LIMIT 2"),
            (
                "SELECT i.id FROM item i WHERE ROWNUM <= 3 ORDER BY i.id DESC",
                "SELECT * FROM (SELECT i.id FROM item i LIMIT 3) ORDER BY id DESC",
            ),
            ("SELECT SYSDATE - 7 FROM dual", "SELECT NS_ADD_DAYS(NS_SYSDATE(), -1 * 7) FROM dual"),
            (
                "SELECT TRUNC(SYSDATE) + 1 FROM dual",
                "SELECT NS_ADD_DAYS(NS_TRUNC(NS_SYSDATE()), 1) FROM dual",
            ),
            (
                "SELECT BUILTIN.DF(t.status), BUILTIN.DF(l.location) FROM transaction t",
                "SELECT NS_DF('status', t.status, t.type) , NS_DF('location', l.location, '') FROM [transaction] t",
            ),
            (
                "SELECT LISTAGG(n.a, ',') WITHIN GROUP (ORDER BY n.a) FROM n",
                "SELECT GROUP_CONCAT(n.a , ',' ORDER BY n.a) FROM n",
            ),
            ("SELECT 'it''s -- no /* comment' FROM dual -- x", "SELECT 'it''s -- no /* comment' FROM dual"),
            ("SELECT id \"My Id\" FROM item /* y */", "SELECT id [My Id] FROM item"),
            ("SELECT 1 WHERE t.lastmodifieddate >= ?", "SELECT 1 WHERE t.lastmodifieddate >= NS_DATE(?)"),
            (
                "SELECT tl.transaction FROM transactionline tl",
                "SELECT tl.[transaction] FROM transactionline tl",
            ),
            ("SELECT a FROM b MINUS SELECT a FROM c", "SELECT a FROM b EXCEPT SELECT a FROM c"),
        ] {
            assert_eq!(ok(from), to);
        }
    }

    #[test]
    fn what_is_refused() {
        for (text, part) in [
            ("SELECT id FROM item LIMIT 5", "LIMIT"),
            ("DELETE FROM item", "Only SELECT"),
            ("", "Only SELECT"),
            ("SELECT [id] FROM item", "'['"),
            ("SELECT id FROM item; DELETE FROM item", "';'"),
            ("SELECT load_extension('x')", "load_extension"),
            ("SELECT strftime('%Y', 1)", "strftime"),
            ("SELECT * FROM sqlite_master", "sqlite_master"),
            ("SELECT * FROM pragma_table_info('item')", "pragma_table_info"),
            ("SELECT (id FROM item", "not closed"),
            ("SELECT id) FROM item", "not opened"),
            ("SELECT 'id FROM item", "not closed"),
            ("SELECT @a", "'@'"),
        ] {
            let Refused(reason) = translate(text, &[]).unwrap_err();
            assert!(reason.contains(part), "{text}: {reason}");
        }
        assert!(translate(&format!("SELECT {}", "(".repeat(5000)), &[]).is_err());
    }
}
