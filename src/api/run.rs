//! A run of a scenario, and its outcome.

use std::env;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::engine::{self, Control, EngineError, Recording, RunOptions};
use crate::model::{EventSink, FlowRecord, RunEvent};
use crate::scenario::{Load, Overrides};
use crate::stats::{Summary, Threshold, ThresholdError};

use super::Scenario;

/// A configured run: a scenario, its load, and observers.
///
/// ```no_run
/// use rehearsal::{Run, Scenario};
/// use std::time::Duration;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let outcome = Run::new(Scenario::from_file("order-flow.yaml")?)
///     .flows(200)
///     .parallel(20)
///     .variable("customer_password", "customer123")
///     .step_timeout(Duration::from_secs(5))
///     .threshold("flow.p95 < 2s")?
///     .start()?;
/// println!("{} of 200 completed", outcome.summary().flows.completed);
/// # Ok(())
/// # }
/// ```
pub struct Run {
    scenario: Scenario,
    flows: Option<u64>,
    parallel: Option<u64>,
    overrides: Overrides,
    seed: u64,
    thresholds: Vec<Threshold>,
    dialogue: bool,
    keeps_flows: bool,
    observer: Option<Observer>,
    control: Control,
}

type Observer = Box<dyn Fn(&RunEvent) + Send + Sync>;

impl Run {
    /// Creates a run with the scenario's load, usually a single flow.
    pub fn new(scenario: Scenario) -> Self {
        Run {
            scenario,
            flows: None,
            parallel: None,
            overrides: Overrides::default(),
            seed: 1,
            thresholds: Vec::new(),
            dialogue: false,
            keeps_flows: true,
            observer: None,
            control: Control::new(),
        }
    }

    /// Sets the number of flows.
    #[must_use]
    pub fn flows(self, flows: u64) -> Self {
        Run {
            flows: Some(flows),
            ..self
        }
    }

    /// Sets the number of flows in flight at a time.
    #[must_use]
    pub fn parallel(self, parallel: u64) -> Self {
        Run {
            parallel: Some(parallel),
            ..self
        }
    }

    /// Sets the whole load, such as flows at a rate. [`Run::flows`] and [`Run::parallel`] replace
    /// it.
    #[must_use]
    pub fn load(mut self, load: Load) -> Self {
        self.overrides.load = Some(load);
        self
    }

    /// Sets the value of a variable of the scenario.
    #[must_use]
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.overrides
            .variables
            .push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets the time limit of every step, of `leave`, and of a pooled instance's return.
    #[must_use]
    pub fn step_timeout(mut self, limit: Duration) -> Self {
        self.overrides.step_timeout = Some(limit);
        self
    }

    /// Sets the seed of all random choices; 1 if unset.
    #[must_use]
    pub fn seed(self, seed: u64) -> Self {
        Run { seed, ..self }
    }

    /// Adds a threshold to those of the scenario, such as `flow.p95 < 2s`.
    ///
    /// # Errors
    /// If the text is not a valid threshold of this scenario.
    pub fn threshold(mut self, text: &str) -> Result<Self, ThresholdError> {
        let steps = self.scenario.plan.steps.iter();
        let steps: Vec<_> = steps.map(|step| step.name.as_str()).collect();
        let threshold = Threshold::parse(text, &steps)?;
        self.thresholds.push(threshold);
        Ok(self)
    }

    /// Calls `observer` with every event, from the threads of the run: it must not block.
    #[must_use]
    pub fn on_event(self, observer: impl Fn(&RunEvent) + Send + Sync + 'static) -> Self {
        Run {
            observer: Some(Box::new(observer)),
            ..self
        }
    }

    /// Also emits programs' output and typed text as events.
    #[must_use]
    pub fn with_dialogue(self) -> Self {
        Run {
            dialogue: true,
            ..self
        }
    }

    /// Discards flow records, which take a few kilobytes each; figures are not affected.
    #[must_use]
    pub fn without_flows(self) -> Self {
        Run {
            keeps_flows: false,
            ..self
        }
    }

    /// Returns a handle that stops the run from another thread.
    pub fn control(&self) -> Control {
        self.control.clone()
    }

    /// Runs until every flow and every process has ended.
    ///
    /// The run has a separate thread, so that this can be called from any thread.
    ///
    /// # Errors
    /// If Rehearsal itself fails. A failed flow is part of the outcome.
    pub fn start(self) -> Result<RunOutcome, RunError> {
        let Scenario { plan, programs, .. } = self.scenario;
        let mut overrides = self.overrides;
        if self.flows.is_some() || self.parallel.is_some() {
            let parallel = self.parallel.unwrap_or(1);
            let flows = self.flows.unwrap_or(parallel);
            overrides.load = Some(Load::closed(flows, parallel));
        }
        let mut thresholds = plan.thresholds.clone();
        thresholds.extend(self.thresholds);
        let directory = tempfile::Builder::new()
            .prefix("rehearsal-")
            .tempdir()
            .map_err(RunError::Directory)?;
        let options = RunOptions::new(Arc::new(plan.with_overrides(overrides)), programs)
            .seed(self.seed)
            .thresholds(thresholds)
            .recording(Recording {
                dialogue: self.dialogue,
                evidence: None,
            })
            .environment(env::vars_os().collect())
            .run_directory(directory.path().to_owned());
        let observed = Arc::new(Observed {
            flows: Mutex::new(self.keeps_flows.then(Vec::new)),
            observer: self.observer,
        });
        let sink = Arc::clone(&observed);
        let control = self.control;
        let outcome = std::thread::scope(|scope| {
            let running = scope.spawn(|| engine::run(options, sink, &control));
            running.join().unwrap_or(Err(EngineError::CoordinatorGone))
        })?;
        let mut flows = observed.flows().take().unwrap_or_default();
        flows.sort_by_key(|flow| flow.number);
        Ok(RunOutcome { outcome, flows })
    }
}

/// The receiver of a run's events.
struct Observed {
    /// The flows that have ended, if they are kept.
    flows: Mutex<Option<Vec<FlowRecord>>>,
    observer: Option<Observer>,
}

impl Observed {
    fn flows(&self) -> std::sync::MutexGuard<'_, Option<Vec<FlowRecord>>> {
        self.flows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl EventSink for Observed {
    fn emit(&self, event: RunEvent) {
        if let Some(observer) = &self.observer {
            observer(&event);
        }
        if let RunEvent::FlowEnded(flow) = event
            && let Some(flows) = &mut *self.flows()
        {
            flows.push(*flow);
        }
    }
}

/// The outcome of a run: figures and flows.
#[derive(Debug)]
pub struct RunOutcome {
    outcome: engine::RunResult,
    flows: Vec<FlowRecord>,
}

impl RunOutcome {
    /// Returns all figures: counts, rates, percentiles by flow and step, failures by cause.
    pub fn summary(&self) -> &Summary {
        &self.outcome.summary
    }

    /// Returns the figures with histograms, stop cause and leftover processes.
    pub fn details(&self) -> &engine::RunResult {
        &self.outcome
    }

    /// Returns the flows ordered by number; empty after [`Run::without_flows`].
    pub fn flows(&self) -> &[FlowRecord] {
        &self.flows
    }

    /// Returns `true` if every flow completed and every threshold holds.
    pub fn passed(&self) -> bool {
        let summary = self.summary();
        let flows = &summary.flows;
        let all_completed = flows.failed + flows.interrupted == 0 && flows.completed > 0;
        all_completed && summary.thresholds.iter().all(|it| it.holds)
    }
}

/// A run that could not be performed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The run's temporary directory could not be created.
    #[error("cannot make a temporary directory for the run: {0}")]
    Directory(#[source] io::Error),
    /// The engine failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
}
