//! JSON pointers (RFC 6901), and what to say when one leads nowhere.

use serde_json::Value;

use super::super::place::escape;
use super::super::strategic::a_kind_of;
use super::Problem;
use crate::diagnostic::nearest;

/// A JSON pointer (RFC 6901): the way from the root of a value to one inside of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pointer {
    steps: Vec<String>,
}

impl std::fmt::Display for Pointer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.steps
            .iter()
            .try_for_each(|step| write!(f, "/{}", escape(step)))
    }
}

impl Pointer {
    /// Reads a pointer: empty for the root, otherwise starting with `/`.
    ///
    /// Errors: a sentence that says what is wrong.
    pub fn parse(text: &str) -> Result<Pointer, String> {
        if text.is_empty() {
            return Ok(Pointer { steps: Vec::new() });
        }
        let Some(text) = text.strip_prefix('/') else {
            return Err(format!("`{text}` does not start with `/`"));
        };
        let steps = text
            .split('/')
            .map(|step| {
                let after_tilde = step.split('~').skip(1);
                if let Some(wrong) = after_tilde
                    .into_iter()
                    .find(|after| !after.starts_with(['0', '1']))
                {
                    return Err(format!(
                        "`~{wrong}` in `/{text}` is neither `~0` (for `~`) nor `~1` (for `/`)"
                    ));
                }
                Ok(step.replace("~1", "/").replace("~0", "~"))
            })
            .collect::<Result<_, _>>()?;
        Ok(Pointer { steps })
    }

    /// Tells whether the other pointer leads to a value inside of this one's.
    pub(super) fn contains(&self, other: &Pointer) -> bool {
        other.steps.len() > self.steps.len() && other.steps.starts_with(&self.steps)
    }

    /// Returns the last step, `None` for the root.
    pub(super) fn last(&self) -> Option<&str> {
        self.steps.last().map(String::as_str)
    }

    /// Returns the pointer without its last step, `None` for the root.
    pub(super) fn parent(&self) -> Option<Pointer> {
        let (_, steps) = self.steps.split_last()?;
        Some(Pointer {
            steps: steps.to_vec(),
        })
    }

    /// Returns the value that the pointer leads to.
    pub(super) fn resolve<'v>(&self, root: &'v Value) -> Result<&'v Value, Problem> {
        let mut value = root;
        for (depth, step) in self.steps.iter().enumerate() {
            let here = || Pointer {
                steps: self.steps[..depth].to_vec(),
            };
            value = match value {
                Value::Object(map) => map.get(step).ok_or_else(|| {
                    let reached = Pointer {
                        steps: self.steps[..=depth].to_vec(),
                    };
                    let problem = Problem::new(format!("there is no `{reached}`"));
                    match nearest(step, map.keys().map(String::as_str)) {
                        Some(meant) => {
                            problem.hint(format!("did you mean `{}/{}`?", here(), escape(meant)))
                        }
                        None => problem,
                    }
                })?,
                Value::Array(list) => &list[index(step, list.len(), list.len())?],
                other => return Err(nothing_below(&here(), other)),
            };
        }
        Ok(value)
    }

    /// Returns the value that the pointer leads to, after [`Pointer::resolve`] found it.
    pub(super) fn reach<'v>(&self, root: &'v mut Value) -> &'v mut Value {
        self.steps.iter().fold(root, |value, step| match value {
            Value::Array(list) => {
                let index: usize = step.parse().expect("the pointer was resolved");
                &mut list[index]
            }
            value => value.get_mut(step).expect("the pointer was resolved"),
        })
    }
}

/// The problem of a pointer that goes on below a scalar.
pub(super) fn nothing_below(pointer: &Pointer, value: &Value) -> Problem {
    Problem::new(format!(
        "`{pointer}` is {}, and nothing is below it",
        a_kind_of(value)
    ))
}

/// Reads a step as an index below `end` into a list of `length` elements.
pub(super) fn index(step: &str, length: usize, end: usize) -> Result<usize, Problem> {
    let is_number =
        |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let of_list = match length {
        0 => "the list is empty".to_owned(),
        1 => "the list has one element, 0".to_owned(),
        length => format!("the elements of the list are 0 to {}", length - 1),
    };
    if step == "-" {
        return Err(
            Problem::new("`-` is the place after the last element, and nothing is there")
                .hint(of_list),
        );
    }
    if step.strip_prefix('-').is_some_and(is_number) {
        return Err(Problem::new(format!("the index `{step}` is negative"))
            .hint(format!("count from the front; {of_list}; `-` appends")));
    }
    if !is_number(step) {
        return Err(Problem::new(format!("`{step}` is not an index of a list")).hint(of_list));
    }
    if step.len() > 1 && step.starts_with('0') {
        return Err(
            Problem::new(format!("the index `{step}` starts with 0")).hint(format!(
                "write `{}`",
                match step.trim_start_matches('0') {
                    "" => "0",
                    digits => digits,
                }
            )),
        );
    }
    step.parse()
        .ok()
        .filter(|index| *index < end)
        .ok_or_else(|| {
            Problem::new(format!("there is no element `{step}`"))
                .hint(format!("{of_list}; `-` appends"))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_are_read_and_written() {
        let check = |text: &str, steps: &[&str]| {
            let pointer = Pointer::parse(text).expect("a pointer");
            assert_eq!(pointer.steps, steps, "{text}");
            assert_eq!(pointer.to_string(), text);
        };
        check("", &[]);
        check("/", &[""]);
        check("/a/", &["a", ""]);
        check("/a~1b/c~0d/~01", &["a/b", "c~d", "~1"]);
        let wrong =
            |text: &str, expect: &str| assert_eq!(Pointer::parse(text), Err(expect.to_owned()));
        wrong("spec/replicas", "`spec/replicas` does not start with `/`");
        wrong(
            "/a~2",
            "`~2` in `/a~2` is neither `~0` (for `~`) nor `~1` (for `/`)",
        );
        wrong(
            "/a~",
            "`~` in `/a~` is neither `~0` (for `~`) nor `~1` (for `/`)",
        );
    }

    #[test]
    fn indexes_are_strict() {
        let check = |step: &str, expect: Result<usize, &str>| {
            let found = index(step, 3, 3).map_err(|problem| problem.message);
            assert_eq!(found, expect.map_err(str::to_owned), "{step}");
        };
        check("0", Ok(0));
        check("2", Ok(2));
        check("3", Err("there is no element `3`"));
        check(
            "-",
            Err("`-` is the place after the last element, and nothing is there"),
        );
        check("-1", Err("the index `-1` is negative"));
        check("00", Err("the index `00` starts with 0"));
        check("01", Err("the index `01` starts with 0"));
        check("a", Err("`a` is not an index of a list"));
        check("", Err("`` is not an index of a list"));
        check("+1", Err("`+1` is not an index of a list"));
        check(
            "99999999999999999999999",
            Err("there is no element `99999999999999999999999`"),
        );
        assert_eq!(index("3", 3, 4).expect("the place after the last"), 3);
    }
}
