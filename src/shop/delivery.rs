//! The delivery desk: accepts planned deliveries, hands them over and collects the payment.

use super::faults::Kind;
use super::listing::{Entry, Wanted};
use super::money::Paise;
use super::orders::{self, Key};
use super::picker::{Numbers, show_order};
use super::session::{Done, Operation, Session};
use super::status::Status;

const METHODS: [(&str, &str); 3] = [("Cash", "cash"), ("UPI", "upi"), ("Card", "card")];

pub fn run(session: &mut Session) -> Done {
    let rows: [(&str, Operation); 3] = [
        ("Accept Delivery", accept),
        ("My Deliveries", continue_delivery),
        ("Order Details", |session| {
            session.show_order_by_id(Wanted::default())
        }),
    ];
    session.main_menu("Delivery Menu", &rows)
}

fn accept(session: &mut Session) -> Done {
    let title = "Available Deliveries";
    let Some(picked) = session.pick_due(title, Status::Planned, Numbers::Shown)? else {
        return Ok(());
    };
    let mut order = picked.order;
    let Session {
        console,
        database,
        account,
        ..
    } = session;
    if !console.confirm("Accept this delivery (y/n): ")? {
        return Ok(());
    }
    orders::accept_delivery(database, order.key, &account.id)?;
    order.status = Status::OutForDelivery;
    console.clear()?;
    console.say(format_args!("Delivery {} accepted", delivery_id(&order)))?;
    // The status of the other deliveries as shown, which a faulty program writes back.
    let others = picked.page.iter().filter(|entry| entry.key != order.key);
    let others = others.map(|entry| (entry.key, entry.status)).collect();
    carry_out(session, &order, others)
}

fn continue_delivery(session: &mut Session) -> Done {
    let wanted = Wanted {
        accepted_by: Some(session.account.id.clone()),
        statuses: vec![Status::OutForDelivery, Status::Delivered],
        ..Wanted::default()
    };
    let nothing = "You have accepted no delivery.";
    match session.pick("My Deliveries", wanted, Numbers::Shown, nothing)? {
        Some(picked) => {
            session.console.clear()?;
            carry_out(session, &picked.order, Vec::new())
        }
        None => Ok(()),
    }
}

/// An operation on one delivery.
type DeliveryOperation<'a> = &'a dyn Fn(&mut Session) -> Done;

/// Runs the menu of one delivery until it is paid or deferred.
fn carry_out(session: &mut Session, order: &Entry, others: Vec<(Key, Status)>) -> Done {
    let hand_over = |session: &mut Session| hand_over(session, order);
    let collect = |session: &mut Session| collect(session, order, &others);
    let rows: [(&str, DeliveryOperation<'_>); 2] = [
        ("Mark as Delivered", &hand_over),
        ("Collect Payment", &collect),
    ];
    show_order(&mut session.console, &session.database, order)?;
    let title = format!("Delivery {}", delivery_id(order));
    while let Some(operation) = session.submenu(&title, &rows, "Back")? {
        session.attempt(operation)?;
        session.console.clear()?;
    }
    Ok(())
}

fn hand_over(session: &mut Session, order: &Entry) -> Done {
    let Session {
        console,
        database,
        account,
        ..
    } = session;
    let mut recipient = console.ask("Received by (Enter for the customer): ")?;
    if recipient.is_empty() {
        recipient.clone_from(&order.customer);
    }
    orders::deliver(database, order.key, &recipient, &account.id)?;
    console.say(format_args!("Order {} delivered to {recipient}", order.id))?;
    Ok(console.pause()?)
}

fn collect(session: &mut Session, order: &Entry, others: &[(Key, Status)]) -> Done {
    let Session {
        console,
        database,
        faults,
        account,
    } = session;
    console.say(format_args!("Amount due: {}", order.total))?;
    let Some(method) = console.choose("method", &METHODS, "Not now")? else {
        return Ok(());
    };
    let received = loop {
        match console.ask("Amount received: ")?.parse::<Paise>() {
            Ok(amount) if amount >= order.total => break amount,
            Ok(_) => console.say(format_args!("That is less than {}.", order.total))?,
            Err(mistake) => console.say(mistake)?,
        }
    };
    let receipt = orders::collect_payment(database, order.key, order.total, method, &account.id)?;
    if faults.has(Kind::StaleListing) {
        let shown = (order.key, Status::Delivered);
        orders::write_back(database, others.iter().copied().chain([shown]))?;
    }
    if received > order.total {
        console.say(format_args!("Change: {}", received.minus(order.total)))?;
    }
    console.say(format_args!("Payment collected: {}", order.total))?;
    console.say(format_args!("Receipt: {receipt}"))?;
    Ok(console.pause()?)
}

/// Returns the delivery's id, which every planned order has.
fn delivery_id(order: &Entry) -> &str {
    order.delivery.as_ref().map_or("-", |delivery| &delivery.id)
}
