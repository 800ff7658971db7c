//! Which element of a list was which before a step.
//!
//! Takes the lists and the schema's merge key, if there is one; gives the old number of each new element.

use serde_json::Value;

use crate::diff::gaps;
use crate::patch::schema::Keyed;

/// Returns, for each element of `new`, the number of the element of `old` that it was; `None` for one that is new.
pub(super) fn elements(old: &[Value], new: &[Value], keyed: Option<&Keyed>) -> Vec<Option<usize>> {
    if let Some(keyed) = keyed {
        return by_key(old, new, keyed);
    }
    let mut former = vec![None; new.len()];
    let (mut a, mut b) = (0, 0);
    let gaps = gaps(old, new);
    let end = crate::diff::Gap {
        old: old.len()..old.len(),
        new: new.len()..new.len(),
    };
    for gap in gaps.into_iter().chain([end]) {
        for (a, b) in (a..gap.old.start).zip(b..gap.new.start) {
            former[b] = Some(a);
        }
        // What stands where something else stood has replaced it, if there are parts to compare.
        for (a, b) in gap.old.clone().zip(gap.new.clone()) {
            if (old[a].is_object() && new[b].is_object()) || gap.old.len() == gap.new.len() {
                former[b] = Some(a);
            }
        }
        (a, b) = (gap.old.end, gap.new.end);
    }
    former
}

/// Elements with one key are taken in their order.
fn by_key(old: &[Value], new: &[Value], keyed: &Keyed) -> Vec<Option<usize>> {
    let key = |item: &Value| {
        let second = keyed.second.as_ref().and_then(|second| item.get(second));
        Some((item.get(&keyed.key)?.clone(), second.cloned()))
    };
    let mut left: Vec<(usize, _)> = old.iter().map(key).enumerate().collect();
    new.iter()
        .map(|item| {
            let wanted = key(item)?;
            let exact = left
                .iter()
                .position(|(_, key)| key.as_ref() == Some(&wanted));
            let at = exact.or_else(|| {
                left.iter()
                    .position(|(_, key)| key.as_ref().is_some_and(|key| key.0 == wanted.0))
            })?;
            Some(left.remove(at).0)
        })
        .collect()
}
