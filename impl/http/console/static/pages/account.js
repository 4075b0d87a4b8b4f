import { call } from "../api.js";
import { html, useState } from "../html.js";
import { caller, demand, readUser, unelevate } from "../session.js";
import { useStore } from "../store.js";
import { announce, Badge, Button, ErrorNote, Facts, Field, Page, submit, Time, useAction } from "../ui.js";

/** Who the caller is, until when, and the caller's own settings. */
export function Account() {
  const { user, info } = /** @type {import("../session.js").Caller} */ (useStore(caller));
  const realm = user.security.security_realm;
  const native = (realm?.type ?? "native") === "native";
  const end = useAction(async () => {
    await unelevate();
    announce("Your permissions are no longer elevated.");
  });
  const elevated = info.has_elevated_permissions;
  return html`<${Page} title="Account">
    <section class="panel"><h2>Signed in as</h2>
      <${Facts} facts=${[
        ["User name", user.user_name],
        ["Full name", user.full_name || html`<span class="muted">–</span>`],
        ["E-mail address", user.email || html`<span class="muted">–</span>`],
        ["Roles", html`<span class="badges">${(user.security.roles ?? []).map((role) => html`<${Badge}>${role}<//> `)}</span>`],
        ["Comes from", native ? "This server" : `Identity provider ${realm?.id}`],
        ["Last sign-in", html`<${Time} at=${user.metadata?.last_login_at} />`],
      ]} />
    </section>
    <section class="panel"><h2>Session</h2>
      <${Facts} facts=${[
        ["Signed in until", html`<${Time} at=${info.expires_at} none="No limit" /> <span class="muted">and longer while you are active</span>`],
        ["Elevated permissions", elevated ?
          html`Until <${Time} at=${info.elevated_permissions_expire_at} />` : "No"],
        ["Second factor", info.has_totp_device ? html`<${Badge} kind="good">Set up<//>` :
          html`<${Badge}>None<//> <a href="#/second-factor">Set one up</a>`],
      ]} />
      <${ErrorNote} error=${end.error} />
      ${elevated && html`<${Button} onClick=${end.run} busy=${end.busy}>Give up elevated permissions<//>`}
    </section>
    ${native && !user.builtin && html`<${Profile} /><${Password} />`}
  <//>`;
}

function Profile() {
  const { user } = /** @type {import("../session.js").Caller} */ (useStore(caller));
  const [name, setName] = useState(user.full_name ?? "");
  const [email, setEmail] = useState(user.email ?? "");
  const { run, busy, error } = useAction(async () => {
    await call("patch", "/api/v1/user", { body: { full_name: name || null, email: email || null } });
    await readUser();
    announce("Your profile is saved.");
  });
  return html`<section class="panel"><h2>Profile</h2>
    <form class="form" onSubmit=${submit(run)}>
      <${Field} label="Full name" value=${name} onInput=${setName} autocomplete="name" maxlength="512" />
      <${Field} label="E-mail address" type="email" value=${email} onInput=${setEmail} autocomplete="email" maxlength="512" />
      <${ErrorNote} error=${error} />
      <div class="buttons start"><${Button} submit busy=${busy}>Save profile<//></div>
    </form>
  </section>`;
}

function Password() {
  const [password, setPassword] = useState("");
  const [again, setAgain] = useState("");
  const { run, busy, error } = useAction(async () => {
    if (password !== again) throw new Error("The two passwords differ.");
    await call("patch", "/api/v1/user", { body: { security: { password } } });
    setPassword("");
    setAgain("");
    announce("Your password is changed. All your sessions have ended.");
    demand.value?.settle(false);
    // The session has ended with the old password; the next request asks to sign in again.
    await readUser();
  });
  return html`<section class="panel"><h2>Password</h2>
    <form class="form" onSubmit=${submit(run)}>
      <${Field} label="New password" type="password" value=${password} onInput=${setPassword} autocomplete="new-password"
        required minlength="8" hint="At least 8 characters, and not a common one. You must have signed in within the last minutes." />
      <${Field} label="New password again" type="password" value=${again} onInput=${setAgain} autocomplete="new-password" required />
      <${ErrorNote} error=${error} />
      <div class="buttons start"><${Button} submit busy=${busy}>Change password<//></div>
    </form>
  </section>`;
}
