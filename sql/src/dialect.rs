//! Flink's dialect for sqlparser: its words and operators, and hooks into our own forms of expressions.

use std::any::TypeId;
use std::cell::RefCell;

use sqlparser::ast::Expr;
use sqlparser::dialect::{Dialect, GenericDialect};
use sqlparser::keywords::{self, Keyword};
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::Token;

use crate::parser::{infix, prefix};

/// The dialect of one parse. It remembers how far the parser came, because sqlparser tries alternatives and reports the
/// error of the last one instead of the one that came furthest.
#[derive(Debug, Default)]
pub(crate) struct FlinkDialect {
    furthest: RefCell<Furthest>,
}

/// The furthest token that an expression reached, and the error there, if it was one of ours.
#[derive(Clone, Debug, Default)]
pub(crate) struct Furthest {
    /// Index of the token.
    pub token: usize,
    /// What was wrong with it.
    pub error: Option<ParserError>,
}

impl FlinkDialect {
    /// How far the parser came.
    pub fn furthest(&self) -> Furthest {
        self.furthest.borrow().clone()
    }
    fn reached(&self, token: usize) {
        let mut furthest = self.furthest.borrow_mut();
        if token > furthest.token {
            *furthest = Furthest { token, error: None };
        }
    }
    fn record<T>(&self, result: &Result<T, ParserError>, token: usize) {
        if let Err(error) = result {
            let mut furthest = self.furthest.borrow_mut();
            if token > furthest.token || token == furthest.token && furthest.error.is_none() {
                *furthest = Furthest { token, error: Some(error.clone()) };
            }
        }
    }
    /// Whether the word just read begins a clause behind a query and so cannot be an alias.
    fn begins_clause(parser: &Parser) -> bool {
        let follows = |word: &str| matches!(&parser.peek_token_ref().token, Token::Word(w) if w.quote_style.is_none() && w.value.eq_ignore_ascii_case(word));
        match &parser.get_current_token().token {
            Token::Word(w) if w.quote_style.is_none() => match w.value.to_ascii_uppercase().as_str() {
                "EMIT" => follows("ON"),
                "ALLOW" => follows("LATENESS"),
                "LATE" => follows("ROWS"),
                _ => false,
            },
            _ => false,
        }
    }
}

impl Dialect for FlinkDialect {
    /// sqlparser keeps UNNEST for a few dialects by type; what else this lets through, the planner refuses by name.
    fn dialect(&self) -> TypeId {
        TypeId::of::<GenericDialect>()
    }
    fn is_delimited_identifier_start(&self, c: char) -> bool {
        c == '`'
    }
    fn is_identifier_start(&self, c: char) -> bool {
        c.is_alphabetic() || c == '_' || c == '$'
    }
    fn is_identifier_part(&self, c: char) -> bool {
        c.is_alphanumeric() || c == '_' || c == '$'
    }
    fn supports_unicode_string_literal(&self) -> bool {
        true
    }
    fn supports_filter_during_aggregation(&self) -> bool {
        true
    }
    fn supports_window_function_null_treatment_arg(&self) -> bool {
        true
    }
    fn supports_window_clause_named_window_reference(&self) -> bool {
        true
    }
    fn supports_group_by_expr(&self) -> bool {
        true
    }
    fn supports_match_recognize(&self) -> bool {
        true
    }
    fn supports_table_versioning(&self) -> bool {
        true
    }
    fn supports_named_fn_args_with_rarrow_operator(&self) -> bool {
        true
    }
    fn allow_extract_custom(&self) -> bool {
        true
    }
    fn supports_dollar_placeholder(&self) -> bool {
        false
    }
    fn is_column_alias(&self, keyword: &Keyword, parser: &mut Parser) -> bool {
        self.reached(parser.index().saturating_sub(1));
        !keywords::RESERVED_FOR_COLUMN_ALIAS.contains(keyword) && !Self::begins_clause(parser)
    }
    fn is_table_factor_alias(&self, explicit: bool, keyword: &Keyword, parser: &mut Parser) -> bool {
        self.reached(parser.index().saturating_sub(1));
        explicit || !keywords::RESERVED_FOR_TABLE_ALIAS.contains(keyword) && !Self::begins_clause(parser)
    }
    fn parse_prefix(&self, parser: &mut Parser) -> Option<Result<Expr, ParserError>> {
        self.reached(parser.index());
        let result = prefix::parse(parser);
        if let Some(result) = &result {
            self.record(result, parser.index());
        }
        result
    }
    fn parse_infix(&self, parser: &mut Parser, left: &Expr, precedence: u8) -> Option<Result<Expr, ParserError>> {
        let result = infix::parse(parser, left, precedence);
        if let Some(result) = &result {
            self.record(result, parser.index());
        }
        result
    }
    fn get_next_precedence(&self, parser: &Parser) -> Option<Result<u8, ParserError>> {
        self.reached(parser.index());
        None
    }
}
