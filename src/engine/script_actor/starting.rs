//! How a script actor starts its program.

use std::time::Instant;

use actix::prelude::*;

use crate::dialogue::{Dialogue, Settings};
use crate::engine::context::Running;
use crate::engine::messages::{Perform, Performed, Timing};
use crate::engine::performance::Fault;
use crate::engine::transcript::Transcript;
use crate::model::{FailureKind, Happening, RunEvent};
use crate::process::{Child, SpawnError};
use crate::scenario::TerminalKind;

use super::{Script, ScriptActor, State, command};

impl ScriptActor {
    pub(super) fn start_program(&mut self, perform: Box<Perform>, ctx: &mut Context<Self>) {
        let ordered_at = Instant::now();
        if self.refuses(&perform) {
            let fault = Fault::new(
                FailureKind::NotStarted,
                "the program was not started, as if it were not there",
            );
            return self.fail_to_start(*perform, fault);
        }
        match command::for_role(&self.run, self.instance.role, &perform.scope) {
            Ok(command) => {
                let shown = perform
                    .scope
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
            Err(fault) => self.fail_to_start(*perform, fault),
        }
    }

    pub(super) fn fail_to_start(&mut self, perform: Perform, fault: Fault) {
        let now = Instant::now();
        self.state = State::Over;
        let failure = self.failure(&perform.scope, perform.what, fault, |_| {});
        self.obituary.performed(Performed {
            instance: self.instance,
            what: perform.what,
            scope: perform.scope,
            result: Err(failure),
            timing: Timing::between(now, now),
            turns: Vec::new(),
            transcript: None,
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
                let shown = perform.scope.mask(&error.to_string()).into_owned();
                let fault = Fault::new(FailureKind::NotStarted, shown);
                self.fail_to_start(*perform, fault);
                if end.is_some() {
                    self.finish(None, ctx);
                }
                return;
            }
        };
        let watch = match self.run.watch(self.instance.role, &perform.scope) {
            Ok(watch) => watch,
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
            self.instance,
            Running {
                role: self.role().title.clone(),
                pid,
                state: "starting".to_owned(),
                started_at: ordered_at,
            },
        );
        let transcript = self.run.keeps_transcripts.then(|| {
            let mut transcript = Box::new(Transcript::new(self.instance));
            let command = command.clone();
            transcript.note(Happening::Started { pid, command }, child.started_at());
            transcript
        });
        self.run.emit(RunEvent::ScriptStarted {
            instance: self.instance,
            pid,
            command,
        });
        let settings = Settings {
            terminal: matches!(self.role().terminal, TerminalKind::Pty { .. }),
            quiet: self.run.plan.defaults.quiet,
        };
        let dialogue = Dialogue::new(watch, settings, ordered_at);
        self.state = State::Alive(Box::new(Script {
            child,
            dialogue,
            transcript,
            masker: perform.scope.masker(),
            ordered_at,
            first_output_at: None,
            ended: None,
            job: None,
            end_ordered: false,
            leaves_since: None,
            struck_down: false,
            frozen_until: None,
        }));
        match end {
            Some(grace) => self.end(grace, ctx),
            None => self.begin_job(*perform, Some(ordered_at), ctx),
        }
    }
}
