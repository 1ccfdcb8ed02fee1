// The post step: runners call this when the job ends. It never fails a job.
import { warning } from '@actions/core';
import { start } from './start.js';

start('runPost', {
  exitCode: () => 0,
  failed: (title, message) => {
    warning(message, { title });
    return 0;
  },
});
