//! The schema as the decoder walks it: where the fields of each row stand, learned from the objects that came before.

use wasmill_plan::{Field, TypeKind};

use super::cursor::{Cursor, RawString, SyntaxError, unescape};

/// How many keys' order is remembered; objects with more (maps in disguise) are looked up by name.
const ORDER_MAX: usize = 256;

/// How many of the known keys are tried before a key is looked up by name.
const LEFT_OUT_MAX: usize = 4;

/// What a column's values contain.
#[derive(Clone, Debug)]
pub(super) enum Shape {
    Scalar,
    Row(RowShape),
    Array(Box<Shape>),
    Map(Box<Shape>),
}

/// The slot of a key that no column wants.
pub(super) const UNWANTED: u32 = u32::MAX;

/// The fields of a row, and where they stood in the last object.
#[derive(Clone, Debug)]
pub(super) struct RowShape {
    pub(super) names: Vec<String>,
    pub(super) shapes: Vec<Shape>,
    /// The keys of the objects seen, in their order; each name once.
    order: Vec<KnownKey>,
}

/// A key that has been seen.
#[derive(Clone, Debug)]
struct KnownKey {
    /// Without its quotes.
    name: Vec<u8>,
    /// What stood between the comma or brace before it and its value: `"name":`, white space included.
    lead: Vec<u8>,
    /// The first sixteen bytes of `lead`, and which bits of them count.
    head: u128,
    mask: u128,
    /// The field it is, or [`UNWANTED`].
    slot: u32,
}

impl KnownKey {
    fn new(name: &[u8], lead: &[u8], slot: u32) -> Self {
        let mut head = [0; 16];
        let length = lead.len().min(16);
        head[..length].copy_from_slice(&lead[..length]);
        let mask = u128::MAX >> (128 - 8 * length);
        Self { name: name.to_vec(), lead: lead.to_vec(), head: u128::from_le_bytes(head), mask, slot }
    }
    /// Whether `text` begins with its lead: one comparison for names that are not long.
    #[inline]
    fn leads(&self, text: &[u8]) -> bool {
        match text.first_chunk::<16>() {
            Some(head) if u128::from_le_bytes(*head) & self.mask != self.head => false,
            Some(_) => self.lead.len() <= 16 || text[16..].starts_with(&self.lead[16..]),
            None => text.starts_with(&self.lead),
        }
    }
}

impl RowShape {
    pub(super) fn new(fields: &[Field]) -> Self {
        Self {
            names: fields.iter().map(|f| f.name.clone()).collect(),
            shapes: fields.iter().map(|f| Shape::new(&f.data_type.kind)).collect(),
            order: Vec::new(),
        }
    }
    /// Consumes what leads to the next value, `mark` (a brace or a comma) and a key, if the key is that at `position` of the objects
    /// before, or one of the next (where fields are left out), written as it was. Gives its slot; `position` is where it was found.
    #[inline]
    pub(super) fn lead(&self, mark: u8, position: &mut usize, cursor: &mut Cursor<'_>) -> Option<u32> {
        let (first, text) = cursor.bytes.get(cursor.at..)?.split_first()?;
        let mut known = self.order.get(*position)?;
        if *first != mark {
            return None;
        }
        if !known.leads(text) {
            known = self.lead_behind(position, text)?;
        }
        cursor.at += 1 + known.lead.len();
        Some(known.slot)
    }
    #[inline(never)]
    fn lead_behind(&self, position: &mut usize, text: &[u8]) -> Option<&KnownKey> {
        let ahead = self.order[*position..].iter().take(LEFT_OUT_MAX);
        let (skipped, known) = ahead.enumerate().find(|(_, known)| known.leads(text))?;
        *position += skipped;
        Some(known)
    }
    /// Consumes a key and its colon and gives its slot, where [`RowShape::lead`] did not know it.
    #[cold]
    pub(super) fn key(&mut self, position: &mut usize, cursor: &mut Cursor<'_>) -> Result<u32, SyntaxError> {
        let start = cursor.at;
        let key = cursor.key()?;
        cursor.peek();
        let lead = &cursor.bytes[start..cursor.at];
        Ok(self.find(position, key, lead))
    }
    fn find(&mut self, position: &mut usize, key: RawString<'_>, lead: &[u8]) -> u32 {
        let mut name = Vec::new();
        if !key.escaped {
            name.extend_from_slice(key.bytes);
        } else if unescape(key.bytes, &mut name).is_err() {
            return UNWANTED;
        }
        if let Some(found) = self.order.iter().position(|known| known.name == name) {
            *position = found;
            if self.order[found].lead != lead {
                self.order[found] = KnownKey::new(&name, lead, self.order[found].slot);
            }
            return self.order[found].slot;
        }
        let slot = self.names.iter().position(|n| n.as_bytes() == name).map_or(UNWANTED, |i| i as u32);
        if self.order.len() < ORDER_MAX {
            *position = self.order.len();
            self.order.push(KnownKey::new(&name, lead, slot));
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
