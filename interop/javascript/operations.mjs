// Drives each operation of Elasticsearch's family with the official client, and prints a line of JSON for each check.
// The environment has the client's major version (CLIENT) and the server with its administrator (SERVER).
import assert from "node:assert/strict";
import { check, checkRefused, connect, expect, securityOperations, version } from "./harness.mjs";

const client = connect();
const { security } = client;
const cleared = { _nodes: { total: 1, successful: 1, failed: 0 }, cluster_name: "sallyport" };

await checkCluster();
await checkUsers();
await checkRoles();
await checkRoleMappings();
await checkApplicationPrivileges();
await checkPrivileges();
await checkKeys();
await checkKeyUpdates();
await checkGrantedKeys();
await checkCrossClusterKeys();
if (version !== "8") await checkClonedKeys();
await checkTokens();
await checkServiceAccounts();
await checkProfiles();
await checkSettings();
await checkSAML();
if (version !== "8") await checkStats();
await checkOptions();
console.log(JSON.stringify({ operations: ["info", "ping", "cluster.health", ...securityOperations(client)] }));

/** Adds a user, and returns its credentials. */
async function addUser(username, ...roles) {
  const auth = { username, password: "a passphrase of " + username };
  expect(await security.putUser({ ...auth, roles }), { created: true });
  return auth;
}

async function checkCluster() {
  const powerless = connect(await addUser("powerless"));
  await check("info", async () => {
    const number = { 8: "8.19.0", 9: "9.5.0" }[version];
    expect(await client.info(), { cluster_name: "sallyport", version: { number, build_flavor: "default" } });
  });
  await checkRefused("info", 401, "security_exception", () => connect({ username: "demo", password: "wrong" }).info());

  await check("ping", async () => assert.equal(await client.ping(), true));
  await checkRefused("ping", 403, undefined, () => powerless.ping());

  await check("cluster.health", async () => {
    expect(await client.cluster.health({ wait_for_status: "green" }), { status: "green", number_of_nodes: 1 });
  });
  await checkRefused("cluster.health", 403, "security_exception", () => powerless.cluster.health());
}

async function checkUsers() {
  const username = "alice";
  const details = { full_name: "Alice", email: "alice@example.org", metadata: { team: "x" }, roles: ["superuser"] };
  await check("security.put_user", async () => {
    const user = { username, password: "the first passphrase", ...details };
    expect(await security.putUser(user), { created: true });
    expect(await security.putUser({ username, ...details }), { created: false });
  });
  await checkRefused("security.put_user", 400, "action_request_validation_exception", () =>
    security.putUser({ username: "short", password: "short", roles: [] }));

  await check("security.get_user", async () => {
    expect(await security.getUser({ username }), { alice: { username, enabled: true, ...details } });
    const users = await security.getUser();
    assert.ok(users.alice && users.demo, Object.keys(users));
  });
  await checkRefused("security.get_user", 404, undefined, () => security.getUser({ username: "unknown" }));

  await check("security.query_user", async () => {
    const query = { bool: { filter: [{ term: { username } }, { term: { enabled: true } }] } };
    const found = await security.queryUser({ query, sort: ["username"], size: 5 });
    expect(found, { total: 1, count: 1, users: [{ username, _sort: [username], ...details }] });
  });
  await checkRefused("security.query_user", 400, "illegal_argument_exception", () =>
    security.queryUser({ query: { term: { password: "x" } } }));

  let password = "the first passphrase";
  const authenticate = () => connect({ username, password }).security.authenticate();
  await check("security.authenticate", async () => {
    const realm = { name: "default_native", type: "native" };
    expect(await authenticate(), { username, authentication_realm: realm, authentication_type: "realm", ...details });
  });
  await check("security.disable_user", async () => {
    await security.disableUser({ username });
    expect(await security.getUser({ username }), { alice: { enabled: false } });
  });
  await checkRefused("security.authenticate", 401, "security_exception", authenticate);
  await check("security.enable_user", async () => {
    await security.enableUser({ username });
    expect(await authenticate(), { enabled: true });
  });
  await checkRefused("security.enable_user", 400, "validation_exception", () =>
    security.enableUser({ username: "unknown" }));

  await check("security.change_password", async () => {
    const own = connect({ username, password }).security;
    password = "the second passphrase";
    expect(await own.changePassword({ password }), {});
    expect(await authenticate(), { username });

    password = "the third passphrase";
    expect(await security.changePassword({ username, password }), {});
    expect(await authenticate(), { username });
  });
  await checkRefused("security.change_password", 400, "action_request_validation_exception", () =>
    security.changePassword({ username, password: "short" }));

  await check("security.clear_cached_realms", async () => {
    expect(await security.clearCachedRealms({ realms: "default_native", usernames: [username] }), cleared);
  });
  await check("security.delete_user", async () => expect(await security.deleteUser({ username }), { found: true }));
  await checkRefused("security.delete_user", 404, undefined, () => security.deleteUser({ username }));
}

async function checkRoles() {
  const powerless = connect(await addUser("roleless")).security;
  const descriptor = {
    cluster: ["monitor"],
    indices: [{ names: ["logs-*"], privileges: ["read"], field_security: { grant: ["*"], except: ["secret"] } }],
    applications: [{ application: "shop", privileges: ["read"], resources: ["*"] }],
    run_as: ["bob"],
    metadata: { team: "x" },
    description: "reads logs",
  };
  await check("security.put_role", async () => {
    expect(await security.putRole({ name: "reader", ...descriptor }), { role: { created: true } });
    expect(await security.putRole({ name: "reader", ...descriptor }), { role: { created: false } });
  });
  await checkRefused("security.put_role", 400, "action_request_validation_exception", () =>
    security.putRole({ name: "reader", cluster: ["no such privilege"] }));

  await check("security.get_role", async () => {
    expect(await security.getRole({ name: "reader" }), { reader: descriptor });
    expect(await security.getRole(), { superuser: { cluster: ["all"], metadata: { _reserved: true } } });
  });
  await checkRefused("security.get_role", 404, undefined, () => security.getRole({ name: "unknown" }));

  await check("security.bulk_put_role", async () => {
    const roles = { reader: descriptor, writer: { cluster: ["all"] }, superuser: {} };
    const answer = await security.bulkPutRole({ roles });
    const details = { superuser: { type: "action_request_validation_exception" } };
    expect(answer, { created: ["writer"], noop: ["reader"], errors: { count: 1, details } });
  });
  await checkRefused("security.bulk_put_role", 403, "security_exception", () =>
    powerless.bulkPutRole({ roles: { writer: descriptor } }));

  await check("security.query_role", async () => {
    const query = { terms: { name: ["reader", "writer"] } };
    const found = await security.queryRole({ query, sort: ["name"], size: 1 });
    expect(found, { total: 2, count: 1, roles: [{ name: "reader", _sort: ["reader"], ...descriptor }] });
    expect(await security.queryRole({ query: { prefix: { name: "read" } } }), { total: 1 });
  });
  await checkRefused("security.query_role", 400, "illegal_argument_exception", () =>
    security.queryRole({ query: { term: { cluster: "all" } } }));

  await check("security.clear_cached_roles", async () => {
    expect(await security.clearCachedRoles({ name: ["reader", "writer"] }), cleared);
  });
  await check("security.bulk_delete_role", async () => {
    const answer = await security.bulkDeleteRole({ names: ["writer", "unknown"] });
    expect(answer, { deleted: ["writer"], not_found: ["unknown"] });
  });
  await checkRefused("security.bulk_delete_role", 403, "security_exception", () =>
    powerless.bulkDeleteRole({ names: ["reader"] }));
  await check("security.delete_role", async () => {
    expect(await security.deleteRole({ name: "reader" }), { found: true });
  });
  await checkRefused("security.delete_role", 404, undefined, () => security.deleteRole({ name: "reader" }));
}

async function checkRoleMappings() {
  const name = "administrators";
  const mapping = {
    enabled: true,
    roles: ["superuser"],
    rules: { all: [{ field: { "realm.name": "corporate" } }, { field: { groups: ["admins", "owners"] } }] },
    metadata: { team: "x" },
  };
  await check("security.put_role_mapping", async () => {
    expect(await security.putRoleMapping({ name, ...mapping }), { role_mapping: { created: true } });
    expect(await security.putRoleMapping({ name, ...mapping }), { role_mapping: { created: false } });
  });
  await checkRefused("security.put_role_mapping", 400, "x_content_parse_exception", () =>
    security.putRoleMapping({ name, ...mapping, rules: { neither: [] } }));

  await check("security.get_role_mapping", async () => {
    expect(await security.getRoleMapping({ name }), { [name]: mapping });
    expect(await security.getRoleMapping(), { [name]: mapping });
  });
  await checkRefused("security.get_role_mapping", 404, undefined, () => security.getRoleMapping({ name: "unknown" }));

  await check("security.delete_role_mapping", async () => {
    expect(await security.deleteRoleMapping({ name }), { found: true });
  });
  await checkRefused("security.delete_role_mapping", 404, undefined, () => security.deleteRoleMapping({ name }));
}

async function checkProfiles() {
  const { password, username } = await addUser("profiled", "superuser");
  const credentials = { grant_type: "password", username, password };
  const uid = (await security.activateUserProfile(credentials)).uid;
  await check("security.activate_user_profile", async () => {
    const user = { username, roles: ["superuser"], realm_name: "default_native" };
    expect(await security.activateUserProfile(credentials), { uid, enabled: true, user, labels: {}, data: {} });
  });
  await checkRefused("security.activate_user_profile", 401, "security_exception", () =>
    security.activateUserProfile({ ...credentials, password: "wrong" }));

  await check("security.update_user_profile_data", async () => {
    const change = { uid, labels: { team: "x" }, data: { app: { theme: "dark" }, other: 1 } };
    expect(await security.updateUserProfileData({ ...change, refresh: "wait_for" }), { acknowledged: true });
  });
  await checkRefused("security.update_user_profile_data", 409, "version_conflict_engine_exception", () =>
    security.updateUserProfileData({ uid, data: { app: 1 }, if_seq_no: 0, if_primary_term: 1 }));

  await check("security.get_user_profile", async () => {
    const profile = { uid, labels: { team: "x" }, _doc: { _primary_term: 1, _seq_no: 1 } };
    const answer = await security.getUserProfile({ uid: [uid, "unknown"], data: ["app.theme"] });
    expect(answer, { profiles: [{ ...profile, data: { app: { theme: "dark" } } }], errors: { count: 1 } });
  });
  await checkRefused("security.get_user_profile", 403, "security_exception", async () =>
    connect(await addUser("profileless")).security.getUserProfile({ uid }));

  await check("security.suggest_user_profiles", async () => {
    const answer = await security.suggestUserProfiles({ name: "profil", size: 1, hint: { labels: { team: "x" } } });
    expect(answer, { total: { value: 1, relation: "eq" }, profiles: [{ uid, user: { username } }] });
  });
  await checkRefused("security.suggest_user_profiles", 400, "action_request_validation_exception", () =>
    security.suggestUserProfiles({ size: -1 }));

  const privileges = { cluster: ["monitor"] };
  await check("security.has_privileges_user_profile", async () => {
    expect(await security.hasPrivilegesUserProfile({ uids: [uid], privileges }), { has_privilege_uids: [uid] });
  });
  await checkRefused("security.has_privileges_user_profile", 400, "action_request_validation_exception", () =>
    security.hasPrivilegesUserProfile({ uids: [], privileges }));

  await check("security.disable_user_profile", async () => {
    expect(await security.disableUserProfile({ uid, refresh: true }), { acknowledged: true });
  });
  await checkRefused("security.disable_user_profile", 404, "document_missing_exception", () =>
    security.disableUserProfile({ uid: "unknown" }));
  await check("security.enable_user_profile", async () => {
    expect(await security.enableUserProfile({ uid }), { acknowledged: true });
  });
  await checkRefused("security.enable_user_profile", 404, "document_missing_exception", () =>
    security.enableUserProfile({ uid: "unknown" }));
  await check("security.get_user/profile", async () => {
    expect(await security.getUser({ username, with_profile_uid: true }), { [username]: { profile_uid: uid } });
  });
}

async function checkApplicationPrivileges() {
  const read = { actions: ["data:read/*"], metadata: { team: "x" } };
  await check("security.put_privileges", async () => {
    const privileges = { shop: { read, write: { actions: ["data:write/*"] } } };
    const created = { shop: { read: { created: true }, write: { created: true } } };
    expect(await security.putPrivileges({ privileges }), created);
  });
  await checkRefused("security.put_privileges", 400, "action_request_validation_exception", () =>
    security.putPrivileges({ privileges: { shop: { read: { actions: [] } } } }));

  await check("security.get_privileges", async () => {
    const named = { application: "shop", name: "read" };
    expect(await security.getPrivileges(named), { shop: { read: { ...named, ...read } } });
    expect(await security.getPrivileges({ application: "shop" }), { shop: { read, write: {} } });
    expect(await security.getPrivileges(), { shop: { read } });
  });
  await checkRefused("security.get_privileges", 404, undefined, () =>
    security.getPrivileges({ application: "shop", name: "unknown" }));

  await check("security.clear_cached_privileges", async () => {
    expect(await security.clearCachedPrivileges({ application: ["shop"] }), cleared);
  });
  await check("security.delete_privileges", async () => {
    const answer = await security.deletePrivileges({ application: "shop", name: ["read", "write"] });
    expect(answer, { shop: { read: { found: true }, write: { found: true } } });
  });
  await checkRefused("security.delete_privileges", 404, undefined, () =>
    security.deletePrivileges({ application: "shop", name: "read" }));
}

async function checkPrivileges() {
  const applications = [{ application: "shop", privileges: ["data:read/*"], resources: ["*"] }];
  const indices = [{ names: ["logs-*"], privileges: ["read"], allow_restricted_indices: false }];
  await security.putRole({ name: "monitor", cluster: ["monitor"], indices, applications });
  const own = connect(await addUser("questioner", "monitor")).security;

  await check("security.has_privileges", async () => {
    const questions = {
      cluster: ["monitor", "manage"],
      index: [{ names: ["logs-1"], privileges: ["read", "write"] }],
      application: [{ application: "shop", privileges: ["data:read/prices"], resources: ["r"] }],
    };
    const answer = {
      username: "questioner",
      has_all_requested: false,
      cluster: { monitor: true, manage: false },
      index: { "logs-1": { read: true, write: false } },
      application: { shop: { r: { "data:read/prices": true } } },
    };
    expect(await own.hasPrivileges(questions), answer);
    expect(await own.hasPrivileges({ user: "questioner", ...questions }), answer);
  });
  await checkRefused("security.has_privileges", 400, "action_request_validation_exception", () =>
    own.hasPrivileges({ cluster: [] }));

  await check("security.get_user_privileges", async () => {
    expect(await own.getUserPrivileges(), { cluster: ["monitor"], global: [], indices, applications, run_as: [] });
  });
  await check("security.get_builtin_privileges", async () => {
    const { cluster, index } = await security.getBuiltinPrivileges();
    assert.ok(cluster.includes("manage_security") && index.includes("read"));
  });
  await checkRefused("security.get_builtin_privileges", 403, "security_exception", () => own.getBuiltinPrivileges());
}

async function checkKeys() {
  const name = "pipeline", metadata = { team: "x" };
  const indices = [{ names: ["logs-*"], privileges: ["read"] }];
  const role_descriptors = { reader: { cluster: ["manage_own_api_key"], indices } };
  let key;
  await check("security.create_api_key", async () => {
    key = await security.createApiKey({ name, expiration: "1d", metadata, role_descriptors });
    expect(key, { name, encoded: Buffer.from(`${key.id}:${key.api_key}`).toString("base64") });
    assert.ok(key.expiration > Date.now());

    const caller = { username: "demo", authentication_type: "api_key", api_key: { id: key.id, name } };
    for (const apiKey of [key.encoded, key]) expect(await connect({ apiKey }).security.authenticate(), caller);
  });
  await checkRefused("security.create_api_key", 400, "x_content_parse_exception", () =>
    security.createApiKey({ name, expiration: "soon" }));

  await check("security.get_api_key", async () => {
    const found = { id: key.id, name, type: "rest", invalidated: false, username: "demo", metadata, role_descriptors };
    expect(await security.getApiKey({ id: key.id, with_limited_by: true }), { api_keys: [found] });
    expect(await security.getApiKey({ name: "pipe*", owner: true, active_only: true }), { api_keys: [found] });
    expect(await connect({ apiKey: key }).security.getApiKey({ id: key.id }), { api_keys: [found] });
  });
  await checkRefused("security.get_api_key", 404, undefined, () => security.getApiKey({ id: "unknown" }));

  await check("security.query_api_keys", async () => {
    const query = { bool: { must: [{ prefix: { name: "pipe" } }], filter: [{ term: { "metadata.team": "x" } }] } };
    const aggs = { types: { terms: { field: "type" } } };
    const found = await security.queryApiKeys({ query, aggs, sort: [{ creation: "desc" }], from: 0, size: 5 });
    expect(found, { total: 1, count: 1, api_keys: [{ id: key.id, name, metadata }] });
    expect(found.aggregations, { types: { buckets: [{ key: "rest", doc_count: 1 }] } });
  });
  await checkRefused("security.query_api_keys", 400, "illegal_argument_exception", () =>
    security.queryApiKeys({ query: { term: { api_key_hash: "x" } } }));

  await check("security.clear_api_key_cache", async () => {
    expect(await security.clearApiKeyCache({ ids: [key.id, "unknown"] }), cleared);
  });
  await check("security.invalidate_api_key", async () => {
    const none = { previously_invalidated_api_keys: [], error_count: 0 };
    expect(await security.invalidateApiKey({ ids: [key.id] }), { invalidated_api_keys: [key.id], ...none });
    await assert.rejects(connect({ apiKey: key }).security.authenticate(), { statusCode: 401 });
  });
  await checkRefused("security.invalidate_api_key", 400, "action_request_validation_exception", () =>
    security.invalidateApiKey({ owner: false }));
}

async function checkKeyUpdates() {
  const { id } = await security.createApiKey({ name: "updated" });
  const role_descriptors = { reader: { cluster: ["monitor"] } };
  await check("security.update_api_key", async () => {
    const update = { id, metadata: { team: "y" }, role_descriptors };
    expect(await security.updateApiKey(update), { updated: true });
    expect(await security.updateApiKey(update), { updated: false });
    expect(await security.getApiKey({ id }), { api_keys: [{ metadata: { team: "y" }, role_descriptors }] });
  });
  await checkRefused("security.update_api_key", 404, "resource_not_found_exception", () =>
    security.updateApiKey({ id: "unknown" }));

  await check("security.bulk_update_api_keys", async () => {
    const update = { ids: [id, "unknown"], metadata: { team: "z" }, expiration: "1d" };
    const answer = await security.bulkUpdateApiKeys(update);
    const details = { unknown: { type: "resource_not_found_exception" } };
    expect(answer, { updated: [id], noops: [], errors: { count: 1, details } });
    expect(await security.getApiKey({ id }), { api_keys: [{ metadata: { team: "z" }, role_descriptors }] });
  });
  await checkRefused("security.bulk_update_api_keys", 400, "action_request_validation_exception", () =>
    security.bulkUpdateApiKeys({ ids: [] }));
}

async function checkGrantedKeys() {
  const grant = { grant_type: "password", ...(await addUser("grantee", "superuser")) };
  await check("security.grant_api_key", async () => {
    const api_key = { name: "granted", metadata: { team: "x" } };
    const { id, encoded } = await security.grantApiKey({ ...grant, api_key });
    expect(await security.getApiKey({ id }), { api_keys: [{ username: "grantee", ...api_key }] });
    expect(await connect({ apiKey: encoded }).security.authenticate(), { username: "grantee" });
  });
  await checkRefused("security.grant_api_key", 403, "security_exception", () =>
    security.grantApiKey({ ...grant, password: "wrong", api_key: { name: "refused" } }));
}

async function checkCrossClusterKeys() {
  const access = { search: [{ names: ["logs-*"] }], replication: [{ names: ["archive"] }] };
  let key;
  await check("security.create_cross_cluster_api_key", async () => {
    key = await security.createCrossClusterApiKey({ name: "remote", expiration: "1d", access });
    expect(await security.getApiKey({ id: key.id }), { api_keys: [{ name: "remote", type: "cross_cluster", access }] });
    await assert.rejects(connect({ apiKey: key.encoded }).info(), { statusCode: 401 });
  });
  await checkRefused("security.create_cross_cluster_api_key", 400, "x_content_parse_exception", () =>
    security.createCrossClusterApiKey({ name: "remote", access: { search: "logs-*" } }));

  await check("security.update_cross_cluster_api_key", async () => {
    const update = { id: key.id, access: { search: [{ names: ["metrics"] }] }, metadata: { team: "x" } };
    expect(await security.updateCrossClusterApiKey(update), { updated: true });
    const { api_keys: [updated] } = await security.getApiKey({ id: key.id });
    expect(updated, { access: update.access, metadata: update.metadata });
    assert.equal(updated.access.replication, undefined);
  });
  await checkRefused("security.update_cross_cluster_api_key", 404, "resource_not_found_exception", () =>
    security.updateCrossClusterApiKey({ id: "unknown", access }));
}

async function checkClonedKeys() {
  const role_descriptors = { reader: { cluster: ["monitor"] } };
  const source = await security.createApiKey({ name: "source", role_descriptors });
  await check("security.clone_api_key", async () => {
    const changed = { name: "clone", metadata: { team: "x" } };
    const { id, encoded } = await security.cloneApiKey({ api_key: source.encoded, ...changed });
    expect(await security.getApiKey({ id }), { api_keys: [{ ...changed, role_descriptors }] });
    expect(await connect({ apiKey: encoded }).info(), { cluster_name: "sallyport" });
  });
  await checkRefused("security.clone_api_key", 403, "security_exception", () =>
    security.cloneApiKey({ api_key: source.encoded.slice(0, -8) + "AAAAAAA=", name: "clone" }));
}

async function checkTokens() {
  const user = await addUser("tokens", "superuser");
  const authenticate = (token) => connect({ bearer: token.access_token }).security.authenticate();
  let token;
  await check("security.get_token", async () => {
    const first = await security.getToken({ grant_type: "password", ...user });
    expect(first, { type: "Bearer", authentication: { username: "tokens" } });
    expect(await authenticate(first), { username: "tokens", authentication_type: "token" });

    token = await security.getToken({ grant_type: "refresh_token", refresh_token: first.refresh_token });
    expect(await authenticate(token), { username: "tokens" });
  });
  await checkRefused("security.get_token", 401, "security_exception", () =>
    security.getToken({ grant_type: "password", ...user, password: "wrong" }));

  await check("security.invalidate_token", async () => {
    const answer = { invalidated_tokens: 1, previously_invalidated_tokens: 0, error_count: 0 };
    expect(await security.invalidateToken({ token: token.access_token }), answer);
    await assert.rejects(authenticate(token), { statusCode: 401 });
  });
  await checkRefused("security.invalidate_token", 400, "action_request_validation_exception", () =>
    security.invalidateToken({ token: "x", refresh_token: "y" }));
}

async function checkServiceAccounts() {
  const account = { namespace: "elastic", service: "fleet-server" };
  const token = { ...account, name: "token-1" };
  const powerless = connect(await addUser("serviceless")).security;
  await check("security.get_service_accounts", async () => {
    const accounts = { "elastic/fleet-server": { role_descriptor: { run_as: [] } } };
    expect(await security.getServiceAccounts(), accounts);
    expect(await security.getServiceAccounts({ namespace: "elastic" }), accounts);
    expect(await security.getServiceAccounts(account), accounts);
  });
  await checkRefused("security.get_service_accounts", 403, "security_exception", () => powerless.getServiceAccounts());

  let bearer;
  const authenticate = () => connect({ bearer }).security.authenticate();
  await check("security.create_service_token", async () => {
    const answer = await security.createServiceToken(token);
    expect(answer, { created: true, token: { name: "token-1" } });
    bearer = answer.token.value;
    const described = { name: "token-1", type: "_service_account_index" };
    expect(await authenticate(), { username: "elastic/fleet-server", token: described });
  });
  await checkRefused("security.create_service_token", 403, "security_exception", () =>
    powerless.createServiceToken(token));

  await check("security.get_service_credentials", async () => {
    const credentials = { service_account: "elastic/fleet-server", count: 1, tokens: { "token-1": {} } };
    expect(await security.getServiceCredentials(account), credentials);
  });
  await checkRefused("security.get_service_credentials", 403, "security_exception", () =>
    powerless.getServiceCredentials(account));

  await check("security.clear_cached_service_tokens", async () => {
    expect(await security.clearCachedServiceTokens(token), cleared);
  });
  await check("security.delete_service_token", async () => {
    expect(await security.deleteServiceToken(token), { found: true });
    await assert.rejects(authenticate(), { statusCode: 401 });
  });
  await checkRefused("security.delete_service_token", 404, undefined, () => security.deleteServiceToken(token));
}

async function checkSettings() {
  const powerless = connect(await addUser("unsettled")).security;
  await check("security.get_settings", async () => {
    assert.deepEqual(await security.getSettings(), { "security": {}, "security-profile": {}, "security-tokens": {} });
  });
  await checkRefused("security.get_settings", 403, "security_exception", () => powerless.getSettings());
}

async function checkStats() {
  const powerless = connect(await addUser("uncounted")).security;
  await check("security.get_stats", async () => {
    const [node] = Object.values((await security.getStats()).nodes);
    expect(node, { roles: { dls: { bit_set_cache: { count: 0, memory: "0b", hits: 0 } } } });
  });
  await checkRefused("security.get_stats", 403, "security_exception", () => powerless.getStats());
}

/** Checks that sign-ins at SAML realms are refused where there is no realm. */
async function checkSAML() {
  const acs = "https://front-end.example/api/v1/users/auth/saml/_callback";
  await checkRefused("security.saml_prepare_authentication", 501, "status_exception", () =>
    security.samlPrepareAuthentication({ acs, relay_state: "/home" }));
  await checkRefused("security.saml_authenticate", 501, "status_exception", () =>
    security.samlAuthenticate({ content: "eA==", ids: ["_1"] }));
  await checkRefused("security.saml_logout", 400, "illegal_argument_exception", () =>
    security.samlLogout({ token: "x" }));
  await checkRefused("security.saml_invalidate", 501, "status_exception", () =>
    security.samlInvalidate({ query_string: "SAMLRequest=x", acs }));
  await checkRefused("security.saml_service_provider_metadata", 404, "resource_not_found_exception", () =>
    security.samlServiceProviderMetadata({ realm_name: "unknown" }));
}

/** Checks what all operations have in common in the client. */
async function checkOptions() {
  const user = await addUser("acted-for", "superuser");
  await check("security.get_user/meta", async () => {
    const answer = await security.getUser({ username: "acted-for" }, { meta: true });
    expect(answer, { statusCode: 200, warnings: null, body: { "acted-for": { enabled: true } } });
    expect(answer.headers, { "content-type": `application/vnd.elasticsearch+json;compatible-with=${version}` });
  });
  await check("security.get_user/ignore", async () => {
    const answer = await security.getUser({ username: "unknown" }, { ignore: [404], meta: true });
    expect(answer, { statusCode: 404, body: {} });
  });
  await check("security.get_user/filter_path", async () => {
    const answer = await security.getUser({ username: "acted-for", filter_path: "*.roles" });
    assert.deepEqual(answer, { "acted-for": { roles: ["superuser"] } });
  });
  await check("security.authenticate/run_as", async () => {
    const child = client.child({ headers: { "es-security-runas-user": "acted-for" } });
    expect(await child.security.authenticate(), { username: "acted-for", roles: ["superuser"] });
  });
  await check("security.create_api_key/compression", async () => {
    const compressed = connect(user, { compression: true });
    expect(await compressed.security.createApiKey({ name: "compressed" }), { name: "compressed" });
  });
}
