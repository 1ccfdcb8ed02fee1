// Post step of .github/actions/stand-in: checks that every login was logged out, and ends the stand-in by its process ID.
import { readFileSync } from 'node:fs';
import { check } from './check.js';

const { STATE_pid: pid, STATE_log: log, STATE_control_url: url } = process.env;
try {
  // Without a URL the stand-in did not start, and main has failed.
  if (url) console.log(await check('logged-out', url));
} catch (error) {
  process.exitCode = 1;
  console.log(`::error title=Not logged out::${error.message.replaceAll('\n', '%0A')}`);
  if (log) console.log(readFileSync(log, 'utf8'));
} finally {
  if (pid) end(Number(pid));
}

function end(id) {
  try {
    process.kill(id);
    console.log(`Stopped the stand-in, process ${id}`);
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}
