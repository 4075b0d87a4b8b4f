import { call } from "../api.js";
import { html } from "../html.js";
import { to } from "../router.js";
import { plainDescriptors, pretty } from "../descriptors.js";
import { caller } from "../session.js";
import { Badge, Button, Empty, Facts, Loaded, Page, Time, useLoad } from "../ui.js";
import { askToInvalidate, stateOf } from "./keys.js";

/** The details of a key. @param {{id: string}} props */
export function Key({ id }) {
  const state = useLoad(async (signal) => {
    const found = await call("post", "/_security/_query/api_key", {
      signal, query: { with_limited_by: true }, body: { query: { ids: { values: [id] } } },
    });
    return { key: found.api_keys[0] };
  }, [id]);
  const key = state.data?.key;
  const mine = key?.username === caller.value?.user.user_name;
  return html`<${Page} title=${key?.name ?? "API key"} back=${[to(["keys"]), "API keys"]}
    actions=${key && !key.invalidated && html`
      ${mine && html`<a class="button" href=${to(["keys", "_update"], { ids: id })}>Update…</a>`}
      <${Button} kind="danger" onClick=${() => askToInvalidate([id], [key.name], mine, state.reload)}>Invalidate…<//>`}>
    <${Loaded} state=${state}>${key ? html`<${Details} shown=${key} />` :
      html`<${Empty} title="There is no such key"><p>It may have been deleted, or belong to another user.</p><//>`}<//>
  <//>`;
}

/** @param {{shown: import("./keys.js").ApiKey}} props */
function Details({ shown: key }) {
  const state = stateOf(key);
  const descriptors = plainDescriptors(key.role_descriptors);
  const limit = plainDescriptors(key.limited_by?.[0] ?? {});
  return html`
    <section class="panel">
      <${Facts} facts=${[
        ["State", html`<${Badge} kind=${state.kind}>${state.text}<//>`],
        ["Id", html`<code>${key.id}</code>`],
        ["Owner", `${key.username} (${key.realm})`],
        ["Created", html`<${Time} at=${key.creation} />`],
        ["Expires", html`<${Time} at=${key.expiration} none="Never" />`],
        key.invalidation !== undefined && ["Invalidated", html`<${Time} at=${key.invalidation} />`],
        ["Last used", html`<${Time} at=${key.last_used} none="Never" />`],
      ]} />
    </section>
    <section class="panel"><h2>Role descriptors</h2>
      ${Object.keys(descriptors).length === 0 ?
        html`<p>None: the key can do what its owner could do when it was created.</p>` :
        html`<pre tabindex="0">${pretty(descriptors)}</pre>`}
      <h2>Limited by</h2>
      <p class="hint">What the owner could do when the key was created or last updated. The key can do what both allow.</p>
      <pre tabindex="0">${pretty(limit)}</pre>
    </section>
    <section class="panel"><h2>Metadata</h2>
      ${Object.keys(key.metadata).length === 0 ? html`<p class="muted">None</p>` :
        html`<pre tabindex="0">${pretty(key.metadata)}</pre>`}
    </section>`;
}
