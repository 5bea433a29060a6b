//! Functions of one row: numbers, booleans and texts in, one of them out; rows with a NULL argument are never seen.

use std::cell::RefCell;

/// Exports functions that are called for each row. Arguments are `bool`, `i8` … `i64`, `f32`, `f64`, `&str` or `&[u8]`; results
/// the same, `String` or `Vec<u8>`, or an `Option` of a text.
#[macro_export]
macro_rules! plain {
    () => {};
    ($(#[$meta:meta])* fn $name:ident($($args:tt)*) -> $returns:ty $body:block $($rest:tt)*) => {
        $(#[$meta])*
        pub fn $name($($args)*) -> $returns $body
        const _: () = {
            use $name as function;
            $crate::__plain!(@args function $name [] [] [$returns] $($args)*);
        };
        $crate::plain!($($rest)*);
    };
}

/// Takes one argument after the other; `address` and `length` are others in each step, by hygiene.
#[doc(hidden)]
#[macro_export]
macro_rules! __plain {
    (@args $f:ident $name:ident [$($params:tt)*] [$($values:expr,)*] [$returns:ty] $arg:ident: &str $(, $($rest:tt)*)?) => {
        $crate::__plain!(@args $f $name [$($params)* address: *const u8, length: usize,]
            [$($values,)* unsafe { $crate::text(address, length) },] [$returns] $($($rest)*)?);
    };
    (@args $f:ident $name:ident [$($params:tt)*] [$($values:expr,)*] [$returns:ty] $arg:ident: &[u8] $(, $($rest:tt)*)?) => {
        $crate::__plain!(@args $f $name [$($params)* address: *const u8, length: usize,]
            [$($values,)* unsafe { std::slice::from_raw_parts(address, length) },] [$returns] $($($rest)*)?);
    };
    (@args $f:ident $name:ident [$($params:tt)*] [$($values:expr,)*] [$returns:ty] $arg:ident: $ty:ty $(, $($rest:tt)*)?) => {
        $crate::__plain!(@args $f $name [$($params)* value: $ty,] [$($values,)* value,] [$returns] $($($rest)*)?);
    };
    (@args $f:ident $name:ident [$($params:tt)*] [$($values:expr,)*] [$returns:ty]) => {
        #[unsafe(export_name = stringify!($name))]
        extern "C" fn exported($($params)*) -> <$returns as $crate::PlainResult>::Raw {
            $crate::PlainResult::into_raw($f($($values),*))
        }
    };
}

/// A text argument.
///
/// # Safety
/// The host gives address and length of a text that stays until the call returns, and has checked that it is UTF-8.
#[doc(hidden)]
pub unsafe fn text<'a>(address: *const u8, length: usize) -> &'a str {
    // SAFETY: as the caller promises. An empty text may have any address.
    unsafe {
        if length == 0 {
            return "";
        }
        std::str::from_utf8_unchecked(std::slice::from_raw_parts(address, length))
    }
}

/// What a plain function may return.
pub trait PlainResult {
    /// As it crosses.
    type Raw;
    /// The value as it crosses; a text stays valid until the next one.
    fn into_raw(self) -> Self::Raw;
}

macro_rules! numbers {
    ($($ty:ty),*) => {$(
        impl PlainResult for $ty {
            type Raw = $ty;
            fn into_raw(self) -> $ty {
                self
            }
        }
    )*};
}
numbers!(bool, i8, i16, i32, i64, f32, f64);

/// A NULL text.
const NULL: u64 = u64::MAX;

fn keep(bytes: Vec<u8>) -> u64 {
    thread_local! {
        static LAST: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    }
    LAST.with_borrow_mut(|last| {
        *last = bytes;
        (last.len() as u64) << 32 | last.as_ptr() as usize as u64 & 0xffff_ffff
    })
}

macro_rules! texts {
    ($($ty:ty, $to_bytes:expr);*) => {$(
        impl PlainResult for $ty {
            type Raw = u64;
            fn into_raw(self) -> u64 {
                keep($to_bytes(self))
            }
        }
        impl PlainResult for Option<$ty> {
            type Raw = u64;
            fn into_raw(self) -> u64 {
                self.map_or(NULL, |text| keep($to_bytes(text)))
            }
        }
    )*};
}
texts!(String, String::into_bytes; &'static str, |t: &str| t.as_bytes().to_vec(); Vec<u8>, |b| b);
