//! CREATE TABLE, VIEW, FUNCTION and MODEL.

use sqlparser::ast::Ident;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::{
    Parsed, bare_word, expect_words, fail, fail_with, peek_words, query, table_name, take_words, text_literal,
};
use crate::error::Span;
use crate::statement::{
    ColumnDef, ColumnDefKind, CreateFunction, CreateKind, CreateModel, CreateTable, CreateView, LikeClause,
    LikeFeature, LikeOption, Merging, Name, OptionDef, Statement, WatermarkDef,
};
use crate::types;
use wasmill_plan::{DataType, Field, TypeKind};

pub(super) fn statement(parser: &mut Parser, text: &str) -> Parsed<Statement> {
    parser.advance_token();
    let replace = parser.peek_token();
    let or_replace = take_words(parser, &["OR", "REPLACE"]);
    take_words(parser, &["TEMPORARY"]);
    take_words(parser, &["SYSTEM"]);
    let kind = parser.next_token();
    let word = bare_word(&kind.token).map(|w| w.value.to_ascii_uppercase()).unwrap_or_default();
    let aggregate_function = word == "AGGREGATE" && peek_words(parser, &["FUNCTION"]);
    let table_function = word == "TABLE" && peek_words(parser, &["FUNCTION"]);
    let process_function = word == "PROCESS" && peek_words(parser, &["FUNCTION"]);
    let replaceable =
        matches!(word.as_str(), "FUNCTION" | "MODEL") || aggregate_function || table_function || process_function;
    if or_replace && !replaceable {
        return fail_with(&replace, "OR REPLACE is not supported here", "write DROP … IF EXISTS before it");
    }
    match word.as_str() {
        "TABLE" | "AGGREGATE" | "PROCESS" if aggregate_function || table_function || process_function => {
            take_words(parser, &["FUNCTION"]);
            let kind = match word.as_str() {
                "TABLE" => CreateKind::Table,
                "PROCESS" => CreateKind::Process,
                _ => CreateKind::Aggregate,
            };
            function(parser, or_replace, kind).map(Statement::CreateFunction)
        }
        "TABLE" => Ok(Statement::CreateTable(Box::new(table(parser)?))),
        "VIEW" => view(parser, text).map(Statement::CreateView),
        "FUNCTION" => function(parser, or_replace, CreateKind::Scalar).map(Statement::CreateFunction),
        "MODEL" => model(parser, or_replace).map(Statement::CreateModel),
        "CATALOG" | "DATABASE" => {
            fail_with(&kind, format!("CREATE {word} is not supported"), "there is one catalog with one database")
        }
        "MATERIALIZED" => {
            fail_with(&kind, "CREATE MATERIALIZED TABLE is not supported", "use CREATE VIEW, or INSERT INTO a table")
        }
        _ => parser
            .expected("TABLE, VIEW, FUNCTION, AGGREGATE FUNCTION, TABLE FUNCTION, PROCESS FUNCTION or MODEL", kind),
    }
}

fn if_not_exists(parser: &mut Parser) -> bool {
    take_words(parser, &["IF", "NOT", "EXISTS"])
}

/// Behind `CREATE TABLE`.
fn table(parser: &mut Parser) -> Parsed<CreateTable> {
    let if_not_exists = if_not_exists(parser);
    let name = table_name(parser)?;
    let mut table = CreateTable {
        name,
        if_not_exists,
        columns: Vec::new(),
        watermark: None,
        primary_key: None,
        options: Vec::new(),
        like: None,
        query: None,
    };
    if parser.consume_token(&Token::LParen) && !parser.consume_token(&Token::RParen) {
        loop {
            table_element(parser, &mut table)?;
            if parser.consume_token(&Token::Comma) {
                continue;
            }
            if !parser.consume_token(&Token::RParen) {
                return parser.expected_ref("',' or ')'", parser.peek_token_ref());
            }
            break;
        }
    }
    comment(parser)?;
    let token = parser.peek_token();
    if take_words(parser, &["PARTITIONED"]) || take_words(parser, &["DISTRIBUTED"]) {
        return fail_with(
            &token,
            format!("{} is not supported", token.token),
            "rows are written to one file per instance",
        );
    }
    if take_words(parser, &["WITH"]) {
        table.options = options(parser)?;
    }
    if take_words(parser, &["LIKE"]) {
        table.like = Some(like(parser)?);
    } else if take_words(parser, &["AS"]) {
        table.query = Some(query::statement(parser)?);
    }
    Ok(table)
}

/// A column, the watermark or the key.
fn table_element(parser: &mut Parser, table: &mut CreateTable) -> Parsed<()> {
    let first = parser.peek_token();
    if peek_words(parser, &["WATERMARK", "FOR"]) {
        take_words(parser, &["WATERMARK", "FOR"]);
        if table.watermark.is_some() {
            return fail(&first, "a table has one WATERMARK");
        }
        let column = parser.parse_identifier()?;
        if parser.peek_token_ref().token == Token::Period {
            return fail_with(&first, "a watermark must be of a top-level column", "add a computed column: ts AS r.ts");
        }
        expect_words(parser, &["AS"])?;
        let expr = parser.parse_expr()?;
        table.watermark = Some(WatermarkDef { column, expr });
        return Ok(());
    }
    if take_words(parser, &["CONSTRAINT"]) {
        parser.parse_identifier()?;
        if !peek_words(parser, &["PRIMARY"]) {
            return parser.expected_ref("PRIMARY KEY", parser.peek_token_ref());
        }
    }
    if peek_words(parser, &["PRIMARY", "KEY"]) {
        take_words(parser, &["PRIMARY", "KEY"]);
        parser.expect_token(&Token::LParen)?;
        let columns = parser.parse_comma_separated(Parser::parse_identifier)?;
        parser.expect_token(&Token::RParen)?;
        return primary_key(parser, table, columns, &first);
    }
    let name = parser.parse_identifier()?;
    let kind = if take_words(parser, &["AS"]) {
        ColumnDefKind::Computed(parser.parse_expr()?)
    } else {
        typed_column(parser, table, &name, &first)?
    };
    comment(parser)?;
    table.columns.push(ColumnDef { name, kind });
    Ok(())
}

/// Behind the name of a column with a type.
fn typed_column(
    parser: &mut Parser,
    table: &mut CreateTable,
    name: &Ident,
    first: &TokenWithSpan,
) -> Parsed<ColumnDefKind> {
    let mut data_type = types::parse_nullable(parser)?;
    if take_words(parser, &["METADATA"]) {
        let key =
            if take_words(parser, &["FROM"]) { Some(text_literal(parser, "the metadata key")?.text) } else { None };
        let is_virtual = take_words(parser, &["VIRTUAL"]);
        return Ok(ColumnDefKind::Metadata { data_type, key, is_virtual });
    }
    if take_words(parser, &["CONSTRAINT"]) {
        parser.parse_identifier()?;
    }
    if take_words(parser, &["PRIMARY", "KEY"]) {
        primary_key(parser, table, vec![name.clone()], first)?;
        data_type.nullable = false;
    }
    let token = parser.peek_token();
    if take_words(parser, &["UNIQUE"]) || take_words(parser, &["DEFAULT"]) {
        return fail_with(&token, format!("{} is not supported", token.token), "only PRIMARY KEY (…) NOT ENFORCED is");
    }
    Ok(ColumnDefKind::Physical(data_type))
}

fn primary_key(parser: &mut Parser, table: &mut CreateTable, columns: Vec<Ident>, first: &TokenWithSpan) -> Parsed<()> {
    if !take_words(parser, &["NOT", "ENFORCED"]) {
        return fail_with(first, "a primary key is not checked", "say so: PRIMARY KEY (…) NOT ENFORCED");
    }
    if table.primary_key.is_some() {
        return fail(first, "a table has one PRIMARY KEY");
    }
    table.primary_key = Some(columns);
    Ok(())
}

/// `COMMENT '…'`: for readers only.
fn comment(parser: &mut Parser) -> Parsed<()> {
    if take_words(parser, &["COMMENT"]) {
        text_literal(parser, "the comment")?;
    }
    Ok(())
}

/// `('key' = 'value', …)`.
pub(super) fn options(parser: &mut Parser) -> Parsed<Vec<OptionDef>> {
    parser.expect_token(&Token::LParen)?;
    if parser.consume_token(&Token::RParen) {
        return Ok(Vec::new());
    }
    let options = parser.parse_comma_separated(|parser| {
        let key = text_literal(parser, "the option's key")?;
        parser.expect_token(&Token::Eq)?;
        let value = text_literal(parser, "the option's value")?;
        Ok(OptionDef { key, value })
    })?;
    parser.expect_token(&Token::RParen)?;
    for (i, option) in options.iter().enumerate() {
        if options[..i].iter().any(|o| o.key.text == option.key.text) {
            let token = parser.get_current_token().clone();
            return fail(&token, format!("option '{}' stands there twice", option.key.text));
        }
    }
    Ok(options)
}

/// Behind `LIKE`.
fn like(parser: &mut Parser) -> Parsed<LikeClause> {
    let source = table_name(parser)?;
    let mut options: Vec<LikeOption> = Vec::new();
    if parser.consume_token(&Token::LParen) {
        while !parser.consume_token(&Token::RParen) {
            let first = parser.peek_token();
            let merging = match bare_word(&parser.next_token().token).map(|w| w.value.to_ascii_uppercase()).as_deref() {
                Some("INCLUDING") => Merging::Including,
                Some("EXCLUDING") => Merging::Excluding,
                Some("OVERWRITING") => Merging::Overwriting,
                _ => return parser.expected("INCLUDING, EXCLUDING, OVERWRITING or ')'", first),
            };
            let part = parser.next_token();
            let feature = match bare_word(&part.token).map(|w| w.value.to_ascii_uppercase()).as_deref() {
                Some("ALL") => LikeFeature::All,
                Some("CONSTRAINTS") => LikeFeature::Constraints,
                Some("DISTRIBUTION") => LikeFeature::Distribution,
                Some("GENERATED") => LikeFeature::Generated,
                Some("METADATA") => LikeFeature::Metadata,
                Some("OPTIONS") => LikeFeature::Options,
                Some("PARTITIONS") => LikeFeature::Partitions,
                Some("WATERMARKS") => LikeFeature::Watermarks,
                _ => return parser.expected("ALL, CONSTRAINTS, GENERATED, METADATA, OPTIONS or WATERMARKS", part),
            };
            if options.iter().any(|o| o.feature == feature) {
                return fail(&first, "this part stands there twice");
            }
            options.push(LikeOption { merging, feature, span: Span::from_parser(first.span) });
        }
    }
    Ok(LikeClause { source, options })
}

/// Behind `CREATE VIEW`.
fn view(parser: &mut Parser, text: &str) -> Parsed<CreateView> {
    let if_not_exists = if_not_exists(parser);
    let name = table_name(parser)?;
    let mut columns = Vec::new();
    if parser.consume_token(&Token::LParen) {
        columns = parser.parse_comma_separated(Parser::parse_identifier)?;
        parser.expect_token(&Token::RParen)?;
    }
    comment(parser)?;
    expect_words(parser, &["AS"])?;
    let first = parser.peek_token();
    let query = query::statement(parser)?;
    let start = Span::from_parser(first.span);
    let end = Span::from_parser(parser.get_current_token().span);
    let text = match (start, end) {
        (Some(start), Some(end)) => super::tokens::slice(text, start.to(end)).to_owned(),
        _ => String::new(),
    };
    Ok(CreateView { name, if_not_exists, columns, query, text })
}

/// Behind `FUNCTION`.
fn function(parser: &mut Parser, or_replace: bool, kind: CreateKind) -> Parsed<CreateFunction> {
    let if_not_exists = if_not_exists(parser);
    let name = table_name(parser)?;
    let mut signature = None;
    if parser.peek_token_ref().token == Token::LParen {
        let args = fields(parser)?;
        let token = parser.peek_token();
        expect_words(parser, &["RETURNS"])?;
        let returns = match kind {
            CreateKind::Table | CreateKind::Process => table_returns(parser)?,
            _ if peek_words(parser, &["TABLE"]) => {
                return fail_with(&token, "only table functions return a TABLE", "write CREATE TABLE FUNCTION");
            }
            _ => types::parse_nullable(parser)?,
        };
        signature = Some((args, returns));
    }
    let mut state = None;
    let token = parser.peek_token();
    if take_words(parser, &["STATE"]) {
        if kind != CreateKind::Process {
            return fail_with(&token, "only process functions have a STATE", "write CREATE PROCESS FUNCTION");
        }
        state = Some(fields(parser)?);
    }
    let (export, path, options) = module(parser)?;
    Ok(CreateFunction { name, kind, if_not_exists, or_replace, signature, state, export, path, options })
}

/// `(name TYPE, …)`.
fn fields(parser: &mut Parser) -> Parsed<Vec<Field>> {
    parser.expect_token(&Token::LParen)?;
    let fields = parser.parse_comma_separated0(
        |parser| {
            let name = parser.parse_identifier()?.value;
            let field = Field::new(name, types::parse_nullable(parser)?);
            comment(parser)?;
            Ok(field)
        },
        Token::RParen,
    )?;
    parser.expect_token(&Token::RParen)?;
    Ok(fields)
}

/// `TABLE (name TYPE, …)`, `ROW<name TYPE, …>`, or the type of the only column.
fn table_returns(parser: &mut Parser) -> Parsed<DataType> {
    let token = parser.peek_token();
    let columns = if take_words(parser, &["TABLE"]) {
        fields(parser)?
    } else {
        match types::parse_nullable(parser)? {
            DataType { kind: TypeKind::Row(fields), .. } => fields,
            single => vec![Field::new("f0", single)],
        }
    };
    if columns.is_empty() {
        return fail_with(&token, "a table function gives at least one column", "RETURNS TABLE (word STRING)");
    }
    Ok(DataType::not_null(TypeKind::Row(columns)))
}

/// Behind `CREATE MODEL`.
fn model(parser: &mut Parser, or_replace: bool) -> Parsed<CreateModel> {
    let if_not_exists = if_not_exists(parser);
    let name = table_name(parser)?;
    let (mut signature, mut labels) = (None, None);
    let token = parser.peek_token();
    if take_words(parser, &["INPUT"]) {
        let input = fields(parser)?;
        expect_words(parser, &["OUTPUT"])?;
        let output = fields(parser)?;
        if input.is_empty() || output.is_empty() {
            return fail_with(
                &token,
                "a model has INPUT and OUTPUT columns",
                "INPUT (amount DOUBLE) OUTPUT (score DOUBLE)",
            );
        }
        if take_words(parser, &["LABEL"]) {
            labels = Some(fields(parser)?);
        }
        signature = Some((input, output));
    }
    comment(parser)?;
    if peek_words(parser, &["WITH"]) {
        return fail_with(
            &parser.peek_token(),
            "models that another server runs are not supported",
            "compile the model to WebAssembly: LANGUAGE WASM USING FILE 'm.wasm' WITH ('artifact' = 'weights.json')",
        );
    }
    let (export, path, options) = module(parser)?;
    Ok(CreateModel { name, if_not_exists, or_replace, signature, labels, export, path, options })
}

/// `[AS 'export'] LANGUAGE WASM [AS 'export'] USING FILE 'path' [WITH (…)]`.
fn module(parser: &mut Parser) -> Parsed<(Option<Name>, Name, Vec<OptionDef>)> {
    let mut export = as_export(parser)?;
    let token = parser.peek_token();
    if !take_words(parser, &["LANGUAGE"]) {
        return fail_with(
            &token,
            "expected LANGUAGE WASM",
            "CREATE FUNCTION f(x DOUBLE) RETURNS DOUBLE LANGUAGE WASM USING FILE 'f.wasm'",
        );
    }
    let token = parser.peek_token();
    if !take_words(parser, &["WASM"]) {
        return fail_with(
            &token,
            format!("functions in {} are not supported", token.token),
            "compile the function to WebAssembly: LANGUAGE WASM USING FILE 'f.wasm'",
        );
    }
    if export.is_none() {
        export = as_export(parser)?;
    }
    let token = parser.peek_token();
    if take_words(parser, &["USING", "JAR"]) {
        return fail_with(
            &token,
            "USING JAR is not supported",
            "compile the function to WebAssembly: USING FILE 'f.wasm'",
        );
    }
    expect_words(parser, &["USING", "FILE"])?;
    let path = text_literal(parser, "the module's path")?;
    let options = if take_words(parser, &["WITH"]) { options(parser)? } else { Vec::new() };
    Ok((export, path, options))
}

pub(super) fn as_export(parser: &mut Parser) -> Parsed<Option<Name>> {
    if take_words(parser, &["AS"]) { text_literal(parser, "the export's name").map(Some) } else { Ok(None) }
}
