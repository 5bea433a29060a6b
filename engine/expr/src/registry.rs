//! Finds a built-in function or operator by name, over the static tables of `functions/`.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::Function;
use crate::functions as f;

/// Every family's table, in the order of the documentation.
static FAMILIES: &[&[Function]] = &[
    f::arithmetic::FUNCTIONS,
    f::comparison::FUNCTIONS,
    f::logical::FUNCTIONS,
    f::conditional::FUNCTIONS,
    f::datetime::FUNCTIONS,
    f::string::FUNCTIONS,
    f::like::FUNCTIONS,
    f::regexp::FUNCTIONS,
    f::math::FUNCTIONS,
    f::bits::FUNCTIONS,
    f::hash::FUNCTIONS,
    f::collection::FUNCTIONS,
    f::json::FUNCTIONS,
    f::url::FUNCTIONS,
    f::inet::FUNCTIONS,
    f::bitmap::FUNCTIONS,
    f::misc::FUNCTIONS,
];

/// Upper-case name or alias to function. Two functions of one name would be a bug of ours; the tests look for it.
static BY_NAME: LazyLock<HashMap<&'static str, &'static Function>> = LazyLock::new(|| {
    let mut map = HashMap::new();
    for function in all() {
        for name in std::iter::once(&function.name).chain(function.aliases) {
            map.insert(*name, function);
        }
    }
    map
});

/// The function of that name, in any case, or `None`.
pub fn find(name: &str) -> Option<&'static Function> {
    match BY_NAME.get(name) {
        Some(function) => Some(function),
        None => BY_NAME.get(name.to_uppercase().as_str()).copied(),
    }
}

/// All functions and operators, each once.
pub fn all() -> impl Iterator<Item = &'static Function> {
    FAMILIES.iter().flat_map(|family| family.iter())
}

/// The known name nearest to `name`, to be suggested where [`find`] finds nothing; `None` where nothing is near.
pub fn nearest(name: &str) -> Option<&'static str> {
    let name = name.to_uppercase();
    let distance_max = (name.chars().count() / 3).clamp(1, 3);
    BY_NAME
        .keys()
        .filter(|known| known.chars().next().is_some_and(char::is_alphabetic))
        .map(|known| (edit_distance(&name, known), *known))
        .filter(|(distance, _)| *distance <= distance_max)
        .min()
        .map(|(_, known)| known)
}

/// Edits (insert, delete, replace, swap of neighbours) that turn one text into the other.
fn edit_distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before_last = vec![0; b.len() + 1];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let replaced = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = replaced.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before_last[j - 2] + 1);
            }
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_upper_case() {
        let mut seen = HashMap::new();
        for function in all() {
            for name in std::iter::once(&function.name).chain(function.aliases) {
                assert_eq!(*name, name.to_uppercase());
                assert!(seen.insert(*name, function.name).is_none(), "{name} is defined twice");
            }
        }
    }

    #[test]
    fn lookup_ignores_case_and_suggests() {
        assert_eq!(find("coalesce").map(|f| f.name), Some("COALESCE"));
        assert!(find("no_such_function").is_none());
        assert_eq!(nearest("COALECSE"), Some("COALESCE"));
        assert_eq!(nearest("XQZ_FOO_BAR"), None);
    }
}
