//! Programs of the documentation and of the shop, recorded from the first key to a run of many flows.

use std::fs;

use rehearsal::model::ExitCause;

use super::person::Person;
use super::{assert_nowhere, run};
use crate::support::child::with_spawner;
use crate::support::running::Finished;
use crate::support::sandbox::Sandbox;

type Answers = &'static [(&'static str, &'static str)];

/// The five roles of the shop: what each person sees and types.
const SHOP: [(&str, &str, Answers); 5] = [
    (
        "customer",
        "customer-portal",
        &[
            ("Customer ID: ", "CUST001"),
            ("Password: ", "customer123"),
            ("Select operation (0-6): ", "2"),
            ("Select operation (0-5): ", "2"),
            ("Select product (0-8): ", "2"),
            (" 250 g: ", "2"),
            ("Select operation (0-2): ", "1"),
            ("Select operation (0-5): ", "3"),
            ("Select product (0-8): ", "1"),
            ("Quantity of Steel Tiffin Box: ", "1"),
            ("Select operation (0-2): ", "2"),
            ("Delivery address ", ""),
            ("Confirm order (y/n): ", "y"),
            ("Press Enter to continue...", ""),
            ("Select operation (0-6): ", "0"),
        ],
    ),
    (
        "inventory",
        "inventory-staff",
        &[
            ("Staff ID: ", "STAFF001"),
            ("Password: ", "staff123"),
            ("Select operation (0-5): ", "1"),
            ("(Enter for all): ", "Order ID: "),
            ("Select order (0-1): ", "1"),
            ("Allocate stock to this order (y/n): ", "y"),
            ("Press Enter to continue...", ""),
            ("Select operation (0-5): ", "0"),
        ],
    ),
    (
        "warehouse",
        "warehouse-manager",
        &[
            ("Manager ID: ", "MGR001"),
            ("Password: ", "manager123"),
            ("Select operation (0-3): ", "1"),
            ("Select operation (0-2): ", "1"),
            ("(Enter for all): ", "Order ID: "),
            ("Select order (position): ", "1"),
            ("(minutes): ", "5"),
            ("(yes/no): ", "yes"),
            ("(minutes): ", "5"),
            ("(yes/no): ", "yes"),
            ("Press Enter to continue...", ""),
            ("Select operation (0-2): ", "0"),
            ("Select operation (0-3): ", "0"),
        ],
    ),
    (
        "logistics",
        "logistics-manager",
        &[
            ("Logistics ID: ", "LOG001"),
            ("Password: ", "logistics123"),
            ("Select operation (0-3): ", "1"),
            ("(Enter for all): ", "Order ID: "),
            ("Select order (0-1): ", "1"),
            ("Select route (0-6): ", "4"),
            ("Select slot (0-4): ", "4"),
            ("(y/n): ", "y"),
            ("Select operation (0-3): ", "0"),
        ],
    ),
    (
        "delivery",
        "delivery-personnel",
        &[
            ("Personnel ID: ", "DEL001"),
            ("Password: ", "delivery123"),
            ("Select operation (0-3): ", "1"),
            ("(Enter for all): ", "Delivery ID: "),
            ("Select order (0-1): ", "1"),
            ("Accept this delivery (y/n): ", "y"),
            ("Select operation (0-2): ", "1"),
            ("Received by (Enter for the customer): ", ""),
            ("Press Enter to continue...", ""),
            ("Select operation (0-2): ", "2"),
            ("Select method (0-3): ", "1"),
            ("Amount received: ", "Total amount: ₹"),
            ("Press Enter to continue...", ""),
            ("Select operation (0-2): ", "0"),
            ("Select operation (0-3): ", "0"),
        ],
    ),
];

#[test]
fn five_roles_become_a_scenario_for_many_flows() {
    let secrets: Vec<(String, &str)> = SHOP
        .iter()
        .map(|(role, _, turns)| (format!("{}_PASSWORD", role.to_uppercase()), turns[1].1))
        .collect();
    let secrets: Vec<(&str, &str)> = secrets.iter().map(|it| (it.0.as_str(), it.1)).collect();
    with_spawner(async |spawner| {
        let sandbox = Sandbox::new();
        // What all roles have seen so far.
        let mut shown = String::new();
        let seen = |shown: &str, label: &str| {
            let (_, after) = shown.split_once(label).expect("it was shown");
            after.lines().next().unwrap_or_default().to_owned()
        };
        for (role, program, turns) in SHOP {
            let words = "rehearsal record --into my.yaml --role";
            let mut words: Vec<&str> = words.split(' ').chain([role]).collect();
            // The last one is tried with the roles before it.
            if role != "delivery" {
                words.insert(2, "--no-proof");
            }
            words.extend(["--", "rehearsal", "shop", program]);
            let mut person = Person::with(spawner, &sandbox, &words, &secrets).await;
            for &(prompt, answer) in turns {
                person.sees(prompt).await;
                match answer {
                    _ if prompt == "Password: " => {
                        person.types_secret(&format!("{answer}\r")).await;
                    }
                    label if shown.contains(label) && !label.is_empty() && label.contains(": ") => {
                        person.types(&format!("{}\r", seen(&shown, label)));
                    }
                    text => person.types(&format!("{text}\r")),
                }
            }
            if role == "delivery" {
                person.sees("(Enter: no more): ").await;
                person.types("\r");
            }
            let exit = person.exits().await;
            assert_eq!(exit, Some(ExitCause::Code(0)), "{}", person.unseen());
            shown += &String::from_utf8_lossy(&person.shown);
        }
        run(&sandbox, "--flows 30 --parallel 10", &secrets);
        let mut audit = sandbox.command("shop audit");
        audit.env("REHEARSAL_SHOP_DB", sandbox.home().join("shop.db"));
        Finished::of(&mut audit).assert_code(0);
        let passwords: Vec<&str> = secrets.iter().map(|it| it.1).collect();
        assert_nowhere(&sandbox, &passwords, "");
    });
}

#[test]
fn the_three_minutes_of_the_readme_are_true() {
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let between = |from: &str, to: &str| {
        let (_, after) = readme.split_once(from).expect(from);
        after.split_once(to).expect(to).0.to_owned()
    };
    let program = between("<!-- file: tickets.py -->\n```python\n", "```");
    let block = between("open a\nticket, quit.\n\n```sh\n", "\n```");
    let many = between("export ", "\n```");
    let (variable, command) = many.split_once('\n').unwrap();
    with_spawner(async |spawner| {
        let sandbox = Sandbox::with("tickets.py", &program);
        let words: Vec<&str> = block.split(' ').collect();
        let mut person = Person::at(spawner, &sandbox, &words).await;
        person.sees("Agent ID: ").await;
        person.types("ann\r");
        person.sees("PIN: ").await;
        person.types_secret("4711\r").await;
        person.sees("Your choice: ").await;
        person.types("1\r");
        person.sees("Subject: ").await;
        person.types("Printer on fire\r");
        person.sees("Your choice: ").await;
        person.types("0\r");
        person.sees("(Enter: no more): ").await;
        person.types("\r");
        let exit = person.exits().await;
        assert_eq!(exit, Some(ExitCause::Code(0)), "{}", person.unseen());
        let command = command.strip_prefix("rehearsal ").unwrap();
        let mut run = sandbox.command(command);
        run.envs(variable.split_once('='));
        Finished::of(&mut run).assert_code(0);
    });
}
