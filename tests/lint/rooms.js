// `make lint`: the folders import each other in one direction only, no files of one folder import each other in a circle,
// and the tree in docs/architecture.md is the real one.
//
// Usage: node tests/lint/rooms.js [ROOT]. Prints one line per violation and exits with 1, or one line if there is none.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';

// What each room of src/ may import, in addition to itself. A room is a folder, or a file of that name in src/.
const RUST_ROOMS = {
  host: [],
  runner: ['host'],
  registry: ['host'],
  api: ['host', 'runner', 'registry'],
  inputs: ['host', 'runner', 'registry', 'api'],
  page: ['host', 'runner', 'registry', 'api', 'inputs'],
  login: ['host', 'runner', 'registry', 'api', 'inputs'],
  step: ['host', 'runner', 'registry', 'api', 'inputs', 'login'],
  js: ['host', 'runner', 'registry', 'api', 'inputs', 'login', 'step'],
  simulation: ['host', 'step'],
};
const JS_CRATES = /\b(JsValue|js_sys|web_sys|wasm_bindgen|gloo_net)\b/;

// The same for JavaScript, by path.
const UPPER_ROOMS = ['tests/docs', 'tests/e2e', 'tests/nodes', 'tests/platforms', 'tests/release', 'tests/demo', '.github'];
// These use the built page, too.
const SITE_ROOMS = ['tests/runners', 'bench'];
const JS_ROOMS = {
  js: [],
  site: ['js'],
  'tests/lint': [],
  'tests/simulation': [],
  'tests/mutants': [],
  'tests/supply': ['js', 'tests/support'],
  'tests/support': [],
  'tests/sandbox': ['tests/support'],
  'tests/env': ['tests/support', 'tests/sandbox'],
  ...Object.fromEntries(UPPER_ROOMS.map((room) => [room, ['tests/support', 'tests/sandbox', 'tests/env']])),
  ...Object.fromEntries(SITE_ROOMS.map((room) => [room, ['tests/support', 'tests/sandbox', 'tests/env', 'site']])),
  // Compares the page with the action.
  'tests/site': ['tests/support', 'tests/sandbox', 'tests/env', 'js', 'site'],
};

/** The document with the tree of folders. */
const TREE = 'docs/architecture.md';

const allowed = (rooms, room) => (rooms[room].length > 0 ? `${room} may import ${rooms[room].join(', ')}` : `${room} may import no other room`);

/**
 * @param {string} root the repository
 * @param {string[]} files its tracked files, relative to it
 * @returns {{ violations: string[], files: number, longest: { path: string, lines: number }, circles: number }}
 */
export function checkRooms(root, files) {
  const read = (path) => readFileSync(join(root, path), 'utf8');
  const rust = files.filter((path) => /^src\/.*\.rs$/.test(path));
  const scripts = files.filter((path) => /^(js|site|tests|bench|\.github)\/.*\.(js|cjs|mjs)$/.test(path));
  const sources = [...rust, ...scripts];
  const lines = sources.map((path) => ({ path, lines: read(path).split('\n').length - 1 }));
  const results = [checkRust(rust, read), checkScripts(scripts, read)];
  const graph = new Map(results.flatMap((result) => [...result.graph]));
  const circles = findCircles(graph);
  return {
    violations: [
      ...results.flatMap((result) => result.violations),
      ...circles.map((circle) => `${circle[0]}: circle of files: ${[...circle, circle[0]].join(' → ')}`),
      ...checkTree(files.includes(TREE) ? read(TREE) : '', files),
    ],
    files: sources.length,
    longest: lines.reduce((most, one) => (one.lines > most.lines ? one : most), { path: 'none', lines: 0 }),
    circles: circles.length,
  };
}

// Rust

// Test modules in files of their own, and the fake host, may import everything.
const isTestFile = (path) => /(^|\/)tests(\.rs$|\/)/.test(path) || path === 'src/host/fake.rs';

function checkRust(files, read) {
  const violations = [];
  const graph = new Map();
  // Module path, such as `api::client`, → file.
  const modules = new Map(files.map((path) => [moduleOf(path).join('::'), path]));

  for (const path of files) {
    if (isTestFile(path)) continue;
    // lib.rs is in no room and may import all of them.
    const [room = 'lib'] = moduleOf(path);
    if (room !== 'lib' && !RUST_ROOMS[room]) {
      violations.push(`${path}:1: unknown room ${room}: the rooms of src/ are ${Object.keys(RUST_ROOMS).join(', ')}`);
      continue;
    }
    const code = blankTests(blankRust(read(path)));
    for (const { line, segments, isReexport } of room === 'lib' ? [] : rustPaths(code, moduleOf(path))) {
      const [target] = segments;
      const shown = `crate::${segments.join('::')}`;
      if (target === 'tests' || (target === 'host' && segments[1] === 'fake' && room !== 'simulation')) {
        violations.push(`${path}:${line}: imports ${shown}, which is for tests only`);
      } else if (RUST_ROOMS[target] && target !== room && !RUST_ROOMS[room].includes(target)) {
        violations.push(`${path}:${line}: imports ${shown}; allowed: ${allowed(RUST_ROOMS, room)}`);
      }
      // A mod.rs depends on the children that it uses, and not on those that it only declares or re-exports.
      const file = fileOf(segments, modules);
      const isOwnReexport = isReexport && path.endsWith('/mod.rs');
      if (file && file !== path && !isOwnReexport && moduleOf(file)[0] === room) addEdge(graph, path, file);
    }
    if (room === 'js') continue;
    code.split('\n').forEach((text, i) => {
      const [, name] = text.match(JS_CRATES) ?? [];
      if (name) violations.push(`${path}:${i + 1}: names ${name}; allowed: in src/js only`);
    });
  }
  return { violations, graph };
}

/** `src/api/client.rs` → `['api', 'client']`; a mod.rs is its folder, lib.rs the crate. */
function moduleOf(path) {
  return path
    .slice('src/'.length, -'.rs'.length)
    .split('/')
    .filter((name, i, all) => !(i === all.length - 1 && ['mod', 'lib'].includes(name)));
}

/** The file of the longest prefix of a path that is a module. */
function fileOf(segments, modules) {
  for (let n = segments.length; n > 0; n--) {
    const file = modules.get(segments.slice(0, n).join('::'));
    if (file) return file;
  }
  return undefined;
}

/** Every `crate::…`, `self::…` and `super::…` path, and in a mod.rs every child in a `use`, as segments from the crate. */
function rustPaths(code, module) {
  const found = [];
  const lineAt = (index) => code.slice(0, index).split('\n').length;
  // Whole `use` statements, with their groups; then paths in other code.
  const rest = code.replace(/\b(pub(?:\s*\([^)]*\))?\s+)?use\s+([^;]+);/g, (statement, visibility, tree, index) => {
    for (const segments of expand(tree)) {
      found.push({ line: lineAt(index), segments: resolve(segments, module), isReexport: Boolean(visibility) });
    }
    return statement.replace(/[^\n]/g, ' ');
  });
  for (const match of rest.matchAll(/\b(?:crate|super|self)(?:\s*::\s*\w+)+/g)) {
    found.push({ line: lineAt(match.index), segments: resolve(match[0].split('::').map((name) => name.trim()), module), isReexport: false });
  }
  return found.filter(({ segments }) => segments !== undefined);
}

/** `crate::a::{b, c::D as E}` → `[['crate', 'a', 'b'], ['crate', 'a', 'c', 'D']]`. */
function expand(tree) {
  const text = tree.trim().replace(/\s+as\s+\w+/g, '');
  const open = text.indexOf('{');
  if (open < 0) return [text.split('::').map((name) => name.trim())];
  const prefix = text.slice(0, open).split('::').map((name) => name.trim()).filter(Boolean);
  const parts = [''];
  let depth = 0;
  for (const character of text.slice(open + 1, text.lastIndexOf('}'))) {
    if (character === '{') depth++;
    if (character === '}') depth--;
    if (character === ',' && depth === 0) parts.push('');
    else parts[parts.length - 1] += character;
  }
  return parts.filter((part) => part.trim()).flatMap((part) => expand(part).map((segments) => [...prefix, ...segments]));
}

/** Segments from the crate's root; `undefined` for other crates. Without a prefix, a path may start with a child module. */
function resolve([first, ...rest], module) {
  if (first === 'crate') return rest;
  if (first === 'self') return [...module, ...rest];
  if (first !== 'super') return /^[a-z]/.test(first) ? [...module, first, ...rest] : undefined;
  let parent = module.slice(0, -1);
  let names = rest;
  while (names[0] === 'super') [parent, names] = [parent.slice(0, -1), names.slice(1)];
  return [...parent, ...names];
}

/** Rust without comments, strings and characters; line breaks stay. */
function blankRust(text) {
  const token = /\/\/[^\n]*|\/\*[^]*?\*\/|\bb?r(#*)"[^]*?"\1|b?"(?:\\[^]|[^"\\])*"|b?'(?:\\(?:x..|u\{[^}]*\}|.)|[^'\\\n])'/g;
  return text.replace(token, (found) => found.replace(/[^\n]/g, ' '));
}

/** Blanks every item behind `#[cfg(test)]`: a block, or a declaration that ends with `;`. */
function blankTests(code) {
  let result = code;
  for (const { index } of code.matchAll(/#\[cfg\(test\)\]/g)) {
    let depth = 0;
    let end = index;
    for (; end < code.length; end++) {
      if ('([{'.includes(code[end])) depth++;
      if (')]}'.includes(code[end])) depth--;
      if (depth === 0 && '};'.includes(code[end])) break;
    }
    result = result.slice(0, index) + result.slice(index, end + 1).replace(/[^\n]/g, ' ') + result.slice(end + 1);
  }
  return result;
}

// JavaScript

function checkScripts(files, read) {
  const violations = [];
  const graph = new Map();
  const roomOf = (path) => Object.keys(JS_ROOMS).find((room) => path.startsWith(`${room}/`));
  for (const path of files) {
    const room = roomOf(path);
    if (!room) {
      violations.push(`${path}:1: unknown room ${posix.dirname(path)}: the rooms are ${Object.keys(JS_ROOMS).join(', ')}`);
      continue;
    }
    read(path).split('\n').forEach((text, i) => {
      for (const target of scriptImports(text)) {
        const file = posix.join(posix.dirname(path), target);
        const other = roomOf(file);
        if (other === room) addEdge(graph, path, file);
        else if (!JS_ROOMS[room].includes(other) && (other || /^(tests|bench|src|site)\//.test(file))) {
          violations.push(`${path}:${i + 1}: imports ${file}; allowed: ${allowed(JS_ROOMS, room)}`);
        }
      }
    });
  }
  return { violations, graph };
}

/** The relative paths that a line imports, by `import`, `export … from` or `require`; not those in comments and strings. */
function scriptImports(line) {
  const isStatement = /^\s*(import|export|\})/.test(line);
  const pattern = isStatement ? /(?:\bfrom|\bimport)\s*['"](\.[^'"]+)['"]/g : /^\s*(?:const|let|await|return|require)\b.*(?:\brequire|\bimport)\(['"](\.[^'"]+)['"]\)/g;
  return [...line.matchAll(pattern)].map(([, target]) => target);
}

// Circles

function addEdge(graph, from, to) {
  graph.set(from, (graph.get(from) ?? new Set()).add(to));
}

/** The strongly connected components of more than one file (Tarjan). */
function findCircles(graph) {
  const circles = [];
  const state = new Map();
  const stack = [];
  const visit = (file) => {
    const own = { index: state.size, low: state.size, onStack: true };
    state.set(file, own);
    stack.push(file);
    for (const next of graph.get(file) ?? []) {
      const other = state.get(next) ?? visit(next);
      if (other.onStack) own.low = Math.min(own.low, other.low);
    }
    if (own.low === own.index) {
      const circle = stack.splice(stack.indexOf(file));
      circle.forEach((member) => (state.get(member).onStack = false));
      if (circle.length > 1) circles.push(circle.sort());
    }
    return own;
  };
  for (const file of graph.keys()) if (!state.has(file)) visit(file);
  return circles;
}

// The tree of folders

/**
 * Compares the fenced tree in docs/architecture.md with the tracked files. The tree is the code block whose first line is `src/`: one
 * name per line, indented by two spaces per level, a folder with `/` at its end, and a description after two spaces or more.
 * Folders are compared: those of the first level, and those in src/ and tests/. A file in the tree must exist.
 *
 * @param {string} text the document
 * @param {string[]} files the tracked files
 * @returns {string[]} violations
 */
export function checkTree(text, files) {
  const lines = text.split('\n');
  const start = lines.findIndex((line, i) => /^src\/(\s|$)/.test(line) && lines[i - 1]?.startsWith('```'));
  if (start < 0) return [`${TREE}:1: no tree: a fenced code block that starts with the line "src/" is expected`];

  const violations = [];
  const listed = new Set();
  const parents = [];
  for (let i = start; i < lines.length && !lines[i].startsWith('```'); i++) {
    if (lines[i].trim() === '') continue;
    const [, indent, rest] = lines[i].match(/^( *)(.*)$/);
    const level = indent.length / 2;
    const [name] = rest.split(/\s{2,}/);
    if (!Number.isInteger(level) || level > parents.length) {
      violations.push(`${TREE}:${i + 1}: indentation of ${indent.length} spaces: two per level are expected`);
      continue;
    }
    parents.length = level;
    const path = parents.join('') + name;
    if (name.endsWith('/')) parents.push(name);
    listed.add(path);
    const exists = name.endsWith('/') ? files.some((file) => file.startsWith(path)) : files.includes(path);
    if (!exists) violations.push(`${TREE}:${i + 1}: ${path} is in the tree but not in the repository`);
  }

  const folders = new Set();
  for (const file of files) {
    const [first, second, third] = file.split('/');
    if (second === undefined || first.startsWith('.')) continue;
    folders.add(`${first}/`);
    if (third !== undefined && ['src', 'tests'].includes(first)) folders.add(`${first}/${second}/`);
  }
  for (const folder of folders) {
    if (!listed.has(folder)) violations.push(`${TREE}:${start + 1}: ${folder} is in the repository but not in the tree`);
  }
  return violations;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = process.argv[2] ?? join(dirname(fileURLToPath(import.meta.url)), '../..');
  const tracked = execFileSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8' }).split('\0');
  const { violations, files, longest, circles } = checkRooms(root, tracked.filter((path) => path && existsSync(join(root, path))));
  violations.forEach((violation) => console.log(violation));
  if (violations.length === 0) console.log(`rooms: ${files} files, longest ${longest.path} with ${longest.lines} lines, ${circles} circles`);
  process.exitCode = violations.length > 0 ? 1 : 0;
}
