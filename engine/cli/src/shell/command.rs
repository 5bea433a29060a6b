//! What is typed into the shell and is no SQL: `help`, `quit` and their kin, also under the names that other shells give them.

use wasmill_sql::nearest;

use super::words::STATEMENTS;

/// The shell's own commands: name, argument, meaning.
pub const COMMANDS: &[(&str, &str, &str)] = &[
    ("help", "[topic]", "what there is; 'help SELECT', 'help filesystem', 'help UPPER'"),
    ("source", "FILE.sql", "run the statements of a file"),
    ("history", "", "show what was typed before"),
    ("clear", "", "clear the screen"),
    ("quit", "", "leave; also exit, Ctrl-D"),
];

/// What an entry asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// Nothing was typed.
    Nothing,
    /// SQL.
    Statements,
    /// `help [topic]`.
    Help(String),
    /// `source FILE`.
    Source(String),
    /// `history`.
    History,
    /// `clear`.
    Clear,
    /// `quit`.
    Quit,
    /// Something else, with advice.
    Unknown {
        /// What is wrong.
        message: String,
        /// What to type instead.
        hint: String,
    },
}

/// Reads what was typed.
pub fn read(text: &str) -> Entry {
    let line = text.trim().trim_end_matches(';').trim_end();
    let (word, rest) = line.split_once(char::is_whitespace).map_or((line, ""), |(word, rest)| (word, rest.trim()));
    match word.to_ascii_lowercase().as_str() {
        "" => Entry::Nothing,
        "help" | "\\h" | "\\?" | "?" | ".help" => Entry::Help(rest.to_owned()),
        "quit" | "exit" | "\\q" | ".quit" | ".exit" | "!quit" | "!exit" if rest.is_empty() => Entry::Quit,
        "clear" | ".clear" if rest.is_empty() => Entry::Clear,
        "history" if rest.is_empty() => Entry::History,
        "source" | "\\i" | ".read" => match rest.trim_matches('\'') {
            "" => unknown("source needs a file", "write source FILE.sql"),
            file => Entry::Source(file.to_owned()),
        },
        other => foreign(other, rest).or_else(|| misspelt(text, word)).unwrap_or(Entry::Statements),
    }
}

/// Commands of other shells for which there is a statement here.
fn foreign(word: &str, rest: &str) -> Option<Entry> {
    let instead = match word {
        "\\d" | ".schema" if !rest.is_empty() => format!("write DESCRIBE {rest}; or SHOW CREATE TABLE {rest};"),
        "\\d" | "\\dt" | "\\l" | ".tables" | ".databases" => "write SHOW TABLES;".to_owned(),
        "\\dv" => "write SHOW VIEWS;".to_owned(),
        "\\df" => "write SHOW FUNCTIONS;".to_owned(),
        "\\set" => "write SET; to see all settings, SET 'key' = 'value'; to change one".to_owned(),
        _ if word.starts_with(['\\', '!']) || word.starts_with('.') && word.len() > 1 => {
            "'help' shows all commands".to_owned()
        }
        _ => return None,
    };
    Some(unknown(&format!("there is no command {word}"), &instead))
}

/// A single word that is almost a command.
fn misspelt(text: &str, word: &str) -> Option<Entry> {
    let is_alone = text.trim() == word && word.len() >= 3 && word.chars().all(char::is_alphabetic);
    if !is_alone || STATEMENTS.iter().any(|s| s.eq_ignore_ascii_case(word)) {
        return None;
    }
    let names = || COMMANDS.iter().map(|(name, ..)| *name).chain(["exit"]);
    let near = nearest(word, names().chain(STATEMENTS.iter().copied()))?;
    names()
        .any(|name| name == near)
        .then(|| unknown(&format!("there is no command '{word}'"), &format!("did you mean '{near}'?")))
}

fn unknown(message: &str, hint: &str) -> Entry {
    Entry::Unknown { message: message.to_owned(), hint: hint.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_told_from_statements() {
        assert_eq!(read("  "), Entry::Nothing);
        assert_eq!(read("help"), Entry::Help(String::new()));
        assert_eq!(read("HELP create table;"), Entry::Help("create table".to_owned()));
        for quit in ["quit", "exit;", "\\q", ".exit", "QUIT"] {
            assert_eq!(read(quit), Entry::Quit, "{quit}");
        }
        assert_eq!(read("source 'a b.sql';"), Entry::Source("a b.sql".to_owned()));
        for sql in
            ["SELECT 1;", "SELECT", "select", "show", "VALUES (1)", "-- help", "SELECT help", "(SELECT 1)", "with"]
        {
            assert_eq!(read(sql), Entry::Statements, "{sql}");
        }
    }

    #[test]
    fn misspelt_and_foreign_commands_get_advice() {
        for (typed, advice) in [
            ("hlep", "'help'"),
            ("exti", "'exit'"),
            ("quti", "'quit'"),
            ("\\d payments", "DESCRIBE payments;"),
            (".tables", "SHOW TABLES"),
            ("\\x", "help"),
            ("source", "FILE.sql"),
        ] {
            let Entry::Unknown { hint, .. } = read(typed) else { panic!("{typed}") };
            assert!(hint.contains(advice), "{typed}: {hint}");
        }
        assert_eq!(read("selct"), Entry::Statements, "the parser knows better");
    }
}
