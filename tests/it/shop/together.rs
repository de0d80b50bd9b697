//! Concurrent programs on one database.

use super::driver::{Program, Shop};
use super::people::*;

#[test]
fn fifty_programs_start_on_a_missing_database() {
    let shop = Shop::new();
    let mut programs: Vec<Program> = (0..50).map(|i| shop.start(EVERYONE[i % 5].0)).collect();
    for (i, program) in programs.iter_mut().enumerate() {
        let (_, prompt, id, password) = EVERYONE[i % 5];
        program.answer(prompt, id).say_password(password);
    }
    for mut program in programs {
        program.expect("Welcome, ");
        log_out(program);
    }
    shop.assert_clean();
}

#[test]
fn of_two_managers_one_approves_an_order() {
    let shop = Shop::new();
    let order = processed_order(&shop);
    let mut managers = [(); 2].map(|()| log_in(&shop, MANAGER));
    for manager in &mut managers {
        manager.choose(MENU, "Picking and Packing");
        manager.choose(MENU, "Approve Order");
        manager.answer("Search by ", &order.id);
        manager.answer("Select order (position): ", "1");
        manager.answer("Enter packing time for ", "5");
        manager.answer("Quality check passed for ", "yes");
        manager.answer("Enter packing time for ", "5");
        manager.expect("Quality check passed for ");
    }
    // Both have seen the order due, and now answer the last question together.
    for manager in &mut managers {
        manager.say("yes");
    }
    let done = format!("Order {} packed and approved", order.id);
    let refused = format!(
        "Order {} is not awaiting approval (status: approved)",
        order.id
    );
    let mut outcomes = managers.map(|mut manager| {
        manager.expect("Press Enter to continue...");
        let (done, refused) = (
            manager.screen().contains(&done),
            manager.screen().contains(&refused),
        );
        (done, refused)
    });
    outcomes.sort();
    assert_eq!(outcomes, [(false, true), (true, false)]);
    shop.assert_clean();
}

#[test]
fn orders_placed_together_have_different_ids() {
    let shop = Shop::new();
    let (role, prompt, _, password) = CUSTOMER;
    let mut customers: Vec<Program> = (1..=20)
        .map(|number| {
            let id = format!("CUST{number:03}");
            log_in(&shop, (role, prompt, &id, password))
        })
        .collect();
    let mut ids: Vec<String> = std::thread::scope(|scope| {
        let placing: Vec<_> = customers
            .iter_mut()
            .map(|customer| scope.spawn(|| place_order(customer).id))
            .collect();
        let ids = placing.into_iter().map(|order| order.join().unwrap());
        ids.collect()
    });
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 20);
    shop.assert_clean();
}
