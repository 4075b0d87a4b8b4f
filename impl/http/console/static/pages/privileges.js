import { call } from "../api.js";
import { html, useMemo, useState } from "../html.js";
import { go, to } from "../router.js";
import { checkObject, checkTexts, pretty } from "../descriptors.js";
import { JsonEditor } from "../editor.js";
import { caller } from "../session.js";
import { announce, Button, confirm, Empty, ErrorNote, Field, Loaded, Page, submit, Table, useAction, useLoad } from "../ui.js";

const manages = () => Boolean(caller.value?.cluster.manage_security);

/** The list of application privileges. */
export function Privileges() {
  const state = useLoad((signal) => call("get", "/_security/privilege", { signal }), []);
  const all = Object.values(state.data ?? {}).flatMap((each) => Object.values(each));
  const create = html`<a class="button primary" href=${to(["privileges", "_create"])}>Create privilege</a>`;
  return html`<${Page} title="Application privileges" actions=${manages() && create}
    lead="Privileges that other programs define, and ask for with _has_privileges. Roles grant them by their names.">
    <${Loaded} state=${state}>${all.length === 0 ? html`<${Empty} title="There are no application privileges">
        <p>A program defines its own, so that roles can grant them.</p>${manages() && html`<p>${create}</p>`}<//>` : html`
      <${Table} label="Application privileges"><thead><tr><th>Privilege</th><th>Application</th><th class="wide">Actions</th></tr></thead>
        <tbody>${all.map((each) => html`<tr key=${`${each.application} ${each.name}`}>
          <td class="main"><a href=${to(["privileges", each.application, each.name])}>${each.name}</a></td>
          <td>${each.application}</td><td class="wide">${each.actions.join(", ")}</td></tr>`)}</tbody><//>`}<//>
  <//>`;
}

/** A privilege, or the form for a new one. @param {{application?: string, name?: string}} props */
export function PrivilegePage({ application, name }) {
  const created = application === undefined || name === undefined;
  const state = useLoad(async (signal) => {
    if (created) return { found: undefined };
    const found = await call("get", "/_security/privilege/{application}/{privilege}", {
      path: { application, privilege: name }, signal,
    });
    return { found: found[application]?.[name] };
  }, [application, name]);
  const remove = () => confirm({
    title: "Delete this privilege?",
    action: "Delete privilege",
    body: html`<p>Roles keep the name <b>${name}</b> of ${application}, which then grants nothing.</p>`,
    run: async () => {
      await call("delete", "/_security/privilege/{application}/{privilege}", {
        path: { application: application ?? "", privilege: name ?? "" },
      });
      announce(`The privilege ${name} is deleted.`);
      go(["privileges"]);
    },
  });
  return html`<${Page} title=${created ? "Create privilege" : name} lead=${application} back=${[to(["privileges"]), "Application privileges"]}
    actions=${!created && manages() && html`<${Button} kind="danger" onClick=${remove}>Delete…<//>`}>
    <${Loaded} state=${state}>${state.data && html`<${PrivilegeForm} application=${application} name=${name}
      actions=${pretty(state.data.found?.actions ?? ["data:read/*"])} metadata=${pretty(state.data.found?.metadata ?? {})} />`}<//>
  <//>`;
}

/** @param {{application?: string, name?: string, actions: string, metadata: string}} props */
function PrivilegeForm(props) {
  const fixed = props.application !== undefined;
  const [application, setApplication] = useState(props.application ?? "");
  const [name, setName] = useState(props.name ?? "");
  const [actions, setActions] = useState(props.actions);
  const [metadata, setMetadata] = useState(props.metadata);
  const what = useMemo(() => checkTexts(actions), [actions]);
  const notes = useMemo(() => checkObject(metadata), [metadata]);
  const { run, busy, error } = useAction(async () => {
    if (what.problems.length + notes.problems.length > 0) throw new Error("Correct the marked lines first.");
    await call("put", "/_security/privilege", {
      body: { [application.trim()]: { [name.trim()]: { actions: what.value, metadata: notes.value } } },
    });
    announce(`The privilege ${name.trim()} is saved.`);
    go(["privileges"]);
  });
  return html`<form class="form" onSubmit=${submit(run)}>
    ${!fixed && html`<div class="columns">
      <${Field} label="Application" value=${application} onInput=${setApplication} required focus autocapitalize="off"
        spellcheck=${false} hint="It begins with a small letter, such as shop." />
      <${Field} label="Name" value=${name} onInput=${setName} required autocapitalize="off" spellcheck=${false}
        hint="It begins with a small letter, such as read." />
    </div>`}
    <${JsonEditor} label="Actions" value=${actions} onInput=${setActions} check=${checkTexts} rows=${3}
      hint="A list of actions, or patterns of actions." />
    <${JsonEditor} label="Metadata" value=${metadata} onInput=${setMetadata} check=${checkObject} rows=${3} />
    <${ErrorNote} error=${error} />
    ${manages() && html`<div class="buttons start"><${Button} kind="primary" submit busy=${busy}>Save privilege<//>
      <a class="button" href=${to(["privileges"])}>Cancel</a></div>`}
  </form>`;
}
