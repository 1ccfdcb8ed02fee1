// The titles of all annotations, read from the sources.
import { files, read } from './documents.js';

const isTest = (path) => /^src\/(tests\/|host\/fake\.rs)/.test(path);
// The rest of a Rust file behind its test module, and comments.
const withoutTests = (text) => text.replace(/#\[cfg\(test\)\]\s*mod tests \{[^]*$/, '').replace(/^\s*\/\/.*$/gm, '');
const LITERALS = /"((?:[^"\\]|\\.)*)"/g;

/** The rest of the text from an opening bracket to the one that closes it. */
function enclosed(text, open) {
  const closing = { '{': '}', '(': ')' }[text[open]];
  let depth = 0;
  for (let end = open; end < text.length; end++) {
    if (text[end] === text[open]) depth++;
    if (text[end] === closing && --depth === 0) return text.slice(open + 1, end);
  }
  throw new Error(`no ${closing} after ${text.slice(open, open + 40)}`);
}

/**
 * @returns {{ titles: Map<string, Set<string>>, unknown: string[] }} each title with the kinds of annotation that it is for
 *   (`error`, `warning`, `notice`), and the expressions that give a title but could not be read
 */
export function titlesInSources() {
  const titles = new Map();
  const unknown = [];
  const add = (title, kind) => titles.set(title, (titles.get(title) ?? new Set()).add(kind));
  const rust = files
    .filter((path) => /^src\/.*\.rs$/.test(path) && !isTest(path))
    .map((path) => ({ path, text: withoutTests(read(path)) }));
  const constants = new Map(rust.flatMap(({ text }) => [...text.matchAll(/const (\w+): &str =\s*"([^"]*)"/g)].map(([, name, value]) => [name, value])));
  const titleFunctions = (text) => [...text.matchAll(/fn (\w*title)\b[^{]*\{/g)].map((match) => ({ name: match[1], body: enclosed(text, match.index + match[0].length - 1) }));

  for (const { path, text } of rust) {
    // `fn title` of the error types, and functions that select a title.
    for (const { body } of titleFunctions(text)) {
      // Not the patterns of a match, but what its arms give.
      const given = body.includes('=>') ? [...body.matchAll(/=>\s*(\{[^}]*\}|[^,]*)/g)].map(([, value]) => value).join('\n') : body;
      for (const [, title] of given.matchAll(LITERALS)) add(title, 'error');
      for (const [name] of given.replace(LITERALS, '').matchAll(/\b[A-Z][A-Z_]+\b/g)) {
        if (constants.has(name)) add(constants.get(name), 'error');
        else unknown.push(`${path}: ${name}`);
      }
    }
    // Calls of the log, and of the collection of warnings in the post step.
    for (const match of text.matchAll(/\b(?:log|warnings|self)\.(error|warning|notice|warning_lines|add)\(/g)) {
      const [first] = enclosed(text, match.index + match[0].length - 1).trim().split(/,(?![^(]*\))/);
      const kind = ['warning_lines', 'add'].includes(match[1]) ? 'warning' : match[1];
      const literal = /^"([^"]*)"$/.exec(first)?.[1] ?? constants.get(/^(?:\w+::)?([A-Z_]+)$/.exec(first)?.[1]);
      // Titles of errors come from `fn title`, those of the post step from the collection.
      const isKnown = /^(?:error\.title\(\)|common_title\(\w+\))$/.test(first) || (first === 'title' && match[1] !== 'notice');
      if (literal !== undefined) add(literal, kind);
      else if (!isKnown) unknown.push(`${path}: ${match[0]}${first}, …)`);
    }
  }
  // The shim: an error in the main step, a warning in the post step.
  const shim = read('js/action.js');
  for (const match of shim.matchAll(/\bfailed\(/g)) {
    const argument = /^'([^']*)'/.exec(shim.slice(match.index + match[0].length))?.[1];
    if (argument === undefined) unknown.push(`js/action.js: ${shim.slice(match.index, match.index + 40)}`);
    else add(argument, 'error');
  }
  return { titles, unknown };
}
