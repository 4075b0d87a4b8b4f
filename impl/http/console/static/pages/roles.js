import { call } from "../api.js";
import { html, useMemo, useState } from "../html.js";
import { go, to } from "../router.js";
import { checkRole, plainDescriptor, pretty } from "../descriptors.js";
import { JsonEditor } from "../editor.js";
import { caller } from "../session.js";
import {
  announce, Badge, Button, confirm, Empty, ErrorNote, Field, Loaded, Page, submit, Table, useAction, useLoad,
} from "../ui.js";
import { useKnownPrivileges } from "./keycreate.js";

/** @typedef {import("../../types/api").Schemas["RoleDescriptorInformation"]} Role */

const example = `{
  "description": "Reads the logs",
  "cluster": ["monitor"],
  "indices": [{ "names": ["logs-*"], "privileges": ["read"] }]
}`;

const reserved = (/** @type {Role} */ role) => role.metadata._reserved === true;
const manages = () => Boolean(caller.value?.cluster.manage_security);

/** The list of roles. */
export function Roles() {
  const state = useLoad((signal) => call("get", "/_security/role", { signal }), []);
  const roles = Object.entries(state.data ?? {}).sort(([a], [b]) => a.localeCompare(b));
  return html`<${Page} title="Roles" lead="Sets of Elasticsearch's privileges, which users have by their names."
    actions=${manages() && html`<a class="button primary" href=${to(["roles", "_create"])}>Create role</a>`}>
    <${Loaded} state=${state}>${roles.length === 0 ? html`<${Empty} title="There are no roles" />` : html`
      <${Table} label="Roles"><thead><tr><th>Name</th><th>Kind</th><th class="wide">Cluster</th><th class="wide">Indices</th>
        <th class="wide">Applications</th></tr></thead>
        <tbody>${roles.map(([name, role]) => html`<tr key=${name}>
          <td class="main"><a href=${to(["roles", name])}>${name}</a><span class="sub">${role.description}</span></td>
          <td>${reserved(role) ? html`<${Badge} kind="off">Reserved<//>` : html`<${Badge}>Own<//>`}</td>
          <td class="wide">${summary(role.cluster)}</td>
          <td class="wide">${summary(role.indices.flatMap((each) => each.names))}</td>
          <td class="wide">${summary(role.applications.map((each) => each.application))}</td>
        </tr>`)}</tbody><//>`}<//>
  <//>`;
}

/** @param {string[]} names */
function summary(names) {
  if (names.length === 0) return html`<span class="muted">–</span>`;
  const rest = names.length - 3;
  return `${names.slice(0, 3).join(", ")}${rest > 0 ? ` and ${rest} more` : ""}`;
}

/** A role: reserved ones are shown, others can be changed. @param {{name: string | undefined}} props */
export function RolePage({ name }) {
  const state = useLoad(async (signal) => {
    if (name === undefined) return { role: undefined };
    const found = await call("get", "/_security/role/{name}", { path: { name }, signal });
    return { role: found[name] };
  }, [name]);
  const role = state.data?.role;
  const fixed = role !== undefined && (reserved(role) || !manages());
  const remove = () => confirm({
    title: "Delete this role?",
    action: "Delete role",
    body: html`<p>Users keep the name <b>${name}</b>, which then grants nothing.</p>`,
    run: async () => {
      await call("delete", "/_security/role/{name}", { path: { name: name ?? "" } });
      announce(`The role ${name} is deleted.`);
      go(["roles"]);
    },
  });
  return html`<${Page} title=${name ?? "Create role"} back=${[to(["roles"]), "Roles"]}
    actions=${role && !fixed && html`<${Button} kind="danger" onClick=${remove}>Delete…<//>`}>
    <${Loaded} state=${state}>${fixed ? html`<section class="panel">
        <p class="muted">${reserved(role) ? "This role comes with the server, and cannot be changed." : "You may see this role, and not change it."}</p>
        <pre tabindex="0">${pretty(plainDescriptor(role))}</pre></section>` :
      state.data && html`<${RoleForm} name=${name} initial=${role ? pretty(plainDescriptor(role)) : example} />`}<//>
  <//>`;
}

/** @param {{name: string | undefined, initial: string}} props */
function RoleForm({ name: fixed, initial }) {
  const [name, setName] = useState(fixed ?? "");
  const [text, setText] = useState(initial);
  const known = useKnownPrivileges();
  const check = useMemo(() => checkRole(known), [known]);
  const { value, problems } = useMemo(() => check(text), [check, text]);
  const { run, busy, error } = useAction(async () => {
    if (problems.length > 0) throw new Error("Correct the marked lines first.");
    const path = { name: fixed ?? name.trim() };
    if (fixed === undefined && (await exists(path.name))) throw new Error(`There is already a role ${path.name}.`);
    await call("put", "/_security/role/{name}", { path, body: value });
    announce(`The role ${path.name} is saved.`);
    go(["roles"]);
  });
  return html`<form class="form" onSubmit=${submit(run)}>
    ${fixed === undefined && html`<${Field} label="Name" value=${name} onInput=${setName} required focus maxlength="507"
      autocapitalize="off" spellcheck=${false} />`}
    <${JsonEditor} label="Role descriptor" value=${text} onInput=${setText} check=${check} rows=${10}
      hint="In JSON: cluster, indices, applications, run_as, description and metadata." />
    <${ErrorNote} error=${error} />
    <div class="buttons start"><${Button} kind="primary" submit busy=${busy}>Save role<//>
      <a class="button" href=${to(["roles"])}>Cancel</a></div>
  </form>`;
}

/** Reports whether there is a role. @param {string} name */
const exists = async (name) => Object.hasOwn(await call("get", "/_security/role"), name);
