//! The five users of the shop, each with their part of the life of an order.

use super::driver::{Program, Shop};

pub struct Order {
    pub id: String,
    pub total: String,
}

/// A program, its prompt for the id, and the account.
pub const CUSTOMER: Person<'static> =
    ("customer-portal", "Customer ID: ", "CUST001", "customer123");
pub const STAFF: Person<'static> = ("inventory-staff", "Staff ID: ", "STAFF001", "staff123");
pub const MANAGER: Person<'static> = ("warehouse-manager", "Manager ID: ", "MGR001", "manager123");
pub const PLANNER: Person<'static> = (
    "logistics-manager",
    "Logistics ID: ",
    "LOG001",
    "logistics123",
);
pub const DRIVER: Person<'static> = (
    "delivery-personnel",
    "Personnel ID: ",
    "DEL001",
    "delivery123",
);

pub const EVERYONE: [Person<'static>; 5] = [CUSTOMER, STAFF, MANAGER, PLANNER, DRIVER];

type Person<'a> = (&'a str, &'a str, &'a str, &'a str);

pub const MENU: &str = "Select operation (";

pub fn log_in(shop: &Shop, (role, prompt, id, password): Person<'_>) -> Program {
    let mut program = shop.start(role);
    program.answer(prompt, id).say_password(password);
    program.expect("Welcome, ").expect(MENU);
    program
}

pub fn log_out(mut program: Program) {
    program.choose(MENU, "Logout").expect("Goodbye!");
    program.assert_exits(0);
}

/// Orders two of one product and one of another.
pub fn place_order(customer: &mut Program) -> Order {
    customer.choose(MENU, "Place New Order");
    customer.choose(MENU, "Tea and Coffee");
    customer.choose("Select product (", "दार्जिलिंग चाय");
    customer.answer("Quantity of ", "2");
    customer.choose(MENU, "Add Another Product");
    customer.choose(MENU, "Kitchen");
    customer.choose("Select product (", "Crêpe Pan");
    customer.answer("Quantity of ", "1");
    customer.choose(MENU, "Checkout");
    customer.answer("Delivery address (Enter for ", "");
    customer.answer("Confirm order (y/n): ", "y");
    let id = customer.read_after("Order ID: ");
    let total = customer.read_after("Total amount: ");
    go_on(customer);
    Order { id, total }
}

pub fn process(staff: &mut Program, order_id: &str) {
    begin_to_process(staff, order_id);
    staff.expect(&format!("Order {order_id} processed"));
    go_on(staff);
}

/// Up to the answer that the program may refuse.
pub fn begin_to_process(staff: &mut Program, order_id: &str) {
    staff.choose(MENU, "Process Pending Orders");
    staff.answer("Search by ", order_id);
    staff.choose("Select order (", order_id);
    staff.answer("Allocate stock to this order (y/n): ", "y");
}

pub fn approve(manager: &mut Program, order_id: &str) {
    manager.choose(MENU, "Picking and Packing");
    manager.choose(MENU, "Approve Order");
    manager.answer("Search by ", order_id);
    manager.answer("Select order (position): ", "1");
    answer_packing_questions(manager);
    manager.expect(&format!("Order {order_id} packed and approved"));
    go_on(manager);
    manager.choose(MENU, "Back");
}

pub fn answer_packing_questions(manager: &mut Program) {
    for item in ["दार्जिलिंग चाय 250 g", "Crêpe Pan 24 cm"] {
        let question = format!("Enter packing time for {item} (minutes): ");
        manager.answer(&question, "5");
        let question = format!("Quality check passed for {item} (yes/no): ");
        manager.answer(&question, "yes");
    }
}

/// Returns the delivery's id.
pub fn plan(planner: &mut Program, order_id: &str) -> String {
    planner.choose(MENU, "Plan Delivery");
    planner.answer("Search by ", order_id);
    planner.choose("Select order (", order_id);
    planner.choose("Select route (", "Cañada Park");
    planner.choose("Select slot (", "Evening");
    planner.answer(&format!("Confirm delivery of {order_id} (y/n): "), "y");
    let id = planner.read_after("Delivery ID: ");
    planner.expect(MENU);
    id
}

pub fn accept(driver: &mut Program, delivery_id: &str) {
    driver.choose(MENU, "Accept Delivery");
    driver.answer("Search by ", delivery_id);
    driver.choose("Select order (", delivery_id);
    driver.answer("Accept this delivery (y/n): ", "y");
    driver.expect(&format!("Delivery {delivery_id} accepted"));
}

/// Hands the accepted delivery over and returns the amount collected.
pub fn deliver(driver: &mut Program, order_id: &str) -> String {
    driver.choose(MENU, "Mark as Delivered");
    driver.answer("Received by ", "");
    driver.expect(&format!("Order {order_id} delivered to "));
    go_on(driver);
    driver.choose(MENU, "Collect Payment");
    let due = driver.read_after("Amount due: ");
    driver.choose("Select method (", "UPI");
    driver.answer("Amount received: ", &due);
    let collected = driver.read_after("Payment collected: ");
    go_on(driver);
    driver.choose(MENU, "Back");
    collected
}

pub fn go_on(program: &mut Program) {
    program.answer("Press Enter to continue...", "");
}

/// A new order of CUST001.
pub fn placed_order(shop: &Shop) -> Order {
    let mut customer = log_in(shop, CUSTOMER);
    let order = place_order(&mut customer);
    log_out(customer);
    order
}

/// The same, with its stock allocated.
pub fn processed_order(shop: &Shop) -> Order {
    let order = placed_order(shop);
    let mut staff = log_in(shop, STAFF);
    process(&mut staff, &order.id);
    log_out(staff);
    order
}

/// A whole order's life; returns the order, its delivery's id and the amount collected.
pub fn whole_life(shop: &Shop) -> (Order, String, String) {
    let order = processed_order(shop);
    let mut manager = log_in(shop, MANAGER);
    approve(&mut manager, &order.id);
    log_out(manager);
    let mut planner = log_in(shop, PLANNER);
    let delivery_id = plan(&mut planner, &order.id);
    log_out(planner);
    let mut driver = log_in(shop, DRIVER);
    accept(&mut driver, &delivery_id);
    let collected = deliver(&mut driver, &order.id);
    log_out(driver);
    (order, delivery_id, collected)
}
