//! Tests on screens that are drawn by escape sequences, by recordings and by simulated programs.

use std::time::Instant;

use crate::terminal::{Screen, ScreenSize};

mod evidence;
mod fill;
mod select;
mod simulated_list;
mod typed_evidence;
mod unusual_lists;

/// Returns a screen of this size, drawn by the output.
fn screen(rows: u16, columns: u16, output: &str) -> Screen {
    let mut screen = Screen::new(ScreenSize { rows, columns }, Instant::now());
    draw(&mut screen, output);
    screen
}

/// Returns a screen of 24 rows and 80 columns, drawn by the output.
fn drawn(output: &str) -> Screen {
    screen(24, 80, output)
}

fn draw(screen: &mut Screen, output: &str) {
    screen.feed(output.as_bytes(), Instant::now(), &mut |_| false);
}

/// Returns the output that writes a text at a row and column, counted from 1.
fn at(row: u16, column: u16, text: &str) -> String {
    format!("\x1b[{row};{column}H{text}")
}

/// Recording of a program at 24 rows and 80 columns: its output after each key.
struct Recording {
    name: String,
    screen: Screen,
    frames: std::vec::IntoIter<(String, String)>,
}

impl Recording {
    fn open(name: &str) -> Recording {
        let path = format!(
            "{}/src/dialogue/screen/tests/recorded/{name}.jsonl",
            env!("CARGO_MANIFEST_DIR")
        );
        let text = std::fs::read_to_string(&path).expect("a recording");
        let frames: Vec<(String, String)> = text
            .lines()
            .map(|line| {
                let frame: serde_json::Value = serde_json::from_str(line).expect("a frame");
                let text = |key: &str| frame[key].as_str().expect("a text").to_owned();
                (text("key"), text("output"))
            })
            .collect();
        let mut frames = frames.into_iter();
        let (_, first) = frames.next().expect("a first frame");
        Recording {
            name: name.to_owned(),
            screen: drawn(&first),
            frames,
        }
    }

    fn screen(&self) -> &Screen {
        &self.screen
    }

    /// Draws the output after a key. Returns false if it was not the next key.
    fn press(&mut self, key: &str) -> bool {
        let next = self.frames.as_slice().first();
        if next.is_none_or(|(next, _)| next != key) {
            if std::env::var("SHOW").is_ok() {
                println!(
                    "{} at {key}, next {next:?}\n{}",
                    self.name,
                    self.screen.render()
                );
            }
            return false;
        }
        let (_, output) = self.frames.next().expect("a frame");
        draw(&mut self.screen, &output);
        true
    }
}
