// Loaded before a step on Wine, which can write to this machine's pipes but not open them as Node's streams do. Node asks
// for process.stderr whenever it destroys a socket.
const { writeSync } = require('node:fs');
const { Writable } = require('node:stream');

for (const [name, fd] of [['stdout', 1], ['stderr', 2]]) {
  const write = (chunk, _, done) => {
    writeSync(fd, chunk);
    done();
  };
  Object.defineProperty(process, name, { value: new Writable({ write }), configurable: true });
}
