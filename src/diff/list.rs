//! Matches the elements of two lists by content: a longest common subsequence.

use std::ops::Range;

/// Most pairs of elements that are looked at; beyond, what differs between the common ends counts as replaced.
const MOST_PAIRS: usize = 1 << 20;

/// A stretch where two lists differ; either range may be empty, never both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Gap {
    pub(crate) old: Range<usize>,
    pub(crate) new: Range<usize>,
}

/// Returns where two lists differ, in order; empty exactly when they are equal.
pub(crate) fn gaps<T: PartialEq>(old: &[T], new: &[T]) -> Vec<Gap> {
    let head = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let (old_rest, new_rest) = (&old[head..], &new[head..]);
    let tail = old_rest
        .iter()
        .rev()
        .zip(new_rest.iter().rev())
        .take_while(|(a, b)| a == b)
        .count();
    let old_middle = &old_rest[..old_rest.len() - tail];
    let new_middle = &new_rest[..new_rest.len() - tail];
    let pairs = common(old_middle, new_middle);
    let mut gaps = Vec::new();
    let (mut a, mut b) = (0, 0);
    for (i, j) in pairs
        .into_iter()
        .chain([(old_middle.len(), new_middle.len())])
    {
        if a < i || b < j {
            gaps.push(Gap {
                old: head + a..head + i,
                new: head + b..head + j,
            });
        }
        (a, b) = (i + 1, j + 1);
    }
    gaps
}

/// Returns the positions of a longest common subsequence.
fn common<T: PartialEq>(old: &[T], new: &[T]) -> Vec<(usize, usize)> {
    let (rows, columns) = (old.len() + 1, new.len() + 1);
    if rows.saturating_mul(columns) > MOST_PAIRS {
        return Vec::new();
    }
    // lengths[i * columns + j] is the length of the longest one of old[i..] and new[j..].
    let mut lengths = vec![0_u32; rows * columns];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            lengths[i * columns + j] = if old[i] == new[j] {
                lengths[(i + 1) * columns + j + 1] + 1
            } else {
                lengths[(i + 1) * columns + j].max(lengths[i * columns + j + 1])
            };
        }
    }
    let mut pairs = Vec::new();
    let (mut i, mut j) = (0, 0);
    while i < old.len() && j < new.len() {
        if old[i] == new[j] {
            pairs.push((i, j));
            (i, j) = (i + 1, j + 1);
        } else if lengths[(i + 1) * columns + j] >= lengths[i * columns + j + 1] {
            i += 1;
        } else {
            j += 1;
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(old: &str, new: &str, expect: &[(&str, &str)]) {
        let (a, b): (Vec<char>, Vec<char>) = (old.chars().collect(), new.chars().collect());
        let text = |list: &[char], range: &Range<usize>| -> String {
            list[range.clone()].iter().collect()
        };
        let found: Vec<(String, String)> = gaps(&a, &b)
            .iter()
            .map(|gap| (text(&a, &gap.old), text(&b, &gap.new)))
            .collect();
        let expect: Vec<(String, String)> = expect
            .iter()
            .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
            .collect();
        assert_eq!(found, expect, "{old} {new}");
    }

    #[test]
    fn stretches_that_differ() {
        check("", "", &[]);
        check("abc", "abc", &[]);
        check("abc", "aXc", &[("b", "X")]);
        check("abc", "ac", &[("b", "")]);
        check("ac", "abc", &[("", "b")]);
        check("ab", "ba", &[("a", ""), ("", "a")]);
        check("abcdef", "Xbcef", &[("a", "X"), ("d", "")]);
        check("aa", "aaa", &[("", "a")]);
        check("", "ab", &[("", "ab")]);
    }

    #[test]
    fn very_long_lists() {
        let old: Vec<usize> = (0..5000).collect();
        let mut new = old.clone();
        new[10] = 9999;
        new[4000] = 9999;
        assert_eq!(
            gaps(&old, &new),
            [Gap {
                old: 10..4001,
                new: 10..4001
            }]
        );
    }
}
