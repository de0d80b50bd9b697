//! Rows that a program showed earlier, for a menu that is printed once and then only asked for.

use super::RowFormat;

/// Number of prompts whose rows are kept, and the most bytes of the rows of one.
const KEPT_PROMPTS: usize = 16;
const KEPT_BYTES: usize = 64 << 10;

/// The rows that one script instance showed last before each of its prompts.
#[derive(Debug, Default)]
pub struct ShownRows {
    /// The prompts with their rows, the latest last.
    menus: Vec<(String, Vec<String>)>,
}

/// The rows to choose from when a prompt comes again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShownBefore<'a> {
    /// The output holds rows itself.
    Fresh,
    /// It holds none; these were shown last before the same prompt.
    Rows(&'a [String]),
}

impl ShownRows {
    /// Keeps the rows among `lines`, the output up to `prompt`, if there are any. Returns the
    /// earlier ones otherwise.
    pub fn update(&mut self, format: &RowFormat, lines: &[&str], prompt: &str) -> ShownBefore<'_> {
        let prompt = prompt.trim();
        let rows = format.rows(lines);
        let known = self.menus.iter().position(|(known, _)| known == prompt);
        if rows.is_listing(format) {
            if let Some(known) = known {
                self.menus.remove(known);
            } else if self.menus.len() == KEPT_PROMPTS {
                self.menus.remove(0);
            }
            let rows: Vec<String> = rows.lines().into_iter().map(str::to_owned).collect();
            if rows.iter().map(String::len).sum::<usize>() <= KEPT_BYTES {
                self.menus.push((prompt.to_owned(), rows));
            }
            return ShownBefore::Fresh;
        }
        match known {
            Some(known) => ShownBefore::Rows(&self.menus[known].1),
            None => ShownBefore::Fresh,
        }
    }
}
