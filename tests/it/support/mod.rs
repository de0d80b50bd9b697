//! Support for the integration tests, shared by all test binaries.
//!
//! | module | holds |
//! | --- | --- |
//! | `fixture` | the fixture program, and scenarios from `tests/it/fixtures` |
//! | `flows` | runs of scenarios through the library, with all their events |
//! | `sandbox` | directories in which `rehearsal` runs as its users run it, and what it leaves there |
//! | `running` | a started `rehearsal`, and the output of one that has exited |
//! | `records` | made-up records of runs and flows |
//! | `browser` | Chromium, and what must not happen in it |
//! | `child` | single programs under the library's `process` module |
//! | `terminal` | a pseudo-terminal for `rehearsal` itself |
//! | `wait` | polling with a deadline |

#![allow(
    dead_code,
    reason = "each test binary uses a part of it; an expectation would fail in the others"
)]

pub mod browser;
pub mod child;
pub mod fixture;
pub mod flows;
pub mod records;
pub mod running;
pub mod sandbox;
pub mod terminal;
pub mod wait;
