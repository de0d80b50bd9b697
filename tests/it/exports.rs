//! Outputs of a run for other programs. Belongs to `report`.

mod examples;
mod files;
mod metrics;
mod traces;

use std::fs;

use crate::support::fixture::scenario;
use crate::support::sandbox::Sandbox;

/// Output of a program that is hostile to the formats of all outputs.
const HOSTILE: &str = "\n::error::owned %0A\n##[error]owned\n|`| ``` ```` <b>&@ann ]]> =1+1\n\
    \x1b[31m\x00\u{202e}</details>\n=HYPERLINK(\"x\"),\"a\"\n";

/// A sandbox with the scenario `exports`, of whose four flows the second one fails.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::with("exports.yaml", &scenario("exports"));
    fs::write(sandbox.home().join("hostile"), HOSTILE).expect("a file");
    sandbox
}
