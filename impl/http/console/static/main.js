// The console: its frame, and which page a route shows.
import { html, render, useEffect, useRef, useState } from "./html.js";
import { replace, route, to } from "./router.js";
import { caller, may, resume, signOut } from "./session.js";
import { local } from "./storage.js";
import { useStore } from "./store.js";
import { Announcements, Button, Confirmation, Page, Time } from "./ui.js";
import { Account } from "./pages/account.js";
import { Audit } from "./pages/audit.js";
import { CreateKey } from "./pages/keycreate.js";
import { Key } from "./pages/key.js";
import { Keys } from "./pages/keys.js";
import { UpdateKeys } from "./pages/keysupdate.js";
import { PrivilegePage, Privileges } from "./pages/privileges.js";
import { RolePage, Roles } from "./pages/roles.js";
import { SecondFactor } from "./pages/secondfactor.js";
import { Demands, SignIn } from "./pages/signin.js";
import { SignOn } from "./pages/signon.js";
import { CreateUser, UserPage } from "./pages/user.js";
import { Users } from "./pages/users.js";

/**
 * The pages by the first segment of their routes.
 * @type {Record<string, (path: string[], query: URLSearchParams) => any>}
 */
const pages = {
  keys: ([id], query) => {
    if (id === undefined) return html`<${Keys} query=${query} />`;
    if (id === "_create") return html`<${CreateKey} />`;
    return id === "_update" ? html`<${UpdateKeys} query=${query} />` : html`<${Key} id=${id} />`;
  },
  account: () => html`<${Account} />`,
  "second-factor": () => html`<${SecondFactor} />`,
  users: ([name], query) => {
    if (name === undefined) return html`<${Users} query=${query} />`;
    return name === "_create" ? html`<${CreateUser} />` : html`<${UserPage} name=${name} />`;
  },
  roles: ([name]) => {
    if (name === undefined) return html`<${Roles} />`;
    return html`<${RolePage} name=${name === "_create" ? undefined : name} />`;
  },
  privileges: ([application, name]) => {
    if (application === undefined) return html`<${Privileges} />`;
    return name === undefined ? html`<${PrivilegePage} />` : html`<${PrivilegePage} application=${application} name=${name} />`;
  },
  "single-sign-on": () => html`<${SignOn} />`,
  audit: (_, query) => html`<${Audit} query=${query} />`,
};

/** @typedef {{title: string, links: [string, string][]}} Section */

/** The sections of the navigation that the caller can use. @returns {Section[]} */
function sections() {
  /** @type {[boolean, [string, string]][]} */
  const administration = [
    [may("get-users"), ["users", "Users"]],
    [Boolean(caller.value?.cluster.read_security), ["roles", "Roles"]],
    [Boolean(caller.value?.cluster.read_security), ["privileges", "Application privileges"]],
    [may("saml-refusals"), ["single-sign-on", "Single sign-on"]],
    [may("get-audit-entries"), ["audit", "Audit trail"]],
  ];
  /** @type {Section[]} */
  const all = [
    { title: "You", links: [["keys", "API keys"], ["account", "Account"], ["second-factor", "Second factor"]] },
    { title: "Administration", links: administration.filter(([offered]) => offered).map(([, link]) => link) },
  ];
  return all.filter((section) => section.links.length > 0);
}

function App() {
  const who = useStore(caller);
  const [problem, setProblem] = useState(/** @type {unknown} */ (undefined));
  useEffect(() => { resume().catch(setProblem); }, []);
  if (who === undefined) return html`<p class="starting" role="status">Starting…</p>`;
  return html`${who === null ? html`<${SignIn} problem=${problem} />` : html`<${Frame} />`}
    <${Demands} /><${Confirmation} /><${Announcements} />`;
}

function Frame() {
  const { path, query } = useStore(route);
  const [first = "", ...rest] = path;
  useEffect(() => { if (first === "") replace(["keys"]); }, [first]);
  const page = Object.hasOwn(pages, first) ? pages[first] : undefined;
  const content = useRef(/** @type {HTMLElement | null} */ (null));
  return html`<a class="skip" href="#main" onClick=${(/** @type {Event} */ event) => {
    event.preventDefault();
    content.current?.focus();
  }}>Skip to the content</a>
    <div class="frame">
      <${Sidebar} current=${first} />
      <main id="main" tabindex="-1" ref=${content}>
        ${page ? html`<div key=${path.join("/")}>${page(rest, query)}</div>` : first !== "" && html`<${NotFound} />`}
      </main>
    </div>`;
}

const NotFound = () => html`<${Page} title="There is no such page">
  <p><a href=${to(["keys"])}>Go to your API keys</a></p><//>`;

/** @param {{current: string}} props */
function Sidebar({ current }) {
  const [open, setOpen] = useState(false);
  useEffect(() => route.watch(() => setOpen(false)), []);
  return html`<header class="sidebar">
    <div class="brand"><a href=${to(["keys"])}><img src="favicon.svg" alt="" width="24" height="24" /> Sallyport</a>
      <${Button} kind="small menu" aria-expanded=${open ? "true" : "false"} aria-controls="navigation"
        onClick=${() => setOpen(!open)}>Menu<//></div>
    <div id="navigation" class=${open ? "navigation open" : "navigation"}>
      <nav aria-label="Pages of the console">${sections().map((section) => html`
        <h2>${section.title}</h2>
        <ul>${section.links.map(([name, text]) => html`<li>
          <a href=${to([name])} aria-current=${name === current ? "page" : undefined}>${text}</a></li>`)}</ul>`)}
      </nav>
      <${Whoami} />
    </div>
  </header>`;
}

/** The caller, until when the session lasts, the theme, and the way out. */
function Whoami() {
  const who = useStore(caller);
  if (!who) return null;
  const { user, info } = who;
  return html`<div class="whoami">
    <p><b title=${user.user_name}>${user.full_name || user.user_name}</b>
      <span class="small muted">${user.user_name}</span>
      <span class="small muted">Signed in until <${Time} at=${info.expires_at} timeOnly /></span>
      ${info.has_elevated_permissions && html`<span class="small muted">
        Elevated until <${Time} at=${info.elevated_permissions_expire_at} timeOnly /></span>`}</p>
    <div class="row"><${Theme} /><${Button} kind="small" onClick=${signOut}>Sign out<//></div>
  </div>`;
}

function Theme() {
  const root = document.documentElement;
  const [chosen, setChosen] = useState(root.dataset.theme ?? "");
  const choose = (/** @type {string} */ theme) => {
    setChosen(theme);
    local.set("sallyport.theme", theme);
    if (theme === "") delete root.dataset.theme;
    else root.dataset.theme = theme;
  };
  return html`<select class="theme" aria-label="Theme" value=${chosen}
    onChange=${(/** @type {any} */ event) => choose(event.currentTarget.value)}>
    <option value="">Auto</option><option value="light">Light</option><option value="dark">Dark</option>
  </select>`;
}

// A page that is restored from memory after the token was removed must not show what it showed.
addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

const root = document.getElementById("app");
if (root) render(html`<${App} />`, root);
