// Replaces the `debug` package in the bundle: with DEBUG=* the proxy agents would print the proxy password.
export default () => () => {};
