//! Scalar expressions over the columns of one edge, names resolved and types settled.

use serde::{Deserialize, Serialize};

use crate::{DataType, TypeKind, Value};

/// An expression and the type of its result. Implicit conversions are explicit [`ExprKind::Cast`]s here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Expr {
    /// What it computes.
    pub kind: ExprKind,
    /// What it gives.
    pub data_type: DataType,
}

/// The forms of an expression.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ExprKind {
    /// A column of the input, by index.
    Column(usize),
    /// A constant.
    Literal(Value),
    /// A built-in function or operator under its canonical upper-case name (see `wasmill-expr`): `+`, `=`, `AND`, `UPPER`.
    Call {
        /// The canonical name.
        function: String,
        /// Already of the types that the function asked for.
        args: Vec<Expr>,
    },
    /// A user's scalar function, resolved when the job is built.
    UserFunction {
        /// The name in the catalog.
        name: String,
        /// Already of the declared types.
        args: Vec<Expr>,
    },
    /// `CAST(input AS data_type)`; `TRY_CAST` where `safe`.
    Cast {
        /// What is converted.
        input: Box<Expr>,
        /// NULL instead of an error where a value cannot be converted.
        safe: bool,
    },
    /// `CASE WHEN … THEN … ELSE … END`; a branch is evaluated only for the rows that reach it.
    Case {
        /// Conditions and results; every result is of this expression's type.
        branches: Vec<(Expr, Expr)>,
        /// NULL where absent.
        otherwise: Option<Box<Expr>>,
    },
    /// `CURRENT_WATERMARK(rowtime)`: the watermark in force when the row came, NULL before the first.
    CurrentWatermark,
}

impl Expr {
    /// Column `index` of that type.
    pub fn column(index: usize, data_type: DataType) -> Self {
        Self { kind: ExprKind::Column(index), data_type }
    }
    /// A constant.
    pub fn literal(value: Value, data_type: DataType) -> Self {
        Self { kind: ExprKind::Literal(value), data_type }
    }
    /// A call of a built-in.
    pub fn call(function: &str, args: Vec<Expr>, data_type: DataType) -> Self {
        Self { kind: ExprKind::Call { function: function.to_owned(), args }, data_type }
    }
    /// This expression converted to `data_type`; itself where the kind is the same.
    pub fn cast_to(self, data_type: DataType) -> Self {
        if self.data_type.kind == data_type.kind {
            return self;
        }
        if let (ExprKind::Literal(Value::Null), _) | (_, TypeKind::Null) = (&self.kind, &self.data_type.kind) {
            return Self::literal(Value::Null, data_type.with_nullable(true));
        }
        Self { kind: ExprKind::Cast { input: Box::new(self), safe: false }, data_type }
    }
    /// The literal, if it is one.
    pub fn as_literal(&self) -> Option<&Value> {
        match &self.kind {
            ExprKind::Literal(value) => Some(value),
            _ => None,
        }
    }
    /// The column's index, if it is just a column.
    pub fn as_column(&self) -> Option<usize> {
        match self.kind {
            ExprKind::Column(index) => Some(index),
            _ => None,
        }
    }
    /// The direct parts of this expression.
    pub fn children(&self) -> Vec<&Expr> {
        match &self.kind {
            ExprKind::Column(_) | ExprKind::Literal(_) | ExprKind::CurrentWatermark => vec![],
            ExprKind::Call { args, .. } | ExprKind::UserFunction { args, .. } => args.iter().collect(),
            ExprKind::Cast { input, .. } => vec![input],
            ExprKind::Case { branches, otherwise } => {
                branches.iter().flat_map(|(c, r)| [c, r]).chain(otherwise.as_deref()).collect()
            }
        }
    }
    /// The direct parts, to be changed.
    pub fn children_mut(&mut self) -> Vec<&mut Expr> {
        match &mut self.kind {
            ExprKind::Column(_) | ExprKind::Literal(_) | ExprKind::CurrentWatermark => vec![],
            ExprKind::Call { args, .. } | ExprKind::UserFunction { args, .. } => args.iter_mut().collect(),
            ExprKind::Cast { input, .. } => vec![input],
            ExprKind::Case { branches, otherwise } => {
                branches.iter_mut().flat_map(|(c, r)| [c, r]).chain(otherwise.as_deref_mut()).collect()
            }
        }
    }
    /// Calls `f` on the index of every column that the expression reads.
    pub fn visit_columns(&self, f: &mut impl FnMut(usize)) {
        if let ExprKind::Column(index) = self.kind {
            f(index);
        }
        for child in self.children() {
            child.visit_columns(f);
        }
    }
    /// The expression with each column index replaced by `f(index)`.
    pub fn map_columns(mut self, f: &impl Fn(usize) -> usize) -> Self {
        fn go(e: &mut Expr, f: &impl Fn(usize) -> usize) {
            if let ExprKind::Column(index) = &mut e.kind {
                *index = f(*index);
            }
            for child in e.children_mut() {
                go(child, f);
            }
        }
        go(&mut self, f);
        self
    }
}
