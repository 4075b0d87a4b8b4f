// Checks role descriptors while they are typed. The server decides; this finds what it would refuse, with its line.
import { parseJSON } from "./json.js";

/** @typedef {import("./json.js").Problem} Problem */
/** @typedef {import("../types/api").Schemas} Schemas */

/** Names of privileges that the server knows. */
/** @typedef {{cluster: string[], index: string[], remote_cluster: string[]}} Known */

/**
 * Reads the text of an editor, and returns its value and problems.
 * @callback Check
 * @param {string} text
 * @returns {{value: any, problems: Problem[]}}
 */

/** @typedef {(value: any, path: (string | number)[], report: (path: (string | number)[], text: string) => void) => void} Rule */

/** @type {Rule} */
const text = (value, path, report) => {
  if (typeof value !== "string") report(path, "This must be a string.");
};

/** @type {Rule} */
const flag = (value, path, report) => {
  if (typeof value !== "boolean") report(path, "This must be true or false.");
};

/** @type {Rule} */
const free = (value, path, report) => {
  if (!isObject(value)) report(path, "This must be an object.");
};

/** @type {Rule} */
const anything = () => {};

/** @param {Rule} rule @returns {Rule} */
const listOf = (rule) => (value, path, report) => {
  if (!Array.isArray(value)) report(path, "This must be a list, in [ ].");
  else value.forEach((each, i) => rule(each, [...path, i], report));
};

const texts = listOf(text);

/** @type {Rule} */
const textOrTexts = (value, path, report) => (typeof value === "string" ? undefined : texts(value, path, report));

/**
 * A name of a privilege: one that the server knows, or a pattern of actions.
 * @param {string[]} known
 * @returns {Rule}
 */
const privilege = (known) => (value, path, report) => {
  if (typeof value !== "string") return text(value, path, report);
  if (known.length === 0 || known.includes(value.toLowerCase()) || /[*/:]/.test(value)) return undefined;
  return report(path, `There is no privilege "${value}"${nearest(value, known)}.`);
};

/** Names the privileges that a wrong name may mean. @param {string} wrong @param {string[]} known */
function nearest(wrong, known) {
  const start = wrong.toLowerCase().slice(0, 3);
  const similar = known.filter((name) => name.startsWith(start) || name.includes(wrong.toLowerCase())).slice(0, 3);
  return similar.length > 0 ? `; there is ${similar.join(", ")}` : "";
}

/**
 * An object with these members only, some of them required.
 * @param {Record<string, Rule>} members
 * @param {string[]} [required]
 * @returns {Rule}
 */
const object = (members, required = []) => (value, path, report) => {
  if (!isObject(value)) return report(path, "This must be an object, in { }.");
  for (const [name, member] of Object.entries(value)) {
    const rule = Object.hasOwn(members, name) ? members[name] : undefined;
    if (rule) rule(member, [...path, name], report);
    else report([...path, name], `There is no "${name}" here; there is ${Object.keys(members).join(", ")}.`);
  }
  for (const name of required) {
    if (!Object.hasOwn(value, name)) report(path, `"${name}" is missing.`);
  }
  return undefined;
};

/** @param {unknown} value */
const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

/** @param {Known} known @param {"key" | "role"} kind @returns {Rule} */
function descriptor(known, kind) {
  const fields = object({ grant: texts, except: texts }, ["grant"]);
  const indices = {
    names: textOrTexts,
    privileges: listOf(privilege(known.index)),
    field_security: fields,
    query: anything,
    allow_restricted_indices: flag,
  };
  const applications = listOf(object(
    { application: text, privileges: texts, resources: texts }, ["application", "privileges", "resources"]));
  const index = listOf(object(indices, ["names", "privileges"]));
  return object({
    cluster: listOf(privilege(known.cluster)),
    indices: index,
    index,
    applications,
    application: applications,
    run_as: texts,
    global: free,
    remote_indices: listOf(object({ clusters: textOrTexts, ...indices }, ["clusters", "names", "privileges"])),
    remote_cluster: listOf(object(
      { clusters: textOrTexts, privileges: listOf(privilege(known.remote_cluster)) }, ["clusters", "privileges"])),
    metadata: free,
    transient_metadata: free,
    ...(kind === "key" ? { restriction: object({ workflows: texts }) } : { description: text }),
  });
}

/** @param {string} source @param {Rule} rule */
function check(source, rule) {
  const { value, problems, lineOf } = parseJSON(source);
  if (value !== undefined) rule(value, [], (path, message) => problems.push({ line: lineOf(path), text: message }));
  return { value, problems };
}

/** Checks the role descriptors of a key, by name. @param {Known} known @returns {Check} */
export const checkDescriptors = (known) => (source) => check(source, (value, path, report) => {
  if (!isObject(value)) return report(path, "This must be an object: role descriptors by name.");
  for (const [name, each] of Object.entries(value)) descriptor(known, "key")(each, [...path, name], report);
  return undefined;
});

/** Checks the descriptor of a role. @param {Known} known @returns {Check} */
export const checkRole = (known) => (source) => check(source, descriptor(known, "role"));

/** Checks metadata. @type {Check} */
export const checkObject = (source) => check(source, free);

/** Checks the query language's query. @type {Check} */
export const checkQuery = checkObject;

/** Checks a list of texts. @type {Check} */
export const checkTexts = (source) => check(source, texts);

/**
 * Returns a descriptor as a user would write it: without what is empty, and without what the server adds.
 * @param {Record<string, any>} shown
 */
export function plainDescriptor(shown) {
  const added = ["transient_metadata"];
  const kept = Object.entries(shown).filter(([name, value]) => !added.includes(name) &&
    !(Array.isArray(value) && value.length === 0) &&
    !(isObject(value) && Object.keys(value).length === 0));
  return Object.fromEntries(kept.map(([name, value]) => [name, name.endsWith("indices") ? value.map(plainIndices) : value]));
}

/** @param {Record<string, any>} shown */
function plainIndices(shown) {
  const { allow_restricted_indices: restricted, ...rest } = shown;
  return restricted ? shown : rest;
}

/**
 * Returns descriptors as a user would write them, by name.
 * @param {Record<string, any>} shown
 */
export const plainDescriptors = (shown) =>
  Object.fromEntries(Object.entries(shown).map(([name, each]) => [name, plainDescriptor(each)]));

/**
 * Returns indented JSON, with lists of plain values on one line.
 * @param {any} value
 * @param {string} [indent]
 * @returns {string}
 */
export function pretty(value, indent = "") {
  const plain = (/** @type {unknown} */ each) => typeof each !== "object" || each === null;
  const deeper = `${indent}  `;
  if (Array.isArray(value) && value.length > 0) {
    const line = `[${value.map((each) => JSON.stringify(each)).join(", ")}]`;
    if (value.every(plain) && line.length <= 100) return line;
    return `[\n${value.map((each) => deeper + pretty(each, deeper)).join(",\n")}\n${indent}]`;
  }
  if (isObject(value) && Object.keys(value).length > 0) {
    const members = Object.entries(value).map(([name, each]) => `${deeper}${JSON.stringify(name)}: ${pretty(each, deeper)}`);
    return `{\n${members.join(",\n")}\n${indent}}`;
  }
  return JSON.stringify(value);
}
