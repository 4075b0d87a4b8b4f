// The client: one typed function over fetch for all operations of the contract.

/** @typedef {import("../types/api").Method} Method */
/** @typedef {import("../types/api").Paths} Paths */

/** The time limit of a request in milliseconds, so that no page waits without an end. */
const timeout = 20_000;

/** The end of the reason with which Elasticsearch's operations refuse callers without elevated permissions. */
const elevateHint = " at /api/v1/users/auth/_elevate";

/** A request that failed: refused by the server, or not answered. */
export class ApiError extends Error {
  /**
   * @param {string} message
   * @param {{status?: number, code?: string, fields?: string[], requestId?: string}} [details]
   */
  constructor(message, { status = 0, code = "", fields = [], requestId = "" } = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.fields = fields;
    this.requestId = requestId;
  }

  /** Whether the session is missing or expired. */
  get signedOut() {
    return this.status === 401;
  }

  /** Whether a sign-in needs a one-time code, too. The password was right then. */
  get codeNeeded() {
    return this.code === "root.unauthenticated.second_factor_required";
  }

  /** Whether the caller must take elevated permissions first. */
  get elevationNeeded() {
    return this.status === 449 || (this.status === 403 && this.message.endsWith(elevateHint));
  }
}

/**
 * What the session adds to requests. `recover` returns whether to send the request again.
 * @type {{token: () => string, recover: (error: ApiError, used: string) => Promise<boolean>}}
 */
const hooks = { token: () => "", recover: async () => false };

/**
 * Connects the client with the session.
 * @param {typeof hooks} connected
 */
export function connect(connected) {
  Object.assign(hooks, connected);
}

/**
 * Calls an operation and returns the body of its answer. A request that is refused because the session expired, or
 * because it needs elevated permissions, is repeated once the user has signed in or given a code.
 * @template {keyof Paths} P
 * @template {Method} M
 * @param {M} method
 * @param {P} path
 * @param {import("../types/api").Request<P, M>} [request]
 * @returns {Promise<import("../types/api").Answer<P, M>>}
 */
export async function call(method, path, request = {}) {
  for (;;) {
    const used = hooks.token();
    try {
      return /** @type {any} */ ((await send(method, path, request)).body);
    } catch (error) {
      if (request.anonymous || !(error instanceof ApiError) || !(await hooks.recover(error, used))) throw error;
    }
  }
}

/**
 * Sends a request once, and returns the body and the headers of its answer.
 * @param {string} method
 * @param {string} template
 * @param {{path?: Record<string, string>, query?: any, body?: unknown, signal?: AbortSignal, anonymous?: boolean}} r
 * @returns {Promise<{body: unknown, headers: Headers}>}
 */
export async function send(method, template, r) {
  const headers = new Headers({ Accept: "application/json" });
  if (hooks.token() && !r.anonymous) headers.set("Authorization", `Bearer ${hooks.token()}`);
  if (r.body !== undefined) headers.set("Content-Type", "application/json");
  const late = AbortSignal.timeout(timeout);

  let response, text;
  try {
    response = await fetch(addressOf(template, r.path, r.query), {
      method: method.toUpperCase(),
      headers,
      body: r.body === undefined ? undefined : JSON.stringify(r.body),
      credentials: "omit",
      cache: "no-store",
      referrerPolicy: "no-referrer",
      signal: r.signal ? AbortSignal.any([r.signal, late]) : late,
    });
    text = await response.text();
  } catch (error) {
    if (r.signal?.aborted) throw error;
    throw new ApiError(late.aborted
      ? `The server did not answer within ${timeout / 1000} seconds. Check whether it runs, and try again.`
      : "The server cannot be reached. Check the connection, and try again.");
  }
  const body = parse(text);
  if (!response.ok) throw failure(response, body);
  return { body, headers: response.headers };
}

/**
 * Returns the address of a path template with its parameters.
 * @param {string} template
 * @param {Record<string, string>} [path]
 * @param {Record<string, unknown>} [query]
 */
function addressOf(template, path = {}, query = {}) {
  const filled = template.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(path[name] ?? ""));
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== "") parameters.set(name, String(value));
  }
  return parameters.size > 0 ? `${filled}?${parameters}` : filled;
}

/** @param {string} text */
function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * Returns the error of either family of operations.
 * @param {Response} response
 * @param {any} body
 */
function failure(response, body) {
  const requestId = response.headers.get("X-Request-Id") ?? "";
  const first = body?.errors?.[0];
  const message = first?.message ?? body?.error?.reason ??
    (typeof body?.error === "string" ? body.error : `The server answered with status ${response.status}.`);
  return new ApiError(String(message), {
    status: response.status,
    code: String(first?.code ?? body?.error?.type ?? ""),
    fields: Array.isArray(first?.fields) ? first.fields.map(String) : [],
    requestId,
  });
}
