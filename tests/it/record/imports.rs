//! Recordings of other recorders.

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
