//! The grammar of paths.

use super::Step;
use super::filter::Filter;

/// The steps of a path. A `$` in front may be left out.
pub(super) fn steps(path: &str) -> Result<Vec<Step>, String> {
    let trimmed = path.trim();
    if trimmed.is_empty() {
        return Err("the JSON path is empty".to_owned());
    }
    let mut parser = Parser { text: trimmed, at: 0 };
    let mut steps = Vec::new();
    if !parser.take('$') && !parser.peeks(".") && !parser.peeks("[") {
        steps.push(parser.name_step()?);
    }
    parser.steps(&mut steps)?;
    match parser.rest() {
        "" => Ok(steps),
        rest => Err(format!("unexpected '{rest}' in JSON path '{path}'")),
    }
}

/// Reads a path step by step.
pub(super) struct Parser<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
}

impl<'a> Parser<'a> {
    pub(super) fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }
    pub(super) fn peeks(&self, text: &str) -> bool {
        self.rest().starts_with(text)
    }
    /// Takes that character if it is next.
    pub(super) fn take(&mut self, c: char) -> bool {
        let next = self.rest().starts_with(c);
        self.at += if next { c.len_utf8() } else { 0 };
        next
    }
    /// Takes that text if it is next.
    pub(super) fn take_text(&mut self, text: &str) -> bool {
        let next = self.peeks(text);
        self.at += if next { text.len() } else { 0 };
        next
    }
    pub(super) fn skip_space(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }
    pub(super) fn expect(&mut self, c: char) -> Result<(), String> {
        self.skip_space();
        if self.take(c) { Ok(()) } else { self.fail(&format!("'{c}' is missing")) }
    }
    pub(super) fn fail<T>(&self, what: &str) -> Result<T, String> {
        Err(format!("{what} at '{}' in JSON path '{}'", self.rest(), self.text))
    }

    /// All steps that follow.
    pub(super) fn steps(&mut self, steps: &mut Vec<Step>) -> Result<(), String> {
        loop {
            if self.take_text("..") {
                steps.push(Step::Descendants);
                if !self.peeks("[") {
                    steps.push(self.name_step()?);
                }
            } else if self.take('.') {
                steps.push(self.name_step()?);
            } else if self.take('[') {
                steps.push(self.bracket()?);
            } else {
                return Ok(());
            }
        }
    }

    /// What follows a point.
    fn name_step(&mut self) -> Result<Step, String> {
        if self.take('*') {
            return Ok(Step::All);
        }
        // Jayway takes `$.['name']` too.
        if self.take('[') {
            return self.bracket();
        }
        let end = self.rest().find(['.', '[', ' ', '(', ')', '=', '<', '>', '!', '&', '|', ']', ',']);
        let name = &self.rest()[..end.unwrap_or(self.rest().len())];
        if name.is_empty() {
            return self.fail("a name is missing");
        }
        self.at += name.len();
        Ok(Step::Members(vec![name.to_owned()]))
    }

    /// What follows `[`.
    fn bracket(&mut self) -> Result<Step, String> {
        self.skip_space();
        let step = if self.take('*') {
            Step::All
        } else if self.take('?') {
            self.expect('(')?;
            let filter = Filter::parse(self)?;
            self.expect(')')?;
            Step::Where(filter)
        } else if self.peeks("'") || self.peeks("\"") {
            let mut names = vec![self.quoted()?];
            while self.comma() {
                names.push(self.quoted()?);
            }
            Step::Members(names)
        } else {
            let first = self.integer()?;
            self.skip_space();
            if self.take(':') {
                Step::Slice(first, self.integer()?)
            } else {
                let mut indices = vec![first];
                while self.comma() {
                    indices.push(self.integer()?);
                }
                match indices.into_iter().collect::<Option<Vec<_>>>() {
                    Some(indices) => Step::Items(indices),
                    None => return self.fail("an index is missing"),
                }
            }
        };
        self.expect(']')?;
        Ok(step)
    }

    fn comma(&mut self) -> bool {
        self.skip_space();
        let comma = self.take(',');
        self.skip_space();
        comma
    }

    /// A name or text in single or double quotes.
    pub(super) fn quoted(&mut self) -> Result<String, String> {
        let Some(quote @ ('\'' | '"')) = self.rest().chars().next() else {
            return self.fail("a quoted name is missing");
        };
        self.take(quote);
        let mut name = String::new();
        let mut chars = self.rest().char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '\\' => name.extend(chars.next().map(|(_, c)| c)),
                c if c == quote => {
                    self.at += at + 1;
                    return Ok(name);
                }
                c => name.push(c),
            }
        }
        self.fail("a quote does not end")
    }

    /// An integer, if there is one.
    fn integer(&mut self) -> Result<Option<i64>, String> {
        self.skip_space();
        let end = self.rest().find(|c: char| !c.is_ascii_digit() && c != '-').unwrap_or(self.rest().len());
        let digits = &self.rest()[..end];
        if digits.is_empty() {
            return Ok(None);
        }
        match digits.parse() {
            Ok(number) => {
                self.at += end;
                Ok(Some(number))
            }
            Err(_) => self.fail("an index is no number"),
        }
    }
}
