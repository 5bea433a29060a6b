//! Turns a body over DOUBLEs into one over pairs of them, f64 → f64x2, so that a turn of the loop does two rows at once.
//!
//! A comparison becomes a mask of lanes. Where the body branches, every lane runs through all of it, and `active` says
//! which lanes would be there: an assignment keeps the old value in the others, a branch takes its lanes out of `active`
//! until its label. Only total bodies (no loops, traps or side effects) of operators with exact SIMD counterparts are
//! taken, so that the result has the same bits as the scalar one.

use wasm_encoder::{Ieee64, InstructionSink};
use wasmparser::{BlockType, Operator, ValType};

use super::body::Body;
use super::emit::Site;
use super::layout::ResultLayout;
use crate::signature::Slot;

/// A larger body gains nothing: all lanes run through all branches.
const OPERATORS_MAX: usize = 250;

/// Code that takes two rows of each argument from locals and leaves two rows of results on the stack.
pub(super) struct Pair {
    pub code: Vec<u8>,
    /// v128 locals that it needs besides the body's parameters and locals.
    pub extra_locals: u32,
}

/// What a v128 on the stack or in a local means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lanes {
    /// Two DOUBLEs.
    Values,
    /// Two booleans, all bits alike: the i32 of a comparison.
    Mask,
}

/// A block that is open.
struct Label {
    result: Option<(Lanes, u32)>,
    /// Lanes that have branched here.
    left: Option<u32>,
    /// Lanes that run the ELSE part, while in the THEN part of an IF.
    other: Option<u32>,
    entry: Option<u32>,
    /// Whether a lane may have branched to a label further out.
    escaped: bool,
    height: usize,
}

/// `None` where the body has something without an exact counterpart. `first_local` is the local of the first parameter.
pub(super) fn vectorise(site: &Site, body: &Body, first_local: u32) -> Option<Pair> {
    let doubles = site.layout.args.iter().all(|(slot, _)| *slot == Slot::F64)
        && matches!(site.layout.result, ResultLayout::Fixed { slot: Slot::F64, .. });
    if !doubles || site.layout.args.is_empty() || !body.total || body.operators.len() > OPERATORS_MAX {
        return None;
    }
    let mut locals = vec![Lanes::Values; site.params.len()];
    for ty in &body.locals {
        locals.push(match ty {
            ValType::F64 => Lanes::Values,
            ValType::I32 => Lanes::Mask,
            _ => return None,
        });
    }
    let mut code = Vec::new();
    for i in 0..body.locals.len() as u32 {
        InstructionSink::new(&mut code).v128_const(0).local_set(first_local + site.params.len() as u32 + i);
    }
    let next_local = first_local + locals.len() as u32;
    let mut v = Vectoriser {
        code,
        first_local,
        first_extra: next_local,
        next_local,
        locals,
        stack: Vec::new(),
        labels: Vec::new(),
        active: None,
        dead_depth: None,
    };
    v.open(Some(Lanes::Values), None);
    for (operator, _) in &body.operators {
        v.operator(operator)?;
    }
    Some(Pair { code: v.code, extra_locals: v.next_local - v.first_extra })
}

struct Vectoriser {
    code: Vec<u8>,
    first_local: u32,
    first_extra: u32,
    next_local: u32,
    locals: Vec<Lanes>,
    stack: Vec<Lanes>,
    labels: Vec<Label>,
    /// The mask of lanes that are here; `None` for all.
    active: Option<u32>,
    /// In code that no lane reaches: how many blocks were opened there.
    dead_depth: Option<u32>,
}

impl Vectoriser {
    fn sink(&mut self) -> InstructionSink<'_> {
        InstructionSink::new(&mut self.code)
    }
    fn fresh(&mut self) -> u32 {
        self.next_local += 1;
        self.next_local - 1
    }
    fn pop(&mut self, expected: Lanes) -> Option<()> {
        (self.stack.pop()? == expected).then_some(())
    }

    fn operator(&mut self, operator: &Operator) -> Option<()> {
        if let Some(depth) = self.dead_depth {
            match operator {
                Operator::Block { .. } | Operator::If { .. } => self.dead_depth = Some(depth + 1),
                Operator::End if depth > 0 => self.dead_depth = Some(depth - 1),
                Operator::End => self.end(),
                Operator::Else if depth == 0 => self.otherwise()?,
                _ => {}
            }
            return Some(());
        }
        use Lanes::{Mask, Values};
        match operator {
            Operator::Nop => {}
            Operator::Block { blockty } => {
                let result = block_result(blockty)?;
                self.open(result, None);
            }
            Operator::If { blockty } => {
                let result = block_result(blockty)?;
                self.pop(Mask)?;
                let (then, other) = self.split();
                self.open(result, Some(other));
                self.active = Some(then);
            }
            Operator::Else => self.otherwise()?,
            Operator::End => self.end(),
            Operator::Br { relative_depth } => self.branch(*relative_depth as usize)?,
            Operator::Return => self.branch(self.labels.len() - 1)?,
            Operator::BrIf { relative_depth } => {
                self.pop(Mask)?;
                let (taken, rest) = self.split();
                self.leave(*relative_depth as usize, taken, true)?;
                self.active = Some(rest);
            }
            Operator::Drop => {
                self.stack.pop()?;
                self.sink().drop();
            }
            Operator::Select | Operator::TypedSelect { .. } => {
                self.pop(Mask)?;
                let lanes = self.stack.pop()?;
                self.pop(lanes)?;
                self.stack.push(lanes);
                self.sink().v128_bitselect();
            }
            Operator::LocalGet { local_index } => {
                self.stack.push(*self.locals.get(*local_index as usize)?);
                let local = self.first_local + local_index;
                self.sink().local_get(local);
            }
            Operator::LocalSet { local_index } => self.assign(*local_index)?,
            Operator::LocalTee { local_index } => {
                self.assign(*local_index)?;
                self.stack.push(*self.locals.get(*local_index as usize)?);
                let local = self.first_local + local_index;
                self.sink().local_get(local);
            }
            Operator::F64Const { value } => {
                let bits = u128::from(Ieee64::new(value.bits()).bits());
                self.stack.push(Values);
                self.sink().v128_const((bits << 64 | bits) as i128);
            }
            Operator::I32Const { value } if *value == 0 || *value == 1 => {
                self.stack.push(Mask);
                let mask = if *value == 1 { -1 } else { 0 };
                self.sink().v128_const(mask);
            }
            Operator::I32Eqz => {
                self.pop(Mask)?;
                self.stack.push(Mask);
                self.sink().v128_not();
            }
            _ => self.numeric(operator)?,
        }
        Some(())
    }

    fn numeric(&mut self, operator: &Operator) -> Option<()> {
        use Lanes::{Mask, Values};
        let (operands, lanes, result): (usize, Lanes, Lanes) = match operator {
            Operator::I32And | Operator::I32Or | Operator::I32Xor => (2, Mask, Mask),
            Operator::F64Eq
            | Operator::F64Ne
            | Operator::F64Lt
            | Operator::F64Gt
            | Operator::F64Le
            | Operator::F64Ge => (2, Values, Mask),
            Operator::F64Abs
            | Operator::F64Neg
            | Operator::F64Ceil
            | Operator::F64Floor
            | Operator::F64Trunc
            | Operator::F64Nearest
            | Operator::F64Sqrt => (1, Values, Values),
            Operator::F64Add
            | Operator::F64Sub
            | Operator::F64Mul
            | Operator::F64Div
            | Operator::F64Min
            | Operator::F64Max => (2, Values, Values),
            _ => return None,
        };
        for _ in 0..operands {
            self.pop(lanes)?;
        }
        self.stack.push(result);
        let mut s = self.sink();
        match operator {
            Operator::I32And => s.v128_and(),
            Operator::I32Or => s.v128_or(),
            Operator::I32Xor => s.v128_xor(),
            Operator::F64Eq => s.f64x2_eq(),
            Operator::F64Ne => s.f64x2_ne(),
            Operator::F64Lt => s.f64x2_lt(),
            Operator::F64Gt => s.f64x2_gt(),
            Operator::F64Le => s.f64x2_le(),
            Operator::F64Ge => s.f64x2_ge(),
            Operator::F64Abs => s.f64x2_abs(),
            Operator::F64Neg => s.f64x2_neg(),
            Operator::F64Ceil => s.f64x2_ceil(),
            Operator::F64Floor => s.f64x2_floor(),
            Operator::F64Trunc => s.f64x2_trunc(),
            Operator::F64Nearest => s.f64x2_nearest(),
            Operator::F64Sqrt => s.f64x2_sqrt(),
            Operator::F64Add => s.f64x2_add(),
            Operator::F64Sub => s.f64x2_sub(),
            Operator::F64Mul => s.f64x2_mul(),
            Operator::F64Div => s.f64x2_div(),
            Operator::F64Min => s.f64x2_min(),
            _ => s.f64x2_max(),
        };
        Some(())
    }

    fn open(&mut self, result: Option<Lanes>, other: Option<u32>) {
        let result = result.map(|lanes| (lanes, self.fresh()));
        let (entry, height) = (self.active, self.stack.len());
        self.labels.push(Label { result, left: None, other, entry, escaped: false, height });
    }

    /// Takes a condition from the stack: the active lanes where it holds, and those where it does not.
    fn split(&mut self) -> (u32, u32) {
        let (yes, no) = (self.fresh(), self.fresh());
        let active = self.active;
        let mut s = self.sink();
        match active {
            Some(active) => {
                s.local_set(no).local_get(active).local_get(no).v128_and().local_set(yes);
                s.local_get(active).local_get(no).v128_andnot().local_set(no);
            }
            None => {
                s.local_tee(yes).v128_not().local_set(no);
            }
        }
        (yes, no)
    }

    /// The lanes `taken` go to a label with the value on the stack, which stays there if `keep`.
    fn leave(&mut self, depth: usize, taken: u32, keep: bool) -> Option<()> {
        let target = self.labels.len().checked_sub(depth + 1)?;
        for inner in &mut self.labels[target + 1..] {
            inner.escaped = true;
        }
        if let Some((lanes, into)) = self.labels[target].result {
            self.pop(lanes)?;
            let value = self.fresh();
            let mut s = self.sink();
            s.local_tee(value).local_get(into).local_get(taken).v128_bitselect().local_set(into);
            if keep {
                s.local_get(value);
                self.stack.push(lanes);
            }
        }
        match self.labels[target].left {
            Some(left) => {
                self.sink().local_get(left).local_get(taken).v128_or().local_set(left);
            }
            None => {
                let left = self.fresh();
                self.sink().local_get(taken).local_set(left);
                self.labels[target].left = Some(left);
            }
        }
        Some(())
    }

    /// All active lanes go to a label.
    fn branch(&mut self, depth: usize) -> Option<()> {
        let taken = self.here();
        self.leave(depth, taken, false)?;
        self.kill();
        Some(())
    }

    /// The active lanes as a mask.
    fn here(&mut self) -> u32 {
        self.active.unwrap_or_else(|| {
            let all = self.fresh();
            self.sink().v128_const(-1).local_set(all);
            all
        })
    }

    /// Nothing reaches the code up to the end of this block; what is on the stack there is dropped.
    fn kill(&mut self) {
        let height = self.labels.last().map_or(0, |l| l.height);
        while self.stack.len() > height {
            self.stack.pop();
            self.sink().drop();
        }
        self.dead_depth = Some(0);
    }

    fn otherwise(&mut self) -> Option<()> {
        if self.dead_depth.is_none() {
            let taken = self.here();
            self.leave(0, taken, false)?;
        }
        self.dead_depth = None;
        let label = self.labels.last_mut()?;
        self.active = label.other.take();
        Some(())
    }

    fn end(&mut self) {
        let reached = self.dead_depth.take().is_none();
        let mut label = self.labels.pop().expect("the module was validated");
        if let Some(other) = label.other.take() {
            // An IF without ELSE: the other lanes come out here too.
            if label.escaped || !reached {
                label.left = Some(self.union(label.left, Some(other)));
            } else if label.left.is_none() {
                label.left = Some(other);
            }
        }
        match (label.left, label.result) {
            (Some(_), Some((_, into))) => {
                if reached {
                    let here = self.here();
                    self.sink().local_get(into).local_get(here).v128_bitselect().local_set(into);
                }
                self.sink().local_get(into);
            }
            // The value on the stack is the result, or there is none. Behind code that nothing leaves, all is dead: a
            // value must be there all the same.
            (None, Some(_)) if !reached => {
                self.sink().v128_const(0);
            }
            _ => {}
        }
        self.stack.truncate(label.height);
        if let Some((lanes, _)) = label.result {
            self.stack.push(lanes);
        }
        self.active = if !label.escaped {
            label.entry
        } else if reached {
            let here = self.here();
            Some(self.union(label.left, Some(here)))
        } else {
            label.left.or(label.entry)
        };
        if !reached && label.left.is_none() && !self.labels.is_empty() {
            // No lane comes out of the block: the rest of the one around it is dead as well.
            self.kill();
        }
    }

    fn union(&mut self, a: Option<u32>, b: Option<u32>) -> u32 {
        match (a, b) {
            (Some(a), Some(b)) => {
                let both = self.fresh();
                self.sink().local_get(a).local_get(b).v128_or().local_set(both);
                both
            }
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) => self.here(),
        }
    }

    /// `local.set`: lanes that are not here keep their value.
    fn assign(&mut self, index: u32) -> Option<()> {
        let lanes = *self.locals.get(index as usize)?;
        self.pop(lanes)?;
        let (local, active) = (self.first_local + index, self.active);
        let mut s = self.sink();
        if let Some(active) = active {
            s.local_get(local).local_get(active).v128_bitselect();
        }
        s.local_set(local);
        Some(())
    }
}

/// The result of a block; outer `None` where it has a signature of its own.
fn block_result(ty: &BlockType) -> Option<Option<Lanes>> {
    match ty {
        BlockType::Empty => Some(None),
        BlockType::Type(ValType::F64) => Some(Some(Lanes::Values)),
        BlockType::Type(ValType::I32) => Some(Some(Lanes::Mask)),
        _ => None,
    }
}
