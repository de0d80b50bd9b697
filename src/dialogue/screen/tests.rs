//! Tests on screens that are drawn by escape sequences, by recordings and by simulated programs.

use std::time::Instant;

use crate::terminal::{Screen, ScreenSize};

mod evidence;

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
