// Drives a temporary server (sallyport dev) by its control API, with nothing but what Node has: see api/control.yaml.
// It needs the variables that dev prints with --output env.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

const { SALLYPORT_DEV_URL: url, SALLYPORT_DEV_CONTROL_TOKEN: token } = process.env;

const alice = { name: "alice", password: "known-to-the-tests", roles: ["ece_deployment_viewer"] };
const key = { user: "alice", name: "pipeline", id: "node-pipeline", secret: "known-to-the-tests-of-node", expires_in: "1h" };

// control sends a request of the control API, and returns the value of the answer.
async function control(method, path, value) {
  const response = await fetch(url + "/_control/v1" + path, {
    method,
    headers: { Authorization: "Bearer " + token, "Content-Type": "application/json" },
    body: value === undefined ? undefined : JSON.stringify(value),
  });
  const text = await response.text();
  assert.ok(response.ok, `${method} ${path}: ${response.status} ${text}`);
  return text === "" ? undefined : JSON.parse(text);
}

// account returns the status of a read with the key.
async function account() {
  const credentials = Buffer.from(`${key.id}:${key.secret}`).toString("base64");
  const response = await fetch(url + "/api/v1/account", { headers: { Authorization: "ApiKey " + credentials } });
  await response.text();
  return response.status;
}

beforeEach(async () => {
  await control("POST", "/_reset");
  await control("POST", "/seed", { users: [alice], keys: [key] });
});

test("a key expires when the clock is advanced", async () => {
  assert.equal(await account(), 200);
  const { frozen } = await control("POST", "/clock/_freeze");
  assert.equal(frozen, true);
  const before = Date.parse((await control("GET", "/clock")).now);
  const after = Date.parse((await control("POST", "/clock/_advance", { seconds: 7200 })).now);
  assert.equal(after - before, 7200 * 1000);
  assert.equal(await account(), 401);
});

test("a client meets a fault as often as it is told to", async () => {
  await control("PUT", "/faults/outage", { operation: "get-current-account", status: 503, retry_after_seconds: 1, times: 2 });
  assert.deepEqual([await account(), await account(), await account()], [503, 503, 200]);
  assert.deepEqual(await control("GET", "/faults"), { faults: [] });
  const { requests } = await control("GET", "/requests");
  assert.deepEqual(requests.map((r) => [r.operation, r.status]), [503, 503, 200].map((s) => ["get-current-account", s]));
  assert.deepEqual(requests[0].header.Authorization, ["ApiKey [masked]"]);
});

test("a lost connection is an error", async () => {
  await control("PUT", "/faults/lost", { operation: "get-current-account", drop: true });
  await assert.rejects(account());
  await control("DELETE", "/faults/lost");
  assert.equal(await account(), 200);
});

test("a reset removes what was seeded, and a snapshot has it", async () => {
  const snapshot = await control("GET", "/snapshot");
  await control("POST", "/_reset");
  assert.equal(await account(), 401);
  await control("PUT", "/snapshot", snapshot);
  assert.equal(await account(), 200);
});

test("a wrong token is refused", async () => {
  const response = await fetch(url + "/_control/v1/clock", { headers: { Authorization: "Bearer " + "x".repeat(24) } });
  assert.equal(response.status, 401);
  assert.equal((await response.json()).field, "Authorization");
});
