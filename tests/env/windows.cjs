// Loaded before a step (`node --require`): what a step on Windows sees of its system, as far as Linux can simulate it.
const os = require('node:os');

Object.defineProperty(os, 'EOL', { value: '\r\n' });
