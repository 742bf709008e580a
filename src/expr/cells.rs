//! CSV as cells. In: text. Out: records of cells, white space around them gone, each with its line. What the cells mean is for
//! others to say.

/// A record and its line, from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cells {
    /// Where it begins.
    pub(super) line: usize,
    /// Its cells.
    pub(super) cells: Vec<String>,
}

/// The records of a CSV text, or the line and the reason of each that cannot be read. Records may differ in length.
pub(super) fn cells(text: &str) -> Result<Vec<Cells>, Vec<(usize, String)>> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let lines: Vec<&str> = text.lines().collect();
    let (mut records, mut faults) = (Vec::new(), Vec::new());
    for record in reader.records() {
        match record {
            Ok(record) => {
                let before = record.position().map_or(1, |place| place.line() as usize);
                // the reader counts blank lines before a record as its own
                let blank = lines.iter().skip(before - 1).take_while(|line| line.trim().is_empty()).count();
                let line = before + blank;
                records.push(Cells { line, cells: record.iter().map(str::to_owned).collect() });
            }
            Err(error) => {
                let line = error.position().map_or(1, |place| place.line() as usize);
                faults.push((line, format!("this is no CSV: {error}")));
            }
        }
    }
    if faults.is_empty() { Ok(records) } else { Err(faults) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_keep_their_lines() {
        let read = cells("a, b\n\n\"x\ny\",\"q\"\"q\"\nlast\n").unwrap();
        let told: Vec<_> = read.iter().map(|record| (record.line, record.cells.join("|"))).collect();
        assert_eq!(told, [(1, "a|b".into()), (3, "x\ny|q\"q".into()), (5, "last".into())]);
        assert_eq!(cells("").unwrap(), []);
    }
}
