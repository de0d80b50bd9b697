//! The life of an order, from placing to payment.

use super::driver::{Attached, Shop};
use super::people::*;

fn lives_and_is_paid(attached: Attached) {
    let shop = Shop::new().attached(attached);
    let (order, delivery_id, collected) = whole_life(&shop);
    let pattern = r"^ORD-\d{8}-\d{6}-000001$";
    assert!(regex::Regex::new(pattern).unwrap().is_match(&order.id));
    let pattern = r"^DEL-\d{8}-000001$";
    assert!(regex::Regex::new(pattern).unwrap().is_match(&delivery_id));
    assert_eq!(order.total, "₹2299.00");
    assert_eq!(collected, order.total);
    shop.assert_clean();
    let (text, _) = shop.audit(&[&order.id]);
    let statuses: Vec<_> = text
        .lines()
        .filter_map(|line| Some(line.split_once("  ")?.1.split_once(" by ")?.0.trim_end()))
        .collect();
    let expected = [
        "placed",
        "processed",
        "approved",
        "planned",
        "out for delivery",
        "delivered",
        "paid",
    ];
    assert_eq!(statuses, expected, "{text}");
}

#[test]
fn an_order_lives_and_is_paid_through_pipes() {
    lives_and_is_paid(Attached::Pipes);
}

#[test]
fn an_order_lives_and_is_paid_on_terminals() {
    lives_and_is_paid(Attached::Terminal);
}

#[test]
fn a_terminal_shows_no_password_and_is_cleared() {
    let shop = Shop::new().attached(Attached::Terminal);
    let program = log_in(&shop, CUSTOMER);
    assert!(!program.all().contains("customer123"));
    assert!(program.all().contains("CUST001"));
    assert!(program.screen().contains("\x1b[2J\x1b[H"));
    log_out(program);
}

#[test]
fn pipes_get_no_control_sequences() {
    let shop = Shop::new();
    let program = log_in(&shop, CUSTOMER);
    assert!(!program.all().contains('\x1b'));
    log_out(program);
}

#[test]
fn the_delivery_id_is_printed_just_before_the_screen_is_cleared() {
    let shop = Shop::new().attached(Attached::Terminal);
    let order = processed_order(&shop);
    let mut manager = log_in(&shop, MANAGER);
    approve(&mut manager, &order.id);
    let mut planner = log_in(&shop, PLANNER);
    let id = plan(&mut planner, &order.id);
    let expected = format!("Delivery ID: {id}\r\n\x1b[2J\x1b[H--- Logistics Menu ---");
    planner.expect(&expected);
}

#[test]
fn an_order_can_be_cancelled_while_nothing_is_done_for_it() {
    let shop = Shop::new();
    let mut customer = log_in(&shop, CUSTOMER);
    let order = place_order(&mut customer);
    customer.choose(MENU, "Cancel Order");
    customer.choose("Select order (", &order.id);
    customer.answer(" (y/n): ", "y");
    customer.expect(&format!("Order {} cancelled.", order.id));
    go_on(&mut customer);
    log_out(customer);
    let (text, _) = shop.audit(&[]);
    assert!(text.contains("1 cancelled"), "{text}");
    shop.assert_clean();
}

#[test]
fn an_order_is_found_on_a_later_page() {
    let shop = Shop::new();
    let mut customer = log_in(&shop, CUSTOMER);
    let oldest = place_order(&mut customer);
    for _ in 0..20 {
        place_order(&mut customer);
    }
    let mut staff = log_in(&shop, STAFF);
    staff.choose(MENU, "Process Pending Orders");
    staff.answer("Search by ", "");
    staff.expect("Select order (0-20): ");
    assert!(!staff.screen().contains(&oldest.id));
    staff.choose("Select order (", "Next page");
    staff.choose("Select order (0-1): ", &oldest.id);
    staff.answer("Allocate stock to this order (y/n): ", "y");
    staff.expect(&format!("Order {} processed", oldest.id));
}

#[test]
fn a_row_without_a_number_is_picked_by_its_position() {
    let shop = Shop::new();
    let mut customer = log_in(&shop, CUSTOMER);
    let orders = [(); 3].map(|()| place_order(&mut customer));
    let mut staff = log_in(&shop, STAFF);
    for order in &orders {
        process(&mut staff, &order.id);
    }
    let mut manager = log_in(&shop, MANAGER);
    manager.choose(MENU, "Picking and Packing");
    manager.choose(MENU, "Approve Order");
    manager.answer("Search by ", "CUST001");
    manager.expect("Select order (position): ");
    let rows = manager.screen().lines();
    let rows: Vec<_> = rows.filter(|line| line.starts_with("ORD-")).collect();
    assert_eq!(rows.len(), 3);
    assert!(rows[1].starts_with(&orders[1].id), "newest first: {rows:?}");
    manager.say("2");
    answer_packing_questions(&mut manager);
    manager.expect(&format!("Order {} packed and approved", orders[1].id));
}

#[test]
fn products_can_be_looked_at() {
    let shop = Shop::new();
    let mut customer = log_in(&shop, CUSTOMER);
    customer.choose(MENU, "Browse Products");
    customer.choose(MENU, "Books");
    customer.choose("Select product (", "गोदान");
    customer.expect("गोदान – प्रेमचंद costs ₹250.00.");
    customer.choose(MENU, "Back");
    log_out(customer);
}

#[test]
fn an_unfinished_delivery_is_continued_later() {
    let shop = Shop::new();
    let order = processed_order(&shop);
    let mut manager = log_in(&shop, MANAGER);
    approve(&mut manager, &order.id);
    let mut planner = log_in(&shop, PLANNER);
    let delivery_id = plan(&mut planner, &order.id);
    let mut driver = log_in(&shop, DRIVER);
    accept(&mut driver, &delivery_id);
    driver.choose(MENU, "Back");
    log_out(driver);
    let mut driver = log_in(&shop, DRIVER);
    driver.choose(MENU, "My Deliveries");
    driver.choose("Select order (", &delivery_id);
    assert_eq!(deliver(&mut driver, &order.id), order.total);
    shop.assert_clean();
}
