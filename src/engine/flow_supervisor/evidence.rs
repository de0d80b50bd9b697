//! What is known of a flow beyond its record, for those who want to see what happened.

use crate::engine::context::shown;
use crate::engine::script::transcript::{Transcript, render};
use crate::model::{DataRow, Evidence, FlowRecord};
use crate::scenario::{Masker, Scope};

use super::FlowSupervisor;

impl FlowSupervisor {
    /// The evidence of the flow, whose record this is, if it is wanted.
    pub(super) fn evidence(&self, record: &FlowRecord) -> Option<Box<Evidence>> {
        if !self.run.recording.evidence.as_ref()?.takes(record) {
            return None;
        }
        let (data, transcript) = match &self.scope {
            Some(scope) => {
                let used = self.transcripts.iter().flat_map(Transcript::secrets);
                let masker = Masker::new(scope.secret_values().chain(used));
                let transcript = render(&self.transcripts, self.ledger.started(), &masker);
                (self.data(scope), transcript)
            }
            // Whoever had the values is gone with them, and what is secret is not known.
            None => Default::default(),
        };
        Some(Box::new(Evidence {
            flow: record.clone(),
            data,
            transcript,
        }))
    }

    fn data(&self, scope: &Scope) -> Vec<DataRow> {
        let rows = self.run.plan.data.iter().map(|data| DataRow {
            name: data.name.clone(),
            values: data
                .columns
                .iter()
                .filter_map(|column| {
                    let name = format!("{}.{column}", data.name);
                    let (_, value) = shown(scope, scope.entry(&name)?);
                    Some((column.clone(), value.as_ref().to_owned()))
                })
                .collect(),
        });
        rows.collect()
    }
}
