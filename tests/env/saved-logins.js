// What the action's state says of its logins: one line each, in the words of src/state.rs.

/**
 * @param {Record<string, string>} state
 * @returns {SavedLogin[]} in the order of the inputs; what is not known is `undefined`
 */
export function savedLogins(state) {
  const of = (key) => Number(key.match(/^login_(\d+)$/)?.[1]);
  return Object.keys(state)
    .filter(of)
    .sort((a, b) => of(a) - of(b))
    .map((key) => {
      const words = state[key].split(' ');
      if (words.length < 8) throw new Error(`${key} is no login: ${state[key]}`);
      const [server_id, credential, seen, at, certainty, operation, registry, ...name] = words;
      // The server's name comes last, since it may hold spaces.
      const [operation_id, registry_url, server_name] = [operation, registry, name.join(' ')].map((word) => (word === '-' ? undefined : word));
      return {
        key,
        server_id,
        credential: Number(credential),
        seen,
        requested_at: Number(at),
        uncertain: certainty === 'uncertain',
        operation_id,
        registry_url,
        server_name,
        // Whether post has something to do.
        needsLogout: seen !== 'failed',
      };
    });
}
