//! The inventory desk: allocates stock to the orders that customers placed.

use super::listing::Wanted;
use super::orders::{self, Allocation};
use super::picker::{Numbers, show_order};
use super::session::{Done, Operation, Session};
use super::status::Status;

const LOW: i64 = 50;
const MAX_RECEIPT: i64 = 1_000_000;

pub fn run(session: &mut Session) -> Done {
    let rows: [(&str, Operation); 5] = [
        ("Process Pending Orders", process),
        ("Order Details", |session| {
            session.show_order_by_id(Wanted::default())
        }),
        ("Stock Levels", |session| {
            report_stock(session, "Stock Levels", i64::MAX)
        }),
        ("Low Stock Report", |session| {
            report_stock(session, "Low Stock Report", LOW)
        }),
        ("Receive Stock", receive),
    ];
    session.main_menu("Inventory Menu", &rows)
}

fn process(session: &mut Session) -> Done {
    let picked = session.pick_due("Pending Orders", Status::Placed, Numbers::Shown)?;
    let Some(picked) = picked else {
        return Ok(());
    };
    let order = picked.order;
    let Session {
        console,
        database,
        faults,
        account,
    } = session;
    console.clear()?;
    show_order(console, database, &order)?;
    if !console.confirm("Allocate stock to this order (y/n): ")? {
        console.say("Nothing allocated.")?;
        return Ok(console.pause()?);
    }
    for Allocation { line, left } in orders::process(database, faults, order.key, &account.id)? {
        let (quantity, product) = (line.quantity, line.product);
        console.say(format_args!(
            "Allocated {quantity} × {product}, {left} left"
        ))?;
    }
    console.say(format_args!("Order {} processed", order.id))?;
    Ok(console.pause()?)
}

fn report_stock(session: &mut Session, title: &str, below: i64) -> Done {
    session.console.heading(title)?;
    let stock: Vec<(String, i64)> = {
        let query = "SELECT name, on_hand FROM products WHERE on_hand < ?1 ORDER BY id";
        let mut query = session.database.connection.prepare(query)?;
        let rows = query.query_map([below], |row| Ok((row.get(0)?, row.get(1)?)))?;
        rows.collect::<Result<_, _>>()?
    };
    if stock.is_empty() {
        session.console.say("No product is low.")?;
    }
    for (name, on_hand) in stock {
        session.console.say(format_args!("{on_hand:>9}  {name}"))?;
    }
    Ok(session.console.pause()?)
}

fn receive(session: &mut Session) -> Done {
    let products: Vec<(String, i64)> = {
        let mut query = session
            .database
            .connection
            .prepare("SELECT name, id FROM products ORDER BY id")?;
        let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        rows.collect::<Result<_, _>>()?
    };
    session.console.heading("Receive Stock")?;
    let Some(product) = session.console.choose("product", &products, "Back")? else {
        return Ok(());
    };
    let quantity = session
        .console
        .ask_number("Quantity received: ", 1..=MAX_RECEIPT)?;
    session.database.write(|transaction| {
        transaction.execute(
            "UPDATE products SET received = received + ?2, on_hand = on_hand + ?2 WHERE id = ?1",
            [product, quantity],
        )
    })?;
    session.console.say("Stock received.")?;
    Ok(session.console.pause()?)
}
