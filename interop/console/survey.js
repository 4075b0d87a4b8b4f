"use strict";

// Opens every page, with hostile names everywhere, in each theme and width: checks accessibility and that nothing
// overflows, and keeps pictures.
const { readFileSync } = require("node:fs");
const { join } = require("node:path");
const { addUser, api, openTab, server, signIn, want } = require("./harness.js");

const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
/** The most that a page may move by itself, as the browsers' measure has it: what people hardly notice. */
const mostShift = 0.1;
const hostile = `"><img src=x onerror=complain('script')>`;

/** @type {[string, Record<string, unknown>][]} */
const looks = [
  ["light", { colorScheme: "light", viewport: { width: 1280, height: 800 } }],
  ["dark", { colorScheme: "dark", viewport: { width: 1280, height: 800 } }],
  ["phone", { colorScheme: "light", viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true }],
];

/** Adds what the pages show, and returns the routes by the name of their pictures. */
async function furnish(user) {
  const as = { user: user.name, password: user.password };
  const descriptors = { [hostile]: { cluster: ["monitor"], indices: [{ names: [hostile], privileges: ["read"] }] } };
  const key = await api("POST", "/_security/api_key", {
    ...as, body: { name: hostile, expiration: "90d", role_descriptors: descriptors, metadata: { [hostile]: hostile } },
  });
  const names = ["nightly backup", "metrics exporter", "deployment pipeline", "status page"];
  for (const name of names) await api("POST", "/_security/api_key", { ...as, body: { name, expiration: "30d" } });
  const off = await api("POST", "/_security/api_key", { ...as, body: { name: "retired", expiration: "1d" } });
  await api("DELETE", "/_security/api_key", { ...as, body: { ids: [off.id] } });
  const name = `surveyed-${process.pid}`;
  await api("POST", "/api/v1/users", { body: {
    user_name: name, full_name: hostile, security: { password: "a passphrase for a test", roles: ["ece_platform_viewer"] },
  } });
  await api("PUT", `/_security/role/${encodeURIComponent(hostile)}`, { body: { cluster: ["monitor"], description: hostile } });
  await api("PUT", "/_security/privilege", { body: { shop: { read: { actions: ["data:read/*"], metadata: { hostile } } } } });
  return {
    users: "#/users", "users-none": "#/users?q=nothing", user: `#/users/${name}`, "user-create": "#/users/_create",
    roles: "#/roles", role: `#/roles/${encodeURIComponent(hostile)}`, "role-reserved": "#/roles/superuser",
    "role-create": "#/roles/_create", privileges: "#/privileges", privilege: "#/privileges/shop/read",
    "privilege-create": "#/privileges/_create", "single-sign-on": "#/single-sign-on", audit: "#/audit",
    "keys-update": `#/keys/_update?ids=${key.id}`,
    keys: "#/keys?state=all", "keys-none": "#/keys?q=nothing", "keys-query": '#/keys?query={"match_all":{}}',
    "key-create": "#/keys/_create", key: `#/keys/${key.id}`, account: "#/account", "second-factor": "#/second-factor",
    "not-found": "#/nothing",
  };
}

/** Adds up, in a page, what moves without anything that its reader does. */
function watchShift() {
  window.shift = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shift += entry.value;
  }).observe({ type: "layout-shift", buffered: true });
}

/** Checks a page and keeps a picture. */
async function inspect(page, name, look, found) {
  await page.waitForFunction(() => ![...document.querySelectorAll("[aria-busy=true]")].length);
  await page.evaluate(() => document.fonts.ready);
  if (process.env.CONSOLE_ARTIFACTS) {
    await page.screenshot({ path: join(process.env.CONSOLE_ARTIFACTS, `${name}-${look}.png`), fullPage: true });
  }
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  for (const violation of violations) {
    found.problems.push(`${name}, ${look}: ${violation.id}: ${violation.nodes.map((node) => `${node.target} ${node.failureSummary}`).join("; ")}`);
  }
  const shift = await page.evaluate(() => {
    const { shift } = window;
    window.shift = 0;
    return shift;
  });
  if (shift > 0) found.shifts[`${name}, ${look}`] = shift;
  if (shift > mostShift) found.problems.push(`${name}, ${look}: the page moves by ${shift}`);
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  if (overflow > 0) found.problems.push(`${name}, ${look}: the page is ${overflow} pixels too wide`);
  const injected = await page.locator("img[src=x]").count();
  if (injected > 0) found.problems.push(`${name}, ${look}: a name became markup`);
}

async function survey(browser) {
  const user = await addUser(["ece_platform_admin"]);
  const routes = await furnish(user);
  const found = { problems: [], shifts: {} };
  let inspected = 0;
  for (const [look, options] of looks) {
    // The page's policy allows no injected script, so axe is set up before it applies.
    const page = await openTab(browser, options);
    await page.addInitScript({ content: axe });
    await page.addInitScript(watchShift);
    await page.goto(`${server.url}/console/`);
    await page.getByLabel("User name").waitFor();
    await inspect(page, "sign-in", look, found);
    await signIn(page, user);
    await page.getByRole("heading", { name: "API keys", exact: true }).waitFor();
    for (const [name, route] of Object.entries(routes)) {
      await page.goto(`${server.url}/console/${route}`);
      await page.locator("h1").waitFor();
      await inspect(page, name, look, found);
      inspected++;
      await open(page, name, look, found);
    }
    found.problems.push(...page.complaints.map((text) => `${look}: ${text}`));
    await page.context().close();
  }
  want(found.problems.length === 0, found.problems.join("\n"));
  return { pages: inspected, shifts: found.shifts };
}

/** Inspects the states of a page that its route does not show at once. */
async function open(page, name, look, found) {
  if (name.endsWith("-none")) await page.getByText(/^No (key|user) matches$/).waitFor();
  if (name === "key-create") {
    await page.getByLabel("Less than yours").check();
    await page.getByText("You have all of these permissions").waitFor();
    await page.getByLabel("Role descriptors").fill('{\n  "a": { "cluster": ["monitr"] }\n}');
    await page.getByText("Line 2:").waitFor();
    await inspect(page, "key-create-wrong", look, found);
  }
  if (name === "key") {
    await page.getByRole("button", { name: "Invalidate…" }).click();
    await page.getByRole("dialog").waitFor();
    await inspect(page, "key-invalidate", look, found);
    await page.keyboard.press("Escape");
  }
  if (name === "keys-update") {
    await page.getByLabel("Metadata", { exact: true }).check();
    await page.getByLabel("New metadata").fill(JSON.stringify({ team: hostile }));
    await page.getByRole("button", { name: "Preview" }).click();
    await page.getByRole("heading", { name: "Preview: nothing is changed yet" }).waitFor();
    await inspect(page, "keys-update-preview", look, found);
  }
  if (name === "keys" && look === "phone") {
    await page.getByRole("button", { name: "Menu" }).click();
    await inspect(page, "menu", look, found);
  }
  if (name === "second-factor") {
    await page.getByRole("button", { name: "Set up a second factor" }).click();
    await page.getByRole("img", { name: "QR code with the secret" }).waitFor();
    await inspect(page, "second-factor-set-up", look, found);
  }
}

module.exports = { survey };
