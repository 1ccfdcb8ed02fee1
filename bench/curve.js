// `make curve`: how a step grows with its servers. Prints a table and draws docs/fleet.svg.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { measureFleet } from './fleet.js';
import { middle } from './middle.js';
import { loadAction, startApi } from './runner.js';

const ROOT = join(import.meta.dirname, '..');
const ROUNDS = 3;
const SERVERS = [1, 4, 16, 64, 100];
const OPERATIONS_MS = [300, 3000];
const PANELS = [
  { title: 'time, s', value: ({ ms }) => ms / 1000, digits: 1 },
  { title: 'requests', value: ({ requests }) => requests, digits: 0 },
  { title: 'most requests in a second', value: ({ peakPerS }) => peakPerS, digits: 0 },
  { title: 'peak memory, MB', value: ({ peak }) => peak / 1e6, digits: 0 },
];

const api = await startApi();
const node = { path: process.execPath };
const action = { name: 'this action', ...loadAction(ROOT) };
const lines = [];
try {
  for (const operationMs of OPERATIONS_MS) {
    const points = [];
    for (const servers of SERVERS) {
      const results = [];
      for (let round = 0; round < ROUNDS; round++) results.push(await measureFleet(api, node, action, { servers, operationMs, preload: 'peak.cjs' }));
      points.push({ servers, values: PANELS.map(({ value }) => middle(results.map(value))) });
    }
    lines.push({ name: `logins of ${operationMs / 1000} s`, points });
  }
} finally {
  api.stop();
}

console.log(`| | servers | ${PANELS.map(({ title }) => title).join(' | ')} |`);
console.log(`|---|---|${PANELS.map(() => '---|').join('')}`);
for (const { name, points } of lines) {
  for (const { servers, values } of points) console.log(`| ${name} | ${servers} | ${values.map((value, i) => value.toFixed(PANELS[i].digits)).join(' | ')} |`);
}
writeFileSync(join(ROOT, 'docs/fleet.svg'), draw());

/** One panel per figure: servers to the right, the figure upwards, both from 0. */
function draw() {
  const [width, height, left, top] = [170, 110, 40, 34];
  const step = width + left + 20;
  const colors = ['#0969da', '#bc4c00'];
  const panels = PANELS.map(({ title, digits }, panel) => {
    const most = Math.max(...lines.flatMap(({ points }) => points.map(({ values }) => values[panel])));
    const x = (servers) => (servers / SERVERS.at(-1)) * width;
    const y = (value) => height - (value / most) * height;
    const curves = lines.map(({ points }, i) => {
      const path = points.map(({ servers, values }) => `${x(servers).toFixed(1)},${y(values[panel]).toFixed(1)}`).join(' ');
      return `<polyline points="${path}" fill="none" stroke="${colors[i]}" stroke-width="2"/>`;
    });
    return [
      `<g transform="translate(${left + panel * step} ${top})">`,
      `<path d="M0 0V${height}H${width}" fill="none" stroke="#888"/>`,
      `<text x="0" y="-10" font-weight="bold">${title}</text>`,
      `<text x="-6" y="8" text-anchor="end">${most.toFixed(digits)}</text><text x="-6" y="${height}" text-anchor="end">0</text>`,
      `<text x="0" y="${height + 16}">1</text><text x="${width}" y="${height + 16}" text-anchor="end">${SERVERS.at(-1)} servers</text>`,
      ...curves,
      '</g>',
    ].join('\n');
  });
  const legend = lines.map(({ name }, i) => `<text x="${left + i * 130}" y="${top + height + 40}" fill="${colors[i]}">${name}</text>`);
  const [w, h] = [PANELS.length * step, top + height + 52];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${w} ${h}" width="${w}" height="${h}" font-family="sans-serif" font-size="12" fill="#888">`,
    '<title>A step by the number of its servers: time, requests, most requests in a second, peak memory</title>',
    ...panels,
    ...legend,
    '</svg>\n',
  ].join('\n');
}
