//! One statement: found by its first word.

use sqlparser::parser::Parser;
use sqlparser::tokenizer::Token;

use super::{Parsed, alter, bare_word, create, fail_with, query, show, take_words};
use crate::statement::{InsertStatement, Statement};

/// Statements of Flink that are refused, and what to do instead.
const REFUSED: &[(&str, &str)] = &[
    ("ADD", "a module is named by its path: CREATE FUNCTION … USING FILE 'f.wasm'"),
    ("ALTER", "drop and create it anew, or use CREATE OR REPLACE FUNCTION"),
    ("ANALYZE", "plans do not depend on statistics"),
    ("BEGIN", "write EXECUTE STATEMENT SET BEGIN … END"),
    ("CALL", "there are no procedures"),
    ("COMPILE", "EXPLAIN shows a plan; plans are not stored"),
    ("DELETE", "streams are append-only: filter rows in the query instead"),
    ("LOAD", "functions are created with CREATE FUNCTION … LANGUAGE WASM"),
    ("MERGE", "INSERT INTO a table with a primary key"),
    ("REMOVE", "a module is named by its path: CREATE FUNCTION … USING FILE 'f.wasm'"),
    ("TRUNCATE", "files are emptied outside"),
    ("UNLOAD", "functions are removed with DROP FUNCTION"),
    ("UPDATE", "streams are append-only: compute the new value in the query instead"),
];

/// Every word that a statement can begin with, for suggestions.
const FIRST_WORDS: &[&str] = &[
    "ALTER", "CREATE", "DESCRIBE", "DROP", "EXECUTE", "EXPLAIN", "INSERT", "RESET", "SELECT", "SET", "SHOW", "STOP",
    "USE", "VALUES", "WITH",
];

/// Parses all tokens as one statement of `text`.
pub(super) fn parse(parser: &mut Parser, text: &str) -> Parsed<Statement> {
    let statement = any(parser, text)?;
    match parser.peek_token() {
        token if token.token == Token::EOF => Ok(statement),
        token => parser.expected("the end of the statement or a semicolon", token),
    }
}

fn any(parser: &mut Parser, text: &str) -> Parsed<Statement> {
    let token = parser.peek_token();
    let word = bare_word(&token.token).map(|w| w.value.to_ascii_uppercase()).unwrap_or_default();
    match word.as_str() {
        "SELECT" | "WITH" | "VALUES" => query::statement(parser).map(Statement::Query),
        "INSERT" => query::insert(parser).map(Statement::Insert),
        "EXECUTE" => execute(parser),
        "BEGIN" if super::peek_words(parser, &["BEGIN", "STATEMENT", "SET"]) => {
            take_words(parser, &["BEGIN", "STATEMENT", "SET"]);
            let _ = parser.consume_token(&Token::SemiColon);
            inserts(parser).map(Statement::StatementSet)
        }
        "ALTER" if alters_module(parser) => alter::statement(parser),
        "CREATE" => create::statement(parser, text),
        "DROP" => show::drop(parser),
        "SHOW" => show::show(parser).map(Statement::Show),
        "DESCRIBE" | "DESC" => show::describe(parser),
        "EXPLAIN" => show::explain(parser).map(Statement::Explain),
        "SET" => show::set(parser),
        "RESET" => show::reset(parser),
        "STOP" => show::stop(parser),
        "USE" => show::use_name(parser),
        _ if token.token == Token::LParen => query::statement(parser).map(Statement::Query),
        _ => refuse(parser, &word),
    }
}

/// Whether it is functions or models that ALTER is about.
fn alters_module(parser: &Parser) -> bool {
    let word = |n, word| super::peek_nth_word(parser, n, word);
    let at = 1 + usize::from(word(1, "TEMPORARY")) + usize::from(word(2, "SYSTEM"));
    word(at, "FUNCTION") || word(at, "MODEL")
}

/// `EXECUTE STATEMENT SET BEGIN … END`, `EXECUTE INSERT …`, `EXECUTE SELECT …`.
fn execute(parser: &mut Parser) -> Parsed<Statement> {
    parser.advance_token();
    if take_words(parser, &["STATEMENT", "SET"]) {
        return statement_set(parser).map(Statement::StatementSet);
    }
    match bare_word(&parser.peek_token_ref().token).map(|w| w.value.to_ascii_uppercase()).as_deref() {
        Some("INSERT") => query::insert(parser).map(Statement::Insert),
        Some("SELECT" | "WITH" | "VALUES") => query::statement(parser).map(Statement::Query),
        _ => parser.expected_ref("STATEMENT SET, INSERT or SELECT", parser.peek_token_ref()),
    }
}

/// `BEGIN insert; … END`.
pub(super) fn statement_set(parser: &mut Parser) -> Parsed<Vec<InsertStatement>> {
    super::expect_words(parser, &["BEGIN"])?;
    inserts(parser)
}

fn inserts(parser: &mut Parser) -> Parsed<Vec<InsertStatement>> {
    let mut inserts = Vec::new();
    loop {
        if take_words(parser, &["END"]) {
            break;
        }
        if !super::peek_nth_word(parser, 0, "INSERT") {
            return parser.expected_ref("INSERT or END", parser.peek_token_ref());
        }
        inserts.push(query::insert(parser)?);
        if !parser.consume_token(&Token::SemiColon) && !super::peek_nth_word(parser, 0, "END") {
            return parser.expected_ref("a semicolon", parser.peek_token_ref());
        }
    }
    if inserts.is_empty() {
        let token = parser.get_current_token().clone();
        return super::fail(&token, "a statement set needs at least one INSERT");
    }
    Ok(inserts)
}

fn refuse(parser: &mut Parser, word: &str) -> Parsed<Statement> {
    let token = parser.peek_token();
    if let Some((_, instead)) = REFUSED.iter().find(|(refused, _)| *refused == word) {
        let second = bare_word(&parser.peek_nth_token_ref(1).token).map(|w| w.value.to_ascii_uppercase());
        let name = match (word, second) {
            ("ADD" | "ALTER" | "ANALYZE" | "COMPILE" | "LOAD" | "REMOVE" | "UNLOAD", Some(second)) => {
                format!("{word} {second}")
            }
            _ => word.to_owned(),
        };
        return fail_with(&token, format!("{name} is not supported"), instead);
    }
    match crate::error::nearest(word, FIRST_WORDS.iter().copied()).filter(|_| !word.is_empty()) {
        Some(near) => {
            fail_with(&token, format!("expected a statement, found '{}'", token.token), format!("did you mean {near}?"))
        }
        None => fail_with(
            &token,
            format!("expected a statement, found '{}'", token.token),
            "a statement begins with SELECT, INSERT INTO, CREATE TABLE, SHOW, EXPLAIN, …",
        ),
    }
}
