//! Input that the programs refuse.

use super::driver::Shop;
use super::people::*;

#[test]
fn a_wrong_choice_is_reported_and_asked_again() {
    let shop = Shop::new();
    let mut customer = log_in(&shop, CUSTOMER);
    for wrong in ["9", "x", "-1", "", "1.5", "99999999999999999999"] {
        customer.answer(MENU, wrong);
        customer.expect("Invalid choice, please try again.");
    }
    // The menu is not shown again, only the question.
    customer.expect(MENU).say("0").expect("Goodbye!");
    customer.assert_exits(0);
}

#[test]
fn quantities_amounts_and_answers_are_checked() {
    let shop = Shop::new();
    let mut customer = log_in(&shop, CUSTOMER);
    customer.choose(MENU, "Place New Order");
    customer.choose(MENU, "Books");
    customer.choose("Select product (", "Gitanjali");
    for wrong in ["0", "101", "many"] {
        customer.answer("Quantity of Gitanjali: ", wrong);
        customer.expect("Please enter a number from 1 to 100.");
    }
    customer.answer("Quantity of Gitanjali: ", "3");
    customer.choose(MENU, "Checkout");
    customer.answer("Delivery address (Enter for ", "चाँदनी चौक 7");
    customer.answer("Confirm order (y/n): ", "perhaps");
    customer.expect("Please answer yes or no.");
    customer.answer("Confirm order (y/n): ", "n");
    customer.expect("Order not placed.");
    go_on(&mut customer);
    log_out(customer);
    let (text, _) = shop.audit(&[]);
    assert!(text.contains(" 0 orders"), "{text}");
}

#[test]
fn an_order_that_is_not_due_is_refused() {
    let shop = Shop::new();
    let order = placed_order(&shop);
    let refusal = |awaited| {
        format!(
            "Order {} is not awaiting {awaited} (status: placed)",
            order.id
        )
    };

    let mut manager = log_in(&shop, MANAGER);
    manager.choose(MENU, "Picking and Packing");
    manager.choose(MENU, "Approve Order");
    manager.answer("Search by ", &order.id);
    manager.expect(&refusal("approval"));
    go_on(&mut manager);
    manager.choose(MENU, "Approve Order");
    manager.answer("Search by ", "");
    manager.expect("No orders are awaiting approval.");

    let mut planner = log_in(&shop, PLANNER);
    planner.choose(MENU, "Plan Delivery");
    planner.answer("Search by ", &order.id);
    planner.expect(&refusal("delivery planning"));

    let mut driver = log_in(&shop, DRIVER);
    driver.choose(MENU, "Accept Delivery");
    driver.answer("Search by ", &order.id);
    driver.expect(&refusal("acceptance"));
    shop.assert_clean();
}

#[test]
fn an_unknown_order_is_reported() {
    let shop = Shop::new();
    let mut staff = log_in(&shop, STAFF);
    staff.choose(MENU, "Process Pending Orders");
    staff.answer("Search by ", "ORD-1-2-3");
    staff.expect("There is no order ORD-1-2-3.");
    go_on(&mut staff);
    staff.choose(MENU, "Order Details");
    staff.answer("Enter order ID: ", "");
    staff.expect("There is no order");
    go_on(&mut staff);
    log_out(staff);
}

#[test]
fn customers_see_their_own_orders_only() {
    let shop = Shop::new();
    let order = placed_order(&shop);
    let (role, prompt, id, password) = CUSTOMER;
    for (customer, theirs) in [(id, true), ("CUST002", false)] {
        let mut program = log_in(&shop, (role, prompt, customer, password));
        program.choose(MENU, "Order Details");
        program.answer("Enter order ID: ", &order.id);
        program.expect("Press Enter to continue...");
        assert_eq!(program.screen().contains("Status:    placed"), theirs);
        go_on(&mut program);
        program.choose(MENU, "My Orders");
        program.expect(if theirs {
            &order.id
        } else {
            "You have not ordered anything yet."
        });
    }
}

#[test]
fn payment_waits_for_the_delivery() {
    let shop = Shop::new();
    let order = processed_order(&shop);
    let mut manager = log_in(&shop, MANAGER);
    approve(&mut manager, &order.id);
    let mut planner = log_in(&shop, PLANNER);
    let delivery_id = plan(&mut planner, &order.id);
    let mut driver = log_in(&shop, DRIVER);
    accept(&mut driver, &delivery_id);
    driver.choose(MENU, "Collect Payment");
    driver.choose("Select method (", "Cash");
    driver.answer("Amount received: ", "12.345");
    driver.expect("not an amount of money");
    driver.answer("Amount received: ", "1");
    driver.expect("That is less than ₹2299.00.");
    driver.answer("Amount received: ", "2300");
    let refusal = "is not awaiting payment (status: out for delivery)";
    driver.expect(refusal);
    go_on(&mut driver);
    assert_eq!(deliver(&mut driver, &order.id), "₹2299.00");
    shop.assert_clean();
}

#[test]
fn stock_runs_out_and_can_be_received() {
    let shop = Shop::new().stock(1);
    let order = placed_order(&shop);
    let mut staff = log_in(&shop, STAFF);
    begin_to_process(&mut staff, &order.id);
    staff.expect("Not enough stock of दार्जिलिंग चाय 250 g: 2 wanted, 1 on hand.");
    go_on(&mut staff);
    shop.assert_clean();
    staff.choose(MENU, "Receive Stock");
    staff.choose("Select product (", "दार्जिलिंग चाय");
    staff.answer("Quantity received: ", "10");
    staff.expect("Stock received.");
    go_on(&mut staff);
    process(&mut staff, &order.id);
    log_out(staff);
    shop.assert_clean();
}

#[test]
fn a_failed_quality_check_leaves_the_order_where_it_is() {
    let shop = Shop::new();
    let order = processed_order(&shop);
    let mut manager = log_in(&shop, MANAGER);
    manager.choose(MENU, "Picking and Packing");
    manager.choose(MENU, "Approve Order");
    manager.answer("Search by ", &order.id);
    manager.answer("Select order (position): ", "1");
    manager.answer("Enter packing time for ", "5");
    manager.answer("Quality check passed for ", "no");
    manager.expect(&format!("order {} not approved", order.id));
    go_on(&mut manager);
    manager.choose(MENU, "Back");
    approve(&mut manager, &order.id);
    shop.assert_clean();
}
