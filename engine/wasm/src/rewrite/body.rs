//! Looks at a function's body: what it may do, how large it is, and its bytes instruction by instruction.

use std::ops::Range;

use wasmparser::{FunctionBody, Operator, ValType};

/// A larger body is called, not inlined.
const INLINE_OPERATORS_MAX: usize = 1500;

/// A body as the rewrite sees it.
pub(super) struct Body<'a> {
    /// The declared locals, without the parameters.
    pub locals: Vec<ValType>,
    /// Each operator with its bytes, the last `end` included; cut off where the body is too large to inline.
    pub operators: Vec<(Operator<'a>, Range<usize>)>,
    /// Whether it can be inlined at all: not too large, not recursive, no tail calls, no reference locals.
    pub inlinable: bool,
    /// Whether it gives a value for any arguments, in bounded time, without side effects: no memory, calls, loops or
    /// operators that trap. Such a body may be run on rows whose arguments are NULL.
    pub total: bool,
}

impl<'a> Body<'a> {
    /// Scans the body of function `index`; `bytes` is the whole module.
    pub fn scan(body: &FunctionBody<'a>, index: u32, bytes: &[u8]) -> wasmparser::Result<Self> {
        let mut locals = Vec::new();
        let mut inlinable = true;
        for group in body.get_locals_reader()? {
            let (count, ty) = group?;
            if matches!(ty, ValType::Ref(_)) || locals.len() + count as usize > INLINE_OPERATORS_MAX {
                inlinable = false;
                break;
            }
            locals.extend(std::iter::repeat_n(ty, count as usize));
        }
        let mut operators: Vec<(Operator, Range<usize>)> = Vec::new();
        let mut total = true;
        let mut reader = body.get_operators_reader()?;
        while !reader.eof() {
            let (operator, start) = reader.read_with_offset()?;
            let range = start..reader.original_position();
            total &= is_total(&bytes[range.clone()]);
            match operator {
                Operator::ReturnCall { .. } | Operator::ReturnCallIndirect { .. } => inlinable = false,
                Operator::Call { function_index } if function_index == index => inlinable = false,
                _ => {}
            }
            operators.push((operator, range));
            if operators.len() > INLINE_OPERATORS_MAX || !inlinable {
                return Ok(Self { locals, operators, inlinable: false, total: false });
            }
        }
        Ok(Self { locals, operators, inlinable, total: total && inlinable })
    }
}

/// By opcode: control without loops, locals, constants and numeric operators that give a value for all operands.
fn is_total(operator: &[u8]) -> bool {
    match operator[0] {
        // nop, block; if, else; end, br, br_if, br_table, return
        0x01 | 0x02 | 0x04 | 0x05 | 0x0b..=0x0f => true,
        // drop, select, typed select, local.get, local.set, local.tee, global.get
        0x1a..=0x1c | 0x20..=0x23 => true,
        // constants
        0x41..=0x44 => true,
        // integer division and remainder trap on zero and overflow, trunc on NaN and out of range
        0x6d..=0x70 | 0x7f..=0x82 | 0xa8..=0xab | 0xae..=0xb1 => false,
        // comparisons, arithmetic, conversions, sign extension
        0x45..=0xc4 => true,
        // trunc_sat
        0xfc => operator.get(1).is_some_and(|sub| *sub <= 7),
        _ => false,
    }
}
