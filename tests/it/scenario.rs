//! The scenario language: plans of valid scenarios, and the values of flows, which are the same for
//! the same seed. Faulty scenarios are in `scenario_errors.rs`.

use std::path::Path;

use rehearsal::model::{FlowId, FlowNumber, RunId, TerminalKind};
use rehearsal::scenario::plan::{Plan, Reply, TurnKind, Wait};
use rehearsal::scenario::{AwaitedSpec, CompileOptions, Overrides, compile, load};
use rehearsal::scenario::{FlowContext, Scope, ScopeError};

const FILE: &str = "tests/scenarios/every-turn.yaml";

fn every_turn() -> Plan {
    let compiled = load(Path::new(FILE), CompileOptions::default())
        .unwrap_or_else(|diagnostics| panic!("{diagnostics}"));
    assert!(compiled.warnings.is_empty(), "{}", compiled.warnings);
    compiled.plan
}

/// The plan with these values for its variables.
fn given(plan: Plan, variables: &[(&str, &str)]) -> Plan {
    let variables = variables
        .iter()
        .map(|&(name, value)| (name.to_owned(), value.to_owned()));
    plan.with_overrides(Overrides {
        variables: variables.collect(),
        ..Overrides::default()
    })
}

fn scope(plan: &Plan, flow: u64, seed: u64) -> Result<Scope, ScopeError> {
    let run = RunId("run".into());
    let number = FlowNumber(flow);
    let context = FlowContext {
        number,
        flow_id: &FlowId::new(&run, number),
        run_id: &run,
        run_directory: Path::new("/tmp/run"),
        environment: &|name| (name == "SHOP_PASSWORD").then(|| "hunter2".into()),
    };
    plan.scope(context, seed)
}

#[test]
fn every_kind_of_turn_is_compiled() {
    let mut plan = every_turn();
    plan.source = "".into();
    insta::with_settings!({omit_expression => true}, {
        insta::assert_debug_snapshot!("every_turn", plan);
    });
}

#[test]
fn omitted_keys_have_defaults() {
    let source = "\
roles: {a: {run: [p], actions: {x: [{see: hello}]}}}
flow: [{step: s, role: a, do: x}]
";
    let plan = compile(
        source,
        Some(Path::new("dir/greeting.yaml")),
        CompileOptions::default(),
    )
    .unwrap_or_else(|diagnostics| panic!("{diagnostics}"))
    .plan;
    assert_eq!(plan.name, "greeting");
    assert_eq!(plan.roles[0].title, "a");
    assert_eq!(
        plan.roles[0].terminal,
        TerminalKind::Pty {
            rows: 50,
            columns: 200
        }
    );
    let d = &plan.defaults;
    let times = [d.startup, d.step, d.delay, d.quiet].map(|time| time.as_millis());
    assert_eq!((times, d.flow), ([10_000, 30_000, 0, 10], None));
    assert_eq!(plan.load, rehearsal::scenario::Load::closed(1, 1));
    assert_eq!(plan.steps[0].place.to_string(), "greeting.yaml:2");
}

#[test]
fn texts_are_sent_as_they_are_written() {
    for written in [
        "007", "yes", "1.50", "~", "null", "0x10", "1_000", ".nan", "5s",
    ] {
        let source = format!(
            "
roles: {{a: {{run: [p], actions: {{x: [{{prompt: q, send: {written}}}]}}}}}}
flow: [{{step: s, role: a, do: x}}]
"
        );
        let plan = compile(&source, None, CompileOptions::default())
            .expect("valid")
            .plan;
        let turn = &plan.steps[0].action.turns[0];
        let TurnKind::Exchange {
            wait: Wait::For { .. },
            reply: Some(Reply::Send(text)),
            ..
        } = &turn.kind
        else {
            panic!("{turn:?}")
        };
        assert_eq!(text.fixed(), Some(written));
    }
}

#[test]
fn a_flow_begins_with_its_variables() {
    let plan = every_turn();
    let scope = scope(&plan, 7, 1).unwrap();
    let name = scope.get("customers.name").unwrap();
    assert_eq!(
        scope.get("label"),
        Some(format!("Order 00007 of {name}").as_str())
    );
    assert_eq!(scope.get("quantity"), Some("007"));
    assert_eq!(scope.get("flow.id"), Some("run-000007"));
    assert_eq!(scope.get("run.directory"), Some("/tmp/run"));
    assert_eq!(scope.mask("it is hunter2"), "it is ***");
    assert!(scope.is_secret("password"));
    assert!(scope.captures().is_empty());
}

#[test]
fn an_override_replaces_a_variable_and_is_no_template() {
    let plan = given(
        every_turn(),
        &[("customer_id", "a"), ("customer_id", "${b}")],
    );
    let scope = scope(&plan, 7, 1).unwrap();
    assert_eq!(scope.get("customer_id"), Some("${b}"));
}

#[test]
fn the_same_seed_gives_the_same_values() {
    let plan = every_turn();
    let labels = |seed| -> Vec<String> {
        (1..=30)
            .map(|flow| {
                scope(&plan, flow, seed)
                    .unwrap()
                    .get("label")
                    .unwrap()
                    .to_owned()
            })
            .collect()
    };
    assert_eq!(labels(5), labels(5));
    assert_ne!(labels(5), labels(6));
}

#[test]
fn unique_rows_end_the_run_when_they_are_used_up() {
    let source = "
data: {c: {file: customers.csv, take: unique}}
variables: {id: '${c.id}'}
roles: {a: {run: [p], actions: {x: [{see: '${id}'}]}}}
flow: [{step: s, role: a, do: x}]
";
    let directory = Some(Path::new("tests/scenarios"));
    let options = CompileOptions {
        directory,
        ..CompileOptions::default()
    };
    let plan = compile(source, None, options)
        .unwrap_or_else(|d| panic!("{d}"))
        .plan;
    assert_eq!(scope(&plan, 1, 0).unwrap().get("id"), Some("1"));
    assert_eq!(scope(&plan, 2, 0).unwrap().get("id"), Some("2"));
    let error = scope(&plan, 3, 0).unwrap_err();
    assert!(matches!(error, ScopeError::UsedUp(_)));
    assert_eq!(error.to_string(), "all 2 rows of `c` are used up");
}

#[test]
fn a_variable_that_cannot_be_computed_is_named() {
    let plan = every_turn();
    let run = RunId("run".into());
    let number = FlowNumber(1);
    let context = FlowContext {
        number,
        flow_id: &FlowId::new(&run, number),
        run_id: &run,
        run_directory: Path::new("/tmp/run"),
        environment: &|_| None,
    };
    assert_eq!(
        plan.scope(context, 1).unwrap_err().to_string(),
        "variable `password`: `env.SHOP_PASSWORD` is not set"
    );
}

#[test]
fn a_pattern_takes_values_literally() {
    let plan = every_turn();
    let plan = given(plan, &[("customer_id", "A+B")]);
    let mut scope = scope(&plan, 1, 1).unwrap();
    scope.set("order_id", "ORD-1");
    let TurnKind::Exchange {
        wait: Wait::For(AwaitedSpec::Text { pattern, .. }),
        ..
    } = &plan.roles[0].actions[1].turns[2].kind
    else {
        panic!()
    };
    let pattern = pattern.resolve(&scope).unwrap();
    let line = "Order ORD-42 for A+B";
    assert_eq!(pattern.find(line, 0..line.len()), Some(0..line.len()));
}

#[test]
fn the_error_of_a_secret_variable_shows_no_secret() {
    let source = "
environment: [PIN]
variables: {pin: '${1 | pad(env.PIN | int)}'}
secrets: [pin]
roles: {a: {run: [p], actions: {x: [{see: '${pin}'}]}}}
flow: [{step: s, role: a, do: x}]
";
    let plan = compile(source, None, CompileOptions::default())
        .unwrap_or_else(|diagnostics| panic!("{diagnostics}"))
        .plan;
    let context = FlowContext {
        number: FlowNumber(1),
        flow_id: &FlowId("R-1".into()),
        run_id: &RunId("R".into()),
        run_directory: Path::new("/run"),
        environment: &|name| (name == "PIN").then(|| "471123".to_owned()),
    };
    let error = plan.scope(context, 1).unwrap_err().to_string();
    assert!(error.contains("pin"), "{error}");
    // The message names the width, which is the secret.
    assert!(error.contains("pad(***)"), "{error}");
    assert!(!error.contains("471123"), "{error}");
}
