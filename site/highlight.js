// Colours of YAML and shell lines, as parts with a class. No HTML: the page makes elements of them, the build escapes them.

const YAML = /(?<expression>\$\{\{.*?\}\})|(?<comment>(?:^|(?<=\s))#.*)|(?<key>^\s*(?:- )?[\w-]+(?=:(?:\s|$)))|(?<string>'(?:[^']|'')*'|"(?:\\.|[^"\\])*")/g;
const SHELL = /(?<comment>^#.*)|(?<key>^\w+(?: [a-z]+)*)/g;

/**
 * @param {string} line
 * @param {'yaml' | 'shell'} language
 * @returns {{ text: string, kind?: string }[]} the parts of the line, in order
 */
export function highlight(line, language) {
  const parts = [];
  let end = 0;
  for (const { 0: found, index, groups } of line.matchAll(language === 'yaml' ? YAML : SHELL)) {
    if (index > end) parts.push({ text: line.slice(end, index) });
    parts.push({ text: found, kind: Object.keys(groups).find((kind) => groups[kind] !== undefined) });
    end = index + found.length;
  }
  return [...parts, { text: line.slice(end) }];
}
