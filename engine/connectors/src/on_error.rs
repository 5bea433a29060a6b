//! What happens to a record that cannot be decoded: `'on-error'`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value as Json, json};
use wasmill_plan::{Error, Options};
use wasmill_runtime::source::DeadLetter;

/// `'on-error'`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OnError {
    /// The job fails with the record's place.
    Fail,
    /// It is counted and left out.
    Skip,
    /// It goes to the table of that name.
    DeadLetter(String),
}

impl OnError {
    /// As the table's options say.
    pub fn of(options: &Options) -> Self {
        match options.get("on-error").map(String::as_str) {
            Some("skip") => Self::Skip,
            Some(value) => match value.strip_prefix("dead-letter:") {
                Some(table) => Self::DeadLetter(table.trim().to_owned()),
                None => Self::Fail,
            },
            None => Self::Fail,
        }
    }
}

/// The records of one source that could not be decoded.
#[derive(Debug)]
pub(crate) struct Rejects {
    table: String,
    on_error: OnError,
    /// How many were left out or sent to the dead-letter table.
    pub(crate) skipped: u64,
    letters: Vec<DeadLetter>,
}

impl Rejects {
    pub(crate) fn new(table: &str, options: &Options) -> Self {
        Self { table: table.to_owned(), on_error: OnError::of(options), skipped: 0, letters: Vec::new() }
    }
    /// Counts records that an option of the format says to leave out.
    pub(crate) fn skip(&mut self, count: u64) {
        self.skipped += count;
    }
    /// Takes a record that cannot be decoded.
    ///
    /// # Errors
    /// Under `'on-error' = 'fail'`.
    pub(crate) fn add(&mut self, reason: String, place: String, raw: &[u8]) -> Result<(), Error> {
        match self.on_error {
            OnError::Fail => {
                let message = format!(
                    "a row of table '{}' cannot be decoded: {reason}; 'on-error' = 'skip' leaves such rows out",
                    self.table
                );
                return Err(Error::Data { message, place: Some(place) });
            }
            OnError::Skip => {}
            OnError::DeadLetter(_) => {
                self.letters.push(DeadLetter { source: self.table.clone(), place, reason, raw: raw.to_vec() });
            }
        }
        self.skipped += 1;
        Ok(())
    }
    /// The dead letters that wait to be given.
    pub(crate) fn take(&mut self) -> Option<Vec<DeadLetter>> {
        (!self.letters.is_empty()).then(|| std::mem::take(&mut self.letters))
    }
    /// Takes back letters that must wait longer.
    pub(crate) fn put_back(&mut self, letters: Vec<DeadLetter>) {
        self.letters = letters;
    }
    /// For a position: what waits, so that a restore neither loses nor repeats it.
    pub(crate) fn position(&self) -> Json {
        let letters = self.letters.iter();
        letters.map(|l| json!({"place": l.place, "reason": l.reason, "raw": STANDARD.encode(&l.raw)})).collect()
    }
    /// From a position.
    pub(crate) fn restore(&mut self, position: &Json) {
        let text = |json: &Json, key: &str| json[key].as_str().unwrap_or_default().to_owned();
        for letter in position.as_array().into_iter().flatten() {
            self.letters.push(DeadLetter {
                source: self.table.clone(),
                place: text(letter, "place"),
                reason: text(letter, "reason"),
                raw: STANDARD.decode(text(letter, "raw")).unwrap_or_default(),
            });
        }
    }
}
