//! Every timing rule, with made-up time and no process.

use std::cell::Cell;
use std::time::Duration;

use super::*;
use crate::dialogue::{DialogueSettings, RoleMatcher};
use crate::engine::context::common_matchers;
use crate::engine::messages::{Deadline, DeadlineOwner, Perform, Performed};
use crate::engine::script::interpreter::ActionInterpreter;
use crate::engine::values::Snapshot;
use crate::model::{
    Activity, Ending, ExitCause, Failure, FlowId, FlowNumber, RoleIndex, RunId, StepIndex, Usage,
};
use crate::process::{TerminalChanges, TerminalMode};
use crate::scenario::{CompileOptions, FlowContext, compile};
use crate::terminal::ScreenSize;

const QUIET: u64 = 40;
const STEP: u64 = 10_000;

struct FakeProgram {
    echo: Cell<TerminalMode>,
    held_back: Cell<Duration>,
    unread: Cell<usize>,
    activity: Cell<Activity>,
    has_news: Cell<bool>,
}

impl Program for FakeProgram {
    fn echo(&self) -> TerminalMode {
        self.echo.get()
    }

    fn held_back(&self) -> Duration {
        self.held_back.get()
    }

    fn unread(&self) -> usize {
        self.unread.get()
    }

    fn take_terminal_changes(&self) -> TerminalChanges {
        TerminalChanges::default()
    }

    fn activity(&self) -> Activity {
        self.activity.get()
    }

    fn has_news(&self) -> bool {
        self.has_news.get()
    }
}

/// A machine that performs the turns of one step; times are milliseconds since its begin.
struct Bench {
    machine: ScriptMachine,
    program: FakeProgram,
    origin: Instant,
    effects: Vec<ScriptEffect>,
}

#[derive(Clone, Copy, Default)]
struct Options {
    role: &'static str,
    startup: Option<u64>,
    owner: Option<DeadlineOwner>,
    is_filtered: bool,
    prints: bool,
    screen: Option<ScreenSize>,
}

impl Bench {
    fn new(turns: &str) -> Self {
        Bench::with(turns, Options::default())
    }

    fn with(turns: &str, options: Options) -> Self {
        let role = options.role;
        let source = format!(
            "roles:\n  user:\n    run: [program]\n    terminal: pipes\n{role}\n    \
             actions:\n      talk: [{turns}]\nflow: [{{step: s, role: user, do: talk}}]\n"
        );
        let compiled = compile(&source, None, CompileOptions::default())
            .unwrap_or_else(|faults| panic!("{faults}\n{source}"));
        let plan = Arc::new(compiled.plan);
        let matcher: Arc<RoleMatcher> = common_matchers(&plan)[0].clone().expect("a fixed matcher");
        let origin = Instant::now();
        let settings = DialogueSettings {
            columns: None,
            screen: options.screen,
            quiet: Duration::from_millis(QUIET),
        };
        let context = FlowContext {
            number: FlowNumber(1),
            flow_id: &FlowId("F".into()),
            run_id: &RunId("R".into()),
            run_directory: std::path::Path::new("/"),
            environment: &|_| None,
        };
        let scope = plan.scope(context, 1).expect("values");
        let instance = InstanceId {
            flow: FlowNumber(1),
            role: RoleIndex(0),
            attempt: 1,
        };
        let dialogue_events = match options.prints {
            true => DialogueEvents::Promptly,
            false => DialogueEvents::Never,
        };
        let machine_settings = MachineSettings {
            plan: Arc::clone(&plan),
            dialogue_events,
        };
        let dialogue = Dialogue::new(matcher, settings, origin);
        let masker = scope.masker();
        let step = &plan.steps[0];
        let turns = Arc::clone(&step.action.turns);
        let interpreter = ActionInterpreter::new(Arc::clone(&plan), 0, turns, Some(step), false, 7);
        let allowed = Duration::from_millis(STEP);
        let perform = Perform {
            kind: ActionKind::Step(StepIndex(0)),
            values: Snapshot::new(&Arc::new(scope)),
            deadline: Deadline {
                at: origin + allowed,
                owner: options.owner.unwrap_or(DeadlineOwner::Step),
                allowed,
            },
            attempt: 1,
        };
        let startup = options
            .startup
            .map(|ms| (origin, Duration::from_millis(ms)));
        let mut action = ActionRun::new(perform, interpreter, startup, origin);
        action.is_filtered = options.is_filtered;
        let mut bench = Bench {
            machine: ScriptMachine::new(machine_settings, instance, dialogue, None, masker),
            program: FakeProgram {
                echo: Cell::new(TerminalMode::NoTerminal),
                held_back: Cell::new(Duration::ZERO),
                unread: Cell::new(0),
                activity: Cell::new(Activity::Sleeping),
                has_news: Cell::new(false),
            },
            origin,
            effects: Vec::new(),
        };
        let mut call = MachineCall {
            now: origin,
            program: &bench.program,
            effects: &mut bench.effects,
        };
        bench.machine.begin(action, &mut call);
        bench
    }

    fn at(&self, ms: u64) -> Instant {
        self.origin + Duration::from_millis(ms)
    }

    fn on(&mut self, ms: u64, input: ScriptInput<'_>) {
        let mut call = MachineCall {
            now: self.at(ms),
            program: &self.program,
            effects: &mut self.effects,
        };
        self.machine.on(input, &mut call);
    }

    fn output(&mut self, ms: u64, text: &str) {
        let input = ScriptInput::Output {
            stream: Stream::Out,
            bytes: text.as_bytes(),
            at: self.at(ms),
            drained: true,
        };
        self.on(ms, input);
    }

    fn closed(&mut self, ms: u64) {
        for stream in [Stream::Out, Stream::Err] {
            let at = self.at(ms);
            self.on(ms, ScriptInput::Closed { stream, at });
        }
    }

    fn exited(&mut self, ms: u64) {
        let record = Box::new(ProcessRecord {
            role: "user".into(),
            attempt: 1,
            pid: 1,
            ending: Ending::Itself,
            exit: Some(ExitCause::Code(0)),
            usage: Usage::default(),
            startup_us: None,
            lifetime_us: 0,
            exit_us: None,
        });
        let at = self.at(ms);
        self.on(ms, ScriptInput::Exited { record, at });
    }

    fn written(&mut self, ms: u64) {
        let at = self.at(ms);
        self.on(ms, ScriptInput::Written { at });
    }

    /// Rings when the machine wants it, which is asserted to be at `ms`.
    #[track_caller]
    fn alarm(&mut self, ms: u64) {
        self.assert_alarm(ms);
        self.on(ms, ScriptInput::Alarm);
    }

    #[track_caller]
    fn assert_alarm(&self, ms: u64) {
        let alarm = self.machine.next_alarm().expect("an alarm");
        assert_eq!(alarm.duration_since(self.origin), Duration::from_millis(ms));
    }

    /// Returns whether the reply is to be typed.
    fn is_typing(&mut self) -> bool {
        let effects = std::mem::take(&mut self.effects);
        effects.iter().any(|it| matches!(it, ScriptEffect::Type))
    }

    fn report(&mut self) -> Option<Performed> {
        let effects = std::mem::take(&mut self.effects);
        effects.into_iter().find_map(|effect| match effect {
            ScriptEffect::Report(performed) => Some(performed),
            _ => None,
        })
    }

    #[track_caller]
    fn failure(&mut self) -> Box<Failure> {
        self.report().expect("a report").result.expect_err("fails")
    }

    fn printed(&mut self) -> String {
        let effects = std::mem::take(&mut self.effects);
        let texts = effects.into_iter().filter_map(|effect| match effect {
            ScriptEffect::Emit(RunEvent::Heard { text, .. }) => Some(text),
            _ => None,
        });
        texts.collect()
    }
}

#[test]
fn a_start_has_its_own_deadline_that_ends_with_the_first_evidence() {
    let options = Options {
        startup: Some(2000),
        ..Options::default()
    };
    let mut bench = Bench::with("{see: ready}, {see: more}", options);
    bench.alarm(2000);
    assert_eq!(bench.failure().kind, FailureKind::StartupTimeout);
    let mut bench = Bench::with("{see: ready}, {see: more}", options);
    bench.output(1999, "ready\n");
    bench.assert_alarm(STEP);
}

#[test]
fn turn_step_and_flow_have_deadlines() {
    let mut bench = Bench::new("{see: a, within: 3s}, {see: b}");
    bench.alarm(3000);
    let failure = bench.failure();
    assert_eq!(failure.kind, FailureKind::Timeout);
    assert_eq!(failure.waited_us, 3_000_000);
    assert_eq!(failure.activity, Activity::Sleeping);

    let mut bench = Bench::new("{see: a, within: 3s}, {see: b}");
    bench.output(1000, "a\n");
    bench.program.unread.set(7);
    bench.alarm(STEP);
    let message = bench.failure().message;
    assert!(message.contains("step timed out after 10s"), "{message}");
    assert!(message.contains("last 7 bytes"), "{message}");

    let options = Options {
        owner: Some(DeadlineOwner::Flow),
        ..Options::default()
    };
    let mut bench = Bench::with("{see: a}", options);
    bench.alarm(STEP);
    assert!(bench.failure().message.contains("flow timed out after 10s"));
}

#[test]
fn output_that_came_before_a_deadline_is_read_before_it_is_judged() {
    for turns in [
        "{see: done, within: 2s}",
        "{prompt: 'done', within: 2s}",
        "{see: done}",
    ] {
        let mut bench = Bench::new(turns);
        // This process was stopped: the alarm rings late, and output is still unread.
        bench.program.has_news.set(true);
        bench.on(12_000, ScriptInput::Alarm);
        assert!(bench.report().is_none(), "{turns}");
        bench.program.has_news.set(false);
        bench.output(
            12_001,
            if turns.contains("prompt") {
                "done? "
            } else {
                "done\n"
            },
        );
        bench.on(12_001, ScriptInput::Alarm);
        bench.on(12_001 + QUIET, ScriptInput::Alarm);
        assert!(bench.report().expect("a report").result.is_ok(), "{turns}");
    }
}

#[test]
fn a_last_reply_has_to_be_read() {
    let begun = || {
        let mut bench = Bench::new("{prompt: 'Name:', send: me}");
        bench.output(100, "Name:");
        bench.on(100 + QUIET, ScriptInput::Alarm);
        bench.program.unread.set(3);
        bench.written(200);
        assert!(bench.report().is_none());
        bench
    };
    let mut bench = begun();
    bench.on(201, ScriptInput::Alarm);
    assert!(bench.report().is_none());
    bench.program.unread.set(0);
    bench.on(203, ScriptInput::Alarm);
    assert!(bench.report().expect("a report").result.is_ok());

    let mut bench = begun();
    bench.on(STEP, ScriptInput::Alarm);
    assert_eq!(bench.failure().kind, FailureKind::NotSent);
}

#[test]
fn a_read_of_the_program_can_be_awaited() {
    let mut bench = Bench::new("{reads: true, send: '6*7'}, {see: '42'}, {reads: true}");
    bench.on(1, ScriptInput::Alarm);
    assert!(bench.machine.reply().is_none());
    bench.program.activity.set(Activity::WaitingForInput);
    bench.on(2, ScriptInput::Alarm);
    assert!(bench.machine.reply().is_some());
    bench.written(3);
    bench.output(4, "42\n");
    // It waits as before as long as it has not read the reply.
    bench.program.unread.set(4);
    bench.on(50, ScriptInput::Alarm);
    assert!(bench.report().is_none());
    // Nor does it count before its output was taken in.
    bench.program.unread.set(0);
    bench.program.has_news.set(true);
    bench.on(150, ScriptInput::Alarm);
    assert!(bench.report().is_none());
    bench.program.has_news.set(false);
    bench.on(300, ScriptInput::Alarm);
    assert!(bench.report().expect("a report").result.is_ok());

    let mut bench = Bench::new("{reads: true, send: x}");
    bench.on(STEP, ScriptInput::Alarm);
    let failure = bench.failure();
    assert_eq!(failure.kind, FailureKind::Timeout);
    assert_eq!(failure.awaited, ["a read of its input"]);
}

#[test]
fn reading_after_a_deadline_is_bounded() {
    let mut bench = Bench::new("{see: done, within: 2s}");
    bench.program.has_news.set(true);
    bench.on(2000, ScriptInput::Alarm);
    bench.output(2100, "more\n");
    bench.on(2249, ScriptInput::Alarm);
    assert!(bench.report().is_none());
    bench.on(2250, ScriptInput::Alarm);
    assert_eq!(bench.failure().kind, FailureKind::Timeout);
}

#[test]
fn an_early_alarm_changes_nothing() {
    let mut bench = Bench::new("{see: a}");
    bench.on(500, ScriptInput::Alarm);
    assert!(bench.report().is_none());
    bench.assert_alarm(STEP);
}

#[test]
fn an_unfinished_line_is_a_prompt_when_it_has_been_quiet() {
    let mut bench = Bench::new("{prompt: 'Name:', send: me}");
    bench.output(100, "Name: (anonymous) ");
    assert!(!bench.is_typing());
    bench.output(120, " ");
    bench.alarm(120 + QUIET);
    assert!(bench.is_typing());
    bench.written(165);
    let performed = bench.report().expect("a report");
    assert!(performed.result.is_ok());
    let held = performed.timing.held + performed.timing.held_after;
    assert!(held >= Duration::from_millis(QUIET), "{held:?}");
}

#[test]
fn output_that_ends_while_the_program_lives_fails_after_a_grace() {
    let mut bench = Bench::new("{see: a}");
    bench.closed(1000);
    bench.alarm(1500);
    assert_eq!(bench.failure().kind, FailureKind::EndedEarly);

    let mut bench = Bench::new("{see: a}");
    bench.closed(1000);
    bench.exited(1200);
    let failure = bench.failure();
    assert_eq!(failure.kind, FailureKind::EndedEarly);
    assert_eq!(failure.activity, Activity::Gone);
}

#[test]
fn a_secret_waits_until_the_echo_is_off() {
    let turns = "{prompt: 'Password:', secret: s3cret}";
    let begun = || {
        let mut bench = Bench::new(turns);
        bench.program.echo.set(TerminalMode::On);
        bench.output(0, "Password: ");
        assert!(!bench.is_typing());
        bench
    };
    let mut bench = begun();
    let first = bench.machine.next_alarm().expect("another look");
    assert_eq!(first, bench.at(0) + Duration::from_micros(200));
    bench.program.echo.set(TerminalMode::Off);
    bench.on(1, ScriptInput::Alarm);
    assert!(bench.is_typing());

    let mut bench = begun();
    bench.on(5000, ScriptInput::Alarm);
    assert!(bench.report().is_none());
    bench.on(5001, ScriptInput::Alarm);
    assert_eq!(bench.failure().kind, FailureKind::EchoStayedOn);
}

#[test]
fn a_secret_of_an_abandoned_action_stays_masked() {
    let options = Options {
        prints: true,
        ..Options::default()
    };
    let mut bench = Bench::with("{see: Password, secret: s3cret}, {see: more}", options);
    bench.program.echo.set(TerminalMode::Off);
    bench.output(0, "Password\n");
    assert!(bench.is_typing());
    bench.written(1);
    bench.machine.abandon();
    bench.output(2, "it was s3cret\n");
    assert_eq!(bench.printed().trim_end(), "it was ***");
}

#[test]
fn a_program_that_refuses_is_heard_out_until_it_is_silent() {
    let options = Options {
        role: "    fail_on: {denied: Denied}",
        ..Options::default()
    };
    let mut bench = Bench::with("{see: a}", options);
    bench.output(1000, "Denied\n");
    bench.output(1060, "because\n");
    bench.alarm(1160);
    let performed = bench.report().expect("a report");
    assert_eq!(performed.timing.ended, bench.at(1000));
    assert!(performed.result.unwrap_err().tail.contains("because"));

    let mut bench = Bench::with("{see: a}", options);
    for more in 0..12 {
        bench.output(1000 + 90 * more, "Denied\n");
    }
    bench.alarm(2000);
    assert!(bench.report().is_some(), "a second is the most");

    let mut bench = Bench::with("{see: a}", options);
    bench.output(1000, "Denied\n");
    bench.exited(1010);
    assert!(bench.report().is_some(), "nothing follows an exit");
}

#[test]
fn a_pause_extends_the_deadline_of_the_step() {
    let mut bench = Bench::new("{think: 4s}, {see: a}");
    bench.alarm(4000);
    bench.assert_alarm(STEP + 4000);
    bench.output(4100, "a\n");
    let timing = bench.report().expect("a report").timing;
    assert_eq!(timing.paused, Duration::from_secs(4));
    assert_eq!(timing.duration(), Duration::from_millis(100));
}

#[test]
fn rounds_of_a_repeat_are_spaced() {
    let turns =
        "{repeat: {do: [{prompt: '>', send: r}], until: {see: DONE}, at_most: 3, every: 5s}}";
    let mut bench = Bench::new(turns);
    bench.output(0, "> ");
    assert!(bench.is_typing());
    bench.written(50);
    bench.assert_alarm(5050);
    bench.output(200, "DONE\n");
    assert!(bench.report().expect("a report").result.is_ok());
}

#[test]
fn a_reply_that_cannot_be_typed_fails_unless_the_program_exits_soon() {
    let begun = || {
        let mut bench = Bench::new("{see: go}, {prompt: '>', send: x}");
        bench.output(0, "go\n> ");
        assert!(bench.is_typing());
        let reason = "its input is full".to_owned();
        bench.on(100, ScriptInput::NotTyped { reason });
        bench
    };
    let mut bench = begun();
    bench.alarm(600);
    let failure = bench.failure();
    assert_eq!(failure.kind, FailureKind::NotSent);
    assert!(failure.message.contains("its input is full"));
    let mut bench = begun();
    bench.exited(300);
    assert_ne!(bench.failure().kind, FailureKind::NotSent);
}

#[test]
fn a_reply_is_held_for_faults_and_its_delay_is_a_pause() {
    let options = Options {
        is_filtered: true,
        ..Options::default()
    };
    let mut bench = Bench::with("{prompt: '>', send: x}, {see: a}", options);
    bench.output(0, "> ");
    let points = std::mem::take(&mut bench.effects);
    assert!(matches!(
        points.as_slice(),
        [
            ScriptEffect::WaitBegan(_),
            ScriptEffect::EvidenceCame,
            ScriptEffect::BeforeReply(_)
        ]
    ));
    bench.on(40, ScriptInput::Delayed(Duration::from_secs(2)));
    assert_eq!(bench.machine.next_alarm(), None);
    bench.on(2040, ScriptInput::Released);
    assert!(bench.is_typing());
    bench.written(2040);
    bench.assert_alarm(STEP + 2000);
    bench.output(2100, "a\n");
    let timing = bench.report().expect("a report").timing;
    assert_eq!(timing.paused, Duration::from_secs(2));
}

#[test]
fn output_left_unread_on_purpose_is_no_time_of_the_program() {
    let mut bench = Bench::new("{see: a}");
    bench.program.held_back.set(Duration::from_secs(1));
    bench.output(3000, "a\n");
    let timing = bench.report().expect("a report").timing;
    assert_eq!(timing.duration(), Duration::from_secs(2));
}

#[test]
fn a_command_has_the_deadline_of_the_step() {
    let mut bench = Bench::new("{run: [audit]}");
    assert!(matches!(bench.effects.as_slice(), [ScriptEffect::Run(_)]));
    bench.alarm(STEP);
    let is_cancel = |it: &ScriptEffect| matches!(it, ScriptEffect::CancelCommand);
    assert!(bench.effects.iter().any(is_cancel));
    assert!(bench.failure().message.contains("the command's end"));
}

#[test]
fn an_unfinished_line_is_printed_when_it_has_been_quiet() {
    let options = Options {
        prints: true,
        ..Options::default()
    };
    let mut bench = Bench::with("{see: never}", options);
    bench.output(0, "one\ntwo");
    assert_eq!(bench.printed(), "one\n");
    bench.output(200, "2");
    bench.on(300, ScriptInput::Alarm);
    assert_eq!(bench.printed(), "");
    bench.alarm(500);
    assert_eq!(bench.printed(), "two2");
    bench.assert_alarm(STEP);
}

#[test]
fn a_screen_is_printed_before_replies_and_at_the_end_if_it_has_changed() {
    let options = Options {
        prints: true,
        screen: Some(ScreenSize {
            rows: 3,
            columns: 20,
        }),
        ..Options::default()
    };
    let mut bench = Bench::with("{see: Name, secret: s3cret}, {see: Done}", options);
    bench.program.echo.set(TerminalMode::Off);
    bench.output(0, "\x1b[2J\x1b[HName\r\n");
    assert!(bench.is_typing());
    assert_eq!(bench.printed(), "", "between replies it is half drawn");
    bench.written(1);
    let printed = bench.printed();
    assert!(
        printed.ends_with("┌──────┐\n│ Name │\n└──────┘\n"),
        "{printed}"
    );
    bench.output(2, "\x1b[1;12Hret\x1b[1;9Hs3c\x1b[2;1HDone\r\n");
    let printed = bench.printed();
    assert!(
        printed.contains("│ Name    *** │\n│ Done        │\n"),
        "{printed}"
    );
    bench.machine.print_all(&mut bench.effects);
    assert_eq!(bench.printed(), "", "it has not changed");
}
