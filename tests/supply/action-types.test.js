// action-types.yml describes the inputs and outputs of action.yml, in the format of typesafegithub/github-actions-typing.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import Ajv from 'ajv';
import { parse } from 'yaml';

const read = (path) => parse(readFileSync(join(import.meta.dirname, '../..', path), 'utf8'));
const action = read('action.yml');
const types = read('action-types.yml');

const all = (values) => ({ type: 'object', additionalProperties: false, ...values });
const PRIMITIVE = all({ required: ['type'], properties: { type: { enum: ['string', 'boolean', 'integer', 'float'] } } });
const ENUM = all({
  required: ['type', 'allowed-values'],
  properties: { type: { const: 'enum' }, name: { type: 'string' }, 'allowed-values': { type: 'array', minItems: 1, items: { type: 'string', minLength: 1 } } },
});
const LIST = all({
  required: ['type', 'separator', 'list-item'],
  properties: { type: { const: 'list' }, separator: { type: 'string', minLength: 1 }, 'list-item': { oneOf: [PRIMITIVE, ENUM] } },
});
const VALUES = { type: 'object', additionalProperties: { oneOf: [PRIMITIVE, ENUM, LIST] } };
const FORMAT = all({ required: ['inputs', 'outputs'], properties: { inputs: VALUES, outputs: VALUES } });

/** Whether a value of action.yml is one of the type. */
const IS_OF_TYPE = {
  string: () => true,
  boolean: (value) => ['true', 'false'].includes(value),
  integer: (value) => /^\d+$/.test(value),
  enum: (value, { 'allowed-values': values }) => values.includes(value),
};

test('action-types.yml has the format of the generators', () => {
  const ajv = new Ajv();
  assert.ok(ajv.validate(FORMAT, types), ajv.errorsText());
});

for (const kind of ['inputs', 'outputs']) {
  test(`action-types.yml and action.yml have the same ${kind}`, () => {
    assert.deepEqual(Object.keys(types[kind]), Object.keys(action[kind]));
  });
}

test('defaults in action.yml are of their type', () => {
  const defaults = Object.entries(action.inputs).filter(([, input]) => input.default !== undefined);
  assert.ok(defaults.length > 0);
  for (const [name, input] of defaults) {
    assert.ok(IS_OF_TYPE[types.inputs[name].type](input.default, types.inputs[name]), `${name}: ${input.default}`);
  }
});

test('inputs that accept several values are lists', () => {
  const several = Object.keys(action.inputs).filter((name) => /several/.test(action.inputs[name].description));
  const lists = Object.keys(types.inputs).filter((name) => types.inputs[name].type === 'list');
  assert.deepEqual(lists, several);
});

test('outputs with one value per line are lists', () => {
  const several = Object.keys(action.outputs).filter((name) => /one per line/.test(action.outputs[name].description));
  const lists = Object.keys(types.outputs).filter((name) => types.outputs[name].type === 'list');
  assert.deepEqual(lists, several);
});

test('values of an enum or a boolean are those in the description', () => {
  const quoted = Object.entries(types.inputs).filter(([, { type }]) => ['enum', 'boolean'].includes(type));
  for (const [name, type] of quoted) {
    const values = [...action.inputs[name].description.matchAll(/'(\w+)'/g)].map(([, value]) => value);
    assert.ok(values.length > 0 && values.every((value) => IS_OF_TYPE[type.type](value, type)), name);
    if (type.type === 'enum') assert.deepEqual(type['allowed-values'], values);
  }
});
