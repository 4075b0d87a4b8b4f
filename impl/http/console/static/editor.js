// An editor of JSON that checks while the user types, and names the line of each problem.
import { html, useId, useMemo } from "./html.js";

/** @typedef {import("./descriptors.js").Check} Check */

/**
 * @param {{label: string, hint?: any, value: string, onInput: (value: string) => void, check: Check, rows?: number}} props
 */
export function JsonEditor({ label, hint, value, onInput, check, rows = 6 }) {
  const id = useId();
  const { problems } = useMemo(() => check(value), [value, check]);
  const lines = value.split("\n").length;
  const wrong = new Set(problems.map((problem) => problem.line));
  const shown = problems.slice(0, 5);
  return html`<div class="field">
    <label for=${id}>${label}</label>
    ${hint && html`<p class="hint" id=${`${id}-hint`}>${hint}</p>`}
    <div class=${`editor ${problems.length > 0 ? "wrong" : ""}`}>
      <div class="gutter" aria-hidden="true">${Array.from({ length: Math.max(lines, rows) }, (_, i) =>
        html`<span class=${wrong.has(i + 1) ? "wrong" : ""}>${i < lines ? i + 1 : ""}</span>`)}</div>
      <textarea id=${id} rows=${Math.max(lines, rows)} wrap="off" spellcheck=${false} autocapitalize="off"
        autocomplete="off" value=${value} aria-invalid=${problems.length > 0 ? "true" : undefined}
        aria-describedby=${`${hint ? `${id}-hint ` : ""}${id}-problems`}
        onInput=${(/** @type {any} */ event) => onInput(event.currentTarget.value)}></textarea>
    </div>
    <div id=${`${id}-problems`} class="problems" aria-live="polite">
      ${shown.length === 0 ? html`<p class="fine">Valid</p>` : html`<ul>${shown.map((problem) =>
        html`<li class="problem"><b>Line ${problem.line}:</b> ${problem.text}</li>`)}</ul>`}
      ${problems.length > shown.length && html`<p class="problem">…and ${problems.length - shown.length} more</p>`}
    </div>
  </div>`;
}
