//! Tests of complete pages.

use crate::{Form, Page, write};

pub(crate) const ID: &str = "0b8f7a52-5c3e-4a8e-9d0c-3f1f7f6d2a11";

fn passthrough(registry: &str) -> Form {
    Form { mode: "passthrough".into(), registry: registry.into(), ..Form::default() }
}

/// The workflow of a form without problems.
fn workflow(form: &Form) -> String {
    let Page { workflow, problems, .. } = write(form);
    assert_eq!(problems, []);
    workflow
}

fn problems(form: &Form) -> Vec<(&'static str, String)> {
    write(form).problems.into_iter().map(|problem| (problem.field, problem.message)).collect()
}

#[test]
fn an_empty_form_is_a_vault_login_with_default_names() {
    let expected = "\
name: Deploy
on:
  push:
    branches: [main]
  workflow_dispatch:

permissions:
  contents: read # for your steps

jobs:
  deploy:
    runs-on: ubuntu-latest
    steps:
      - name: Log in to the registry
        uses: reoclo/docker-auth@v2
        with:
          api_key: ${{ secrets.REOCLO_API_KEY }}
          server_id: ${{ vars.REOCLO_SERVER_ID }}
          credential_id: ${{ vars.REOCLO_CREDENTIAL_ID }}

      # Add your steps here. Until the job ends, they can
      # pull and push private images on the server.
";
    let page = write(&Form::default());
    assert_eq!(page.workflow, expected);
    assert_eq!((page.problems.len(), page.notices.len()), (0, 0));
    let commands: Vec<&str> = page.commands.lines().skip(1).collect();
    let names = ["secret set REOCLO_API_KEY", "variable set REOCLO_SERVER_ID", "variable set REOCLO_CREDENTIAL_ID"];
    assert_eq!(commands, names.map(|name| format!("gh {name}")));
}

#[test]
fn values_of_several_lines_are_read_from_files() {
    for (platform, key, ca) in [
        ("github", "gh secret set ARTIFACT_REGISTRY_TOKEN < key.json", "gh variable set MY_CA < ca.pem"),
        ("ghes", "gh secret set ARTIFACT_REGISTRY_TOKEN < key.json", "gh variable set MY_CA < ca.pem"),
        (
            "gitea",
            "tea actions secrets create --file key.json ARTIFACT_REGISTRY_TOKEN",
            "tea actions variables set --file ca.pem MY_CA",
        ),
        (
            "forgejo",
            "# Add secret: ARTIFACT_REGISTRY_TOKEN, with the text of key.json",
            "# Add variable: MY_CA, with the text of ca.pem",
        ),
    ] {
        let form = Form {
            platform: platform.into(),
            source: "secret".into(),
            ca_certificate: "MY_CA".into(),
            ..passthrough("artifact_registry")
        };
        let commands = write(&form).commands;
        assert!(commands.lines().any(|line| line == key) && commands.lines().any(|line| line == ca), "{commands}");
        // One line: base64.
        let form = Form { username: "_json_key_base64".into(), ca_certificate: String::new(), ..form };
        assert!(!write(&form).commands.contains("key.json"));
    }
}

#[test]
fn a_certificate_in_the_repository_is_checked_out_first() {
    let with = |ca: &str| workflow(&Form { ca_certificate: ca.into(), ..passthrough("ecr") });
    let text = with("certs/internal-ca.pem");
    let at = |part: &str| text.find(part).unwrap_or_else(|| panic!("{part}"));
    assert!(at("contents: read # to check out") < at("- name: Check out"));
    assert!(at("uses: actions/checkout@") < at("- name: Log in to AWS"));
    for other in ["", "/etc/ssl/internal-ca.pem", "C:\\ca.pem", "vars.MY_CA"] {
        assert!(!with(other).contains("actions/checkout"), "{other}");
    }
}

#[test]
fn runners_have_one_label_or_a_list() {
    let expected = "    runs-on:\n      - self-hosted\n      - linux\n      - ${{ vars.SIZE }}\n    steps:\n";
    for runs_on in ["self-hosted, linux,vars.SIZE", "[self-hosted, linux, , ${{ vars.SIZE }}]"] {
        let page = write(&Form { runs_on: runs_on.into(), ..Form::default() });
        assert!(page.workflow.contains(expected), "{}", page.workflow);
        assert!(page.commands.contains("gh variable set SIZE\n"), "{}", page.commands);
    }
    for runs_on in ["secrets.RUNNER", "linux, secrets.GITHUB_TOKEN"] {
        let page = write(&Form { runs_on: runs_on.into(), ..Form::default() });
        assert!(page.problems[0].message.starts_with("runs_on cannot be a secret: "), "{runs_on}");
        assert!(!page.workflow.contains("secrets.RUNNER") && !page.workflow.contains("GITHUB_TOKEN"));
    }
}

#[test]
fn the_proxy_is_that_of_the_scheme_of_the_api() {
    let env = |api_url: &str, proxy: &str| {
        let text = write(&Form { api_url: api_url.into(), proxy: proxy.into(), ..Form::default() }).workflow;
        let lines = text.lines().map(str::trim).filter(|line| line.contains("_proxy: "));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let proxy = "proxy.example.com:3128";
    assert_eq!(env("", proxy), [format!("https_proxy: {proxy}")]);
    assert_eq!(env("https://reoclo.example.com", proxy), [format!("https_proxy: {proxy}")]);
    assert_eq!(env("HTTP://reoclo.example.com", proxy), [format!("http_proxy: {proxy}")]);
    assert_eq!(
        env("REOCLO_URL", "secrets.P"),
        ["http", "https"].map(|name| format!("{name}_proxy: ${{{{ secrets.P }}}}"))
    );
    for invalid in ["ftp://proxy.example.com", "http://proxy.example.com:99999", "http://proxy.example.com:3128/x"] {
        let [(field, message)] = &problems(&Form { proxy: invalid.into(), ..Form::default() })[..] else { panic!() };
        assert_eq!(*field, "proxy");
        assert!(message.starts_with("proxy is not a valid proxy URL"), "{message}");
    }
}

#[test]
fn several_ids_are_a_list_with_comments() {
    let form = Form { server_id: format!("{ID} # web-1\nWEB_2, vars.WEB_3"), ..Form::default() };
    let expected = format!(
        "          server_id: |\n            {ID}  # web-1\n            ${{{{ vars.WEB_2 }}}}\n            ${{{{ vars.WEB_3 }}}}\n"
    );
    assert!(workflow(&form).contains(&expected), "{}", workflow(&form));
    let one = Form { server_id: format!("{ID} # web-1"), ..Form::default() };
    assert!(workflow(&one).contains(&format!("          server_id: {ID} # web-1\n")));
}

#[test]
fn problems_are_those_of_the_action() {
    let form = Form {
        server_id: "web-1".into(),
        timeout: "0".into(),
        api_url: "reoclo.example.com".into(),
        cleanup: "maybe".into(),
        ..Form::default()
    };
    let problems = problems(&form);
    assert_eq!(
        problems.iter().map(|(field, _)| *field).collect::<Vec<_>>(),
        ["server_id", "cleanup", "api_url", "timeout"]
    );
    for (field, message) in problems {
        assert!(message.starts_with(field) && message.ends_with('.'), "{message}");
    }
}

#[test]
fn the_username_of_ecr_is_checked_by_the_action() {
    let form = Form { username: "octocat".into(), ..passthrough("ecr") };
    let [(field, message)] = &problems(&form)[..] else { panic!() };
    assert_eq!(*field, "username");
    assert!(message.starts_with("username must be AWS (upper case) for ECR: "), "{message}");
}

#[test]
fn notices_that_a_stored_token_could_avoid_are_not_shown() {
    for registry in ["docker_hub", "acr", "quay", "gitlab", "artifact_registry", "digitalocean", "other"] {
        let form = Form { source: "secret".into(), ..passthrough(registry) };
        assert_eq!(write(&form).notices, [""; 0], "{registry}");
    }
    let notices =
        write(&Form { registry_url: "index.docker.io, registry-1.docker.io".into(), ..passthrough("docker_hub") })
            .notices;
    assert!(notices[0].ends_with("Set registry_url to docker.io."), "{notices:?}");
}

#[test]
fn a_key_of_google_fits_its_username() {
    let key = |username: &str| Form {
        source: "secret".into(),
        username: username.into(),
        ..passthrough("artifact_registry")
    };
    for username in ["", "_json_key", "_json_key_base64"] {
        assert_eq!(write(&key(username)).notices, [""; 0], "{username}");
    }
    assert!(write(&key("octocat")).notices[0].contains("Google's registries"));
}

#[test]
fn a_token_of_the_cloud_needs_a_host_of_the_cloud() {
    let problem = |registry, host: &str| problems(&Form { registry_url: host.into(), ..passthrough(registry) });
    assert_eq!(problem("ecr", "123456789012.dkr.ecr.eu-west-1.amazonaws.com"), []);
    for (registry, host) in [("ecr", "ghcr.io"), ("acr", "acme.example.com"), ("ghcr", "docker.io")] {
        assert!(problem(registry, host)[0].1.starts_with("registry_url has a host that is not one of"), "{registry}");
    }
    assert_eq!(problem("quay", "quay.example.com"), [], "self-hosted");
}

#[test]
fn the_region_is_that_of_the_host() {
    let form =
        Form { registry_url: "https://123456789012.dkr.ecr.us-east-2.amazonaws.com/app".into(), ..passthrough("ecr") };
    let text = workflow(&form);
    assert!(
        text.contains("aws-region: us-east-2\n")
            && text.contains("registry_url: 123456789012.dkr.ecr.us-east-2.amazonaws.com\n")
    );
    assert!(workflow(&passthrough("ecr")).contains("aws-region: ${{ vars.AWS_REGION }}\n"));
}

#[test]
fn other_clouds_of_a_provider_are_named() {
    for (registry, host, line) in [
        ("acr", "acme.azurecr.cn", Some("environment: AzureChinaCloud")),
        ("acr", "https://ACME.azurecr.us/app", Some("environment: AzureUSGovernment")),
        ("acr", "acme.azurecr.cn:443", Some("environment: AzureChinaCloud")),
        ("acr", "acme.azurecr.io", None),
        ("ecr", "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", Some("audience: sts.amazonaws.com.cn")),
        ("ecr", "123456789012.dkr-ecr.cn-north-1.on.amazonwebservices.com.cn", Some("audience: sts.amazonaws.com.cn")),
        ("ecr", "123456789012.dkr.ecr.us-gov-west-1.amazonaws.com", None),
    ] {
        let text = workflow(&Form { registry_url: host.into(), ..passthrough(registry) });
        let found =
            text.lines().map(str::trim).find(|line| line.starts_with("environment:") || line.starts_with("audience:"));
        assert_eq!(found, line, "{host}");
    }
}

#[test]
fn a_token_of_azure_is_for_one_registry() {
    let hosts = || "acme.azurecr.io\nbase.azurecr.io".to_owned();
    let message = &problems(&Form { registry_url: hosts(), ..passthrough("acr") })[0].1;
    assert!(message.starts_with("registry_url has several hosts, but a token of Azure"), "{message}");
    for form in [
        Form { registry_url: hosts(), source: "secret".into(), ..passthrough("acr") },
        Form { registry_url: "acme.azurecr.io, ACME.azurecr.io".into(), ..passthrough("acr") },
        Form { registry_url: "europe-docker.pkg.dev\nus-docker.pkg.dev".into(), ..passthrough("artifact_registry") },
    ] {
        assert_eq!(problems(&form), []);
    }
}

#[test]
fn a_token_of_google_needs_no_file() {
    assert!(workflow(&passthrough("artifact_registry")).contains("          create_credentials_file: 'false'\n"));
}

#[test]
fn every_issued_token_is_masked_before_it_is_an_output() {
    for registry in ["ecr", "ecr_public", "acr"] {
        let text = workflow(&passthrough(registry));
        let at = |part: &str| text.find(part).unwrap_or_else(|| panic!("{part}"));
        assert!(at("token=$(") < at("::add-mask::$token") && at("::add-mask::$token") < at("GITHUB_OUTPUT"));
        assert!(at("GITHUB_OUTPUT") < at("access_token: ${{ steps.token.outputs.token }}"));
    }
}

#[test]
fn other_platforms_have_their_own_actions_and_no_token_of_github() {
    for (platform, path) in [("gitea", ".gitea/workflows/deploy.yml"), ("forgejo", ".forgejo/workflows/deploy.yml")] {
        let page = write(&Form { platform: platform.into(), ..passthrough("ghcr") });
        assert_eq!(page.path, path);
        assert!(page.workflow.contains("uses: https://git.boxpositron.dev/reoclo/docker-auth@v2\n"));
        assert!(page.workflow.contains("access_token: ${{ secrets.GHCR_TOKEN }}\n"));
        assert!(!page.workflow.contains("permissions:"));
    }
}

#[test]
fn secrets_are_in_no_part_of_the_page() {
    let secret = "rca_0123456789";
    let all = [secret; 19].map(str::to_owned);
    let [
        mode,
        platform,
        runs_on,
        pin,
        api_key,
        server_id,
        credential_id,
        registry,
        source,
        registry_url,
        username,
        access_token,
        api_url,
        ca_certificate,
        proxy,
        cleanup,
        timeout,
        if_missing,
        job_summary,
    ] = all;
    let form = Form {
        mode,
        platform,
        runs_on,
        pin,
        api_key,
        server_id,
        credential_id,
        registry,
        source,
        registry_url,
        username,
        access_token,
        api_url,
        ca_certificate,
        proxy,
        cleanup,
        timeout,
        if_missing,
        job_summary,
        commit: String::new(),
    };
    let page = write(&form);
    assert_eq!(page.problems.iter().filter(|problem| problem.is_secret).count(), 19);
    assert!(!serde_json::to_string(&page).unwrap().contains("0123456789"));
}

#[test]
fn a_pin_by_commit_has_the_version_as_a_comment() {
    let commit = "0123456789abcdef0123456789abcdef01234567";
    let form = Form { pin: "commit".into(), commit: commit.into(), ..Form::default() };
    let version = reoclo_docker_auth::page::VERSION;
    assert!(workflow(&form).contains(&format!("uses: reoclo/docker-auth@{commit} # v{version}\n")));
    for commit in ["", "main", "0123456\nx"] {
        let form = Form { pin: "commit".into(), commit: commit.into(), ..Form::default() };
        assert!(workflow(&form).contains("docker-auth@v2\n"));
    }
}

#[test]
fn values_of_secrets_are_not_names() {
    for (api_key, is_secret) in [
        ("hunter22!", true),
        ("my key", true),
        ("1KEY", true),
        ("GITHUB_KEY", false),
        ("vars.KEY", false),
        ("secrets.GITHUB_TOKEN", false),
    ] {
        let page = write(&Form { api_key: api_key.into(), ..Form::default() });
        let found: Vec<_> = page.problems.iter().map(|problem| (problem.field, problem.is_secret)).collect();
        assert_eq!(found, [("api_key", is_secret)], "{api_key}");
        assert!(!serde_json::to_string(&page).unwrap().contains(api_key), "{api_key}");
    }
}

#[test]
fn more_logins_than_one_step_allows_are_a_problem() {
    let servers = (0..101).map(|n| format!("{n:08}{}\n", &ID[8..])).collect();
    let problems = problems(&Form { server_id: servers, ..Form::default() });
    assert!(problems[0].1.contains("101 logins"), "{problems:?}");
}
