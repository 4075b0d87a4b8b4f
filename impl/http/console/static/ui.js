// The parts that pages are made of.
import { ApiError } from "./api.js";
import { html, useEffect, useId, useLayoutEffect, useRef, useState } from "./html.js";
import { Store, useStore } from "./store.js";

/** @typedef {{children?: any}} Children */

/**
 * Returns what an asynchronous function returns, and its error. It is called again when one of the inputs changes; what
 * it returned last stays until then, so that the page does not jump.
 * @template T
 * @param {(signal: AbortSignal) => Promise<T>} load
 * @param {unknown[]} inputs
 */
export function useLoad(load, inputs) {
  const [state, setState] = useState(
    /** @type {{data?: T, error?: unknown, loading: boolean}} */ ({ loading: true }));
  const [round, setRound] = useState(0);
  useEffect(() => {
    const controller = new AbortController();
    setState((last) => ({ ...last, loading: true }));
    load(controller.signal).then(
      (data) => controller.signal.aborted || setState({ data, loading: false }),
      (error) => controller.signal.aborted || setState((last) => ({ ...last, error, loading: false })),
    );
    return () => controller.abort();
  }, [...inputs, round]);
  return { ...state, reload: () => setRound((n) => n + 1) };
}

/**
 * Returns a function that runs an action, with its progress and its error.
 * @template {unknown[]} A
 * @param {(...inputs: A) => Promise<void>} action
 */
export function useAction(action) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState(/** @type {unknown} */ (undefined));
  const running = useRef(false);
  /** @param {A} inputs */
  const run = async (...inputs) => {
    if (running.current) return;
    running.current = true;
    setBusy(true);
    setError(undefined);
    try {
      await action(...inputs);
    } catch (failure) {
      setError(failure);
    } finally {
      running.current = false;
      setBusy(false);
    }
  };
  return { run, busy, error, setError };
}

/**
 * Calls an action in place of a form's own submission.
 * @param {() => unknown} action
 */
export const submit = (action) => (/** @type {Event} */ event) => {
  event.preventDefault();
  action();
};

/**
 * A button. While it is busy it keeps the focus, and does nothing.
 * @param {{kind?: string, busy?: boolean, onClick?: () => unknown, submit?: boolean, disabled?: boolean} & Children &
 *   Record<string, unknown>} props
 */
export function Button({ kind = "", busy = false, onClick, submit: submits = false, disabled, children, ...rest }) {
  return html`<button type=${submits ? "submit" : "button"} class=${`button ${kind}`} disabled=${disabled}
    aria-busy=${busy ? "true" : undefined} aria-disabled=${busy ? "true" : undefined}
    onClick=${(/** @type {Event} */ event) => {
      if (busy) event.preventDefault();
      else onClick?.();
    }} ...${rest}>${children}</button>`;
}

/**
 * A field with its label, hint and error.
 * @param {{label: string, value: string, onInput: (value: string) => void, hint?: any, error?: string, type?: string,
 *   multiline?: boolean, focus?: boolean} & Record<string, unknown>} props
 */
export function Field({ label, value, onInput, hint, error, type = "text", multiline = false, focus, ...rest }) {
  const id = useId();
  const input = useRef(/** @type {HTMLElement | null} */ (null));
  // The attribute autofocus works once per document, and not on pages that a script opens.
  useLayoutEffect(() => { if (focus) input.current?.focus(); }, []);
  const described = [hint ? `${id}-hint` : "", error ? `${id}-error` : ""].filter(Boolean).join(" ");
  return html`<div class="field">
    <label for=${id}>${label}</label>
    <${multiline ? "textarea" : "input"} id=${id} ref=${input} type=${multiline ? undefined : type}
      value=${value}
      aria-describedby=${described || undefined} aria-invalid=${error ? "true" : undefined}
      onInput=${(/** @type {any} */ event) => onInput(event.currentTarget.value)} ...${rest} />
    ${hint && html`<p class="hint" id=${`${id}-hint`}>${hint}</p>`}
    ${error && html`<p class="problem" id=${`${id}-error`}>${error}</p>`}
  </div>`;
}

/**
 * A choice of one of several values.
 * @param {{label: string, value: string, options: [string, string][], onInput: (value: string) => void, hint?: any} &
 *   Record<string, unknown>} props
 */
export function Select({ label, value, options, onInput, hint, ...rest }) {
  const id = useId();
  return html`<div class="field">
    <label for=${id}>${label}</label>
    <select id=${id} value=${value} aria-describedby=${hint ? `${id}-hint` : undefined}
      onChange=${(/** @type {any} */ event) => onInput(event.currentTarget.value)} ...${rest}>
      ${options.map(([key, text]) => html`<option value=${key} selected=${key === value}>${text}</option>`)}
    </select>
    ${hint && html`<p class="hint" id=${`${id}-hint`}>${hint}</p>`}
  </div>`;
}

/**
 * @param {{label: any, checked: boolean, onChange: (checked: boolean) => void, hint?: string, type?: string} &
 *   Record<string, unknown>} props
 */
export function Check({ label, checked, onChange, hint, type = "checkbox", ...rest }) {
  const id = useId();
  return html`<div class="check">
    <input type=${type} id=${id} checked=${checked} aria-describedby=${hint ? `${id}-hint` : undefined}
      onChange=${(/** @type {any} */ event) => onChange(event.currentTarget.checked)} ...${rest} />
    <div><label for=${id}>${label}</label>${hint && html`<p class="hint" id=${`${id}-hint`}>${hint}</p>`}</div>
  </div>`;
}

/**
 * An error, with the id under which the server's log has it.
 * @param {{error: unknown, retry?: () => void}} props
 */
export function ErrorNote({ error, retry }) {
  if (error === undefined) return html`<div role="alert"></div>`;
  const message = error instanceof Error ? error.message : String(error);
  return html`<div role="alert"><div class="note error">
    <p>${sentence(message)}</p>
    ${error instanceof ApiError && error.requestId && html`<p class="small">
      Request id <code>${error.requestId}</code>. An administrator finds it in the server's log.</p>`}
    ${retry && html`<${Button} kind="small" onClick=${retry}>Try again<//>`}
  </div></div>`;
}

/** Begins a message of the server with a capital letter. @param {string} text */
const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/** A notice. @param {{kind?: string} & Children} props */
export const Note = ({ kind = "info", children }) => html`<div class=${`note ${kind}`}>${children}</div>`;

/** A small label with a state. @param {{kind?: string} & Children} props */
export const Badge = ({ kind = "", children }) => html`<span class=${`badge ${kind}`}>${children}</span>`;

/**
 * A time in the reader's zone, with the exact time in UTC on hover.
 * @param {{at: string | number | undefined, none?: string, dateOnly?: boolean, timeOnly?: boolean,
 *   seconds?: boolean}} props
 */
export function Time({ at, none = "–", dateOnly = false, timeOnly = false, seconds = false }) {
  if (at === undefined) return html`<span class="muted">${none}</span>`;
  const date = new Date(at);
  const exact = date.toISOString();
  const text = date.toLocaleString(undefined, {
    ...(timeOnly ? {} : { dateStyle: "medium" }),
    ...(dateOnly ? {} : { timeStyle: seconds ? "medium" : "short" }),
  });
  return html`<time datetime=${exact} title=${`${exact.slice(0, 19).replace("T", " ")} UTC`}>${text}</time>`;
}

/** Whether the user has done something since the document was loaded. */
let used = false;
for (const event of ["keydown", "pointerdown"]) addEventListener(event, () => { used = true; }, { once: true });

/**
 * A page with its heading, actions and content. The heading gets the focus when a page replaces another, so that a screen
 * reader announces it; in a document that was just loaded, the focus begins at the top.
 * @param {{title: string, lead?: any, actions?: any, back?: [string, string]} & Children} props
 */
export function Page({ title, lead, actions, back, children }) {
  const heading = useRef(/** @type {HTMLElement | null} */ (null));
  useLayoutEffect(() => { document.title = `${title} · Sallyport`; }, [title]);
  useEffect(() => {
    if (used && (document.activeElement === document.body || document.activeElement === null)) heading.current?.focus();
  }, []);
  return html`<div class="page">
    ${back && html`<p class="back"><a href=${back[0]}><span aria-hidden="true">←</span> ${back[1]}</a></p>`}
    <header class="page-head">
      <div><h1 tabindex="-1" ref=${heading}>${title}</h1>${lead && html`<p class="lead">${lead}</p>`}</div>
      ${actions && html`<div class="actions">${actions}</div>`}
    </header>
    ${children}
  </div>`;
}

/** What a list shows that has nothing. @param {{title: string} & Children} props */
export const Empty = ({ title, children }) => html`<div class="empty"><h2>${title}</h2>${children}</div>`;

/**
 * What is shown while a page's data are loaded, in about their place; or why they could not be.
 * @param {{state: {data?: unknown, error?: unknown, loading: boolean, reload: () => void}} & Children} props
 */
export function Loaded({ state, children }) {
  return html`<div class="loaded" aria-busy=${state.loading ? "true" : "false"}>
    ${state.error !== undefined && html`<${ErrorNote} error=${state.error} retry=${state.reload} />`}
    ${state.data !== undefined ? children : state.error === undefined && html`<div class="skeleton">
      <span class="visually-hidden">Loading…</span><i></i><i></i><i></i></div>`}
  </div>`;
}

/**
 * A modal dialog. The browser keeps the focus in it, and gives it back at the end.
 * @param {{title: string, onClose?: () => void, wide?: boolean} & Children} props
 */
export function Dialog({ title, onClose, wide = false, children }) {
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  const id = useId();
  useLayoutEffect(() => {
    const opened = dialog.current;
    const before = /** @type {HTMLElement | null} */ (document.activeElement);
    opened?.showModal();
    return () => {
      opened?.close();
      before?.focus?.();
    };
  }, []);
  return html`<dialog ref=${dialog} class=${wide ? "wide" : ""} aria-labelledby=${id}
    onCancel=${(/** @type {Event} */ event) => {
      event.preventDefault();
      onClose?.();
    }}><h2 id=${id}>${title}</h2>${children}</dialog>`;
}

/**
 * @typedef {object} Question
 * @property {string} title
 * @property {any} body
 * @property {string} action
 * @property {() => Promise<void>} run
 */
const question = new Store(/** @type {Question | null} */ (null));

/** Asks before an action that cannot be undone, and runs it in the dialog. @param {Question} asked */
export const confirm = (asked) => question.set(asked);

/** The dialog of confirm. */
export function Confirmation() {
  const asked = useStore(question);
  return asked && html`<${ConfirmationDialog} asked=${asked} />`;
}

/** @param {{asked: Question}} props */
function ConfirmationDialog({ asked }) {
  const close = () => question.set(null);
  const { run, busy, error } = useAction(async () => {
    await asked.run();
    close();
  });
  return html`<${Dialog} title=${asked.title} onClose=${close}>
    <form onSubmit=${submit(run)}>
      <div class="body">${asked.body}</div>
      <${ErrorNote} error=${error} />
      <div class="buttons">
        <${Button} onClick=${close}>Cancel<//>
        <${Button} kind="danger" submit busy=${busy}>${asked.action}<//>
      </div>
    </form>
  <//>`;
}

const announcement = new Store({ text: "", at: 0 });

/** Shows and announces a result. @param {string} text */
export const announce = (text) => announcement.set({ text, at: Date.now() });

/** The place of announcements. */
export function Announcements() {
  const { text, at } = useStore(announcement);
  useEffect(() => {
    if (!text) return undefined;
    const timer = setTimeout(() => announcement.set({ text: "", at: 0 }), 6000);
    return () => clearTimeout(timer);
  }, [at]);
  return html`<div class="toasts" role="status" aria-live="polite">${text && html`<p>${text}</p>`}</div>`;
}

/**
 * A secret or other value to copy.
 * @param {{label: string, value: string}} props
 */
export function Copyable({ label, value }) {
  const [copied, setCopied] = useState(false);
  const text = useRef(/** @type {HTMLElement | null} */ (null));
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(value);
    } catch {
      // The browser allows no access to the clipboard here: the value is selected for the keyboard.
      if (text.current) getSelection()?.selectAllChildren(text.current);
      announce("The value is selected: copy it with the keyboard.");
      return;
    }
    setCopied(true);
    announce(`${label}: copied.`);
  };
  return html`<div class="field">
    <span class="label">${label}</span>
    <div class="copyable"><code ref=${text}>${value}</code>
      <${Button} kind="small" onClick=${copy} aria-label=${`Copy: ${label}`}>${copied ? "Copied" : "Copy"}<//></div>
  </div>`;
}

/**
 * A table that scrolls sideways where it does not fit.
 * @param {{label: string} & Children} props
 */
export const Table = ({ label, children }) => html`<div class="table" role="region" aria-label=${label} tabindex="0">
  <table>${children}</table></div>`;

/**
 * A list of facts.
 * @param {{facts: ([string, any] | false | undefined | "")[]}} props
 */
export const Facts = ({ facts }) => html`<dl class="facts">${facts.filter(Boolean).map((fact) => html`<div>
  <dt>${/** @type {any} */ (fact)[0]}</dt><dd>${/** @type {any} */ (fact)[1]}</dd></div>`)}</dl>`;

/**
 * Links to the pages of a list.
 * @param {{page: number, size: number, total: number, href: (page: number) => string}} props
 */
export function Pages({ page, size, total, href }) {
  const last = Math.max(1, Math.ceil(total / size));
  if (total === 0) return null;
  const from = (page - 1) * size + 1;
  return html`<nav class="pages" aria-label="Pages">
    <p>${from.toLocaleString()}–${Math.min(page * size, total).toLocaleString()} of ${total.toLocaleString()}</p>
    ${last > 1 && html`<div>
      ${page > 1 ? html`<a class="button small" href=${href(page - 1)}>Previous</a>` :
        html`<span class="button small off">Previous</span>`}
      ${page < last ? html`<a class="button small" href=${href(page + 1)}>Next</a>` :
        html`<span class="button small off">Next</span>`}
    </div>`}
  </nav>`;
}
