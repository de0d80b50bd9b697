//! The customer portal: browse products, fill a cart, place an order, track it.

use super::listing::Wanted;
use super::money::Paise;
use super::orders::{self, Line};
use super::picker::{Numbers, show_lines, show_order};
use super::session::{Done, Operation, Session, Stop};
use super::status::Status;

const MAX_QUANTITY: i64 = 100;

#[derive(Debug, Clone, Copy)]
enum CartOperation {
    AddMore,
    Checkout,
}

pub fn run(session: &mut Session) -> Done {
    let rows: [(&str, Operation); 6] = [
        ("Browse Products", browse),
        ("Place New Order", place_order),
        ("My Orders", my_orders),
        ("Order Details", order_details),
        ("Cancel Order", cancel),
        ("My Profile", profile),
    ];
    session.main_menu("Customer Menu", &rows)
}

fn browse(session: &mut Session) -> Done {
    while let Some(Product { name, price, .. }) = choose_product(session, "Products")? {
        session.console.clear()?;
        session.console.say(format_args!("{name} costs {price}."))?;
    }
    Ok(())
}

fn place_order(session: &mut Session) -> Done {
    let mut cart: Vec<Line> = Vec::new();
    loop {
        if let Some(product) = choose_product(session, "New Order")? {
            add(session, &mut cart, product)?;
        }
        if cart.is_empty() {
            return Ok(());
        }
        session.console.clear()?;
        session.console.heading("Your Cart")?;
        show_lines(&mut session.console, &cart)?;
        let rows = [
            ("Add Another Product", CartOperation::AddMore),
            ("Checkout", CartOperation::Checkout),
        ];
        match session.submenu("What next?", &rows, "Discard Cart")? {
            Some(CartOperation::AddMore) => session.console.clear()?,
            Some(CartOperation::Checkout) => return check_out(session, &cart),
            None => return Ok(()),
        }
    }
}

fn add(session: &mut Session, cart: &mut Vec<Line>, product: Product) -> Done {
    let Product { id, name, price } = product;
    let quantity = session
        .console
        .ask_number(format_args!("Quantity of {name}: "), 1..=MAX_QUANTITY)?;
    match cart.iter_mut().find(|line| line.product_id == id) {
        Some(line) => line.quantity += quantity,
        None => cart.push(Line {
            product_id: id,
            product: name,
            quantity,
            price,
        }),
    }
    Ok(())
}

fn check_out(session: &mut Session, cart: &[Line]) -> Done {
    let Session {
        console,
        database,
        faults,
        account,
    } = session;
    let mut address = console.ask(format_args!(
        "Delivery address (Enter for {}): ",
        account.address
    ))?;
    if address.is_empty() {
        address.clone_from(&account.address);
    }
    if !console.confirm("Confirm order (y/n): ")? {
        console.say("Order not placed.")?;
        return Ok(console.pause()?);
    }
    let placed = orders::place(database, faults, &account.id, &address, cart)?;
    console.say("Order placed successfully!")?;
    console.say(format_args!("Order ID: {}", placed.id))?;
    console.say(format_args!("Total amount: {}", placed.total))?;
    Ok(console.pause()?)
}

#[derive(Debug, Clone)]
struct Product {
    id: i64,
    name: String,
    price: Paise,
}

/// Asks for a category, then for a product. `None` is a way back.
fn choose_product(session: &mut Session, title: &str) -> Result<Option<Product>, Stop> {
    let categories = categories(session)?;
    let rows: Vec<_> = categories
        .iter()
        .map(|name| (name.as_str(), name.as_str()))
        .collect();
    let Some(category) = session.submenu(title, &rows, "Back")? else {
        return Ok(None);
    };
    let rows = products(session, category)?;
    let rows: Vec<_> = rows
        .iter()
        .map(|(label, product)| (label.as_str(), product))
        .collect();
    session.console.clear()?;
    session.console.heading(category)?;
    let product = session.console.choose("product", &rows, "Back")?;
    Ok(product.cloned())
}

fn categories(session: &Session) -> rusqlite::Result<Vec<String>> {
    let query = "SELECT category FROM products GROUP BY category ORDER BY min(id)";
    let mut query = session.database.connection.prepare(query)?;
    let names = query.query_map([], |row| row.get(0))?;
    names.collect()
}

/// The products of a category, each with the text of its row.
fn products(session: &Session, category: &str) -> rusqlite::Result<Vec<(String, Product)>> {
    let query = "SELECT id, name, price_paise, on_hand FROM products
                 WHERE category = ?1 ORDER BY id";
    let mut query = session.database.connection.prepare(query)?;
    let products = query.query_map([category], |row| {
        let product = Product {
            id: row.get(0)?,
            name: row.get(1)?,
            price: row.get(2)?,
        };
        let on_hand: i64 = row.get(3)?;
        let stock = if on_hand > 0 { "in stock" } else { "sold out" };
        let label = format!("{} – {} ({stock})", product.name, product.price);
        Ok((label, product))
    })?;
    products.collect()
}

fn mine(session: &Session, statuses: Vec<Status>) -> Wanted {
    Wanted {
        customer_id: Some(session.account.id.clone()),
        statuses,
        ..Wanted::default()
    }
}

fn my_orders(session: &mut Session) -> Done {
    let wanted = mine(session, Vec::new());
    let nothing = "You have not ordered anything yet.";
    if let Some(picked) = session.pick("My Orders", wanted, Numbers::Shown, nothing)? {
        show_order(&mut session.console, &session.database, &picked.order)?;
        session.console.pause()?;
    }
    Ok(())
}

fn order_details(session: &mut Session) -> Done {
    let mine = mine(session, Vec::new());
    session.show_order_by_id(mine)
}

fn cancel(session: &mut Session) -> Done {
    let wanted = mine(session, vec![Status::Placed]);
    let nothing = "You have no order that can be cancelled.";
    let Some(picked) = session.pick("Cancel Order", wanted, Numbers::Shown, nothing)? else {
        return Ok(());
    };
    let id = &picked.order.id;
    if session
        .console
        .confirm(format_args!("Cancel order {id} (y/n): "))?
    {
        orders::cancel(&mut session.database, picked.order.key, &session.account.id)?;
        session.console.say(format_args!("Order {id} cancelled."))?;
    }
    Ok(session.console.pause()?)
}

fn profile(session: &mut Session) -> Done {
    let Session {
        console, account, ..
    } = session;
    console.heading("My Profile")?;
    console.say(format_args!("Customer ID: {}", account.id))?;
    console.say(format_args!("Name:        {}", account.name))?;
    console.say(format_args!("Address:     {}", account.address))?;
    Ok(console.pause()?)
}
