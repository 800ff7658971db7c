//! What a merge found to change in a value, made without touching the value, and carried out without failing.

use serde_json::{Map, Value};

/// One change of a value that is there.
#[derive(Debug, PartialEq)]
pub(super) enum Change {
    /// Another value stands in its place.
    Set(Value),
    /// It goes.
    Remove,
    /// Fields of the mapping change; a field that is not there yet is added at the end.
    Fields(Vec<(String, Change)>),
    /// Elements of the list change (by index, each at most once), and others are added at the end.
    Elements(Vec<(usize, Change)>, Vec<Value>),
}

/// Carries out a change of a mapping or list. `Set` and `Remove` are carried out by whoever holds the value.
fn inside(value: &mut Value, change: Change) {
    match (value, change) {
        (Value::Object(map), Change::Fields(fields)) => {
            for (key, change) in fields {
                in_field(map, key, change);
            }
        }
        (Value::Array(list), Change::Elements(edits, added)) => {
            let mut removed = Vec::new();
            for (index, change) in edits {
                match change {
                    Change::Set(value) => list[index] = value,
                    Change::Remove => removed.push(index),
                    change => inside(&mut list[index], change),
                }
            }
            removed.sort_unstable();
            for index in removed.into_iter().rev() {
                list.remove(index);
            }
            list.extend(added);
        }
        (value, change) => {
            unreachable!("a change is made for the value at hand: {change:?} of {value}")
        }
    }
}

fn in_field(map: &mut Map<String, Value>, key: String, change: Change) {
    match change {
        Change::Set(value) => {
            map.insert(key, value);
        }
        // The other keys keep their order.
        Change::Remove => {
            map.shift_remove(&key);
        }
        change => {
            let value = map
                .get_mut(&key)
                .expect("only `Set` is made for a field that is not there");
            inside(value, change);
        }
    }
}

/// Carries out a change of a whole body; tells whether the body remains.
pub(super) fn carry_out(body: &mut Value, change: Change) -> bool {
    match change {
        Change::Remove => return false,
        Change::Set(value) => *body = value,
        change => inside(body, change),
    }
    true
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn changes_keep_the_order_of_keys_and_elements() {
        let mut body = json!({"a": 1, "b": {"x": 1, "y": 2}, "c": ["p", "q", "r"], "d": 4});
        let change = Change::Fields(vec![
            ("a".to_owned(), Change::Remove),
            (
                "b".to_owned(),
                Change::Fields(vec![("x".to_owned(), Change::Set(json!(9)))]),
            ),
            (
                "c".to_owned(),
                Change::Elements(
                    vec![
                        (2, Change::Remove),
                        (1, Change::Set(json!("Q"))),
                        (0, Change::Remove),
                    ],
                    vec![json!("new")],
                ),
            ),
            ("e".to_owned(), Change::Set(json!(5))),
        ]);
        assert!(carry_out(&mut body, change));
        assert_eq!(
            body.to_string(),
            json!({"b": {"x": 9, "y": 2}, "c": ["Q", "new"], "d": 4, "e": 5}).to_string()
        );
        assert!(!carry_out(&mut body, Change::Remove));
    }
}
