import { call } from "../api.js";
import { html, useMemo, useState } from "../html.js";
import { go, to } from "../router.js";
import { checkDescriptors, checkObject, plainDescriptors, pretty } from "../descriptors.js";
import { diff } from "../diff.js";
import { JsonEditor } from "../editor.js";
import {
  announce, Badge, Button, Check, Empty, ErrorNote, Field, Loaded, Note, Page, Select, submit, useAction, useLoad,
} from "../ui.js";
import { lifetimes, useKnownPrivileges } from "./keycreate.js";

/** @typedef {import("./keys.js").ApiKey} ApiKey */
/** @typedef {import("../../types/api").Schemas["BulkUpdateApiKeysResponse"]} Outcome */
/** @typedef {import("../../types/api").Schemas["BulkUpdateApiKeysRequest"]} Change */

/** Changes several keys at once, with a preview. @param {{query: URLSearchParams}} props */
export function UpdateKeys({ query }) {
  const ids = (query.get("ids") ?? "").split(",").filter(Boolean);
  const state = useLoad(async (signal) => {
    const found = await call("post", "/_security/_query/api_key", {
      signal, body: { query: { ids: { values: ids } }, size: ids.length },
    });
    return found.api_keys;
  }, [query.toString()]);
  const title = ids.length === 1 ? "Update API key" : `Update ${ids.length} API keys`;
  return html`<${Page} title=${title} back=${[to(["keys"]), "API keys"]}
    lead="Only your own keys can be changed. What you do not choose stays as it is.">
    <${Loaded} state=${state}>${state.data && (state.data.length === 0 ?
      html`<${Empty} title="There are no such keys"><p>Choose keys in the list.</p><//>` :
      html`<${UpdateForm} keys=${state.data} />`)}<//>
  <//>`;
}

/** @param {{keys: ApiKey[]}} props */
function UpdateForm({ keys }) {
  const first = keys[0];
  const [chosen, setChosen] = useState({ expiration: false, descriptors: false, metadata: false });
  const [lifetime, setLifetime] = useState("90d");
  const [other, setOther] = useState("");
  const [descriptors, setDescriptors] = useState(() => pretty(plainDescriptors(first.role_descriptors)));
  const [metadata, setMetadata] = useState(() => pretty(first.metadata));
  const [outcome, setOutcome] = useState(/** @type {{body: string, result: Outcome} | undefined} */ (undefined));
  const known = useKnownPrivileges();
  const check = useMemo(() => checkDescriptors(known), [known]);
  const roles = useMemo(() => check(descriptors), [check, descriptors]);
  const tags = useMemo(() => checkObject(metadata), [metadata]);
  const toggle = (/** @type {keyof typeof chosen} */ name) => (/** @type {boolean} */ on) => setChosen({ ...chosen, [name]: on });

  const wrong = (chosen.descriptors && roles.problems.length > 0) || (chosen.metadata && tags.problems.length > 0);
  /** @type {Change} */
  const body = {
    ids: keys.map((key) => key.id),
    ...(chosen.expiration && { expiration: lifetime === "other" ? other.trim() : lifetime }),
    ...(chosen.descriptors && { role_descriptors: roles.value }),
    ...(chosen.metadata && { metadata: tags.value }),
  };
  // A preview is one of this request; it is out of date when the form is changed.
  const current = outcome !== undefined && outcome.body === JSON.stringify(body);

  const preview = useAction(async () => {
    if (wrong) throw new Error("Correct the marked lines first.");
    const result = await call("post", "/_security/api_key/_bulk_update", { query: { dry_run: true }, body });
    setOutcome({ body: JSON.stringify(body), result });
  });
  const apply = useAction(async () => {
    const result = await call("post", "/_security/api_key/_bulk_update", { body });
    announce(`${result.updated.length} changed, ${result.noops.length} were like that already, ${result.errors?.count ?? 0} failed.`);
    if (result.errors) setOutcome({ body: "", result });
    else go(["keys"]);
  });
  return html`<form class="form broad" onSubmit=${submit(preview.run)}>
    <fieldset><legend>What to change</legend>
      <${Check} label="Expiration" checked=${chosen.expiration} onChange=${toggle("expiration")} hint="Counted from now on." />
      ${chosen.expiration && html`<div class="nested"><div class="columns">
        <${Select} label="Expires after" value=${lifetime} onInput=${setLifetime}
          options=${lifetimes.filter(([value]) => value !== "")} />
        ${lifetime === "other" && html`<${Field} label="Lifetime" value=${other} onInput=${setOther} required
          pattern="[0-9]+(d|h|m|s)" placeholder="12h" hint="A number and d, h, m or s." />`}</div></div>`}
      <${Check} label="Role descriptors" checked=${chosen.descriptors} onChange=${toggle("descriptors")}
        hint="They replace those of each key; {} removes them." />
      ${chosen.descriptors && html`<div class="nested"><${JsonEditor} label="New role descriptors" value=${descriptors}
        onInput=${setDescriptors} check=${check} /></div>`}
      <${Check} label="Metadata" checked=${chosen.metadata} onChange=${toggle("metadata")}
        hint="It replaces that of each key; {} removes it." />
      ${chosen.metadata && html`<div class="nested"><${JsonEditor} label="New metadata" value=${metadata}
        onInput=${setMetadata} check=${checkObject} rows=${3} /></div>`}
    </fieldset>
    <p class="hint">An update also limits the keys by what you can do now.</p>
    <${ErrorNote} error=${preview.error ?? apply.error} />
    ${outcome && html`<${Preview} keys=${keys} outcome=${outcome.result} body=${body} current=${current} />`}
    <div class="buttons start">
      <${Button} kind=${current ? "" : "primary"} submit busy=${preview.busy}>Preview<//>
      ${current && html`<${Button} kind="primary" onClick=${apply.run} busy=${apply.busy}
        disabled=${outcome.result.updated.length === 0}>Update ${outcome.result.updated.length}
        ${outcome.result.updated.length === 1 ? " key" : " keys"}<//>`}
      <a class="button" href=${to(["keys"])}>Cancel</a>
    </div>
  </form>`;
}

/**
 * What the server would do with each key, and the lines that would change.
 * @param {{keys: ApiKey[], outcome: Outcome, body: Change, current: boolean}} props
 */
const Preview = ({ keys, outcome, body, current }) => html`<section class="section" aria-live="polite">
  <h2>${current ? "Preview: nothing is changed yet" : "Last result"}</h2>
  ${keys.map((key) => {
    const error = outcome.errors?.details[key.id];
    return html`<div class="panel"><p><b>${key.name}</b> ${" "}
        ${error ? html`<${Badge} kind="bad">Refused<//>` : outcome.updated.includes(key.id) ?
          html`<${Badge} kind="good">${current ? "Will change" : "Changed"}<//>` : html`<${Badge} kind="off">Stays as it is<//>`}</p>
      ${error ? html`<${Note} kind="error">${error.reason}<//>` : html`<${Diff} before=${shown(key)} after=${changed(key, body)} />`}
    </div>`;
  })}</section>`;

/** @param {ApiKey} key */
const shown = (key) => pretty({
  expiration: key.expiration === undefined ? "never" : new Date(key.expiration).toISOString().slice(0, 16),
  role_descriptors: plainDescriptors(key.role_descriptors),
  metadata: key.metadata,
});

/** @param {ApiKey} key @param {Change} body */
const changed = (key, body) => pretty({
  expiration: body.expiration !== undefined ? `${body.expiration} from now on` :
    key.expiration === undefined ? "never" : new Date(key.expiration).toISOString().slice(0, 16),
  role_descriptors: plainDescriptors(body.role_descriptors ?? key.role_descriptors),
  metadata: body.metadata ?? key.metadata,
});

/** @param {{before: string, after: string}} props */
const Diff = ({ before, after }) => html`<div class="diff" role="region" aria-label="Changes" tabindex="0">
  ${diff(before, after).map((line) => html`<span class=${line.sign === "+" ? "plus" : line.sign === "-" ? "minus" : ""}>
    ${line.sign === " " ? "  " : html`<span class="visually-hidden">${line.sign === "+" ? "added" : "removed"}</span>${line.sign} `}${line.text}</span>`)}</div>`;
