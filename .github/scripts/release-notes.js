// Prints the section of a release in CHANGELOG.md: release-notes.js v2.2.0
import { readFileSync } from 'node:fs';
import { releaseNotes } from './changelog.js';

const [tag = ''] = process.argv.slice(2);
const notes = releaseNotes(readFileSync('CHANGELOG.md', 'utf8'), tag.replace(/^v/, ''));
if (notes?.trim()) {
  process.stdout.write(notes);
} else {
  console.error(`CHANGELOG.md has no notes for ${tag}`);
  process.exitCode = 1;
}
