import { ApiError, call } from "../api.js";
import { html, useEffect, useRef, useState } from "../html.js";
import { caller, demand, elevate, signIn, signInAt, signOut } from "../session.js";
import { useStore } from "../store.js";
import { Button, Dialog, ErrorNote, Field, submit, useAction, useLoad } from "../ui.js";

/** The page that is shown without a session. @param {{problem?: unknown}} props */
export function SignIn({ problem }) {
  const methods = useLoad((signal) => call("get", "/api/v1/users/auth/methods", { signal, anonymous: true }), []);
  useEffect(() => { document.title = "Sign in · Sallyport"; }, []);
  return html`<main class="sign-in" id="main">
    <div class="card">
      <img src="favicon.svg" alt="" width="36" height="36" />
      <h1>Sign in to Sallyport</h1>
      <${ErrorNote} error=${problem} />
      ${methods.error !== undefined && html`<${ErrorNote} error=${methods.error} retry=${methods.reload} />`}
      ${methods.data?.password !== false && html`<${PasswordForm} action="Sign in" />`}
      <${Providers} methods=${methods.data?.sso_methods ?? []} or=${methods.data?.password !== false} />
    </div>
  </main>`;
}

/**
 * @param {{methods: import("../../types/api").Schemas["SsoAuthenticationMethodInfo"][], or: boolean}} props
 */
function Providers({ methods, or }) {
  if (methods.length === 0) return null;
  return html`<div class="providers">
    ${or && html`<p class="or"><span>or</span></p>`}
    ${methods.map((method) => html`<${Button} kind="block" onClick=${() => signInAt(method.url)}>
      Continue with ${method.name}<//>`)}
  </div>`;
}

/** @param {{action: string, user?: string, cancel?: any}} props */
function PasswordForm({ action, user, cancel }) {
  const [name, setName] = useState(user ?? "");
  const [password, setPassword] = useState("");
  const [code, setCode] = useState("");
  const [asksCode, setAsksCode] = useState(false);
  const form = useRef(/** @type {HTMLFormElement | null} */ (null));
  const { run, busy, error } = useAction(async () => {
    try {
      await signIn(name, password, code.replace(/\s/g, ""));
    } catch (failure) {
      setCode("");
      if (failure instanceof ApiError && failure.codeNeeded) {
        setAsksCode(true);
        if (!asksCode) return;
        throw failure;
      }
      setPassword("");
      setAsksCode(false);
      /** @type {HTMLInputElement | null | undefined} */ (form.current?.querySelector("[type=password]"))?.focus();
      if (failure instanceof ApiError && failure.signedOut) {
        throw new ApiError("The user name or the password is wrong, or the user is locked for a while after failed attempts.",
          { status: failure.status, requestId: failure.requestId });
      }
      throw failure;
    }
    demand.value?.settle(true);
  });
  return html`<form onSubmit=${submit(run)} ref=${form}>
    <${Field} label="User name" name="username" value=${name} onInput=${setName} autocomplete="username" required
      autocapitalize="off" spellcheck=${false} readonly=${user !== undefined} focus=${user === undefined} />
    <${Field} label="Password" name="password" type="password" value=${password} onInput=${setPassword}
      autocomplete="current-password" required focus=${user !== undefined} />
    ${asksCode && html`<${Field} label="One-time code" name="code" value=${code} onInput=${setCode}
      autocomplete="one-time-code" required focus autocapitalize="off" spellcheck=${false} class="code" />`}
    <${ErrorNote} error=${error} />
    <div class=${cancel ? "buttons" : ""}>
      ${cancel}
      <${Button} kind=${cancel ? "primary" : "primary block"} submit busy=${busy}>${busy ? "Signing in…" : action}<//>
    </div>
  </form>`;
}

/** The dialogs that the session asks for while a page stays open behind them. */
export function Demands() {
  const asked = useStore(demand);
  if (!asked || !caller.value) return null;
  return asked.kind === "sign-in" ? html`<${SignInAgain} />` : html`<${Elevation} />`;
}

function SignInAgain() {
  const methods = useLoad((signal) => call("get", "/api/v1/users/auth/methods", { signal, anonymous: true }), []);
  const { user_name: name, security } = /** @type {import("../session.js").Caller} */ (caller.value).user;
  const native = (security.security_realm?.type ?? "native") === "native";
  const leave = html`<${Button} onClick=${signOut}>Sign out<//>`;
  return html`<${Dialog} title="Your session has expired">
    <p>Sign in again to continue. This page keeps what you entered.</p>
    ${native ? html`<${PasswordForm} action="Sign in" user=${name} cancel=${leave} />` : html`
      <p>Your user signs in at an identity provider, which leaves this page: copy what you need first.</p>
      <${Providers} methods=${methods.data?.sso_methods ?? []} or=${false} />
      <div class="buttons">${leave}</div>`}
  <//>`;
}

function Elevation() {
  const [code, setCode] = useState("");
  const { info } = /** @type {import("../session.js").Caller} */ (useStore(caller));
  const { run, busy, error } = useAction(async () => {
    try {
      await elevate(code.replace(/\s/g, ""));
    } catch (failure) {
      setCode("");
      throw failure;
    }
    demand.value?.settle(true);
  });
  const close = () => demand.value?.settle(false);
  if (!info.has_totp_device) {
    return html`<${Dialog} title="A second factor is needed" onClose=${close}>
      <p>This needs elevated permissions, and these a second factor. Set one up, and come back.</p>
      <div class="buttons"><${Button} onClick=${close}>Cancel<//>
        <a class="button primary" href="#/second-factor" onClick=${close}>Set up a second factor</a></div>
    <//>`;
  }
  return html`<${Dialog} title="Confirm that it is you" onClose=${close}>
    <p>This needs elevated permissions. Enter the code that your authenticator app shows, or a recovery code.</p>
    <form onSubmit=${submit(run)}>
      <${Field} label="One-time code" name="code" value=${code} onInput=${setCode} autocomplete="one-time-code"
        required focus autocapitalize="off" spellcheck=${false} class="code" />
      <${ErrorNote} error=${error} />
      <div class="buttons"><${Button} onClick=${close}>Cancel<//>
        <${Button} kind="primary" submit busy=${busy}>Continue<//></div>
    </form>
  <//>`;
}
