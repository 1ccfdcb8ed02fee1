// CHANGELOG.md has a section for the version of the action, and its sections are in order.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { documents, read } from './documents.js';

const { headings } = documents.find(({ path }) => path === 'CHANGELOG.md');
const sections = headings
  .filter(({ level }) => level === 2)
  .map(({ text }) => ({ text, version: /^\[?(\d+(?:\.\d+){1,2})\]?(?: - (?:\d{4}-\d{2}-\d{2}|Unreleased))?$/.exec(text)?.[1] }))
  .filter(({ text }) => text !== '[Unreleased]');

test('every section is a version, with a date or "Unreleased"', () => {
  assert.deepEqual(sections.filter(({ version }) => version === undefined), []);
});

test('the newest section is the version of the action', () => {
  assert.equal(sections[0].version, JSON.parse(read('package.json')).version);
});

test('versions descend', () => {
  const parts = sections.map(({ version }) => [...version.split('.').map(Number), 0].slice(0, 3));
  const sorted = parts.toSorted((a, b) => b[0] - a[0] || b[1] - a[1] || b[2] - a[2]);
  assert.deepEqual(parts, sorted);
});

test('changes have the kinds of Keep a Changelog', () => {
  const kinds = ['Added', 'Changed', 'Deprecated', 'Removed', 'Fixed', 'Security'];
  assert.deepEqual(headings.filter(({ level, text }) => level === 3 && !kinds.includes(text)).map(({ text }) => text), []);
});

test('a version in brackets has a link', () => {
  const text = read('CHANGELOG.md');
  const linked = sections.filter(({ text: heading }) => heading.startsWith('[')).map(({ version }) => version);
  assert.deepEqual(linked.filter((version) => !text.includes(`\n[${version}]: https://`)), []);
});
