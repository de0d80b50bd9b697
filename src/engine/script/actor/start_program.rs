//! Starts a script actor's program.

use std::sync::Arc;
use std::time::Instant;

use actix::prelude::*;

use crate::dialogue::{Dialogue, DialogueSettings};
use crate::engine::live_scripts::LiveScriptEntry;
use crate::engine::messages::{PendingReport, Perform, Performed, Timing};
use crate::engine::script::interpreter::ActionError;
use crate::engine::script::transcript::Transcript;
use crate::model::{FailureKind, Happening, RunEvent, TerminalKind};
use crate::process::{Child, SpawnError};
use crate::terminal::ScreenSize;

use super::super::command;
use super::super::machine::reporting::failure;
use super::super::machine::{DialogueEvents, MachineSettings, ScriptMachine};
use super::{Script, ScriptActor, State};
use crate::engine::faults::filter::FaultFilter;

impl ScriptActor {
    pub(super) fn start_program(&mut self, perform: Box<Perform>, ctx: &mut Context<Self>) {
        let ordered_at = Instant::now();
        if self.refuses(&perform) {
            let error = ActionError::new(
                FailureKind::NotStarted,
                "the program was not started, as if it were not there",
            );
            return self.fail_to_start(*perform, error);
        }
        match command::for_role(&self.run, self.instance(), &perform.values) {
            Ok(command) => {
                let shown = perform
                    .values
                    .mask(&command::shown(&command.argv))
                    .into_owned();
                self.state = State::Starting {
                    perform,
                    ordered_at,
                    command: shown,
                    end: None,
                };
                let spawner = self.run.spawner.clone();
                let spawning = async move { spawner.spawn(command).await };
                ctx.spawn(
                    spawning
                        .into_actor(self)
                        .map(|spawned, actor, ctx| actor.spawned(spawned, ctx)),
                );
            }
            Err(error) => self.fail_to_start(*perform, error),
        }
    }

    pub(super) fn fail_to_start(&mut self, perform: Perform, error: ActionError) {
        let now = Instant::now();
        self.state = State::Over;
        let failure = failure(
            &self.run.plan,
            self.instance().role,
            &perform.values,
            perform.kind,
            error,
        );
        let instance = self.instance();
        self.reporter.performed(Performed {
            instance,
            kind: perform.kind,
            result: Err(failure),
            timing: Timing::between(now, now),
            turns: Vec::new(),
            transcript: None,
            pending: PendingReport::default(),
        });
    }

    pub(super) fn spawned(&mut self, spawned: Result<Child, SpawnError>, ctx: &mut Context<Self>) {
        let State::Starting {
            perform,
            ordered_at,
            command,
            end,
        } = std::mem::replace(&mut self.state, State::Over)
        else {
            return;
        };
        let mut child = match spawned {
            Ok(child) => child,
            Err(error) => {
                let shown = perform.values.mask(&error.to_string()).into_owned();
                let error = ActionError::new(FailureKind::NotStarted, shown);
                self.fail_to_start(*perform, error);
                if end.is_some() {
                    self.finish(None, ctx);
                }
                return;
            }
        };
        let matcher = match self.run.matcher(self.instance().role, &perform.values) {
            Ok(matcher) => matcher,
            Err(error) => {
                self.fail_to_start(*perform, error.into());
                if end.is_some() {
                    self.finish(None, ctx);
                }
                return;
            }
        };
        let pid = child.pid();
        if let Some(events) = child.events() {
            ctx.add_stream(events);
        }
        self.run.live.insert(
            self.instance(),
            LiveScriptEntry {
                role: self.role().title.clone(),
                pid,
                state: "starting".to_owned(),
                started_at: ordered_at,
            },
        );
        let size = match self.role().terminal {
            TerminalKind::Pty { rows, columns } => Some(ScreenSize { rows, columns }),
            TerminalKind::Pipes => None,
        };
        let screen = size.filter(|_| self.role().has_screen);
        let transcript = self.run.keeps_transcripts.then(|| {
            let mut transcript = Box::new(Transcript::new(self.instance(), screen));
            let command = command.clone();
            transcript.note(Happening::Started { pid, command }, child.started_at());
            transcript
        });
        self.run.emit(RunEvent::ScriptStarted {
            instance: self.instance(),
            pid,
            command,
        });
        let settings = DialogueSettings {
            columns: size.map(|size| size.columns),
            screen,
            quiet: self.run.plan.defaults.quiet,
        };
        let dialogue = Dialogue::new(matcher, settings, ordered_at);
        let dialogue_events = match (self.run.recording.dialogue, self.run.captures_secrets) {
            (false, _) => DialogueEvents::Never,
            (true, true) => DialogueEvents::WithReplies,
            (true, false) => DialogueEvents::Promptly,
        };
        let settings = MachineSettings {
            plan: Arc::clone(&self.run.plan),
            dialogue_events,
        };
        let masker = perform.values.masker();
        self.state = State::Alive(Box::new(Script {
            child,
            machine: ScriptMachine::new(settings, self.instance(), dialogue, transcript, masker),
            filter: FaultFilter::default(),
            ordered_at,
            first_output_at: None,
            end_ordered: false,
            leaves_since: None,
        }));
        match end {
            Some(grace) => self.end(grace, ctx),
            None => self.begin_run(*perform, Some(ordered_at), ctx),
        }
    }
}
