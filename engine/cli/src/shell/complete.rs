//! Completion: the candidates for the word at the cursor.

use std::collections::HashSet;
use std::path::Path;

use wasmill_server::{OptionKind, OptionSpec, connector, connectors};

use super::command::COMMANDS;
use super::context::{Context, Quotes, Want, context, mentions};
use super::help;
use super::lexer::{Kind, Piece};
use super::names::{Names, Relation};
use super::words::{KEYWORDS, STATEMENTS, TYPES, UNITS, is_keyword, is_type};

/// More files than this are not listed.
const FILES_MAX: usize = 200;

/// Something that can stand at the cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// What replaces the text from `start` to the cursor.
    pub value: String,
    /// What the menu shows of it: without quotes and what follows them.
    pub name: String,
    /// The byte where the word begins.
    pub start: usize,
    /// What it is, for the user.
    pub note: String,
    /// Whether a blank follows it.
    pub is_whole: bool,
}

/// The candidates at the byte `cursor` of `text`, best first.
pub fn complete(text: &str, cursor: usize, names: &Names) -> Vec<Candidate> {
    let context = context(text, cursor);
    let mut list = List { context: &context, found: Vec::new(), seen: HashSet::new() };
    match &context.want {
        Want::Nothing => {}
        Want::Start => {
            list.words(STATEMENTS, "statement");
            COMMANDS.iter().for_each(|(name, argument, note)| list.name(name, note, !argument.is_empty()));
        }
        Want::Topic => help::topics().for_each(|(topic, note)| list.name(&topic, note, false)),
        Want::Path => list.paths(),
        Want::Relation => list.relations(names),
        Want::ColumnOf(qualifier) => {
            let mentioned = mentions(&context.statement);
            let relation = mentioned.iter().find(|(_, alias)| alias == qualifier).map_or(*qualifier, |(name, _)| *name);
            names.relation(relation).into_iter().for_each(|r| list.columns(r));
        }
        Want::UserFunction => names.functions.iter().for_each(|(name, usage)| list.name(name, usage, false)),
        Want::Words(words) => list.words(words, ""),
        Want::Type => list.words(TYPES, "type"),
        Want::OptionKey => list.option_keys(),
        Want::OptionValue(key) => list.option_values(key),
        Want::SettingKey => list.setting_keys(names),
        Want::SettingValue(key) => list.setting_values(key, names),
        Want::Expression => list.expression(names),
    }
    list.found
}

struct List<'a> {
    context: &'a Context<'a>,
    found: Vec<Candidate>,
    seen: HashSet<String>,
}

impl List<'_> {
    /// Adds a candidate if what was typed is the beginning of `name`.
    fn add(&mut self, name: &str, value: String, note: &str, is_whole: bool) {
        let typed = self.context.typed.trim_start_matches('`').to_lowercase();
        if name.to_lowercase().starts_with(&typed) && self.seen.insert(value.clone()) {
            let (name, start, note) = (name.to_owned(), self.context.start, note.to_owned());
            self.found.push(Candidate { value, name, start, note, is_whole });
        }
    }

    fn name(&mut self, name: &str, note: &str, is_whole: bool) {
        self.add(name, name.to_owned(), note, is_whole);
    }

    /// Words of the dialect, in lower case for those who type in lower case.
    fn words(&mut self, words: &[&str], note: &str) {
        words
            .iter()
            .map(|word| self.cased(word))
            .collect::<Vec<_>>()
            .iter()
            .for_each(|word| self.name(word, note, true));
    }

    fn cased(&self, word: &str) -> String {
        let is_lower = self.context.typed.starts_with(|c: char| c.is_ascii_lowercase());
        if is_lower { word.to_lowercase() } else { word.to_owned() }
    }

    fn relations(&mut self, names: &Names) {
        for relation in &names.relations {
            let note = if relation.is_view { "view" } else { "table" };
            self.add(&relation.name, quoted_name(&relation.name), note, false);
        }
        if !self.context.statement.first().is_some_and(|p| p.is("DROP") || p.is("DESCRIBE") || p.is("SHOW")) {
            self.add("TABLE(", self.cased("TABLE("), "window function", false);
        }
    }

    fn columns(&mut self, relation: &Relation) {
        for (name, data_type) in &relation.columns {
            self.add(name, quoted_name(name), data_type, false);
        }
    }

    fn expression(&mut self, names: &Names) {
        let mentioned = mentions(&self.context.statement);
        let known: Vec<&Relation> = mentioned.iter().filter_map(|(name, _)| names.relation(name)).collect();
        known.iter().for_each(|relation| self.columns(relation));
        if ["TUMBLE", "HOP", "CUMULATE", "SESSION"].iter().any(|w| self.context.statement.iter().any(|p| p.is(w))) {
            ["window_start", "window_end", "window_time"].iter().for_each(|c| self.name(c, "TIMESTAMP(3)", false));
        }
        if self.context.typed.is_empty() {
            return;
        }
        if known.is_empty() {
            names.relations.iter().for_each(|relation| self.columns(relation));
        }
        mentioned.iter().for_each(|(name, alias)| {
            self.add(alias, quoted_name(alias), if name == alias { "table" } else { name }, false);
        });
        self.words(KEYWORDS, "");
        self.words(UNITS, "unit");
        for (name, usage) in &names.functions {
            self.add(name, format!("{name}("), usage, false);
        }
        for name in wasmill_expr::aggregate::names() {
            let usage = wasmill_expr::aggregate::usage(name).unwrap_or(name);
            self.add(name, self.cased(&format!("{name}(")), usage, false);
        }
        for function in wasmill_expr::registry::all().filter(|f| f.name.starts_with(|c: char| c.is_ascii_alphabetic()))
        {
            if !is_keyword(function.name) && !function.name.contains(' ') {
                self.add(function.name, self.cased(&format!("{}(", function.name)), function.usage, false);
            }
        }
        self.words(TYPES, "type");
    }

    /// `value` in the quotes that the cursor's place asks for; `rest` follows the closing quote where that is not there yet.
    fn text(&mut self, value: &str, rest: &str, note: &str) {
        let shown = match self.context.quotes {
            Quotes::None => format!("'{value}'{rest}"),
            Quotes::Text { is_closed: false } => format!("{value}'{rest}"),
            Quotes::Text { is_closed: true } => value.to_owned(),
        };
        self.add(value, shown, note, false);
    }

    fn option_keys(&mut self) {
        let statement = &self.context.statement;
        let is_given = |key: &str| statement.iter().any(|p| p.kind == Kind::Text && p.is_closed && p.unquoted() == key);
        if statement.iter().take(4).any(|p| p.is("FUNCTION")) {
            for (key, note) in [
                ("memory.max", "how much memory an instance may take"),
                ("timeout", "how long a call may take"),
                ("on-error", "what happens to a row that the function fails on"),
                ("sha256", "the hash that the module must have"),
            ] {
                self.text(key, " = '", note);
            }
            return;
        }
        for spec in options_of(statement) {
            match spec.key.split_once('#') {
                _ if is_given(spec.key) => {}
                None => self.text(spec.key, " = '", spec.description),
                Some((before, behind)) => {
                    for column in declared_columns(statement) {
                        let key = format!("{before}{column}{behind}");
                        if !is_given(&key) {
                            self.text(&key, " = '", spec.description);
                        }
                    }
                }
            }
        }
    }

    fn option_values(&mut self, key: &str) {
        if key.ends_with("path") {
            return self.paths();
        }
        match key {
            "connector" => return connectors().iter().for_each(|c| self.text(c.name, "", c.description)),
            "format" => {
                let known = option_value(&self.context.statement, "connector").and_then(connector);
                let all = connectors().iter().filter(|c| known.is_none_or(|k| k.name == c.name));
                return all.flat_map(|c| c.formats).for_each(|format| self.text(format, "", "format"));
            }
            _ => {}
        }
        let statement = &self.context.statement;
        let is_it = |spec: &OptionSpec| match spec.key.split_once('#') {
            Some((before, behind)) => key.starts_with(before) && key.ends_with(behind),
            None => spec.key == key,
        };
        let Some(spec) = options_of(statement).into_iter().find(is_it) else { return };
        match spec.kind {
            OptionKind::Boolean => ["true", "false"].iter().for_each(|v| self.text(v, "", "")),
            OptionKind::Choice(words) => words.iter().for_each(|v| self.text(v, "", "")),
            OptionKind::OnError => ["fail", "skip", "dead-letter:"].iter().for_each(|v| self.text(v, "", "")),
            _ => spec.default.iter().for_each(|default| self.text(default, "", "default")),
        }
    }

    fn setting_keys(&mut self, names: &Names) {
        let rest = if self.context.statement.first().is_some_and(|p| p.is("RESET")) { "" } else { " = '" };
        for (key, _, meaning) in &names.settings {
            self.text(key, rest, meaning);
        }
    }

    fn setting_values(&mut self, key: &str, names: &Names) {
        if key == "sql-client.execution.result-mode" {
            ["table", "changelog", "tableau"].iter().for_each(|v| self.text(v, "", ""));
        }
        for (_, value, _) in names.settings.iter().filter(|(k, value, _)| *k == key && !value.is_empty()) {
            self.text(value, "", "the value now");
        }
    }

    fn paths(&mut self) {
        let typed = self.context.typed;
        let (folder, beginning) = typed.rfind('/').map_or(("", typed), |at| typed.split_at(at + 1));
        let home = std::env::var("HOME").unwrap_or_default();
        let place = match folder {
            "" => ".".to_owned(),
            folder => folder.strip_prefix("~/").map_or(folder.to_owned(), |rest| format!("{home}/{rest}")),
        };
        let Ok(entries) = std::fs::read_dir(Path::new(&place)) else { return };
        let mut files: Vec<(String, bool)> = entries
            .flatten()
            .map(|e| (e.file_name().to_string_lossy().into_owned(), e.path().is_dir()))
            .filter(|(name, _)| name.starts_with(beginning) && (beginning.starts_with('.') || !name.starts_with('.')))
            .take(FILES_MAX)
            .collect();
        files.sort();
        for (name, is_folder) in files {
            let end = match (is_folder, self.context.quotes) {
                (true, _) => "/",
                (false, Quotes::Text { is_closed: false }) => "'",
                (false, _) => "",
            };
            let path = format!("{folder}{name}");
            self.add(&path, format!("{path}{end}"), if is_folder { "folder" } else { "file" }, false);
        }
    }
}

/// The name as it is written in SQL.
fn quoted_name(name: &str) -> String {
    let is_plain = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !is_keyword(name)
        && !is_type(name);
    if is_plain { name.to_owned() } else { format!("`{}`", name.replace('`', "``")) }
}

/// The value that a WITH clause gives to `key`.
fn option_value<'a>(statement: &[Piece<'a>], key: &str) -> Option<&'a str> {
    let found =
        statement.windows(3).find(|w| w[0].kind == Kind::Text && w[0].unquoted() == key && w[1].is_symbol("="))?;
    Some(found[2].unquoted())
}

/// The options that the connector and format of a statement have; of all connectors where it names none.
fn options_of(statement: &[Piece]) -> Vec<OptionSpec> {
    let format = option_value(statement, "format");
    match option_value(statement, "connector").and_then(connector) {
        Some(info) => info.options(format.filter(|f| info.formats.contains(f))),
        None => connectors().iter().flat_map(|info| info.options(format)).collect(),
    }
}

/// The columns that a CREATE TABLE has declared.
fn declared_columns<'a>(statement: &[Piece<'a>]) -> Vec<&'a str> {
    let mut depth = 0;
    let mut columns = Vec::new();
    for pair in statement.windows(2) {
        let begins = match pair[0].text {
            "(" => {
                depth += 1;
                true
            }
            ")" => {
                depth -= 1;
                false
            }
            "," => true,
            "WITH" | "with" => break,
            _ => false,
        };
        let is_name =
            matches!(pair[1].kind, Kind::Word | Kind::Name) && !pair[1].is("WATERMARK") && !pair[1].is("PRIMARY");
        if begins && depth == 1 && is_name {
            columns.push(pair[1].unquoted());
        }
    }
    columns
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        let column = |name: &str, t: &str| (name.to_owned(), t.to_owned());
        let payments = Relation {
            name: "payments".to_owned(),
            is_view: false,
            columns: vec![
                column("amt", "DOUBLE"),
                column("at", "TIMESTAMP(3)"),
                column("long", "DOUBLE"),
                column("order", "INT"),
            ],
        };
        let holders =
            Relation { name: "holders".to_owned(), is_view: true, columns: vec![column("address", "STRING")] };
        Names {
            relations: vec![payments, holders],
            functions: vec![("my_score".to_owned(), "my_score(x DOUBLE) RETURNS DOUBLE".to_owned())],
            settings: vec![("parallelism.default", "1".to_owned(), "instances of each operator")],
        }
    }

    /// The candidates at `|`, as the text that each would make.
    fn texts(text: &str) -> Vec<String> {
        let cursor = text.find('|').expect("a cursor");
        let text = text.replace('|', "");
        complete(&text, cursor, &names())
            .iter()
            .map(|c| format!("{}{}{}", &text[..c.start], c.value, &text[cursor..]))
            .collect()
    }

    fn first(text: &str) -> String {
        texts(text).into_iter().next().unwrap_or_default()
    }

    #[test]
    fn names_complete_where_they_can_stand() {
        assert_eq!(texts("SELECT * FROM pa|"), ["SELECT * FROM payments"]);
        assert_eq!(first("SELECT am| FROM payments"), "SELECT amt FROM payments");
        assert_eq!(
            texts("SELECT p.| FROM payments p")[..2],
            ["SELECT p.amt FROM payments p", "SELECT p.at FROM payments p"]
        );
        assert_eq!(first("SELECT or| FROM payments"), "SELECT `order` FROM payments");
        assert_eq!(texts("SELECT addr| FROM payments"), Vec::<String>::new(), "no column of that table");
        assert_eq!(first("SELECT addr|"), "SELECT address", "no table is named yet");
        assert!(texts("SELECT my|").contains(&"SELECT my_score(".to_owned()));
        assert_eq!(
            texts("SELECT window_s| FROM TABLE(TUMBLE(TABLE payments, DESCRIPTOR(at), INTERVAL '1' HOUR))").len(),
            1
        );
    }

    #[test]
    fn words_follow_the_case_that_is_typed() {
        assert_eq!(first("SEL|"), "SELECT");
        assert_eq!(first("sel|"), "select");
        assert!(texts("SELECT UPP|").contains(&"SELECT UPPER(".to_owned()));
        assert!(texts("select upp|").contains(&"select upper(".to_owned()));
        assert_eq!(first("qu|"), "quit");
        assert_eq!(texts("SHOW FUN|"), ["SHOW FUNCTIONS"]);
    }

    #[test]
    fn options_complete_with_their_quotes() {
        let table = "CREATE TABLE t (id INT, b STRING) WITH (";
        assert_eq!(first(&format!("{table}|")), format!("{table}'connector' = '"));
        assert_eq!(first(&format!("{table}'conn|")), format!("{table}'connector' = '"));
        assert_eq!(first(&format!("{table}'connector' = 'data|")), format!("{table}'connector' = 'datagen'"));
        assert_eq!(first(&format!("{table}'connector' = 'data|')")), format!("{table}'connector' = 'datagen')"));
        let datagen = format!("{table}'connector' = 'datagen', ");
        assert_eq!(texts(&format!("{datagen}'number|")), [format!("{datagen}'number-of-rows' = '")]);
        assert!(texts(&format!("{datagen}'fields.b.|")).contains(&format!("{datagen}'fields.b.length' = '")));
        assert_eq!(texts(&format!("{datagen}'conn|")), Vec::<String>::new(), "it is given");
        let formats = texts(&format!("{table}'connector' = 'stdin', 'format' = '|"));
        assert!(formats.iter().any(|f| f.ends_with("'json'")) && !formats.iter().any(|f| f.ends_with("'parquet'")));
    }

    #[test]
    fn settings_and_topics_complete() {
        assert_eq!(texts("SET par|"), ["SET 'parallelism.default' = '"]);
        assert_eq!(texts("RESET 'par|"), ["RESET 'parallelism.default'"]);
        assert_eq!(texts("SET 'parallelism.default' = '|"), ["SET 'parallelism.default' = '1'"]);
        assert!(texts("help create t|").contains(&"help CREATE TABLE".to_owned()));
    }

    #[test]
    fn files_complete_in_quotes() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("payments.csv"), "").expect("a file");
        std::fs::create_dir(folder.path().join("parts")).expect("a folder");
        let at = folder.path().display();
        let table = format!("CREATE TABLE t (a INT) WITH ('connector' = 'filesystem', 'path' = '{at}/pa");
        assert_eq!(texts(&format!("{table}|")), [format!("{table}rts/"), format!("{table}yments.csv'")]);
        assert_eq!(texts(&format!("source {at}/pay|")), [format!("source {at}/payments.csv")]);
    }
}
