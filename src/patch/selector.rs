//! Label selectors in the syntax of Kubernetes.
//!
//! Source: `labels.Parse` and `Requirement.Matches` of k8s.io/apimachinery v0.32, as kustomize v5.5.0 uses them.

use serde_json::Value;

/// A condition on labels or annotations: every requirement holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selector {
    text: String,
    requirements: Vec<Requirement>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Requirement {
    key: String,
    relation: Relation,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Relation {
    Exists,
    Missing,
    In(Vec<String>),
    NotIn(Vec<String>),
    Above(i64),
    Below(i64),
}

impl Selector {
    /// Reads a selector such as `app=web,tier in (a, b),!legacy`. An empty one selects everything.
    ///
    /// Errors: a sentence that says what is wrong.
    pub fn parse(text: &str) -> Result<Selector, String> {
        let mut reader = Reader {
            words: split(text),
            next: 0,
        };
        let requirements = reader
            .requirements()
            .map_err(|problem| format!("`{text}` is not a selector: {problem}"))?;
        Ok(Selector {
            text: text.to_owned(),
            requirements,
        })
    }

    /// Returns the selector as it is written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Tells whether the mapping of labels or annotations, if there is one, meets every requirement.
    pub fn matches(&self, labels: Option<&Value>) -> bool {
        self.requirements.iter().all(|requirement| {
            let value = labels
                .and_then(|labels| labels.get(&requirement.key))
                .and_then(Value::as_str);
            let number = || value.and_then(|value| value.parse::<i64>().ok());
            match &requirement.relation {
                Relation::Exists => value.is_some(),
                Relation::Missing => value.is_none(),
                Relation::In(values) => {
                    value.is_some_and(|value| values.iter().any(|one| one == value))
                }
                Relation::NotIn(values) => {
                    value.is_none_or(|value| !values.iter().any(|one| one == value))
                }
                Relation::Above(bound) => number().is_some_and(|number| number > *bound),
                Relation::Below(bound) => number().is_some_and(|number| number < *bound),
            }
        })
    }
}

/// Splits a selector into operators and words. White space only separates.
fn split(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '=' if rest.starts_with("==") => 2,
            '!' if rest.starts_with("!=") => 2,
            '=' | '!' | '(' | ')' | ',' | '<' | '>' => 1,
            _ => rest
                .find(|c: char| "=!(),<>".contains(c) || c.is_whitespace())
                .unwrap_or(rest.len()),
        };
        let (word, after) = rest.split_at(length);
        words.push(word);
        rest = after.trim_start();
    }
    words
}

struct Reader<'t> {
    words: Vec<&'t str>,
    next: usize,
}

impl<'t> Reader<'t> {
    fn peek(&self) -> Option<&'t str> {
        self.words.get(self.next).copied()
    }

    fn take(&mut self) -> Option<&'t str> {
        let word = self.peek();
        self.next += 1;
        word
    }

    fn requirements(&mut self) -> Result<Vec<Requirement>, String> {
        let mut requirements = Vec::new();
        if self.peek().is_none() {
            return Ok(requirements);
        }
        loop {
            requirements.push(self.requirement()?);
            match self.take() {
                None => return Ok(requirements),
                Some(",") => {}
                Some(other) => return Err(format!("`,` is missing before `{other}`")),
            }
        }
    }

    fn requirement(&mut self) -> Result<Requirement, String> {
        if self.peek() == Some("!") {
            self.take();
            let key = self.key()?;
            return Ok(Requirement {
                key,
                relation: Relation::Missing,
            });
        }
        let key = self.key()?;
        let relation = match self.peek() {
            None | Some(",") => Relation::Exists,
            Some(operator) => {
                self.take();
                match operator {
                    "=" | "==" => Relation::In(vec![self.value()?]),
                    "!=" => Relation::NotIn(vec![self.value()?]),
                    "in" => Relation::In(self.values("in")?),
                    "notin" => Relation::NotIn(self.values("notin")?),
                    ">" => Relation::Above(self.number()?),
                    "<" => Relation::Below(self.number()?),
                    other => {
                        return Err(format!(
                            "after `{key}` stands `{other}`, where `=`, `==`, `!=`, `in`, `notin`, `<` or `>` belongs"
                        ));
                    }
                }
            }
        };
        Ok(Requirement { key, relation })
    }

    fn key(&mut self) -> Result<String, String> {
        match self.take() {
            None => Err("a key is missing at the end".to_owned()),
            Some(word) if is_key(word) => Ok(word.to_owned()),
            Some(word) => Err(format!("`{word}` stands where a label key belongs")),
        }
    }

    /// Reads one value, which may be missing: `a=` asks for the empty value.
    fn value(&mut self) -> Result<String, String> {
        match self.peek() {
            None | Some(",") => Ok(String::new()),
            Some(word) => {
                self.take();
                checked_value(word)
            }
        }
    }

    fn values(&mut self, operator: &str) -> Result<Vec<String>, String> {
        if self.take() != Some("(") {
            return Err(format!("`(` is missing after `{operator}`"));
        }
        let mut values = Vec::new();
        loop {
            let value = match self.peek() {
                Some("," | ")") => "",
                Some(word) => {
                    self.take();
                    word
                }
                None => return Err("`)` is missing at the end".to_owned()),
            };
            values.push(checked_value(value)?);
            match self.take() {
                Some(")") => return Ok(values),
                Some(",") => {}
                Some(other) => return Err(format!("`,` is missing before `{other}`")),
                None => return Err("`)` is missing at the end".to_owned()),
            }
        }
    }

    fn number(&mut self) -> Result<i64, String> {
        let word = self.take().unwrap_or("");
        word.parse()
            .map_err(|_| format!("`{word}` stands where a whole number belongs"))
    }
}

/// Checks a label value: at most 63 letters, digits, `-`, `_` and `.`, with a letter or digit at both ends.
fn checked_value(word: &str) -> Result<String, String> {
    if word.is_empty() || is_name(word) {
        Ok(word.to_owned())
    } else {
        Err(format!("`{word}` is not a label value"))
    }
}

/// Tells whether it is a label key: a name, perhaps with a DNS subdomain and `/` before it.
fn is_key(word: &str) -> bool {
    match word.split_once('/') {
        None => is_name(word),
        Some((domain, name)) => {
            let is_label = |label: &str| {
                label
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
                    && !label.is_empty()
                    && !label.starts_with('-')
                    && !label.ends_with('-')
            };
            domain.len() <= 253 && domain.split('.').all(is_label) && is_name(name)
        }
    }
}

fn is_name(word: &str) -> bool {
    let ends = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
    word.len() <= 63
        && word
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
        && ends(word.bytes().next())
        && ends(word.bytes().next_back())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn selectors_select_as_kubernetes_does() {
        let labels = json!({"a": "b", "n": "2", "in": "in", "empty": "", "x.io/y": "z"});
        let check = |text: &str, expect: bool| {
            let matched = Selector::parse(text).map(|selector| selector.matches(Some(&labels)));
            assert_eq!(matched, Ok(expect), "{text}");
        };
        check("", true);
        check("a=b", true);
        check("a==b", true);
        check(" a = b ", true);
        check("a=c", false);
        check("a!=b", false);
        check("missing!=b", true);
        check("a in (b,c)", true);
        check("a in(c , b)", true);
        check("a in ()", false);
        check("empty in ()", true);
        check("a in (,b)", true);
        check("a notin (b)", false);
        check("missing notin (b)", true);
        check("a", true);
        check("missing", false);
        check("!a", false);
        check("!missing", true);
        check("a=b,n=2", true);
        check("a=b,c", false);
        check("a=", false);
        check("empty=", true);
        check("n>1", true);
        check("n > 01", true);
        check("n<2", false);
        check("a>1", false);
        check("in in (in)", true);
        check("notin", false);
        check("x.io/y=z", true);
    }

    #[test]
    fn a_selector_without_labels_asks_for_absence() {
        let selects = |text: &str| Selector::parse(text).map(|selector| selector.matches(None));
        assert_eq!(selects("!a,b!=c"), Ok(true));
        assert_eq!(selects("a"), Ok(false));
    }

    #[test]
    fn what_is_not_a_selector_says_why() {
        let check = |text: &str, problem: &str| {
            assert_eq!(
                Selector::parse(text),
                Err(format!("`{text}` is not a selector: {problem}"))
            );
        };
        check("a in (b", "`)` is missing at the end");
        check("a in b", "`(` is missing after `in`");
        check(
            "a b",
            "after `a` stands `b`, where `=`, `==`, `!=`, `in`, `notin`, `<` or `>` belongs",
        );
        check(
            "a!b",
            "after `a` stands `!`, where `=`, `==`, `!=`, `in`, `notin`, `<` or `>` belongs",
        );
        check("!a=b", "`,` is missing before `=`");
        check("a=b=c", "`,` is missing before `=`");
        check("=b", "`=` stands where a label key belongs");
        check(",a=b", "`,` stands where a label key belongs");
        check("a=b,", "a key is missing at the end");
        check("!", "a key is missing at the end");
        check("a=\u{e9}", "`\u{e9}` is not a label value");
        check("a in (b c)", "`,` is missing before `c`");
        check("x/y/z=1", "`x/y/z` stands where a label key belongs");
        check("n>=1", "`=` stands where a whole number belongs");
        check("u=x/y", "`x/y` is not a label value");
    }
}
