//! Kind of connection to a program's standard streams.

/// The kind of connection to a program's standard streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TerminalKind {
    /// A pseudo terminal of this size, which becomes the program's controlling terminal. All three
    /// standard streams are on it, so there is one output stream.
    Pty { rows: u16, columns: u16 },
    /// One pipe for each standard stream, and no controlling terminal.
    Pipes,
}
