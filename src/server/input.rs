//! stdin, line by line, in bounded memory.

use std::io;

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};

/// A line of the input.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Input {
    /// A line, without its line end; never blank.
    Line(Vec<u8>),
    /// A line of more than the allowed bytes; it was skipped, not kept.
    TooLong,
    /// There is no more.
    End,
}

/// Splits the input into lines. [`LineReader::next`] may be dropped half-way and called again.
pub(super) struct LineReader<R> {
    input: BufReader<R>,
    line: Vec<u8>,
    max_bytes: usize,
    /// Inside a line that is already too long.
    skipping: bool,
    /// Before the first line, where a byte-order mark may stand.
    first: bool,
}

/// How much is read at a time.
const CHUNK: usize = 64 * 1024;
/// A line buffer that grew beyond this is given back to the system.
const KEEP: usize = 1 << 20;

impl<R: AsyncRead + Unpin> LineReader<R> {
    pub(super) fn new(input: R, max_bytes: usize) -> Self {
        Self {
            input: BufReader::with_capacity(CHUNK, input),
            line: Vec::new(),
            max_bytes,
            skipping: false,
            first: true,
        }
    }

    /// The next line. The last one counts without a newline, too.
    ///
    /// # Errors
    /// What the operating system says.
    pub(super) async fn next(&mut self) -> io::Result<Input> {
        loop {
            let chunk = match self.input.fill_buf().await {
                Ok(chunk) => chunk,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if chunk.is_empty() {
                // A last line without a newline is a line; what was skipped is answered first.
                return Ok(self.finish().unwrap_or(Input::End));
            }
            let (part, used, ended) = match memchr::memchr(b'\n', chunk) {
                Some(at) => (&chunk[..at], at + 1, true),
                None => (chunk, chunk.len(), false),
            };
            // One byte more than allowed may turn out to be the `\r` of a line end.
            if !self.skipping && self.line.len() + part.len() <= self.max_bytes + 1 {
                self.line.extend_from_slice(part);
            } else {
                self.skipping = true;
                self.line = Vec::new();
            }
            self.input.consume(used);
            if ended && let Some(line) = self.finish() {
                return Ok(line);
            }
        }
    }

    /// Whether a whole line was read already, so that [`Self::next`] does not wait.
    pub(super) fn has_line(&self) -> bool {
        memchr::memchr(b'\n', self.input.buffer()).is_some()
    }

    /// The line that just ended, unless it is blank.
    fn finish(&mut self) -> Option<Input> {
        if std::mem::take(&mut self.skipping) {
            return Some(Input::TooLong);
        }
        let mut line = std::mem::take(&mut self.line);
        if line.capacity() <= KEEP {
            self.line = Vec::with_capacity(line.capacity());
        }
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        if std::mem::take(&mut self.first) && line.starts_with("\u{feff}".as_bytes()) {
            line.drain(..3);
        }
        if line.len() > self.max_bytes {
            return Some(Input::TooLong);
        }
        (!line.iter().all(u8::is_ascii_whitespace)).then_some(Input::Line(line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn lines(input: &[u8], max_bytes: usize) -> Vec<Input> {
        let mut reader = LineReader::new(input, max_bytes);
        let mut all = Vec::new();
        loop {
            match reader.next().await.unwrap() {
                Input::End => return all,
                line => all.push(line),
            }
        }
    }

    fn line(text: &str) -> Input {
        Input::Line(text.as_bytes().to_vec())
    }

    #[tokio::test]
    async fn splitting() {
        for (input, want) in [
            ("", vec![]),
            ("a", vec![line("a")]),
            ("a\nb\n", vec![line("a"), line("b")]),
            ("a\r\n\r\n  \n\nb", vec![line("a"), line("b")]),
            ("\u{feff}a\n\u{feff}b\n", vec![line("a"), line("\u{feff}b")]),
            ("a\rb\n", vec![line("a\rb")]),
        ] {
            assert_eq!(lines(input.as_bytes(), 100).await, want, "{input:?}");
        }
    }

    #[tokio::test]
    async fn long_lines_are_skipped_and_reported_once() {
        for (input, want) in [
            ("12345\n", vec![line("12345")]),
            ("12345\r\n", vec![line("12345")]),
            ("123456\nx\n", vec![Input::TooLong, line("x")]),
            ("123456\r\nx\n", vec![Input::TooLong, line("x")]),
            ("1234567890", vec![Input::TooLong]),
        ] {
            assert_eq!(lines(input.as_bytes(), 5).await, want, "{input:?}");
        }
        let huge = "x".repeat(10 * CHUNK) + "\nok\n";
        assert_eq!(lines(huge.as_bytes(), CHUNK).await, [Input::TooLong, line("ok")]);
    }
}
