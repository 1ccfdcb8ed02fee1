// License notices for the third-party code in dist/, and in the page.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * @param {import('./components.js').Component[]} components
 * @param {string} [where] what contains them
 * @returns {string} the text of licenses.txt
 */
export function notices(components, where = 'dist/') {
  // Many crates have the same text.
  const byNotice = new Map();
  for (const component of components) {
    const notice = (component.folder && licenseText(component.folder)) ?? `See ${component.repository}`;
    byNotice.set(notice, [...(byNotice.get(notice) ?? []), title(component)]);
  }
  return [
    `${where} contains the following third-party software, listed with its licenses and copyright notices.`,
    ...[...byNotice].map(([notice, titles]) => `${'-'.repeat(80)}\n${titles.join('\n')}\n\n${notice}`),
    '',
  ].join('\n\n');
}

function title({ name, version, license, partOf }) {
  if (name === 'rust') return `Rust standard library (${license})`;
  return `${name} ${version} (${license})${partOf ? `, part of ${partOf}` : ''}`;
}

/** The text of the package's MIT license, or else of its first license file; `undefined` if it has none. */
function licenseText(folder) {
  const files = readdirSync(folder).filter((file) => /^(licen[cs]e|copying)/i.test(file)).sort();
  const file = files.find((name) => /mit/i.test(name)) ?? files[0];
  return file && readFileSync(join(folder, file), 'utf8').replaceAll('\r', '').trim();
}
