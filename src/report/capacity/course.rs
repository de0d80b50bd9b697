//! The course of a trial, from its flows.

use std::time::Duration;

use crate::report::error::ReportError;
use crate::report::flows_file::{FlowsFile, FlowsLine};
use crate::report::flows_reader::FlowsReader;
use crate::report::result_file::Head;
use crate::stats::{Growth, Timeline};

/// Returns the growth of the number of flows in flight while a run with a rate started flows.
///
/// # Errors
/// The flows cannot be read.
pub fn growth_in_flight(head: &Head, flows: &FlowsFile) -> Result<Option<Growth>, ReportError> {
    let info = &head.run;
    let (Some(end_us), Some(_)) = (info.duration_us, info.wanted_per_second) else {
        return Ok(None);
    };
    let ended = &head.summary.flows;
    let count = ended.ended().saturating_add(ended.not_counted);
    let elapsed = Duration::from_micros(head.summary.elapsed_us);
    let mut timeline = Timeline::new(info, elapsed, count);
    let mut lines = FlowsReader::after_head(flows)?;
    while let Some(line) = lines.next()? {
        if let FlowsLine::Flow(flow) = line {
            timeline.record(info, &flow);
        }
    }
    Ok(Growth::of(&timeline.moments(), info.warm_up_us..end_us))
}
