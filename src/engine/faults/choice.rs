//! Choice of the faults that are injected into one attempt at a step, made before it begins.
//!
//! Everything is drawn from the run's seed, the flow's number, the role, the step and the attempt:
//! a run with the same seed is hit in the same places, and each attempt draws from its own stream.
//!
//! The fault filter reports its progress to the [`PlannedFaults`], which return what is due:
//!
//! | progress | faults that are due then |
//! | --- | --- |
//! | a wait begins | those of the whole step, and those of turns or steps without replies |
//! | a reply is about to be sent | those between turns, and those of the reply itself |
//! | a reply was sent | those in mid-turn |

use std::sync::Arc;
use std::time::Duration;

use crate::model::{FaultKind, FlowNumber, RoleIndex};
use crate::process::ReadRate;
use crate::scenario::faults::{
    DurationRange, FaultRule, FaultRules, FaultSpec, FaultTiming, Frequency, ReplyCount,
    turn_replies,
};
use crate::scenario::{Plan, Step, data};
use crate::terminal::ScreenSize;

/// A fault with its drawn parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::engine) enum Fault {
    Kill,
    Freeze { length: Duration },
    Close,
    Garbage(Vec<u8>),
    LongLine { bytes: usize },
    Dribble { every: Duration },
    SlowRead(ReadRate),
    Bytewise,
    Resize(ScreenSize),
    Delay { length: Duration },
}

impl Fault {
    /// Returns its kind.
    pub(in crate::engine) fn kind(&self) -> FaultKind {
        match self {
            Fault::Kill => FaultKind::Kill,
            Fault::Freeze { .. } => FaultKind::Freeze,
            Fault::Close => FaultKind::Close,
            Fault::Garbage(_) => FaultKind::Garbage,
            Fault::LongLine { .. } => FaultKind::LongLine,
            Fault::Dribble { .. } => FaultKind::Dribble,
            Fault::SlowRead(_) => FaultKind::SlowRead,
            Fault::Bytewise => FaultKind::Bytewise,
            Fault::Resize(_) => FaultKind::Resize,
            Fault::Delay { .. } => FaultKind::Delay,
        }
    }
}

/// A fault, and how much later than its moment it is injected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::engine) struct TimedFault {
    pub fault: Fault,
    pub after: Duration,
    /// True if it hits in the middle of a turn.
    pub mid_turn: bool,
}

/// One attempt of a flow at a step.
#[derive(Debug, Clone, Copy)]
pub(in crate::engine) struct Attempt<'p> {
    pub plan: &'p Plan,
    pub seed: u64,
    pub flow: FlowNumber,
    pub step: &'p Step,
    /// The number of the attempt, from 1.
    pub number: u32,
}

/// The faults of one attempt at a step that were not injected yet.
#[derive(Debug, Default)]
pub(in crate::engine) struct PlannedFaults {
    timed: Vec<(FaultMoment, TimedFault)>,
    /// Replies that were about to be sent so far.
    replies: usize,
}

/// Progress of an action, at which faults may be due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::engine) enum Progress {
    WaitBegins,
    /// A reply is about to be sent.
    ReplyDue,
    ReplySent,
}

/// A point of an action at which a fault is due.
#[derive(Debug, Clone, PartialEq, Eq)]
enum FaultMoment {
    FirstWait,
    WaitOf(Arc<str>),
    /// Before the reply with this place among those of the step, from 0.
    Before(usize),
    BeforeReplyOf(Arc<str>),
    After(usize),
    AfterReplyOf(Arc<str>),
}

impl Attempt<'_> {
    /// Draws its faults; `None` for none.
    pub(in crate::engine) fn planned_faults(
        self,
        rules: &FaultRules,
    ) -> Option<Box<PlannedFaults>> {
        let mut timed = Vec::new();
        for (place, rule) in rules.rules.iter().enumerate() {
            if rule.fault != FaultSpec::Refuse && self.is_hit_by(rule, place) {
                let mut rng = self.dice(place, "how");
                timed.push(self.fault(rule, &mut rng));
            }
        }
        // Nothing can follow on these two, so that they come last.
        timed.sort_by_key(|(_, fault)| matches!(fault.fault, Fault::Close | Fault::Kill));
        (!timed.is_empty()).then(|| Box::new(PlannedFaults { timed, replies: 0 }))
    }

    /// Returns `true` if the program that is to be started for it is refused.
    pub(in crate::engine) fn is_refused(self, rules: &FaultRules) -> bool {
        let mut rules = rules.rules.iter().enumerate();
        rules.any(|(place, rule)| rule.fault == FaultSpec::Refuse && self.is_hit_by(rule, place))
    }

    fn dice(self, rule: usize, what: &str) -> fastrand::Rng {
        let (RoleIndex(role), step) = (self.step.role, self.step.index.0);
        let purpose = format!("chaos {rule} {role} {step} {} {what}", self.number);
        data::draws(self.seed, self.flow, &purpose)
    }

    fn is_hit_by(self, rule: &FaultRule, place: usize) -> bool {
        let is_this_flow = rule.target.flow.is_none_or(|flow| flow == self.flow);
        let role = &self.plan.roles[self.step.role.0];
        if !is_this_flow || !rule.is_about(self.step, role) {
            return false;
        }
        match rule.frequency {
            Frequency::Chance(chance) => self.dice(place, "whether").f64() < chance,
            Frequency::Nth(nth) => {
                let steps = rule.steps(&self.plan.rule_context());
                let ours = steps.iter().position(|step| *step == self.step.index);
                self.number == 1 && ours.is_some_and(|ours| ours as u64 + 1 == nth)
            }
        }
    }

    fn fault(self, rule: &FaultRule, rng: &mut fastrand::Rng) -> (FaultMoment, TimedFault) {
        let when = match &rule.fault {
            FaultSpec::Kill(when)
            | FaultSpec::Freeze { when, .. }
            | FaultSpec::Resize { when, .. } => *when,
            _ => FaultTiming::BetweenTurns,
        };
        let (mid_turn, after) = match when {
            FaultTiming::BetweenTurns => (false, Duration::ZERO),
            FaultTiming::MidTurn { after } => (true, after.draw(rng)),
            FaultTiming::Either if rng.bool() => (true, DurationRange::SOON.draw(rng)),
            FaultTiming::Either => (false, Duration::ZERO),
        };
        let turns = &self.step.action.turns;
        let replies = ReplyCount::of(turns);
        let reply = rng.usize(0..replies.at_least.max(1));
        let moment = match (&rule.target.turn, &rule.fault) {
            (None, FaultSpec::SlowRead { .. } | FaultSpec::Bytewise) => FaultMoment::FirstWait,
            (None, _) if !replies.possible => FaultMoment::FirstWait,
            (None, _) if mid_turn => FaultMoment::After(reply),
            (None, _) => FaultMoment::Before(reply),
            (Some(turn), what) => {
                let replies = turn_replies(turns, turn) == Some(true);
                let slow = matches!(what, FaultSpec::SlowRead { .. } | FaultSpec::Bytewise);
                match (replies && !slow, mid_turn) {
                    (false, _) => FaultMoment::WaitOf(Arc::clone(turn)),
                    (true, true) => FaultMoment::AfterReplyOf(Arc::clone(turn)),
                    (true, false) => FaultMoment::BeforeReplyOf(Arc::clone(turn)),
                }
            }
        };
        let fault = TimedFault {
            fault: draw(&rule.fault, rng),
            after,
            mid_turn,
        };
        (moment, fault)
    }
}

fn draw(what: &FaultSpec, rng: &mut fastrand::Rng) -> Fault {
    match *what {
        FaultSpec::Kill(_) => Fault::Kill,
        FaultSpec::Freeze { length, .. } => Fault::Freeze {
            length: length.draw(rng),
        },
        // Refusal is decided before the program is started.
        FaultSpec::Close | FaultSpec::Refuse => Fault::Close,
        FaultSpec::Garbage { bytes } => Fault::Garbage(garbage(bytes, rng)),
        FaultSpec::LongLine { bytes } => Fault::LongLine { bytes },
        FaultSpec::Dribble { every } => Fault::Dribble { every },
        FaultSpec::SlowRead { bytes, every } => Fault::SlowRead(ReadRate { bytes, every }),
        FaultSpec::Bytewise => Fault::Bytewise,
        FaultSpec::Resize { size, .. } => Fault::Resize(size),
        FaultSpec::Delay { length } => Fault::Delay {
            length: length.draw(rng),
        },
    }
}

/// Draws garbage as from a broken line: printable characters and bytes that are not UTF-8, but no
/// control characters, on which a terminal would act.
fn garbage(bytes: usize, rng: &mut fastrand::Rng) -> Vec<u8> {
    const NO_UTF_8: [u8; 3] = [0xff, 0xfe, 0xc0];
    let byte = |_| {
        if rng.u8(0..16) == 0 {
            NO_UTF_8[rng.usize(0..NO_UTF_8.len())]
        } else {
            rng.u8(b'!'..=b'~')
        }
    };
    (0..bytes).map(byte).collect()
}

impl PlannedFaults {
    /// Returns the faults that are due at this point, of this turn if it has a name.
    pub(in crate::engine) fn due(
        &mut self,
        progress: Progress,
        turn: Option<&str>,
    ) -> Vec<TimedFault> {
        let replies = self.replies;
        self.replies += usize::from(progress == Progress::ReplyDue);
        let due = self.timed.extract_if(.., |(moment, _)| {
            let (at, is_now) = match moment {
                FaultMoment::FirstWait => (Progress::WaitBegins, true),
                FaultMoment::WaitOf(name) => (Progress::WaitBegins, Some(&**name) == turn),
                FaultMoment::Before(place) => (Progress::ReplyDue, *place == replies),
                FaultMoment::BeforeReplyOf(name) => (Progress::ReplyDue, Some(&**name) == turn),
                FaultMoment::After(place) => (Progress::ReplySent, *place + 1 == replies),
                FaultMoment::AfterReplyOf(name) => (Progress::ReplySent, Some(&**name) == turn),
            };
            at == progress && is_now
        });
        due.map(|(_, fault)| fault).collect()
    }

    /// Returns the faults that were not due so far.
    pub(in crate::engine) fn left(&self) -> impl Iterator<Item = &Fault> {
        self.timed.iter().map(|(_, fault)| &fault.fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{CompileOptions, compile};

    const SCENARIO: &str = "
name: chaos
roles:
  a:
    run: [p]
    actions:
      start: [{see: ready}]
      talk:
        - {prompt: '1', send: x}
        - {prompt: '2', send: x, name: second}
        - {see: ok, name: look}
        - {prompt: '3', send: x}
  b: {run: [p], actions: {start: [{prompt: q, send: x}]}}
flow:
  - {step: 1_start, role: a, do: start}
  - {step: 2_talk, role: a, do: talk}
  - {step: 3_start, role: b, do: start}
";

    fn plan() -> Plan {
        let compiled = compile(SCENARIO, None, CompileOptions::default());
        compiled.unwrap_or_else(|faults| panic!("{faults}")).plan
    }

    fn chaos(plan: &Plan, text: &str) -> FaultRules {
        FaultRules::parse(text, &plan.rule_context())
            .unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    fn faults(
        plan: &Plan,
        text: &str,
        (flow, step, number): (u64, usize, u32),
    ) -> Option<PlannedFaults> {
        let attempt = Attempt {
            plan,
            seed: 7,
            flow: FlowNumber(flow),
            step: &plan.steps[step],
            number,
        };
        attempt
            .planned_faults(&chaos(plan, text))
            .map(|faults| *faults)
    }

    fn acts(timed: Vec<TimedFault>) -> Vec<Fault> {
        timed.into_iter().map(|fault| fault.fault).collect()
    }

    #[test]
    fn the_given_percentage_of_steps_is_hit_and_always_the_same() {
        let plan = plan();
        let hit = |number| {
            let flows =
                (1..=4000).filter(|&flow| faults(&plan, "kill 5%", (flow, 1, number)).is_some());
            flows.collect::<Vec<_>>()
        };
        let first = hit(1);
        assert!((150..250).contains(&first.len()), "{}", first.len());
        assert_eq!(first, hit(1));
        let second = hit(2);
        let both = first.iter().filter(|flow| second.contains(flow)).count();
        assert!(both < 30, "another attempt has other dice: {both}");
    }

    #[test]
    fn each_hit_step_is_hit_once_at_one_of_its_replies() {
        let plan = plan();
        let mut places = [0_u32; 3];
        for flow in 1..=300 {
            let mut faults = faults(&plan, "delay 100%", (flow, 1, 1)).expect("always");
            assert_eq!(faults.due(Progress::WaitBegins, None), []);
            for place in &mut places {
                *place += u32::try_from(faults.due(Progress::ReplyDue, None).len()).unwrap();
                assert_eq!(faults.due(Progress::ReplySent, None), []);
            }
            assert_eq!(faults.timed, []);
        }
        assert_eq!(places.iter().sum::<u32>(), 300);
        assert!(places.iter().all(|&place| place > 60), "{places:?}");
    }

    #[test]
    fn a_kill_is_in_mid_turn_or_between_turns() {
        let plan = plan();
        let (mut between, mut mid) = (0, 0);
        for flow in 1..=200 {
            let mut faults = faults(&plan, "kill 100%", (flow, 1, 1)).expect("always");
            for _ in 0..3 {
                between += faults.due(Progress::ReplyDue, None).len();
                let timed = faults.due(Progress::ReplySent, None);
                assert!(
                    timed
                        .iter()
                        .all(|it| it.mid_turn && it.after <= DurationRange::SOON.most)
                );
                mid += timed.len();
            }
        }
        assert_eq!(between + mid, 200);
        assert!(between > 60 && mid > 60, "{between} {mid}");
    }

    #[test]
    fn a_step_without_replies_is_hit_when_its_first_wait_begins() {
        let plan = plan();
        let mut hit = faults(&plan, "kill 100%", (1, 0, 1)).expect("always");
        assert_eq!(acts(hit.due(Progress::WaitBegins, None)), [Fault::Kill]);
        assert!(
            faults(&plan, "garbage 100%", (1, 0, 1)).is_none(),
            "it has no reply"
        );
    }

    #[test]
    fn a_turn_is_found_by_its_name() {
        let plan = plan();
        let mut hit = faults(&plan, "close 100% turn second", (1, 1, 1)).expect("it has it");
        assert_eq!(hit.due(Progress::ReplyDue, None), []);
        assert_eq!(
            acts(hit.due(Progress::ReplyDue, Some("second"))),
            [Fault::Close]
        );
        let mut hit =
            faults(&plan, "kill once mid_turn after 0s turn look", (1, 1, 1)).expect("so");
        assert_eq!(
            acts(hit.due(Progress::WaitBegins, Some("look"))),
            [Fault::Kill]
        );
        assert!(faults(&plan, "kill 100% turn second", (1, 0, 1)).is_none());
    }

    #[test]
    fn once_is_the_first_such_step_of_each_flow_at_its_first_attempt() {
        let plan = plan();
        let is_hit = |text, at| faults(&plan, text, at).is_some();
        assert!(is_hit("kill once", (1, 0, 1)) && is_hit("kill once", (9, 0, 1)));
        assert!(!is_hit("kill once", (1, 1, 1)) && !is_hit("kill once", (1, 0, 2)));
        assert!(is_hit("kill nth 2", (1, 1, 1)) && !is_hit("kill nth 2", (1, 2, 1)));
        assert!(is_hit("kill once role b", (1, 2, 1)));
        assert!(is_hit("kill once at 2_talk flow 3", (3, 1, 1)));
        assert!(!is_hit("kill once at 2_talk flow 3", (4, 1, 1)));
    }

    #[test]
    fn later_rules_do_not_change_the_draws_of_earlier_ones() {
        let plan = plan();
        for flow in 1..=200 {
            let alone = faults(&plan, "freeze 30%", (flow, 1, 1)).map(|faults| faults.timed);
            let more = faults(&plan, "freeze 30%, delay 50%", (flow, 1, 1));
            let more = more.map_or(Vec::new(), |faults| faults.timed);
            let freezes = more
                .into_iter()
                .filter(|(_, fault)| matches!(fault.fault, Fault::Freeze { .. }));
            assert_eq!(freezes.collect::<Vec<_>>(), alone.unwrap_or_default());
        }
    }

    #[test]
    fn garbage_has_no_control_characters() {
        let mut rng = fastrand::Rng::with_seed(1);
        let garbage = garbage(10_000, &mut rng);
        assert_eq!(garbage.len(), 10_000);
        assert!(garbage.iter().all(|byte| *byte > 0x20 && *byte != 0x7f));
        assert!(std::str::from_utf8(&garbage).is_err());
    }

    #[test]
    fn only_steps_that_start_a_program_can_be_refused() {
        let plan = plan();
        let attempt = |step| Attempt {
            plan: &plan,
            seed: 7,
            flow: FlowNumber(1),
            step: &plan.steps[step],
            number: 1,
        };
        let refuse = chaos(&plan, "refuse nth 2");
        assert!(!attempt(0).is_refused(&refuse));
        assert!(attempt(2).is_refused(&refuse));
        assert!(attempt(2).planned_faults(&refuse).is_none());
    }
}
