//! The schema as the decoder walks it: where the fields of each row stand, learned from the objects that came before.

use wasmill_plan::{Field, TypeKind};

use super::cursor::{RawString, unescape};

/// How many keys' order is remembered; objects with more (maps in disguise) are looked up by name.
const ORDER_MAX: usize = 256;

/// What a column's values contain.
#[derive(Debug)]
pub(super) enum Shape {
    Scalar,
    Row(RowShape),
    Array(Box<Shape>),
    Map(Box<Shape>),
}

/// The fields of a row, and where they stood in the last object.
#[derive(Debug)]
pub(super) struct RowShape {
    pub(super) names: Vec<String>,
    pub(super) shapes: Vec<Shape>,
    /// The keys of the objects seen, in their order, with the field each is (`None`: not wanted).
    order: Vec<(Vec<u8>, Option<u32>)>,
    /// The object in which a field was last seen; objects are counted from 1.
    pub(super) seen: Vec<u64>,
    pub(super) objects: u64,
}

impl RowShape {
    pub(super) fn new(fields: &[Field]) -> Self {
        Self {
            names: fields.iter().map(|f| f.name.clone()).collect(),
            shapes: fields.iter().map(|f| Shape::new(&f.data_type.kind)).collect(),
            order: Vec::new(),
            seen: vec![0; fields.len()],
            objects: 0,
        }
    }
    /// The field of a key, expected at `position` of [`RowShape::order`]; `position` is then where it was found.
    #[inline]
    pub(super) fn slot(&mut self, position: &mut usize, key: RawString<'_>) -> Option<u32> {
        if let Some((known, slot)) = self.order.get(*position)
            && known == key.bytes
            && !key.escaped
        {
            return *slot;
        }
        self.find_slot(position, key)
    }
    /// A key that did not come where it was expected: a field was left out, or it is new.
    #[cold]
    fn find_slot(&mut self, position: &mut usize, key: RawString<'_>) -> Option<u32> {
        let mut name = Vec::new();
        if !key.escaped {
            name.extend_from_slice(key.bytes);
        } else if unescape(key.bytes, &mut name).is_err() {
            return None;
        }
        if let Some(found) = self.order.iter().position(|(known, _)| *known == name) {
            *position = found;
            return self.order[found].1;
        }
        let slot = self.names.iter().position(|n| n.as_bytes() == name).map(|i| i as u32);
        if self.order.len() < ORDER_MAX {
            *position = self.order.len();
            self.order.push((name, slot));
        }
        slot
    }
}

impl Shape {
    fn new(kind: &TypeKind) -> Self {
        match kind {
            TypeKind::Row(fields) => Self::Row(RowShape::new(fields)),
            TypeKind::Array(item) => Self::Array(Box::new(Self::new(&item.kind))),
            TypeKind::Map(_, value) => Self::Map(Box::new(Self::new(&value.kind))),
            TypeKind::Multiset(_) => Self::Map(Box::new(Self::Scalar)),
            _ => Self::Scalar,
        }
    }
}
