//! SHOW, DESCRIBE, EXPLAIN, SET, RESET, DROP, STOP and USE.

use sqlparser::ast::Ident;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::Token;

use super::{
    Parsed, bare_word, expect_words, fail_with, peek_words, query, statement, table_name, take_words, text_literal,
};
use crate::error::Span;
use crate::statement::{Drop, DropKind, Explain, ExplainTarget, Name, Setting, Show, Statement};

/// `SHOW …`.
pub(super) fn show(parser: &mut Parser) -> Parsed<Show> {
    parser.advance_token();
    let token = parser.next_token();
    let word = bare_word(&token.token).map(|w| w.value.to_ascii_uppercase()).unwrap_or_default();
    Ok(match word.as_str() {
        "TABLES" => Show::Tables,
        "VIEWS" => Show::Views,
        "FUNCTIONS" => Show::Functions { user_only: false },
        "USER" => {
            expect_words(parser, &["FUNCTIONS"])?;
            Show::Functions { user_only: true }
        }
        "JOBS" => Show::Jobs,
        "CATALOGS" => Show::Catalogs,
        "DATABASES" => Show::Databases,
        "CURRENT" if take_words(parser, &["CATALOG"]) => Show::CurrentCatalog,
        "CURRENT" if take_words(parser, &["DATABASE"]) => Show::CurrentDatabase,
        "CREATE" if ["TABLE", "VIEW", "FUNCTION", "MODEL"].iter().any(|kind| take_words(parser, &[*kind])) => {
            Show::Create(table_name(parser)?)
        }
        "COLUMNS" => {
            if !take_words(parser, &["FROM"]) {
                expect_words(parser, &["IN"])?;
            }
            Show::Columns(table_name(parser)?)
        }
        "MODELS" => Show::Models,
        _ => return parser.expected("TABLES, VIEWS, FUNCTIONS, MODELS, JOBS, CREATE TABLE or COLUMNS FROM", token),
    })
}

/// `DESCRIBE t`, `DESCRIBE MODEL m`, `DESCRIBE FUNCTION f`.
pub(super) fn describe(parser: &mut Parser) -> Parsed<Statement> {
    parser.advance_token();
    let token = parser.peek_token();
    if peek_words(parser, &["EXTENDED"]) && matches!(parser.peek_nth_token_ref(1).token, Token::Word(_)) {
        return fail_with(&token, "DESCRIBE EXTENDED is not supported", "SHOW CREATE TABLE shows the options as well");
    }
    let named = matches!(parser.peek_nth_token_ref(1).token, Token::Word(_));
    if named && take_words(parser, &["MODEL"]) {
        return table_name(parser).map(Statement::DescribeModel);
    }
    if named && take_words(parser, &["FUNCTION"]) {
        return table_name(parser).map(Statement::DescribeFunction);
    }
    take_words(parser, &["TABLE"]);
    table_name(parser).map(Statement::Describe)
}

/// `STOP JOB 'id'`.
pub(super) fn stop(parser: &mut Parser) -> Parsed<Statement> {
    parser.advance_token();
    expect_words(parser, &["JOB"])?;
    let id = text_literal(parser, "the job's id, as SHOW JOBS gives it,")?;
    let token = parser.peek_token();
    if take_words(parser, &["WITH"]) {
        return fail_with(
            &token,
            format!("STOP JOB … WITH {} is not supported", parser.peek_token_ref().token),
            "STOP JOB 'id' ends the sources where they are and finishes what was read",
        );
    }
    Ok(Statement::StopJob(id))
}

/// `EXPLAIN [PLAN FOR] …`.
pub(super) fn explain(parser: &mut Parser) -> Parsed<Explain> {
    parser.advance_token();
    let token = parser.peek_token();
    if !take_words(parser, &["PLAN", "FOR"]) {
        take_words(parser, &["PLAN"]);
        let detail = ["STATE", "ANALYZE", "ESTIMATED_COST", "CHANGELOG_MODE", "JSON_EXECUTION_PLAN", "PLAN_ADVICE"];
        if detail.iter().any(|word| peek_words(parser, &[word])) {
            return fail_with(
                &token,
                format!("EXPLAIN {} is not supported", token.token),
                "EXPLAIN shows the plan with what each edge carries",
            );
        }
    }
    let target = if take_words(parser, &["STATEMENT", "SET"]) || take_words(parser, &["EXECUTE", "STATEMENT", "SET"]) {
        ExplainTarget::Inserts(statement::statement_set(parser)?)
    } else if peek_words(parser, &["INSERT"]) {
        ExplainTarget::Inserts(vec![query::insert(parser)?])
    } else if ["SELECT", "WITH", "VALUES"].iter().any(|word| peek_words(parser, &[word]))
        || parser.peek_token_ref().token == Token::LParen
    {
        ExplainTarget::Query(query::statement(parser)?)
    } else {
        return parser.expected_ref("SELECT, INSERT or STATEMENT SET", parser.peek_token_ref());
    };
    Ok(Explain { target })
}

/// `SET`, `SET 'key' = 'value'`, `SET key = value`.
pub(super) fn set(parser: &mut Parser) -> Parsed<Statement> {
    parser.advance_token();
    if parser.peek_token_ref().token == Token::EOF {
        return Ok(Statement::Set(None));
    }
    let key = setting_key(parser)?;
    parser.expect_token(&Token::Eq)?;
    let value = setting_value(parser)?;
    Ok(Statement::Set(Some(Setting { key, value })))
}

/// `RESET`, `RESET 'key'`.
pub(super) fn reset(parser: &mut Parser) -> Parsed<Statement> {
    parser.advance_token();
    if parser.peek_token_ref().token == Token::EOF {
        return Ok(Statement::Reset(None));
    }
    setting_key(parser).map(|key| Statement::Reset(Some(key)))
}

/// `'a.b-c'` or `a.b-c`.
fn setting_key(parser: &mut Parser) -> Parsed<Name> {
    let first = parser.peek_token();
    if let Token::SingleQuotedString(text) = &first.token {
        parser.advance_token();
        return Ok(Name { text: text.clone(), span: Span::from_parser(first.span) });
    }
    let mut text = parser.parse_identifier()?.value;
    loop {
        let joint = match parser.peek_token_ref().token {
            Token::Period => '.',
            Token::Minus => '-',
            _ => break,
        };
        parser.advance_token();
        text.push(joint);
        text.push_str(&parser.parse_identifier()?.value);
    }
    let span = Span::from_parser(first.span);
    let end = Span::from_parser(parser.get_current_token().span);
    Ok(Name { text, span: span.zip(end).map(|(a, b)| a.to(b)) })
}

fn setting_value(parser: &mut Parser) -> Parsed<Name> {
    let token = parser.next_token();
    let span = Span::from_parser(token.span);
    match token.token {
        Token::SingleQuotedString(text) => Ok(Name { text, span }),
        Token::Number(text, _) => Ok(Name { text, span }),
        Token::Word(word) => Ok(Name { text: word.value, span }),
        _ => parser.expected("a value in single quotes", token),
    }
}

/// `DROP [TEMPORARY] TABLE | VIEW | FUNCTION | MODEL [IF EXISTS] name`.
pub(super) fn drop(parser: &mut Parser) -> Parsed<Statement> {
    parser.advance_token();
    take_words(parser, &["TEMPORARY"]);
    take_words(parser, &["SYSTEM"]);
    let token = parser.next_token();
    let kind = match bare_word(&token.token).map(|w| w.value.to_ascii_uppercase()).as_deref() {
        Some("TABLE") => DropKind::Table,
        Some("VIEW") => DropKind::View,
        Some("FUNCTION") => DropKind::Function,
        Some(other @ ("CATALOG" | "DATABASE")) => {
            return fail_with(
                &token,
                format!("DROP {other} is not supported"),
                "there is one catalog with one database",
            );
        }
        Some("MODEL") => DropKind::Model,
        _ => return parser.expected("TABLE, VIEW, FUNCTION or MODEL", token),
    };
    let if_exists = take_words(parser, &["IF", "EXISTS"]);
    let name = table_name(parser)?;
    Ok(Statement::Drop(Drop { kind, name, if_exists }))
}

/// `USE [CATALOG] name`.
pub(super) fn use_name(parser: &mut Parser) -> Parsed<Statement> {
    parser.advance_token();
    let token = parser.peek_token();
    if peek_words(parser, &["MODULES"]) {
        return fail_with(&token, "USE MODULES is not supported", "all built-in functions are always there");
    }
    let catalog = take_words(parser, &["CATALOG"]);
    let mut names: Vec<Ident> = vec![parser.parse_identifier()?];
    while parser.consume_token(&Token::Period) {
        names.push(parser.parse_identifier()?);
    }
    let parts: Vec<&str> = names.iter().map(|n| n.value.as_str()).collect();
    match (catalog, parts.as_slice()) {
        (true, ["default_catalog"]) | (false, ["default_database"] | ["default_catalog", "default_database"]) => {
            Ok(Statement::Use(Name::from_ident(names.last().expect("at least one"))))
        }
        _ => fail_with(
            &token,
            format!("there is no {} '{}'", if catalog { "catalog" } else { "database" }, parts.join(".")),
            "there is one catalog, default_catalog, with one database, default_database",
        ),
    }
}
