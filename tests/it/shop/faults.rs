//! Faults of the shop, each visible to the user of a program or to the audit.

use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

use super::driver::Shop;
use super::people::*;

#[test]
fn colliding_ids_are_found_by_the_audit() {
    let shop = Shop::with_fault("colliding-ids");
    let mut customer = log_in(&shop, CUSTOMER);
    // Two orders within one second collide; this takes a few orders.
    let mut ids = vec![place_order(&mut customer).id];
    loop {
        let id = place_order(&mut customer).id;
        if ids.contains(&id) {
            break;
        }
        ids.push(id);
    }
    let (text, clean) = shop.audit(&[]);
    assert!(
        !clean && text.contains("this id was given to another order, too"),
        "{text}"
    );
    let (text, _) = shop.audit(&["--json"]);
    let report: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_ne!(
        report["inconsistencies"][0]["subject"],
        serde_json::Value::Null
    );
}

#[test]
fn a_lost_allocation_is_found_by_the_audit() {
    let shop = Shop::with_fault("lost-allocation");
    let (order, _, collected) = whole_life(&shop);
    assert_eq!(collected, order.total, "no user notices");
    let (text, clean) = shop.audit(&[]);
    assert!(!clean && text.ends_with("\n1 inconsistencies\n"), "{text}");
    let finding = format!(
        "{}: it is paid and has 0 stock allocations instead of 2",
        order.id
    );
    assert!(text.contains(&finding), "{text}");
}

#[test]
fn a_stale_listing_undoes_the_approval() {
    let shop = Shop::with_fault("stale-listing@warehouse-manager");
    let order = processed_order(&shop);
    let mut manager = log_in(&shop, MANAGER);
    approve(&mut manager, &order.id);
    let mut planner = log_in(&shop, PLANNER);
    planner.choose(MENU, "Plan Delivery");
    planner.answer("Search by ", &order.id);
    planner.expect("is not awaiting delivery planning (status: processed)");
    let (text, clean) = shop.audit(&[&order.id]);
    let finding = "it is processed and has 2 packing records instead of 0";
    assert!(!clean && text.contains(finding), "{text}");
}

#[test]
fn a_stale_listing_undoes_a_colleagues_approval() {
    let mut shop = Shop::new();
    let mut customer = log_in(&shop, CUSTOMER);
    let [mine, theirs] = [(); 2].map(|()| place_order(&mut customer));
    let mut staff = log_in(&shop, STAFF);
    process(&mut staff, &mine.id);
    process(&mut staff, &theirs.id);
    let mut colleague = log_in(&shop, MANAGER);
    shop.set_fault("stale-listing");
    let mut manager = log_in(&shop, MANAGER);
    manager.choose(MENU, "Picking and Packing");
    manager.choose(MENU, "Approve Order");
    manager.answer("Search by ", "");
    manager.expect(&theirs.id);
    manager.answer("Select order (position): ", "2");
    approve(&mut colleague, &theirs.id);
    answer_packing_questions(&mut manager);
    manager.expect(&format!("Order {} packed and approved", mine.id));
    let (text, clean) = shop.audit(&[&theirs.id]);
    assert!(!clean && text.contains("it is processed and has"), "{text}");
}

#[test]
fn a_stale_listing_forgets_the_payment() {
    let shop = Shop::with_fault("stale-listing@delivery-personnel");
    let (order, _, collected) = whole_life(&shop);
    assert_eq!(collected, order.total, "no user notices");
    let (text, clean) = shop.audit(&[]);
    let finding = "it is delivered and has 1 payment instead of 0";
    assert!(!clean && text.contains(finding), "{text}");
}

#[test]
fn slow_delays_each_answer() {
    let shop = Shop::with_fault("slow=150");
    let began = Instant::now();
    let customer = log_in(&shop, CUSTOMER);
    log_out(customer);
    assert!(began.elapsed() >= Duration::from_millis(3 * 150));
}

#[test]
fn crash_ends_in_half_a_screen() {
    let shop = Shop::with_fault("crash");
    let mut customer = log_in(&shop, CUSTOMER);
    customer.choose(MENU, "Place New Order").expect("\n 1. OR");
    customer.assert_exits(70);
    let shop = Shop::with_fault("crash=abort");
    let mut customer = log_in(&shop, CUSTOMER);
    customer.choose(MENU, "Place New Order").expect("\n 1. OR");
    assert_eq!(customer.wait().signal(), Some(6));
}

#[test]
fn a_fault_can_be_confined_to_a_role() {
    let shop = Shop::with_fault("crash@warehouse-manager");
    let order = processed_order(&shop);
    let mut manager = log_in(&shop, MANAGER);
    manager.choose(MENU, "Workload");
    manager.assert_exits(70);
    let (text, clean) = shop.audit(&[&order.id]);
    assert!(clean, "{text}");
}

#[test]
fn a_chance_of_nothing_and_of_everything() {
    log_out(log_in(&Shop::with_fault("hang:0"), CUSTOMER));
    let shop = Shop::with_fault("crash:1");
    let mut customer = log_in(&shop, CUSTOMER);
    customer.choose(MENU, "My Profile");
    customer.assert_exits(70);
}

#[test]
fn hang_stops_answering() {
    let shop = Shop::with_fault("hang");
    let mut customer = log_in(&shop, CUSTOMER);
    customer.choose(MENU, "My Orders").expect("\n 1. OR");
    customer.say("0").say("0");
    assert!(customer.is_running());
    assert!(customer.screen().is_empty());
}

#[test]
fn an_error_line_disturbs_nothing() {
    let shop = Shop::with_fault("error-line@inventory-staff");
    let order = placed_order(&shop);
    let mut staff = log_in(&shop, STAFF);
    assert!(staff.all().contains("[ERROR] price cache not reachable"));
    process(&mut staff, &order.id);
    log_out(staff);
    shop.assert_clean();
}

#[test]
fn a_good_run_has_no_error_line() {
    let shop = Shop::new();
    for person in EVERYONE {
        let program = log_in(&shop, person);
        assert!(!program.all().contains("[ERROR]"));
        log_out(program);
    }
}

#[test]
fn a_flood_comes_before_the_menu() {
    let shop = Shop::with_fault("flood=2");
    let customer = log_in(&shop, CUSTOMER);
    assert!(customer.screen().len() > 1_900_000);
    assert!(customer.screen().ends_with("Select operation (0-6): "));
    log_out(customer);
}

#[test]
fn an_unknown_fault_is_refused_with_the_known_ones() {
    let shop = Shop::with_fault("slow,crush");
    let output = shop.run(&["customer-portal"]);
    assert_eq!(output.status.code(), Some(2));
    let message = String::from_utf8(output.stderr).unwrap();
    let expected = "[ERROR] REHEARSAL_SHOP_FAULT: unknown fault `crush`; known are: colliding-ids";
    assert!(message.starts_with(expected), "{message}");
    assert!(output.stdout.is_empty());
}
