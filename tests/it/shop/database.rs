//! The database file, and the commands that manage it.

use std::fs;

use super::driver::Shop;
use super::people::*;

#[test]
fn a_database_that_cannot_be_opened_is_named_with_the_reason_and_a_remedy() {
    let shop = Shop::new();
    let file = shop.directory().join("letter.txt");
    fs::write(&file, "Dear shop,\n".repeat(200)).unwrap();
    let missing = shop.directory().join("nowhere/shop.db");
    let cases = [
        (missing.as_path(), "there is no directory "),
        (file.as_path(), "file is not a database"),
        (shop.directory(), "it is a directory"),
    ];
    for (path, reason) in cases {
        let path = path.to_str().unwrap();
        let output = shop.run_with(&["inventory-staff"], &[("REHEARSAL_SHOP_DB", path)]);
        assert_eq!(output.status.code(), Some(3));
        let message = String::from_utf8(output.stderr).unwrap();
        let expected = format!("[ERROR] cannot open the shop's database at {path}: {reason}");
        assert!(message.starts_with(&expected), "{message}");
        assert!(message.contains("\nSet REHEARSAL_SHOP_DB to a file in a directory"));
        assert!(output.stdout.is_empty());
    }
    assert_eq!(fs::read_dir(shop.directory()).unwrap().count(), 1);
}

#[test]
fn a_foreign_database_is_left_alone() {
    let shop = Shop::new();
    let path = shop.directory().join("shop.db");
    let theirs = rusqlite::Connection::open(&path).unwrap();
    theirs
        .execute_batch("CREATE TABLE recipes (name TEXT)")
        .unwrap();
    let before = fs::read(&path).unwrap();
    for arguments in [["init"], ["reset"], ["audit"], ["customer-portal"]] {
        let output = shop.run(&arguments);
        assert_eq!(output.status.code(), Some(3), "{arguments:?}");
        let message = String::from_utf8(output.stderr).unwrap();
        assert!(
            message.contains("it is not a database of the shop"),
            "{message}"
        );
    }
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn init_creates_the_database_once() {
    let shop = Shop::new();
    let path = shop.directory().join("shop.db");
    let said = |arguments| String::from_utf8(shop.run(arguments).stdout).unwrap();
    let expected = format!("Created the shop's database at {}\n", path.display());
    assert_eq!(said(&["init"]), expected);
    let expected = format!(
        "The shop's database is already there, at {}\n",
        path.display()
    );
    assert_eq!(said(&["init"]), expected);
}

#[test]
fn the_audit_creates_nothing() {
    let shop = Shop::new();
    let output = shop.run(&["audit"]);
    assert_eq!(output.status.code(), Some(3));
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.contains("there is none\n"), "{message}");
    fs::write(shop.directory().join("shop.db"), "").unwrap();
    let output = shop.run(&["audit", "--json"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(output.stdout.is_empty());
    assert_eq!(fs::read(shop.directory().join("shop.db")).unwrap(), b"");
}

#[test]
fn the_audit_counts_orders_and_money_in_text_and_json() {
    let shop = Shop::new();
    whole_life(&shop);
    let placed = placed_order(&shop);
    let (text, _) = shop.audit(&[]);
    let expected = "       2 orders\n       1 placed\n       1 paid\n₹2299.00 collected\n\
                    0 inconsistencies\n";
    assert_eq!(text, expected);
    let (text, _) = shop.audit(&["--json", &placed.id]);
    let report: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(report["orders"]["placed"], 1);
    assert_eq!(report["orders"]["out_for_delivery"], 0);
    assert_eq!(report["collected_paise"], 229_900);
    assert_eq!(report["history"][0]["status"], "placed");
    assert_eq!(report["history"][0]["account"], "CUST001");
    assert_eq!(report["inconsistencies"].as_array().unwrap().len(), 0);
}

#[test]
fn an_unknown_order_is_an_inconsistency() {
    let shop = Shop::new();
    placed_order(&shop);
    let (text, clean) = shop.audit(&["ORD-20250101-000000-000007"]);
    assert!(!clean && text.contains("there is no such order"), "{text}");
    assert!(text.ends_with("\n1 inconsistencies\n"));
}

#[test]
fn the_audit_finds_every_change_behind_the_programs_backs() {
    let cases = [
        ("UPDATE orders SET total_paise = 1", "its lines come to"),
        (
            "UPDATE orders SET status = 'approved'",
            "it is approved and has",
        ),
        (
            "UPDATE allocations SET quantity = 9",
            "differ from what was ordered",
        ),
        (
            "UPDATE payments SET amount_paise = 5",
            "₹0.05 was collected for",
        ),
        (
            "UPDATE products SET on_hand = 3 WHERE id = 1",
            "Basmati Rice 5 kg: 3 on hand",
        ),
        (
            "UPDATE products SET on_hand = -1 WHERE id = 1",
            "-1 on hand",
        ),
        ("DELETE FROM order_lines", "it has no lines"),
        ("DELETE FROM packings", "has 0 packing records instead of 2"),
        ("DELETE FROM orders", "which is not there"),
        (
            "INSERT INTO deliveries (id, order_key, route, slot)
             SELECT id, order_key, route, slot FROM deliveries",
            "this id was given to 2 deliveries",
        ),
    ];
    let shop = Shop::new();
    whole_life(&shop);
    let original = rusqlite::Connection::open(shop.directory().join("shop.db")).unwrap();
    for (tampering, finding) in cases {
        let copy = Shop::new();
        let path = copy.directory().join("shop.db");
        original.execute("VACUUM INTO ?1", [path.to_str()]).unwrap();
        copy.assert_clean();
        let tampered = rusqlite::Connection::open(path).unwrap();
        tampered.execute_batch(tampering).unwrap();
        let (text, clean) = copy.audit(&[]);
        assert!(!clean && text.contains(finding), "{tampering}: {text}");
    }
}

#[test]
fn reset_removes_the_orders_and_keeps_counting() {
    let shop = Shop::new().stock(10);
    whole_life(&shop);
    let output = shop.run(&["reset"]);
    assert_eq!(output.status.code(), Some(0));
    let (text, _) = shop.audit(&[]);
    assert!(text.starts_with("       0 orders\n"), "{text}");
    shop.assert_clean();
    let order = processed_order(&shop);
    assert!(order.id.ends_with("-000002"), "{}", order.id);
    shop.assert_clean();
}

#[test]
fn a_reset_under_a_program_is_survived() {
    let shop = Shop::new();
    let order = placed_order(&shop);
    let mut staff = log_in(&shop, STAFF);
    staff.choose(MENU, "Process Pending Orders");
    staff.answer("Search by ", &order.id);
    staff.choose("Select order (", &order.id);
    staff.expect("Allocate stock");
    shop.run(&["reset"]);
    staff.say("y").expect("There is no order");
    go_on(&mut staff);
    log_out(staff);
    shop.assert_clean();
}

#[test]
fn wrong_usage_is_exit_code_2() {
    let shop = Shop::new();
    for arguments in [&["cook"][..], &[], &["audit", "a", "b"]] {
        assert_eq!(shop.run(arguments).status.code(), Some(2), "{arguments:?}");
    }
    let output = shop.run_with(&["init"], &[("REHEARSAL_SHOP_STOCK", "lots")]);
    assert_eq!(output.status.code(), Some(2));
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(
        message.contains("REHEARSAL_SHOP_STOCK is `lots`"),
        "{message}"
    );
}

#[test]
fn the_help_lists_roles_accounts_environment_and_faults() {
    let output = Shop::new().run(&["--help"]);
    assert_eq!(output.status.code(), Some(0));
    let help = String::from_utf8(output.stdout).unwrap();
    let words = [
        "customer-portal",
        "delivery-personnel",
        "customer123",
        "delivery123",
        "REHEARSAL_SHOP_DB",
        "REHEARSAL_RUN_DIR",
        "REHEARSAL_SHOP_STOCK",
        "REHEARSAL_SHOP_FAULT",
        "colliding-ids",
        "flood[=MB]",
        "Exit codes:",
        "Examples:",
    ];
    for word in words {
        assert!(help.contains(word), "{word} is missing");
    }
}
