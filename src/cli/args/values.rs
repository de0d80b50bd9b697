//! Parsers of values that options take.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use crate::cli::duration;
use crate::scenario::{Arrivals, parse_rate};

/// The stages of a ramp.
pub type Stages = Box<[StageArg]>;

/// A stage of a ramp, as it was typed.
#[derive(Debug, Clone, PartialEq)]
pub struct StageArg {
    pub text: String,
    pub length: Duration,
    /// The value at the end of the stage.
    pub to: f64,
    /// The value has the unit of a rate.
    pub is_rate: bool,
}

/// Parses a positive integer.
pub(in crate::cli) fn count(text: &str) -> Result<u64, String> {
    match text.trim().parse::<i128>() {
        Ok(number) if number < 1 => Err("it must be 1 or more".into()),
        Ok(number) => u64::try_from(number).map_err(|_| "it is too large".into()),
        Err(_) => Err("write a whole number of 1 or greater".into()),
    }
}

/// Parses a seed.
pub(in crate::cli) fn seed(text: &str) -> Result<u64, String> {
    match text.trim().parse::<i128>() {
        Ok(number) if number < 0 => Err("it must be 0 or more".into()),
        Ok(number) => u64::try_from(number).map_err(|_| "it is too large".into()),
        Err(_) => Err("write a whole number from 0 on".into()),
    }
}

/// Parses a rate of flows, as flows per second.
pub(in crate::cli) fn rate(text: &str) -> Result<f64, String> {
    match parse_rate(text) {
        Some(rate) if rate > 0.0 => Ok(rate),
        None if !text.trim().starts_with('-') => Err("write 5/s, 90/m or 40/h".into()),
        _ => Err("it must be greater than zero: write 5/s, 90/m or 40/h".into()),
    }
}

/// Parses a port, or an address with a port.
pub(in crate::cli) fn address(text: &str) -> Result<SocketAddr, String> {
    let port = text.strip_prefix(':').unwrap_or(text).parse::<u16>();
    let address = match port {
        Ok(port) => Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, port))),
        Err(_) => text.replace("localhost:", "127.0.0.1:").parse(),
    };
    address.map_err(|_| "write a port or an address with a port: 9464, 0.0.0.0:9464".into())
}

/// Parses the spacing of a rate.
pub(in crate::cli) fn arrivals(text: &str) -> Result<Arrivals, String> {
    match text {
        "even" => Ok(Arrivals::Even),
        "poisson" => Ok(Arrivals::Poisson),
        _ => Err("write even or poisson".into()),
    }
}

/// Parses the stages of a ramp.
pub(in crate::cli) fn stages(text: &str) -> Result<Stages, String> {
    let stage = |text: &str| {
        let (length, value) = text.split_once(':')?;
        let plain = value.trim().parse::<f64>().ok();
        let stage = StageArg {
            text: text.trim().to_owned(),
            length: duration::parse(length).ok()?,
            to: plain.or_else(|| parse_rate(value))?,
            is_rate: plain.is_none(),
        };
        (stage.to.is_finite() && stage.to >= 0.0).then_some(stage)
    };
    let stages: Option<Stages> = text.split(',').map(stage).collect();
    stages.ok_or_else(|| "write how long and to which value, as in 30s:50,2m:50,30s:0".into())
}

/// Parses `NAME=VALUE`.
pub(in crate::cli) fn variable(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => {
            Ok((name.trim().to_owned(), value.to_owned()))
        }
        _ => Err("write NAME=VALUE".into()),
    }
}
