// Reads the files of GITHUB_STATE and GITHUB_OUTPUT and the commands in a log, as GitHub's runner does.

/**
 * Reads a file of `key=value` and `key<<DELIMITER` entries. Blank lines between
 * entries are skipped, the last write of a key wins.
 *
 * @param {string} text
 * @param {string} [os] the runner's RUNNER_OS: on Windows a line may end with CR LF
 * @returns {Record<string, string>}
 * @throws if the runner would reject the file
 */
export function parseKeyValues(text, os) {
  const values = {};
  const lines = text.split('\n');
  const withoutCR = (line) => (os === 'Windows' ? line.replace(/\r$/, '') : line);
  // There is no line after the last line feed.
  if (lines.at(-1) === '') lines.pop();

  while (lines.length > 0) {
    const line = withoutCR(lines.shift());
    if (line === '') continue;
    const [, key, sign, rest] = line.match(/^(.*?)(=|<<)(.*)$/s) ?? [];
    if (!key || (sign === '<<' && !rest)) throw new Error(`not an entry: ${line}`);
    if (sign === '=') {
      values[key] = rest;
    } else {
      const end = lines.findIndex((line) => withoutCR(line) === rest);
      if (end < 0) throw new Error(`no line ${rest} ends the value of ${key}`);
      values[key] = withoutCR(lines.splice(0, end + 1).slice(0, -1).join('\n'));
    }
  }
  return values;
}

// The commands of runners; anything else is text.
const COMMANDS = new Set([
  'add-mask',
  'add-matcher',
  'add-path',
  'debug',
  'echo',
  'endgroup',
  'error',
  'group',
  'notice',
  'remove-matcher',
  'save-state',
  'set-env',
  'set-output',
  'stop-commands',
  'warning',
]);

const LINE_ENDS = { '%0D': '\r', '%0A': '\n' };
// `::name key=value,key=value::data` at the start of a line, after whitespace.
const CURRENT = {
  pattern: /^\s*::(.+?)::(.*)$/s,
  separator: ',',
  inProperties: { ...LINE_ENDS, '%3A': ':', '%2C': ',', '%25': '%' },
  inData: { ...LINE_ENDS, '%25': '%' },
};
// `##[name key=value;key=value]data` anywhere in a line.
const BRACKETS = { ...LINE_ENDS, '%3B': ';', '%5D': ']', '%25': '%' };
const LEGACY = {
  pattern: /##\[(.+?)\](.*)$/s,
  separator: ';',
  inProperties: BRACKETS,
  inData: BRACKETS,
};

/**
 * Splits a log into commands and text. A lone CR ends a line too.
 *
 * @param {string} log
 * @returns {{ commands: { command: string, properties: Record<string, string>, data: string }[],
 *   lines: string[] }}
 */
export function parseLog(log) {
  const commands = [];
  const lines = [];
  for (const line of splitLines(log)) {
    const command = parseCommand(line, CURRENT) ?? parseCommand(line, LEGACY);
    if (command) commands.push(command);
    else lines.push(line);
  }
  return { commands, lines };
}

/** The lines of a log, as the runner sees them. */
export function splitLines(log) {
  const lines = log.split(/\r\n|\n|\r/);
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

function parseCommand(line, { pattern, separator, inProperties, inData }) {
  const [, info = '', data] = line.match(pattern) ?? [];
  const [, name, properties] = info.match(/^(\S*) ?(.*)$/s);
  if (!COMMANDS.has(name.toLowerCase())) return undefined;
  return {
    command: name.toLowerCase(),
    properties: Object.fromEntries(
      properties
        .split(separator)
        .map((property) => property.trim().match(/^(.+?)=(.+)$/s))
        .filter(Boolean)
        .map(([, key, value]) => [key, unescape(value, inProperties)]),
    ),
    data: unescape(data, inData),
  };
}

/** `escapes` maps escaped to plain, `%25` last. */
function unescape(text, escapes) {
  return Object.entries(escapes).reduce(
    (plain, [escaped, character]) => plain.replaceAll(escaped, character),
    text,
  );
}
