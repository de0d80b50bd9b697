use super::*;

const STAFF: RoleIndex = RoleIndex(1);
const FIRST: StepIndex = StepIndex(0);
const SECOND: StepIndex = StepIndex(1);

fn open(role: usize) -> StepGates {
    StepGates {
        role: RoleIndex(role),
        together: None,
        interval: None,
        exclusive: None,
        timeout: Duration::from_secs(30),
    }
}

fn gates(steps: Vec<StepGates>, pool: usize) -> Gates<&'static str> {
    let pools = (pool > 0).then_some((STAFF, pool));
    Gates::new(steps, pools.into_iter())
}

fn flow(number: u64) -> FlowNumber {
    FlowNumber(number)
}

/// The flows that are admitted, and to which step.
fn admitted(effects: &[GateEffect<&'static str>]) -> Vec<(u64, usize)> {
    let admitted = effects.iter().filter_map(|effect| match effect {
        GateEffect::Admit { flow, step, .. } => Some((flow.0, step.0)),
        _ => None,
    });
    admitted.collect()
}

fn assigned(effects: &[GateEffect<&'static str>]) -> Vec<(usize, Option<&'static str>)> {
    let assigned = effects.iter().filter_map(|effect| match effect {
        GateEffect::Admit { assigned, .. } => {
            assigned.as_ref().map(|it| (it.slot.number, it.instance))
        }
        _ => None,
    });
    assigned.collect()
}

fn slot(number: usize) -> Slot {
    Slot {
        role: STAFF,
        number,
    }
}

#[test]
fn a_step_without_gates_is_open() {
    let mut gates = gates(vec![open(0)], 0);
    let now = Instant::now();
    assert_eq!(
        admitted(&gates.arrive(flow(1), FIRST, false, now)),
        [(1, 0)]
    );
    assert!(gates.is_empty());
    assert_eq!(gates.next_moment(), None);
}

#[test]
fn a_pool_serves_in_the_order_of_arrival_and_prefers_logged_in_instances() {
    let mut gates = gates(vec![open(1)], 2);
    let now = Instant::now();
    assert_eq!(
        assigned(&gates.arrive(flow(1), FIRST, true, now)),
        [(0, None)]
    );
    assert_eq!(
        assigned(&gates.arrive(flow(2), FIRST, true, now)),
        [(1, None)]
    );
    assert!(gates.arrive(flow(3), FIRST, true, now).is_empty());
    assert!(gates.arrive(flow(4), FIRST, true, now).is_empty());
    gates.release(slot(1), "ann");
    assert!(
        gates.arrive(flow(5), FIRST, true, now).is_empty(),
        "not at its menu yet"
    );
    let effects = gates.returned_to_menu(slot(1), now);
    assert_eq!(
        (admitted(&effects), assigned(&effects)),
        (vec![(3, 0)], vec![(1, Some("ann"))])
    );
    // The flow's own script died: the next one starts another in its place.
    let effects = gates.gone(flow(1), now);
    assert_eq!(
        (admitted(&effects), assigned(&effects)),
        (vec![(4, 0)], vec![(0, None)])
    );
}

#[test]
fn an_instance_that_dies_between_flows_is_replaced() {
    let mut gates = gates(vec![open(1)], 1);
    let now = Instant::now();
    gates.arrive(flow(1), FIRST, true, now);
    gates.release(slot(0), "ann");
    assert!(gates.arrive(flow(2), FIRST, true, now).is_empty());
    assert_eq!(assigned(&gates.ended(slot(0), now)), [(0, None)]);
}

#[test]
fn a_group_is_released_when_it_is_complete() {
    let group = StepGates {
        together: Some(3),
        ..open(0)
    };
    let mut gates = gates(vec![group], 0);
    let now = Instant::now();
    assert!(gates.arrive(flow(1), FIRST, false, now).is_empty());
    assert!(gates.arrive(flow(2), FIRST, false, now).is_empty());
    let effects = gates.arrive(flow(3), FIRST, false, now);
    assert_eq!(admitted(&effects), [(1, 0), (2, 0), (3, 0)]);
    assert_eq!(gates.next_moment(), None);
}

#[test]
fn an_incomplete_group_is_released_in_time() {
    let group = StepGates {
        together: Some(3),
        ..open(0)
    };
    let mut gates = gates(vec![group], 0);
    let now = Instant::now();
    let later = now + Duration::from_secs(30);
    gates.arrive(flow(1), FIRST, false, now);
    gates.arrive(flow(2), FIRST, false, now + Duration::from_secs(9));
    assert_eq!(gates.next_moment(), Some(later));
    assert!(gates.ring(now).is_empty());
    let effects = gates.ring(later);
    let short = GateEffect::GroupIncomplete {
        step: FIRST,
        came: 2,
        wanted: 3,
    };
    assert_eq!(effects[0], short);
    assert_eq!(admitted(&effects), [(1, 0), (2, 0)]);
}

#[test]
fn the_group_that_came_furthest_goes_on_when_all_flows_wait() {
    let group = StepGates {
        together: Some(2),
        ..open(0)
    };
    let mut gates = gates(vec![group.clone(), group], 0);
    let now = Instant::now();
    gates.arrive(flow(1), FIRST, false, now);
    gates.arrive(flow(2), SECOND, false, now);
    assert!(gates.break_stall(3, now).is_empty(), "a flow is in flight");
    assert_eq!(admitted(&gates.break_stall(2, now)), [(2, 1)]);
    assert!(gates.break_stall(2, now).is_empty(), "flow 2 is in flight");
}

#[test]
fn starts_are_spaced() {
    let gated = StepGates {
        interval: Some(Duration::from_secs(1)),
        ..open(0)
    };
    let mut gates = gates(vec![gated], 0);
    let now = Instant::now();
    let second = |count| now + Duration::from_secs(count);
    assert_eq!(
        admitted(&gates.arrive(flow(1), FIRST, false, now)),
        [(1, 0)]
    );
    assert!(gates.arrive(flow(2), FIRST, false, now).is_empty());
    assert!(gates.arrive(flow(3), FIRST, false, now).is_empty());
    assert_eq!(gates.next_moment(), Some(second(1)));
    // The place of a flow that is gone is given to no other.
    gates.gone(flow(2), now);
    assert_eq!(admitted(&gates.ring(second(1))), [(3, 0)]);
    assert!(gates.arrive(flow(4), FIRST, false, second(1)).is_empty());
    assert_eq!(admitted(&gates.ring(second(2))), [(4, 0)]);
    assert_eq!(
        admitted(&gates.arrive(flow(5), FIRST, false, second(9))),
        [(5, 0)]
    );
}

#[test]
fn exclusive_access_holds_across_steps_and_is_passed_on_in_order() {
    let locked = StepGates {
        exclusive: Some("till".into()),
        ..open(0)
    };
    let mut gates = gates(vec![locked.clone(), locked], 0);
    let now = Instant::now();
    assert_eq!(
        admitted(&gates.arrive(flow(1), FIRST, false, now)),
        [(1, 0)]
    );
    assert!(gates.arrive(flow(2), SECOND, false, now).is_empty());
    assert!(gates.arrive(flow(3), FIRST, false, now).is_empty());
    assert!(
        gates.step_over(flow(3), FIRST, now).is_empty(),
        "it does not hold it"
    );
    assert_eq!(admitted(&gates.step_over(flow(1), FIRST, now)), [(2, 1)]);
    assert_eq!(admitted(&gates.gone(flow(2), now)), [(3, 0)]);
}

#[test]
fn an_instance_that_its_flow_never_received_is_abandoned() {
    let group = StepGates {
        together: Some(2),
        ..open(1)
    };
    let mut gates = gates(vec![group], 2);
    let now = Instant::now();
    gates.release(slot(0), "ann");
    gates.returned_to_menu(slot(0), now);
    assert!(gates.arrive(flow(1), FIRST, true, now).is_empty());
    assert_eq!(gates.gone(flow(1), now), [GateEffect::Abandon("ann")]);
    assert!(gates.is_empty());
}

#[test]
fn idle_instances_are_taken_at_the_end_of_the_run() {
    let mut gates = gates(vec![open(1)], 2);
    let now = Instant::now();
    gates.release(slot(0), "ann");
    gates.returned_to_menu(slot(0), now);
    assert!(!gates.is_empty());
    assert_eq!(gates.take_idle(), [(slot(0), "ann")]);
    assert!(gates.take_idle().is_empty());
    assert_eq!(gates.busy().copied().collect::<Vec<_>>(), ["ann"]);
    gates.ended(slot(0), now);
    assert!(gates.is_empty());
}
