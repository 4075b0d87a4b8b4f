"use strict";

// What the flows share: a browser, pages that report everything that a page must not do, and shortcuts.
const { createHmac } = require("node:crypto");
const { chromium } = require("playwright-core");

const patience = Number(process.env.CONSOLE_PATIENCE ?? 60_000); // milliseconds, because machines are busy

/** The server under test, from the test in Go. */
const server = JSON.parse(process.env.CONSOLE_SERVER ?? "{}");

async function launch() {
  return chromium.launch({
    executablePath: process.env.CONSOLE_BROWSER,
    timeout: patience,
    args: [
      "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
      "--disable-background-networking", "--disable-component-update", "--disable-sync",
    ],
  });
}

/**
 * Opens a tab that collects complaints: errors, warnings, violations of the page's policy, requests to other origins,
 * and dialogs or scripts of hostile names.
 */
async function openTab(browser, options = {}, context) {
  context ??= await browser.newContext({ locale: "en-US", timezoneId: "Europe/Berlin", ...options });
  context.setDefaultTimeout(patience);
  const page = await context.newPage();
  const complaints = [];
  const expected = options.expected ?? [];
  const complain = (text) => {
    if (!expected.some((pattern) => pattern.test(text))) complaints.push(text);
  };
  page.on("console", (message) => {
    // A refused request is part of many flows, and is logged by the browser.
    if (["error", "warning"].includes(message.type()) && !/Failed to load resource/.test(message.text())) {
      complain(`${message.type()}: ${message.text()}`);
    }
  });
  page.on("pageerror", (error) => complain(`error: ${error}`));
  page.on("dialog", (dialog) => {
    complain(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on("request", (request) => {
    const url = new URL(request.url());
    // What an identity provider's page loads is its own affair.
    const from = request.isNavigationRequest() ? server.url : new URL(request.frame().url()).origin;
    if (options.origins?.includes(from)) return;
    if (![server.url, ...(options.origins ?? [])].includes(url.origin) && !["data:", "about:"].includes(url.protocol)) complain(`request to ${url.origin}`);
  });
  page.on("framenavigated", (frame) => {
    if (frame !== page.mainFrame()) complain(`frame: ${frame.url()}`);
  });
  await page.exposeFunction("complain", complain);
  await page.addInitScript(() => {
    window.violations = 0;
    addEventListener("securitypolicyviolation", (event) => {
      window.violations++;
      window.complain(`policy: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
    });
  });
  page.complaints = complaints;
  return page;
}

/** Signs in at the page of an identity provider, with fields NAME=VALUE. */
async function signInAt(page, fields) {
  await page.locator("#btn-sign-in").waitFor();
  for (const field of fields) {
    const [name, value] = field.split(/=(.*)/s);
    await page.locator(`[name="${name}"]`).first().evaluate((input, text) => { input.value = text; }, value);
  }
  await page.locator("#btn-sign-in").click();
}

/** Calls the API as a user. */
async function api(method, path, { body, user = server.user, password = server.password, token } = {}) {
  const authorization = token ? `Bearer ${token}` : `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
  const response = await fetch(server.url + path, {
    method,
    headers: { authorization, ...(body && { "content-type": "application/json" }) },
    body: body && JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return text ? JSON.parse(text) : undefined;
}

/** Calls the control API of the server under test. */
async function control(method, path, body) {
  const response = await fetch(`${server.url}/_control/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${server.controlToken}`, "content-type": "application/json" },
    body: body && JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return text ? JSON.parse(text) : undefined;
}

let users = 0;

/** Adds a user of its own for a flow, because flows run on one server. */
async function addUser(roles = ["ece_platform_admin"], name = `user-${process.pid}-${++users}`) {
  const password = "a passphrase for a test";
  await api("POST", "/api/v1/users", { body: { user_name: name, full_name: "A Tester", security: { password, roles } } });
  return { name, password };
}

/** Signs in on the page, where the form is shown. */
async function signIn(page, { name, password }) {
  await page.getByLabel("User name").fill(name);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
}

/** Opens a route of the console as a user, in a new tab. */
async function openAs(browser, user, hash = "", options = {}) {
  const page = await openTab(browser, options);
  await page.goto(`${server.url}/console/${hash}`);
  await signIn(page, user);
  await page.getByRole("button", { name: "Sign out" }).waitFor({ state: "attached" });
  return page;
}

/** The code of a secret at a time in milliseconds (RFC 6238). */
function codeOf(secret, at) {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const bits = [...secret].map((each) => alphabet.indexOf(each).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => Number.parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(at / 30_000)));
  const hash = createHmac("sha1", key).update(counter).digest();
  const offset = hash[19] & 15;
  return String((hash.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

/** The server's time, which flows advance. */
async function serverTime() {
  return Date.parse((await control("GET", "/clock")).now);
}

/** The code for the next period, because each code works once. */
async function nextCode(secret) {
  await control("POST", "/clock/_advance", { seconds: 30 });
  return codeOf(secret, await serverTime());
}

function want(condition, message) {
  if (!condition) throw new Error(message);
}

module.exports = { addUser, api, codeOf, control, launch, nextCode, openAs, openTab, patience, server, serverTime, signIn, signInAt, want };
