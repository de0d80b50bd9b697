//! Recordings of other recorders.

use super::{assert_nowhere, run};
use crate::support::sandbox::Sandbox;

#[test]
fn a_recording_of_another_recorder_needs_input() {
    let sandbox = Sandbox::new();
    let cast = "{\"version\":2,\"width\":80,\"height\":24}\n[1,\"o\",\"$ \"]\n";
    sandbox.write("session.cast", cast);
    let finished = sandbox.rehearsal("record --from session.cast -- sh");
    finished.assert_code(2);
    assert!(finished.err.contains("has only output"), "{}", finished.err);
    assert!(finished.err.contains("--capture-input"), "{}", finished.err);
}

/// Before a person's work would be in vain.
#[test]
fn a_file_that_no_role_can_be_added_to_is_refused_first() {
    let sandbox = Sandbox::new();
    sandbox.write("broken.yaml", "name: x\nroles: [\n");
    let finished = sandbox.rehearsal("record --into broken.yaml -- sh");
    finished
        .assert_code(2)
        .assert_err("broken.yaml is no YAML that a role can be added to")
        .assert_err("rehearsal check broken.yaml");
    assert_eq!(sandbox.read("broken.yaml"), "name: x\nroles: [\n");
    let finished = sandbox.rehearsal("record --into . -- sh");
    finished.assert_code(2).assert_err(". is a directory");
}

const DESK: &str = "import getpass\n\
    if input('Agent: ') != 'ann' or getpass.getpass('PIN: ') != 's3cr3t': raise SystemExit('No')\n\
    order = input('Order: ')\nprint(f'Order {order} booked')\n";

/// Output and input of a session at the desk.
const WORK: [(char, &str); 9] = [
    ('o', "Agent: "),
    ('i', "ann\r"),
    ('o', "ann\r\nPIN: "),
    ('i', "s3cr"),
    ('i', "3t\r"),
    ('o', "\r\nOrder: "),
    ('i', "apples\r"),
    ('o', "apples\r\n"),
    ('o', "Order apples booked\r\n"),
];

/// An asciicast of a version. Times of version 3 are intervals.
fn cast(version: u32, work: &[(char, &str)]) -> String {
    let mut text = match version {
        2 => "{\"version\":2,\"width\":80,\"height\":24,\"timestamp\":1795866869}\n".to_owned(),
        _ => "{\"version\":3,\"term\":{\"cols\":80,\"rows\":24},\"timestamp\":1795866869}\n"
            .to_owned(),
    };
    for ((code, data), number) in work.iter().zip(1..) {
        let at = if version == 2 {
            f64::from(number) * 0.25
        } else {
            0.25
        };
        text += &serde_json::to_string(&(at, code, data)).unwrap();
        text.push('\n');
    }
    if version == 3 {
        text += "[0.1,\"x\",\"0\"]\n";
    }
    text
}

/// The files of `script --log-out OUT --log-in IN --log-timing TIMES`, which is the advanced format.
fn typescript(sandbox: &Sandbox, work: &[(char, &str)]) {
    let mut times = "H 0.000000 START_TIME 2026-11-28 11:54:21+00:00\nH 0.000000 COLUMNS 80\n\
                     H 0.000000 LINES 24\nH 0.000000 COMMAND python3 desk.py\n\
                     H 0.000000 OUTPUT_LOG session.out\nH 0.000000 INPUT_LOG session.in\n"
        .to_owned();
    let head = "Script started on 2026-11-28 11:54:21+00:00\n";
    let mut logs = [head.to_owned(), head.to_owned()];
    for (code, data) in work {
        times += &format!("{} 0.25 {}\n", code.to_ascii_uppercase(), data.len());
        logs[usize::from(*code == 'i')] += data;
    }
    times += "H 0.000000 DURATION 2.2\nH 0.000000 EXIT_CODE 0\n";
    sandbox.write("session", &times);
    sandbox.write("session.out", &logs[0]);
    sandbox.write("session.in", &logs[1]);
}

#[test]
fn recordings_of_other_recorders_become_scenarios_that_run() {
    for recorder in ["asciicast 2", "asciicast 3", "script"] {
        let sandbox = Sandbox::with("desk.py", DESK);
        match recorder {
            "asciicast 2" => drop(sandbox.write("session", &cast(2, &WORK))),
            "asciicast 3" => drop(sandbox.write("session", &cast(3, &WORK))),
            _ => typescript(&sandbox, &WORK),
        }
        let line = "record --no-proof --into my.yaml --from session -- python3 desk.py";
        sandbox.rehearsal(line).assert_code(0);
        run(&sandbox, "--flows 2", &[("DESK_PIN", "s3cr3t")]);
        // It is in the other recorder's own files, and nowhere else.
        for name in ["session", "session.in", "desk.py"] {
            let _ = std::fs::remove_file(sandbox.home().join(name));
        }
        assert_nowhere(&sandbox, &["s3cr3t", "s3cr"], "");
    }
}

#[test]
fn only_the_recorded_role_of_an_edited_scenario_is_replaced() {
    let sandbox = Sandbox::new();
    let asks = |name: &str, prompt: &str| {
        let program = format!("x = input('{prompt}: ')\nprint('{prompt}', x, 'stored')\n");
        sandbox.write(&format!("{name}.py"), &program);
    };
    let record = |name: &str, prompt: &str, answer: &str| {
        asks(name, prompt);
        let (prompt, typed) = (format!("{prompt}: "), format!("{answer}\r"));
        let shown = format!("{answer}\r\n{prompt}{answer} stored\r\n");
        let shown = shown.replace(": ", " ");
        let work = [('o', prompt.as_str()), ('i', &typed), ('o', &shown)];
        sandbox.write("session", &cast(3, &work));
        let line = format!("record --no-proof --into my.yaml --from session -- python3 {name}.py");
        sandbox.rehearsal(&line)
    };
    record("clerk", "Goods", "apples").assert_code(0);
    record("driver", "Van", "blue").assert_code(0);
    let edited = sandbox
        .read("my.yaml")
        .replace("title: Driver", "title: Van driver   # by hand");
    sandbox.write("my.yaml", &edited);
    let finished = record("clerk", "Colour", "green");
    finished.assert_code(0);
    let merged = sandbox.read("my.yaml");
    assert!(merged.contains("title: Van driver   # by hand"), "{merged}");
    assert!(merged.contains("prompt: \"Van:\""), "{merged}");
    assert!(
        merged.contains("prompt: \"Colour:\"") && !merged.contains("prompt: \"Goods:"),
        "{merged}"
    );
    assert_eq!(sandbox.read("my.recordings/edited.yaml"), edited);
    run(&sandbox, "--flows 2", &[]);
}
