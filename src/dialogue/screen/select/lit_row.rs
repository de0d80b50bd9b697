//! The lit row of a screen that a person looks at.

use super::items::blocks;
use super::lit::{Commonness, lit};
use super::view::View;
use crate::terminal::Screen;

/// A label that no row has.
const NO_LABEL: &str = "\0";

/// Texts that are lit on a screen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LitTexts {
    /// The row of a list.
    pub row: Option<String>,
    /// One of several buttons beside each other.
    pub button: Option<String>,
}

/// Returns the row of a list and the button that seem to be lit.
pub fn lit_texts(screen: &Screen) -> LitTexts {
    let view = View::find(screen, NO_LABEL, None, None).ok();
    let row = view.filter(|view| view.has_lit() && !view.is_horizontal());
    let commonness = Commonness::new(screen);
    let mut buttons = blocks(screen)
        .into_iter()
        .filter(|block| block.is_horizontal);
    let button = buttons.find_map(|mut block| {
        let lit = lit(screen, &commonness, &mut block)?;
        let item = block.items.get(lit.items.start)?;
        Some(item.text.trim_matches(|c| "<>[] ".contains(c)).to_owned())
    });
    LitTexts {
        row: row.map(|view| view.lit_text().trim().to_owned()),
        button,
    }
}
