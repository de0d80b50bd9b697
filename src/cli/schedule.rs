//! `rehearsal schedule`: runs at the times of a cron expression.

mod agenda;
mod times;

use chrono::Utc;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::report::{Output, sanitize};

use super::args::{Args, Command, ScheduleArgs};
use super::environment::CliEnvironment;
use super::error::CliError;
use super::exit::Exit;
use super::signals::{self, Signal};

use super::child::{Children, Ended, Waited};
use agenda::{Agenda, Missed};
use times::Times;

/// Makes the runs, one at a time, until a signal arrives.
pub(super) fn schedule(args: ScheduleArgs, environment: &CliEnvironment) -> Result<Exit, CliError> {
    check_command(&args, environment)?;
    let times = Times::new((*args.cron).clone(), args.time_zone);
    let mut agenda = Agenda::new(times, Utc::now());
    let (arrived, mut signals) = unbounded_channel();
    signals::watch(move |signal| {
        // Without a receiver the program is about to end anyway.
        let _ = arrived.send(signal);
    })
    .map_err(|error| CliError::system("cannot listen for signals", error))?;
    let children = Children::new(environment)?;
    let mut messages = Output::new(anstream::stderr());
    let mut exits = Vec::new();
    let mut made = 0;
    while args.times.is_none_or(|times| made < times) {
        let due = agenda.next()?;
        messages.line(&format!("Next run: {}", agenda.shown(due)));
        match children.wait_until(due, &mut signals) {
            Waited::Interrupted => {
                exits.push(Exit::Interrupted);
                break;
            }
            Waited::ClockSetBack => {
                messages.line("The clock was set back");
                agenda.set_back(Utc::now());
                continue;
            }
            Waited::Due => {}
        }
        if let Some(missed) = agenda.come(due, Utc::now())? {
            let why = "the machine was asleep or its clock was set";
            name_missed(&missed, why, &mut messages);
            continue;
        }
        made += 1;
        let ended = children.run(&args.command, &mut signals)?;
        exits.push(ended.exit);
        messages.line(&format!(
            "Ended with exit code {}: the run of {}",
            ended.code,
            agenda.shown(due)
        ));
        if ended.is_interrupted {
            exits.push(Exit::Interrupted);
            break;
        }
        on_change(&args, &ended, &children, &mut signals, &mut messages)?;
        let missed = agenda.ended(Utc::now())?;
        name_missed(&missed, "the run before it was in progress", &mut messages);
    }
    Ok(Exit::first(&exits))
}

fn name_missed(missed: &Missed, why: &str, messages: &mut Output) {
    for time in &missed.named {
        messages.line(&format!("Missed: {time}, as {why}"));
    }
    if missed.has_more {
        messages.line("Missed: more times after these");
    }
}

/// Checks the command before it is waited for.
fn check_command(args: &ScheduleArgs, environment: &CliEnvironment) -> Result<(), CliError> {
    let program = environment.arguments.iter().take(1).cloned();
    let line: Vec<_> = program.chain(args.command.iter().cloned()).collect();
    let refused = |what: String| {
        CliError::usage(
            what,
            "write it after --, such as: schedule --cron '0 2 * * *' -- run --save",
        )
    };
    match Args::read(&line) {
        Ok(Args {
            command: Some(Command::Run { .. }),
            ..
        }) => Ok(()),
        Ok(_) => Err(refused("only `run` can be scheduled".into())),
        Err(error) => Err(refused(format!("the command is wrong: {}", error.render()))),
    }
}

/// Runs the command that was asked for, if the run has found a change.
fn on_change(
    args: &ScheduleArgs,
    ended: &Ended,
    children: &Children<'_>,
    signals: &mut UnboundedReceiver<Signal>,
    messages: &mut Output,
) -> Result<(), CliError> {
    let Some(command) = args
        .on_change
        .as_deref()
        .filter(|_| ended.exit == Exit::BecameWorse)
    else {
        return Ok(());
    };
    let code = children.shell(command, ended, signals)?;
    if code != 0 {
        let command = sanitize(command).into_owned();
        messages.line(&format!("error: --on-change: {command}: exit code {code}"));
    }
    Ok(())
}
