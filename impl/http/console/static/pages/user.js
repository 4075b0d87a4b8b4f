import { ApiError, call } from "../api.js";
import { html, useState } from "../html.js";
import { go, to } from "../router.js";
import { caller, may } from "../session.js";
import {
  announce, Badge, Button, Check, confirm, Copyable, ErrorNote, Facts, Field, Loaded, Note, Page, submit, Time, useAction,
  useLoad,
} from "../ui.js";

/** @typedef {import("../../types/api").Schemas["User"]} User */

/** ECE's roles, with what they are for. */
const platformRoles = /** @type {const} */ ([
  ["ece_platform_admin", "Administrator: may do everything, and stands alone"],
  ["ece_platform_viewer", "May see everything, and change nothing of others"],
  ["ece_deployment_manager", "Manages deployments"],
  ["ece_deployment_viewer", "Sees deployments"],
]);

/** @param {string} role */
const isPlatform = (role) => platformRoles.some(([name]) => name === role);

/** Returns a random password. */
function generatePassword() {
  const bytes = crypto.getRandomValues(new Uint8Array(15));
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_");
}

/** ECE's roles to choose from, and the names of others. @param {{roles: string[], setRoles: (roles: string[]) => void}} props */
function Roles({ roles, setRoles }) {
  const others = roles.filter((role) => !isPlatform(role)).join(", ");
  const [text, setText] = useState(others);
  const chosen = roles.filter(isPlatform);
  const set = (/** @type {string[]} */ platform, /** @type {string} */ names) =>
    setRoles([...platform, ...names.split(",").map((name) => name.trim()).filter(Boolean)]);
  return html`<fieldset><legend>Roles</legend>
    ${platformRoles.map(([name, hint]) => html`<${Check} label=${html`<code>${name}</code>`} hint=${hint}
      checked=${chosen.includes(name)}
      onChange=${(/** @type {boolean} */ on) => set(on ? [...chosen, name] : chosen.filter((each) => each !== name), text)} />`)}
    <${Field} label="Other roles" value=${text} hint="Names of roles with privileges of Elasticsearch, with commas between them."
      onInput=${(/** @type {string} */ value) => {
        setText(value);
        set(chosen, value);
      }} />
  </fieldset>`;
}

/** The form for a new user. */
export function CreateUser() {
  const [name, setName] = useState("");
  const [fullName, setFullName] = useState("");
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const [roles, setRoles] = useState(/** @type {string[]} */ (["ece_deployment_viewer"]));
  const { run, busy, error } = useAction(async () => {
    await create(name.trim(), password, roles, fullName.trim(), email.trim());
    announce(`The user ${name.trim()} is created.`);
    go(["users", name.trim()]);
  });
  return html`<${Page} title="Create user" back=${[to(["users"]), "Users"]}>
    <form class="form" onSubmit=${submit(run)}>
      <${Field} label="User name" name="user_name" value=${name} onInput=${setName} required focus autocapitalize="off"
        spellcheck=${false} autocomplete="off" hint="It cannot be changed later." />
      <div class="columns">
        <${Field} label="Full name" value=${fullName} onInput=${setFullName} maxlength="512" autocomplete="off" />
        <${Field} label="E-mail address" type="email" value=${email} onInput=${setEmail} maxlength="512" autocomplete="off" />
      </div>
      <${NewPassword} value=${password} onInput=${setPassword} />
      <${Roles} roles=${roles} setRoles=${setRoles} />
      <${ErrorNote} error=${error} />
      <div class="buttons start"><${Button} kind="primary" submit busy=${busy}>Create user<//>
        <a class="button" href=${to(["users"])}>Cancel</a></div>
    </form>
  <//>`;
}

/**
 * Creates a user. The first operation knows ECE's roles only, and never changes an existing user; the second adds others.
 * @param {string} name @param {string} password @param {string[]} roles @param {string} fullName @param {string} email
 */
async function create(name, password, roles, fullName, email) {
  const platform = roles.filter(isPlatform);
  const rest = { ...(fullName && { full_name: fullName }), ...(email && { email }) };
  if (platform.length > 0) {
    await call("post", "/api/v1/users", { body: { user_name: name, ...rest, security: { password, roles: platform } } });
    if (platform.length === roles.length) return;
    await call("put", "/_security/user/{username}", { path: { username: name }, body: { roles } });
    return;
  }
  const exists = await call("get", "/api/v1/users/{user_name}", { path: { user_name: name } }).then(() => true, (error) => {
    if (error instanceof ApiError && error.status === 404) return false;
    throw error;
  });
  if (exists) throw new Error(`There is already a user ${name}.`);
  await call("put", "/_security/user/{username}", { path: { username: name }, body: { ...rest, password, roles } });
}

/** @param {{value: string, onInput: (value: string) => void}} props */
function NewPassword({ value, onInput }) {
  const [generated, setGenerated] = useState("");
  return html`<div class="field">
    <${Field} label="Password" type="password" value=${value} onInput=${onInput} required minlength="8"
      autocomplete="new-password" hint="At least 8 characters, and not a common one." />
    <div><${Button} kind="small" onClick=${() => {
      const password = generatePassword();
      setGenerated(password);
      onInput(password);
    }}>Generate<//></div>
    ${generated !== "" && generated === value && html`<${Copyable} label="Generated password" value=${generated} />`}
  </div>`;
}

/** The details of a user, and what administrators can do. @param {{name: string}} props */
export function UserPage({ name }) {
  const state = useLoad(async (signal) => {
    const [user, native] = await Promise.all([
      call("get", "/api/v1/users/{user_name}", { path: { user_name: name }, signal }),
      call("get", "/_security/user/{username}", { path: { username: name }, signal }),
    ]);
    return { user, roles: native[name]?.roles ?? user.security.roles ?? [] };
  }, [name]);
  return html`<${Page} title=${name} back=${[to(["users"]), "Users"]}
    actions=${state.data && html`<${Actions} user=${state.data.user} reload=${state.reload} />`}>
    <${Loaded} state=${state}>${state.data && html`<${Details} user=${state.data.user} roles=${state.data.roles} />
      ${may("update-user") && !state.data.user.builtin && html`
        <${Edit} key=${state.data.user.metadata?.updated_at} user=${state.data.user} roles=${state.data.roles}
          reload=${state.reload} />
        ${isNative(state.data.user) && html`<${Reset} name=${name} />`}`}`}<//>
  <//>`;
}

/** @param {User} user */
const isNative = (user) => (user.security.security_realm?.type ?? "native") === "native";

/** @param {{user: User, roles: string[]}} props */
const Details = ({ user, roles }) => html`<section class="panel"><${Facts} facts=${[
  ["State", user.security.enabled === false ? html`<${Badge} kind="off">Disabled<//>` : html`<${Badge} kind="good">Enabled<//>`],
  ["Full name", user.full_name || "–"],
  ["E-mail address", user.email || "–"],
  ["Roles", html`<span class="badges">${roles.map((role) => html`<${Badge}>${role}<//>`)}</span>`],
  ["Comes from", user.builtin ? "Built in: cannot be changed here" : isNative(user) ? "This server" :
    `Identity provider ${user.security.security_realm?.id}`],
  ["Created", html`<${Time} at=${user.metadata?.created_at} /> by ${user.metadata?.created_by ?? "–"}`],
  ["Last change", html`<${Time} at=${user.metadata?.updated_at} /> by ${user.metadata?.updated_by ?? "–"}`],
  ["Last sign-in", html`<${Time} at=${user.metadata?.last_login_at} none="Never" />`],
]} /></section>`;

/** @param {{user: User, reload: () => void}} props */
function Actions({ user, reload }) {
  const name = user.user_name;
  const unlock = useAction(async () => {
    await call("post", "/api/v1/users/{user_name}/_unlock", { path: { user_name: name } });
    announce(`${name} can try to sign in again at once.`);
  });
  if (name === caller.value?.user.user_name) return null;
  const enabled = user.security.enabled !== false;
  const enable = (/** @type {boolean} */ on) => async () => {
    await call("patch", "/api/v1/users/{user_name}", { path: { user_name: name }, body: { security: { enabled: on } } });
    announce(on ? `${name} can sign in.` : `${name} is disabled.`);
    reload();
  };
  const disable = () => confirm({
    title: "Disable this user?",
    action: "Disable user",
    body: html`<p><b>${name}</b> is signed out at once, and cannot sign in. The user's API keys are refused until you
      enable the user again.</p>`,
    run: enable(false),
  });
  const remove = () => confirm({
    title: "Delete this user?",
    action: "Delete user",
    body: html`<p><b>${name}</b> is deleted with all sessions, API keys and the second factor. This cannot be undone.</p>`,
    run: async () => {
      await call("delete", "/api/v1/users/{user_name}", { path: { user_name: name } });
      announce(`The user ${name} is deleted.`);
      go(["users"]);
    },
  });
  const again = useAction(enable(true));
  return html`<${ErrorNote} error=${unlock.error ?? again.error} />
    ${may("unlock-user") && html`<${Button} onClick=${unlock.run} busy=${unlock.busy}>Unlock<//>`}
    ${may("update-user") && !user.builtin && (enabled ? html`<${Button} onClick=${disable}>Disable…<//>` :
      html`<${Button} onClick=${again.run} busy=${again.busy}>Enable<//>`)}
    ${may("delete-user") && !user.builtin && html`<${Button} kind="danger" onClick=${remove}>Delete…<//>`}`;
}

/** @param {{user: User, roles: string[], reload: () => void}} props */
function Edit({ user, roles: before, reload }) {
  const [fullName, setFullName] = useState(user.full_name ?? "");
  const [email, setEmail] = useState(user.email ?? "");
  const [roles, setRoles] = useState(before);
  const own = user.user_name === caller.value?.user.user_name;
  const { run, busy, error } = useAction(async () => {
    const changed = [...roles].sort().join() !== [...before].sort().join();
    const profile = { full_name: fullName || null, email: email || null };
    if (changed) {
      await call("put", "/_security/user/{username}", { path: { username: user.user_name }, body: { roles, ...profile } });
    } else {
      await call("patch", "/api/v1/users/{user_name}", { path: { user_name: user.user_name }, body: profile });
    }
    announce("The user is saved.");
    reload();
  });
  return html`<section class="panel"><h2>Edit</h2>
    <form class="form" onSubmit=${submit(run)}>
      <div class="columns">
        <${Field} label="Full name" value=${fullName} onInput=${setFullName} maxlength="512" autocomplete="off" />
        <${Field} label="E-mail address" type="email" value=${email} onInput=${setEmail} maxlength="512" autocomplete="off" />
      </div>
      ${own ? html`<p class="hint">You cannot change your own roles.</p>` :
        html`<${Roles} roles=${roles} setRoles=${setRoles} />`}
      <${ErrorNote} error=${error} />
      <div class="buttons start"><${Button} submit busy=${busy}>Save user<//></div>
    </form>
  </section>`;
}

/** @param {{name: string}} props */
function Reset({ name }) {
  const [password, setPassword] = useState("");
  const { run, busy, error } = useAction(async () => {
    await call("patch", "/api/v1/users/{user_name}", { path: { user_name: name }, body: { security: { password } } });
    announce(`The password of ${name} is changed.`);
  });
  return html`<section class="panel"><h2>Reset password</h2>
    <form class="form" onSubmit=${submit(run)}>
      <${Note}>The user's sessions end. Give the user the new password over a safe channel.<//>
      <${NewPassword} value=${password} onInput=${setPassword} />
      <${ErrorNote} error=${error} />
      <div class="buttons start"><${Button} submit busy=${busy}>Reset password<//></div>
    </form>
  </section>`;
}
