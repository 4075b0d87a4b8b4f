// The parts of preact that the console uses, and html, which makes elements from templates. All text in a template is
// set as text, never as markup.
import { h } from "./vendor/preact.mjs";
import htm from "./vendor/htm.mjs";

export { render } from "./vendor/preact.mjs";
export { useEffect, useId, useLayoutEffect, useMemo, useRef, useState } from "./vendor/hooks.mjs";

/** @type {(strings: TemplateStringsArray, ...values: any[]) => any} */
export const html = htm.bind(h);
