//! Templates in the credentials of shared servers.
//!
//! Placeholders name the project or its namespace, with filters if wanted; nothing else can be called, so that a
//! string can neither loop nor read the clock.

use regex_lite::Regex;

/// Fills in the placeholders of one project.
pub(super) struct Renderer {
    expression: Regex,
    context: tera::Context,
}

impl Renderer {
    /// Makes a renderer for a project.
    pub(super) fn new(name: &str, namespace: &str) -> Self {
        let mut context = tera::Context::new();
        context.insert(
            "project",
            &serde_json::json!({"name": name, "namespace": namespace}),
        );
        Renderer {
            expression: expression(),
            context,
        }
    }

    /// Fills in for another project.
    pub(super) fn set(&mut self, name: &str, namespace: &str) {
        self.context.insert(
            "project",
            &serde_json::json!({"name": name, "namespace": namespace}),
        );
    }

    /// Renders a string.
    ///
    /// Errors: what is wrong with it, for the label of a `template-error`.
    pub(super) fn render(&self, text: &str) -> Result<String, String> {
        if !is_template(text) {
            return Ok(text.to_owned());
        }
        if text.contains("{%") || text.contains("{#") {
            return Err("only placeholders can stand here, no statements or comments".to_owned());
        }
        for (at, _) in text.match_indices("{{") {
            let inner = text[at + 2..].split("}}").next().unwrap_or("");
            if text[at + 2..].contains("}}") && !self.expression.is_match(inner) {
                return Err(format!(
                    "`{}` is neither `project.name` nor `project.namespace`",
                    inner.trim().replace('`', "'")
                ));
            }
        }
        tera::Tera::one_off(text, &self.context, false).map_err(|error| match error.kind() {
            tera::ErrorKind::SyntaxError(report) | tera::ErrorKind::RenderingError(report) => {
                decapitalise(report.message())
            }
            _ => {
                let text = error.to_string();
                let first = text.lines().next().unwrap_or("");
                decapitalise(first.strip_prefix("error: ").unwrap_or(first))
            }
        })
    }
}

/// Tells whether a string holds anything that a template engine would act on.
pub(super) fn is_template(text: &str) -> bool {
    text.contains("{{") || text.contains("{%") || text.contains("{#")
}

/// `project.…` with any number of filters whose arguments are literals.
fn expression() -> Regex {
    let argument = r#"[a-z_]+\s*=\s*("[^"]*"|'[^']*'|[0-9]{1,3})"#;
    let filter = format!(r"\|\s*[a-z_]+\s*(\(\s*{argument}\s*(,\s*{argument}\s*)*\)\s*)?");
    Regex::new(&format!(
        r"^-?\s*project\.[A-Za-z_][A-Za-z0-9_.]*\s*({filter})*-?$"
    ))
    .expect("the pattern is valid")
}

fn decapitalise(text: &str) -> String {
    let mut characters = text.chars();
    match characters.next() {
        Some(first) => first.to_lowercase().chain(characters).collect(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders() {
        let renderer = Renderer::new("churn-a", "ns");
        for (text, expect) in [
            ("plain", Ok("plain")),
            (
                "ml/{{ project.name }}/{{project.namespace}}",
                Ok("ml/churn-a/ns"),
            ),
            ("{{ project.name | upper }}", Ok("CHURN-A")),
            (
                r#"{{ project.name | replace(from="-", to="_") }}"#,
                Ok("churn_a"),
            ),
            (
                "{{ project.nme }}",
                Err("field `nme` is not defined. Available fields: name, namespace"),
            ),
            (
                "{{ name }}",
                Err("`name` is neither `project.name` nor `project.namespace`"),
            ),
            (
                "{{ range(end=1000000000) }}",
                Err("`range(end=1000000000)` is neither `project.name` nor `project.namespace`"),
            ),
            (
                "{% for i in range(end=9) %}",
                Err("only placeholders can stand here, no statements or comments"),
            ),
            ("{{ project.name", Err("unexpected end of input")),
        ] {
            assert_eq!(
                renderer.render(text).as_deref().map_err(String::as_str),
                expect,
                "{text}"
            );
        }
    }
}
