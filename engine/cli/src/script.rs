//! The text of a script: read whole, or statement by statement as it arrives.

use std::io::{self, Read};

use wasmill_sql::is_complete;

use crate::args::Source;

/// Reads what the arguments name.
///
/// # Errors
/// What was attempted and why it failed, for the user.
pub fn read(source: &Source) -> Result<String, String> {
    if let Some(text) = &source.execute {
        return Ok(text.clone());
    }
    let Some(path) = &source.file else { return Err("no script was given".to_owned()) };
    let bytes = if path.as_os_str() == "-" {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes).map_err(|e| format!("cannot read standard input: {e}"))?;
        bytes
    } else {
        std::fs::read(path).map_err(|e| format!("cannot read '{}': {}", path.display(), reason(&e)))?
    };
    String::from_utf8(bytes).map(|text| text.trim_start_matches('\u{feff}').to_owned()).map_err(|e| {
        let before = &e.as_bytes()[..e.utf8_error().valid_up_to()];
        let line = before.iter().filter(|b| **b == b'\n').count() + 1;
        format!("'{}' is not UTF-8: line {line}", path.display())
    })
}

/// An I/O error without its number.
fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
        std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        std::io::ErrorKind::IsADirectory => "it is a directory".to_owned(),
        _ => error.to_string(),
    }
}

/// Statements on a stream, each given as soon as its semicolon is there.
pub struct Arriving<F> {
    read_line: F,
    lines_before: usize,
}

impl<F: FnMut(&mut Vec<u8>) -> io::Result<usize>> Arriving<F> {
    /// `read_line` appends a line with its line break and gives its length, 0 at the end. What it reads is not held here, so
    /// that a table on standard input gets what stands behind the statement that reads it.
    pub fn new(read_line: F) -> Self {
        Self { read_line, lines_before: 0 }
    }
    /// The next complete statements, at the end what is left; `None` behind it. In front stand as many line breaks as lines
    /// came before, so that places in the text are places in the input.
    ///
    /// # Errors
    /// What was attempted and why it failed, for the user.
    pub fn next(&mut self) -> Result<Option<String>, String> {
        let mut text = "\n".repeat(self.lines_before);
        loop {
            let mut line = Vec::new();
            let read = (self.read_line)(&mut line);
            if read.map_err(|e| format!("cannot read standard input: {e}"))? == 0 {
                return Ok((!text.trim().is_empty()).then_some(text));
            }
            let line = String::from_utf8(line)
                .map_err(|_| format!("standard input is not UTF-8: line {}", self.lines_before + 1))?;
            let line = if self.lines_before == 0 { line.trim_start_matches('\u{feff}') } else { &line };
            self.lines_before += 1;
            text.push_str(line);
            if line.contains(';') && is_complete(&text) {
                return Ok(Some(text));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufRead;

    use super::*;

    fn statements(mut input: &[u8]) -> Arriving<impl FnMut(&mut Vec<u8>) -> io::Result<usize>> {
        Arriving::new(move |line| input.read_until(b'\n', line))
    }

    #[test]
    fn statements_come_one_by_one_with_their_places() {
        let input = "\u{feff}SELECT 1; -- one\nSELECT ';'\n, 2;\n\nEXECUTE STATEMENT SET BEGIN\nINSERT INTO t SELECT 1;\nEND;\nSELECT 3";
        let mut arriving = statements(input.as_bytes());
        let mut all = Vec::new();
        while let Some(text) = arriving.next().expect("text") {
            all.push(text);
        }
        let shown: Vec<&str> = all.iter().map(|t| t.trim()).collect();
        let set = "EXECUTE STATEMENT SET BEGIN\nINSERT INTO t SELECT 1;\nEND;";
        assert_eq!(shown, ["SELECT 1; -- one", "SELECT ';'\n, 2;", set, "SELECT 3"]);
        assert_eq!(all[1].split('\n').nth(1), Some("SELECT ';'"), "the second line of the input");
        assert!(statements(b"SELECT '\xff';").next().unwrap_err().contains("line 1"));
    }
}
