//! The logistics desk: assigns approved orders a route and a time slot.

use super::listing::Wanted;
use super::orders;
use super::picker::{Numbers, show_order};
use super::session::{Done, Operation, Session};
use super::status::Status;

const ROUTES: [&str; 6] = [
    "North – Civil Lines, मॉडल टाउन",
    "East – Lake Road, Salt Pans",
    "South – Temple Street, Cañada Park",
    "West – Harbour, Fort",
    "Centre – Old Market",
    "Outskirts – Ring Road",
];

const SLOTS: [&str; 4] = [
    "Morning (08:00-11:00)",
    "Midday (11:00-14:00)",
    "Afternoon (14:00-17:00)",
    "Evening (17:00-20:00)",
];

pub fn run(session: &mut Session) -> Done {
    let rows: [(&str, Operation); 3] = [
        ("Plan Delivery", plan),
        ("Order Details", |session| {
            session.show_order_by_id(Wanted::default())
        }),
        ("Route Overview", show_routes),
    ];
    session.main_menu("Logistics Menu", &rows)
}

fn plan(session: &mut Session) -> Done {
    let picked = session.pick_due("Orders to Deliver", Status::Approved, Numbers::Shown)?;
    let Some(picked) = picked else {
        return Ok(());
    };
    let order = picked.order;
    let Session {
        console,
        database,
        account,
        ..
    } = session;
    console.clear()?;
    show_order(console, database, &order)?;
    console.heading("Routes")?;
    let Some(route) = console.choose("route", &ROUTES.map(|route| (route, route)), "Back")? else {
        return Ok(());
    };
    console.heading("Time Slots")?;
    let Some(slot) = console.choose("slot", &SLOTS.map(|slot| (slot, slot)), "Back")? else {
        return Ok(());
    };
    if !console.confirm(format_args!("Confirm delivery of {} (y/n): ", order.id))? {
        return Ok(());
    }
    let id = orders::plan_delivery(database, order.key, route, slot, &account.id)?;
    // The menu follows at once and clears the screen, so the id is visible only for a moment.
    console.say("Delivery planned successfully")?;
    Ok(console.say(format_args!("Delivery ID: {id}"))?)
}

fn show_routes(session: &mut Session) -> Done {
    session.console.heading("Routes")?;
    let query = "SELECT count(*) FROM deliveries WHERE route = ?1";
    for route in ROUTES {
        let connection = &session.database.connection;
        let count: i64 = connection.query_row(query, [route], |row| row.get(0))?;
        session.console.say(format_args!("{count:>6} {route}"))?;
    }
    Ok(session.console.pause()?)
}
