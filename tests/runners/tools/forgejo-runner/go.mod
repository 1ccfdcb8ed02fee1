// Forgejo's runner, built from its source by install.sh.
module github.com/reoclo/docker-auth/tests/runners/tools/forgejo-runner

go 1.24.0

require (
	code.forgejo.org/forgejo/runner/v12 v12.2.0
	code.gitea.io/actions-proto-go v0.4.1
)
