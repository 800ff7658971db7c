//! Grammars of values: what a name, quantity, image reference, CIDR … may look like.
//!
//! Takes the text of one value and says whether it can be used, and if not, why. Knows nothing of where the value
//! stands; places and codes are added by those who ask.

pub mod cidr;
pub mod duration;
pub mod image;
pub mod name;
pub mod path;
pub mod quantity;
pub mod storage;
pub mod timezone;
pub mod url;

/// What is wrong with a value, in words for the label and the hint of a diagnostic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// What is wrong, a few words to draw at the value.
    pub problem: String,
    /// What to write instead.
    pub hint: Option<String>,
}

impl Complaint {
    /// Makes a complaint without a hint.
    pub fn new(problem: impl Into<String>) -> Self {
        Complaint {
            problem: problem.into(),
            hint: None,
        }
    }

    /// Adds what to write instead.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// The verdict on one value.
pub type Verdict = Result<(), Complaint>;

/// Complains about the first character that `allowed` refuses.
pub(crate) fn characters(text: &str, allowed: impl Fn(char) -> bool) -> Verdict {
    match text.chars().find(|character| !allowed(*character)) {
        None => Ok(()),
        Some(character) => Err(Complaint::new(format!(
            "{} is not allowed here",
            spell(character)
        ))),
    }
}

/// Names a character so that blanks and control characters can be seen.
fn spell(character: char) -> String {
    match character {
        ' ' => "a blank".to_owned(),
        '\n' | '\r' => "a line break".to_owned(),
        '\t' => "a tab".to_owned(),
        '`' => "a backtick".to_owned(),
        other if other.is_control() => format!("U+{:04X}", u32::from(other)),
        other => format!("`{other}`"),
    }
}

/// Complains about a text with more than `most` bytes.
pub(crate) fn at_most(text: &str, most: usize) -> Verdict {
    if text.len() <= most {
        Ok(())
    } else {
        Err(Complaint::new(format!(
            "{} characters, at most {most} are allowed",
            text.len()
        )))
    }
}

/// Complains about an empty text.
pub(crate) fn not_empty(text: &str) -> Verdict {
    if text.is_empty() {
        Err(Complaint::new("empty"))
    } else {
        Ok(())
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use super::Verdict;

    /// Checks that a grammar takes all of `good` and refuses all of `bad`.
    pub(crate) fn check(grammar: fn(&str) -> Verdict, good: &[&str], bad: &[&str]) {
        for text in good {
            assert_eq!(grammar(text), Ok(()), "should be accepted: {text:?}");
        }
        for text in bad {
            assert!(grammar(text).is_err(), "should be refused: {text:?}");
        }
    }
}
