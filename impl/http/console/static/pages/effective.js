// What a key with role descriptors could do: what they ask for, limited by what the owner can do.
import { call } from "../api.js";
import { html, useEffect, useState } from "../html.js";
import { Badge, ErrorNote, Table } from "../ui.js";

/** @typedef {{kind: string, on: string, privilege: string, granted: boolean}} Line */

/** @param {unknown} value @returns {string[]} */
const list = (value) => (typeof value === "string" ? [value] : Array.isArray(value) ? value.map(String) : []);

/** The time without typing after which the server is asked, in milliseconds. */
const pause = 400;

/**
 * Shows for each privilege of valid descriptors whether the caller has it, too.
 * @param {{descriptors: Record<string, any> | undefined}} props
 */
export function Effective({ descriptors }) {
  const [lines, setLines] = useState(/** @type {Line[]} */ ([]));
  const [error, setError] = useState(/** @type {unknown} */ (undefined));
  const wanted = JSON.stringify(descriptors ?? null);
  useEffect(() => {
    if (!descriptors) return undefined;
    const controller = new AbortController();
    const timer = setTimeout(() => {
      ask(Object.values(descriptors), controller.signal).then((answer) => {
        setLines(answer);
        setError(undefined);
      }, (failure) => controller.signal.aborted || setError(failure));
    }, pause);
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [wanted]);

  if (!descriptors) return html`<p class="muted">Correct the descriptors to see what the key can do.</p>`;
  if (error !== undefined) return html`<${ErrorNote} error=${error} />`;
  if (Object.keys(descriptors).length === 0) {
    return html`<p>Without role descriptors the key can do everything that you can do now.</p>`;
  }
  if (lines.length === 0) return html`<p>The descriptors grant nothing: the key can only authenticate.</p>`;
  const missing = lines.filter((line) => !line.granted).length;
  return html`<p>${missing === 0 ? "You have all of these permissions, so the key gets them." :
    `The key does not get ${missing} of these permissions, because you do not have them.`}</p>
    <${Table} label="Effective permissions"><thead><tr><th>Permission</th><th>On</th><th>Effective</th></tr></thead>
      <tbody>${lines.map((line) => html`<tr><td><code>${line.privilege}</code></td><td>${line.on}</td>
        <td>${line.granted ? html`<${Badge} kind="good">Granted<//>` : html`<${Badge} kind="off">Not granted<//>`}</td></tr>`)}
      </tbody><//>`;
}

/**
 * @param {any[]} descriptors
 * @param {AbortSignal} signal
 * @returns {Promise<Line[]>}
 */
async function ask(descriptors, signal) {
  const cluster = [...new Set(descriptors.flatMap((each) => list(each.cluster)))];
  const index = descriptors.flatMap((each) => [...(each.indices ?? []), ...(each.index ?? [])]).map((each) => ({
    names: list(each.names),
    privileges: list(each.privileges),
    allow_restricted_indices: Boolean(each.allow_restricted_indices),
  })).filter((each) => each.names.length > 0 && each.privileges.length > 0);
  const application = descriptors.flatMap((each) => [...(each.applications ?? []), ...(each.application ?? [])]).map((each) => ({
    application: String(each.application),
    privileges: list(each.privileges),
    resources: list(each.resources),
  })).filter((each) => each.resources.length > 0 && each.privileges.length > 0 && !each.application.includes("*"));
  if (cluster.length + index.length + application.length === 0) return [];

  const has = await call("post", "/_security/user/_has_privileges", { signal, body: { cluster, index, application } });
  return [
    ...Object.entries(has.cluster).map(([privilege, granted]) => ({ kind: "cluster", on: "Cluster", privilege, granted })),
    ...Object.entries(has.index).flatMap(([name, privileges]) => Object.entries(privileges).map(
      ([privilege, granted]) => ({ kind: "index", on: `Index ${name}`, privilege, granted }))),
    ...Object.entries(has.application).flatMap(([name, resources]) => Object.entries(resources).flatMap(
      ([resource, privileges]) => Object.entries(privileges).map(
        ([privilege, granted]) => ({ kind: "application", on: `${name}: ${resource}`, privilege, granted })))),
  ];
}
