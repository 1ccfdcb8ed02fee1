// Loaded before a step (`node --require`): what a step on Windows sees of its system, as far as Linux can simulate it.
const os = require('node:os');

Object.defineProperty(os, 'EOL', { value: '\r\n' });

// SIGUSR2 stands for Ctrl+Break, which GitHub's runner sends on Windows instead of SIGTERM. Without a handler it ends the process.
process.on('SIGUSR2', () => process.emit('SIGBREAK') || process.kill(process.pid, 'SIGKILL'));
