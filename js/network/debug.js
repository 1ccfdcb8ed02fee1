// Bundled instead of the `debug` package: with DEBUG=* in the environment the proxy agents would print a proxy's password.
export default () => () => {};
