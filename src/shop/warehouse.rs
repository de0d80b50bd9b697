//! The warehouse desk: has processed orders packed and approves them for delivery.

use super::faults::Kind;
use super::listing::Wanted;
use super::orders::{self, Packing};
use super::picker::{Numbers, show_order};
use super::session::{Done, Session};
use super::status::Status;

/// The maximum time to pack one item.
const SHIFT_MINUTES: i64 = 480;

#[derive(Debug, Clone, Copy)]
enum Operation {
    Packing,
    OrderDetails,
    Workload,
}

#[derive(Debug, Clone, Copy)]
enum PackingOperation {
    Approve,
    Workload,
}

pub fn run(session: &mut Session) -> Done {
    let rows = [
        ("Picking and Packing", Operation::Packing),
        ("Order Details", Operation::OrderDetails),
        ("Workload", Operation::Workload),
    ];
    session.main_menu(
        "Warehouse Menu",
        &rows,
        |session, operation| match operation {
            Operation::Packing => packing(session),
            Operation::OrderDetails => session.show_order_by_id(Wanted::default()),
            Operation::Workload => workload(session),
        },
    )
}

fn packing(session: &mut Session) -> Done {
    let rows = [
        ("Approve Order", PackingOperation::Approve),
        ("Workload", PackingOperation::Workload),
    ];
    while let Some(operation) = session.submenu("Picking and Packing", &rows, "Back")? {
        session.console.clear()?;
        session.attempt(|session| match operation {
            PackingOperation::Approve => approve(session),
            PackingOperation::Workload => workload(session),
        })?;
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
