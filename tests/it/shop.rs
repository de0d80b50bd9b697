//! The shop as its users meet it: the compiled program, driven by what it prints, through pipes
//! and through a real terminal.

mod books;
mod driver;
mod faults;
mod journey;
mod login;
mod people;
mod refusals;
mod together;
