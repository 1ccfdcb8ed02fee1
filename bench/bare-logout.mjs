// The request of a logout as a plain script, the baseline for post.
const { INPUT_API_URL, INPUT_API_KEY, INPUT_SERVER_ID, GITHUB_RUN_ID } = process.env;
const response = await fetch(`${INPUT_API_URL}/api/automation/v1/registry-auth/logout`, {
  method: 'POST',
  headers: { authorization: `Bearer ${INPUT_API_KEY}`, 'content-type': 'application/json' },
  body: JSON.stringify({ server_id: INPUT_SERVER_ID, registry_url: 'registry.example.com', run_id: GITHUB_RUN_ID }),
});
if (!response.ok) throw new Error(response.status);
await response.json();
