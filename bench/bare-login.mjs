// The requests of a vault login as a plain script, the baseline for main. The first status request finds the operation ended.
const { INPUT_API_URL, INPUT_API_KEY, INPUT_SERVER_ID, INPUT_CREDENTIAL_ID, GITHUB_RUN_ID } = process.env;
const call = async (path, init) => {
  const headers = { authorization: `Bearer ${INPUT_API_KEY}`, 'content-type': 'application/json' };
  const response = await fetch(`${INPUT_API_URL}/api/automation/v1${path}`, { headers, ...init });
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return response.json();
};

const body = { server_id: INPUT_SERVER_ID, credential_id: INPUT_CREDENTIAL_ID, run_id: GITHUB_RUN_ID };
const { operation_id } = await call('/registry-auth/login', { method: 'POST', body: JSON.stringify(body) });
const { status } = await call(`/operations/${operation_id}`);
if (status !== 'completed') throw new Error(status);
