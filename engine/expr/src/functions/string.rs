//! String functions (<https://nightlies.apache.org/flink/flink-docs-stable/docs/dev/table/functions/systemfunctions/>).
//!
//! Positions and lengths count code points from 1. The special forms of SQL arrive as plain calls:
//! `SUBSTRING(s FROM a FOR n)` as `SUBSTRING(s, a, n)`, `OVERLAY(s PLACING r FROM a FOR n)` as `OVERLAY(s, r, a, n)`,
//! `POSITION(a IN s)` as `POSITION(a, s)`, `TRIM(LEADING c FROM s)` as `LTRIM(s, c)`, `TRIM(TRAILING c FROM s)` as
//! `RTRIM(s, c)` and `TRIM([BOTH] c FROM s)` as `TRIM(s, c)`; without `c` the second argument is left out.

mod case;
mod encode;
mod join;
mod pad;
mod printf;
mod search;
mod slice;
mod test_of;
mod translate;
mod trim;

pub(crate) use slice::string_lists;

use wasmill_plan::{DataType, MAX_LENGTH, TypeKind};

use super::arguments::{Param::*, length, nullable, params, strict, string, total, variadic};
use crate::Function;
use crate::function::{Argument, Signature};

/// This family's functions.
pub static FUNCTIONS: &[Function] = &[
    Function { name: "UPPER", aliases: &["UCASE"], usage: "UPPER(text)", infer: same_text, kernel: case::upper },
    Function { name: "LOWER", aliases: &["LCASE"], usage: "LOWER(text)", infer: same_text, kernel: case::lower },
    Function { name: "INITCAP", aliases: &[], usage: "INITCAP(text)", infer: same_text, kernel: case::initcap },
    Function {
        name: "CHAR_LENGTH",
        aliases: &["CHARACTER_LENGTH", "LENGTH"],
        usage: "CHAR_LENGTH(text)",
        infer: |a| strict(params(a, &[Text], &[])?, TypeKind::Int),
        kernel: search::char_length,
    },
    Function {
        name: "OCTET_LENGTH",
        aliases: &[],
        usage: "OCTET_LENGTH(text or bytes)",
        infer: |a| strict(params(a, &[TextOrBytes], &[])?, TypeKind::Int),
        kernel: search::octet_length,
    },
    Function {
        name: "ASCII",
        aliases: &[],
        usage: "ASCII(text)",
        infer: |a| strict(params(a, &[Text], &[])?, TypeKind::Int),
        kernel: encode::ascii,
    },
    Function {
        name: "CHR",
        aliases: &[],
        usage: "CHR(integer)",
        infer: |a| nullable(params(a, &[BigInt], &[])?, string()),
        kernel: encode::chr,
    },
    Function {
        name: "TRIM",
        aliases: &[],
        usage: "TRIM(text [, characters])",
        infer: shorter_text,
        kernel: trim::both,
    },
    Function {
        name: "BTRIM",
        aliases: &[],
        usage: "BTRIM(text [, characters])",
        infer: |a| strict(params(a, &[Text], &[Text])?, string()),
        kernel: trim::both,
    },
    Function {
        name: "LTRIM",
        aliases: &[],
        usage: "LTRIM(text [, characters])",
        infer: shorter_text,
        kernel: trim::left,
    },
    Function {
        name: "RTRIM",
        aliases: &[],
        usage: "RTRIM(text [, characters])",
        infer: shorter_text,
        kernel: trim::right,
    },
    Function {
        name: "LPAD",
        aliases: &[],
        usage: "LPAD(text, length, padding)",
        infer: |a| strict(params(a, &[Text, Int, Text], &[])?, string()),
        kernel: pad::lpad,
    },
    Function {
        name: "RPAD",
        aliases: &[],
        usage: "RPAD(text, length, padding)",
        infer: |a| strict(params(a, &[Text, Int, Text], &[])?, string()),
        kernel: pad::rpad,
    },
    Function {
        name: "REPEAT",
        aliases: &[],
        usage: "REPEAT(text, count)",
        infer: |a| strict(params(a, &[Text, Int], &[])?, string()),
        kernel: pad::repeat,
    },
    Function {
        name: "REVERSE",
        aliases: &[],
        usage: "REVERSE(text)",
        infer: |a| nullable(params(a, &[Text], &[])?, string()),
        kernel: slice::reverse,
    },
    Function {
        name: "SUBSTRING",
        aliases: &["SUBSTR"],
        usage: "SUBSTRING(text, start [, length])",
        infer: |a| {
            let args = params(a, &[Text, BigInt], &[BigInt])?;
            let returns = TypeKind::Varchar(length(&args[0].kind));
            nullable(args, returns)
        },
        kernel: slice::substring,
    },
    Function {
        name: "SUBSTRING_INDEX",
        aliases: &[],
        usage: "SUBSTRING_INDEX(text, delimiter, count)",
        infer: |a| nullable(params(a, &[Text, Text, BigInt], &[])?, string()),
        kernel: slice::substring_index,
    },
    Function { name: "LEFT", aliases: &[], usage: "LEFT(text, length)", infer: infer_end, kernel: slice::left },
    Function { name: "RIGHT", aliases: &[], usage: "RIGHT(text, length)", infer: infer_end, kernel: slice::right },
    Function {
        name: "OVERLAY",
        aliases: &[],
        usage: "OVERLAY(text PLACING replacement FROM start [FOR length])",
        infer: |a| {
            let args = params(a, &[Text, Text, BigInt], &[BigInt])?;
            let longest = length(&args[0].kind).saturating_add(length(&args[1].kind)).min(MAX_LENGTH);
            strict(args, TypeKind::Varchar(longest))
        },
        kernel: slice::overlay,
    },
    Function {
        name: "SPLIT_INDEX",
        aliases: &[],
        usage: "SPLIT_INDEX(text, separator, index)",
        infer: |a| match a.get(1).map(|s| &s.data_type.kind) {
            Some(kind) if kind.is_integer() => nullable(params(a, &[Text, Int, Int], &[])?, string()),
            _ => nullable(params(a, &[Text, Text, Int], &[])?, string()),
        },
        kernel: slice::split_index,
    },
    Function {
        name: "SPLIT",
        aliases: &[],
        usage: "SPLIT(text, delimiter)",
        infer: |a| strict(params(a, &[Text, Text], &[])?, TypeKind::Array(Box::new(DataType::string()))),
        kernel: slice::split,
    },
    Function {
        name: "CONCAT",
        aliases: &[],
        usage: "CONCAT(text, …)",
        infer: |a| strict(variadic(a, &[Text], Text)?, string()),
        kernel: join::concat,
    },
    Function { name: "||", aliases: &[], usage: "text || text", infer: infer_concat_operator, kernel: join::concat },
    Function {
        name: "CONCAT_WS",
        aliases: &[],
        usage: "CONCAT_WS(separator, text, …)",
        infer: |a| {
            let args = variadic(a, &[Text], Text)?;
            // A NULL among the texts is left out and still makes the type nullable, as in Flink.
            strict(args, string())
        },
        kernel: join::concat_ws,
    },
    Function { name: "ELT", aliases: &[], usage: "ELT(index, value, …)", infer: join::infer_elt, kernel: join::elt },
    Function {
        name: "PRINTF",
        aliases: &[],
        usage: "PRINTF(format, value, …)",
        infer: |a| nullable(variadic(a, &[Text], Any)?, string()),
        kernel: printf::printf,
    },
    Function {
        name: "POSITION",
        aliases: &[],
        usage: "POSITION(part IN text)",
        infer: |a| strict(params(a, &[Text, Text], &[Int])?, TypeKind::Int),
        kernel: search::position,
    },
    Function {
        name: "LOCATE",
        aliases: &[],
        usage: "LOCATE(part, text [, start])",
        infer: |a| strict(params(a, &[Text, Text], &[Int])?, TypeKind::Int),
        kernel: search::position,
    },
    Function {
        name: "INSTR",
        aliases: &[],
        usage: "INSTR(text, part [, start [, occurrence]])",
        infer: |a| strict(params(a, &[Text, Text], &[Int, Int])?, TypeKind::Int),
        kernel: search::instr,
    },
    Function {
        name: "STARTSWITH",
        aliases: &[],
        usage: "STARTSWITH(text, prefix)",
        infer: infer_affix,
        kernel: test_of::starts_with,
    },
    Function {
        name: "ENDSWITH",
        aliases: &[],
        usage: "ENDSWITH(text, suffix)",
        infer: infer_affix,
        kernel: test_of::ends_with,
    },
    Function {
        name: "IS_ALPHA",
        aliases: &[],
        usage: "IS_ALPHA(value)",
        infer: |a| total(params(a, &[Any], &[])?, TypeKind::Boolean),
        kernel: test_of::is_alpha,
    },
    Function {
        name: "IS_DIGIT",
        aliases: &[],
        usage: "IS_DIGIT(value)",
        infer: |a| total(params(a, &[Any], &[])?, TypeKind::Boolean),
        kernel: test_of::is_digit,
    },
    Function {
        name: "IS_DECIMAL",
        aliases: &[],
        usage: "IS_DECIMAL(value)",
        infer: |a| total(params(a, &[Any], &[])?, TypeKind::Boolean),
        kernel: test_of::is_decimal,
    },
    Function {
        name: "REPLACE",
        aliases: &[],
        usage: "REPLACE(text, part, replacement)",
        infer: |a| strict(params(a, &[Text, Text, Text], &[])?, string()),
        kernel: translate::replace,
    },
    Function {
        name: "TRANSLATE",
        aliases: &[],
        usage: "TRANSLATE(text, from, to)",
        infer: |a| {
            let args = params(a, &[Text, Text, Text], &[])?;
            let nullable = args[0].nullable;
            Ok(Signature { args, returns: DataType { kind: string(), nullable } })
        },
        kernel: translate::translate,
    },
    Function {
        name: "ENCODE",
        aliases: &[],
        usage: "ENCODE(text, charset)",
        infer: |a| strict(params(a, &[Text, Text], &[])?, super::arguments::bytes()),
        kernel: encode::encode,
    },
    Function {
        name: "DECODE",
        aliases: &[],
        usage: "DECODE(bytes, charset)",
        infer: |a| strict(params(a, &[Bytes, Text], &[])?, string()),
        kernel: encode::decode,
    },
    Function {
        name: "TO_BASE64",
        aliases: &[],
        usage: "TO_BASE64(text or bytes)",
        infer: |a| strict(params(a, &[TextOrBytes], &[])?, string()),
        kernel: encode::to_base64,
    },
    Function {
        name: "FROM_BASE64",
        aliases: &[],
        usage: "FROM_BASE64(text or bytes)",
        infer: |a| strict(params(a, &[TextOrBytes], &[])?, string()),
        kernel: encode::from_base64,
    },
];

/// One text of the same type.
fn same_text(args: &[Argument]) -> Result<Signature, String> {
    let args = params(args, &[Text], &[])?;
    let returns = args[0].kind.clone();
    strict(args, returns)
}

/// A text that is no longer than the first argument.
fn shorter_text(args: &[Argument]) -> Result<Signature, String> {
    let args = params(args, &[Text], &[Text])?;
    let returns = TypeKind::Varchar(length(&args[0].kind));
    strict(args, returns)
}

/// `||` of two texts: CHAR only where both are.
fn infer_concat_operator(args: &[Argument]) -> Result<Signature, String> {
    let args = params(args, &[Text, Text], &[])?;
    let longest = length(&args[0].kind).saturating_add(length(&args[1].kind)).min(MAX_LENGTH);
    let fixed = args.iter().all(|a| matches!(a.kind, TypeKind::Char(_)));
    strict(args, if fixed { TypeKind::Char(longest) } else { TypeKind::Varchar(longest) })
}

/// Two texts or two byte strings.
fn infer_affix(args: &[Argument]) -> Result<Signature, String> {
    let bytes = args.iter().any(|a| a.data_type.kind.is_binary());
    let param = if bytes { Bytes } else { Text };
    strict(params(args, &[param, param], &[])?, TypeKind::Boolean)
}

/// LEFT and RIGHT: no longer than the text.
fn infer_end(args: &[Argument]) -> Result<Signature, String> {
    let args = params(args, &[Text, Int], &[])?;
    let length = super::arguments::length(&args[0].kind);
    nullable(args, TypeKind::Varchar(length))
}

#[cfg(test)]
mod tests;
