// Bundled instead of node:crypto, which takes 4 ms to load and of which core takes a delimiter for the runner's files.
// It need not be hard to guess: core itself refuses a value that contains it.
export const randomUUID = () => [1, 2, 3].map(() => Math.random().toString(36).slice(2)).join('');
