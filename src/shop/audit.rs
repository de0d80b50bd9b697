//! Audit of the shop's data, in one consistent view of the database.
//!
//! An order's status implies what must have been done for it, and the audit checks each of these
//! facts where it would have left its trace.

use std::fmt::Write;
use std::path::Path;

use rusqlite::{Row, Transaction, params};
use serde_json::{Value, json};
use strum::VariantArray;

use super::database::Database;
use super::money::Paise;
use super::status::Status;

/// Counts and inconsistencies of the shop's data.
pub struct Audit {
    /// Orders by status, in the order of an order's life.
    counts: Vec<(Status, i64)>,
    collected: Paise,
    /// The history of the requested order.
    history: Vec<Move>,
    findings: Vec<Finding>,
}

struct Move {
    at: String,
    order_key: i64,
    status: Status,
    account: String,
}

/// One inconsistency.
struct Finding {
    /// The order's or delivery's id, or the product's name.
    subject: String,
    problem: String,
}

/// An order with the traces of its processing.
struct Traces {
    id: String,
    status: Status,
    total: Paise,
    lines_total: Paise,
    lines: i64,
    matching_allocations: i64,
    allocations: i64,
    packings: i64,
    deliveries: i64,
    accepted: i64,
    received: i64,
    payments: i64,
    paid: Paise,
}

impl Audit {
    /// Checks all orders, or only the one with this id.
    pub fn of(database: &mut Database, order_id: Option<&str>) -> rusqlite::Result<Self> {
        database.read(|view| {
            let mut findings = check_orders(view, order_id)?;
            let history = match order_id {
                Some(id) => history(view, id)?,
                None => {
                    findings.extend(check_deliveries(view)?);
                    findings.extend(check_stock(view)?);
                    Vec::new()
                }
            };
            Ok(Self {
                counts: count_orders(view)?,
                collected: collected(view)?,
                history,
                findings,
            })
        })
    }

    pub fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }

    /// Formats the audit for people. The last line is always `N inconsistencies`.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for Move {
            at,
            order_key,
            status,
            account,
        } in &self.history
        {
            // The row distinguishes two orders with the same id.
            line(
                &mut text,
                format_args!("{at}  {status:<16} by {account} (row {order_key})"),
            );
        }
        if self.history.is_empty() {
            let orders: i64 = self.counts.iter().map(|(_, count)| count).sum();
            line(&mut text, format_args!("{orders:>8} orders"));
            for (status, count) in self.counts.iter().filter(|(_, count)| *count > 0) {
                line(&mut text, format_args!("{count:>8} {status}"));
            }
            line(&mut text, format_args!("{} collected", self.collected));
        }
        for Finding { subject, problem } in &self.findings {
            line(&mut text, format_args!("{subject}: {problem}"));
        }
        line(
            &mut text,
            format_args!("{} inconsistencies", self.findings.len()),
        );
        text
    }

    pub fn json(&self, path: &Path) -> Value {
        let counts: serde_json::Map<_, _> = self
            .counts
            .iter()
            .map(|(status, count)| (status.name().replace(' ', "_"), json!(count)))
            .collect();
        let history: Vec<_> = self
            .history
            .iter()
            .map(|entry| {
                json!({
                    "at": entry.at,
                    "order_key": entry.order_key,
                    "status": entry.status.name(),
                    "account": entry.account,
                })
            })
            .collect();
        let findings: Vec<_> = self
            .findings
            .iter()
            .map(|finding| json!({"subject": finding.subject, "problem": finding.problem}))
            .collect();
        json!({
            "database": path.display().to_string(),
            "orders": counts,
            "collected_paise": self.collected.0,
            "history": history,
            "inconsistencies": findings,
        })
    }
}

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{line}");
}

fn count_orders(view: &Transaction<'_>) -> rusqlite::Result<Vec<(Status, i64)>> {
    let mut query = view.prepare("SELECT count(*) FROM orders WHERE status = ?1")?;
    let statuses = Status::VARIANTS.iter();
    statuses
        .map(|&status| Ok((status, query.query_row([status], |row| row.get(0))?)))
        .collect()
}

fn collected(view: &Transaction<'_>) -> rusqlite::Result<Paise> {
    let query = "SELECT coalesce(sum(amount_paise), 0) FROM payments";
    view.query_row(query, [], |row| row.get(0))
}

fn history(view: &Transaction<'_>, order_id: &str) -> rusqlite::Result<Vec<Move>> {
    let mut query = view.prepare(
        "SELECT h.at, h.order_key, h.status, h.account
         FROM history h JOIN orders o ON o.key = h.order_key
         WHERE o.id = ?1 ORDER BY h.key",
    )?;
    let moves = query.query_map([order_id], |row| {
        Ok(Move {
            at: row.get(0)?,
            order_key: row.get(1)?,
            status: row.get(2)?,
            account: row.get(3)?,
        })
    })?;
    moves.collect()
}

/// Checks that order ids are unique and that every order's status has its traces.
fn check_orders(view: &Transaction<'_>, order_id: Option<&str>) -> rusqlite::Result<Vec<Finding>> {
    let (condition, values) = match order_id {
        Some(id) => ("o.id = ?1", vec![id]),
        None => ("true", vec![]),
    };
    let mut query = view.prepare(&format!("{TRACES} WHERE {condition} ORDER BY o.id, o.key"))?;
    let mut rows = query.query(rusqlite::params_from_iter(&values))?;
    let mut findings = Vec::new();
    let mut previous_id = None;
    while let Some(row) = rows.next()? {
        let traces = Traces::read(row)?;
        if previous_id.as_ref() == Some(&traces.id) {
            findings.push(Finding {
                subject: traces.id.clone(),
                problem: "this id was given to another order, too".to_owned(),
            });
        }
        findings.extend(traces.check());
        previous_id = Some(traces.id);
    }
    if let (Some(id), None) = (order_id, previous_id) {
        findings.push(Finding {
            subject: id.to_owned(),
            problem: "there is no such order in the database".to_owned(),
        });
    }
    Ok(findings)
}

const TRACES: &str = "
    SELECT o.id, o.status, o.total_paise,
        (SELECT coalesce(sum(l.quantity * l.price_paise), 0)
            FROM order_lines l WHERE l.order_key = o.key),
        (SELECT count(*) FROM order_lines l WHERE l.order_key = o.key),
        (SELECT count(*) FROM order_lines l
            JOIN allocations a ON a.order_key = l.order_key AND a.product_id = l.product_id
                AND a.quantity = l.quantity
            WHERE l.order_key = o.key),
        (SELECT count(*) FROM allocations a WHERE a.order_key = o.key),
        (SELECT count(*) FROM packings p WHERE p.order_key = o.key),
        (SELECT count(*) FROM deliveries d WHERE d.order_key = o.key),
        (SELECT count(d.accepted_by) FROM deliveries d WHERE d.order_key = o.key),
        (SELECT count(d.received_by) FROM deliveries d WHERE d.order_key = o.key),
        (SELECT count(*) FROM payments p WHERE p.order_key = o.key),
        (SELECT coalesce(sum(p.amount_paise), 0) FROM payments p WHERE p.order_key = o.key)
    FROM orders o";

impl Traces {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            status: row.get(1)?,
            total: row.get(2)?,
            lines_total: row.get(3)?,
            lines: row.get(4)?,
            matching_allocations: row.get(5)?,
            allocations: row.get(6)?,
            packings: row.get(7)?,
            deliveries: row.get(8)?,
            accepted: row.get(9)?,
            received: row.get(10)?,
            payments: row.get(11)?,
            paid: row.get(12)?,
        })
    }

    fn check(&self) -> Vec<Finding> {
        let mut problems = Vec::new();
        if self.lines == 0 {
            problems.push("it has no lines".to_owned());
        }
        if self.total != self.lines_total {
            let (total, lines) = (self.total, self.lines_total);
            problems.push(format!("its total is {total}, its lines come to {lines}"));
        }
        // The fact, the status it starts with, how often it is found, and how often it should be.
        let facts = [
            (
                "stock allocations",
                Status::Processed,
                self.allocations,
                self.lines,
            ),
            (
                "packing records",
                Status::Approved,
                self.packings,
                self.lines,
            ),
            ("deliveries", Status::Planned, self.deliveries, 1),
            (
                "accepted deliveries",
                Status::OutForDelivery,
                self.accepted,
                1,
            ),
            ("received deliveries", Status::Delivered, self.received, 1),
            ("payments", Status::Paid, self.payments, 1),
        ];
        for (what, since, found, due) in facts {
            let due = if self.status >= since { due } else { 0 };
            if found != due {
                let status = self.status;
                let what = counted(found, what);
                problems.push(format!("it is {status} and has {what} instead of {due}"));
            }
        }
        if self.matching_allocations != self.allocations {
            problems.push("allocations differ from what was ordered".to_owned());
        }
        if self.payments > 0 && self.paid != self.total {
            let (paid, total) = (self.paid, self.total);
            problems.push(format!("{paid} was collected for a total of {total}"));
        }
        let finding = |problem| Finding {
            subject: self.id.clone(),
            problem,
        };
        problems.into_iter().map(finding).collect()
    }
}

/// Formats a count; `what` is the plural.
fn counted(count: i64, what: &str) -> String {
    match what.strip_suffix("ies") {
        _ if count != 1 => format!("{count} {what}"),
        Some(stem) => format!("{count} {stem}y"),
        None => format!("{count} {}", what.trim_end_matches('s')),
    }
}

/// Checks that delivery ids are unique and that every record belongs to an order.
fn check_deliveries(view: &Transaction<'_>) -> rusqlite::Result<Vec<Finding>> {
    let mut findings = findings(
        view,
        "SELECT id, 'this id was given to ' || count(*) || ' deliveries'
         FROM deliveries GROUP BY id HAVING count(*) > 1",
    )?;
    for table in [
        "order_lines",
        "allocations",
        "packings",
        "deliveries",
        "payments",
    ] {
        let query = format!(
            "SELECT '{table}', 'a record of order number ' || order_key || ', which is not there'
             FROM {table} WHERE order_key NOT IN (SELECT key FROM orders)"
        );
        findings.extend(self::findings(view, &query)?);
    }
    Ok(findings)
}

/// Checks that stock on hand and allocations add up to the initial and received stock.
fn check_stock(view: &Transaction<'_>) -> rusqlite::Result<Vec<Finding>> {
    findings(
        view,
        "SELECT name, on_hand || ' on hand and ' || allocated || ' allocated, but there were '
             || (initial_stock + received)
         FROM (SELECT p.*, coalesce((SELECT sum(a.quantity) FROM allocations a
                   WHERE a.product_id = p.id), 0) AS allocated FROM products p)
         WHERE on_hand < 0 OR on_hand + allocated <> initial_stock + received",
    )
}

fn findings(view: &Transaction<'_>, query: &str) -> rusqlite::Result<Vec<Finding>> {
    let mut query = view.prepare(query)?;
    let findings = query.query_map(params![], |row| {
        Ok(Finding {
            subject: row.get(0)?,
            problem: row.get(1)?,
        })
    })?;
    findings.collect()
}
