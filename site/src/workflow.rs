//! The text of the workflow.

use crate::plan::{Content, Item, Plan, Step};
use crate::value::Value;
use crate::yaml::{double_quoted, is_printable, scalar};
use std::fmt::Write;

pub(crate) fn text(plan: &Plan) -> String {
    let mut text = String::from("name: Deploy\non:\n  push:\n    branches: [main]\n  workflow_dispatch:\n\n");
    if plan.platform.is_github() {
        text.push_str("permissions:\n");
        for (scope, level, why) in &plan.permissions {
            line(&mut text, 2, &format!("{scope}: {level} # {why}"));
        }
        text.push('\n');
    }
    text.push_str("jobs:\n  deploy:\n");
    match plan.runs_on.as_slice() {
        [label] => line(&mut text, 4, &format!("runs-on: {}", scalar(&label.to_string()))),
        several => {
            line(&mut text, 4, "runs-on:");
            several.iter().for_each(|label| line(&mut text, 6, &format!("- {}", scalar(&label.to_string()))));
        }
    }
    line(&mut text, 4, "steps:");
    for prepare in &plan.prepare {
        step(&mut text, prepare);
        text.push('\n');
    }
    step(&mut text, &plan.login);
    text.push('\n');
    line(&mut text, 6, "# Add your steps here. Until the job ends, they can");
    line(&mut text, 6, "# pull and push private images on the server.");
    text
}

fn step(text: &mut String, step: &Step) {
    line(text, 6, &format!("- name: {}", scalar(&step.name)));
    if !step.id.is_empty() {
        line(text, 8, &format!("id: {}", step.id));
    }
    if let Some((action, version)) = &step.uses {
        let comment = if version.is_empty() { String::new() } else { format!(" # {version}") };
        line(text, 8, &format!("uses: {action}{comment}"));
    }
    if !step.run.is_empty() {
        line(text, 8, "run: |");
        for command in step.run {
            line(text, 10, command);
        }
    }
    for (key, map) in [("with", &step.with), ("env", &step.env)] {
        if !map.is_empty() {
            line(text, 8, &format!("{key}:"));
        }
        for (name, content) in map {
            entry(text, name, content);
        }
    }
}

/// A key of `with` or `env`.
fn entry(text: &mut String, name: &str, content: &Content) {
    match content {
        Content::One(value) => line(text, 10, &format!("{name}: {}", scalar(&value.to_string()))),
        Content::List(items) => match items.as_slice() {
            [Item { value, comment }] => {
                let comment = Some(comment).filter(|comment| !comment.is_empty() && comment.chars().all(is_printable));
                let comment = comment.map(|comment| format!(" # {comment}")).unwrap_or_default();
                line(text, 10, &format!("{name}: {}{comment}", scalar(&value.to_string())));
            }
            several => list(text, name, several),
        },
    }
}

/// A list that the action reads: one entry per line, with comments.
fn list(text: &mut String, name: &str, items: &[Item]) {
    let lines: Vec<String> = items.iter().map(|Item { value, comment }| list_line(value, comment)).collect();
    if lines.iter().all(|line| line.chars().all(is_printable)) {
        line(text, 10, &format!("{name}: |"));
        for entry in &lines {
            line(text, 12, entry);
        }
    } else {
        line(text, 10, &format!("{name}: {}", double_quoted(&lines.join("\n"))));
    }
}

fn list_line(value: &Value, comment: &str) -> String {
    if comment.is_empty() { value.to_string() } else { format!("{value}  # {comment}") }
}

fn line(text: &mut String, indent: usize, content: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{:indent$}{content}", "");
}
