// Which scenarios run on which platform: one table each, by file of tests/e2e. A scenario must be in it, as one that runs
// (`without` names tests that do not) or as one that is left out.

const SIGNALS = 'sends signals, which Windows does not have';
const NO_ACTION = 'runs no step';
const TIME = 'takes too long in an emulator';
const CLOCK = 'uses a clock that is too fast for an emulator';
const KERNEL = 'tests the operating system, which is not emulated';
const CORE = 'tests logic that does not depend on the platform';

// Left out on every platform.
const HOSTILE = {
  'hostile/dns': KERNEL,
  'hostile/encodings': CORE,
  'hostile/files': KERNEL,
  'hostile/forged-state': CORE,
  'hostile/large-output': TIME,
  'hostile/logout': CORE,
  'hostile/protocol': TIME,
  'hostile/small': CORE,
};

const WINDOWS = {
  name: 'Windows',
  launcher: 'windows-node',
  binary: 'node_modules/node-windows/bin/node.exe',
  system: 'win32 x64',
  needs: ['wine'],
  wine: true,
  tests: ['windows.test.js'],
  env: { ACTION_OS: 'Windows' },
  atOnce: { files: 1, rows: 1 },
  runs: {
    'cleanup-false': {},
    'closed-output': {},
    connections: {},
    'faults/login-connection': {},
    // The server starts to listen too late for an emulator.
    'faults/login-host': { without: [/once refused connections are accepted/] },
    'faults/login-response': {},
    'faults/logout': {},
    'faults/status-connection': {},
    fleet: {},
    // They wait for a signal that makes the clock jump.
    'fleet-failures': { without: [/a server that hangs affects/, /a possible login after HTTP 503/] },
    'hostile-output': {},
    'if-missing': {},
    'internal-error': {},
    // They take too long: 7 and 200 logins.
    'job-summary': { without: [/docker output that is not truncated/, /summary of 100 logins/] },
    // This one makes the clock jump; a kill is not a signal on Windows.
    killed: { without: [/passthrough: logs out after a kill before response/] },
    'logout-failure': {},
    masks: {},
    'missing-files': {},
    'operation-timeout': {},
    passthrough: {},
    'private-ca': {},
    // On Windows https_proxy and HTTPS_PROXY are the same variable. Wine sometimes drops the response of a proxy that closes
    // the connection early, and the request is then retried.
    proxies: { without: [/tunnels https through https_proxy/, /unreachable proxy is retried/, /invalid proxy URL is one error/, /a wrong proxy password is one error/] },
    refusals: {},
    registries: {},
    // Each lookup of an unknown name starts a process, which takes seconds here.
    unreachable: { without: [/unknown host name names/] },
    validation: {},
    vault: {},
    'wrong-password': {},
  },
  leftOut: {
    'cancel-sweep': SIGNALS,
    contract: NO_ACTION,
    'faults/login-status': CORE,
    'faults/retry-after': CORE,
    'faults/status-response': CORE,
    'fleet-cancel': SIGNALS,
    ...HOSTILE,
    'hostile/unsent': SIGNALS,
    preflight: CORE,
    'rate-limit': CORE,
    'registry-faults': CORE,
    waiting: SIGNALS,
  },
};

const ARM64 = {
  name: 'arm64',
  launcher: 'arm64-node',
  binary: 'node_modules/node-arm64/bin/node',
  system: 'linux arm64',
  needs: ['qemu-aarch64'],
  // Starting Node takes two seconds of CPU time here.
  atOnce: { files: 2, rows: 2 },
  runs: {
    // It takes more than 5 s, so the log has progress lines.
    fleet: { without: [/labels the lines of each login/] },
    'hostile-output': {},
    'internal-error': {},
    killed: {},
    masks: {},
    passthrough: {},
    'private-ca': {},
    refusals: {},
    registries: {},
    // It takes longer than its `timeout` of 5 s.
    unreachable: { without: [/unknown host name names/] },
    vault: {},
    'wrong-password': {},
  },
  leftOut: {
    'cancel-sweep': TIME,
    'cleanup-false': CORE,
    'closed-output': KERNEL,
    connections: CLOCK,
    contract: NO_ACTION,
    'faults/login-connection': CLOCK,
    'faults/login-host': CLOCK,
    'faults/login-response': CLOCK,
    'faults/login-status': CORE,
    'faults/logout': CLOCK,
    'faults/retry-after': CORE,
    'faults/status-connection': CLOCK,
    'faults/status-response': CORE,
    'fleet-cancel': TIME,
    'fleet-failures': TIME,
    'if-missing': CORE,
    'job-summary': TIME,
    'logout-failure': CORE,
    'missing-files': CORE,
    'operation-timeout': TIME,
    ...HOSTILE,
    'hostile/unsent': TIME,
    preflight: CORE,
    proxies: CLOCK,
    'rate-limit': CORE,
    'registry-faults': CORE,
    validation: CORE,
    waiting: TIME,
  },
};

export const PLATFORMS = [WINDOWS, ARM64];
