//! Every row of the state table, with made-up output and no process.

use std::collections::VecDeque;
use std::time::Duration;

use super::*;
use crate::dialogue::{DialogueSettings, Finding, RoleMatcher};
use crate::engine::context::common_matchers;
use crate::model::{ExitCause, FlowId, FlowNumber, RoleIndex, RunId, Stream};
use crate::scenario::{CompileOptions, FlowContext, compile};
use crate::terminal::EchoMode;

/// A role's action against a program whose output is made up: what it says at first, and what it
/// says after each reply.
struct Stage {
    interpreter: ActionInterpreter,
    values: Snapshot,
    dialogue: Dialogue,
    answers: VecDeque<&'static str>,
    said: Vec<String>,
    remarks: Vec<String>,
    ran: Vec<Vec<String>>,
    pauses: Vec<Duration>,
}

/// The end of an action.
#[derive(Debug)]
enum End {
    Done,
    Failed(ActionError),
    /// It waits for something that the made-up program never says.
    Waiting,
}

impl Stage {
    fn new(turns: &str, more: &str, answers: &[&'static str]) -> Self {
        let source = format!(
            "variables: {{word: hello}}\nroles:\n  user:\n    run: [program]\n    terminal: pipes\n{more}\n    \
             actions:\n      talk:\n{turns}\nflow: [{{step: s, role: user, do: talk}}]\n"
        );
        let compiled = compile(&source, None, CompileOptions::default())
            .unwrap_or_else(|faults| panic!("{faults}\n{source}"));
        let plan = Arc::new(compiled.plan);
        let matcher: Arc<RoleMatcher> = common_matchers(&plan)[0]
            .clone()
            .expect("nothing of the flow in it");
        let settings = DialogueSettings {
            columns: None,
            screen: None,
            quiet: Duration::ZERO,
        };
        let run = RunId("R".into());
        let context = FlowContext {
            number: FlowNumber(1),
            flow_id: &FlowId("F".into()),
            run_id: &run,
            run_directory: std::path::Path::new("/"),
            environment: &|_| None,
        };
        let scope = plan.scope(context, 1).expect("values");
        let step = &plan.steps[0];
        let turns = Arc::clone(&step.action.turns);
        let role = RoleIndex(0).0;
        Stage {
            interpreter: ActionInterpreter::new(
                Arc::clone(&plan),
                role,
                turns,
                Some(step),
                false,
                7,
            ),
            values: Snapshot::new(&Arc::new(scope)),
            dialogue: Dialogue::new(matcher, settings, Instant::now()),
            answers: answers.iter().copied().collect(),
            said: Vec::new(),
            remarks: Vec::new(),
            ran: Vec::new(),
            pauses: Vec::new(),
        }
    }

    fn program_speaks(&mut self) {
        if let Some(text) = self.answers.pop_front() {
            let now = Instant::now();
            self.dialogue.feed(Stream::Out, text.as_bytes(), now);
            self.dialogue.drained();
        }
    }

    /// Performs until nothing follows; then the program ends with `exit`, if that is given.
    fn perform(&mut self, exit: Option<i32>) -> End {
        self.program_speaks();
        let mut exit = exit;
        let mut input = Input::Begin;
        loop {
            let next = self
                .interpreter
                .on(input, &mut self.values, &mut self.dialogue);
            input = match next {
                Effect::Done => return End::Done,
                Effect::Fail(fault) => return End::Failed(fault),
                Effect::Pause(length) => {
                    self.pauses.push(length);
                    Input::Paused
                }
                Effect::Run(argv) => {
                    let text = argv.join(" ");
                    self.ran.push(argv);
                    Input::Ran(CommandOutput {
                        exit: ExitCause::Code(0),
                        text,
                    })
                }
                Effect::Say(reply) => {
                    self.said.push(reply.shown.into_owned());
                    self.remarks.extend(reply.remark);
                    match reply.answers {
                        Answers::Wait | Answers::Further => {
                            self.dialogue.answered(&reply.typed, EchoMode::Hidden)
                        }
                        Answers::Interlude => {
                            self.dialogue
                                .answered_interlude(&reply.typed, EchoMode::Hidden);
                        }
                    }
                    self.program_speaks();
                    Input::Sent
                }
                Effect::Settle | Effect::SettleAgain | Effect::Resize(_) => {
                    unreachable!("these programs have no screen")
                }
                Effect::RoundPause { at_most } => {
                    self.pauses.push(at_most);
                    match self.hear() {
                        Some(input) => input,
                        None => Input::RoundPauseOver,
                    }
                }
                Effect::Listen { .. } | Effect::KeepListening => match self.hear() {
                    Some(input) => input,
                    None => match exit.take() {
                        Some(code) => Input::Exited(Some(ExitCause::Code(code))),
                        None => return End::Waiting,
                    },
                },
            };
        }
    }

    fn hear(&mut self) -> Option<Input> {
        let now = Instant::now();
        let heard = match self.dialogue.poll(now) {
            Finding::QuietAt(at) => self.dialogue.poll(at),
            heard => heard,
        };
        match heard {
            Finding::Nothing | Finding::QuietAt(_) | Finding::Ended { .. } => None,
            heard => Some(Input::Found(heard)),
        }
    }
}

/// Performs `turns` (in lines of their own) over the made-up answers.
#[track_caller]
fn done(turns: &str, answers: &[&'static str]) -> Stage {
    let mut stage = Stage::new(&indent(turns), "", answers);
    let end = stage.perform(None);
    assert!(matches!(end, End::Done), "{end:?} after {:?}", stage.said);
    stage
}

#[track_caller]
fn failed(turns: &str, more: &str, answers: &[&'static str], exit: Option<i32>) -> ActionError {
    let mut stage = Stage::new(&indent(turns), more, answers);
    match stage.perform(exit) {
        End::Failed(fault) => fault,
        end => panic!("{end:?} after {:?}", stage.said),
    }
}

fn indent(turns: &str) -> String {
    turns
        .lines()
        .map(|line| format!("        {line}\n"))
        .collect()
}

#[test]
fn a_turn_waits_and_answers() {
    let stage = done(
        "- {prompt: 'Name:', send: '${word}'}\n- see: Hi",
        &["Name: ", "Hi\n"],
    );
    assert_eq!(stage.said, ["hello"]);
    assert!(stage.interpreter.evidence_at().is_some());
}

#[test]
fn captures_are_values_for_later_turns() {
    let stage = done(
        "- see: '/id (?<id>\\d+)/'\n- {prompt: '>', send: 'take ${id}'}",
        &["id 12\n> "],
    );
    assert_eq!(stage.said, ["take 12"]);
    assert_eq!(stage.values.get("id"), Some("12"));
}

#[test]
fn an_interlude_is_answered_on_the_way_and_is_bounded() {
    let more = "    interludes: [{prompt: 'more?', press: enter, at_most: 2}]";
    let mut stage = Stage::new(
        &indent("- see: end"),
        more,
        &["more?", "\nmore?", "\nend\n"],
    );
    assert!(matches!(stage.perform(None), End::Done));
    assert_eq!(stage.said, ["<enter>", "<enter>"]);
    let fault = failed(
        "- see: end",
        more,
        &["more?", "\nmore?", "\nmore?", "\nend\n"],
        None,
    );
    assert_eq!(fault.kind, FailureKind::TooOften);
}

#[test]
fn a_failure_of_the_role_ends_the_action() {
    let more = "    fail_on: {refused: Access denied}";
    let fault = failed("- see: Welcome", more, &["Access denied\n"], None);
    assert_eq!(fault.kind, FailureKind::Business("refused".into()));
    assert!(fault.message.contains("Access denied"));
}

#[test]
fn the_end_of_the_program_is_awaited_or_a_failure() {
    let mut stage = Stage::new(&indent("- exits: 3"), "", &["bye\n"]);
    assert!(matches!(stage.perform(Some(3)), End::Done));
    assert_eq!(
        failed("- exits: 3", "", &[], Some(4)).kind,
        FailureKind::WrongExit
    );
    assert_eq!(
        failed("- see: x", "", &[], Some(0)).kind,
        FailureKind::EndedEarly
    );
}

#[test]
fn an_end_can_be_one_of_several_possible_answers() {
    let turns = "- first_of:\n    - {see: retry later, fail: busy}\n    - exits: 5";
    let mut stage = Stage::new(&indent(turns), "", &["hm\n"]);
    assert!(matches!(stage.perform(Some(5)), End::Done));
    let fault = failed(turns, "", &["retry later\n"], None);
    assert_eq!(fault.kind, FailureKind::Business("busy".into()));
}

#[test]
fn alternatives_come_again_until_another_ends_them() {
    let stage = done(
        "- first_of:\n    - {prompt: 'Minutes', send: '5', again: true}\n    - {prompt: 'Sure', send: 'y', again: true}\n    - see: packed",
        &["Minutes? ", "\nSure? ", "\nMinutes? ", "\npacked\n"],
    );
    assert_eq!(stage.said, ["5", "y", "5"]);
}

#[test]
fn an_alternative_may_have_turns_of_its_own() {
    let turns = "- first_of:\n    - prompt: Rate\n      do: [{prompt: Rate, send: '4'}, {prompt: Why, send: fast}]\n    - see: bye\n- see: thanks";
    let stage = done(turns, &["Rate: ", "\nWhy: ", "\nthanks\n"]);
    assert_eq!(stage.said, ["4", "fast"]);
}

#[test]
fn a_repeat_goes_on_until_its_end_is_seen() {
    let turns = "- repeat:\n    do: [{prompt: 'Choice', send: r}]\n    until: {see: '/status (?<status>DONE)/'}\n    at_most: 3\n    every: 5s\n- {prompt: 'Choice', send: q}";
    let stage = done(
        turns,
        &[
            "Choice: ",
            "\nstatus WAIT\nChoice: ",
            "\nstatus DONE\nChoice: ",
            "\n",
        ],
    );
    assert_eq!(stage.said, ["r", "r", "q"]);
    assert_eq!(stage.values.get("status"), Some("DONE"));
    assert!(
        stage
            .pauses
            .iter()
            .all(|pause| *pause == Duration::from_secs(5))
    );
}

#[test]
fn a_repeat_without_its_end_fails_after_its_rounds() {
    let turns =
        "- repeat:\n    do: [{prompt: 'Choice', send: r}]\n    until: {see: DONE}\n    at_most: 2";
    let fault = failed(turns, "", &["Choice: ", "\nChoice: ", "\nChoice: "], None);
    assert_eq!(fault.kind, FailureKind::TooOften);
    // The answer to the last round still counts.
    done(turns, &["Choice: ", "\nChoice: ", "\nDONE\n"]);
}

#[test]
fn pauses_are_asked_for_and_drawn_from_the_seed() {
    let turns = "- see: go\n- think: 1s..3s";
    let pauses = done(turns, &["go\n"]).pauses;
    assert_eq!(pauses, done(turns, &["go\n"]).pauses);
    assert!(pauses[0] >= Duration::from_secs(1) && pauses[0] <= Duration::from_secs(3));
}

#[test]
fn commands_are_run_and_their_output_is_evidence() {
    let stage = done(
        "- see: go\n- {run: [audit, '${word}'], see: '/(?<what>hel+o)/'}",
        &["go\n"],
    );
    assert_eq!(stage.ran, [["audit", "hello"]]);
    assert_eq!(stage.values.get("what"), Some("hello"));
    let fault = failed(
        "- see: go\n- {run: [audit], see: fine}",
        "",
        &["go\n"],
        None,
    );
    assert_eq!(fault.kind, FailureKind::CommandFailed);
}

#[test]
fn rows_are_chosen_by_their_label_and_picked_by_their_texts() {
    let menu = "    menu: {prompt: Select}";
    let screen = "1. Add\n2. Remove\nSelect: ";
    let mut stage = Stage::new(&indent("- choose: Remove"), menu, &[screen]);
    assert!(matches!(stage.perform(None), End::Done));
    assert_eq!(stage.said, ["2"]);
    let fault = failed("- choose: Rename", menu, &[screen], None);
    assert_eq!(fault.kind, FailureKind::RowNotFound);
    let listing = "A-1 open\nA-2 open\nA-3 shut\nSelect: ";
    let pick = "- pick: {row: [A-3, shut], count: '/^A-/'}";
    let mut stage = Stage::new(&indent(pick), menu, &[listing]);
    assert!(matches!(stage.perform(None), End::Done));
    assert_eq!(stage.said, ["3"]);
}

#[test]
fn a_menu_that_is_printed_once_is_chosen_from_again() {
    let menu = "    menu: {prompt: 'Pick:'}";
    let turns = "- choose: Approve\n- choose: New order\n- choose: Refund";
    let screen = "1) New order\n2) Approve\n3) Quit\nPick: ";
    let output = [screen, "\n1 order was approved\nPick: ", "\nPick: "];
    let mut stage = Stage::new(&indent(turns), menu, &output);
    let End::Failed(error) = stage.perform(None) else {
        panic!("there is no such row")
    };
    assert_eq!(stage.said, ["2", "1"]);
    assert_eq!(error.kind, FailureKind::RowNotFound);
    assert!(error.message.contains("3) Quit"), "{}", error.message);
    let remark = stage.remarks.first().expect("a remark on the second reply");
    assert!(
        remark.ends_with("earlier: 1) New order | 2) Approve | 3) Quit"),
        "{remark}"
    );
    // Rows of another prompt do not count.
    let turns = "- choose: Approve\n- {prompt: 'Sure', choose: Approve}";
    let mut stage = Stage::new(&indent(turns), menu, &[screen, "\nSure: "]);
    assert!(matches!(stage.perform(None), End::Failed(_)));
}

#[test]
fn a_row_is_picked_from_what_the_step_has_seen_before() {
    let menu = "    menu: {prompt: Select}";
    let turns = "- {prompt: 'Page', send: n}\n- {prompt: 'Sure', send: y}\n\
                 - pick: {row: Milk, since: step}";
    let output = [
        "1  Milk  70\n2  Bread  55\nPage: ",
        "\nSure? ",
        "\nSelect: ",
    ];
    let mut stage = Stage::new(&indent(turns), menu, &output);
    assert!(matches!(stage.perform(None), End::Done));
    assert_eq!(stage.said, ["n", "y", "1"]);
    let turns = turns.replace(", since: step", "");
    let fault = failed(&turns, menu, &output, None);
    assert_eq!(fault.kind, FailureKind::RowNotFound);
    let both = turns.replace("row: Milk", "row: '7', since: step");
    let twice = ["1  Milk 7\n2  Tea 7\nPage: ", "\nSure? ", "\nSelect: "];
    assert_eq!(
        failed(&both, menu, &twice, None).kind,
        FailureKind::AmbiguousRow
    );
}

#[test]
fn a_secret_is_never_shown() {
    let stage = done("- {prompt: 'Password', secret: 's3cret'}", &["Password: "]);
    assert_eq!(stage.said, ["***"]);
    assert_eq!(stage.values.mask("my s3cret"), "my ***");
}

#[test]
fn a_reply_with_a_control_character_is_not_sent() {
    let mut stage = Stage::new(&indent("- {prompt: 'x', send: '${word}'}"), "", &["x "]);
    let word = ("word".into(), "a\u{3}b".into());
    stage.values.capture(word, true).unwrap();
    let end = stage.perform(None);
    assert!(
        matches!(
            end,
            End::Failed(ActionError {
                kind: FailureKind::NotSent,
                ..
            })
        ),
        "{end:?}"
    );
    assert!(stage.said.is_empty());
}

#[test]
fn nothing_follows_an_input_that_does_not_fit() {
    let mut stage = Stage::new(&indent("- see: x"), "", &[]);
    let Stage {
        interpreter,
        values,
        dialogue,
        ..
    } = &mut stage;
    let next = interpreter.on(Input::Sent, values, dialogue);
    assert!(matches!(
        next,
        Effect::Fail(ActionError {
            kind: FailureKind::Internal,
            ..
        })
    ));
}
