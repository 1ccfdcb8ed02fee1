//! The job's summary: who was logged in where, and out again, as Markdown tables.

use crate::host::Host;
use crate::inputs::Login;
use crate::log::Log;
use crate::login::LoginRun;
use crate::operation;
use crate::text;

/// The most shown of why a login failed; the log has the rest.
const REASON_CHARS: usize = 300;

/// A table of the logins, one row each.
pub(crate) fn of_logins<H: Host>(host: &H, log: &Log<'_, H>, runs: &[LoginRun<'_, H>]) {
    let head = ["Server", "Registry", "Type", "Mode", "Operation", "Attempts", "Duration", "Result"];
    let rows = runs.iter().map(|run| {
        let report = run.report.borrow();
        let (mode, registry) = match run.login {
            Login::Vault { credential_id } => ("vault", format!("credential {credential_id}")),
            Login::Passthrough { registry, .. } => ("passthrough", registry.clone()),
        };
        let (registry, kind, id) = match &report.accepted {
            Some((url, accepted)) => {
                (url.as_str().to_owned(), accepted.registry_type.as_str(), accepted.operation_id.as_str())
            }
            None => (registry, "", ""),
        };
        vec![
            operation::named(report.server_name.as_deref(), run.server_id),
            registry,
            kind.to_owned(),
            mode.to_owned(),
            id.to_owned(),
            report.attempts.to_string(),
            text::seconds((report.duration_ms / 100.0) as u32),
            match &report.outcome {
                Some(Err(error)) => format!("❌ {}: {}", error.title(), log.quote(&error.to_string(), REASON_CHARS)),
                _ => "✅ logged in".to_owned(),
            },
        ]
    });
    append(host, log, "Registry logins", &head, rows);
}

/// A table of what post has done, one row each: server, registry, result.
pub(crate) fn of_logouts<H: Host>(host: &H, log: &Log<'_, H>, rows: Vec<Vec<String>>) {
    append(host, log, "Registry logouts", &["Server", "Registry", "Result"], rows.into_iter());
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
        log.warning("The job summary is missing", &format!("The runner could not take it: {reason}."));
    }
}

/// Text that Markdown shows as it is: no cell's end, no link, no HTML, no mention.
fn push_escaped(markdown: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '<' => markdown.push_str("&lt;"),
            '>' => markdown.push_str("&gt;"),
            '&' => markdown.push_str("&amp;"),
            // Else GitHub would read a mention, an address or a formula.
            '@' | '$' => markdown.push_str(&format!("<span>{c}</span>")),
            // GitHub makes links of what looks like one.
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
    fn nothing_in_a_cell_means_anything_to_markdown_or_html() {
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
