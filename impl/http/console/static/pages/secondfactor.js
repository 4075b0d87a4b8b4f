import { ApiError, call } from "../api.js";
import { html, useMemo, useState } from "../html.js";
import { readInfo } from "../session.js";
import { encode } from "../vendor/uqr.mjs";
import {
  announce, Badge, Button, confirm, Copyable, ErrorNote, Facts, Field, Loaded, Note, Page, submit, Time, useAction, useLoad,
} from "../ui.js";

/** @typedef {import("../../types/api").Schemas["TotpDevice"]} Device */

/** The caller's second factor: its state, its setting up, and its removal. */
export function SecondFactor() {
  const [codes, setCodes] = useState(/** @type {string[] | undefined} */ (undefined));
  const state = useLoad(async (signal) => {
    try {
      return { device: await call("get", "/api/v1/users/auth/totp", { signal }) };
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return { device: undefined };
      throw error;
    }
  }, []);
  const device = state.data?.device;
  return html`<${Page} title="Second factor"
    lead="An authenticator app, the codes of which prove that it is you.">
    ${codes ? html`<${Codes} codes=${codes} done=${() => {
      setCodes(undefined);
      state.reload();
    }} />` : html`<${Loaded} state=${state}>${device?.confirmed ?
      html`<${SetUp} device=${device} done=${state.reload} />` : html`<${Enroll} done=${setCodes} />`}<//>`}
  <//>`;
}

/** @param {{device: Device, done: () => void}} props */
function SetUp({ device, done }) {
  const remove = () => confirm({
    title: "Remove the second factor?",
    action: "Remove second factor",
    body: html`<p>The app's codes and the recovery codes stop working. You must have signed in within the last minutes.</p>`,
    run: async () => {
      await call("delete", "/api/v1/users/auth/totp");
      await readInfo();
      announce("The second factor is removed.");
      done();
    },
  });
  return html`<section class="panel">
    <${Facts} facts=${[
      ["State", html`<${Badge} kind="good">Set up<//>`],
      ["Since", html`<${Time} at=${device.created_at} />`],
      ["Recovery codes left", String(device.recovery_codes_left)],
    ]} />
    ${device.recovery_codes_left < 3 && html`<${Note} kind="warn">Few recovery codes are left. Remove the second factor
      and set it up again to get new ones.<//>`}
    <${Button} kind="danger" onClick=${remove}>Remove…<//>
  </section>`;
}

/** @param {{done: (codes: string[]) => void}} props */
function Enroll({ done }) {
  const [enrollment, setEnrollment] = useState(
    /** @type {import("../../types/api").Schemas["TotpEnrollment"] | undefined} */ (undefined));
  const begin = useAction(async () => setEnrollment(await call("post", "/api/v1/users/auth/totp")));
  const [code, setCode] = useState("");
  const confirmation = useAction(async () => {
    try {
      const { recovery_codes: codes } = await call("post", "/api/v1/users/auth/totp/_confirm", {
        body: { token: code.replace(/\s/g, "") },
      });
      await readInfo();
      announce("The second factor is set up.");
      done(codes);
    } catch (error) {
      setCode("");
      throw error;
    }
  });
  if (!enrollment) {
    return html`<section class="panel"><h2>Set up an authenticator app</h2>
      <p>You need an app for one-time codes (TOTP) on your phone or in your password manager, and a minute.</p>
      <${ErrorNote} error=${begin.error} />
      <${Button} kind="primary" onClick=${begin.run} busy=${begin.busy}>Set up a second factor<//>
    </section>`;
  }
  return html`<section class="panel">
    <ol class="steps">
      <li><h2>Scan this code with the app</h2>
        <${Qr} text=${enrollment.uri} />
        <details><summary>The app cannot scan?</summary>
          <p>Enter this secret: it is for a time-based code with 6 digits.</p>
          <${Copyable} label="Secret" value=${enrollment.secret} /></details></li>
      <li><h2>Enter the code that the app shows</h2>
        <form onSubmit=${submit(confirmation.run)}>
          <${Field} label="One-time code" name="code" value=${code} onInput=${setCode} inputmode="numeric" required
            autocomplete="one-time-code" pattern="[0-9 ]{6,8}" class="code" />
          <${ErrorNote} error=${confirmation.error} />
          <${Button} kind="primary" submit busy=${confirmation.busy}>Confirm<//>
        </form></li>
    </ol>
  </section>`;
}

/** The QR code of a text. @param {{text: string}} props */
function Qr({ text }) {
  const { size, data } = useMemo(() => encode(text, { ecc: "M", border: 2 }), [text]);
  const path = useMemo(() => data.flatMap((row, y) => row.map((dark, x) => (dark ? `M${x} ${y}h1v1h-1z` : ""))).join(""), [data]);
  return html`<svg class="qr" role="img" aria-label="QR code with the secret" viewBox=${`0 0 ${size} ${size}`}
    width="200" height="200" shape-rendering="crispEdges"><rect width=${size} height=${size} fill="#fff" />
    <path d=${path} fill="#000" /></svg>`;
}

/** The recovery codes, which are shown here and nowhere else. @param {{codes: string[], done: () => void}} props */
function Codes({ codes, done }) {
  return html`<section class="panel"><h2>Your recovery codes</h2>
    <${Note} kind="warn"><p><b>Keep these codes in a safe place.</b> They are shown only this once. Each works once in
      place of a code of the app, if you lose it.</p><//>
    <ul class="codes">${codes.map((code) => html`<li><code>${code}</code></li>`)}</ul>
    <${Copyable} label="All codes" value=${codes.join(" ")} />
    <div class="buttons start"><${Button} kind="primary" onClick=${done}>I have kept them<//></div>
  </section>`;
}
