//! Compilation of `load`: the number of flows, and their starts.

use std::time::Duration;

use crate::scenario::load::{
    Arrivals, GRACEFUL_STOP, Load, MAX_IN_FLIGHT, MAX_RATE, Pacing, Ramp, Shape, Stage,
    help_for_excessive_rate, parse_rate,
};
use crate::scenario::raw::{Node, Value};
use crate::scenario::segment::Segment;
use crate::scenario::vocabulary::{LOAD, STAGE};

use super::context::{Context, Fields};

/// The quantity that the stages and the initial value of a load describe.
#[derive(Clone, Copy, PartialEq, Eq)]
enum LoadKind {
    Parallel,
    Rate,
}

impl LoadKind {
    fn key(self) -> &'static str {
        match self {
            LoadKind::Parallel => "parallel",
            LoadKind::Rate => "rate",
        }
    }
}

/// Compiles the load; by default one flow.
pub(super) fn load(context: &Context<'_>, node: Option<&Node>) -> Load {
    let Some(fields) = node.and_then(|node| context.fields(node, &LOAD)) else {
        return Load::closed(1, 1);
    };
    let kind = if fields.get("rate").is_some() || stages_are_rates(&fields) {
        LoadKind::Rate
    } else {
        LoadKind::Parallel
    };
    refuse_foreign(context, &fields, kind);
    let ramp = ramp(context, &fields, kind);
    let deadline = |name| fields.get(name).and_then(|node| context.deadline(node));
    let count = |name| fields.get(name).and_then(|node| context.count(node, 1));
    let duration = deadline("duration");
    let flows_each = count("flows_each");
    let flows = count("flows");
    let warm_up = fields
        .get("warm_up")
        .and_then(|node| context.duration(node));
    let has_stages = !ramp.stages.is_empty();
    let shape = match kind {
        LoadKind::Parallel => Shape::Closed {
            parallel: ramp,
            flows_each,
            between: between(context, &fields),
        },
        LoadKind::Rate => Shape::Open {
            rate: ramp,
            arrivals: arrivals(context, &fields),
            most_in_flight: count("most_in_flight").unwrap_or(MAX_IN_FLIGHT),
        },
    };
    let graceful_stop = fields
        .get("graceful_stop")
        .and_then(|node| context.duration(node));
    let mut load = Load {
        shape,
        flows,
        duration,
        warm_up: warm_up.unwrap_or_default(),
        graceful_stop: graceful_stop.unwrap_or(GRACEFUL_STOP),
        segment: Segment::WHOLE,
    };
    let stages = fields.get("stages");
    if !load.is_bounded() {
        if let (Some(stages), true) = (stages, has_stages) {
            let help = "give a stage a length, or add a `duration`, `flows` or `flows_each`";
            let message = "nothing ends this load: its stages have no length";
            context.error(&stages.span, message, Some(help.to_owned()));
        }
        load.flows = Some(1);
    }
    let level = stages.or_else(|| fields.get(kind.key()));
    if let Some(level) = level
        && load.starts_nothing()
    {
        let help = format!(
            "write a `{}` above zero that is reached before the end, or a longer `duration`",
            kind.key()
        );
        let message = "this load starts no flow: none is due before its end";
        context.error(&level.span, message, Some(help));
    }
    if let (Some(node), Some(end)) = (fields.get("warm_up"), load.end())
        && load.warm_up >= end
    {
        let help = "make it shorter than the run".to_owned();
        context.error(
            &node.span,
            "nothing would be counted: the warm-up is all there is",
            Some(help),
        );
    }
    load
}

fn stages_are_rates(fields: &Fields<'_>) -> bool {
    let Some(Value::List(stages)) = fields.get("stages").map(|node| &node.value) else {
        return false;
    };
    stages.iter().any(|stage| match &stage.value {
        Value::Map(entries) => entries
            .iter()
            .any(|(key, _)| matches!(&key.value, Value::Text(name) if name == "rate")),
        _ => false,
    })
}

/// Refuses keys that do not apply to this kind of load.
fn refuse_foreign(context: &Context<'_>, fields: &Fields<'_>, kind: LoadKind) {
    let (foreign, help): (&[&str], &str) = match kind {
        LoadKind::Parallel => (
            &["arrivals", "most_in_flight"],
            "it belongs to a load with a `rate`; with `parallel`, flows start when others end",
        ),
        LoadKind::Rate => (
            &["parallel", "flows_each", "pause", "pace"],
            "it belongs to a load with `parallel`; with a `rate`, flows start by the clock, and \
             `most_in_flight` limits them",
        ),
    };
    for name in foreign {
        if let Some(node) = fields.get(name) {
            let message = format!("`{name}` cannot be combined with this load");
            context.error(&node.span, message, Some(help.to_owned()));
        }
    }
}

fn ramp(context: &Context<'_>, fields: &Fields<'_>, kind: LoadKind) -> Ramp {
    let plain = fields
        .get(kind.key())
        .and_then(|node| level(context, node, kind));
    let mut known = Vec::new();
    for node in stages(context, fields) {
        let Some(fields) = context.fields(node, &STAGE) else {
            continue;
        };
        let length = fields.get("for").and_then(|node| context.duration(node));
        let to = match fields.get(kind.key()) {
            Some(node) => level(context, node, kind),
            None => {
                let help = format!("write `{{for: 30s, {}: …}}`", kind.key());
                let message = format!("a stage of this load needs its `{}`", kind.key());
                context.error(&node.span, message, Some(help));
                None
            }
        };
        if let (Some(length), Some(to)) = (length, to) {
            known.push(Stage { length, to });
        }
    }
    let usual = if known.is_empty() { 1.0 } else { 0.0 };
    Ramp {
        from: plain.unwrap_or(usual),
        stages: known,
    }
}

fn stages<'n>(context: &Context<'_>, fields: &Fields<'n>) -> &'n [Node] {
    fields
        .get("stages")
        .map(|node| context.list(node, "`stages`", "[{for: 30s, parallel: 50}]"))
        .unwrap_or_default()
}

fn level(context: &Context<'_>, node: &Node, kind: LoadKind) -> Option<f64> {
    match kind {
        LoadKind::Parallel => context.count(node, 0).map(|count| count as f64),
        LoadKind::Rate => {
            let text = context.scalar(node)?;
            let rate = parse_rate(text);
            if rate.is_none() {
                let help = "write `5/s`, `300/m` or `40/h`".to_owned();
                context.error(&node.span, format!("`{text}` is not a rate"), Some(help));
            }
            if rate.is_some_and(|rate| rate > MAX_RATE) {
                let message = format!("the rate `{text}` is too high for any machine");
                context.error(&node.span, message, Some(help_for_excessive_rate()));
            }
            rate
        }
    }
}

fn between(context: &Context<'_>, fields: &Fields<'_>) -> Pacing {
    let get = |name| {
        fields
            .get(name)
            .and_then(|node| Some((node, context.duration(node)?)))
    };
    match (get("pause"), get("pace")) {
        (None, None) => Pacing::Nothing,
        (Some((_, pause)), None) => Pacing::Pause(pause),
        (None, Some((_, pace))) => Pacing::Pace(pace),
        (Some(_), Some((node, _))) => {
            let help = "a `pause` begins at the end of a flow, a `pace` at its start: keep one";
            context.error(
                &node.span,
                "a worker has either a `pause` or a `pace`",
                Some(help.into()),
            );
            Pacing::Pause(Duration::ZERO)
        }
    }
}

fn arrivals(context: &Context<'_>, fields: &Fields<'_>) -> Arrivals {
    let Some(node) = fields.get("arrivals") else {
        return Arrivals::Even;
    };
    let kinds = [("even", Arrivals::Even), ("poisson", Arrivals::Poisson)];
    context.choice(node, &kinds).unwrap_or(Arrivals::Even)
}
