//! Scenarios of arbitrary recordings.

use std::time::Duration;

use proptest::prelude::*;

use super::super::testing::recording;
use super::super::{InferOptions, infer, infer_into};
use super::lines;
use crate::recorder::recording::{Chunk, ChunkEvent, Mark, Recording, TypedMode};
use crate::scenario::{CompileOptions, compile};

fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[A-Za-z]{1,8}",
        1 => "[A-Z]{2,3}-[0-9]{2,6}",
        1 => "[0-9]{1,5}([.,][0-9]{2})?",
        1 => "[ -~]{1,6}",
        1 => Just("${x}".to_owned()),
        1 => Just("/a/".to_owned()),
        1 => Just("{a: b}, #c 'd' \"e\"".to_owned()),
        1 => any::<String>().prop_map(|it| it.replace(['‹', '›'], "")),
    ]
}

fn phrase() -> impl Strategy<Value = String> {
    proptest::collection::vec(word(), 1..5).prop_map(|words| words.join(" "))
}

fn event() -> impl Strategy<Value = ChunkEvent> {
    let mode = (any::<bool>(), any::<bool>()).prop_map(|(echo, lines)| TypedMode { echo, lines });
    let typed = prop_oneof![
        phrase().prop_map(|it| format!("{it}\r")),
        Just("1\r".to_owned()),
        Just("\r".to_owned()),
        word(),
        Just("\u{1b}[B\r".to_owned()),
        Just("\u{3}".to_owned()),
        Just("\u{4}".to_owned()),
    ];
    let output = prop_oneof![
        3 => phrase().prop_map(|it| format!("{it}: ")),
        3 => phrase().prop_map(|it| format!("{it}\r\n")),
        1 => Just("1. One\r\n2. Two\r\n0. Back\r\nChoice: ".to_owned()),
        1 => Just("Press Enter to continue...".to_owned()),
        1 => Just("\u{1b}[2J\u{1b}[H".to_owned()),
    ];
    let mark = prop_oneof![
        phrase().prop_map(Mark::Proof),
        phrase().prop_map(Mark::Step),
        phrase().prop_map(Mark::Failure),
        (phrase(), phrase()).prop_map(|(name, text)| Mark::Capture { name, text }),
        Just(Mark::Redo),
        Just(Mark::Paused),
        Just(Mark::Resumed),
    ];
    prop_oneof![
        8 => output.prop_map(|it| ChunkEvent::Output(it.into_bytes())),
        8 => (typed, Just(TypedMode { echo: true, lines: true }))
            .prop_map(|(it, mode)| ChunkEvent::Typed { bytes: it.into_bytes(), mode }),
        1 => (proptest::collection::vec(any::<u8>(), 0..9), mode)
            .prop_map(|(bytes, mode)| ChunkEvent::Typed { bytes, mode }),
        1 => (0..3_usize).prop_map(|number| ChunkEvent::TypedSecret { number }),
        1 => Just(ChunkEvent::Output(b"\x1b[?1049h\x1b[5;5H".to_vec())),
        1 => mark.prop_map(ChunkEvent::Marked),
    ]
}

fn any_recording() -> impl Strategy<Value = Recording> {
    let role = proptest::sample::select(vec!["a", "b role", "flow", "ö"]);
    let events = proptest::collection::vec(event(), 0..16);
    (role, events, proptest::option::of(-9..300_i32), 0..3_i64).prop_map(
        |(role, events, exit, started_at)| {
            let mut recording = recording(role, started_at, "");
            let exit = exit.map(ChunkEvent::Exited);
            for (number, event) in events.into_iter().chain(exit).enumerate() {
                let at = Duration::from_millis(100 * number as u64);
                recording.chunks.push(Chunk { at, event });
            }
            recording
        },
    )
}

proptest! {
    #[test]
    fn every_scenario_passes_the_check(
        recordings in proptest::collection::vec(any_recording(), 1..4),
        think in any::<bool>(),
    ) {
        let options = InferOptions { think, ..InferOptions::default() };
        let first = infer(&recordings, &options);
        let compiled = compile(&first.scenario, None, CompileOptions::default());
        if let Err(faults) = compiled {
            let has_flow = lines(&first.scenario).last() != Some(&"flow:");
            prop_assert!(!has_flow, "{faults}\n{}", first.scenario);
            return Ok(());
        }
        // What is recorded again into it is the same, and so is what is recorded into nothing.
        let again = infer_into(&first.scenario, &recordings, &options);
        let again = again.map_err(TestCaseError::fail)?;
        if let Err(faults) = compile(&again.scenario, None, CompileOptions::default()) {
            return Err(TestCaseError::fail(format!("{faults}\n{}", again.scenario)));
        }
    }
}
