//! One pass over the flows of a run: its course, its time by role, and flows to show.

use std::time::Duration;

use crate::model::{FlowOutcome, FlowRecord};
use crate::report::error::ReportError;
use crate::report::flows_file::{FlowsFile, FlowsLine};
use crate::report::flows_reader::FlowsReader;
use crate::report::result_file::Head;
use crate::stats::{Breakdown, Timeline};

/// The number of the slowest flows that are shown.
const SLOWEST: usize = 3;

/// Figures and flows of a run that its record lacks.
pub(super) struct Scan {
    pub timeline: Timeline,
    pub breakdown: Breakdown,
    /// Completed flows, the slowest first.
    pub slowest: Vec<FlowRecord>,
    /// The completed flow whose response time is nearest to the median.
    pub typical: Option<FlowRecord>,
    /// Sentences about damage to the file.
    pub notices: Vec<String>,
}

/// Reads the flows, one at a time.
pub(super) fn scan(head: &Head, flows: &FlowsFile) -> Result<Scan, ReportError> {
    let (info, summary) = (&head.run, &head.summary);
    let count = summary
        .flows
        .ended()
        .saturating_add(summary.flows.not_counted);
    let elapsed = Duration::from_micros(summary.elapsed_us);
    let mut scan = Scan {
        timeline: Timeline::new(info, elapsed, count),
        breakdown: Breakdown::new(info),
        slowest: Vec::new(),
        typical: None,
        notices: Vec::new(),
    };
    let median_us = summary.flow_response.map_or(0, |spread| spread.p50_us);
    let mut lines = FlowsReader::after_head(flows)?;
    while let Some(line) = lines.next()? {
        let FlowsLine::Flow(flow) = line else {
            continue;
        };
        scan.timeline.record(info, &flow);
        scan.breakdown.record(info, &flow);
        if flow.counted && flow.outcome == FlowOutcome::Completed {
            scan.choose(*flow, median_us);
        }
    }
    scan.notices = lines.skipped().notices();
    Ok(scan)
}

impl Scan {
    /// Keeps the flow if it is among the slowest, or nearer to the median than the others.
    fn choose(&mut self, flow: FlowRecord, median_us: u64) {
        let response_us = flow.response_us();
        let distance = |flow: &FlowRecord| flow.response_us().abs_diff(median_us);
        let typical = self.typical.as_ref();
        if typical.is_none_or(|typical| distance(&flow) < distance(typical)) {
            self.typical = Some(flow.clone());
        }
        let place = self
            .slowest
            .partition_point(|it| it.response_us() >= response_us);
        if place < SLOWEST {
            self.slowest.insert(place, flow);
            self.slowest.truncate(SLOWEST);
        }
    }
}
