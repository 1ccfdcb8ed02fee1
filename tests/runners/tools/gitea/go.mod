// Gitea's server, built from its module's source by install.sh.
module github.com/reoclo/docker-auth/tests/runners/tools/gitea

go 1.26.4

require (
	code.gitea.io/actions-proto-go v0.6.0
	code.gitea.io/gitea v1.27.3
)
