//! Diagnostics of faulty scenarios, as snapshots.

use std::path::Path;

use crate::support::fixture::scenario;
use rehearsal::scenario::{CommandStart, CompileOptions, Severity, compile, load};

/// The diagnostics of a scenario, warnings included, as a terminal without colours shows them.
fn diagnose(source: &str) -> String {
    let find_program = |start: CommandStart<'_>| match start.words[0] {
        "python3" if start.words.contains(&"nosuch.py") => {
            Err("there is no script nosuch.py".to_owned())
        }
        "missing" => Err("there is no such program".to_owned()),
        "data.txt" => Err("it is not executable".to_owned()),
        _ => Ok(()),
    };
    let environment = |name: &str| match name {
        "NOT_SET" => None,
        "NOWHERE" => Some("/nowhere".to_owned()),
        _ => Some("value".to_owned()),
    };
    let options = CompileOptions {
        directory: Some(Path::new("tests/scenarios")),
        find_program: Some(&find_program),
        overrides: &[],
        environment: Some(&environment),
    };
    let diagnostics = match compile(source, Some(Path::new("dir/bad.yaml")), options) {
        Ok(compiled) => compiled.warnings,
        Err(diagnostics) => {
            assert!(diagnostics.count(Severity::Error) > 0);
            diagnostics
        }
    };
    for diagnostic in diagnostics.iter() {
        assert!(
            diagnostic.line > 0 && diagnostic.column > 0,
            "no place: {}",
            diagnostic.message
        );
        assert!(
            diagnostic.help.is_some(),
            "no remedy: {}",
            diagnostic.message
        );
    }
    diagnostics.render(false)
}

/// One test for each scenario in `fixtures/faulty`, with its diagnostics in `snapshots`.
macro_rules! diagnosed {
    ($($name:ident;)*) => {
        $(
            #[test]
            fn $name() {
                let source = scenario(concat!("faulty/", stringify!($name)));
                insta::with_settings!({ description => &source, omit_expression => true }, {
                    insta::assert_snapshot!(stringify!($name), diagnose(&source));
                });
            }
        )*
    };
}

diagnosed! {
    not_yaml;
    tab;
    unquoted_colon;
    brace_as_text;
    empty_file;
    not_a_map;
    two_documents;
    duplicate_keys;
    unknown_anchor;
    no_roles_and_no_flow;
    empty_everywhere;
    several_at_once;
    unknown_keys;
    later_keys;
    misplaced_keys;
    retries;
    gates;
    shared_roles;
    pool_with_only_a_log_in;
    thresholds;
    chaos;
    chaos_about_steps_that_cannot_be_read;
    chaos_of_another_kind;
    integrity_of_unknown_names;
    integrity_of_nothing;
    integrity_of_empty_lists;
    integrity_of_the_wrong_kind;
    integrity_of_secrets_and_of_captures_of_no_step;
    audits;
    thresholds_of_integrity;
    thresholds_of_integrity_that_is_not_checked;
    load_of_zero;
    load_at_a_rate_of_zero;
    load_that_starts_nothing;
    load_without_an_end;
    variables_in_the_wrong_order;
    faulty_flow_uses_no_role;
    used_before_provided;
    unknown_variables;
    parts_of_texts;
    captures_of_one_alternative_are_allowed;
    captures_of_alternatives_that_come_again;
    provides_without_capture;
    capture_with_a_taken_name;
    bad_templates;
    bad_patterns;
    text_that_looks_like_a_regex;
    captures_that_are_not_used;
    bad_durations;
    bad_sizes;
    bad_keys_to_press;
    bad_exit_codes;
    bad_menu_row;
    turn_with_two_waits;
    turn_with_two_replies;
    reply_without_wait;
    turn_that_does_two_things;
    turn_without_anything;
    bare_texts;
    reply_after_the_exit;
    control_characters;
    unreachable_alternatives;
    faults_do_not_cascade;
    longer_text_first_is_reachable;
    bad_alternatives;
    bad_repeats;
    bad_picks;
    bad_interludes;
    unknown_role_and_action;
    unknown_tolerated_category;
    duplicate_step_names;
    unused_role_and_action;
    shell_strings;
    programs;
    secrets;
    data_files;
    values_of_the_wrong_kind;
    missing_keys;
    screen_replies;
    screen_roles;
    screen_waits;
    aliases_point_to_their_text;
    known_before_the_run;
    replies_at_the_end;
    values_of_pools;
    lifetimes;
    gates_of_turns;
}

#[test]
fn names_that_are_set_from_outside_must_be_variables() {
    let source = "\
variables: {customer_id: x}
roles: {a: {run: [p], actions: {x: [{see: x}]}}}
flow: [{step: s, role: a, do: x}]
";
    let overrides = ["custmer_id", "customer_id", "z"];
    let overrides = overrides.map(|name| (name.to_owned(), "value".to_owned()));
    let options = CompileOptions {
        overrides: &overrides,
        ..CompileOptions::default()
    };
    let diagnostics = compile(source, None, options).unwrap_err();
    insta::assert_snapshot!("unknown_overrides", diagnostics.render(false));
}

#[test]
fn files_that_cannot_be_read() {
    let directory = tempfile::tempdir().unwrap();
    let diagnose = |name: &str, bytes: Option<&[u8]>| {
        let path = directory.path().join(name);
        if let Some(bytes) = bytes {
            std::fs::write(&path, bytes).unwrap();
        }
        let diagnostics = load(&path, CompileOptions::default()).unwrap_err();
        diagnostics
            .render(false)
            .replace(&*directory.path().to_string_lossy(), "[directory]")
    };
    let huge = vec![b'#'; 5 << 20];
    let texts = [
        diagnose("missing.yaml", None),
        diagnose("latin1.yaml", Some(b"name: x\ndescription: caf\xe9\n")),
        diagnose("huge.yaml", Some(&huge)),
        diagnose("null.yaml", Some(b"name: \0\n")),
        diagnose(".", None),
    ];
    insta::assert_snapshot!("unreadable_files", texts.join("\n"));
}

#[test]
fn colours_change_nothing_but_colours() {
    let diagnostics = compile("rolles: {}\n", None, CompileOptions::default()).unwrap_err();
    let coloured = diagnostics.render(true);
    assert!(coloured.contains('\x1b'));
    assert_eq!(
        anstream::adapter::strip_str(&coloured).to_string(),
        diagnostics.render(false)
    );
}

#[test]
fn long_expressions_are_refused() {
    let long = "flow.number + ".repeat(100);
    let source = scenario("faulty/bad_templates").replace("1 +", &format!("{long}1"));
    assert!(diagnose(&source).contains("error: this expression is longer than 1000 bytes"));
}

#[test]
fn values_that_repeat_each_other_are_refused_where_they_grow_too_long() {
    let variable = |name: &str, of: &str| format!("  {name}: '{}'\n", of.repeat(1_000));
    let source = format!(
        "name: test\nvariables:\n{}{}{}roles:\n  user:\n    run: [p]\n    actions:\n      \
         talk: [{{see: '${{a}}'}}, {{see: '{}'}}]\nflow:\n  - {{step: 1, role: user, do: talk}}\n",
        variable("a", "x"),
        variable("b", "${a}"),
        variable("c", "${b}"),
        "${a}".repeat(66),
    );
    let error = compile(&source, None, CompileOptions::default()).unwrap_err();
    let found: Vec<_> = error
        .iter()
        .map(|it| (it.line, it.column, it.message.as_str()))
        .collect();
    let message = "with the value of `a`, this text is longer than 64 KiB";
    assert_eq!(found, [(4, 7, message), (10, 36, message)]);
}
