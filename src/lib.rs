//! Load tests for interactive, menu-driven command-line programs.
//!
//! Rehearsal starts real programs, waits for their prompts, logs in, navigates their menus, reads
//! ids from their output and passes them to the next program: one business journey, a *flow*, once
//! or ten thousand times, many in parallel. It reports latencies, percentiles and failures with
//! their causes. This is the library behind the `rehearsal` program.
//!
//! ```
//! use rehearsal::{Role, Run, Scenario, Step, Turn};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let program = r#"printf 'Name: '; read -r name; echo "Ticket T-$$ for $name""#;
//! let desk = Role::new("desk", ["sh", "-c", program]).action("open_ticket", [
//!     Turn::prompt("Name:").send("${who}"),
//!     Turn::see(r"/Ticket (?<ticket>T-\d+) for ${who}/"),
//!     Turn::exits(0),
//! ]);
//! let scenario = Scenario::builder("tickets")
//!     .variable("who", "ann")
//!     .role(desk)
//!     .step(Step::new("1_open_ticket", "desk", "open_ticket").provides(["ticket"]))
//!     .build()?;
//!
//! let outcome = Run::new(scenario).flows(20).parallel(5).threshold("flow.p95 < 30s")?.start()?;
//! assert!(outcome.passed(), "{:?}", outcome.summary().failures);
//! assert_eq!(outcome.summary().flow_duration.unwrap().count, 20);
//! assert!(outcome.flows()[0].captures[0].1.starts_with("T-"));
//! # Ok(())
//! # }
//! ```
//!
//! [`Scenario::from_file`] reads the scenario language instead; [`Run`] has the load, thresholds
//! and events; [`RunOutcome`] the figures and the flows.
//!
//! # Bird's-eye view
//!
//! ```text
//!  scenario file ─► raw ─► compile ─► Plan (checked, immutable, shared)
//!                                      │
//!                               ┌──────▼───────┐ one per run, on the calling thread
//!                               │ Coordinator  │ load model, fan-out, histograms, stopping
//!                               └──┬────────▲──┘
//!                            start │        │ FlowEnded, one message a flow
//!                      ┌───────────▼────────┴──┐ on worker arbiters, one per two cores
//!                      │    FlowSupervisor     │ sequences the steps of one flow; owns its values
//!                      └──┬─────────────────▲──┘
//!                 Perform │                 │ Performed
//!                      ┌──▼─────────────────┴──┐ on the same arbiter as its supervisor
//!                      │      ScriptActor      │ owns one subprocess and its dialogue
//!                      └───────────────────────┘
//!   RunEvents ─► EventSink ─► reporters: terminal, progress, log, JSON lines, flows file, bundles
//! ```
//!
//! The coordinator counts every flow as it ends: [`engine::run`] returns the figures, and reporters
//! only consume events. Flows share pools of script instances and gates through the coordinator,
//! too: a flow that needs one asks before its step and releases it afterwards.
//!
//! # Code map
//!
//! Each module imports only from those above it in this list; a test reads the sources to keep
//! that true.
//!
//! - [`model`]: ids, outcomes, failures, the flow record, events.
//! - [`terminal`]: bytes of a terminal as lines of text and as a screen; keys, and the echo of
//!   input; answers to queries. Pure.
//! - [`dialogue`]: waits, patterns, menu rows: what counts as evidence in that text. Pure.
//! - [`stats`]: histograms, tallies, thresholds, verdicts. Numbers in, numbers out.
//! - [`scenario`]: the language: from YAML to a checked plan; values of a flow; the masking of
//!   secrets.
//! - [`process`]: the only place that starts, signals or reaps a process.
//! - [`engine`]: the actors, and the state machines that decide for them.
//! - [`api`]: the Rust API, re-exported at the root of the crate.
//! - [`report`]: reporters and renderers, one file for each output; the versioned result record.
//! - [`recorder`]: a person's work with programs, recorded, and the scenario inferred from it.
//! - `guide`: pages for users. Behind the feature `cli`.
//! - `baseline`: kept runs, their history, comparisons of them. Behind the feature `cli`.
//! - `cli`: arguments, settings, commands, exit codes. Behind the feature `cli`.
//!
//! The shop, the built-in system under test, belongs to the binary and not to this library.
//!
//! # Where to change what
//!
//! | change | files |
//! | --- | --- |
//! | how a program is killed | `src/process/process_state.rs` sends signals to a process and its group, `src/process/termination/tree.rs` to its other descendants; `src/process/termination/state.rs` decides when |
//! | how a fault kills a program | `src/process/faults.rs` |
//! | how a percentile is computed | `src/stats/histogram.rs`; `src/stats/sliding.rs` for windows of time |
//! | when a run stops | `src/engine/coordinator/stop.rs` has all causes and what they lead to, `src/engine/control.rs` is the caller's handle, `src/engine/schedule.rs` the load, `src/stats/thresholds/live.rs` thresholds with `stop` |
//! | which text counts as evidence | `src/dialogue/output_stream/matching.rs`, `src/terminal/echo.rs` |
//! | what a screen shows, and when its cells were written | `src/terminal/screen.rs`, `src/terminal/screen/stamps.rs` |
//! | what a program learns that asks its terminal | `src/terminal/queries.rs` |
//! | which text on a screen counts as evidence | `src/dialogue/screen/evidence.rs`, `src/dialogue/screen/typed.rs`; when a screen has settled: `src/dialogue/screen/output.rs`, `src/dialogue/screen/condition.rs` |
//! | how rows are chosen and forms are filled on a screen | `src/dialogue/screen/select.rs`, `src/dialogue/screen/fill.rs` |
//! | what a screen shows, answers to a program's queries | `src/terminal/screen.rs`, `src/terminal/queries.rs` |
//! | how secrets are masked | `src/scenario/secrets.rs` has the algorithm; `src/scenario/scope.rs` knows the secrets of a flow |
//! | where secrets are masked | where text leaves the engine: `src/engine/context.rs`, `src/engine/audit.rs`, `src/engine/script/machine/reporting.rs`, `src/engine/script/machine.rs` (screens), `src/engine/script/interpreter/reply.rs`, `src/engine/script/interpreter/outcome.rs`, `src/engine/script/transcript/rendering.rs` (and `shown_secrets.rs` there, for screens); the scenario in a bundle: `src/scenario/plan/masking.rs` |
//! | a report format, during the run | a [`report::Reporter`], in a file such as `src/report/json_lines.rs`, added to the list in `src/cli/run.rs` |
//! | a report format, after the run | a function of the figures, such as `src/report/terminal.rs` or `src/report/result_file.rs` |
//! | which loads a search for the capacity tries | `src/stats/capacity/search.rs`; its trials: `src/cli/capacity/trials.rs`; its report: `src/report/capacity.rs` |
//! | jobs on several machines | `src/cli/launch/job.rs`, with a file for each engine beside it; their results: `src/cli/launch/collect.rs`, `src/report/merge.rs` |
//! | the HTML report | `src/report/html.rs`; what it shows is in `src/report/html/data.rs`, how in `src/report/html/assets`; the course over time is `src/stats/timeline.rs` |
//! | the live page | `src/report/html/live.rs`, with `src/report/html/live/view.rs` for what it shows and `src/report/html/live/access.rs` for who may; `src/cli/live.rs` has its buttons, `src/engine/schedule.rs` and `src/engine/coordinator/load_changes.rs` what they change |
//! | live figures of segments | `src/report/segments/snapshot.rs` is what each publishes, `src/report/segments/collection.rs` which of them counts, `src/report/segments/merged.rs` what they are together; `src/report/segments/folder.rs` and `src/report/segments/nats.rs` carry them; `src/cli/watching.rs` and `src/report/html/live/merged.rs` show them |
//! | an output for other programs | `src/report/junit.rs`, `src/report/markdown.rs`, `src/report/annotations.rs`, `src/report/csv.rs`, `src/report/otlp.rs`, `src/report/prometheus.rs`; opened in `src/cli/exports.rs` |
//! | how runs are compared | `src/stats/comparison.rs`; what the machine explains: `src/stats/comparison/machine.rs`; which runs can be compared: `src/baseline/conditions.rs` |
//! | the history and its trends | `src/baseline/history.rs`, `src/stats/change_points.rs`; shown by `src/cli/history/trend.rs` and `src/report/html/history.rs` |
//! | when scheduled runs are due | `src/cli/schedule/agenda.rs` |
//! | a file of a saved run | `src/report/result_directory.rs` creates it, `src/report/recorder.rs` writes flows and bundles, `src/report/saved.rs` reads it |
//! | what a recording becomes | `src/recorder/inference.rs`; turns: `src/recorder/inference/sessions.rs`, waits: `src/recorder/inference/anchors.rs`, values: `src/recorder/inference/replies.rs`, `src/recorder/inference/captures.rs`, text: `src/recorder/inference/compose.rs`; into an edited scenario: `src/recorder/inference/merge.rs` |
//! | films of bundles | `src/report/bundle/film.rs` writes and reads them, `src/cli/replay/watch.rs` plays them |
//! | an option of a step | `src/scenario/vocabulary/flow.rs` (key, schema, help), `src/scenario/compile/flow.rs` (check), `src/scenario/plan.rs` (result), then its consumer, mostly in `src/engine/flow/`; snapshots `every_turn` and `missing_keys` |
//! | an option of the command line | `src/cli/args.rs`, `src/cli/settings.rs` |
//!
//! # Invariants
//!
//! - **A step is completed only by evidence in the program's own output.** Nothing is inferred
//!   from elapsed time, from silence, or from an exit code alone.
//! - **Nothing sleeps to synchronise.** Every wait is for output, for an exit, or for a deadline.
//!   In a dialogue, only what the kernel does not report is polled: a terminal's echo setting, its
//!   unread input, and, for `reads` and for prompts that are not written to their end, whether the
//!   program waits for input.
//!   Outside of dialogues, the reaper looks for orphans about once a second, and the watcher that
//!   cleans up after a killed run polls the processes that it has signalled.
//! - **The outcome does not depend on how the output was split into reads.** See [`dialogue`].
//! - **No process is left behind.** Dropping a child hands it to a thread that ends it. See
//!   [`process`].
//! - **A failure is shown as recorded, not reconstructed.** Each script actor keeps a bounded
//!   transcript, which is read, and masked, only for the flows whose evidence is kept.
//! - **Chance has a seed.** Data rows, random choices, pauses and faults depend on the run's seed,
//!   the flow, the step and the attempt, and on nothing else.
//! - **Reporters only consume.** They neither stop a run nor choose what is recorded, and a slow
//!   one changes no figure: engine and reporters meet at [`model::RunEvent`]. The live page's buttons
//!   go the way of signals, from the program to [`engine::Control`].
//! - Secrets are masked before they leave the engine.
//! - The real environment is read by the program (`cli`) and by the API's front door ([`api`]), and
//!   nowhere else.

pub mod api;
#[cfg(feature = "cli")]
pub mod baseline;
#[cfg(feature = "cli")]
pub mod cli;
pub mod dialogue;
pub mod engine;
#[cfg(feature = "cli")]
pub mod guide;
pub mod model;
pub mod process;
pub mod recorder;
pub mod report;
pub mod scenario;
pub mod stats;
pub mod terminal;

pub use api::{Role, Run, RunError, RunOutcome, Scenario, ScenarioBuilder, Step, Turn};
