//! Telling a runner what to hide, in the words that this runner understands.

use crate::host::Host;
use crate::secret::Masks;

/// Registers every form of the secrets with the runner, longest first.
pub(crate) fn register(host: &impl Host, masks: &Masks) {
    let is_set = |name: &str| !host.env(name).is_empty();
    let is_gitea = is_set("GITEA_ACTIONS") || is_set("FORGEJO_ACTIONS");
    if !(is_gitea || is_set("ACT")) {
        return masks.iter().for_each(|form| host.mask(form));
    }
    // These runners apply masks in the order in which they get them: a piece that came before the whole would hide the
    // beginning of it and show the rest.
    for form in masks.iter() {
        if let Some(command) = whole(form, is_gitea) {
            host.command(&command);
        }
        // act takes a `::` inside the value for its own, and shows the line as it is.
        if is_gitea || !form.contains("::") {
            host.mask(form);
        }
    }
    for form in masks.iter() {
        for piece in pieces(form) {
            host.command(&format!("::add-mask::{piece}"));
        }
    }
}

/// What a runner needs besides, or instead of, the toolkit's `::add-mask::` to take a value as it is.
///
/// - act's `^::([^ ]+)( (.+))?::` is greedy: with `::` in the value the command's name is taken to reach into the value.
///   The older form `##[add-mask]` is not confused by it, unless there is a `]`. The log of Gitea's and Forgejo's runners
///   knows that form not at all, and would show it; it takes a `::`, though.
/// - Older runners of Gitea and Forgejo do not undo escapes, so that a `%` must also be registered as it is.
///
/// Sources: `pkg/runner/command.go` of nektos/act 0.2.87, `internal/pkg/report/reporter.go` of Gitea's runner 1.0.8.
fn whole(form: &str, is_gitea: bool) -> Option<String> {
    if form.contains(['\r', '\n']) {
        None // its lines are forms of their own
    } else if !is_gitea && form.contains("::") {
        (!form.contains(']')).then(|| format!("##[add-mask]{form}"))
    } else {
        form.contains('%').then(|| format!("::add-mask::{form}"))
    }
}

/// Pieces of a value that may not arrive whole: escapes are undone in random order, so that `%25`, `%0A` and `%0D` inside
/// it may come out wrong, and nothing takes a `::` together with a `]`.
fn pieces(form: &str) -> Vec<&str> {
    let is_ambiguous = ["%25", "%0A", "%0D"].iter().any(|escape| form.contains(escape));
    if form.contains(['\r', '\n']) || !(is_ambiguous || (form.contains("::") && form.contains(']'))) {
        return Vec::new();
    }
    let pieces = form.split("::").flat_map(|piece| piece.split('%'));
    pieces.filter(|piece| piece.len() >= SHORTEST_PIECE).collect()
}

/// Hiding shorter pieces of a secret would hide half of every log.
const SHORTEST_PIECE: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fake::FakeHost;

    /// What act makes of a line: the value that it masks, or nothing.
    fn masked_by_act(line: &str) -> Option<String> {
        let name_and_value = match line.strip_prefix("::") {
            Some(rest) => rest.rsplit_once("::"),
            None => line.strip_prefix("##[").and_then(|rest| rest.rsplit_once(']')),
        };
        name_and_value.filter(|(name, _)| *name == "add-mask").map(|(_, value)| value.to_owned())
    }

    fn masked(form: &str) -> Vec<String> {
        let whole = whole(form, false).and_then(|line| masked_by_act(&line));
        whole.into_iter().chain(pieces(form).into_iter().map(str::to_owned)).collect()
    }

    #[test]
    fn act_masks_values_with_colons_whole() {
        assert_eq!(masked("tok::en"), ["tok::en"]);
        assert_eq!(masked("a b::c d::e"), ["a b::c d::e"]);
    }

    #[test]
    fn act_masks_at_least_the_pieces_of_what_it_cannot_take_whole() {
        assert_eq!(masked("first]::second"), ["first]", "second"]);
        assert_eq!(masked("abcdef%0Aghij"), ["abcdef%0Aghij", "abcdef", "0Aghij"]);
    }

    #[test]
    fn a_percent_sign_is_also_registered_as_it_is() {
        assert_eq!(masked("50%off"), ["50%off"]);
    }

    #[test]
    fn an_ordinary_value_needs_nothing_more_and_lines_speak_for_themselves() {
        assert!(masked("rca_0123").is_empty());
        assert!(masked("a::b\nc").is_empty());
    }

    fn registered(variable: &str, secret: &str) -> Vec<String> {
        let host = FakeHost::default().with_env(&[(variable, "true")]);
        register(&host, &Masks::of(&host, secret, "", ""));
        host.events.take().into_iter().filter(|event| !event.contains("%3A")).collect()
    }

    #[test]
    fn each_runner_gets_a_value_with_colons_as_it_takes_it_and_no_other_way() {
        assert_eq!(registered("GITHUB_ACTIONS", "rca_a::b"), ["mask rca_a::b"]);
        assert_eq!(registered("ACT", "rca_a::b"), ["command ##[add-mask]rca_a::b"]);
        for gitea in ["GITEA_ACTIONS", "FORGEJO_ACTIONS"] {
            assert_eq!(registered(gitea, "rca_a::b"), ["mask rca_a::b"]);
            assert_eq!(registered(gitea, "50%::o"), ["command ::add-mask::50%::o", "mask 50%::o"]);
        }
    }

    #[test]
    fn act_gets_no_piece_before_a_whole_that_it_begins() {
        let act = FakeHost::default().with_env(&[("ACT", "true")]);
        register(&act, &Masks::of(&FakeHost::default(), "rca_key%+/", "", ""));
        let events = act.events.borrow();
        let at = |event: &str| events.iter().position(|e| e == event).unwrap();
        assert!(at("command ::add-mask::rca_key%+/") < at("command ::add-mask::rca_key"));
        assert!(at("mask rca_key%+/") < at("command ::add-mask::rca_key"));
    }
}
