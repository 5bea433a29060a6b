//! A table function for wasmill: any number of rows for each row.

/// The words of a line, and their positions from 1.
#[wasmill::table(word, position)]
pub fn words(line: &str) -> impl Iterator<Item = (&str, i32)> {
    line.split_whitespace().zip(1..)
}
