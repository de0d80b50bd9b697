//! The warehouse desk: has processed orders packed and approves them for delivery.

use super::faults::Kind;
use super::listing::Wanted;
use super::orders::{self, Packing};
use super::picker::{Numbers, show_order};
use super::session::{Done, Operation, Session};
use super::status::Status;

/// The maximum time to pack one item.
const SHIFT_MINUTES: i64 = 480;

pub fn run(session: &mut Session) -> Done {
    let rows: [(&str, Operation); 3] = [
        ("Picking and Packing", packing),
        ("Order Details", |session| {
            session.show_order_by_id(Wanted::default())
        }),
        ("Workload", workload),
    ];
    session.main_menu("Warehouse Menu", &rows)
}

fn packing(session: &mut Session) -> Done {
    let rows: [(&str, Operation); 2] = [("Approve Order", approve), ("Workload", workload)];
    while let Some(operation) = session.submenu("Picking and Packing", &rows, "Back")? {
        session.console.clear()?;
        session.attempt(operation)?;
        session.console.clear()?;
    }
    Ok(())
}

fn approve(session: &mut Session) -> Done {
    let title = "Orders Awaiting Approval";
    let Some(picked) = session.pick_due(title, Status::Processed, Numbers::Counted)? else {
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
    let mut packings = Vec::new();
    for line in orders::lines(database, order.key)? {
        let item = &line.product;
        let minutes = console.ask_number(
            format_args!("Enter packing time for {item} (minutes): "),
            1..=SHIFT_MINUTES,
        )?;
        if !console.confirm(format_args!("Quality check passed for {item} (yes/no): "))? {
            console.say(format_args!(
                "{item} has to be replaced; order {} not approved.",
                order.id
            ))?;
            return Ok(console.pause()?);
        }
        packings.push(Packing {
            product_id: line.product_id,
            minutes,
        });
    }
    orders::approve(database, order.key, &packings, &account.id)?;
    if faults.has(Kind::StaleListing) {
        let listed = picked.page.iter().map(|entry| (entry.key, entry.status));
        orders::write_back(database, listed)?;
    }
    console.say(format_args!("Order {} packed and approved", order.id))?;
    Ok(console.pause()?)
}

fn workload(session: &mut Session) -> Done {
    session.console.heading("Workload")?;
    let query = "SELECT count(*) FROM orders WHERE status = ?1";
    for status in [Status::Processed, Status::Approved] {
        let connection = &session.database.connection;
        let count: i64 = connection.query_row(query, [status], |row| row.get(0))?;
        let awaited = status.awaited();
        session
            .console
            .say(format_args!("{count:>6} awaiting {awaited}"))?;
    }
    Ok(session.console.pause()?)
}
