// Relative links, anchors and make targets in the documents exist, and CONTRIBUTING.md names all tasks.
import assert from 'node:assert/strict';
import { posix } from 'node:path';
import { test } from 'node:test';
import { documents, files, makeTargets, read } from './documents.js';

test('relative links and anchors resolve', () => {
  const broken = [];
  for (const { path, links } of documents) {
    for (const { target, line } of links) {
      if (/^[a-z][a-z0-9+.-]*:/.test(target)) continue;
      const [to, anchor] = target.split('#');
      const file = to === '' ? path : posix.join(posix.dirname(path), to).replace(/\/$/, '');
      const exists = files.some((other) => other === file || other.startsWith(`${file}/`));
      const document = documents.find((other) => other.path === file);
      const hasAnchor = anchor === undefined || document?.headings.some((heading) => heading.anchor === anchor);
      if (!exists || !hasAnchor) broken.push(`${path}:${line}: ${target}`);
    }
  }
  assert.deepEqual(broken, []);
});

/** The targets in a command such as `make demo` or `make bench PEER=folder  # comment`. */
function targetsIn(command) {
  const [, words] = command.match(/^(?:\$ )?make\s+([^#|&;]*)/) ?? [];
  return (words ?? '').split(/\s+/).filter((word) => /^[a-z][\w-]*$/.test(word));
}

test('every make target in a document exists', () => {
  const unknown = [];
  for (const { path, spans, blocks } of documents) {
    const lines = blocks.flatMap(({ text, line }) => text.split('\n').map((code, i) => ({ text: code.trim(), line: line + i })));
    for (const { text, line } of [...spans, ...lines]) {
      for (const target of targetsIn(text)) if (!makeTargets.has(target)) unknown.push(`${path}:${line}: make ${target}`);
    }
  }
  assert.deepEqual(unknown, []);
});

test('CONTRIBUTING.md names the command of every task', () => {
  const { spans } = documents.find(({ path }) => path === 'CONTRIBUTING.md');
  const named = spans.flatMap(({ text }) => targetsIn(text));
  const tasks = [...makeTargets].filter(([, { help }]) => help).map(([name]) => name);
  assert.deepEqual(tasks.filter((name) => !named.includes(name)), []);
});

test('README.md names the demo and the tests', () => {
  const { blocks } = documents.find(({ path }) => path === 'README.md');
  const named = blocks.flatMap(({ text }) => text.split('\n')).flatMap(targetsIn);
  assert.deepEqual(['demo', 'test'].filter((target) => !named.includes(target)), []);
  const [, called] = read('.ci/run').match(/^exec make (.*)$/m);
  assert.ok(called.split(' ').includes('test'));
});
