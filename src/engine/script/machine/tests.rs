//! Every timing rule of the machine, with made-up time and no process.

mod bench;
mod deadlines;
mod output;
mod replies;
mod screens;
