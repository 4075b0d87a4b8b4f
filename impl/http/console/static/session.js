// The session: the token, its expiry, elevated permissions, and what the caller may do. The token is in memory and in
// the tab's storage, so that a reload keeps the session; it is removed at sign-out and at expiry.
import { ApiError, call, connect, send } from "./api.js";
import { tab } from "./storage.js";
import { Store } from "./store.js";

/** @typedef {import("../types/api").Schemas} Schemas */

/**
 * @typedef {object} Caller
 * @property {Schemas["User"]} user
 * @property {Schemas["AuthenticationInfo"]} info
 * @property {Record<string, boolean>} cluster cluster privileges that pages depend on, by name
 */

/** The item of the tab's storage with the token. */
const item = "sallyport.token";

/** The item with the state of a sign-in at an identity provider that this tab began. */
export const ssoItem = "sallyport.sso";

/** The cluster privileges that decide which pages are offered. */
const asked = ["manage_own_api_key", "manage_api_key", "read_security", "manage_security"];

/** The caller; null without a session, undefined while the console finds out. */
export const caller = new Store(/** @type {Caller | null | undefined} */ (undefined));

/**
 * The dialog that the session needs: to sign in again, or to give a code.
 * @typedef {{kind: "sign-in" | "elevate", settle: (done: boolean) => void}} Demand
 */
export const demand = new Store(/** @type {Demand | null} */ (null));

let token = "";
/** @type {ReturnType<typeof setTimeout> | undefined} */
let expiry;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let renewal;
let active = false;

connect({ token: () => token, recover });

/**
 * Keeps a token until it expires.
 * @param {Schemas["TokenResponse"]} answer
 */
function keep(answer) {
  keepToken(answer.token);
  keepUntil(answer.session_expiration_time);
}

/** @param {string} value */
function keepToken(value) {
  token = value;
  tab.set(item, value);
}

/**
 * Sets the times at which the token is renewed, if the user has done something until then, and removed.
 * @param {string | undefined} expires
 */
function keepUntil(expires) {
  clearTimeout(expiry);
  clearTimeout(renewal);
  if (!expires) return;
  const left = Date.parse(expires) - Date.now();
  active = false;
  expiry = setTimeout(() => void expire(), within(left));
  renewal = setTimeout(() => void renew(), within(left / 2));
}

/** Bounds a delay by what timers take. @param {number} delay */
const within = (delay) => Math.min(Math.max(delay, 0), 2 ** 31 - 1);

function drop() {
  token = "";
  tab.set(item, "");
  clearTimeout(expiry);
  clearTimeout(renewal);
}

async function expire() {
  drop();
  if (caller.value) await ask("sign-in");
}

/** Exchanges the token for a new one if the user has been active; otherwise the session is left to expire. */
async function renew() {
  if (!active) {
    for (const event of ["keydown", "pointerdown"]) addEventListener(event, renewOnce, { once: true });
    return;
  }
  try {
    const answer = (await send("post", "/api/v1/users/auth/_refresh", {})).body;
    if (token) keep(/** @type {Schemas["TokenResponse"]} */ (answer));
    await readInfo();
  } catch { /* the next request reports it */ }
}

function renewOnce() {
  for (const event of ["keydown", "pointerdown"]) removeEventListener(event, renewOnce);
  active = true;
  if (token) void renew();
}

for (const event of ["keydown", "pointerdown"]) addEventListener(event, () => { active = true; }, { passive: true });

/**
 * Asks the user for what a request lacked, and reports whether to send the request again.
 * @param {ApiError} error
 * @param {string} used the token that the request had
 */
async function recover(error, used) {
  if (!caller.value) return false;
  // Another request has already asked for it.
  if ((error.signedOut || error.elevationNeeded) && token && used !== token) return true;
  if (error.signedOut) {
    drop();
    return ask("sign-in");
  }
  if (error.elevationNeeded) return ask("elevate");
  return false;
}

/** @type {Promise<boolean> | undefined} */
let asking;

/**
 * Shows a dialog, and reports whether the user did what it asks for. Requests that fail together share one dialog.
 * @param {Demand["kind"]} kind
 * @returns {Promise<boolean>}
 */
function ask(kind) {
  asking ??= new Promise((/** @type {(done: boolean) => void} */ resolve) => {
    demand.set({ kind, settle: resolve });
  }).finally(() => {
    asking = undefined;
    demand.set(null);
  });
  return asking;
}

/** Continues the session of the tab, if there is one. */
export async function resume() {
  token = tab.get(item);
  tab.set(ssoItem, "");
  if (!token) {
    caller.set(null);
    return;
  }
  try {
    await identify();
  } catch (error) {
    if (!(error instanceof ApiError) || error.signedOut) drop();
    caller.set(null);
    if (error instanceof ApiError && !error.signedOut) throw error;
  }
}

/** Reads what the caller may do. */
async function identify() {
  const [user, info, checked] = await Promise.all([
    call("get", "/api/v1/user"),
    call("get", "/api/v1/users/auth"),
    call("post", "/_security/user/_has_privileges", { body: { cluster: asked } }),
  ]);
  keepUntil(info.expires_at);
  caller.set({ user, info, cluster: checked.cluster });
}

/** Reads the state of the caller's credentials again. */
export async function readInfo() {
  const info = await call("get", "/api/v1/users/auth");
  if (caller.value) caller.set({ ...caller.value, info });
}

/** Reads the caller's user again. */
export async function readUser() {
  const user = await call("get", "/api/v1/user");
  if (caller.value) caller.set({ ...caller.value, user });
}

/**
 * Signs in with a password.
 * @param {string} username
 * @param {string} password
 * @param {string} code a one-time code, or "" for none
 */
export async function signIn(username, password, code) {
  const body = code ? { username, password, token: code } : { username, password };
  const answer = await call("post", "/api/v1/users/auth/_login", { body, anonymous: true });
  const before = caller.value?.user.user_name;
  keep(answer);
  await identify();
  // The pages on the screen are those of another user.
  if (before !== undefined && before !== caller.value?.user.user_name) location.reload();
}

/**
 * Takes elevated permissions with a one-time code.
 * @param {string} code
 */
export async function elevate(code) {
  const { body } = await send("post", "/api/v1/users/auth/_elevate", { body: { token: code } });
  keep(/** @type {Schemas["TokenResponse"]} */ (body));
  await readInfo();
}

/** Gives up elevated permissions. */
export async function unelevate() {
  keep(await call("delete", "/api/v1/users/auth/_elevate"));
  await readInfo();
}

/** Ends the session here even if the server cannot be reached, and goes on to the identity provider's logout. */
export async function signOut() {
  let next = "";
  try {
    if (token) {
      const { headers } = await send("post", "/api/v1/users/auth/_logout", {});
      next = /<(https?:[^>]*)>/.exec(headers.get("Link") ?? "")?.[1] ?? "";
    }
  } catch { /* the token expires by itself */ }
  drop();
  demand.value?.settle(false);
  caller.set(null);
  location.hash = "";
  if (next) location.assign(next);
}

/**
 * Begins a sign-in at an identity provider. The page on which it ends hands the token to this tab only if the state is
 * the one that this tab keeps, so that a link with the token of another user has no effect.
 * @param {string} url
 */
export function signInAt(url) {
  const bytes = crypto.getRandomValues(new Uint8Array(18));
  const state = `/console/?sign-in=${btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_")}`;
  tab.set(ssoItem, state);
  const address = new URL(url, location.href);
  address.searchParams.set("state", state);
  location.assign(address);
}

/**
 * Reports whether the caller has the permission to call an operation of the ECE family.
 * @param {string} operation
 */
export const may = (operation) => caller.value?.user.security.permissions?.includes(operation) ?? false;
