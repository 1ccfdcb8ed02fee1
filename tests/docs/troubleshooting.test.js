// docs/troubleshooting.md has one entry for each title of an annotation, and no other entry.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TITLES } from '../env/messages.js';
import { documents } from './documents.js';
import { titlesInSources } from './titles.js';

const { titles, unknown } = titlesInSources();
const SECTIONS = { error: 'Errors', warning: 'Warnings', notice: 'Notices' };

/** The headings below each section, by the name of the section. */
function entries() {
  const { headings } = documents.find(({ path }) => path === 'docs/troubleshooting.md');
  const sections = new Map();
  let section;
  for (const { level, text } of headings) {
    if (level === 2) sections.set(text, (section = []));
    if (level === 3) section.push(text);
  }
  return sections;
}

test('every title in the sources can be read', () => {
  assert.deepEqual(unknown, []);
});

test('the titles that scenarios expect are in the sources', () => {
  const expected = Object.values(TITLES).filter((title) => typeof title === 'string');
  assert.deepEqual(expected.filter((title) => !titles.has(title)), []);
});

for (const [kind, section] of Object.entries(SECTIONS)) {
  test(`each ${kind} has an entry below ${section}`, () => {
    const expected = [...titles].filter(([, kinds]) => kinds.has(kind)).map(([title]) => title);
    assert.deepEqual(entries().get(section).toSorted(), expected.toSorted());
  });
}
