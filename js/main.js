// The main step: runners call this first.
import { error } from '@actions/core';
import { start } from './start.js';

start('runMain', {
  exitCode: (succeeded) => (succeeded ? 0 : 1),
  crashed: (message) => {
    error(message, { title: 'Internal error' });
    return 1;
  },
});
