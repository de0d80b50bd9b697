//! Log-in, refusal, and abrupt ends.

use super::driver::{Attached, Shop};
use super::people::*;

#[test]
fn every_role_logs_in_and_out() {
    let shop = Shop::new();
    for person in EVERYONE {
        log_out(log_in(&shop, person));
    }
}

#[test]
fn the_thousandth_customer_is_there_and_no_more() {
    let shop = Shop::new();
    let (role, prompt, _, password) = CUSTOMER;
    log_out(log_in(&shop, (role, prompt, "CUST1000", password)));
    log_out(log_in(&shop, (role, prompt, "CUST999", password)));
    let mut program = shop.start(role);
    program.answer(prompt, "CUST1001").say_password(password);
    program.expect("Invalid credentials");
}

fn three_attempts(attached: Attached) {
    let shop = Shop::new().attached(attached);
    let (role, prompt, id, _) = STAFF;
    let mut program = shop.start(role);
    for _ in 0..3 {
        program.answer(prompt, id).say_password("wrong");
        program.expect("Invalid credentials");
    }
    program.expect("Too many failed attempts");
    program.assert_exits(1);
}

#[test]
fn three_wrong_passwords_end_the_program() {
    three_attempts(Attached::Pipes);
    three_attempts(Attached::Terminal);
}

#[test]
fn a_wrong_password_can_be_corrected() {
    let shop = Shop::new();
    let (role, prompt, id, password) = MANAGER;
    let mut program = shop.start(role);
    program.answer(prompt, id).say_password("manager1234");
    program.expect("Invalid credentials");
    program.answer(prompt, id).say_password(password);
    program.expect(MENU);
    log_out(program);
}

#[test]
fn an_account_opens_only_its_own_program() {
    let shop = Shop::new();
    let (_, _, id, password) = CUSTOMER;
    let (role, prompt, ..) = STAFF;
    let mut program = shop.start(role);
    program.answer(prompt, id).say_password(password);
    program.expect("Invalid credentials");
}

#[test]
fn the_end_of_the_input_ends_the_program_anywhere() {
    let shop = Shop::new();
    for person in EVERYONE {
        let mut at_login = shop.start(person.0);
        at_login.expect(person.1).close_input();
        at_login.expect("End of input, session closed.");
        at_login.assert_exits(1);
        let mut at_menu = log_in(&shop, person);
        at_menu
            .close_input()
            .expect("End of input, session closed.");
        at_menu.assert_exits(1);
    }
}

#[test]
fn a_program_whose_output_is_closed_ends_quietly() {
    let shop = Shop::new();
    let mut program = log_in(&shop, CUSTOMER);
    program.stop_reading();
    program.say("1");
    // A process that another test starts at this moment can have a copy of the pipe until it is
    // executed, so that this output is accepted: then the next question has no answer.
    program.close_input();
    let (status, complaint) = program.wait_with_errors();
    assert_eq!((status.code(), complaint.as_str()), (Some(1), ""));
}

#[test]
fn control_d_at_a_terminal_ends_the_program() {
    let shop = Shop::new().attached(Attached::Terminal);
    let mut program = log_in(&shop, CUSTOMER);
    program.say_raw(b"\x04");
    program.expect("End of input, session closed.");
    program.assert_exits(1);
}
