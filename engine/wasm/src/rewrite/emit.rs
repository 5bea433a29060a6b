//! Writes the code of the added loop.
//!
//! ```text
//! loop over turns of n rows:
//!   n times:  arguments ← arena; locals ← 0
//!             block: the body, its locals renumbered, `return` turned into a branch out of the block
//!             NaN made canonical; arena ← result
//! loop over the rows that are left, one at a time       (not where the body is total: there the last turn runs over)
//! ```

use wasm_encoder::{BlockType, Ieee32, Ieee64, InstructionSink, MemArg, ValType};
use wasmparser::Operator;

use super::body::Body;
use super::layout::{Layout, ResultLayout, UNROLL_MAX};
use super::{Effort, Shape, vector};
use crate::signature::Slot;

/// What the loop is made for.
pub(super) struct Site<'a> {
    pub function: u32,
    pub params: &'a [wasmparser::ValType],
    pub results: &'a [wasmparser::ValType],
    /// The arena's memory index.
    pub arena: u32,
    /// The index of a type `() -> results`.
    pub block_type: u32,
    pub layout: &'a Layout,
}

/// The loop's parameters and first locals.
const ROW: u32 = 0;
const END: u32 = 1;
/// The index of the first local that is not the loop's own: after a scratch local of each type.
const SCRATCH_I32: u32 = 2;
const SCRATCH_I32_B: u32 = 3;
const SCRATCH_I64: u32 = 4;
const SCRATCH_F32: u32 = 5;
const SCRATCH_F64: u32 = 6;
const SCRATCH_V128: u32 = 7;
const SCRATCH: [ValType; 6] = [ValType::I32, ValType::I32, ValType::I64, ValType::F32, ValType::F64, ValType::V128];
/// The body's parameters, then its locals.
const BODY: u32 = 8;

/// Operators that a turn may have before it is unrolled less.
const TURN_OPERATORS_MAX: usize = 800;

/// The function body (locals and code, without its size) and how it runs the function.
pub(super) fn emit(site: &Site, body: &Body, bytes: &[u8], effort: Effort) -> (Vec<u8>, Shape) {
    let vector = match effort {
        Effort::Full => vector::vectorise(site, body, BODY),
        _ => None,
    };
    let text_result = matches!(site.layout.result, ResultLayout::Text { .. });
    let shape = match (&vector, effort) {
        (Some(_), _) => Shape::Vector((unrolling(body) / 2).max(1)),
        (None, Effort::Call) => Shape::Call,
        _ if !body.inlinable => Shape::Call,
        _ if text_result => Shape::Inline(1),
        _ => Shape::Inline(unrolling(body)),
    };
    let mut locals: Vec<ValType> = SCRATCH.to_vec();
    match shape {
        Shape::Vector(_) => {
            let extra = vector.as_ref().map_or(0, |pair| pair.extra_locals as usize);
            locals.extend(std::iter::repeat_n(ValType::V128, site.params.len() + body.locals.len() + extra));
        }
        Shape::Inline(_) => locals.extend(site.params.iter().chain(&body.locals).map(|t| val_type(*t))),
        Shape::Call => {}
    }
    let mut function = wasm_encoder::Function::new_with_locals_types(locals);
    let mut code = Vec::new();
    let mut emitter = Emitter { site, body, bytes, code: &mut code };
    match shape {
        Shape::Vector(pairs) => {
            let pair = vector.expect("the shape says so");
            emitter.turns(2 * pairs, true, |e| {
                for pair_index in 0..pairs {
                    e.pair(&pair, 2 * pair_index);
                }
            });
        }
        Shape::Inline(unroll) => {
            if unroll > 1 {
                emitter.turns(unroll, body.total, |e| (0..unroll).for_each(|u| e.row(u, true)));
            }
            if unroll == 1 || !body.total {
                emitter.turns(1, false, |e| e.row(0, true));
            }
        }
        Shape::Call => emitter.turns(1, false, |e| e.row(0, false)),
    }
    emitter.sink().local_get(ROW).end();
    function.raw(code);
    (function.into_raw_body(), shape)
}

/// How many rows a turn has: a power of two, less for a larger body.
fn unrolling(body: &Body) -> u32 {
    let fitting = (TURN_OPERATORS_MAX / body.operators.len().max(1)).clamp(1, UNROLL_MAX as usize) as u32;
    1 << fitting.ilog2()
}

struct Emitter<'a> {
    site: &'a Site<'a>,
    body: &'a Body<'a>,
    bytes: &'a [u8],
    code: &'a mut Vec<u8>,
}

impl Emitter<'_> {
    fn sink(&mut self) -> InstructionSink<'_> {
        InstructionSink::new(self.code)
    }

    /// A loop of turns of `rows` rows each, while a whole turn is left, or, with `over`, while a row is left.
    fn turns(&mut self, rows: u32, over: bool, turn: impl FnOnce(&mut Self)) {
        let mut s = self.sink();
        s.block(BlockType::Empty).loop_(BlockType::Empty);
        if over || rows == 1 {
            s.local_get(ROW).local_get(END).i32_ge_u().br_if(1);
        } else {
            s.local_get(END).local_get(ROW).i32_sub().i32_const(rows as i32).i32_lt_u().br_if(1);
        }
        turn(self);
        self.sink().local_get(ROW).i32_const(rows as i32).i32_add().local_set(ROW).br(0).end().end();
    }

    fn arena(&self, offset: u32, align: u32) -> MemArg {
        MemArg { offset: offset.into(), align, memory_index: self.site.arena }
    }

    /// Pushes `ROW × width`.
    fn address(&mut self, width: u32) {
        debug_assert!(width.is_power_of_two());
        let shift = width.trailing_zeros() as i32;
        let mut s = self.sink();
        s.local_get(ROW);
        if shift > 0 {
            s.i32_const(shift).i32_shl();
        }
    }

    /// Pushes the parameters of argument `index`, for the row `ROW + u`.
    fn load_argument(&mut self, index: usize, u: u32) {
        let (slot, base) = self.site.layout.args[index];
        let width = slot.argument_bytes();
        let at = base + u * width;
        self.address(width);
        match slot {
            Slot::Bool => {
                let m = self.arena(at, 0);
                self.sink().i32_load8_u(m);
            }
            Slot::I8 => {
                let m = self.arena(at, 0);
                self.sink().i32_load8_s(m);
            }
            Slot::I16 => {
                let m = self.arena(at, 1);
                self.sink().i32_load16_s(m);
            }
            Slot::I32 => {
                let m = self.arena(at, 2);
                self.sink().i32_load(m);
            }
            Slot::I64 | Slot::Decimal => {
                let m = self.arena(at, 3);
                self.sink().i64_load(m);
            }
            Slot::F32 => {
                let m = self.arena(at, 2);
                self.sink().f32_load(m);
            }
            Slot::F64 => {
                let m = self.arena(at, 3);
                self.sink().f64_load(m);
            }
            Slot::Bytes => {
                let (address, length) = (self.arena(at, 2), self.arena(at + 4, 2));
                self.sink().i32_load(address);
                self.address(width);
                self.sink().i32_load(length);
            }
        }
    }

    /// One row: the function on the arguments at `ROW + u`, its result written.
    fn row(&mut self, u: u32, inline: bool) {
        let layout = self.site.layout;
        if let ResultLayout::Fixed { slot, .. } = layout.result {
            self.address(slot.result_bytes());
        }
        if inline {
            let mut param = BODY;
            for index in 0..layout.args.len() {
                self.load_argument(index, u);
                let count = layout.args[index].0.parameters().len() as u32;
                for i in (0..count).rev() {
                    self.sink().local_set(param + i);
                }
                param += count;
            }
            self.inline_body();
        } else {
            for index in 0..layout.args.len() {
                self.load_argument(index, u);
            }
            let function = self.site.function;
            self.sink().call(function);
        }
        self.store_result(u);
    }

    /// The body in a block that leaves its results on the stack.
    fn inline_body(&mut self) {
        let params = self.site.params.len() as u32;
        for (i, ty) in self.body.locals.iter().enumerate() {
            let mut s = self.sink();
            match ty {
                wasmparser::ValType::I32 => s.i32_const(0),
                wasmparser::ValType::I64 => s.i64_const(0),
                wasmparser::ValType::F32 => s.f32_const(Ieee32::new(0)),
                wasmparser::ValType::F64 => s.f64_const(Ieee64::new(0)),
                wasmparser::ValType::V128 => s.v128_const(0),
                wasmparser::ValType::Ref(_) => unreachable!("such a body is not inlined"),
            };
            s.local_set(BODY + params + i as u32);
        }
        let block = match self.site.results {
            [one] => BlockType::Result(val_type(*one)),
            _ => BlockType::FunctionType(self.site.block_type),
        };
        self.sink().block(block);
        let mut depth = 0u32;
        let (body, bytes) = (self.body, self.bytes);
        for (operator, range) in &body.operators {
            match operator {
                Operator::LocalGet { local_index } => {
                    self.sink().local_get(BODY + local_index);
                }
                Operator::LocalSet { local_index } => {
                    self.sink().local_set(BODY + local_index);
                }
                Operator::LocalTee { local_index } => {
                    self.sink().local_tee(BODY + local_index);
                }
                // A branch to the function's own label already counts as deep as the block that stands for it.
                Operator::Return => {
                    self.sink().br(depth);
                }
                other => {
                    match other {
                        Operator::Block { .. } | Operator::Loop { .. } | Operator::If { .. } => depth += 1,
                        // The last one closes the block.
                        Operator::End => depth = depth.wrapping_sub(1),
                        _ => {}
                    }
                    self.code.extend_from_slice(&bytes[range.clone()]);
                }
            }
        }
    }

    /// Takes address and result, or the two parts of a text, from the stack and writes them for the row `ROW + u`.
    fn store_result(&mut self, u: u32) {
        let (slot, base) = match self.site.layout.result {
            ResultLayout::Fixed { slot, base } => (slot, base),
            ResultLayout::Text { offsets, nulls, data, data_bytes } => {
                return self.store_text(offsets, nulls, data, data_bytes);
            }
        };
        let at = base + u * slot.result_bytes();
        match slot {
            Slot::F64 => {
                let m = self.arena(at, 3);
                self.sink()
                    .local_tee(SCRATCH_F64)
                    .f64_const(Ieee64::from(f64::from_bits(CANONICAL_NAN_64)))
                    .local_get(SCRATCH_F64)
                    .local_get(SCRATCH_F64)
                    .f64_eq()
                    .select()
                    .f64_store(m);
            }
            Slot::F32 => {
                let m = self.arena(at, 2);
                self.sink()
                    .local_tee(SCRATCH_F32)
                    .f32_const(Ieee32::from(f32::from_bits(CANONICAL_NAN_32)))
                    .local_get(SCRATCH_F32)
                    .local_get(SCRATCH_F32)
                    .f32_eq()
                    .select()
                    .f32_store(m);
            }
            Slot::I64 | Slot::Decimal => {
                let m = self.arena(at, 3);
                self.sink().i64_store(m);
            }
            _ => {
                let m = self.arena(at, 2);
                self.sink().i32_store(m);
            }
        }
    }

    /// Copies a text into the arena at once, because the guest may use the same buffer for the next row. Returns from the
    /// loop at this row where there is no room for it.
    fn store_text(&mut self, offsets: u32, nulls: u32, data: u32, data_bytes: u32) {
        let (address, length) = (SCRATCH_I32, SCRATCH_I32_B);
        let packed = self.site.results.len() == 1;
        let null_flag = self.arena(nulls, 0);
        let (offset, next) = (self.arena(offsets, 2), self.arena(offsets + 4, 2));
        let (guest, arena) = (0, self.site.arena);
        let mut s = self.sink();
        if packed {
            s.local_set(SCRATCH_I64);
            s.local_get(SCRATCH_I64).i32_wrap_i64().local_set(address);
            s.local_get(SCRATCH_I64).i64_const(32).i64_shr_u().i32_wrap_i64().local_set(length);
        } else {
            s.local_set(length).local_set(address);
        }
        // NULL is address and length of all ones.
        s.local_get(ROW);
        s.local_get(address).local_get(length).i32_and().i32_const(-1).i32_eq();
        s.i32_store8(null_flag);
        s.i32_const(0).local_get(length);
        s.local_get(ROW).i32_load8_u(null_flag).select().local_set(length);
        s.i32_const(0).local_get(address);
        s.local_get(ROW).i32_load8_u(null_flag).select().local_set(address);
        // Room for it?
        s.local_get(length).i32_const(data_bytes as i32);
        s.local_get(ROW).i32_const(2).i32_shl().i32_load(offset).i32_sub();
        s.i32_gt_u().if_(BlockType::Empty).local_get(ROW).return_().end();
        // arena[data + offset ..] ← guest[address .. address + length]
        s.local_get(ROW).i32_const(2).i32_shl().i32_load(offset).i32_const(data as i32).i32_add();
        s.local_get(address).local_get(length).memory_copy(arena, guest);
        s.local_get(ROW).i32_const(2).i32_shl();
        s.local_get(ROW).i32_const(2).i32_shl().i32_load(offset).local_get(length).i32_add();
        s.i32_store(next);
    }

    /// Two rows by SIMD: those at `ROW + u` and `ROW + u + 1`.
    fn pair(&mut self, pair: &vector::Pair, u: u32) {
        let ResultLayout::Fixed { base, .. } = self.site.layout.result else {
            unreachable!("texts are not vectorised")
        };
        self.address(8);
        for (index, (_, arg_base)) in self.site.layout.args.iter().enumerate() {
            let m = self.arena(arg_base + u * 8, 3);
            self.address(8);
            self.sink().v128_load(m).local_set(BODY + index as u32);
        }
        self.code.extend_from_slice(&pair.code);
        let nan = u128::from(CANONICAL_NAN_64) << 64 | u128::from(CANONICAL_NAN_64);
        let m = self.arena(base + u * 8, 3);
        self.sink()
            .local_tee(SCRATCH_V128)
            .v128_const(nan as i128)
            .local_get(SCRATCH_V128)
            .local_get(SCRATCH_V128)
            .f64x2_eq()
            .v128_bitselect()
            .v128_store(m);
    }
}

const CANONICAL_NAN_64: u64 = 0x7ff8_0000_0000_0000;
const CANONICAL_NAN_32: u32 = 0x7fc0_0000;

/// The encoder's name for a validated type that is no reference.
pub(super) fn val_type(ty: wasmparser::ValType) -> ValType {
    match ty {
        wasmparser::ValType::I32 => ValType::I32,
        wasmparser::ValType::I64 => ValType::I64,
        wasmparser::ValType::F32 => ValType::F32,
        wasmparser::ValType::F64 => ValType::F64,
        wasmparser::ValType::V128 => ValType::V128,
        wasmparser::ValType::Ref(_) => unreachable!("references are refused as parameters, results and inlined locals"),
    }
}
