import { call } from "../api.js";
import { html } from "../html.js";
import { Empty, Facts, Loaded, Page, Table, Time, useLoad } from "../ui.js";

/** The identity providers, and why sign-ins there were refused. */
export function SignOn() {
  const state = useLoad(async (signal) => {
    const [methods, refused] = await Promise.all([
      call("get", "/api/v1/users/auth/methods", { signal }),
      call("get", "/api/v1/users/auth/saml/refusals", { signal }),
    ]);
    return { methods, refused };
  }, []);
  return html`<${Page} title="Single sign-on"
    lead="SAML identity providers, and why the last sign-ins there were refused. The setting saml.realms configures them.">
    <${Loaded} state=${state}>${state.data && html`
      <section class="panel"><h2>Identity providers</h2>
        ${state.data.methods.sso_methods.length === 0 ? html`<p class="muted">None is configured.</p>` :
          html`<${Facts} facts=${state.data.methods.sso_methods.map((method) => [method.name, realm(method.url)])} />`}
      </section>
      <${Refusals} title="Refused sign-ins" refusals=${state.data.refused.refusals}
        empty="No sign-in was refused lately." />
      <${Refusals} title="Responses without a sign-in" refusals=${state.data.refused.unsolicited}
        empty="None. Anyone can send such responses: they belong to no sign-in that began here." />`}<//>
  <//>`;
}

/** The realm's id and its metadata. @param {string} url */
function realm(url) {
  const id = new URL(url, location.href).searchParams.get("realm");
  if (id === null) return "";
  return html`Realm <code>${id}</code> ·
    <a href=${`/api/v1/users/auth/saml/metadata?realm=${encodeURIComponent(id)}`} download=${`${id}.xml`}>Metadata</a>`;
}

/** @param {{title: string, refusals: import("../../types/api").Schemas["SamlRefusal"][], empty: string}} props */
const Refusals = ({ title, refusals, empty }) => html`<section class="section"><h2>${title}</h2>
  ${refusals.length === 0 ? html`<${Empty} title="Nothing to show"><p>${empty}</p><//>` : html`
    <${Table} label=${title}><thead><tr><th>Time</th><th>Reason</th><th class="wide">Realm</th><th class="wide">Address</th>
      <th class="wide">Request id</th></tr></thead>
      <tbody>${refusals.map((each) => html`<tr>
        <td><${Time} at=${each.at} /></td><td>${each.reason}</td><td class="wide">${each.realm ?? "–"}</td>
        <td class="wide">${each.address ?? "–"}</td><td class="wide"><code>${each.request_id ?? "–"}</code></td>
      </tr>`)}</tbody><//>`}</section>`;
