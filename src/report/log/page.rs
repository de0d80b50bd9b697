//! Lines of the log with their timestamps.

use std::fmt::{Display, Write as _};
use std::io::{self, Write};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chrono::{DateTime, Local};

use crate::model::InstanceId;

use crate::report::sanitize::sanitize;

/// The destination of lines. After an error it ignores further lines.
pub(super) struct Page<W> {
    writer: io::Result<W>,
    now: fn() -> SystemTime,
    stamp: TimestampCache,
    /// The current line; kept between lines to reuse its memory.
    line: LogLine,
}

impl<W: Write> Page<W> {
    /// Creates a page that writes to `writer`, with times from `now`.
    pub(super) fn new(writer: W, now: fn() -> SystemTime) -> Self {
        Page {
            writer: Ok(writer),
            now,
            stamp: TimestampCache::default(),
            line: LogLine::default(),
        }
    }

    /// Writes a timestamped line of what `fill` appends, sanitized.
    pub(super) fn line(&mut self, fill: impl FnOnce(&mut LogLine)) {
        if self.writer.is_err() {
            return;
        }
        let LogLine(text) = &mut self.line;
        text.clear();
        self.stamp.put((self.now)(), text);
        text.push(' ');
        let head = text.len();
        fill(&mut self.line);
        let LogLine(text) = &mut self.line;
        if let std::borrow::Cow::Owned(safe) = sanitize(&text[head..]) {
            text.replace_range(head.., &safe);
        }
        text.push('\n');
        if let Ok(writer) = &mut self.writer
            && let Err(error) = writer.write_all(text.as_bytes())
        {
            self.writer = Err(error);
        }
    }

    /// Writes continuation lines, which must be sanitized.
    pub(super) fn more(&mut self, lines: impl IntoIterator<Item: Display>) {
        for line in lines {
            self.attempt(|writer| writeln!(writer, "    {line}"));
        }
    }

    pub(super) fn flush(&mut self) {
        self.attempt(W::flush);
    }

    /// Returns the first error.
    pub(super) fn error(&self) -> Option<&io::Error> {
        self.writer.as_ref().err()
    }

    fn attempt(&mut self, write: impl FnOnce(&mut W) -> io::Result<()>) {
        if let Ok(writer) = &mut self.writer
            && let Err(error) = write(writer)
        {
            self.writer = Err(error);
        }
    }
}

/// The line in progress.
#[derive(Debug, Default)]
pub(super) struct LogLine(String);

impl LogLine {
    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        self.0.push_str(text);
        self
    }

    pub(super) fn number(&mut self, number: u64) -> &mut Self {
        self.shown(number)
    }

    /// Appends an instance as its `Display` does, but faster.
    pub(super) fn instance(&mut self, id: InstanceId) -> &mut Self {
        self.number(id.flow.0).text(".");
        self.number(id.role.0 as u64 + 1).text(".");
        self.number(u64::from(id.attempt))
    }

    /// Appends the formatted value.
    pub(super) fn shown(&mut self, value: impl Display) -> &mut Self {
        write!(self.0, "{value}").expect("a String takes all");
        self
    }
}

/// A cache of formatted timestamps: many lines differ only in their milliseconds.
#[derive(Debug, Default)]
struct TimestampCache {
    /// The last formatted second, since 1970.
    second: Option<u64>,
    /// Its text before and after the milliseconds.
    before: String,
    after: String,
}

impl TimestampCache {
    fn put(&mut self, at: SystemTime, text: &mut String) {
        // The clock is before 1970.
        let since: Duration = at.duration_since(UNIX_EPOCH).unwrap_or_default();
        if self.second != Some(since.as_secs()) {
            let local = DateTime::<Local>::from(at);
            self.second = Some(since.as_secs());
            self.before = local.format("%Y-%m-%dT%H:%M:%S.").to_string();
            self.after = local.format("%:z").to_string();
        }
        text.push_str(&self.before);
        let ms = since.subsec_millis();
        write!(text, "{ms:03}").expect("a String takes all");
        text.push_str(&self.after);
    }
}

#[cfg(test)]
mod tests {
    use crate::model::{FlowNumber, RoleIndex};

    use super::*;

    fn lines(now: fn() -> SystemTime, fill: impl FnOnce(&mut Page<&mut Vec<u8>>)) -> String {
        let mut written = Vec::new();
        fill(&mut Page::new(&mut written, now));
        String::from_utf8(written).unwrap()
    }

    #[test]
    fn every_line_has_its_own_time() {
        use std::sync::atomic::{AtomicU64, Ordering};
        static CALLS: AtomicU64 = AtomicU64::new(0);
        fn now() -> SystemTime {
            let ms = [86_399_007, 86_399_070, 86_400_700];
            let call = CALLS.fetch_add(1, Ordering::Relaxed);
            UNIX_EPOCH + Duration::from_millis(ms[usize::try_from(call).unwrap()])
        }
        let written = lines(now, |page| {
            for _ in 0..3 {
                page.line(|line| _ = line.text("x"));
            }
        });
        let expected = [86_399_007, 86_399_070, 86_400_700].map(|ms| {
            let at = DateTime::<Local>::from(UNIX_EPOCH + Duration::from_millis(ms));
            format!("{} x\n", at.format("%Y-%m-%dT%H:%M:%S%.3f%:z"))
        });
        assert_eq!(written, expected.concat());
    }

    #[test]
    fn an_instance_is_written_as_displayed() {
        let id = InstanceId {
            flow: FlowNumber(120),
            role: RoleIndex(9),
            attempt: 3,
        };
        let mut line = LogLine::default();
        line.instance(id);
        assert_eq!(line.0, id.to_string());
    }

    #[test]
    fn a_line_is_sanitized_and_its_time_is_not_touched() {
        let written = lines(
            || UNIX_EPOCH,
            |page| page.line(|line| _ = line.text("a\x1b[2J\nb")),
        );
        let (time, rest) = written.split_once(' ').unwrap();
        assert!(DateTime::parse_from_rfc3339(time).is_ok(), "{time}");
        assert_eq!(rest, "a␛[2J␊b\n");
    }
}
