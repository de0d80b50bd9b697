//! The scenario language for screens: what its turns mean.

use rehearsal::scenario::plan::{Plan, Reply, Role as PlannedRole, TextInput, TurnKind, Wait};
use rehearsal::scenario::{CompileOptions, compile};
use rehearsal::terminal::Key;
use rehearsal::{Role, Scenario, Step, Turn};

/// Compiles roles and `defaults`, each with an action `go`; there must be no warnings.
fn roles(defaults: &str, roles: &str) -> Plan {
    let names = roles
        .lines()
        .filter_map(|line| line.strip_prefix("  ")?.split_once(':'))
        .filter(|(name, _)| !name.starts_with(' '));
    let steps: String = names
        .map(|(name, _)| format!("  - {{step: '{name}', role: {name}, do: go}}\n"))
        .collect();
    let source = format!("defaults: {defaults}\nroles:\n{roles}flow:\n{steps}");
    let compiled = compile(&source, None, CompileOptions::default())
        .unwrap_or_else(|diagnostics| panic!("{diagnostics}"));
    assert!(compiled.warnings.is_empty(), "{}", compiled.warnings);
    compiled.plan
}

fn turns(turns: &str) -> Plan {
    let turns = turns.replace('\n', "\n        ");
    let role =
        format!("  clerk:\n    run: [p]\n    screen: 24x80\n    actions:\n      go:{turns}\n");
    roles("{}", &role)
}

/// The waits and the replies of the first role, in words.
fn exchanges(plan: &Plan) -> Vec<String> {
    let turns = &plan.roles[0].actions[0].turns;
    let one = |kind: &TurnKind| match kind {
        TurnKind::Exchange { wait, reply, .. } => {
            let wait = match wait {
                Wait::For(wait) => wait.to_string(),
                other => format!("{other:?}"),
            };
            match reply {
                Some(reply) => format!("{wait} -> {}", in_words(reply)),
                None => wait,
            }
        }
        other => format!("{other:?}"),
    };
    turns.iter().map(|turn| one(&turn.kind)).collect()
}

fn in_words(reply: &Reply) -> String {
    match reply {
        Reply::Press(key) => key.shown().into_owned(),
        Reply::Select(labels) => {
            let labels = labels.iter().map(|label| label.source());
            format!("select {}", labels.collect::<Vec<_>>().join(", "))
        }
        Reply::Keys(input) => {
            let fill = input
                .fill
                .iter()
                .map(|it| format!("{}{}", it.label.source(), it.value.source()));
            let text = input.text.iter().map(|text| match text {
                TextInput::Typed(text) => format!("type {}", text.source()),
                TextInput::Pasted(text) => format!("paste {}", text.source()),
            });
            let press = input.press.iter().map(|key| key.shown().into_owned());
            fill.chain(text).chain(press).collect::<Vec<_>>().join(" ")
        }
        other => format!("{other:?}"),
    }
}

#[test]
fn a_form_is_filled_and_rows_are_chosen() {
    let plan = turns(
        r#"
  - screen: ORDER ENTRY
  - fill: {"CUSTOMER:": "7", "QUANTITY:": 007}
    press: f3
  - screen: '/SAVED AS (?<order_id>ORD-\d+)/'
    below: STATUS
  - choose: Approve order
  - {screen: "Comment:", cursor: {right_of: "Comment:"}, type: urgent}
  - {screen: {gone: Please wait}}
  - {screen: {text: Total, at: {row: 4, column: 5}, rows: 4, right_of: Sum, for: 1s}}
  - {screen: Options, choose: [Fragile, Insured]}
  - {prompt: "$", paste: "a b", press: [tab, {key: down, times: 2}, alt-x]}
  - resize: 40x120
  - screen: {cursor: {row: 40, column: 120}}"#,
    );
    assert_eq!(
        exchanges(&plan),
        [
            "`ORDER ENTRY` on the screen",
            "`CUSTOMER:` on the screen -> CUSTOMER:7 QUANTITY:007 <f3>",
            r"/SAVED AS (?<order_id>ORD-\d+)/ on the screen, below `STATUS`",
            "`Approve order` on the screen -> select Approve order",
            "`Comment:` on the screen, with the cursor right of `Comment:` -> type urgent",
            "`Please wait` gone from the screen",
            "`Total` on the screen, at row 4, column 5, in rows 4..4, right of `Sum`, for 1s",
            "`Options` on the screen -> select Fragile, Insured",
            "`$` -> paste a b <tab> <down> <down> <alt-x>",
            "Resize(ScreenSize { rows: 40, columns: 120 })",
            "the cursor at row 40, column 120",
        ]
    );
}

#[test]
fn keys_and_texts_need_no_screen() {
    let plan = roles(
        "{}",
        "  a:\n    run: [p]\n    terminal: pipes\n    actions:\n      go:\n        \
         - {see: a, press: y}\n        - {see: b, type: x, press: [backtab, enter]}\n        \
         - exits: 0\n",
    );
    let exchanges = exchanges(&plan);
    assert_eq!(
        exchanges[..2],
        ["`a` -> <y>", "`b` -> type x <shift-tab> <enter>"]
    );
}

#[test]
fn a_reply_to_a_screen_awaits_that_it_is_complete() {
    let judging = |turn: &str| {
        let plan = turns(&format!("\n  - {turn}\n  - exits: 0"));
        let TurnKind::Exchange { wait, .. } = &plan.roles[0].actions[0].turns[0].kind else {
            panic!("no exchange")
        };
        format!("{wait:?}").contains("judging: Settled")
    };
    assert!(!judging("screen: a"));
    assert!(!judging("{screen: a, rows: 3..4, for: 1s}"));
    for settled in [
        "{screen: a, press: f3}",
        "{screen: a, choose: b}",
        "screen: '/(?<id>a)/'",
        "screen: {gone: a}",
        "{screen: a, still: true}",
        "{screen: a, cursor: {below: b}}",
    ] {
        assert!(judging(settled), "{settled}");
    }
}

#[test]
fn screens_are_inherited_by_roles_that_can_have_one() {
    let role = |name: &str, keys: &str| {
        format!("  {name}:\n    run: [p]\n{keys}    actions: {{go: [{{see: a}}]}}\n")
    };
    let all = [
        role("plain", ""),
        role("own", "    screen: 50x132\n"),
        role("lines", "    size: 24x80\n"),
        role("pipes", "    terminal: pipes\n"),
        role("menu", "    menu: {prompt: '>'}\n"),
    ];
    let plan = roles(
        "{screen: 24x80, menu: {prompt: Choose, screen: MENU}, \
         interludes: [{screen: More, press: enter}, {prompt: More, press: enter}]}",
        &all.concat(),
    );
    let shown = plan.roles.iter().map(|role: &PlannedRole| {
        let size = role.screen().map(|size| size.to_string());
        let menu = role.menu.prompt.as_ref().map(ToString::to_string);
        let menu = menu.unwrap_or_default();
        (size.unwrap_or_default(), menu, role.interludes.len())
    });
    let expected = [
        ("24x80", "`MENU` on the screen", 2),
        ("50x132", "`MENU` on the screen", 2),
        ("", "`Choose`", 1),
        ("", "`Choose`", 1),
        ("24x80", "`>`", 2),
    ];
    let expected = expected.map(|(size, menu, count)| (size.to_owned(), menu.to_owned(), count));
    assert_eq!(shown.collect::<Vec<_>>(), expected);
}

#[test]
fn a_scenario_with_a_screen_is_built_in_rust() {
    let clerk = Role::new("clerk", ["sh"]).screen(24, 80).action(
        "go",
        [
            Turn::screen("ORDER")
                .fill("Z:", "1")
                .fill("A:", "2")
                .type_text("x")
                .press_all(["tab", "f3"]),
            Turn::resize(40, 120),
            Turn::gone("Please wait"),
        ],
    );
    let builder = Scenario::builder("orders")
        .role(clerk)
        .step(Step::new("1", "clerk", "go"));
    let document = builder.document();
    builder
        .build()
        .unwrap_or_else(|diagnostics| panic!("{diagnostics}"));
    let compiled = compile(&document, None, CompileOptions::default()).expect("it was built");
    assert_eq!(
        exchanges(&compiled.plan)[0],
        "`ORDER` on the screen -> Z:1 A:2 type x <tab> <f3>"
    );
}

#[test]
fn every_key_can_be_pressed() {
    for key in Key::all() {
        let plan = turns(&format!(
            "\n  - {{screen: a, press: '{key}'}}\n  - exits: 0"
        ));
        let expected = format!("`a` on the screen -> {}", key.shown());
        assert_eq!(exchanges(&plan)[0], expected);
    }
}
