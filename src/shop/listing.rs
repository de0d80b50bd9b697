//! Queries of orders by status and person.

use rusqlite::types::ToSql;

use super::database::Database;
use super::money::Paise;
use super::orders::Key;
use super::status::Status;

/// An order in lists and detail screens.
#[derive(Debug, Clone)]
pub struct Entry {
    pub key: Key,
    pub id: String,
    pub customer_id: String,
    pub customer: String,
    pub address: String,
    pub status: Status,
    pub total: Paise,
    pub delivery: Option<Delivery>,
    /// The position in its list, newest highest.
    pub moved: i64,
}

#[derive(Debug, Clone)]
pub struct Delivery {
    pub id: String,
    pub route: String,
    pub slot: String,
}

/// Selection of orders. The default is all of them.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Any status if empty.
    pub statuses: Vec<Status>,
    pub customer_id: Option<String>,
    /// The delivery person who accepted it.
    pub accepted_by: Option<String>,
    /// An order, delivery or customer id as typed; any if empty.
    pub search: String,
    /// Only entries below this position: the next page.
    pub below: Option<i64>,
}

/// Returns the selected orders that moved last, newest first, at most `limit`.
pub fn find(database: &Database, wanted: &Wanted, limit: usize) -> rusqlite::Result<Vec<Entry>> {
    let mut conditions = Vec::new();
    let mut values: Vec<&dyn ToSql> = Vec::new();
    let mut require = |condition: &str, value| {
        conditions.push(condition.to_owned());
        values.push(value);
    };
    let search = wanted.search.to_uppercase();
    if !search.is_empty() {
        require(search_condition(&search), &search);
    }
    if let Some(customer_id) = &wanted.customer_id {
        require("o.customer_id = ?", customer_id);
    }
    if let Some(accepted_by) = &wanted.accepted_by {
        require("d.accepted_by = ?", accepted_by);
    }
    if let Some(below) = &wanted.below {
        require("o.moved < ?", below);
    }
    if !wanted.statuses.is_empty() {
        // The few hits of a search are filtered by status; the `+` keeps SQLite from scanning all
        // orders of the status instead.
        let plus = if search.is_empty() { "" } else { "+" };
        let marks = vec!["?"; wanted.statuses.len()].join(", ");
        conditions.push(format!("{plus}o.status IN ({marks})"));
        values.extend(wanted.statuses.iter().map(|status| status as &dyn ToSql));
    }
    if conditions.is_empty() {
        conditions.push("true".to_owned());
    }
    let conditions = conditions.join(" AND ");
    let mut query = database.connection.prepare(&format!(
        "SELECT o.key, o.id, o.customer_id, a.name, o.address, o.status, o.total_paise,
                d.id, d.route, d.slot, o.moved
         FROM orders o
         JOIN accounts a ON a.id = o.customer_id
         LEFT JOIN deliveries d ON d.order_key = o.key
         WHERE {conditions} ORDER BY o.moved DESC LIMIT {limit}"
    ))?;
    let entries = query.query_map(values.as_slice(), |row| {
        let delivery_id: Option<String> = row.get(7)?;
        let delivery = match delivery_id {
            Some(id) => Some(Delivery {
                id,
                route: row.get(8)?,
                slot: row.get(9)?,
            }),
            None => None,
        };
        Ok(Entry {
            key: Key(row.get(0)?),
            id: row.get(1)?,
            customer_id: row.get(2)?,
            customer: row.get(3)?,
            address: row.get(4)?,
            status: row.get(5)?,
            total: row.get(6)?,
            delivery,
            moved: row.get(10)?,
        })
    })?;
    entries.collect()
}

/// Returns the condition for an id, whose prefix shows its kind.
fn search_condition(search: &str) -> &'static str {
    if search.starts_with("ORD-") {
        "o.id = ?"
    } else if search.starts_with("DEL-") {
        "o.key IN (SELECT order_key FROM deliveries WHERE id = ?)"
    } else {
        "o.customer_id = ?"
    }
}
