//! The job summary: Markdown tables of the logins and logouts.

use super::operation;
use super::result::LoginResult;
use crate::host::Host;
use crate::runner::log::Log;
use crate::runner::text;

/// The most that is shown of an error; the log has all of it.
const MAX_ERROR_CHARS: usize = 300;

/// Writes a table with one row per login.
pub(crate) fn write_logins<H: Host>(host: &H, log: &Log<'_, H>, results: &[LoginResult<'_>]) {
    let head = ["Server", "Registry", "Type", "Mode", "Operation", "Attempts", "Duration", "Result"];
    let rows = results.iter().map(|result| {
        let accepted = result.accepted.as_ref();
        vec![
            operation::describe_server(result.server_name.as_deref(), result.server_id),
            result.registry(),
            accepted.map_or("", |accepted| accepted.registry_type.as_str()).to_owned(),
            result.credential.auth_mode().to_owned(),
            accepted.map_or("", |accepted| accepted.operation_id.as_str()).to_owned(),
            result.attempts.to_string(),
            text::seconds(result.duration_ms),
            match result.error() {
                Some(error) => format!("❌ {}: {}", error.title(), log.quote(&error.to_string(), MAX_ERROR_CHARS)),
                None => "✅ logged in".to_owned(),
            },
        ]
    });
    append(host, log, "Registry logins", &head, rows);
}

/// Writes a table of logouts with the columns server, registry and result.
pub(crate) fn write_logouts<H: Host>(host: &H, log: &Log<'_, H>, rows: impl Iterator<Item = Vec<String>>) {
    append(host, log, "Registry logouts", &["Server", "Registry", "Result"], rows);
}

fn append<H: Host>(host: &H, log: &Log<'_, H>, title: &str, head: &[&str], rows: impl Iterator<Item = Vec<String>>) {
    // Not every runner has a summary.
    if host.env("GITHUB_STEP_SUMMARY").is_empty() {
        return;
    }
    let mut markdown = format!("### {title}\n\n| {} |\n|{}\n", head.join(" | "), " --- |".repeat(head.len()));
    for row in rows {
        markdown.push('|');
        for cell in row {
            markdown.push(' ');
            push_escaped(&mut markdown, &log.quote(&cell, usize::MAX));
            markdown.push_str(" |");
        }
        markdown.push('\n');
    }
    markdown.push('\n');
    if let Err(reason) = host.append_summary(&markdown) {
        log.warning("Job summary not written", &format!("The runner could not write the job summary: {reason}."));
    }
}

/// Appends text so that Markdown shows it literally: no end of a cell, link, HTML or mention.
fn push_escaped(markdown: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '<' => markdown.push_str("&lt;"),
            '>' => markdown.push_str("&gt;"),
            '&' => markdown.push_str("&amp;"),
            // GitHub makes mentions, e-mail addresses and formulas of these, however they are escaped.
            '@' | '$' => markdown.push_str(&format!("<span>{c}</span>")),
            // GitHub makes links of URLs.
            '/' if markdown.ends_with(':') => markdown.push_str("&#47;"),
            '.' if markdown.ends_with("www") => markdown.push_str("&#46;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '#' | '!' => markdown.extend(['\\', c]),
            _ => markdown.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_markdown_and_html_in_cells() {
        let mut markdown = String::new();
        push_escaped(
            &mut markdown,
            "a|b <img> `x` **b** _i_ [t](u) @team #1 ~~s~~ robot$ci ![i] \\ https://e.x www.e.x &lt; ghcr.io:443/a",
        );
        assert_eq!(
            markdown,
            "a\\|b &lt;img&gt; \\`x\\` \\*\\*b\\*\\* \\_i\\_ \\[t\\](u) <span>@</span>team \\#1 \\~\\~s\\~\\~ robot<span>$</span>ci \\!\\[i\\] \\\\ \
             https:&#47;/e.x www&#46;e.x &amp;lt; ghcr.io:443/a"
        );
    }
}
