// Loaded before a step on Wine.
const { appendFileSync, readFileSync, writeSync } = require('node:fs');
const { Writable } = require('node:stream');

const POLL_MS = 50;

// Tells windows-node that Node.js has started.
const { STEP_FILE } = process.env;
delete process.env.STEP_FILE;
appendFileSync(STEP_FILE, 'started\n');

// Wine can write to this machine's pipes but not open them as Node's streams do. Node asks for process.stderr whenever it
// destroys a socket.
for (const [name, fd] of [['stdout', 1], ['stderr', 2]]) {
  const write = (chunk, _, done) => {
    writeSync(fd, chunk);
    done();
  };
  Object.defineProperty(process, name, { value: new Writable({ write }), configurable: true });
}

// Windows has no SIGUSR2, with which tests make a step's clock jump: windows-node writes it to the file.
process.on('newListener', function poll(event) {
  if (event !== 'SIGUSR2') return;
  process.off('newListener', poll);
  let emitted = 0;
  const emit = () => {
    const sent = readFileSync(STEP_FILE, 'utf8').split('SIGUSR2').length - 1;
    for (; emitted < sent; emitted += 1) process.emit('SIGUSR2');
  };
  setInterval(emit, POLL_MS).unref();
});
