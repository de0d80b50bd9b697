//! State changes of orders. Each is one transaction that first checks the order's status again, as
//! another user may have changed it since it was shown.

use chrono::{DateTime, Local};
use rusqlite::{OptionalExtension, Transaction, params};

use super::database::Database;
use super::faults::{Faults, Kind};
use super::money::Paise;
use super::status::Status;

/// The row of an order. Its id is for people, and a fault can assign the same id twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key(pub i64);

/// The reason why an order was not moved on, as shown to the user.
#[derive(Debug, thiserror::Error)]
pub enum OrderError {
    #[error("Order {id} is not awaiting {awaited} (status: {status})", awaited = .due.awaited())]
    NotDue {
        id: String,
        due: Status,
        status: Status,
    },
    #[error("There is no order {0}. Please check the ID.")]
    Unknown(String),
    #[error("Not enough stock of {product}: {wanted} wanted, {on_hand} on hand.")]
    OutOfStock {
        product: String,
        wanted: i64,
        on_hand: i64,
    },
    #[error(transparent)]
    Database(#[from] rusqlite::Error),
}

/// A product of an order and its quantity.
#[derive(Debug, Clone)]
pub struct Line {
    pub product_id: i64,
    pub product: String,
    pub quantity: i64,
    pub price: Paise,
}

impl Line {
    pub fn total(&self) -> Paise {
        self.price.times(self.quantity)
    }
}

pub fn lines(database: &Database, order: Key) -> rusqlite::Result<Vec<Line>> {
    let mut query = database.connection.prepare(
        "SELECT l.product_id, p.name, l.quantity, l.price_paise
         FROM order_lines l JOIN products p ON p.id = l.product_id
         WHERE l.order_key = ?1 ORDER BY l.product_id",
    )?;
    let lines = query.query_map([order.0], |row| {
        Ok(Line {
            product_id: row.get(0)?,
            product: row.get(1)?,
            quantity: row.get(2)?,
            price: row.get(3)?,
        })
    })?;
    lines.collect()
}

/// An order just placed.
pub struct Placed {
    pub id: String,
    pub total: Paise,
}

/// Places an order; stock is allocated later, by the inventory staff.
pub fn place(
    database: &mut Database,
    faults: &Faults,
    customer_id: &str,
    address: &str,
    lines: &[Line],
) -> rusqlite::Result<Placed> {
    database.write(|transaction| {
        let now = Local::now();
        let total: Paise = lines.iter().map(Line::total).sum();
        transaction.execute(
            "INSERT INTO orders (id, customer_id, address, status, moved, total_paise)
             VALUES ('', ?1, ?2, ?3, 0, ?4)",
            params![customer_id, address, Status::Placed, total],
        )?;
        let order = Key(transaction.last_insert_rowid());
        let id = order_id(now, order, faults.has(Kind::CollidingIds));
        transaction.execute(
            "UPDATE orders SET id = ?2 WHERE key = ?1",
            params![order.0, id],
        )?;
        let mut insert = transaction.prepare(
            "INSERT INTO order_lines (order_key, product_id, quantity, price_paise)
             VALUES (?1, ?2, ?3, ?4)",
        )?;
        for line in lines {
            insert.execute(params![order.0, line.product_id, line.quantity, line.price])?;
        }
        record_move(transaction, order, Status::Placed, customer_id)?;
        Ok(Placed { id, total })
    })
}

/// Formats `ORD-YYYYMMDD-HHMMSS-NNNNNN`, numbered by the order's row. The fault `colliding-ids`
/// takes the number from the clock.
fn order_id(now: DateTime<Local>, order: Key, colliding: bool) -> String {
    let number = if colliding {
        now.timestamp() % 1_000_000
    } else {
        order.0
    };
    format!("ORD-{}-{number:06}", now.format("%Y%m%d-%H%M%S"))
}

pub fn cancel(database: &mut Database, order: Key, customer_id: &str) -> Result<(), OrderError> {
    database.write(|transaction| advance(transaction, order, Status::Cancelled, customer_id))
}

/// An allocated line of an order, and the remaining stock.
pub struct Allocation {
    pub line: Line,
    pub left: i64,
}

/// Allocates stock to every line of the order, or to none.
pub fn process(
    database: &mut Database,
    faults: &Faults,
    order: Key,
    staff_id: &str,
) -> Result<Vec<Allocation>, OrderError> {
    let lines = lines(database, order)?;
    let lost = faults.has(Kind::LostAllocation);
    database.write(|transaction| {
        advance(transaction, order, Status::Processed, staff_id)?;
        let allocate = |line| allocate(transaction, order, line, lost);
        lines.into_iter().map(allocate).collect()
    })
}

fn allocate(
    transaction: &Transaction<'_>,
    order: Key,
    line: Line,
    lost: bool,
) -> Result<Allocation, OrderError> {
    let on_hand: i64 = transaction.query_row(
        "SELECT on_hand FROM products WHERE id = ?1",
        [line.product_id],
        |row| row.get(0),
    )?;
    if on_hand < line.quantity {
        return Err(OrderError::OutOfStock {
            product: line.product,
            wanted: line.quantity,
            on_hand,
        });
    }
    if !lost {
        transaction.execute(
            "UPDATE products SET on_hand = on_hand - ?2 WHERE id = ?1",
            params![line.product_id, line.quantity],
        )?;
        transaction.execute(
            "INSERT INTO allocations (order_key, product_id, quantity) VALUES (?1, ?2, ?3)",
            params![order.0, line.product_id, line.quantity],
        )?;
    }
    let left = on_hand - line.quantity;
    Ok(Allocation { line, left })
}

/// Time to pack a product.
pub struct Packing {
    pub product_id: i64,
    pub minutes: i64,
}

pub fn approve(
    database: &mut Database,
    order: Key,
    packings: &[Packing],
    manager_id: &str,
) -> Result<(), OrderError> {
    database.write(|transaction| {
        advance(transaction, order, Status::Approved, manager_id)?;
        let mut insert = transaction
            .prepare("INSERT INTO packings (order_key, product_id, minutes) VALUES (?1, ?2, ?3)")?;
        for packing in packings {
            insert.execute(params![order.0, packing.product_id, packing.minutes])?;
        }
        Ok(())
    })
}

/// Plans the order's delivery; returns the delivery's id, `DEL-YYYYMMDD-NNNNNN`.
pub fn plan_delivery(
    database: &mut Database,
    order: Key,
    route: &str,
    slot: &str,
    manager_id: &str,
) -> Result<String, OrderError> {
    database.write(|transaction| {
        advance(transaction, order, Status::Planned, manager_id)?;
        transaction.execute(
            "INSERT INTO deliveries (id, order_key, route, slot) VALUES ('', ?1, ?2, ?3)",
            params![order.0, route, slot],
        )?;
        let key = transaction.last_insert_rowid();
        let id = format!("DEL-{}-{key:06}", Local::now().format("%Y%m%d"));
        transaction.execute(
            "UPDATE deliveries SET id = ?2 WHERE key = ?1",
            params![key, id],
        )?;
        Ok(id)
    })
}

pub fn accept_delivery(
    database: &mut Database,
    order: Key,
    person_id: &str,
) -> Result<(), OrderError> {
    database.write(|transaction| {
        advance(transaction, order, Status::OutForDelivery, person_id)?;
        transaction.execute(
            "UPDATE deliveries SET accepted_by = ?2 WHERE order_key = ?1",
            params![order.0, person_id],
        )?;
        Ok(())
    })
}

pub fn deliver(
    database: &mut Database,
    order: Key,
    recipient: &str,
    person_id: &str,
) -> Result<(), OrderError> {
    database.write(|transaction| {
        advance(transaction, order, Status::Delivered, person_id)?;
        transaction.execute(
            "UPDATE deliveries SET received_by = ?2 WHERE order_key = ?1",
            params![order.0, recipient],
        )?;
        Ok(())
    })
}

/// Records the payment of the order's total; returns the number of the receipt.
pub fn collect_payment(
    database: &mut Database,
    order: Key,
    amount: Paise,
    method: &str,
    person_id: &str,
) -> Result<String, OrderError> {
    database.write(|transaction| {
        advance(transaction, order, Status::Paid, person_id)?;
        transaction.execute(
            "INSERT INTO payments (order_key, amount_paise, method, collected_by)
             VALUES (?1, ?2, ?3, ?4)",
            params![order.0, amount, method, person_id],
        )?;
        Ok(format!("RCP-{:06}", transaction.last_insert_rowid()))
    })
}

/// Writes back a stale list: sets each order to the status it had on the screen, ignoring later
/// changes. This is the fault of programs that save the whole list they once loaded.
pub fn write_back(
    database: &mut Database,
    listed: impl IntoIterator<Item = (Key, Status)>,
) -> rusqlite::Result<()> {
    database.write(|transaction| {
        for (order, status) in listed {
            transaction.execute(
                "UPDATE orders SET status = ?2 WHERE key = ?1",
                params![order.0, status],
            )?;
        }
        Ok(())
    })
}

/// Moves the order on, if it still has the status before that.
fn advance(
    transaction: &Transaction<'_>,
    order: Key,
    to: Status,
    account: &str,
) -> Result<(), OrderError> {
    let found: Option<(String, Status)> = transaction
        .query_row(
            "SELECT id, status FROM orders WHERE key = ?1",
            [order.0],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?;
    // The shop was reset meanwhile.
    let (id, status) = found.ok_or_else(|| OrderError::Unknown(format!("number {}", order.0)))?;
    let due = to.before();
    if status != due {
        return Err(OrderError::NotDue { id, due, status });
    }
    Ok(record_move(transaction, order, to, account)?)
}

fn record_move(
    transaction: &Transaction<'_>,
    order: Key,
    status: Status,
    account: &str,
) -> rusqlite::Result<()> {
    let at = Local::now().format("%Y-%m-%d %H:%M:%S%.3f").to_string();
    transaction.execute(
        "INSERT INTO history (order_key, status, account, at) VALUES (?1, ?2, ?3, ?4)",
        params![order.0, status, account, at],
    )?;
    transaction.execute(
        "UPDATE orders SET status = ?2, moved = last_insert_rowid() WHERE key = ?1",
        params![order.0, status],
    )?;
    Ok(())
}
