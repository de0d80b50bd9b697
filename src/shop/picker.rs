//! Selection of one order among thousands: a search, and a list by pages.

use super::console::Console;
use super::database::Database;
use super::listing::{Delivery, Entry, Wanted, find};
use super::money::Paise;
use super::orders::{self, OrderError};
use super::session::{Done, Session, Stop};
use super::status::Status;

const PAGE: usize = 20;

/// Numbering of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Numbers {
    /// Each row begins with its number.
    Shown,
    /// Rows have no numbers; the user counts them.
    Counted,
}

/// A selected order, and the page that was on the screen.
pub struct Picked {
    pub order: Entry,
    pub page: Vec<Entry>,
}

impl Session {
    /// Asks for a search text, then lists the orders due in `status` and asks for one of them.
    /// `None` is a way back, or an empty list.
    pub fn pick_due(
        &mut self,
        title: &str,
        status: Status,
        numbers: Numbers,
    ) -> Result<Option<Picked>, Stop> {
        let search = self
            .console
            .ask("Search by order, delivery or customer ID (Enter for all): ")?;
        let wanted = Wanted {
            statuses: vec![status],
            search: search.clone(),
            ..Wanted::default()
        };
        if !search.is_empty() && find(&self.database, &wanted, 1)?.is_empty() {
            self.explain_absence(search, status)?;
        }
        let nothing = format!("No orders are awaiting {}.", status.awaited());
        self.pick(title, wanted, numbers, &nothing)
    }

    /// Explains an empty list for an id that exists but is not due.
    fn explain_absence(&self, search: String, due: Status) -> Done {
        if !search.contains('-') {
            return Ok(());
        }
        let entry = self.order_by_id(&search, Wanted::default())?;
        let (id, status) = (entry.id, entry.status);
        Err(OrderError::NotDue { id, due, status }.into())
    }

    /// Finds an order among the wanted ones.
    fn order_by_id(&self, id: &str, mut among: Wanted) -> Result<Entry, Stop> {
        id.clone_into(&mut among.search);
        let found = find(&self.database, &among, 1)?.pop();
        found
            .filter(|_| !id.is_empty())
            .ok_or_else(|| OrderError::Unknown(id.to_owned()).into())
    }

    /// Lists the wanted orders, newest first, and asks for one of them.
    pub fn pick(
        &mut self,
        title: &str,
        mut wanted: Wanted,
        numbers: Numbers,
        nothing: &str,
    ) -> Result<Option<Picked>, Stop> {
        loop {
            let mut page = find(&self.database, &wanted, PAGE + 1)?;
            if page.is_empty() {
                self.console.say(nothing)?;
                self.console.pause()?;
                return Ok(None);
            }
            let has_more = page.len() > PAGE;
            page.truncate(PAGE);
            self.console.heading(title)?;
            show_page(&mut self.console, &page, numbers, has_more)?;
            match self.ask_row(&page, numbers, has_more)? {
                Choice::Row(index) => {
                    let order = page[index].clone();
                    return Ok(Some(Picked { order, page }));
                }
                Choice::NextPage => wanted.below = page.last().map(|entry| entry.moved),
                Choice::Back => return Ok(None),
            }
            self.console.clear()?;
        }
    }

    fn ask_row(
        &mut self,
        page: &[Entry],
        numbers: Numbers,
        has_more: bool,
    ) -> Result<Choice, Stop> {
        let prompt = match numbers {
            Numbers::Shown => format!("Select order (0-{}): ", page.len()),
            Numbers::Counted => "Select order (position): ".to_owned(),
        };
        loop {
            let answer = self.console.ask(&prompt)?;
            if has_more && answer.eq_ignore_ascii_case("n") {
                return Ok(Choice::NextPage);
            }
            match answer.parse::<usize>() {
                Ok(0) => return Ok(Choice::Back),
                Ok(number) if number <= page.len() => return Ok(Choice::Row(number - 1)),
                _ => self.console.wrong_choice()?,
            }
        }
    }

    /// Prints all details of one of the wanted orders.
    pub fn show_order_by_id(&mut self, among: Wanted) -> Done {
        let id = self.console.ask("Enter order ID: ")?;
        let entry = self.order_by_id(&id, among)?;
        show_order(&mut self.console, &self.database, &entry)?;
        Ok(self.console.pause()?)
    }
}

enum Choice {
    /// The index in the page.
    Row(usize),
    NextPage,
    Back,
}

fn show_page(console: &mut Console, page: &[Entry], numbers: Numbers, has_more: bool) -> Done {
    for (number, entry) in (1..).zip(page) {
        if numbers == Numbers::Shown {
            console.say_part(format_args!("{number:>2}. "))?;
        }
        show_row(console, entry)?;
    }
    match numbers {
        Numbers::Shown => {
            if has_more {
                console.say(" N. Next page")?;
            }
            console.say(" 0. Back")?;
        }
        Numbers::Counted => {
            if has_more {
                console.say("(N for the next page)")?;
            }
            console.say("(count from the top; 0 to go back)")?;
        }
    }
    Ok(())
}

/// Prints one line, which begins with the id that users of this list know.
fn show_row(console: &mut Console, entry: &Entry) -> Done {
    if let Some(delivery) = &entry.delivery {
        console.say_part(format_args!("{} | ", delivery.id))?;
    }
    Ok(console.say(format_args!(
        "{} | {} {} | {} | {}",
        entry.id, entry.customer_id, entry.customer, entry.total, entry.status
    ))?)
}

/// Prints the order's head, lines, total and delivery.
pub fn show_order(console: &mut Console, database: &Database, entry: &Entry) -> Done {
    console.heading(format_args!("Order {}", entry.id))?;
    console.say(format_args!(
        "Customer:  {} {}",
        entry.customer_id, entry.customer
    ))?;
    console.say(format_args!("Address:   {}", entry.address))?;
    console.say(format_args!("Status:    {}", entry.status))?;
    show_lines(console, &orders::lines(database, entry.key)?)?;
    if let Some(Delivery { id, route, slot }) = &entry.delivery {
        console.say(format_args!("Delivery:  {id}, {route}, {slot}"))?;
    }
    Ok(())
}

pub fn show_lines(console: &mut Console, lines: &[orders::Line]) -> Done {
    for line in lines {
        console.say(format_args!(
            "  {} × {} at {} = {}",
            line.quantity,
            line.product,
            line.price,
            line.total()
        ))?;
    }
    let total: Paise = lines.iter().map(orders::Line::total).sum();
    Ok(console.say(format_args!("Total:     {total}"))?)
}
