import { call } from "../api.js";
import { html, useMemo, useState } from "../html.js";
import { to } from "../router.js";
import { checkDescriptors, checkObject } from "../descriptors.js";
import { JsonEditor } from "../editor.js";
import { announce, Button, Check, Copyable, ErrorNote, Field, Note, Page, Select, submit, Time, useAction, useLoad } from "../ui.js";
import { Effective } from "./effective.js";

/** @type {[string, string][]} */
export const lifetimes = [["7d", "7 days"], ["30d", "30 days"], ["90d", "90 days"], ["365d", "1 year"], ["", "Never"],
  ["other", "Another time…"]];

const example = `{
  "reader": {
    "cluster": ["monitor"],
    "indices": [{ "names": ["logs-*"], "privileges": ["read"] }]
  }
}`;

/** Returns the names of all privileges, or none if they cannot be read. */
export const useKnownPrivileges = () => {
  const { data } = useLoad((signal) => call("get", "/_security/privilege/_builtin", { signal }), []);
  return data ?? none;
};

const none = { cluster: [], index: [], remote_cluster: [] };

/** The form for a new key, and the key. */
export function CreateKey() {
  const [created, setCreated] = useState(
    /** @type {import("../../types/api").Schemas["SecurityCreateApiKeyResponse"] | undefined} */ (undefined));
  return created ? html`<${Created} created=${created} />` : html`<${Form} done=${setCreated} />`;
}

/** @param {{done: (created: any) => void}} props */
function Form({ done }) {
  const [name, setName] = useState("");
  const [lifetime, setLifetime] = useState("90d");
  const [other, setOther] = useState("");
  const [limited, setLimited] = useState(false);
  const [descriptors, setDescriptors] = useState(example);
  const [tagged, setTagged] = useState(false);
  const [metadata, setMetadata] = useState("{}");
  const known = useKnownPrivileges();
  const check = useMemo(() => checkDescriptors(known), [known]);
  const roles = useMemo(() => check(descriptors), [check, descriptors]);
  const tags = useMemo(() => checkObject(metadata), [metadata]);
  const wrong = (limited && roles.problems.length > 0) || (tagged && tags.problems.length > 0);

  const { run, busy, error } = useAction(async () => {
    if (wrong) throw new Error("Correct the marked lines first.");
    const expiration = lifetime === "other" ? other.trim() : lifetime;
    done(await call("post", "/_security/api_key", {
      body: {
        name: name.trim(),
        ...(expiration && { expiration }),
        ...(limited && { role_descriptors: roles.value }),
        ...(tagged && { metadata: tags.value }),
      },
    }));
    announce("The API key is created. Copy it now: it is shown only once.");
  });

  return html`<${Page} title="Create API key" back=${[to(["keys"]), "API keys"]}>
    <form class="form" onSubmit=${submit(run)}>
      <${Field} label="Name" name="name" value=${name} onInput=${setName} required focus maxlength="256"
        hint="What the key is for, such as nightly backup." />
      <div class="columns">
        <${Select} label="Expires after" name="lifetime" value=${lifetime} options=${lifetimes} onInput=${setLifetime} />
        ${lifetime === "other" && html`<${Field} label="Lifetime" value=${other} onInput=${setOther} required
          pattern="[0-9]+(d|h|m|s)" placeholder="12h" hint="A number and d, h, m or s." />`}
      </div>
      ${lifetime === "" && html`<${Note} kind="warn">A key that never expires works until it is invalidated.<//>`}
      <fieldset><legend>Permissions</legend>
        <${Check} type="radio" name="permissions" label="The same as yours" checked=${!limited}
          onChange=${() => setLimited(false)} hint="The key can do what you can do now, and never more than you." />
        <${Check} type="radio" name="permissions" label="Less than yours" checked=${limited}
          onChange=${() => setLimited(true)} hint="Role descriptors say what the key may do." />
        ${limited && html`<div class="nested">
          <${JsonEditor} label="Role descriptors" value=${descriptors} onInput=${setDescriptors} check=${check} rows=${8}
            hint="By name, in JSON: cluster, indices, applications and run_as." />
          <h2>Effective permissions</h2>
          <${Effective} descriptors=${roles.problems.length === 0 ? roles.value : undefined} />
        </div>`}
      </fieldset>
      <${Check} label="Add metadata" checked=${tagged} onChange=${setTagged}
        hint="Your own notes in JSON, by which keys can be searched." />
      ${tagged && html`<div class="nested"><${JsonEditor} label="Metadata" value=${metadata} onInput=${setMetadata}
        check=${checkObject} rows=${3} /></div>`}
      <${ErrorNote} error=${error} />
      <div class="buttons start"><${Button} kind="primary" submit busy=${busy}>Create API key<//>
        <a class="button" href=${to(["keys"])}>Cancel</a></div>
    </form>
  <//>`;
}

/** The new key, which is shown here and nowhere else. @param {{created: any}} props */
function Created({ created }) {
  return html`<${Page} title="API key created" back=${[to(["keys"]), "API keys"]}>
    <${Note} kind="warn"><p><b>Copy the key now.</b> It is shown only this once.</p><//>
    <div class="panel">
      <p><b>${created.name}</b> · expires <${Time} at=${created.expiration} none="never" /></p>
      <${Copyable} label="API key" value=${created.encoded} />
      <${Copyable} label="Header" value=${`Authorization: ApiKey ${created.encoded}`} />
      <${Copyable} label="Try it" value=${`curl -H "Authorization: ApiKey ${created.encoded}" ${location.origin}/_security/_authenticate`} />
    </div>
    <div class="buttons start"><a class="button primary" href=${to(["keys"])}>I have copied it</a></div>
  <//>`;
}
