// The main step: runners call this first.
import { error } from '@actions/core';
import { start } from './start.js';

start('runMain', {
  exitCode: (succeeded) => (succeeded ? 0 : 1),
  failed: (title, message) => {
    error(message, { title });
    return 1;
  },
});
