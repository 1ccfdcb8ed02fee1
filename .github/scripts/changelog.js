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
export const sections = (changelog) => read(changelog).sections;

/**
 * @param {string} changelog
 * @param {string} version without `v`
 * @returns {string | undefined} the text of its section, with the definitions of the links in it; `undefined` if there is none
 */
export function releaseNotes(changelog, version) {
  const { sections, definitions } = read(changelog);
  const text = sections.find(({ name }) => name === version)?.text;
  if (text === undefined) return undefined;
  const used = definitions.filter((line) => text.includes(`[${DEFINITION.exec(line)[1]}]`));
  return `${[text, used.join('\n')].filter(Boolean).join('\n\n')}\n`;
}

/** The sections, and the definitions of links outside of code blocks. */
function read(changelog) {
  const found = [];
  const definitions = [];
  let fence;
  for (const line of changelog.split(/\r?\n/)) {
    const [, marker] = /^\s*(`{3,}|~{3,})/.exec(line) ?? [];
    if (fence ? marker?.startsWith(fence) : marker) fence = fence ? undefined : marker;
    const [, linked, plain, date] = (!fence && /^## (?:\[([^\]]+)\]|(.+?))(?: - (\S+))?\s*$/.exec(line)) || [];
    const name = linked ?? plain;
    if (name) found.push({ name, date, lines: [] });
    else if (!fence && DEFINITION.test(line)) definitions.push(line);
    else found.at(-1)?.lines.push(line);
  }
  return { sections: found.map(({ name, date, lines }) => ({ name, date, text: lines.join('\n').trim() })), definitions };
}

// `[2.2.0]: https://…`
const DEFINITION = /^\[([^\]]+)\]: \S+\s*$/;
