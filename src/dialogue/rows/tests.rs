//! Tests of row selection.

use super::*;

const MENU: [&str; 6] = [
    "=== Menu ===",
    "  1. Orders",
    "[2] Place New Order",
    " (3) Orders of today ",
    "0: Leave",
    "",
];

fn chosen(label: &str) -> Result<String, String> {
    choose(&MENU, &RowFormat::default(), label).map_err(|error| error.to_string())
}

fn first(_: usize) -> usize {
    0
}

#[test]
fn a_label_finds_its_key() {
    assert_eq!(chosen("Place New Order"), Ok("2".into()));
    assert_eq!(chosen(" Orders "), Ok("1".into()));
    assert_eq!(chosen("of today"), Ok("3".into()));
    assert_eq!(chosen("Leave"), Ok("0".into()));
}

#[test]
fn none_or_several_show_the_rows() {
    assert_eq!(
        chosen("Refund"),
        Err(
            "no row for `Refund`; the rows are:\n  1. Orders\n  [2] Place New Order\n  \
             (3) Orders of today\n  0: Leave"
                .into()
        )
    );
    assert_eq!(
        chosen("Order"),
        Err(
            "3 rows for `Order`:\n  1. Orders\n  [2] Place New Order\n  \
             (3) Orders of today"
                .into()
        )
    );
    let error = choose(&["nothing"], &RowFormat::default(), "x").unwrap_err();
    assert_eq!(
        error.to_string(),
        "no row for `x`: there are no rows at all"
    );
    assert!(!error.is_ambiguous());
}

#[test]
fn a_row_printed_twice_counts_once() {
    let twice: Vec<&str> = MENU.into_iter().chain(MENU).collect();
    assert_eq!(
        choose(&twice, &RowFormat::default(), "Leave"),
        Ok("0".into())
    );
    let clash = ["1. Leave", "2. Leave"];
    assert!(choose(&clash, &RowFormat::default(), "Leave").is_err());
}

#[test]
fn errors_are_bounded() {
    let lines: Vec<String> = (0..500)
        .map(|n| format!("{n}. {}", "é".repeat(999)))
        .collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let text = choose(&lines, &RowFormat::default(), "x")
        .unwrap_err()
        .to_string();
    assert!(text.chars().count() < 3000, "{}", text.len());
    assert!(text.ends_with("and 480 more"), "{text}");
}

#[test]
fn picking_by_texts() {
    let lines = [
        "1. ORD-7 | pending | 10.00",
        "2. ORD-8 | packed | 12.00",
        "3. ORD-9 | pending | 10.00",
    ];
    let format = RowFormat::default();
    let pick = |texts: &[&str], which| {
        let texts: Vec<String> = texts.iter().map(|&text| text.to_owned()).collect();
        pick(&lines, &format, &texts, which, &mut |_| 1)
    };
    assert_eq!(pick(&["ORD-8"], Which::Only), Ok("2".into()));
    assert_eq!(pick(&["pending", "ORD-9"], Which::Only), Ok("3".into()));
    assert_eq!(pick(&["pending"], Which::First), Ok("1".into()));
    assert_eq!(pick(&["pending"], Which::Last), Ok("3".into()));
    assert_eq!(pick(&["pending"], Which::Random), Ok("3".into()));
    let error = pick(&["pending", "10"], Which::Only).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("2 rows for `pending` with `10`:\n")
    );
    assert!(pick(&["ORD-1"], Which::First).is_err());
}

#[test]
fn picking_by_position() {
    let lines = [
        "Orders",
        "ORD-7 pending",
        "----",
        "ORD-8 packed",
        "ORD-9 pending",
    ];
    let count = Pattern::regex("^ORD-").unwrap();
    let pick =
        |text: &str, which| pick_position(&lines, &count, &[text.to_owned()], which, &mut first);
    assert_eq!(pick("ORD-8", Which::Only), Ok("2".into()));
    assert_eq!(pick("pending", Which::Last), Ok("3".into()));
    assert!(pick("pending", Which::Only).is_err());
    assert!(pick("ORD-1", Which::Only).is_err());
}

#[test]
fn a_format_needs_its_groups() {
    let pattern = Pattern::regex(r"^(?<key>\d+) (.+)$").unwrap();
    assert_eq!(
        RowFormat::new(pattern).unwrap_err().to_string(),
        "a row's expression needs the named groups `key` and `label`; `label` is missing"
    );
}

#[test]
fn a_longer_id_is_another_row() {
    let mut draw = |_| 0;
    let texts = ["ORD-1".to_owned()];
    let format = RowFormat::default();
    let only_longer = ["1. ORD-12 Bob", "2. XORD-1 Eve"];
    assert!(pick(&only_longer, &format, &texts, Which::Only, &mut draw).is_err());
    let with_ours = ["1. ORD-12 Bob", "2. ORD-1: Eve"];
    assert_eq!(
        pick(&with_ours, &format, &texts, Which::Only, &mut draw).as_deref(),
        Ok("2")
    );
}

#[test]
fn a_number_blanks_and_a_label_are_a_row() {
    let listing = [
        "No  Item         Price",
        "--- ------------ -----",
        "1   Fresh Milk   70",
        "2   Brown Bread  55",
        " 10 Butter       120",
    ];
    let format = RowFormat::default();
    assert_eq!(choose(&listing, &format, "Fresh Milk"), Ok("1".into()));
    let texts = ["Butter".to_owned()];
    assert_eq!(
        pick(&listing, &format, &texts, Which::Only, &mut first),
        Ok("10".into())
    );
    let bars = ["1 | Fresh Milk | 70", "2\tBread\t55"];
    assert_eq!(choose(&bars, &format, "Fresh Milk"), Ok("1".into()));
    assert_eq!(choose(&bars, &format, "Bread"), Ok("2".into()));
}

#[test]
fn a_marked_row_wins_over_a_line_that_begins_with_a_number() {
    let lines = ["3 orders to approve", "1. List", "2. Approve orders"];
    let format = RowFormat::default();
    assert_eq!(choose(&lines, &format, "orders"), Ok("2".into()));
}

#[test]
fn lines_that_are_no_rows_are_shown_with_the_form_of_a_row() {
    let lines = ["* Fresh Milk (70)", "1. Leave"];
    let error = choose(&lines, &RowFormat::default(), "Fresh Milk").unwrap_err();
    assert_eq!(
        error.to_string(),
        "no row for `Fresh Milk`; its text is in these lines, which are not rows:\n  * Fresh Milk \
         (70)"
    );
    assert_eq!(
        error.hint,
        "a row is a line like `1. Label`, `2) Label`, `[3] Label`, `4: Label` or `5   Label`; for \
         another form write `menu: {row: '/^(?<key>…) (?<label>…)$/'}` in the role"
    );
    let own = RowFormat::new(Pattern::regex(r"^<(?<key>\d)> (?<label>.+)$").unwrap()).unwrap();
    let error = choose(&lines, &own, "Fresh Milk").unwrap_err();
    assert!(
        error.hint.contains("the `menu.row` of the role"),
        "{}",
        error.hint
    );
    let several = choose(&MENU, &RowFormat::default(), "Order").unwrap_err();
    assert!(several.is_ambiguous());
}

#[test]
fn rows_are_kept_for_the_prompt_that_they_came_before() {
    let format = RowFormat::default();
    let mut shown = ShownRows::default();
    let menu = ["1) New order", "2) Approve", "3) Quit", "Pick: "];
    assert_eq!(shown.update(&format, &menu, "Pick: "), ShownBefore::Fresh);
    let other = ["1) Yes", "2) No", "Sure? "];
    assert_eq!(shown.update(&format, &other, "Sure? "), ShownBefore::Fresh);
    let rows = ["1) New order", "2) Approve", "3) Quit"].map(str::to_owned);
    for fresh in [
        ["Pick: "].as_slice(),
        &["1 order was created", "Pick: "],
        &["Status: ok"],
    ] {
        let before = shown.update(&format, fresh, "Pick: ");
        assert_eq!(before, ShownBefore::Rows(&rows), "{fresh:?}");
    }
    assert_eq!(shown.update(&format, &["x"], "More: "), ShownBefore::Fresh);
    let newer = ["1) Reopen", "Pick: "];
    assert_eq!(shown.update(&format, &newer, "Pick: "), ShownBefore::Fresh);
    let before = shown.update(&format, &[], "Pick: ");
    assert_eq!(before, ShownBefore::Rows(&["1) Reopen".to_owned()]));
}
