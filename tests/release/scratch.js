// A scratch git repository with a remote, in which the scripts of the release workflow run.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const SCRIPTS = join(import.meta.dirname, '../../.github/scripts');

/** A changelog that agrees with `manifests('2.2.0')`. */
export const CHANGELOG = `# Changelog

## [Unreleased]

## [2.2.0] - 2026-11-21

### Added

- Several servers in one step ([#12]).

## [2.1.0] - 2026-08-01

### Fixed

- Proxies with a password.

[#12]: https://github.com/reoclo/docker-auth/issues/12
[Unreleased]: https://github.com/reoclo/docker-auth/compare/v2.2.0...HEAD
[2.2.0]: https://github.com/reoclo/docker-auth/compare/v2.1.0...v2.2.0
[2.1.0]: https://github.com/reoclo/docker-auth/releases/tag/v2.1.0
`;

/** The files that contain the version. */
export const manifests = (version) => ({
  'Cargo.toml': `[package]\nname = "reoclo-docker-auth"\nversion = "${version}"\n\n[dependencies]\nserde = { version = "=1.0.0" }\n`,
  'package.json': `{"name": "reoclo-docker-auth", "version": "${version}"}\n`,
  'package-lock.json': `{"name": "reoclo-docker-auth", "version": "${version}", "lockfileVersion": 3}\n`,
});

/**
 * @param {import('node:test').TestContext} t removes it
 * @param {Record<string, string>} [files] of the first commit on main, which is pushed
 */
export function createScratch(t, files = { 'README.md': 'Scratch\n' }) {
  const root = mkdtempSync(join(tmpdir(), 'docker-auth-release-'));
  t.after(() => rmSync(root, { recursive: true }));
  const scratch = new Scratch(root);
  scratch.git('init', '--quiet', '--initial-branch=main');
  execFileSync('git', ['init', '--quiet', '--bare', scratch.remote], { env: scratch.env });
  scratch.git('remote', 'add', 'origin', scratch.remote);
  scratch.commit(files);
  scratch.git('push', '--quiet', '--set-upstream', 'origin', 'main');
  return scratch;
}

class Scratch {
  constructor(root) {
    this.folder = join(root, 'work');
    this.remote = join(root, 'remote.git');
    mkdirSync(this.folder);
    this.env = {
      PATH: process.env.PATH,
      HOME: root,
      GIT_CONFIG_NOSYSTEM: '1',
      ...Object.fromEntries(['AUTHOR', 'COMMITTER'].flatMap((who) => [[`GIT_${who}_NAME`, 'test'], [`GIT_${who}_EMAIL`, 'test@example.com']])),
    };
  }

  git(...args) {
    return execFileSync('git', args, { cwd: this.folder, env: this.env, encoding: 'utf8', stdio: 'pipe' }).trim();
  }

  write(files) {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(this.folder, path)), { recursive: true });
      writeFileSync(join(this.folder, path), text);
    }
  }

  /** Commits files; returns the commit. */
  commit(files = {}) {
    this.write(files);
    this.git('add', '--all');
    this.git('commit', '--quiet', '--allow-empty', '--message', 'change');
    return this.git('rev-parse', 'HEAD');
  }

  /** Tags a new commit of main and pushes both; returns the commit. */
  release(tag, ...options) {
    const commit = this.commit();
    this.git('tag', ...options, tag);
    this.git('push', '--quiet', 'origin', 'main', tag);
    return commit;
  }

  /** The commit of a tag on the remote. */
  remoteTag(tag) {
    return this.git('ls-remote', 'origin', `refs/tags/${tag}`).split('\t')[0];
  }

  /** Runs a script of the workflows: `{ code, stdout, stderr }`. */
  run(script, args, env = {}) {
    const path = join(SCRIPTS, script);
    const [command, ...leading] = script.endsWith('.js') ? [process.execPath, path] : [path];
    const { status, stdout, stderr, error } = spawnSync(command, [...leading, ...args], {
      cwd: this.folder,
      env: { ...this.env, ...env },
      encoding: 'utf8',
    });
    if (error) throw error;
    return { code: status, stdout, stderr };
  }
}
