//! The built-in shop as its users see it: the compiled program, driven by its output, through pipes
//! and through a real terminal.

mod database;
mod driver;
mod faults;
mod journey;
mod login;
mod people;
mod refusals;
mod together;
