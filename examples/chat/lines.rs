//! Bytes in, lines out: split at newlines, bounded, checked for UTF-8.

/// One line, without its newline.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line<'a> {
    /// A good line.
    Text(&'a str),
    /// Longer than the limit. Told once, as soon as it is known; the rest of the line is skipped.
    TooLong,
    /// Not UTF-8; skipped.
    NotUtf8,
}

/// Splits a stream of bytes into lines. Holds at most one line and one read.
#[derive(Debug)]
pub(crate) struct Lines {
    max: usize,
    buf: Vec<u8>,
    /// The first byte of the next line.
    start: usize,
    /// Where no newline was found so far.
    scanned: usize,
    /// The rest of a line that was too long is to be dropped.
    skipping: bool,
}

impl Lines {
    /// Takes lines of at most `max` bytes, newline not counted.
    pub(crate) fn new(max: usize) -> Self {
        Self { max, buf: Vec::new(), start: 0, scanned: 0, skipping: false }
    }

    /// Adds what was read. Take all lines with `next` before the next call.
    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        self.buf.drain(..self.start);
        self.scanned -= self.start;
        self.start = 0;
        self.buf.extend_from_slice(bytes);
    }

    /// The next whole line, or the news that the one that is coming is too long.
    pub(crate) fn next(&mut self) -> Option<Line<'_>> {
        loop {
            let newline = self.buf[self.scanned..].iter().position(|&byte| byte == b'\n');
            let Some(offset) = newline else { return self.unfinished() };
            let (start, end) = (self.start, self.scanned + offset);
            self.start = end + 1;
            self.scanned = self.start;
            if !std::mem::take(&mut self.skipping) {
                return Some(self.line(start, end));
            }
        }
    }

    /// What stands behind the last newline when the stream has ended.
    pub(crate) fn last(&mut self) -> Option<Line<'_>> {
        let (start, end) = (self.start, self.buf.len());
        self.start = end;
        self.scanned = end;
        (start < end && !self.skipping).then(|| self.line(start, end))
    }

    fn unfinished(&mut self) -> Option<Line<'_>> {
        self.scanned = self.buf.len();
        // One more than the limit: it may yet turn out to be the return before a newline.
        let is_news = !self.skipping && self.scanned - self.start > self.max + 1;
        self.skipping |= is_news;
        if self.skipping {
            self.start = self.scanned;
        }
        is_news.then_some(Line::TooLong)
    }

    fn line(&self, start: usize, end: usize) -> Line<'_> {
        let line = &self.buf[start..end];
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.len() > self.max {
            return Line::TooLong;
        }
        str::from_utf8(line).map_or(Line::NotUtf8, Line::Text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(max: usize, pieces: &[&[u8]]) -> Vec<String> {
        let mut lines = Lines::new(max);
        let mut seen = Vec::new();
        for piece in pieces {
            lines.feed(piece);
            while let Some(line) = lines.next() {
                seen.push(format!("{line:?}"));
            }
        }
        seen.extend(lines.last().map(|line| format!("last {line:?}")));
        seen
    }

    #[test]
    fn lines_come_whole_however_they_are_cut() {
        let whole = all(10, &[b"one\ntwo\r\n\nend"]);
        assert_eq!(whole, ["Text(\"one\")", "Text(\"two\")", "Text(\"\")", "last Text(\"end\")"]);
        let bytes: Vec<_> = b"one\ntwo\r\n\nend".chunks(1).collect();
        assert_eq!(all(10, &bytes), whole);
    }

    #[test]
    fn a_line_at_the_limit_passes_and_one_over_it_is_told_once() {
        assert_eq!(all(3, &[b"abc\nabcd\nab\n"]), ["Text(\"abc\")", "TooLong", "Text(\"ab\")"]);
        assert_eq!(all(3, &[b"abc", b"\r\n"]), ["Text(\"abc\")"]);
        assert_eq!(all(3, &[b"abcdef", b"ghi", b"jk\nab\n"]), ["TooLong", "Text(\"ab\")"]);
        assert_eq!(all(3, &[b"abcdef", b"ghi"]), ["TooLong"]);
        assert_eq!(all(3, &[b"abcd"]), ["last TooLong"]);
    }

    #[test]
    fn bytes_that_are_not_utf8_cost_their_own_line_only() {
        assert_eq!(all(9, &[b"a\xff\nb\n"]), ["NotUtf8", "Text(\"b\")"]);
        assert_eq!(all(9, &["é\n".as_bytes()]), ["Text(\"é\")"]);
    }
}
