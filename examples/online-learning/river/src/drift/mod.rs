//! Drift detection: River's `drift`. Each detector says after each value whether its distribution has changed, and begins anew
//! with the value behind a change.

mod adwin;
mod ddm;
mod page_hinkley;

pub use adwin::Adwin;
pub use ddm::{Ddm, Level};
pub use page_hinkley::PageHinkley;
