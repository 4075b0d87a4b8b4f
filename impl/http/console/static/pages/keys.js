import { call } from "../api.js";
import { html, useEffect, useState } from "../html.js";
import { go, to } from "../router.js";
import { caller } from "../session.js";
import { checkQuery, pretty } from "../descriptors.js";
import { JsonEditor } from "../editor.js";
import { useStore } from "../store.js";
import {
  Badge, Button, confirm, Empty, Field, Loaded, Page, Pages, Select, submit, Table, Time, useLoad, announce,
} from "../ui.js";

/** @typedef {import("../../types/api").Schemas["ApiKeyInformation"]} ApiKey */

const pageSize = 20;

/** The number of hits that a search can reach, as in Elasticsearch. */
const reachable = 10_000;

/** @type {[string, string][]} */
const states = [["active", "Active"], ["expired", "Expired"], ["invalidated", "Invalidated"], ["all", "All states"]];

/**
 * What a list of keys is selected by.
 * @typedef {{words: string, state: string, scope: string, sort: string, page: number, query: string}} Selection
 */

/** @param {URLSearchParams} query @returns {Selection} */
const selectionOf = (query) => ({
  words: query.get("q") ?? "",
  state: query.get("state") ?? "active",
  scope: query.get("of") ?? "me",
  sort: query.get("sort") ?? "creation:desc",
  page: Math.max(1, Number.parseInt(query.get("page") ?? "1", 10) || 1),
  query: query.get("query") ?? "",
});

/** Returns the query of the route of a changed selection. @param {Selection} s @param {Partial<Selection>} changes */
function address(s, changes) {
  const { words, state, scope, sort, page, query } = { ...s, page: 1, ...changes };
  return {
    q: words,
    state: state === "active" ? "" : state,
    of: scope === "me" ? "" : scope,
    sort: sort === "creation:desc" ? "" : sort,
    page: page === 1 ? "" : String(page),
    query,
  };
}

/**
 * Returns the query for the words and states that the user chose. Each word must be in the name or, among
 * keys of all users, in the owner's, or be the id.
 * @param {Selection} s
 * @param {string} user
 */
export function queryOf(s, user) {
  /** @type {unknown[]} */
  const filter = s.scope === "me" ? [{ term: { username: user } }] : [];
  for (const word of s.words.split(/\s+/).filter(Boolean)) {
    const value = `*${word.replace(/[\\*?]/g, "\\$&")}*`;
    filter.push({ bool: {
      should: [
        { wildcard: { name: { value, case_insensitive: true } } },
        ...(s.scope === "me" ? [] : [{ wildcard: { username: { value, case_insensitive: true } } }]),
        { ids: { values: [word] } },
      ],
      minimum_should_match: 1,
    } });
  }
  const endless = { bool: { must_not: { exists: { field: "expiration" } } } };
  if (s.state === "invalidated") filter.push({ term: { invalidated: true } });
  if (s.state === "active" || s.state === "expired") filter.push({ term: { invalidated: false } });
  if (s.state === "expired") filter.push({ range: { expiration: { lte: "now" } } });
  if (s.state === "active") {
    filter.push({ bool: { should: [{ range: { expiration: { gt: "now" } } }, endless], minimum_should_match: 1 } });
  }
  return { bool: { filter } };
}

/** @param {ApiKey} key */
export function stateOf(key) {
  if (key.invalidated) return { kind: "off", text: "Invalidated" };
  if (key.expiration !== undefined && key.expiration <= Date.now()) return { kind: "off", text: "Expired" };
  const week = 7 * 24 * 3600_000;
  if (key.expiration !== undefined && key.expiration - Date.now() < week) return { kind: "warn", text: "Expires soon" };
  return { kind: "good", text: "Active" };
}

/** The list of API keys. @param {{query: URLSearchParams}} props */
export function Keys({ query }) {
  const who = /** @type {import("../session.js").Caller} */ (useStore(caller));
  const user = who.user.user_name;
  const all = Boolean(who.cluster.manage_api_key || who.cluster.read_security);
  const s = selectionOf(query);
  const [words, setWords] = useState(s.words);
  useEffect(() => setWords(s.words), [s.words]);
  const [chosen, setChosen] = useState(/** @type {Set<string>} */ (new Set()));
  const [opened, setOpened] = useState(false);
  // A query of its own is always shown, also where the back button leads to it.
  const advanced = opened || s.query !== "";

  const [field = "creation", direction = "desc"] = s.sort.split(":");
  const state = useLoad(async (signal) => {
    const found = await call("post", "/_security/_query/api_key", {
      signal,
      body: {
        query: s.query ? JSON.parse(s.query) : queryOf(s, user),
        from: (s.page - 1) * pageSize,
        size: pageSize,
        sort: [{ [field]: { order: direction, missing: "_last" } }, { name: "asc" }],
      },
    });
    setChosen(new Set());
    return found;
  }, [query.toString(), user]);
  const change = (/** @type {Partial<Selection>} */ changes) => go(["keys"], address(s, changes));
  const selected = s.words !== "" || s.query !== "" || s.state !== "active";

  return html`<${Page} title="API keys"
    lead="Credentials for programs. A key acts for its owner, and can do at most what the owner can."
    actions=${html`<a class="button primary" href=${to(["keys", "_create"])}>Create API key</a>`}>
    <form class="filters" role="search" onSubmit=${submit(() => change({ words: words.trim() }))}>
      <${Field} label="Search" type="search" value=${words} onInput=${setWords} placeholder=${s.scope === "me" ? "Name or id" : "Name, owner or id"}
        disabled=${s.query !== ""} />
      <${Select} label="State" value=${s.state} options=${states} disabled=${s.query !== ""}
        onInput=${(/** @type {string} */ value) => change({ state: value, words: words.trim() })} />
      ${all && html`<${Select} label="Owner" value=${s.scope} options=${[["me", "Mine"], ["all", "All users"]]}
        disabled=${s.query !== ""}
        onInput=${(/** @type {string} */ value) => change({ scope: value, words: words.trim() })} />`}
      <div class="row end"><${Button} submit>Search<//>
        <${Button} kind="quiet" aria-expanded=${advanced ? "true" : "false"} onClick=${() => setOpened(!advanced)}>
          Query<//></div>
    </form>
    ${advanced && html`<${QueryEditor} key=${query.toString()} initial=${s.query || JSON.stringify(queryOf(s, user))}
      own=${s.query !== ""} run=${(/** @type {string} */ text) => change({ query: text })}
      reset=${() => change({ query: "" })} />`}
    <${Loaded} state=${state}>
      ${state.data && (state.data.total === 0 ? html`<${Nothing} selected=${selected} />` : html`
        <${Selected} ids=${[...chosen]} mine=${s.scope === "me" || !all}
          keys=${state.data.api_keys} done=${state.reload} />
        <${KeyTable} keys=${state.data.api_keys} s=${s} chosen=${chosen} setChosen=${setChosen} owners=${s.scope !== "me"} />
        <${Pages} page=${s.page} size=${pageSize} total=${Math.min(state.data.total, reachable)}
          href=${(/** @type {number} */ page) => to(["keys"], address(s, { page }))} />
        ${state.data.total > reachable && html`<p class="hint">${state.data.total.toLocaleString()} keys match; the first
          ${reachable.toLocaleString()} can be shown. Narrow the search to see others.</p>`}`)}
    <//>
  <//>`;
}

/** @param {{selected: boolean}} props */
const Nothing = ({ selected }) => (selected ? html`<${Empty} title="No key matches">
    <p>Other words or another state may find it.</p><p><a href=${to(["keys"])}>Show all active keys</a></p><//>` :
  html`<${Empty} title="You have no active API keys">
    <p>Create one, and send it as <code>Authorization: ApiKey …</code> to the API.</p>
    <p><a class="button primary" href=${to(["keys", "_create"])}>Create API key</a></p><//>`);

/**
 * @param {{keys: ApiKey[], s: Selection, chosen: Set<string>, setChosen: (chosen: Set<string>) => void,
 *   owners: boolean}} props
 */
function KeyTable({ keys, s, chosen, setChosen, owners }) {
  const selectable = keys.filter((key) => !key.invalidated).map((key) => key.id);
  const toggle = (/** @type {string} */ id) => {
    const next = new Set(chosen);
    if (!next.delete(id)) next.add(id);
    setChosen(next);
  };
  const every = selectable.length > 0 && selectable.every((id) => chosen.has(id));
  return html`<${Table} label="API keys">
    <thead><tr>
      <th class="box"><input type="checkbox" aria-label="Select all on this page" checked=${every}
        disabled=${selectable.length === 0} onChange=${() => setChosen(new Set(every ? [] : selectable))} /></th>
      <${SortHeader} s=${s} field="name" text="Name" />
      <th>State</th>
      ${owners && html`<${SortHeader} s=${s} field="username" text="Owner" wide />`}
      <${SortHeader} s=${s} field="creation" text="Created" wide />
      <${SortHeader} s=${s} field="expiration" text="Expires" wide />
      <th class="wide">Last used</th>
    </tr></thead>
    <tbody>${keys.map((key) => {
      const state = stateOf(key);
      return html`<tr key=${key.id}>
        <td class="box"><input type="checkbox" aria-label=${`Select ${key.name}`} checked=${chosen.has(key.id)}
          disabled=${key.invalidated} onChange=${() => toggle(key.id)} /></td>
        <td class="main"><a href=${to(["keys", key.id])}>${key.name}</a><code class="sub">${key.id}</code></td>
        <td><${Badge} kind=${state.kind}>${state.text}<//></td>
        ${owners && html`<td class="wide">${key.username}</td>`}
        <td class="wide"><${Time} at=${key.creation} dateOnly /></td>
        <td class="wide"><${Time} at=${key.expiration} none="Never" dateOnly /></td>
        <td class="wide"><${Time} at=${key.last_used} none="Never" /></td>
      </tr>`;
    })}</tbody>
  <//>`;
}

/** @param {{s: Selection, field: string, text: string, wide?: boolean}} props */
function SortHeader({ s, field, text, wide = false }) {
  const [by, direction] = s.sort.split(":");
  const current = by === field;
  const next = current && direction === "asc" ? "desc" : "asc";
  return html`<th class=${wide ? "wide" : ""}
    aria-sort=${current ? (direction === "asc" ? "ascending" : "descending") : undefined}>
    <a class="sort" href=${to(["keys"], address(s, { sort: `${field}:${next}` }))}>${text}
      <span aria-hidden="true">${current ? (direction === "asc" ? "↑" : "↓") : ""}</span></a></th>`;
}

/**
 * What can be done with the selected keys.
 * @param {{ids: string[], keys: ApiKey[], mine: boolean, done: () => void}} props
 */
function Selected({ ids, keys, mine, done }) {
  const names = keys.filter((key) => ids.includes(key.id)).map((key) => key.name);
  return html`<div class=${`selected ${ids.length > 0 ? "some" : ""}`} role="group" aria-label="Selected keys">
    <p>${ids.length === 0 ? "Select keys to change or invalidate them." : `${ids.length} selected`}</p>
    <${Button} kind="small" disabled=${ids.length === 0}
      onClick=${() => go(["keys", "_update"], { ids: ids.join(",") })}>Update…<//>
    <${Button} kind="small danger" disabled=${ids.length === 0}
      onClick=${() => askToInvalidate(ids, names, mine, done)}>Invalidate…<//>
  </div>`;
}

/**
 * Invalidates keys after a confirmation.
 * @param {string[]} ids
 * @param {string[]} names
 * @param {boolean} mine whether all are the caller's, which needs less of the caller
 * @param {() => void} done
 */
export function askToInvalidate(ids, names, mine, done) {
  const many = ids.length > 1;
  confirm({
    title: many ? `Invalidate ${ids.length} API keys?` : "Invalidate this API key?",
    action: many ? `Invalidate ${ids.length} keys` : "Invalidate key",
    body: html`<p>Programs that use ${many ? "them are" : "it are"} refused at once. This cannot be undone.</p>
      <ul class="names">${names.slice(0, 10).map((name) => html`<li>${name}</li>`)}
        ${names.length > 10 && html`<li class="muted">…and ${names.length - 10} more</li>`}</ul>`,
    run: async () => {
      const result = await call("delete", "/_security/api_key", { body: mine ? { ids, owner: true } : { ids } });
      const count = result.invalidated_api_keys.length;
      announce(count === 1 ? "The key is invalidated." : `${count} keys are invalidated.`);
      done();
    },
  });
}

/** @param {{initial: string, own: boolean, run: (text: string) => void, reset: () => void}} props */
function QueryEditor({ initial, own, run, reset }) {
  const [text, setText] = useState(() => indent(initial));
  const valid = checkQuery(text).problems.length === 0;
  return html`<form class="panel" onSubmit=${submit(() => valid && run(JSON.stringify(JSON.parse(text))))}>
    <${JsonEditor} label="Query" value=${text} onInput=${setText} check=${checkQuery}
      hint="The query behind the search, in Elasticsearch's language: change it to search by other fields, such as metadata." />
    <div class="buttons start"><${Button} submit disabled=${!valid}>Run the query<//>
      ${own && html`<${Button} kind="quiet" onClick=${reset}>Back to the simple search<//>`}</div>
  </form>`;
}

/** @param {string} text */
function indent(text) {
  try {
    return pretty(JSON.parse(text));
  } catch {
    return text;
  }
}
