// What the checks share: clients that record the operations that they request, and checks that print their results.
import assert from "node:assert/strict";
import process from "node:process";

const { CLIENT: version, SERVER: described } = process.env;
const server = JSON.parse(described);
const { Client, Transport, errors } = await import("elasticsearch" + version);

/** The names of the operations that were requested since the last check began. */
const requested = new Set();

class RecordingTransport extends Transport {
  request(params, options) {
    requested.add(params.meta.name);
    return super.request(params, options);
  }
}

/** Returns a client with other credentials than the administrator's, or with other options. */
function connect(auth = { username: server.user, password: server.password }, options = {}) {
  return new Client({ node: server.url, auth, Transport: RecordingTransport, maxRetries: 0, ...options });
}

/** Returns the names that the specification has for the client's operations in the namespace of security. */
function securityOperations(client) {
  const methods = Object.getOwnPropertyNames(Object.getPrototypeOf(client.security));
  const names = methods.filter((name) => name !== "constructor");
  return names.map((name) => "security." + name.replace(/[A-Z]/g, (letter) => "_" + letter.toLowerCase()));
}

/** Runs a check of an operation, and prints its result. The name is the operation's, or has it before a slash. */
async function check(name, run) {
  requested.clear();
  let error;
  try {
    await run();
    const operation = name.split("/")[0];
    assert.ok(requested.has(operation), `${operation} was not requested, but ${[...requested]}`);
  } catch (caught) {
    error = caught.stack + (caught.meta ? "\n" + JSON.stringify(caught.meta.body) : "");
  }
  console.log(JSON.stringify({ name, error }));
}

/** Checks that an operation is refused. Without a type, the answer has no error. */
async function checkRefused(operation, status, type, request) {
  await check(operation + "/refused", () => assert.rejects(request, (error) => {
    assert.ok(error instanceof errors.ResponseError, error);
    assert.equal(error.statusCode, status);
    assert.equal(error.meta.statusCode, status);
    assert.equal(error.meta.body.error?.type, type);
    assert.equal(error.meta.headers["x-elastic-product"], "Elasticsearch");
    return true;
  }));
}

/** Throws unless an answer has at least the wanted members. Lists must have the same length. */
function expect(got, want, path = "the answer") {
  if (want === null || typeof want !== "object") {
    assert.equal(got, want, `${path} is ${JSON.stringify(got)}; want ${JSON.stringify(want)}`);
    return;
  }
  if (Array.isArray(want)) assert.equal(got?.length, want.length, `${path} is ${JSON.stringify(got)}`);
  for (const [name, value] of Object.entries(want)) expect(got?.[name], value, `${path}.${name}`);
}

export { check, checkRefused, connect, expect, securityOperations, version };
