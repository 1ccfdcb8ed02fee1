// Loaded before a step (`node --require`): sends the step a signal at an exact point of its execution.
//
// SIGNAL is the signal's name, SIGNAL_AT the point: `load` (before the step's
// code), `state:PATTERN` (an entry `key=value` that matches it is in the state file) or
// `print:TEXT` (a text that begins with TEXT is printed).
const fs = require('node:fs');

const { SIGNAL, SIGNAL_AT } = process.env;
const { writeSync } = fs;
const [kind, wanted] = SIGNAL_AT.split(/:(.*)/s);

let sent = false;
function signal() {
  if (sent) return;
  sent = true;
  // The test measures time from here.
  writeSync(2, 'SIGNALLED\n');
  process.kill(process.pid, SIGNAL);
}

if (kind === 'load') signal();

if (kind === 'state') {
  const append = fs.appendFileSync;
  const pattern = new RegExp(wanted);
  fs.appendFileSync = (path, data, ...rest) => {
    append(path, data, ...rest);
    // An entry is `key<<DELIMITER`, the value and the delimiter.
    const [head, value] = String(data).split('\n');
    if (path === process.env.GITHUB_STATE && pattern.test(`${head.split('<<')[0]}=${value}`)) signal();
  };
}

if (kind === 'print') {
  fs.writeSync = (fd, data) => {
    const written = writeSync(fd, data);
    if (fd === 1 && String(data).startsWith(wanted)) signal();
    return written;
  };
}
