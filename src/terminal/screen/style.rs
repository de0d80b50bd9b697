//! Style of a cell: colours and attributes.

use avt::Pen;

/// Colour of text or of its background.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CellColor {
    /// One of the 256 colours of the palette.
    Indexed(u8),
    Rgb(u8, u8, u8),
}

impl From<avt::Color> for CellColor {
    fn from(color: avt::Color) -> CellColor {
        match color {
            avt::Color::Indexed(index) => CellColor::Indexed(index),
            avt::Color::RGB(avt::Rgb { r, g, b }) => CellColor::Rgb(r, g, b),
        }
    }
}

/// Style of a cell. `None` is the default colour of the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct CellStyle {
    pub foreground: Option<CellColor>,
    pub background: Option<CellColor>,
    pub inverse: bool,
    pub bold: bool,
    pub faint: bool,
    pub italic: bool,
    pub underline: bool,
    pub blink: bool,
    pub strikethrough: bool,
}

impl CellStyle {
    /// Returns the control sequence that selects the style, whatever the style was before.
    pub fn sequence(self) -> String {
        let attributes = [
            (self.bold, 1),
            (self.faint, 2),
            (self.italic, 3),
            (self.underline, 4),
            (self.blink, 5),
            (self.inverse, 7),
            (self.strikethrough, 9),
        ];
        let mut sequence = String::from("\x1b[0");
        for (_, code) in attributes.iter().filter(|(is_set, _)| *is_set) {
            sequence.push_str(&format!(";{code}"));
        }
        for (color, first) in [(self.foreground, 30), (self.background, 40)] {
            match color {
                None => {}
                Some(CellColor::Indexed(index @ 0..8)) => {
                    sequence.push_str(&format!(";{}", first + u16::from(index)));
                }
                Some(CellColor::Indexed(index)) => {
                    sequence.push_str(&format!(";{};5;{index}", first + 8));
                }
                Some(CellColor::Rgb(red, green, blue)) => {
                    sequence.push_str(&format!(";{};2;{red};{green};{blue}", first + 8));
                }
            }
        }
        sequence.push('m');
        sequence
    }
}

impl From<&Pen> for CellStyle {
    fn from(pen: &Pen) -> CellStyle {
        CellStyle {
            foreground: pen.foreground().map(CellColor::from),
            background: pen.background().map(CellColor::from),
            inverse: pen.is_inverse(),
            bold: pen.is_bold(),
            faint: pen.is_faint(),
            italic: pen.is_italic(),
            underline: pen.is_underline(),
            blink: pen.is_blink(),
            strikethrough: pen.is_strikethrough(),
        }
    }
}
