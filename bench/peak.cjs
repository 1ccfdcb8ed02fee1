// Loaded before what is measured (`node --require`): at the end, notes the most memory that
// the process has held, in bytes.
const { readFileSync, writeFileSync } = require('node:fs');

process.on('exit', () => {
  let kilobytes = process.resourceUsage().maxRSS;
  // On Linux that also counts the process that started this one, and is never less.
  if (process.platform === 'linux') [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'));
  writeFileSync(process.env.BENCH_PEAK, String(kilobytes * 1024));
});
