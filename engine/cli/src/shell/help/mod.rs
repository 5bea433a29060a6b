//! `help`: what there is, and each statement, clause, connector, function and setting with what it does.

mod topics;

use wasmill_server::{ConnectorInfo, connector, connectors};
use wasmill_sql::nearest;

use self::topics::{TOPICS, Topic};
use super::command::COMMANDS;
use super::highlight;
use super::names::Names;
use crate::style::Colours;
use crate::table::wrap;

/// The names that `help` knows, for completion, each with one line.
pub fn topics() -> impl Iterator<Item = (String, &'static str)> {
    let statements = TOPICS.iter().map(|t| (t.name.to_owned(), t.summary));
    statements.chain(connectors().iter().map(|c| (c.name.to_owned(), c.description)))
}

/// The text for `help subject`; an empty one asks for the overview.
pub fn text(subject: &str, names: &Names, colours: Colours) -> String {
    let subject = subject.trim().trim_end_matches(';').trim_matches(['\'', '`']);
    let subject = subject.split_whitespace().collect::<Vec<_>>().join(" ");
    if subject.is_empty() {
        return overview(colours);
    }
    let topic = TOPICS.iter().find(|t| t.names().any(|n| n.eq_ignore_ascii_case(&subject)));
    if let Some(topic) = topic {
        return explained(topic, colours);
    }
    if let Some(info) = connector(&subject.to_lowercase()) {
        return connector_text(info, colours);
    }
    function_text(&subject, names, colours)
        .or_else(|| setting_text(&subject, names, colours))
        .unwrap_or_else(|| unknown(&subject, names))
}

fn overview(colours: Colours) -> String {
    let mut out = format!("{}\n", colours.strong("Commands"));
    for (name, argument, meaning) in COMMANDS {
        out.push_str(&format!("  {:<19} {meaning}\n", format!("{name} {argument}")));
    }
    for group in ["Statements", "Clauses of queries", "Extensions to Flink's SQL", "The shell"] {
        out.push_str(&format!("\n{}\n", colours.strong(group)));
        for topic in TOPICS.iter().filter(|t| t.group == group) {
            out.push_str(&format!("  {:<19} {}\n", topic.name, topic.summary));
        }
    }
    let names: Vec<&str> = connectors().iter().map(|c| c.name).collect();
    out.push_str(&format!("\n{}\n  {}\n", colours.strong("Connectors"), names.join(", ")));
    out.push_str(
        "\n'help CREATE TABLE' explains a statement with an example; so do 'help datagen', 'help UPPER', 'help SET'.\n\
         A statement ends with a semicolon and may span lines. Tab completes.",
    );
    out
}

fn explained(topic: &Topic, colours: Colours) -> String {
    let mut out = format!("{}: {}\n", colours.strong(topic.name), topic.summary);
    if !topic.syntax.is_empty() {
        out.push_str(&format!("\n{}\n", indented(topic.syntax, colours)));
    }
    if !topic.text.is_empty() {
        out.push_str(&format!("\n{}\n", wrapped(topic.text)));
    }
    if !topic.example.is_empty() {
        out.push_str(&format!("\n{}\n{}\n", colours.strong("Example"), indented(topic.example, colours)));
    }
    out.truncate(out.trim_end().len());
    out
}

/// Text is not wider than this.
const WIDTH: usize = 78;

/// A paragraph in lines that fit any terminal; a list, which has several blanks in a row, stays as it is.
fn wrapped(text: &str) -> String {
    if text.contains("  ") {
        return text.to_owned();
    }
    wrap(text, WIDTH).join("\n")
}

/// SQL, two columns to the right and coloured.
fn indented(sql: &str, colours: Colours) -> String {
    sql.lines().map(|line| format!("  {}", highlight::painted(line, colours))).collect::<Vec<_>>().join("\n")
}

fn connector_text(info: &ConnectorInfo, colours: Colours) -> String {
    let roles = match (info.is_source, info.is_sink) {
        (true, true) => "read and written",
        (true, false) => "read",
        _ => "written",
    };
    let mut out = format!("{}: {}; it can be {roles}\n", colours.strong(info.name), info.description);
    let specs = info.options(None);
    let mut seen = std::collections::HashSet::new();
    let specs: Vec<_> = specs.iter().filter(|s| seen.insert(s.key)).collect();
    let width = specs.iter().map(|s| s.key.len()).max().unwrap_or(0);
    out.push_str(&format!("\n{}\n", colours.strong("Options")));
    for spec in specs {
        let default = match (spec.required, spec.default) {
            (true, _) => " (required)".to_owned(),
            (false, Some(default)) => format!(" (default {default})"),
            (false, None) => String::new(),
        };
        let text =
            wrap(&format!("{}{default}", spec.description), WIDTH - width).join(&format!("\n{:1$}", "", width + 4));
        out.push_str(&format!("  {:width$}  {text}\n", spec.key));
    }
    if info.options(None).iter().any(|s| s.key.contains('#')) {
        out.push_str("\n  # stands for the name of a column.\n");
    }
    for (what, list) in [("Formats", info.formats), ("Metadata columns", info.metadata)] {
        if !list.is_empty() {
            out.push_str(&format!("\n{}\n  {}\n", colours.strong(what), list.join(", ")));
        }
    }
    let format = if info.formats.is_empty() { "" } else { ", 'format' = 'json'" };
    let path = if info.name == "filesystem" { ", 'path' = 'rows.jsonl'" } else { "" };
    let example =
        format!("CREATE TABLE t (id BIGINT, name STRING) WITH ('connector' = '{}'{path}{format});", info.name);
    out.push_str(&format!("\n{}\n{}", colours.strong("Example"), indented(&example, colours)));
    out
}

fn function_text(subject: &str, names: &Names, colours: Colours) -> Option<String> {
    let upper = subject.to_uppercase();
    let shown = |usage: &str, what: &str| format!("{}\n{what}", colours.strong(usage));
    if let Some((_, usage)) = names.functions.iter().find(|(name, _)| name.eq_ignore_ascii_case(subject)) {
        return Some(shown(usage, "A function of yours; SHOW CREATE FUNCTION shows its statement."));
    }
    if let Some(usage) = wasmill_expr::aggregate::usage(&upper) {
        return Some(shown(usage, "Built in, aggregate: with GROUP BY, a window or OVER."));
    }
    let function = wasmill_expr::registry::find(&upper)?;
    let also = match function.aliases {
        [] => String::new(),
        aliases => format!(" Also written {}.", aliases.join(", ")),
    };
    Some(shown(function.usage, &format!("Built in.{also}")))
}

fn setting_text(subject: &str, names: &Names, colours: Colours) -> Option<String> {
    let (key, value, meaning) = names.settings.iter().find(|(key, ..)| key.eq_ignore_ascii_case(subject))?;
    let example = format!("SET '{key}' = '{value}';");
    Some(format!("{}: {meaning}\n\n{}", colours.strong(key), indented(&example, colours)))
}

fn unknown(subject: &str, names: &Names) -> String {
    let topics = TOPICS.iter().flat_map(Topic::names).chain(connectors().iter().map(|c| c.name));
    let settings = names.settings.iter().map(|(key, ..)| *key);
    let near = nearest(subject, topics.chain(settings)).or_else(|| wasmill_expr::registry::nearest(subject));
    match near {
        Some(near) => format!("no help on '{subject}': did you mean 'help {near}'?"),
        None => format!("no help on '{subject}': 'help' shows what there is"),
    }
}

#[cfg(test)]
mod tests {
    use wasmill_server::{Answer, Session};
    use wasmill_sql::parse_script;

    use super::*;

    fn help(subject: &str) -> String {
        text(subject, &Names::of(&Session::new()), Colours::OFF)
    }

    /// What the examples' tables are.
    const TABLES: &str = "
        CREATE TABLE payments (tx_id BIGINT, cc_num STRING, merchant STRING, amt DOUBLE, at TIMESTAMP(3), tags ARRAY<STRING>,
          WATERMARK FOR at AS at - INTERVAL '5' SECOND) WITH ('connector' = 'datagen', 'number-of-rows' = '10');
        CREATE TABLE holders (cc_num STRING, city STRING)
          WITH ('connector' = 'filesystem', 'path' = 'holders.csv', 'format' = 'csv');
        CREATE TABLE alerts (tx_id BIGINT, amt DOUBLE) WITH ('connector' = 'print');
        CREATE TABLE late_payments (tx_id BIGINT, cc_num STRING, merchant STRING, amt DOUBLE, at TIMESTAMP(3),
          tags ARRAY<STRING>) WITH ('connector' = 'print');
        CREATE VIEW large AS SELECT * FROM payments;";

    #[test]
    fn every_example_is_planned() {
        for topic in TOPICS.iter().filter(|t| !t.example.is_empty()) {
            let mut session = Session::new();
            for statement in parse_script(TABLES).expect("the tables") {
                session.execute(&statement).expect("a table");
            }
            let statements = parse_script(topic.example).unwrap_or_else(|e| panic!("{}: {e}", topic.name));
            assert!(!statements.is_empty(), "{}", topic.name);
            for statement in &statements {
                let answer = session.execute(statement);
                // The module of an example does not exist.
                let is_function = topic.name.ends_with("FUNCTION") || topic.name.ends_with("MODEL");
                match answer {
                    Ok(Answer::Done(_) | Answer::Listing(_) | Answer::Text(_) | Answer::Job(_)) => {}
                    Err(error) => assert!(is_function, "{}: {}", topic.name, error.render(topic.example)),
                }
            }
        }
    }

    #[test]
    fn every_statement_has_help() {
        for word in super::super::words::STATEMENTS {
            let shown = help(word);
            assert!(!shown.starts_with("no help"), "{word}: {shown}");
            assert!(shown.contains("Example"), "{word}: {shown}");
        }
        for connector in connectors() {
            assert!(help(connector.name).contains("Options"), "{}", connector.name);
        }
    }

    #[test]
    fn subjects_are_found_by_any_name() {
        assert!(help("create table").starts_with("CREATE TABLE: "));
        assert!(help("  CREATE  table; ").starts_with("CREATE TABLE: "));
        assert!(help("hop").contains("HOP("));
        assert!(help("upper").contains("UPPER("));
        assert!(help("count").contains("aggregate"));
        assert!(help("table.local-time-zone").contains("SET 'table.local-time-zone'"));
        assert_eq!(help("creat table"), "no help on 'creat table': did you mean 'help CREATE TABLE'?");
        assert!(help("qwertz").ends_with("'help' shows what there is"));
        let all = help("");
        assert!(TOPICS.iter().all(|t| all.contains(t.name)), "{all}");
    }
}
