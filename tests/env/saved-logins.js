// Reads the logins of the saved state, one line each, in the format of the action's state module.

/**
 * @param {Record<string, string>} state
 * @returns {SavedLogin[]} in the order of the inputs; unknown values are `undefined`
 */
export function savedLogins(state) {
  const of = (key) => Number(key.match(/^login_(\d+)$/)?.[1]);
  return Object.keys(state)
    .filter(of)
    .sort((a, b) => of(a) - of(b))
    .map((key) => {
      const fields = state[key].split(' ');
      if (fields.length < 8) throw new Error(`${key} is not a login: ${state[key]}`);
      const [server_id, credential, seen, at, certainty, operation, registry, ...name] = fields;
      // The server's name is last, since it may contain spaces.
      const [operation_id, registry_url, server_name] = [operation, registry, name.join(' ')].map((field) => (field === '-' ? undefined : field));
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
        // Whether post has to log out.
        needsLogout: seen !== 'failed',
      };
    });
}
