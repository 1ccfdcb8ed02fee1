// Reads the tables of a job summary as GitHub does: cells end at a `|` without a backslash, and every character with a
// meaning in Markdown or HTML must be escaped.

const ENTITIES = { '&lt;': '<', '&gt;': '>', '&amp;': '&', '&#46;': '.', '&#47;': '/' };
// Only a span keeps GitHub from reading a mention or a formula.
const SPANS = { '<span>@</span>': '@', '<span>$</span>': '$' };
// GitHub turns these into links.
const LINK = /\w:\/\/|www\./;
const ACTIVE = /[<>&`*_[\]|~#!@$]/;

/**
 * @param {string} markdown
 * @returns {{ title: string, rows: Record<string, string>[] }[]} the tables, with the text shown in each
 *   cell; throws if a cell is more than text
 */
export function tables(markdown) {
  return markdown
    .split(/^### /m)
    .slice(1)
    .map((section) => {
      const [title, gap, head, rule, ...rest] = section.trimEnd().split('\n');
      if (gap !== '' || !/^\|( --- \|)+$/.test(rule)) throw new Error(`no table:\n${section}`);
      const names = cells(head);
      const rows = rest.map((line) => {
        const found = cells(line);
        if (found.length !== names.length) throw new Error(`${found.length} cells, not ${names.length}: ${line}`);
        return Object.fromEntries(names.map((name, i) => [name, found[i]]));
      });
      return { title, rows };
    });
}

function cells(line) {
  const [, inner] = line.match(/^\| (.*) \|$/) ?? [];
  if (inner === undefined) throw new Error(`no row: ${line}`);
  if (LINK.test(inner)) throw new Error(`a link that is not escaped: ${line}`);
  const found = [''];
  for (const [token] of inner.matchAll(/\\[!-/:-@[-`{-~]|&#?\w+;|<span>.<\/span>|./gsu)) {
    if (token === '|') found.push('');
    else if (token.length === 2 && token[0] === '\\') found[found.length - 1] += token[1];
    else if (ENTITIES[token] ?? SPANS[token]) found[found.length - 1] += ENTITIES[token] ?? SPANS[token];
    else if (ACTIVE.test(token) || token === '\\') throw new Error(`${token} is not escaped: ${line}`);
    else found[found.length - 1] += token;
  }
  return found.map((cell) => cell.trim());
}
