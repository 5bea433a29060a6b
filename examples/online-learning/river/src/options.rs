//! A model's options: its artifact is a text with a `name = value` on each line; `#` begins a remark.

use std::str::FromStr;

/// The options that were given and not yet taken.
pub struct Options<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Options<'a> {
    /// Reads the artifact.
    pub fn parse(artifact: &'a [u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(artifact).map_err(|e| format!("the options are no text: {e}"))?;
        let mut options: Vec<(&str, &str)> = Vec::new();
        for line in text.lines() {
            let line = line.split('#').next().unwrap_or_default().trim();
            if line.is_empty() {
                continue;
            }
            let (name, value) = line.split_once('=').ok_or_else(|| format!("'{line}' is not name = value"))?;
            let name = name.trim();
            if options.iter().any(|(known, _)| *known == name) {
                return Err(format!("option '{name}' is given twice"));
            }
            options.push((name, value.trim()));
        }
        Ok(Self(options))
    }

    /// Takes an option; `default` where it is not given.
    pub fn take<T: FromStr>(&mut self, name: &str, default: T) -> Result<T, String> {
        match self.0.iter().position(|(known, _)| *known == name) {
            None => Ok(default),
            Some(at) => {
                let (name, value) = self.0.remove(at);
                value.parse().map_err(|_| format!("option '{name}' cannot be '{value}'"))
            }
        }
    }

    /// Takes one of several words; the first is the default.
    pub fn choose<T: Copy>(&mut self, name: &str, words: &[(&str, T)]) -> Result<T, String> {
        let given = self.take(name, words[0].0.to_owned())?;
        match words.iter().find(|(word, _)| *word == given) {
            Some((_, value)) => Ok(*value),
            None => {
                let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
                Err(format!("option '{name}' cannot be '{given}'; it is one of {}", known.join(", ")))
            }
        }
    }

    /// Refuses options that nobody took.
    pub fn end(self) -> Result<(), String> {
        match self.0.first() {
            None => Ok(()),
            Some((name, _)) => Err(format!("unknown option '{name}'")),
        }
    }
}
