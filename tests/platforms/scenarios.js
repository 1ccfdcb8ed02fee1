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
  'hostile/forged-state': CLOCK,
  'hostile/large-output': TIME,
  'hostile/protocol': TIME,
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
  atOnce: { files: 2, rows: 3 },
  runs: {
    'cleanup-false': {},
    'closed-output': {},
    connections: {},
    'faults/login-connection': {},
    'faults/login-host': {},
    'faults/login-response': {},
    'faults/logout': {},
    'faults/status-connection': {},
    fleet: {},
    'fleet-failures': {},
    'hostile/logout': {},
    // Node.js prints some of it before wine.cjs has made its output streams usable.
    'hostile/small': { without: [/Node's debug output/, /prints no key/] },
    'hostile-output': {},
    'if-missing': {},
    'internal-error': {},
    'job-summary': {},
    killed: {},
    'logout-failure': {},
    masks: {},
    'missing-files': {},
    'operation-timeout': {},
    passthrough: {},
    'private-ca': {},
    // tinyproxy refuses without reading the body, so its response and the reset of the connection race; Windows drops a
    // response that a reset overtakes.
    proxies: { without: [/a proxy of plain http that wants a password/] },
    refusals: {},
    registries: {},
    unreachable: {},
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
    'simulated-windows': 'simulates Windows on other systems',
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
    'cleanup-false': {},
    'closed-output': {},
    // It takes more than 5 s, so the log has progress lines.
    fleet: { without: [/labels the lines of each login/] },
    'hostile-output': {},
    'internal-error': {},
    killed: {},
    'logout-failure': {},
    masks: {},
    'missing-files': {},
    passthrough: {},
    'private-ca': {},
    // These run on a clock that is too fast for an emulator.
    proxies: { without: [/a silent proxy times out/, /a late proxy response/] },
    refusals: {},
    registries: {},
    unreachable: {},
    vault: {},
    'wrong-password': {},
  },
  leftOut: {
    'cancel-sweep': TIME,
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
    'operation-timeout': TIME,
    ...HOSTILE,
    'hostile/logout': CORE,
    'hostile/small': CORE,
    'hostile/unsent': TIME,
    preflight: CORE,
    'rate-limit': CORE,
    'registry-faults': CORE,
    'simulated-windows': CORE,
    validation: CORE,
    waiting: TIME,
  },
};

export const PLATFORMS = [WINDOWS, ARM64];
