//! The live page of a run: its link, and what its buttons do.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::engine::{Control, Stop};
use crate::model::LoadSetting;
use crate::report::{LiveControls, LiveOptions, LivePage, Output, ReportError, Reporter};
use crate::scenario::{Load, MAX_RATE, Plan, Shape, parse_rate};

use super::error::CliError;
use super::machine_limits::Room;
use super::session::{Messages, Session};

/// A live page, and the reporter that feeds it.
pub(super) type Live = (LivePage, Box<dyn Reporter>);

/// The buttons of the page.
struct Buttons {
    control: Control,
    messages: Messages,
    grace: Duration,
    plan: Arc<Plan>,
    /// The flows that the machine has room for.
    room: Room,
}

/// Starts to serve the page of a run that is about to begin, if it is wanted, and prints the link.
pub(super) fn start(
    address: Option<SocketAddr>,
    session: &Session,
    output: &mut Output,
) -> Result<Option<Live>, CliError> {
    let Some(address) = address else {
        return Ok(None);
    };
    let plan = session.plan();
    let room = Room::of(&plan);
    let options = LiveOptions {
        address,
        directory: session.directory().to_owned(),
        load: setting(&plan.load),
        limit: limit(&plan.load, &room),
        thresholds: session.thresholds().to_vec(),
    };
    let buttons = Buttons {
        control: session.control.clone(),
        messages: session.messages.clone(),
        grace: session.graceful_stop(),
        plan,
        room,
    };
    let (page, reporter) = LivePage::start(options, Box::new(buttons)).map_err(refused)?;
    print_link(
        page.link(),
        page.address(),
        "see the run and stop it",
        output,
    );
    Ok(Some((page, Box::new(reporter))))
}

/// Returns the error of a page that cannot be served.
pub(super) fn refused(error: ReportError) -> CliError {
    CliError::usage(
        error,
        "choose another port: --live=PORT; --live alone takes a free one",
    )
}

/// Prints the link of a page, and a warning if it can be reached from elsewhere. `powers` are those of
/// its readers.
pub(super) fn print_link(link: &str, address: SocketAddr, powers: &str, output: &mut Output) {
    output.line(&format!("Live page: {link}"));
    if !address.ip().is_loopback() {
        output.line(&format!(
            "Warning: anyone who has this link and reaches this machine can {powers}; the connection \
             is not encrypted"
        ));
    }
}

/// Returns the quantity of a load that can be changed, as it is at the beginning.
fn setting(load: &Load) -> LoadSetting {
    match &load.shape {
        Shape::Closed { parallel, .. } => LoadSetting::Parallel(parallel.at(Duration::ZERO) as u64),
        Shape::Open { rate, .. } => LoadSetting::FlowsPerSecond(rate.at(Duration::ZERO)),
    }
}

/// Describes the values that the load can be changed to.
fn limit(load: &Load, room: &Room) -> String {
    let (range, ramp) = match &load.shape {
        Shape::Closed { parallel, .. } => {
            (format!("1 to {} on this machine", room.flows), parallel)
        }
        Shape::Open { rate, .. } => ("such as 5/s, 90/m, 40/h".to_owned(), rate),
    };
    match ramp.stages.is_empty() {
        true => range,
        false => format!("{range}; takes the place of later stages"),
    }
}

impl Buttons {
    /// Parses a number of parallel flows that the machine has room for.
    fn parallel(&self, value: &str) -> Result<LoadSetting, String> {
        let flows = value.parse().ok().filter(|flows| *flows > 0);
        let flows: u64 = flows.ok_or("write a number of 1 or greater")?;
        if flows > self.room.flows {
            let Room { flows, problem } = &self.room;
            return Err(format!("no more than {flows} flows: {problem}"));
        }
        let as_planned = self.plan.closed_gates(&self.plan.load);
        let load = Load::closed(u64::MAX, flows);
        match self.plan.closed_gates(&load).into_iter().next() {
            Some(never_full) if as_planned.is_empty() => Err(never_full),
            _ => Ok(LoadSetting::Parallel(flows)),
        }
    }
}

/// Parses a rate.
fn rate(value: &str) -> Result<LoadSetting, String> {
    let rate = parse_rate(value).filter(|rate| *rate > 0.0 && *rate <= MAX_RATE);
    rate.map(LoadSetting::FlowsPerSecond)
        .ok_or_else(|| "write a rate greater than zero, such as 5/s, 90/m or 40/h".into())
}

impl LiveControls for Buttons {
    fn stop(&self, now: bool) {
        let (stop, text) = match now {
            true => (Stop::Now, "all flows are ended now".to_owned()),
            false => {
                let grace = humantime::format_duration(self.grace);
                let text = format!("flows in flight may finish within {grace}");
                (Stop::Graceful { grace: self.grace }, text)
            }
        };
        self.control.stop(stop);
        self.messages
            .say(&format!("stopped on the live page: {text}"));
    }

    fn change_load(&self, value: &str) -> Result<(), String> {
        let segment = self.plan.load.segment;
        if !segment.is_whole() {
            return Err(format!(
                "this is segment {segment} of a run, whose load is the same for all segments"
            ));
        }
        let to = match &self.plan.load.shape {
            Shape::Closed { .. } => self.parallel(value.trim())?,
            Shape::Open { .. } => rate(value)?,
        };
        self.control.change_load(to);
        Ok(())
    }
}
