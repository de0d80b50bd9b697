//! Rows of data, one for each flow.

use std::path::Path;
use std::sync::Arc;

use crate::model::FlowNumber;

use super::location::SourceLocation;

/// The maximum size of a data file, which is kept in memory as a whole.
pub const DATA_LIMIT_BYTES: u64 = 256 * 1024 * 1024;

/// A table of which each flow gets one row.
#[derive(Debug, Clone)]
pub struct DataSource {
    /// The name in the scenario: `customers`, read as `customers.column`.
    pub name: String,
    /// The names in the table's first line.
    pub columns: Vec<String>,
    /// At least one, each as long as `columns`.
    pub rows: Arc<[Vec<String>]>,
    pub take: Take,
    pub place: SourceLocation,
}

/// A table of which each instance of a pool gets the row of its number, read as
/// `instance.COLUMN`.
#[derive(Debug, Clone)]
pub struct InstanceTable {
    /// The name in the scenario.
    pub name: String,
    /// The names in the table's first line.
    pub columns: Vec<String>,
    /// Each as long as `columns`.
    pub rows: Arc<[Vec<String>]>,
}

/// The choice of a flow's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Take {
    /// The rows in order, starting over after the last.
    Sequential,
    /// Any row, drawn from the run's seed and the flow's number.
    Random,
    /// The rows in order, each once; the run ends when they are used up.
    Unique,
}

/// The error that all rows of a table have been used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("all {rows} rows of `{data}` are used up")]
pub struct UsedUp {
    pub data: String,
    pub rows: usize,
}

impl DataSource {
    /// Returns the row of one flow.
    ///
    /// # Errors
    /// If each row is used once and all are used up.
    pub fn row(&self, flow: FlowNumber, seed: u64) -> Result<&[String], UsedUp> {
        let used_up = || UsedUp {
            data: self.name.clone(),
            rows: self.rows.len(),
        };
        let count = self.rows.len() as u64;
        if count == 0 {
            return Err(used_up());
        }
        let place = flow.0.saturating_sub(1);
        let index = match self.take {
            Take::Sequential => place % count,
            Take::Random => draws(seed, flow, &self.name).u64(..count),
            Take::Unique if place < count => place,
            Take::Unique => return Err(used_up()),
        };
        Ok(&self.rows[usize::try_from(index).expect("less than the number of rows")])
    }
}

/// Returns the random choices of one flow for one purpose. They depend on the seed, the flow and
/// the purpose, and not on other draws or on the order of flows.
pub fn draws(seed: u64, flow: FlowNumber, purpose: &str) -> fastrand::Rng {
    // FNV-1a over the purpose, then one step of splitmix64 for each number, so that adjacent
    // seeds and flows have unrelated generators.
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in purpose.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    fastrand::Rng::with_seed(mix(mix(mix(hash) ^ seed) ^ flow.0))
}

/// The output function of splitmix64 (<https://prng.di.unimi.it/splitmix64.c>).
fn mix(state: u64) -> u64 {
    let mut z = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The content of a table's file.
#[derive(Debug)]
pub(super) struct Table {
    pub columns: Vec<String>,
    pub rows: Vec<Vec<String>>,
}

/// Reads a CSV file; its first line names the columns.
///
/// # Errors
/// One sentence that explains why the file is not a table.
pub(super) fn read(path: &Path) -> Result<Table, String> {
    let shown = path.display();
    let meta = std::fs::metadata(path).map_err(|e| format!("cannot read `{shown}`: {e}"))?;
    if !meta.is_file() {
        return Err(format!("`{shown}` is not a file"));
    }
    if meta.len() > DATA_LIMIT_BYTES {
        let most = DATA_LIMIT_BYTES / (1024 * 1024);
        return Err(format!("`{shown}` is larger than {most} MiB"));
    }
    let file = std::fs::File::open(path).map_err(|e| format!("cannot read `{shown}`: {e}"))?;
    parse(file).map_err(|reason| format!("`{shown}`: {reason}"))
}

fn parse(input: impl std::io::Read) -> Result<Table, String> {
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::Headers)
        .from_reader(input);
    let headers = reader.headers().map_err(|e| e.to_string())?;
    let columns: Vec<String> = headers
        .iter()
        .map(|name| name.trim_start_matches('\u{feff}').to_owned())
        .collect();
    if columns.is_empty() {
        return Err("it is empty; its first line names the columns".into());
    }
    for (at, column) in columns.iter().enumerate() {
        if !super::names::is_identifier(column) {
            return Err(format!(
                "the column name `{column}` in its first line is not made of letters, digits and _"
            ));
        }
        if columns[..at].contains(column) {
            return Err(format!(
                "the column name `{column}` occurs twice in its first line"
            ));
        }
    }
    let mut rows = Vec::new();
    for record in reader.records() {
        rows.push(
            record
                .map_err(|e| e.to_string())?
                .iter()
                .map(str::to_owned)
                .collect(),
        );
    }
    if rows.is_empty() {
        return Err("it has no rows".into());
    }
    Ok(Table { columns, rows })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(take: Take, rows: usize) -> DataSource {
        DataSource {
            name: "customers".into(),
            columns: vec!["id".into()],
            rows: (0..rows).map(|row| vec![row.to_string()]).collect(),
            take,
            place: SourceLocation {
                file: "s.yaml".into(),
                line: 1,
            },
        }
    }

    fn taken(data: &DataSource, flows: u64, seed: u64) -> Vec<Option<String>> {
        (1..=flows)
            .map(|flow| {
                data.row(FlowNumber(flow), seed)
                    .ok()
                    .map(|row| row[0].clone())
            })
            .collect()
    }

    #[test]
    fn sequential_begins_again() {
        let rows = taken(&source(Take::Sequential, 2), 5, 1);
        let rows: Vec<_> = rows.iter().flatten().map(String::as_str).collect();
        assert_eq!(rows, ["0", "1", "0", "1", "0"]);
    }

    #[test]
    fn unique_is_used_up() {
        let data = source(Take::Unique, 2);
        assert!(data.row(FlowNumber(2), 1).is_ok());
        let error = data.row(FlowNumber(3), 1).unwrap_err();
        assert_eq!(error.to_string(), "all 2 rows of `customers` are used up");
    }

    #[test]
    fn the_same_seed_draws_the_same_rows() {
        let data = source(Take::Random, 50);
        assert_eq!(taken(&data, 100, 7), taken(&data, 100, 7));
        assert_ne!(taken(&data, 100, 7), taken(&data, 100, 8));
        // The order in which flows ask must not matter.
        assert_eq!(
            data.row(FlowNumber(77), 7).unwrap()[0],
            taken(&data, 100, 7)[76].clone().unwrap()
        );
    }

    #[test]
    fn random_rows_are_spread() {
        let mut seen: Vec<_> = taken(&source(Take::Random, 10), 200, 3);
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 10);
    }

    #[test]
    fn tables_are_read_as_they_are() {
        let table = parse("\u{feff}id, name\n007,\"Smith, Ann\"\n".as_bytes()).unwrap();
        assert_eq!(table.columns, ["id", "name"]);
        assert_eq!(table.rows, [["007", "Smith, Ann"]]);
    }

    #[test]
    fn faulty_tables_are_refused() {
        let fault = |text: &str| parse(text.as_bytes()).unwrap_err();
        assert_eq!(fault(""), "it is empty; its first line names the columns");
        assert_eq!(fault("id\n"), "it has no rows");
        assert!(fault("id,id\n1,2\n").contains("occurs twice"));
        assert!(fault("first name\nAnn\n").contains("`first name`"));
        assert!(fault("id,name\n1\n").contains("2 fields"));
        assert!(parse(b"id\n\xff\n".as_slice()).is_err());
    }
}
