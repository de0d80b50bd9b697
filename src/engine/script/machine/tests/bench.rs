//! Test bench: a machine with made-up time and a program that does as it is set.

use std::cell::Cell;
use std::time::Duration;

use super::super::*;
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

pub(super) const QUIET: u64 = 40;
pub(super) const STEP: u64 = 10_000;

pub(super) struct FakeProgram {
    pub echo: Cell<TerminalMode>,
    pub held_back: Cell<Duration>,
    pub unread: Cell<usize>,
    pub activity: Cell<Activity>,
    pub has_news: Cell<bool>,
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

    fn only_reads(&self) -> bool {
        self.activity.get() == Activity::WaitingForInput
    }

    fn is_blocked_on_input(&self) -> bool {
        self.activity.get() == Activity::WaitingForInput
    }

    fn has_news(&self) -> bool {
        self.has_news.get()
    }
}

/// A machine that performs the turns of one step; times are milliseconds since its begin.
pub(super) struct Bench {
    pub machine: ScriptMachine,
    pub program: FakeProgram,
    pub origin: Instant,
    pub effects: Vec<ScriptEffect>,
}

#[derive(Clone, Copy, Default)]
pub(super) struct Options {
    pub role: &'static str,
    pub startup: Option<u64>,
    /// The flow's deadline.
    pub flow: Option<u64>,
    pub is_filtered: bool,
    pub prints: bool,
    pub screen: Option<ScreenSize>,
}

impl Bench {
    pub fn new(turns: &str) -> Self {
        Bench::with(turns, Options::default())
    }

    pub fn with(turns: &str, options: Options) -> Self {
        let role = options.role;
        let terminal = match options.screen {
            Some(size) => format!("screen: {size}"),
            None => "terminal: pipes".to_owned(),
        };
        let source = format!(
            "roles:\n  user:\n    run: [program]\n    {terminal}\n{role}\n    \
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
                owner: DeadlineOwner::Step,
                allowed,
            },
            flow_deadline: options.flow.map(|ms| Deadline {
                at: origin + Duration::from_millis(ms),
                owner: DeadlineOwner::Flow,
                allowed: Duration::from_millis(ms),
            }),
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

    pub fn at(&self, ms: u64) -> Instant {
        self.origin + Duration::from_millis(ms)
    }

    pub fn on(&mut self, ms: u64, input: ScriptInput<'_>) {
        let mut call = MachineCall {
            now: self.at(ms),
            program: &self.program,
            effects: &mut self.effects,
        };
        self.machine.on(input, &mut call);
    }

    pub fn output(&mut self, ms: u64, text: &str) {
        let input = ScriptInput::Output {
            stream: Stream::Out,
            bytes: text.as_bytes(),
            at: self.at(ms),
            drained: true,
        };
        self.on(ms, input);
    }

    pub fn closed(&mut self, ms: u64) {
        for stream in [Stream::Out, Stream::Err] {
            let at = self.at(ms);
            self.on(ms, ScriptInput::Closed { stream, at });
        }
    }

    pub fn exited(&mut self, ms: u64) {
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

    pub fn written(&mut self, ms: u64) {
        let at = self.at(ms);
        self.on(ms, ScriptInput::Written { at });
    }

    /// Rings when the machine wants it, which is asserted to be at `ms`.
    #[track_caller]
    pub fn alarm(&mut self, ms: u64) {
        self.assert_alarm(ms);
        self.on(ms, ScriptInput::Alarm);
    }

    #[track_caller]
    pub fn assert_alarm(&self, ms: u64) {
        let alarm = self.machine.next_alarm().expect("an alarm");
        assert_eq!(alarm.duration_since(self.origin), Duration::from_millis(ms));
    }

    /// Returns whether the reply is to be typed.
    pub fn is_typing(&mut self) -> bool {
        let effects = std::mem::take(&mut self.effects);
        effects.iter().any(|it| matches!(it, ScriptEffect::Type))
    }

    pub fn report(&mut self) -> Option<Performed> {
        let effects = std::mem::take(&mut self.effects);
        effects.into_iter().find_map(|effect| match effect {
            ScriptEffect::Report(performed) => Some(performed),
            _ => None,
        })
    }

    #[track_caller]
    pub fn failure(&mut self) -> Box<Failure> {
        self.report().expect("a report").result.expect_err("fails")
    }

    pub fn printed(&mut self) -> String {
        let effects = std::mem::take(&mut self.effects);
        let texts = effects.into_iter().filter_map(|effect| match effect {
            ScriptEffect::Emit(RunEvent::Heard { text, .. }) => Some(text),
            _ => None,
        });
        texts.collect()
    }
}
