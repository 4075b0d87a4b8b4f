// Routes are in the fragment of the address, so that the server serves one page, and the browser's buttons work.
import { Store } from "./store.js";

/**
 * @typedef {object} Route
 * @property {string[]} path the decoded segments
 * @property {URLSearchParams} query
 */

/** @returns {Route} */
function read() {
  const [path = "", query = ""] = location.hash.replace(/^#?\/?/, "").split(/\?(.*)/s);
  const segments = path.split("/").filter((segment) => segment !== "");
  return { path: segments.map(decode), query: new URLSearchParams(query) };
}

/** @param {string} segment */
function decode(segment) {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

export const route = new Store(read());
addEventListener("hashchange", () => route.set(read()));

/**
 * Returns the address of a route. Empty values of the query are left out.
 * @param {string[]} path
 * @param {Record<string, string>} [query]
 */
export function to(path, query = {}) {
  const parameters = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== ""));
  return `#/${path.map(encodeURIComponent).join("/")}${parameters.size > 0 ? `?${parameters}` : ""}`;
}

/**
 * Goes to a route.
 * @param {string[]} path
 * @param {Record<string, string>} [query]
 */
export function go(path, query) {
  location.hash = to(path, query);
}

/**
 * Replaces the route, so that the back button leads to the page before.
 * @param {string[]} path
 * @param {Record<string, string>} [query]
 */
export function replace(path, query) {
  history.replaceState(null, "", to(path, query));
  route.set(read());
}
