//! What people get to read when a scenario is faulty: each scenario here has its diagnostics as
//! a snapshot, and no input may make the compiler panic or hang.

use std::path::Path;

use rehearsal::scenario::{CommandStart, CompileOptions, Severity, compile, load};

/// The diagnostics of a scenario, warnings included, as a terminal without colours shows them.
fn diagnose(source: &str) -> String {
    let find_program = |start: CommandStart<'_>| match start.words[0] {
        "python3" if start.words.get(1) == Some(&"nosuch.py") => {
            Err("there is no script nosuch.py".to_owned())
        }
        "missing" => Err("there is no such program".to_owned()),
        "data.txt" => Err("it is not executable".to_owned()),
        _ => Ok(()),
    };
    let options = CompileOptions {
        directory: Some(Path::new("tests/scenarios")),
        find_program: Some(&find_program),
        overrides: &[],
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

/// One test for each faulty scenario, with its diagnostics in `tests/snapshots`.
macro_rules! diagnosed {
    ($($name:ident: $source:expr;)*) => {
        $(
            #[test]
            fn $name() {
                insta::with_settings!({ description => $source, omit_expression => true }, {
                    insta::assert_snapshot!(stringify!($name), diagnose($source));
                });
            }
        )*
    };
}

/// A scenario around the turns of its only action.
macro_rules! turns {
    ($turns:literal) => {
        concat!(
            "roles:\n  a:\n    run: [p]\n    fail_on: {refused: Access denied}\n    actions:\n      x:\n",
            $turns,
            "\nflow:\n  - {step: s, role: a, do: x}\n"
        )
    };
}

/// A scenario that is right, below other keys.
macro_rules! below {
    ($top:literal) => {
        concat!(
            $top,
            "\nroles:\n  a: {run: [p], actions: {x: [{see: '/(?<id>\\d+)/'}]}}\n",
            "flow:\n  - {step: s, role: a, do: x}\n"
        )
    };
}

diagnosed! {
    not_yaml: "roles: [a, b\nflow: x\n";
    tab: "roles:\n\ta: b\n";
    unquoted_colon: "description: Note: this\n";
    brace_as_text: turns!("        - see: {a}\n");
    empty_file: "";
    not_a_map: "- a\n- b\n";
    two_documents: "a: 1\n---\nb: 2\n";
    duplicate_keys: "roles: {}\nroles: {}\nflow: []\n";
    unknown_anchor: "roles: *nobody\n";
    nothing_in_it: "name: x\n";
    empty_everywhere: "roles: {}\nflow: []\ndata: {}\nvariables: {}\n";

    several_at_once: "
roles:
  customer:
    run: [missing, x]
    title: [Customer]
    actoins: {}
    actions:
      start:
        - promt: 'Customer ID:'
          send: ${custmer_id}
        - see: '/Order (?<order_id>ORD-[/'
          within: 5
variables: {customer_id: CUST001}
flow:
  - {step: 01, role: custmer, do: start}
  - {step: 02, role: customer, do: strat}
  - {step: 02, role: customer, do: start, provides: [ordr_id]}
";

    unknown_keys: "
name: x
scripts: []
roles:
  a:
    run: [p]
    timeout: 5s
    menu: {promt: x}
    interludes: [{prompt: more, pres: enter}]
    actions: {x: [{see: y, sends: z}]}
flow:
  - {step: s, role: a, do: x, provide: [y]}
load: {flow: 1}
";
    later_keys: below!("load: {flows: 5, start_after: 10s, weight: 3}");
    misplaced_keys: "
roles:
  a:
    run: [p]
    lifetime: {pool: 5}
    pool: 5
    retry: 2
    actions: {x: [{see: y, retry: 2}]}
flow:
  - {step: s, role: a, do: x, retry: {times: 2}, exclusive: db, rate: 1/s, together: 5}
load: {flows: 5, parallel: 2, ramp_up: 10s, rate: 5/s}
";
    retries: "
roles:
  a:
    run: [p]
    fail_on: {busy: too busy}
    actions: {x: [{first_of: [{see: y}, {see: z, fail: sold_out}]}]}
flow:
  - {step: s, role: a, do: x, retry: 0}
  - {step: t, role: a, do: x, retry: {times: often, on: [timout, busy, sold_out, sold_uot], restart: perhaps, wait: 1s}}
retry: {on: [busy, bussy], restart: true}
";
    gates: "
roles:
  a: {run: [p], actions: {x: [{see: y}]}}
flow:
  - {step: s, role: a, do: x, together: 1, rate: 5, exclusive: ''}
  - {step: t, role: a, do: x, rate: 0/s, exclusive: [db]}
  - {step: u, role: a, do: x, exclusive: 'till-${flow.number}', retry: {on: []}}
";
    shared_roles: "
roles:
  a:
    run: [p]
    menu: {prompt: Menu}
    lifetime: {pool: 3}
    actions: {x: [{see: '/id (?<id>.+)/', send: 'staff ${flow.number}'}], y: [{see: y}]}
  b:
    run: [p]
    lifetime: {pool: 0}
    actions: {x: [{see: x}]}
  c:
    run: [p]
    lifetime: forever
    actions: {x: [{see: x}]}
  d:
    run: [p]
    lifetime: {pool: 2}
    actions: {x: [{see: x}]}
flow:
  - {step: s, role: a, do: x, when: 'flow.number > 1'}
  - {step: t, role: b, do: x, together: 5}
  - {step: u, role: c, do: x}
  - {step: v, role: a, do: y, together: 3}
  - {step: w, role: d, do: x}
";
    thresholds: below!("thresholds: ['flow.p95 < 2', 'flw.p95 < 2s', flow.p95, {chek: x}, 'step.x.p95 < 1s', {check: 'flow.p95 < 2s', over: 10, stop: maybe}, {check: dropped == 0, over: 100ms}, 'dropped == 0 over 100ms', 'dropped == 0 over x stop']");
    chaos: "
chaos:
  - kil 5%
  - kill
  - kill often, freeze 1% for 500
  - kill 0%
  - 'freeze 2% for 500ms for 1s'
  - freeze 2% for 1s..500ms
  - garbage 1% for 1s
  - kill 5% mid_turn between_turns
  - kill once at 02_tolk
  - kill once at 02_talk role b
  - kill once turn secnd
  - kill once turn
  - delay 5% at 01_start
  - refuse 5% at 02_talk
  - kill nth 4
  - kill nth 0
  - kill 5%, , freeze 1%
  - \"kill once at '02_talk\"
  - garbage once of many
  - garbage once of 1000000 bytes
  - {kill: 5%}
  - 'long-line once of 5000 bytes, kill 5% mid-turn after 0..5ms turn second flow 7'
roles:
  a: {run: [p], actions: {start: [{see: x}], talk: [{prompt: q, send: x, name: second}]}}
  b: {run: [p], actions: {start: [{see: x}]}}
flow:
  - {step: 01_start, role: a, do: start}
  - {step: 02_talk, role: a, do: talk}
  - {step: 03_start, role: b, do: start}
";
    chaos_about_steps_that_cannot_be_read: "
chaos: [kill once at 02_talk, kill 5% nowhere]
roles:
  a: {run: [p], actions: {start: [{see: x}]}}
flow:
  - {step: 01_start, role: a, do: start}
  - {step: 02_talk, role: a, do: tolk}
";
    chaos_of_another_kind: below!("chaos: {kill: 5%}");
    integrity_of_unknown_names: below!("
variables: {customer: c}
integrity:
  unique: [di, order, customer, id, id]
  agree: [[id, ido], [id], id, [customer, id], [customer]]
  own: {idd: id, id: id, id: other, order: id}
");
    integrity_of_nothing: below!("integrity: {}");
    integrity_of_empty_lists: below!("integrity: {unique: [], agree: [], own: {}, audit: {}}");
    integrity_of_the_wrong_kind: below!("integrity: {uniqe: [id], unique: id, agree: {id: id}, own: [id], audit: shop audit}");
    integrity_of_secrets_and_of_what_no_step_captures: "
variables: {pin: x}
secrets: [pin, token]
integrity: {unique: [token, bye, other], agree: [[pin, id]]}
roles:
  a:
    run: [p]
    actions:
      x: [{see: '/(?<id>\\d+) (?<token>\\d+)/'}]
      y: [{see: '/(?<other>\\d+)/'}]
      leave: [{see: '/(?<bye>\\d+)/'}]
flow:
  - {step: s, role: a, do: x}
";
    audits: below!("
environment: [HOME]
integrity:
  audit:
    run: [missing, '${id}', '${run.idd}', '${env.PATH}', '${env.HOME}']
    expect: ['/(/', '${id}', '/(?<n>\\d)/']
    within: 0s
    environment: {A: '${flow.number}'}
    directories: x
");
    thresholds_of_books: below!("
integrity: {unique: [id]}
thresholds: [integrity.duplicate == 0, 'integrity.violations < 1%', 'integrity.mix_ups == 0 stop', {check: integrity.violations == 0, over: 5s}]
");
    thresholds_of_books_that_are_not_kept: below!("thresholds: [integrity.violations == 0]");
    load_of_zero: below!("load: {flows: 0, parallel: many}");

    variables_in_the_wrong_order: below!("variables: {x: '${y}', y: '1', z: '${z}'}");
    faulty_flow_uses_no_role: "
roles: {a: {run: [p], actions: {x: [{see: x}]}}}
flow: []
";

    used_before_provided: "
roles:
  a:
    run: [p]
    actions:
      make: [{see: '/id (?<id>\\d+)/'}]
      use: [{see: 'Order ${id}'}]
flow:
  - {step: 01_use, role: a, do: use}
  - {step: 02_make, role: a, do: make}
";
    unknown_variables: turns!("        - see: Hello ${custmer} and ${custmer | upper}\n          send: ${flow.nummer}\n        - {prompt: x, send: '${env.HOME}'}\n        - {prompt: x, send: '${flow}'}\n        - assert: total > 5\n");
    parts_of_texts: below!("variables: {a: x, b: '${a.name}', c: '${d}', d: y}");
    maybe_captured_is_allowed: turns!("        - first_of:\n            - see: '/a (?<x>\\d+)/'\n            - see: b\n        - {prompt: q, send: '${x}'}\n");
    captures_of_alternatives_that_come_again: turns!("        - first_of:\n            - {prompt: q, send: '${x}', again: true}\n            - {see: '/a (?<x>\\d+)/', again: true}\n            - see: b\n");
    provides_without_capture: "
roles:
  a: {run: [p], actions: {x: [{see: '/id (?<order_id>\\d+)/'}], y: [{see: done}]}}
flow:
  - {step: 01, role: a, do: x, provides: [order]}
  - {step: 02, role: a, do: y, provides: [delivery_id, delivery_id]}
";
    capture_with_a_taken_name: below!("variables: {flow: x, 1st: y, ok: z}\ndata: {id: {file: customers.csv}}");

    bad_templates: turns!("        - see: Order ${id\n        - see: ${}\n        - see: ${a b}\n        - {prompt: x, send: '${1 | uper}'}\n        - assert: ${flow.number} > 1\n        - assert: '1 +'\n");
    bad_patterns: turns!("        - see: '/a(b/'\n        - see: '/x*/'\n        - see: ''\n        - see: '/(?<a-b>x)/'\n        - see: \"two\\nlines\"\n        - see: //\n        - see: '/(?<first>a) (?<first>b)/'\n");
    text_that_looks_like_a_regex: turns!("        - see: Order ID (?<order_id>ORD-\\d+)\n        - prompt: 'Select .*:'\n          send: '1'\n");
    captures_that_nobody_takes: "
roles:
  a:
    run: [p]
    menu: {prompt: '/menu (?<m>x)/'}
    interludes: [{prompt: '/more (?<n>x)/', press: enter}]
    fail_on: {bad: '/code (?<o>x)/', worse: 'user ${flow.id}'}
    actions: {x: [{pick: {row: a, count: '/(?<q>x)/'}}]}
flow: [{step: s, role: a, do: x}]
";
    bad_durations: "
defaults: {startup: 10, step: 5 parsecs, flow: 0s, delay: 1.5, quiet: -1s}
roles: {a: {run: [p], actions: {x: [{think: 3s..1s}, {think: 5}, {think: fast}, {see: x, within: 99999d}]}}}
flow: [{step: s, role: a, do: x, timeout: '', delay: [1s]}]
";
    bad_sizes: "
defaults: {terminal: tty, size: 50}
roles: {a: {run: [p], terminal: pipes, size: 0x10, actions: {x: [{see: x}]}}}
flow: [{step: s, role: a, do: x}]
";
    bad_keys_to_press: turns!("        - {prompt: x, press: Enter}\n        - {prompt: x, press: ctrl+c}\n        - {prompt: x, press: ''}\n        - {prompt: x, press: foo}\n        - {prompt: x, press: bogus}\n");
    bad_exit_codes: turns!("        - exits: failure\n        - exits: 256\n");
    bad_menu_row: "
roles:
  a: {run: [p], menu: {prompt: x, row: '/(?<key>\\d)/'}, actions: {x: [{choose: y}]}}
  b: {run: [p], menu: {row: '1. x'}, actions: {x: [{see: y}]}}
flow: [{step: s, role: a, do: x}, {step: t, role: b, do: x}]
";

    turn_with_two_waits: turns!("        - {prompt: a, see: b}\n        - {see: a, exits: 0, send: x}\n");
    turn_with_two_replies: turns!("        - {prompt: a, send: b, press: enter}\n");
    reply_without_wait: turns!("        - send: x\n        - press: enter\n        - choose: New\n        - pick: {row: x}\n");
    turn_that_does_two_things: turns!("        - {think: 1s, see: x}\n        - {assert: 'true', run: [p]}\n        - {first_of: [{see: x}], send: y}\n        - {think: 1s, within: 2s, overwrite: true}\n");
    turn_without_anything: turns!("        - {within: 5s}\n        - {}\n        - hello\n        - [see, x]\n        - see:\n        - see: [a, b]\n");
    bare_texts: turns!("        - Welcome\n        - {prompt: x, pick: Laptop}\n        - first_of: [yes, no]\n");
    reply_to_the_dead: turns!("        - {exits: 0, send: x}\n        - exits: 0\n        - see: y\n");
    control_characters: turns!("        - {prompt: x, send: \"a\\tb\"}\n        - {prompt: x, send: \"a\\nb\"}\n        - {prompt: x, secret: \"a\\e[0m\"}\n");
    unreachable_alternatives: turns!("        - first_of:\n            - see: Order\n            - see: Order accepted\n            - prompt: Order\n            - see: '/x+/'\n            - {see: '/x+/', fail: again}\n            - exits: 1\n            - exits: 1\n            - see: '/.+/'\n            - see: anything\n");
    faults_do_not_cascade: "
roles:
  a:
    run: [p]
    actions:
      x: [{see: '/(?<id>[/'}]
      y: [{see: '/(?<other>\\d+)/'}]
      z: [{see: '${id} ${other}'}]
flow:
  - {step: 01, role: a, do: x, provides: [id]}
  - {step: 02, role: nobody, do: y, provides: [other]}
  - {step: 03, role: a, do: z}
";
    longer_text_first_is_reachable: turns!("        - first_of:\n            - see: Order accepted\n            - see: Order\n            - see: An Order\n");
    bad_alternatives: turns!("        - first_of: []\n        - first_of: {see: x}\n        - first_of:\n            - {see: a, fail: x, again: true}\n            - {see: b, fail: y, send: z}\n            - {see: c, fail: 'no no'}\n            - {exits: 0, again: true}\n            - {see: d, do: []}\n            - {see: e, again: maybe}\n        - first_of: [{see: a, again: true}, {see: b, again: true}]\n");
    bad_repeats: turns!("        - repeat: {do: [{see: x}]}\n        - repeat: {do: [], until: {see: x, prompt: y}, at_most: 0}\n        - repeat: {do: [{see: x}], until: {}, at_most: 5, every: 1}\n");
    bad_picks: turns!("        - {prompt: x, pick: {row: []}}\n        - {prompt: x, pick: {row: [a, ''], which: any}}\n        - {prompt: x, pick: {which: first}}\n");
    bad_interludes: "
roles:
  a:
    run: [p]
    interludes: [{prompt: x}, {press: enter}, {prompt: a, see: b, press: enter, send: c}, {prompt: x, press: return, at_most: 0}]
    actions: {x: [{see: y}]}
flow: [{step: s, role: a, do: x}]
";

    unknown_role_and_action: "
roles: {customer: {run: [p], actions: {start: [{see: x}]}}}
flow:
  - {step: 01, role: custmer, do: start}
  - {step: 02, role: warehouse, do: start}
  - {step: 03, role: customer, do: stop}
  - {step: 04, role: customer}
";
    unknown_tolerated_category: "
roles: {a: {run: [p], fail_on: {refused: Access denied}, actions: {x: [{see: x}]}}}
flow: [{step: s, role: a, do: x, tolerate: [refusd, other]}]
";
    duplicate_step_names: "
roles: {a: {run: [p], actions: {x: [{see: x}]}}}
flow: [{step: s, role: a, do: x}, {step: s, role: a, do: x}]
";
    unused_role_and_action: "
roles:
  a: {run: [p], actions: {x: [{see: x}], y: [{see: '${unknown}'}], leave: [{exits: 0}]}}
  b: {run: [p], actions: {x: [{see: x}]}}
flow: [{step: s, role: a, do: x}]
";
    shell_strings: turns!("        - run: rm -rf /tmp/x\n        - run: []\n        - run: ['', x]\n");
    programs: "
roles:
  a: {run: [missing], actions: {x: [{run: [data.txt]}, {see: x}]}}
  b: {run: shop customer --fast, actions: {x: [{see: x}]}}
  c: {run: [p], directory: nowhere, actions: {x: [{see: x}]}}
  d: {run: [python3, nosuch.py], actions: {x: [{run: [python3, '${flow.id}']}, {see: x}]}}
flow: [{step: s, role: a, do: x}, {step: t, role: b, do: x}, {step: u, role: c, do: x}, {step: v, role: d, do: x}]
";
    secrets: "
secrets: [password, passwrd, env.TOKEN]
variables: {password: x, url: 'db://${password}'}
roles:
  a:
    run: [p, '--password=${password}', '${url}']
    actions: {x: [{run: [p, '${url}']}, {prompt: y, secret: '${password}'}]}
flow: [{step: s, role: a, do: x}]
";
    data_files: below!("data:\n  a: {file: missing.csv}\n  b: {file: ., take: any}\n  c: {take: random}\n  d: {file: customers.csv}\nvariables: {x: '${a.anything}', y: '${d.nam}', z: '${d}'}");
    values_of_the_wrong_kind: "
name: [x]
description: {a: b}
variables: [a, b]
secrets: password
roles: [a, b]
flow: {a: b}
load: 5
";
    missing_keys: "
roles: {a: {}, b: , c: x}
flow: [{}, x, {step: '', role: '', do: ''}]
";
    aliases_point_to_their_text: "
x: &turn {promt: a}
roles: {a: {run: [p], actions: {x: [*turn, *turn]}}}
flow: [{step: s, role: a, do: x}]
";
}

#[test]
fn names_that_are_set_from_outside_must_be_variables() {
    let source = "variables: {customer_id: x}\n\
                  roles: {a: {run: [p], actions: {x: [{see: x}]}}}\n\
                  flow: [{step: s, role: a, do: x}]\n";
    let overrides = [
        "custmer_id".to_owned(),
        "customer_id".to_owned(),
        "z".to_owned(),
    ];
    let options = CompileOptions {
        overrides: &overrides,
        ..CompileOptions::default()
    };
    let diagnostics = compile(source, None, options).unwrap_err();
    insta::assert_snapshot!("unknown_overrides", diagnostics.render(false));
}

#[test]
fn files_that_cannot_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let diagnose = |name: &str, bytes: Option<&[u8]>| {
        let path = folder.path().join(name);
        if let Some(bytes) = bytes {
            std::fs::write(&path, bytes).unwrap();
        }
        let diagnostics = load(&path, CompileOptions::default()).unwrap_err();
        diagnostics
            .render(false)
            .replace(&*folder.path().to_string_lossy(), "[folder]")
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
    let source = format!(
        "roles: {{a: {{run: [p], actions: {{x: [{{assert: '{}1'}}]}}}}}}\n\
         flow: [{{step: s, role: a, do: x}}]\n",
        "flow.number + ".repeat(100)
    );
    assert!(diagnose(&source).contains("error: this expression is longer than 1000 bytes"));
}
