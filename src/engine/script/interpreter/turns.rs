//! Starts turns and their waits.

use std::sync::Arc;
use std::time::Duration;

use crate::dialogue::{Awaited, Dialogue, WaitSet};
use crate::engine::values::Snapshot;
use crate::model::FailureKind;
use crate::scenario::{Scope, TurnKind, Wait};

use super::frames::{Frame, OpenWait, TurnRef, loops, repeats};
use super::vocabulary::{ActionError, Effect};
use super::{ActionInterpreter, State};

impl ActionInterpreter {
    /// Begins the next turn or round.
    pub(super) fn next(
        &mut self,
        values: &mut Snapshot,
        dialogue: &mut Dialogue,
    ) -> Result<Effect, ActionError> {
        loop {
            let Some(top) = self.frames.last_mut() else {
                return self.finish(values);
            };
            match top {
                Frame::Turns { turns, next } => {
                    if *next < turns.len() {
                        let turn = TurnRef {
                            turns: Arc::clone(turns),
                            index: *next,
                        };
                        *next += 1;
                        if let Some(next) = self.begin_turn(turn, values, dialogue)? {
                            return Ok(next);
                        }
                    } else {
                        self.frames.pop();
                    }
                }
                Frame::Repeat { turn, round, .. } => {
                    let turn = turn.clone();
                    let TurnKind::Repeat {
                        turns,
                        at_most,
                        every,
                        ..
                    } = &turn.get().kind
                    else {
                        unreachable!("a repeat frame holds a repeat turn");
                    };
                    *round += 1;
                    // The round after the last allowed one only waits for `until` as the answer to
                    // the last one: see `check_rounds`.
                    if *round > *at_most + 1 {
                        return Err(ActionError::too_many_rounds(*at_most));
                    }
                    let pause = every.filter(|_| *round > 1);
                    self.frames.push(Frame::Turns {
                        turns: Arc::clone(turns),
                        next: 0,
                    });
                    if let Some(at_most) = pause {
                        self.listen(None, values, dialogue)?;
                        return Ok(Effect::RoundPause { at_most });
                    }
                }
                Frame::FirstOf { turn, wait } => {
                    let turn = turn.clone();
                    if let Some(wait) = wait.clone() {
                        self.begin_wait(wait, dialogue);
                        return Ok(Effect::Listen {
                            within: turn.get().within,
                        });
                    }
                    let within = turn.get().within;
                    self.listen(Some(turn), values, dialogue)?;
                    let begun = self.wait.clone();
                    if let Some(Frame::FirstOf { wait, .. }) = self.frames.last_mut() {
                        *wait = begun;
                    }
                    return Ok(Effect::Listen { within });
                }
            }
        }
    }

    /// All turns are done: so is the step, if it provides its promised values.
    fn finish(&mut self, values: &Scope) -> Result<Effect, ActionError> {
        let missing: Vec<&str> = self
            .provides
            .iter()
            .map(String::as_str)
            .filter(|name| {
                !values
                    .captures()
                    .iter()
                    .any(|(captured, _)| **captured == **name)
            })
            .collect();
        if missing.is_empty() {
            self.state = State::Over;
            return Ok(Effect::Done);
        }
        Err(ActionError::new(
            FailureKind::NotProvided,
            format!("the step ended without a value for {}", missing.join(", ")),
        )
        .with_hint("the branch that was taken captures no such value: let every alternative that counts as success capture it"))
    }

    /// Begins one turn; `None` if it is over already.
    fn begin_turn(
        &mut self,
        turn: TurnRef,
        values: &mut Snapshot,
        dialogue: &mut Dialogue,
    ) -> Result<Option<Effect>, ActionError> {
        let entry = turn.get();
        self.place = Some(entry.place.clone());
        self.wait = None;
        self.command_wait = None;
        match &entry.kind {
            TurnKind::Exchange { .. } => {
                let within = entry.within;
                self.listen(Some(turn), values, dialogue)?;
                Ok(Some(Effect::Listen { within }))
            }
            TurnKind::FirstOf(alternatives) => {
                if alternatives.iter().any(loops) {
                    dialogue.enter_loop();
                    self.frames.push(Frame::FirstOf { turn, wait: None });
                    return Ok(None);
                }
                let within = entry.within;
                self.listen(Some(turn), values, dialogue)?;
                Ok(Some(Effect::Listen { within }))
            }
            TurnKind::Repeat { until, .. } => {
                let until = until.resolve(values)?;
                dialogue.enter_loop();
                self.frames.push(Frame::Repeat {
                    turn,
                    round: 0,
                    until,
                });
                Ok(None)
            }
            TurnKind::Think { least, most } => {
                self.state = State::Pausing;
                Ok(Some(Effect::Pause(self.draw(*least, *most))))
            }
            TurnKind::Resize(size) => {
                self.state = State::Pausing;
                Ok(Some(Effect::Resize(*size)))
            }
            TurnKind::Assert(expression) => {
                if expression.is_true(values)? {
                    return Ok(None);
                }
                Err(ActionError::new(
                    FailureKind::AssertionFailed,
                    format!(
                        "`{}` is not true: {}",
                        expression.source(),
                        expression.values(values)
                    ),
                ))
            }
            TurnKind::Run { argv, see, .. } => {
                let argv = argv
                    .iter()
                    .map(|word| word.render(values))
                    .collect::<Result<_, _>>()?;
                let mut awaited = "the command's end with exit code 0".to_owned();
                for spec in see {
                    let pattern = spec.resolve(values)?;
                    awaited.push_str(&format!(", with the line {pattern}"));
                }
                self.command_wait = Some(awaited);
                self.state = State::RunningCommand { turn };
                Ok(Some(Effect::Run(argv)))
            }
        }
    }

    fn draw(&mut self, least: Duration, most: Duration) -> Duration {
        if most <= least {
            return least;
        }
        least + (most - least).mul_f64(self.rng.f64())
    }

    /// Begins the wait of `turn`, in which the `until` of every `repeat` around it counts as well.
    fn listen(
        &mut self,
        turn: Option<TurnRef>,
        values: &Scope,
        dialogue: &mut Dialogue,
    ) -> Result<(), ActionError> {
        let untils = repeats(&self.frames).count();
        let common = turn.as_ref().filter(|_| untils == 0);
        let set = match common.and_then(|turn| turn.get().common_waits()) {
            Some(set) if self.tolerated.is_empty() => set.clone(),
            Some(set) => set.again(self.tolerated.clone()),
            None => {
                let awaited = self.alternatives(turn.as_ref(), values)?;
                WaitSet::new(&awaited, self.tolerated.clone())
            }
        };
        self.begin_wait(OpenWait { turn, untils, set }, dialogue);
        Ok(())
    }

    /// Builds the wait of `turn`, with the values of this flow. Every `until` first: what ends a
    /// repeat wins over what goes on with it at the same place.
    fn alternatives(
        &self,
        turn: Option<&TurnRef>,
        values: &Scope,
    ) -> Result<Vec<Awaited>, ActionError> {
        let mut awaited = Vec::new();
        for frame in &self.frames {
            if let Frame::Repeat { until, .. } = frame {
                awaited.push(until.clone());
            }
        }
        for wait in turn.into_iter().flat_map(|turn| turn.get().waits()) {
            if let Wait::For(spec) = wait {
                awaited.push(spec.resolve(values)?);
            }
        }
        Ok(awaited)
    }

    fn begin_wait(&mut self, wait: OpenWait, dialogue: &mut Dialogue) {
        if let Some(turn) = &wait.turn {
            self.place = Some(turn.get().place.clone());
        }
        dialogue.begin(&wait.set);
        self.wait = Some(wait);
        self.state = State::Waiting;
    }
}
