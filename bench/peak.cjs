// Loaded before what is measured (`node --require`): writes the peak memory of
// the process in bytes on exit.
const { readFileSync, writeFileSync } = require('node:fs');

process.on('exit', () => {
  let kilobytes = process.resourceUsage().maxRSS;
  // On Linux maxRSS includes the parent process.
  if (process.platform === 'linux') [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'));
  writeFileSync(process.env.BENCH_PEAK, String(kilobytes * 1024));
});
