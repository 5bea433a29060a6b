//! The schema as the decoder walks it: where the fields of each row stand, learned from the objects that came before.

use wasmill_plan::{Field, TypeKind};

use super::cursor::{Cursor, RawString, SyntaxError, unescape};

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
    /// The keys of the objects seen, in their order.
    order: Vec<KnownKey>,
    /// The object in which a field was last seen; objects are counted from 1.
    pub(super) seen: Vec<u64>,
    pub(super) objects: u64,
}

/// A key that has been seen.
#[derive(Debug)]
struct KnownKey {
    /// As it stands in the text, with its quotes.
    quoted: Vec<u8>,
    /// The first eight bytes of `quoted`, and which bits of them count.
    head: u64,
    mask: u64,
    /// The field it is; `None` where no column wants it.
    slot: Option<u32>,
}

impl KnownKey {
    fn new(quoted: Vec<u8>, slot: Option<u32>) -> Self {
        let mut head = [0; 8];
        let length = quoted.len().min(8);
        head[..length].copy_from_slice(&quoted[..length]);
        Self { head: u64::from_le_bytes(head), mask: u64::MAX >> (64 - 8 * length), quoted, slot }
    }
    /// Whether `text` begins with it: one comparison of a word for short names.
    #[inline]
    fn begins(&self, text: &[u8]) -> bool {
        match text.first_chunk::<8>() {
            Some(head) if u64::from_le_bytes(*head) & self.mask != self.head => false,
            Some(_) => self.quoted.len() <= 8 || text[8..].starts_with(&self.quoted[8..]),
            None => text.starts_with(&self.quoted),
        }
    }
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
    /// Consumes a key and its colon, expected to be that at `position` of [`RowShape::order`], and gives its field; `position`
    /// is then where it was found.
    #[inline]
    pub(super) fn key(&mut self, position: &mut usize, cursor: &mut Cursor<'_>) -> Result<Option<u32>, SyntaxError> {
        if cursor.peek() == b'"'
            && let Some(known) = self.order.get(*position)
            && known.begins(&cursor.bytes[cursor.at..])
        {
            cursor.at += known.quoted.len();
            cursor.expect(b':', "':'")?;
            return Ok(known.slot);
        }
        let key = cursor.key()?;
        Ok(self.find(position, key))
    }
    /// A key that did not come where it was expected: a field was left out, or it is new.
    #[cold]
    fn find(&mut self, position: &mut usize, key: RawString<'_>) -> Option<u32> {
        let mut name = Vec::new();
        if !key.escaped {
            name.extend_from_slice(key.bytes);
        } else if unescape(key.bytes, &mut name).is_err() {
            return None;
        }
        let is_known = |known: &KnownKey| known.quoted[1..known.quoted.len() - 1] == name;
        if let Some(found) = self.order.iter().position(is_known) {
            *position = found;
            return self.order[found].slot;
        }
        let slot = self.names.iter().position(|n| n.as_bytes() == name).map(|i| i as u32);
        // A key whose name would need escapes is looked up each time.
        if self.order.len() < ORDER_MAX && !key.escaped {
            *position = self.order.len();
            self.order.push(KnownKey::new([b"\"", &name[..], b"\""].concat(), slot));
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
