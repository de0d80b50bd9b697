//! Integration tests, by behaviour: one crate, so that the library is linked once.
//!
//! Scenarios are in `fixtures`, shared helpers in `support`, snapshots in `snapshots`.
//!
//! Tests that need a process for themselves are beside this directory: `allocations` (a counting
//! allocator), `memory` (the process's peak), `process_alone` (descriptors, threads, children).

mod api;
mod baselines;
mod capacity;
mod chaos;
mod chaos_shop;
mod cleanup;
mod cli;
mod echo;
mod engine;
mod evidence;
mod exports;
mod figures;
mod films;
mod hostile;
mod html;
mod init;
mod integrity;
mod language;
mod launch;
mod layers;
mod live;
mod loads;
mod menu;
mod order_flow;
mod process;
mod progress;
mod python;
mod readme;
mod record;
mod replies;
mod report;
mod saved;
mod scenario;
mod scenario_errors;
mod scenario_fuzz;
mod scenario_screens;
mod screen_lists;
mod screens;
mod segments;
mod shop;
mod stalls;
mod support;
mod surroundings;
mod verdicts;
mod watch;
