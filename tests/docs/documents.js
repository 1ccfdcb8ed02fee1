// The documents of the repository: every tracked Markdown file, read as GitHub shows it.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

const SPAN = /`([^`\n]+(?:\n[^`\n]+)?)`/g;
const LINK = /\[(?:[^[\]]|\[[^[\]]*\])*\]\(([^)\s]+)(?:\s+"[^"]*")?\)/g;
const LINK_DEFINITION = /^\[[^\]]+\]:\s+(\S+)/gm;
const HTML_LINK = /<[^>]+(?:href|src)="([^"]+)"/g;

export const root = join(import.meta.dirname, '../..');
export const read = (path) => readFileSync(join(root, path), 'utf8');

/** Tracked files and new ones, without those that git ignores. */
export const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], { cwd: root, encoding: 'utf8' })
  .split('\0')
  .filter((path) => path && existsSync(join(root, path)));

export const manifest = parse(read('action.yml'));

/** The targets of the Makefile by name; `help` is the description that `make help` shows. */
export const makeTargets = new Map(
  [...read('Makefile').matchAll(/^([a-z][\w-]*):(?:.*?## (.*))?/gm)].map(([, name, help]) => [name, { help }]),
);

export const documents = files.filter((path) => path.endsWith('.md')).map((path) => parseDocument(path, read(path)));

/**
 * @param {string} path
 * @param {string} text Markdown
 * @returns {{
 *   path: string,
 *   headings: { level: number, text: string, anchor: string, line: number }[],
 *   blocks: { language: string, text: string, line: number }[],
 *   links: { target: string, line: number }[],
 *   spans: { text: string, line: number }[],
 *   tables: { head: string[], rows: string[][], line: number }[],
 * }} `line` counts from 1; that of a block is its first line of code; `spans` are the inline code
 */
export function parseDocument(path, text) {
  const { blocks, prose } = splitBlocks(text.split('\n'));
  const lineAt = (index) => prose.slice(0, index).split('\n').length;
  const all = (pattern, source = prose) => [...source.matchAll(pattern)];
  // Code spans may contain brackets and parentheses. Their backticks stay, so that headings keep their text.
  const withoutSpans = prose.replace(SPAN, (span) => span.replace(/[^`\n]/g, ' '));
  return {
    path,
    headings: headings(prose),
    blocks,
    links: [LINK, LINK_DEFINITION, HTML_LINK]
      .flatMap((pattern) => all(pattern, withoutSpans))
      .map(({ 1: target, index }) => ({ target, line: lineAt(index) })),
    spans: all(SPAN).map(({ 1: code, index }) => ({ text: code.replace(/\s+/g, ' '), line: lineAt(index) })),
    tables: tables(prose.split('\n')),
  };
}

/** Fenced code, and the text with these lines blank. */
function splitBlocks(lines) {
  const blocks = [];
  let open;
  const prose = lines.map((line, i) => {
    const [, indent, fence, language] = line.match(/^( *)(`{3,}|~{3,})\s*([\w-]*)/) ?? [];
    if (open && fence?.startsWith(open.fence) && !language) {
      const code = lines.slice(open.start, i).map((text) => text.replace(new RegExp(`^ {0,${open.indent}}`), ''));
      blocks.push({ language: open.language, text: code.join('\n'), line: open.start + 1 });
      open = undefined;
      return '';
    }
    if (!open && fence) open = { fence, language, indent: indent.length, start: i + 1 };
    return open ? '' : line;
  });
  if (open) throw new Error(`line ${open.start}: the code block does not end`);
  return { blocks, prose: prose.join('\n') };
}

function headings(prose) {
  const seen = new Map();
  return prose.split('\n').flatMap((line, i) => {
    const [, marks, text] = line.match(/^(#{1,6}) +(.*?) *#*$/) ?? [];
    if (!marks) return [];
    const slug = slugOf(text);
    const earlier = seen.get(slug) ?? 0;
    seen.set(slug, earlier + 1);
    return [{ level: marks.length, text, anchor: earlier ? `${slug}-${earlier}` : slug, line: i + 1 }];
  });
}

/** The anchor that GitHub gives a heading: https://docs.github.com/get-started/writing-on-github/getting-started-with-writing-and-formatting-on-github/basic-writing-and-formatting-syntax#section-links */
function slugOf(heading) {
  const text = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').replace(/[`*]/g, '');
  return text.toLowerCase().replace(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, '').replaceAll(' ', '-');
}

function tables(lines) {
  const found = [];
  for (let i = 1; i < lines.length; i++) {
    if (!/^\|(\s*:?-+:?\s*\|)+$/.test(lines[i])) continue;
    const rows = [];
    for (let at = i + 1; lines[at]?.startsWith('|'); at++) rows.push(cells(lines[at]));
    found.push({ head: cells(lines[i - 1]), rows, line: i });
  }
  return found;
}

function cells(row) {
  return row.slice(1, row.lastIndexOf('|')).split(/(?<!\\)\|/).map((cell) => cell.trim());
}
