import { call } from "../api.js";
import { html, useState } from "../html.js";
import { go, to } from "../router.js";
import { Button, Empty, Field, Loaded, Page, submit, Table, Time, useLoad } from "../ui.js";

const pageSize = 50;

/** The parameters by which entries are selected. */
const filters = /** @type {const} */ (["actor", "subject", "event", "since", "until"]);

/** @typedef {Record<typeof filters[number], string>} Filter */

/** The audit trail. @param {{query: URLSearchParams}} props */
export function Audit({ query }) {
  const chosen = /** @type {Filter} */ (Object.fromEntries(filters.map((name) => [name, query.get(name) ?? ""])));
  const cursor = query.get("cursor") ?? "";
  const state = useLoad((signal) => call("get", "/api/v1/audit", {
    signal,
    query: { ...chosen, since: exact(chosen.since), until: exact(chosen.until), limit: pageSize, cursor },
  }), [query.toString()]);
  const entries = state.data?.entries ?? [];
  const next = state.data?.next_cursor;
  return html`<${Page} title="Audit trail" lead="Changes and failed attempts, the newest first.">
    <${FilterForm} key=${query.toString()} chosen=${chosen} />
    <${Loaded} state=${state}>
      ${entries.length === 0 ? html`<${Empty} title="No entry matches">
          <p>Other filters may find some.</p><p><a href=${to(["audit"])}>Show all entries</a></p><//>` : html`
        <${Entries} entries=${entries} chosen=${chosen} />
        <nav class="pages" aria-label="Pages">
          <p>${cursor !== "" && html`<a href=${to(["audit"], chosen)}>Newest entries</a>`}</p>
          <div>${next ? html`<a class="button small" href=${to(["audit"], { ...chosen, cursor: next })}>Older entries</a>` :
            html`<span class="muted">These are the oldest.</span>`}</div>
        </nav>`}
    <//>
  <//>`;
}

/** Returns the time of a field, which is in the reader's zone. @param {string} local */
const exact = (local) => (local === "" ? "" : new Date(local).toISOString());

/** @param {{chosen: Filter}} props */
function FilterForm({ chosen }) {
  const [values, setValues] = useState(chosen);
  const field = (/** @type {keyof Filter} */ name, /** @type {string} */ label, /** @type {Record<string, string>} */ rest) =>
    html`<${Field} label=${label} value=${values[name]} ...${rest}
      onInput=${(/** @type {string} */ value) => setValues({ ...values, [name]: value })} />`;
  return html`<form class="filters even" role="search" onSubmit=${submit(() => go(["audit"], values))}>
    ${field("actor", "By user", { type: "search" })}
    ${field("subject", "About", { type: "search", placeholder: "User or key id" })}
    ${field("event", "Event", { type: "search", placeholder: "user.created" })}
    ${field("since", "From", { type: "datetime-local" })}
    ${field("until", "Until", { type: "datetime-local" })}
    <div class="row end"><${Button} submit>Filter<//></div>
  </form>`;
}

/** @param {{entries: import("../../types/api").Schemas["AuditEntry"][], chosen: Filter}} props */
const Entries = ({ entries, chosen }) => html`<${Table} label="Entries">
  <thead><tr><th>Time</th><th>Event</th><th class="wide">By</th><th class="wide">About</th><th class="wide">Details</th></tr></thead>
  <tbody>${entries.map((entry) => html`<tr key=${entry.id}>
    <td><${Time} at=${entry.at} seconds /></td>
    <td class="nowrap"><a href=${to(["audit"], { ...chosen, event: entry.event })}><code>${entry.event}</code></a>
      <span class="sub narrow">${entry.actor}</span><span class="sub narrow">${entry.subject}</span></td>
    <td class="wide name">${entry.actor}<span class="sub">${entry.address}</span></td>
    <td class="wide name">${entry.subject ? html`<a href=${to(["audit"], { ...chosen, subject: entry.subject })}>${entry.subject}</a>` :
      html`<span class="muted">–</span>`}</td>
    <td class="wide details"><code>${details(entry.details)}</code>
      ${entry.request_id && html`<span class="sub">Request id ${entry.request_id}</span>`}</td>
  </tr>`)}</tbody><//>`;

/** @param {Record<string, unknown>} shown */
const details = (shown) => (Object.keys(shown).length === 0 ? "" : JSON.stringify(shown));
