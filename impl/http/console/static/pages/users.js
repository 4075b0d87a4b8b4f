import { call } from "../api.js";
import { html, useEffect, useState } from "../html.js";
import { go, to } from "../router.js";
import { may } from "../session.js";
import { Badge, Empty, Field, Loaded, Page, Pages, Select, Table, Time, useLoad } from "../ui.js";

const pageSize = 50;

/** The list of users. @param {{query: URLSearchParams}} props */
export function Users({ query }) {
  const state = useLoad((signal) => call("get", "/api/v1/users", { signal, query: { include_disabled: true } }), []);
  const asked = query.get("q") ?? "";
  const [words, setWords] = useState(asked);
  useEffect(() => setWords(asked), [asked]);
  const shown = query.get("state") ?? "all";
  const page = Math.max(1, Number.parseInt(query.get("page") ?? "1", 10) || 1);
  const wanted = words.toLowerCase();
  const users = (state.data?.users ?? []).filter((user) =>
    [user.user_name, user.full_name, user.email].some((each) => each?.toLowerCase().includes(wanted)) &&
    (shown === "all" || (shown === "disabled") === (user.security.enabled === false)));
  return html`<${Page} title="Users" lead="The people and programs that can sign in."
    actions=${may("create-user") && html`<a class="button primary" href=${to(["users", "_create"])}>Create user</a>`}>
    <div class="filters" role="search">
      <${Field} label="Search" type="search" value=${words} placeholder="Name or e-mail address" onInput=${setWords} />
      <${Select} label="State" value=${shown} options=${[["all", "All states"], ["enabled", "Enabled"], ["disabled", "Disabled"]]}
        onInput=${(/** @type {string} */ value) => go(["users"], { state: value === "all" ? "" : value })} />
    </div>
    <${Loaded} state=${state}>
      ${users.length === 0 ? html`<${Empty} title="No user matches"><p>Other words or another state may find one.</p><//>` :
        html`<${UserTable} users=${users.slice((page - 1) * pageSize, page * pageSize)} />
          <${Pages} page=${page} size=${pageSize} total=${users.length}
            href=${(/** @type {number} */ number) => to(["users"], { state: shown === "all" ? "" : shown, page: String(number) })} />`}
    <//>
  <//>`;
}

/** @param {{users: import("../../types/api").Schemas["User"][]}} props */
const UserTable = ({ users }) => html`<${Table} label="Users">
  <thead><tr><th>Name</th><th>State</th><th class="wide">Roles</th><th class="wide">Comes from</th>
    <th class="wide">Last sign-in</th></tr></thead>
  <tbody>${users.map((user) => html`<tr key=${user.user_name}>
    <td class="main"><a href=${to(["users", user.user_name])}>${user.user_name}</a>
      <span class="sub">${user.full_name || user.email}</span></td>
    <td>${user.security.enabled === false ? html`<${Badge} kind="off">Disabled<//>` : html`<${Badge} kind="good">Enabled<//>`}</td>
    <td class="wide"><span class="badges">${(user.security.roles ?? []).map((role) => html`<${Badge}>${role}<//>`)}</span></td>
    <td class="wide">${user.builtin ? "Built in" : user.security.security_realm?.id}</td>
    <td class="wide"><${Time} at=${user.metadata?.last_login_at} none="Never" /></td>
  </tr>`)}</tbody><//>`;
