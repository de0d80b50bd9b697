//! Start, input, output and termination of single programs, over terminals and pipes.
//!
//! Every test has its own spawner, and ends with the assertion that it has left nothing.

mod io;
mod start;
mod termination;
