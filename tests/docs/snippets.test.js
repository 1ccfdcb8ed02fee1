// The YAML in the documents: it parses, passes actionlint, uses inputs and outputs that exist, and pins third-party actions.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseDocument as parseYaml } from 'yaml';
import { documents, manifest, root } from './documents.js';

const ACTIONLINT = join(root, '.tools/bin/actionlint');

/** Each YAML block with its place and its content. */
const snippets = documents.flatMap(({ path, blocks }) =>
  blocks
    .filter(({ language }) => ['yaml', 'yml'].includes(language))
    .map(({ text, line }) => {
      const yaml = parseYaml(text);
      return { at: `${path}:${line}`, text, problems: [...yaml.errors, ...yaml.warnings], content: yaml.errors.length > 0 ? undefined : yaml.toJS() };
    }),
);

/** Every mapping with `uses` in a snippet. */
function stepsIn(content) {
  if (typeof content !== 'object' || content === null) return [];
  return [...(typeof content.uses === 'string' ? [content] : []), ...Object.values(content).flatMap(stepsIn)];
}
const usesThisAction = ({ uses }) => /(^|\/)reoclo\/docker-auth@/.test(uses);

test('there are snippets', () => {
  assert.ok(snippets.length > 5, `${snippets.length}`);
});

test('every snippet parses', () => {
  const broken = snippets.flatMap(({ at, problems }) => problems.map(({ message }) => `${at}: ${message}`));
  assert.deepEqual(broken, []);
});

test('steps set inputs of action.yml only', () => {
  const unknown = snippets.flatMap(({ at, content }) =>
    stepsIn(content)
      .filter(usesThisAction)
      .flatMap((step) => Object.keys(step.with ?? {}))
      .filter((name) => !Object.hasOwn(manifest.inputs, name))
      .map((name) => `${at}: ${name}`),
  );
  assert.deepEqual(unknown, []);
});

test('outputs of steps with this action exist', () => {
  const unknown = snippets.flatMap(({ at, text, content }) => {
    const ids = stepsIn(content).filter(usesThisAction).map(({ id }) => id);
    return [...text.matchAll(/steps\.([\w-]+)\.outputs\.([\w-]+)/g)]
      .filter(([, id, name]) => ids.includes(id) && !Object.hasOwn(manifest.outputs, name))
      .map(([expression]) => `${at}: ${expression}`);
  });
  assert.deepEqual(unknown, []);
});

test('third-party actions are pinned by commit, each by one', () => {
  const pins = new Map();
  const wrong = [];
  for (const { at, text } of snippets) {
    for (const [, action, ref, comment] of text.matchAll(/uses:\s*(\S+?)@(\S+)(?:\s+# (\S+))?/g)) {
      if (/(^|\/)reoclo\/[\w-]+$/.test(action)) continue;
      if (!/^[0-9a-f]{40}$/.test(ref) || !/^v\d+\.\d+\.\d+$/.test(comment)) wrong.push(`${at}: ${action}@${ref} # ${comment}`);
      if (![undefined, ref].includes(pins.get(action))) wrong.push(`${at}: ${action} has another pin elsewhere`);
      pins.set(action, ref);
    }
  }
  assert.deepEqual(wrong, []);
});

const indent = (text, spaces) => text.replace(/^(?=.)/gm, ' '.repeat(spaces));
const dedent = (text) => text.replace(new RegExp(`^ {${/^ */.exec(text)[0].length}}`, 'gm'), '');

/** A snippet as a whole workflow: steps and jobs get what is missing around them. `undefined` for other YAML. */
function workflowOf({ text, content }) {
  const job = (body) => `on: push\njobs:\n  job:\n    runs-on: ubuntu-latest\n${body}\n`;
  if (Array.isArray(content)) return job(`    steps:\n${indent(dedent(text), 6)}`);
  if (content?.jobs) return content.on ? text : `on: push\n${text}`;
  return content?.steps ? job(indent(dedent(text), 4)) : undefined;
}

const why = existsSync(ACTIONLINT) || process.env.REQUIRE_LINTERS === '1' ? false : 'actionlint is not installed: tests/lint/install.sh';

test('workflows pass actionlint, and so do steps and jobs', { skip: why }, (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'docker-auth-snippets-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const places = snippets.flatMap((snippet, i) => {
    const workflow = workflowOf(snippet);
    if (workflow === undefined) return [];
    const name = `${i}.yml`;
    writeFileSync(join(folder, name), workflow);
    return [{ name, at: snippet.at, workflow }];
  });
  // Gitea and Forgejo take actions from URLs, which actionlint does not know.
  const args = ['-no-color', '-shellcheck=', '-pyflakes=', '-format', '{{json .}}', '-ignore', 'specifying action "https://[^"]+" in invalid format'];
  const { stdout, stderr, status } = spawnSync(ACTIONLINT, [...args, ...places.map(({ name }) => name)], { cwd: folder, encoding: 'utf8' });
  assert.ok([0, 1].includes(status), stderr);
  const errors = JSON.parse(stdout).map(({ filepath, line, message }) => {
    const { at, workflow } = places.find(({ name }) => name === filepath);
    return `${at}: ${message} (${workflow.split('\n')[line - 1].trim()})`;
  });
  assert.deepEqual(errors, []);
});
