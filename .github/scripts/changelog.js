// Reads CHANGELOG.md in the format of https://keepachangelog.com.

/**
 * @typedef {object} Section
 * @property {string} name a version, or `Unreleased`
 * @property {string} [date]
 * @property {string} text without the heading and without surrounding blank lines
 */

/**
 * @param {string} changelog
 * @returns {Section[]} in the order of the file
 */
export function sections(changelog) {
  const found = [];
  let fence;
  for (const line of lines(changelog)) {
    const [, marker] = /^\s*(`{3,}|~{3,})/.exec(line) ?? [];
    if (fence ? marker?.startsWith(fence) : marker) fence = fence ? undefined : marker;
    const [, name, date] = (!fence && /^## \[([^\]]+)\](?: - (\S+))?\s*$/.exec(line)) || [];
    if (name) found.push({ name, date, lines: [] });
    else if (fence || !DEFINITION.test(line)) found.at(-1)?.lines.push(line);
  }
  return found.map(({ name, date, lines: text }) => ({ name, date, text: text.join('\n').trim() }));
}

/**
 * @param {string} changelog
 * @param {string} version without `v`
 * @returns {string | undefined} the text of its section, with the definitions of the links in it; `undefined` if there is none
 */
export function releaseNotes(changelog, version) {
  const text = sections(changelog).find(({ name }) => name === version)?.text;
  if (text === undefined) return undefined;
  const definitions = lines(changelog).filter((line) => text.includes(`[${DEFINITION.exec(line)?.[1]}]`));
  return `${[text, definitions.join('\n')].filter(Boolean).join('\n\n')}\n`;
}

// `[2.2.0]: https://…`
const DEFINITION = /^\[([^\]]+)\]: \S+\s*$/;

const lines = (text) => text.split(/\r?\n/);
