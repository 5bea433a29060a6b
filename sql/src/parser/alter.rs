//! ALTER FUNCTION and ALTER MODEL: another version of a module, or of its options; a candidate beside it.

use sqlparser::parser::Parser;

use super::create::{as_export, options};
use super::{Parsed, expect_words, fail_with, peek_words, table_name, take_words, text_literal};
use crate::statement::{Alter, AlterChange, Statement, Version};

/// `ALTER FUNCTION | MODEL [IF EXISTS] name …`.
pub(super) fn statement(parser: &mut Parser) -> Parsed<Statement> {
    parser.advance_token();
    take_words(parser, &["TEMPORARY"]);
    take_words(parser, &["SYSTEM"]);
    let is_model = take_words(parser, &["MODEL"]);
    if !is_model {
        expect_words(parser, &["FUNCTION"])?;
    }
    let if_exists = take_words(parser, &["IF", "EXISTS"]);
    let name = table_name(parser)?;
    let token = parser.peek_token();
    let change = if take_words(parser, &["DROP", "SHADOW"]) {
        AlterChange::DropShadow
    } else if peek_words(parser, &["RENAME"]) || peek_words(parser, &["RESET"]) {
        return fail_with(
            &token,
            format!("ALTER … {} is not supported", token.token),
            "ALTER takes USING FILE 'v2.wasm' [WITH (…)], SET (…), SHADOW INTO t behind these, and DROP SHADOW",
        );
    } else {
        let mut version = Version::default();
        if take_words(parser, &["SET"]) {
            version.options = options(parser)?;
        } else {
            version.export = as_export(parser)?;
            if take_words(parser, &["LANGUAGE"]) {
                expect_words(parser, &["WASM"])?;
            }
            if version.export.is_none() {
                version.export = as_export(parser)?;
            }
            if !take_words(parser, &["USING", "FILE"]) {
                return parser.expected_ref("USING FILE, SET or DROP SHADOW", parser.peek_token_ref());
            }
            version.path = Some(text_literal(parser, "the module's path")?);
            if take_words(parser, &["WITH"]) {
                version.options = options(parser)?;
            }
        }
        match take_words(parser, &["SHADOW", "INTO"]) {
            true => AlterChange::Shadow { candidate: version, table: table_name(parser)? },
            false => AlterChange::Version(version),
        }
    };
    Ok(Statement::Alter(Alter { is_model, name, if_exists, change }))
}
