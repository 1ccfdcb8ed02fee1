//! Registers masks with the runner, in the commands that this runner understands.

use super::secret::Masks;
use crate::host::Host;

/// Registers every variant of the secrets, longest first.
pub(crate) fn register(host: &impl Host, masks: &Masks) {
    let is_set = |name: &str| !host.env(name).is_empty();
    // Any value counts: a mask in the wrong form would show the secret.
    let is_gitea = is_set("GITEA_ACTIONS") || is_set("FORGEJO_ACTIONS");
    if !is_gitea && !is_set("ACT") {
        return masks.iter().for_each(|variant| host.mask(variant));
    }
    // `forgejo-runner exec` prints each command with the masks applied. It hides a value, but not the value with an escaped
    // `%`, of which only the parts can be hidden.
    let prints_commands = is_set("ACT_EXEC");
    let wholes = |variant: &&str| !prints_commands || !is_ambiguous(variant);
    masks.iter().filter(wholes).for_each(|variant| register_whole(host, variant, is_gitea));
    // These runners apply masks in the order of registration. If a part came before the whole, the rest of the whole
    // would stay visible.
    for part in masks.iter().flat_map(parts) {
        host.command(&format!("::add-mask::{part}"));
    }
    masks.iter().filter(|variant| !wholes(variant)).for_each(|variant| register_whole(host, variant, is_gitea));
}

fn register_whole(host: &impl Host, variant: &str, is_gitea: bool) {
    let command = command_for_whole(variant, is_gitea);
    if let Some(command) = &command {
        host.command(command);
    }
    let needs_mask = if is_gitea {
        command.is_none() || is_ambiguous(variant)
    } else {
        // act parses a `::` in the value as its own and prints the line.
        !variant.contains("::")
    };
    if needs_mask {
        host.mask(variant);
    }
}

/// The command that a runner needs in addition to, or instead of, the toolkit's `::add-mask::` to mask a value exactly.
///
/// - act's `^::([^ ]+)( (.+))?::` is greedy: with `::` in the value, the command name extends into the value. The older
///   form `##[add-mask]` works unless the value contains `]`. Gitea's and Forgejo's runners do not know that form in
///   their log and would show it, but they accept a `::`.
/// - Older runners of Gitea and Forgejo do not unescape, so a `%` must also be registered unescaped.
///
/// Sources: `pkg/runner/command.go` of nektos/act 0.2.87, `internal/pkg/report/reporter.go` of Gitea's runner 1.0.8.
fn command_for_whole(variant: &str, is_gitea: bool) -> Option<String> {
    if variant.contains(['\r', '\n']) {
        None // its lines are variants of their own
    } else if !is_gitea && variant.contains("::") {
        (!variant.contains(']')).then(|| format!("##[add-mask]{variant}"))
    } else {
        variant.contains('%').then(|| format!("::add-mask::{variant}"))
    }
}

/// Parts of a value that may not be masked as a whole: runners unescape in random order, so `%25`, `%0A` and `%0D` in the
/// value may be changed, and no command accepts `::` together with `]`.
fn parts(variant: &str) -> Vec<&str> {
    if variant.contains(['\r', '\n']) || !(is_ambiguous(variant) || (variant.contains("::") && variant.contains(']'))) {
        return Vec::new();
    }
    let parts = variant.split("::").flat_map(|part| part.split('%'));
    parts.filter(|part| part.len() >= MIN_PART_BYTES).collect()
}

/// Whether runners that unescape a value mask another one.
fn is_ambiguous(variant: &str) -> bool {
    ["%25", "%0A", "%0D"].iter().any(|escape| variant.contains(escape))
}

/// Masking shorter parts would hide half of every log.
const MIN_PART_BYTES: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fake::FakeHost;

    /// The value that act masks for a line.
    fn masked_by_act(line: &str) -> Option<String> {
        let name_and_value = match line.strip_prefix("::") {
            Some(rest) => rest.rsplit_once("::"),
            None => line.strip_prefix("##[").and_then(|rest| rest.rsplit_once(']')),
        };
        name_and_value.filter(|(name, _)| *name == "add-mask").map(|(_, value)| value.to_owned())
    }

    fn masked(variant: &str) -> Vec<String> {
        let whole = command_for_whole(variant, false).and_then(|line| masked_by_act(&line));
        whole.into_iter().chain(parts(variant).into_iter().map(str::to_owned)).collect()
    }

    #[test]
    fn act_masks_values_with_colons() {
        assert_eq!(masked("tok::en"), ["tok::en"]);
        assert_eq!(masked("a b::c d::e"), ["a b::c d::e"]);
    }

    #[test]
    fn act_masks_parts_of_what_it_cannot_take() {
        assert_eq!(masked("first]::second"), ["first]", "second"]);
        assert_eq!(masked("abcdef%0Aghij"), ["abcdef%0Aghij", "abcdef", "0Aghij"]);
    }

    #[test]
    fn registers_a_percent_sign_unescaped_too() {
        assert_eq!(masked("50%off"), ["50%off"]);
    }

    #[test]
    fn ordinary_values_need_no_further_command() {
        assert!(masked("rca_0123").is_empty());
        assert!(masked("a::b\nc").is_empty());
    }

    fn registered(variable: &str, secret: &str) -> Vec<String> {
        let host = FakeHost::default().with_env(&[(variable, "true")]);
        register(&host, &Masks::of(&host, secret, "", "", &[]));
        let is_encoded = |event: &String| event.contains("%3A") || event.ends_with(['=', 'v']);
        host.events.take().into_iter().filter(|event| !is_encoded(event)).collect()
    }

    #[test]
    fn each_runner_gets_only_the_command_it_parses() {
        assert_eq!(registered("GITHUB_ACTIONS", "rca_a::b"), ["mask rca_a::b"]);
        assert_eq!(registered("ACT", "rca_a::b"), ["command ##[add-mask]rca_a::b"]);
        for gitea in ["GITEA_ACTIONS", "FORGEJO_ACTIONS"] {
            assert_eq!(registered(gitea, "rca_a::b"), ["mask rca_a::b"]);
            assert_eq!(registered(gitea, "50%::o"), ["command ::add-mask::50%::o"]);
            let events = registered(gitea, "rca_abc%25b");
            let at = |event: &str| events.iter().position(|other| other == event).unwrap();
            assert!(at("command ::add-mask::rca_abc%25b") < at("mask rca_abc%25b"));
            assert!(at("mask rca_abc%25b") < at("command ::add-mask::rca_abc"));
        }
    }

    #[test]
    fn forgejos_exec_gets_parts_before_what_it_would_print() {
        let host = FakeHost::default().with_env(&[("FORGEJO_ACTIONS", "true"), ("ACT_EXEC", "true")]);
        register(&host, &Masks::of(&FakeHost::default(), "rca_key%+secret", "", "", &[]));
        let events = host.events.borrow();
        let at = |event: &str| events.iter().position(|e| e == event).unwrap();
        assert_eq!(events.iter().filter(|event| event.ends_with("rca_key%+secret")).count(), 1, "{events:#?}");
        let encoded = "command ::add-mask::rca_key%25%2Bsecret";
        assert!(at("command ::add-mask::rca_key%+secret") < at("command ::add-mask::rca_key"));
        assert!(at("command ::add-mask::rca_key") < at(encoded));
        assert!(at("command ::add-mask::2Bsecret") < at(encoded));
    }

    #[test]
    fn act_gets_the_whole_before_its_parts() {
        let act = FakeHost::default().with_env(&[("ACT", "true")]);
        register(&act, &Masks::of(&FakeHost::default(), "rca_key%+/", "", "", &[]));
        let events = act.events.borrow();
        let at = |event: &str| events.iter().position(|e| e == event).unwrap();
        assert!(at("command ::add-mask::rca_key%+/") < at("command ::add-mask::rca_key"));
        assert!(at("mask rca_key%+/") < at("command ::add-mask::rca_key"));
    }
}
