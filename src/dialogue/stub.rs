use super::*;
use crate::model::Stream;
use std::sync::Arc;
use std::time::*;
#[derive(Debug, Clone, Copy)]
pub enum On {
    Prompt,
    Line,
}
pub struct Watch;
impl Watch {
    pub fn new(_: Vec<(String, Pattern)>, _: Vec<(On, Pattern)>) -> Self {
        Watch
    }
}
pub struct WaitSet;
impl WaitSet {
    pub fn new(_: Vec<(On, Pattern)>, _: Vec<String>) -> Self {
        WaitSet
    }
}
#[derive(Debug)]
pub enum Heard {
    Nothing,
    QuietAt(Instant),
    Wait {
        index: usize,
        at: Instant,
        captures: Vec<(String, String)>,
        line: String,
    },
    Interlude {
        index: usize,
        at: Instant,
        line: String,
    },
    FailOn {
        category: String,
        line: String,
        at: Instant,
    },
    Ended {
        at: Instant,
    },
}
#[derive(Debug)]
pub struct Dialogue;
impl Dialogue {
    pub fn new(_: Arc<Watch>, _: Duration) -> Self {
        Dialogue
    }
    pub fn feed(&mut self, _: Stream, _: &[u8], _: Instant) {}
    pub fn drained(&mut self) {}
    pub fn closed(&mut self, _: Stream, _: Instant) {}
    pub fn begin(&mut self, _: WaitSet) {}
    pub fn poll(&mut self, _: Instant) -> Heard {
        Heard::Nothing
    }
    pub fn answered(&mut self, _: &Typed, _: bool) {}
    pub fn answered_interlude(&mut self, _: &Typed, _: bool) {}
    pub fn lines(&self) -> Vec<&str> {
        vec![]
    }
    pub fn tail(&self, _: usize, _: usize) -> String {
        String::new()
    }
    pub fn take_terminal_answers(&mut self) -> Vec<u8> {
        vec![]
    }
    pub fn take_text(&mut self) -> Option<String> {
        None
    }
    pub fn record(&mut self) {}
    pub fn enter_loop(&mut self) {}
    pub fn leave_loop(&mut self) {}
}
pub fn clean(_: &[u8]) -> String {
    String::new()
}
