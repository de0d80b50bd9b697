//! What is kept of a run while it goes on.

use std::time::Duration;

use crate::model::{RunEvent, RunInfo};
use crate::stats::{Histograms, Summary, Tally};

use super::error::ReportError;
use super::own::OwnUse;
use super::spool::{Spool, SpooledFlows};

/// How many notices are kept for the report.
const MOST_NOTICES: usize = 100;

/// Counts the flows of a run, and appends each to a file as it ends if it was given one.
///
/// It holds no flow: its size does not grow with their number.
#[derive(Default)]
pub struct Recorder {
    spool: Option<Spool>,
    begun: Option<Begun>,
    notices: Vec<String>,
    end: Option<(Duration, bool)>,
}

/// A run under way.
struct Begun {
    info: RunInfo,
    tally: Tally,
    own: OwnUse,
}

/// A run that has ended.
#[derive(Debug)]
pub struct Recorded {
    pub info: RunInfo,
    pub summary: Summary,
    /// What the figures were made of.
    pub histograms: Histograms,
    /// What readers should know though it failed nothing; the first of it, if it is much.
    pub notices: Vec<String>,
    /// The flows, if they were kept.
    pub flows: Option<SpooledFlows>,
}

impl Recorder {
    /// Keeps figures only.
    pub fn new() -> Self {
        Self::default()
    }

    /// Keeps every flow in `spool`, too.
    pub fn with_spool(spool: Spool) -> Self {
        Recorder {
            spool: Some(spool),
            ..Self::default()
        }
    }

    pub(super) fn event(&mut self, event: &RunEvent) {
        match event {
            RunEvent::RunStarted(info) => {
                if let Some(spool) = &mut self.spool {
                    spool.begin(info);
                }
                self.begun = Some(Begun {
                    info: (**info).clone(),
                    tally: Tally::new(info),
                    own: OwnUse::start(),
                });
            }
            RunEvent::FlowEnded(flow) => {
                if let Some(Begun { info, tally, .. }) = &mut self.begun {
                    tally.record(flow);
                    if let Some(spool) = &mut self.spool {
                        spool.append(info, flow);
                    }
                }
            }
            RunEvent::FlowDropped { counted } => {
                if let Some(begun) = &mut self.begun {
                    begun.tally.record_drop(*counted);
                    if let Some(spool) = &mut self.spool {
                        spool.append_drop(*counted);
                    }
                }
            }
            RunEvent::Notice { text, .. } if self.notices.len() < MOST_NOTICES => {
                self.notices.push(text.clone());
            }
            RunEvent::RunEnded {
                elapsed,
                interrupted,
            } => {
                self.end = Some((*elapsed, *interrupted));
            }
            _ => {}
        }
    }

    pub(super) fn tick(&mut self) {
        if let Some(spool) = &mut self.spool {
            spool.flush();
        }
    }

    pub(super) fn finish(self) -> (Option<Recorded>, Option<ReportError>) {
        let (flows, error) = match self.spool.map(Spool::finish) {
            Some(Ok(flows)) => (Some(flows), None),
            Some(Err(error)) => (None, Some(error)),
            None => (None, None),
        };
        let end = self.end;
        let recorded = self.begun.map(|Begun { info, tally, own }| {
            // Without a proper end the run was cut off, and how long it took is not known.
            let (elapsed, interrupted) = end.unwrap_or((Duration::ZERO, true));
            let mut summary = tally.summary(elapsed, interrupted);
            summary.rehearsal_cpu_us = Some(own.cpu_us());
            summary.rehearsal_peak_rss_bytes = own.peak_rss_bytes();
            Recorded {
                info,
                summary,
                histograms: tally.histograms(),
                notices: self.notices,
                flows,
            }
        });
        (recorded, error)
    }
}
