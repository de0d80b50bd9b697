//! Stand-in for the engine, until it is there: a made-up run that looks like a real one.

#![allow(clippy::all)]

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use chrono::{DateTime, Local};

use crate::model::*;
use crate::scenario::Plan;
use crate::transport::{Leftovers, WatcherProgram};

pub struct RunOptions {
    pub plan: Arc<Plan>,
    pub run_id: RunId,
    pub flows: u64,
    pub parallel: u64,
    pub seed: u64,
    pub variables: Vec<(String, String)>,
    pub step_timeout: Option<Duration>,
    pub delay: Option<Duration>,
    pub programs: Programs,
    pub environment: Vec<(OsString, OsString)>,
    pub run_directory: PathBuf,
    pub watcher: Option<WatcherProgram>,
    pub started_at: DateTime<Local>,
}

#[derive(Debug)]
pub struct Programs {
    home: PathBuf,
}

impl Programs {
    pub fn new(home: PathBuf, _: Vec<PathBuf>, _: PathBuf, _: Option<OsString>) -> Self {
        Programs { home }
    }
    pub fn home(&self) -> &Path {
        &self.home
    }
    pub fn find(&self, name: &str) -> Result<PathBuf, std::io::Error> {
        Ok(self.home.join(name))
    }
}

#[derive(Debug)]
pub struct RunEnd {
    pub interrupted: bool,
    pub elapsed: Duration,
    pub left_over: Leftovers,
}

#[derive(Debug, thiserror::Error)]
#[error("the engine is a stand-in")]
pub struct EngineError;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    Graceful { grace: Duration },
    Now,
}

#[derive(Debug, Clone, Default)]
pub struct Control {
    stop: Arc<Mutex<Option<Stop>>>,
    live: Arc<Mutex<Vec<LiveScript>>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveScript {
    pub instance: InstanceId,
    pub role: String,
    pub pid: u32,
    pub state: String,
    pub age: Duration,
    pub cpu_us: u64,
    pub rss_bytes: u64,
}

impl Control {
    pub fn new() -> Self {
        Self::default()
    }
    pub fn stop(&self, how: Stop) {
        *self.stop.lock().unwrap() = Some(how);
    }
    pub fn live_scripts(&self) -> Vec<LiveScript> {
        self.live.lock().unwrap().clone()
    }
    fn stopped(&self) -> Option<Stop> {
        *self.stop.lock().unwrap()
    }
}

pub fn run(
    options: RunOptions,
    sink: Arc<dyn EventSink>,
    control: &Control,
) -> Result<RunEnd, EngineError> {
    let began = Instant::now();
    let plan = &options.plan;
    let roles = plan.roles.iter().map(|role| RoleInfo {
        name: role.name.clone(),
        title: role.title.clone(),
        command: role
            .run
            .iter()
            .map(|word| word.source())
            .collect::<Vec<_>>()
            .join(" "),
    });
    let steps = plan.steps.iter().map(|step| StepInfo {
        name: step.name.clone(),
        role: step.role,
        action: step.action.name.clone(),
    });
    let info = RunInfo {
        id: options.run_id.clone(),
        scenario: plan.name.clone(),
        roles: roles.collect(),
        steps: steps.collect(),
        flows: options.flows,
        parallel: options.parallel,
        seed: options.seed,
        started_at: options.started_at,
    };
    sink.emit(RunEvent::RunStarted(Box::new(info.clone())));
    let next = AtomicU64::new(1);
    let said = AtomicU64::new(0);
    thread::scope(|scope| {
        for _ in 0..options.parallel {
            scope.spawn(|| {
                loop {
                    if control.stopped().is_some() {
                        if said.fetch_add(1, Ordering::SeqCst) == 0 {
                            let reason = "no new flows are started".into();
                            sink.emit(RunEvent::Stopping { reason });
                        }
                        return;
                    }
                    let number = next.fetch_add(1, Ordering::SeqCst);
                    if number > options.flows {
                        return;
                    }
                    flow(number, &info, &options, &*sink, control);
                }
            });
        }
    });
    let interrupted = control.stopped().is_some();
    let elapsed = began.elapsed();
    sink.emit(RunEvent::RunEnded {
        elapsed,
        interrupted,
    });
    Ok(RunEnd {
        interrupted,
        elapsed,
        left_over: Leftovers::default(),
    })
}

fn flow(
    number: u64,
    info: &RunInfo,
    options: &RunOptions,
    sink: &dyn EventSink,
    control: &Control,
) {
    let flow = FlowNumber(number);
    let started_at = Local::now();
    let began = Instant::now();
    let variable = |name: &str| options.variables.iter().rev().find(|(it, _)| it == name);
    let customer =
        variable("customer_id").map_or(format!("CUST{number:03}"), |(_, value)| value.clone());
    let fails = variable("customer_password").is_some() && number % 3 == 1;
    let pause = options.delay.unwrap_or(Duration::from_millis(5));
    let variables = vec![
        ("customer_id".to_owned(), customer),
        ("customer_password".to_owned(), "***".to_owned()),
    ];
    sink.emit(RunEvent::FlowStarted {
        flow,
        variables: variables.clone(),
    });
    let mut record = FlowRecord {
        number: flow,
        id: FlowId::new(&info.id, flow),
        started_at,
        duration_us: 0,
        paused_us: 0,
        outcome: FlowOutcome::Completed,
        steps: vec![],
        captures: vec![],
        variables,
        processes: vec![],
    };
    let end = |instance: InstanceId, pid, ending, code| {
        control
            .live
            .lock()
            .unwrap()
            .retain(|script| script.instance != instance);
        let process = ProcessRecord {
            instance,
            pid,
            ending,
            exit: Some(code),
            usage: Usage {
                cpu_user_us: 3_000 + number % 7 * 100,
                cpu_system_us: 900,
                peak_rss_bytes: 7 << 20,
            },
            startup_us: Some(2_400 + number % 5 * 100),
            lifetime_us: u64::try_from(began.elapsed().as_micros()).unwrap(),
        };
        sink.emit(RunEvent::ScriptEnded(Box::new(process.clone())));
        process
    };
    for (index, step) in info.steps.iter().enumerate() {
        let index = StepIndex(index);
        let started = began.elapsed();
        let instance = InstanceId {
            flow,
            role: step.role,
            attempt: 1,
        };
        let pid = 4_000 + u32::try_from(number * 10).unwrap() + step.role.0 as u32;
        sink.emit(RunEvent::StepStarted { flow, step: index });
        if index.0 % 2 == 0 {
            control.live.lock().unwrap().push(LiveScript {
                instance,
                role: info.roles[step.role.0].title.clone(),
                pid,
                state: step.name.clone(),
                age: Duration::from_millis(3),
                cpu_us: 2_000,
                rss_bytes: 7 << 20,
            });
            let command = info.roles[step.role.0].command.clone();
            sink.emit(RunEvent::ScriptStarted {
                instance,
                pid,
                command,
            });
        }
        if sink.wants_dialogue() {
            let text = "\x1b[2JSelect operation (0-6): ".into();
            sink.emit(RunEvent::Heard { instance, text });
            sink.emit(RunEvent::Said {
                instance,
                text: "1".into(),
            });
        }
        thread::sleep(pause);
        for (at, name, value) in [(1, "order_id", "ORD"), (7, "delivery_id", "DEL")] {
            if at == index.0 {
                let value = format!("{value}-20260131-142530-{number:06}");
                record.captures.push((name.into(), value.clone()));
                let name = name.into();
                sink.emit(RunEvent::Captured {
                    flow,
                    step: index,
                    name,
                    value,
                });
            }
        }
        let mut outcome = StepOutcome::Completed;
        let mut failure = None;
        if control.stopped() == Some(Stop::Now) {
            outcome = StepOutcome::Interrupted;
            record.outcome = FlowOutcome::Interrupted;
        } else if fails && index.0 == 3 {
            outcome = StepOutcome::Failed;
            let why = Failure {
                kind: FailureKind::Timeout,
                step: step.name.clone(),
                role: info.roles[step.role.0].name.clone(),
                turn: "order-flow.yaml:97".into(),
                message: "awaited a line with `Order processed`".into(),
                awaited: vec!["see `Order processed`".into(), "prompt `Retry?`".into()],
                waited_us: 30_000_000,
                activity: Activity::WaitingForInput,
                tail: "=== PENDING ORDERS ===\n\x1b[31m1. ORD-1\x1b[0m ₹1,299.00\nSelect order: "
                    .into(),
                hint: Some("the program asks something that the scenario does not answer".into()),
            };
            record.outcome = FlowOutcome::Failed(Box::new(why.clone()));
            failure = Some(Box::new(why));
        }
        let duration = began.elapsed() - started;
        record.steps.push(StepRecord {
            step: index,
            outcome: outcome.clone(),
            started_after_us: u64::try_from(started.as_micros()).unwrap(),
            duration_us: u64::try_from(duration.as_micros()).unwrap(),
            paused_us: 0,
        });
        sink.emit(RunEvent::StepEnded {
            flow,
            step: index,
            outcome,
            duration,
            failure,
        });
        if record.outcome != FlowOutcome::Completed {
            record
                .processes
                .push(end(instance, pid, Ending::Terminated, ExitCause::Signal(1)));
            break;
        }
        if index.0 % 2 == 1 {
            record
                .processes
                .push(end(instance, pid, Ending::Itself, ExitCause::Code(0)));
        }
    }
    record.duration_us = u64::try_from(began.elapsed().as_micros()).unwrap();
    sink.emit(RunEvent::FlowEnded(Box::new(record)));
}
