// Connects the form with the core: a form in, a workflow out. All rules are in the core. Nothing is stored and nothing is sent;
// the form is kept in the fragment of the address only, without what is being typed.
import init, { write } from '../target/site/reoclo_docker_auth_site.js';
import { highlight } from './highlight.js';

const byId = (id) => document.getElementById(id);
const form = byId('form');
const tabs = [...document.querySelectorAll('[role=tab]')];
const controls = [...form.querySelectorAll('[name]')];
const commit = document.querySelector('meta[name=commit]').content;

/** Fields that do not have the value of an empty form; the mode is that of the selected tab. */
const values = () => ({
  mode: tabs.find((tab) => tab.ariaSelected === 'true').dataset.mode,
  ...Object.fromEntries(controls.map((control) => [control.name, control.value])),
});
const defaults = values();
/** Problems that stay until their field changes: the value that they are about is gone. */
const refused = new Map();
/** Fields whose problem is shown while they are edited. */
const shown = new Set();
let page;
let shownStored;

// The form

/** Writes the workflow and shows it. */
function update() {
  page = write({ ...values(), commit });
  const secrets = page.problems.filter(({ isSecret }) => isSecret);
  if (secrets.length > 0) {
    for (const { field, message } of secrets) {
      const control = controls.find(({ name }) => name === field);
      if (!control) continue;
      // The rest of a secret that is being typed must not get into the field.
      control.readOnly = document.activeElement === control;
      refused.set(field, control.readOnly ? `${message} To type again, leave the field first.` : message);
      control.value = control.defaultValue ?? '';
      if (control.tagName === 'SELECT') control.selectedIndex = 0;
    }
    if (!controls.some(({ name }) => name === secrets[0].field)) select(tabs[0]);
    page = write({ ...values(), commit });
    byId('alert').textContent = '';
    byId('alert').textContent = secrets.map(({ field, message }) => refused.get(field) ?? message).join(' ');
  }
  showFields();
  showProblems();
  showResult();
}

/** The problems of the fields that are shown, with those of refused values. */
function problems() {
  const gone = [...refused].filter(([field]) => page.fields[field]).map(([field, message]) => ({ field, message }));
  return [...gone, ...page.problems.filter(({ field }) => !refused.has(field))];
}

/** What depends on other fields: which ones there are, their choices, examples and help. */
function showFields() {
  for (const control of controls) {
    const field = page.fields[control.name];
    const box = control.closest('.field');
    box.hidden = !field;
    if (!field) continue;
    if (field.options.length > 0) {
      if ([...control.options].map(({ value }) => value).join() !== field.options.map(({ value }) => value).join()) {
        control.replaceChildren(...field.options.map(({ value, label }) => new Option(label, value)));
      }
      control.value = field.value;
      control.disabled = field.options.length === 1;
    } else if (field.placeholder && control.placeholder !== field.placeholder) {
      control.placeholder = field.placeholder;
    }
    const help = box.querySelector('.help');
    help.dataset.text ??= help.textContent;
    setText(help, field.help || help.dataset.text);
  }
}

function showProblems() {
  const all = problems();
  for (const control of controls) {
    const { name } = control;
    const found = all.find(({ field }) => field === name)?.message;
    // Not at the first character: a value that is being typed is incomplete.
    const isShown = found && (refused.has(name) || shown.has(name) || document.activeElement !== control);
    if (isShown) shown.add(name);
    else if (!found) shown.delete(name);
    setText(byId(`${name}-problem`), isShown ? found : '');
    control.setAttribute('aria-invalid', String(Boolean(isShown)));
    if (isShown) control.closest('details')?.setAttribute('open', '');
  }
}

const say = debounce((text) => (byId('status').textContent = text), 600);

function showResult() {
  show(byId('workflow'), page.workflow, 'yaml');
  show(byId('commands'), page.commands, 'shell');
  setText(byId('path'), page.path);
  const all = problems();
  const count = all.length;
  const state = byId('state');
  setText(state, count === 0 ? 'No problems found' : count === 1 ? '1 problem' : `${count} problems`);
  state.className = count === 0 ? 'good' : 'bad';
  byId('notices').replaceChildren(...page.notices.map((notice) => element('li', notice)));
  byId('notices').hidden = page.notices.length === 0;
  const stored = JSON.stringify(page.stored);
  if (stored !== shownStored) byId('stored').replaceChildren(...page.stored.flatMap(({ kind, name, what }) => [definition(kind, name), element('dd', what)]));
  shownStored = stored;
  say([state.textContent, ...all.map(({ message }) => message), ...page.notices].join('. '));
}

function definition(kind, name) {
  const term = element('dt', '');
  term.append(element('code', name), ' ', element('span', kind));
  return term;
}

/** Shows a text, one element per line. Only lines that have changed are replaced: a keystroke changes few of them. */
function show(target, text, language) {
  const lines = text.split(/(?<=\n)/);
  const old = [...target.children];
  const both = Math.min(lines.length, old.length);
  let start = 0;
  while (start < both && old[start].textContent === lines[start]) start++;
  let end = 0;
  while (end < both - start && old.at(-1 - end).textContent === lines.at(-1 - end)) end++;
  old.slice(start, old.length - end).forEach((line) => line.remove());
  const next = target.children[start] ?? null;
  for (const line of lines.slice(start, lines.length - end)) {
    const shown = element('span', '');
    shown.append(...highlight(line, language).map(({ text, kind }) => (kind ? Object.assign(element('span', text), { className: kind }) : text)));
    target.insertBefore(shown, next);
  }
}

/** Unchanged text needs no new layout. */
function setText(target, text) {
  if (target.textContent !== text) target.textContent = text;
}

function element(name, text) {
  const created = document.createElement(name);
  created.textContent = text;
  return created;
}

// The tabs

function select(tab) {
  for (const other of tabs) {
    other.ariaSelected = String(other === tab);
    other.tabIndex = other === tab ? 0 : -1;
  }
  byId('panel').setAttribute('aria-labelledby', tab.id);
  byId('about').textContent = tab.dataset.about;
}

for (const tab of tabs) {
  tab.addEventListener('click', () => {
    select(tab);
    update();
    saveFragment();
  });
  tab.addEventListener('keydown', ({ key }) => {
    const at = { ArrowLeft: -1, ArrowRight: 1, Home: -tabs.indexOf(tab), End: tabs.length - 1 - tabs.indexOf(tab) }[key];
    if (at === undefined) return;
    const next = tabs.at((tabs.indexOf(tab) + at) % tabs.length);
    next.focus();
    next.click();
  });
}

// The address

/** The address of this form. */
function link() {
  const isDefault = (name, value) => value === (page.fields[name]?.options[0]?.value ?? defaults[name]);
  const changed = Object.entries(values()).filter(([name, value]) => page.fields[name] && !isDefault(name, value));
  const address = new URL(location.href);
  address.hash = new URLSearchParams(changed).toString();
  return address.href;
}

function saveFragment() {
  const address = link();
  if (address === location.href) return;
  // Browsers limit how often an address changes, and a page in a sandbox may not change it. The next change tries again.
  try {
    history.replaceState(null, '', address);
  } catch {}
}

function loadFragment() {
  const given = new URLSearchParams(location.hash.slice(1));
  for (const control of controls) {
    const value = given.get(control.name) ?? defaults[control.name];
    control.value = value;
    if (control.tagName === 'SELECT' && control.value !== value) control.value = defaults[control.name];
    if (control.closest('details') && given.has(control.name)) control.closest('details').open = true;
  }
  select(tabs.find(({ dataset }) => dataset.mode === given.get('mode')) ?? tabs[0]);
  // The choices of this field depend on others.
  update();
  const source = controls.find(({ name }) => name === 'source');
  if (given.has('source') && [...source.options].some(({ value }) => value === given.get('source'))) {
    source.value = given.get('source');
    update();
  }
  saveFragment();
}

// The buttons

async function copy(button, text) {
  let isCopied = true;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Not allowed in a frame of another site.
    const area = document.createElement('textarea');
    area.value = text;
    document.body.append(area);
    area.select();
    isCopied = document.execCommand('copy');
    area.remove();
    button.focus();
  }
  const label = (button.dataset.label ??= button.textContent);
  button.textContent = isCopied ? 'Copied' : 'Copy failed';
  byId('alert').textContent = `${label}: ${isCopied ? 'copied' : 'failed. Select the text and copy it'}.`;
  clearTimeout(button.timer);
  button.timer = setTimeout(() => (button.textContent = label), 2000);
}

byId('copy').addEventListener('click', ({ target }) => copy(target, page.workflow));
byId('copy-commands').addEventListener('click', ({ target }) => copy(target, page.commands));
byId('link').addEventListener('click', ({ target }) => copy(target, link()));
byId('download').addEventListener('click', () => {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([page.workflow], { type: 'application/yaml' }));
  link.download = page.path.split('/').at(-1);
  link.click();
  URL.revokeObjectURL(link.href);
});

function debounce(run, ms) {
  let timer;
  return (...values) => {
    clearTimeout(timer);
    timer = setTimeout(run, ms, ...values);
  };
}

form.addEventListener('submit', (event) => event.preventDefault());
form.addEventListener('input', ({ target }) => {
  refused.delete(target.name);
  update();
  // Text is saved when its field is left: it may be the start of a secret.
  if (target.tagName === 'SELECT') saveFragment();
});
form.addEventListener('focusout', ({ target }) => {
  target.readOnly = false;
  if (!page) return;
  // Now, when the next field has no text that is being typed.
  saveFragment();
  setTimeout(showProblems);
});
addEventListener('hashchange', loadFragment);

try {
  await init({ module_or_path: fetch(new URL('core.wasm', import.meta.url)) });
} catch (error) {
  byId('state').textContent = 'The checks could not be loaded';
  byId('state').className = 'bad';
  throw error;
}
loadFragment();
performance.mark('ready');
document.documentElement.dataset.ready = '';
