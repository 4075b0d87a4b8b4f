"use strict";

// What users do with the console, step by step.
const {
  addUser, api, codeOf, control, nextCode, openAs, openTab, server, serverTime, signIn, want,
} = require("./harness.js");

const hostile = `"><img src=x onerror=complain('script')>`;

/** Fails if a page did anything that it must not do. */
function wantNoComplaints(page) {
  want(page.complaints.length === 0, `complaints: ${page.complaints.join("\n")}`);
}

/** From the printed password of sallyport dev to the first key. */
async function firstKey(browser) {
  const page = await openTab(browser);
  const began = Date.now();
  await page.goto(`${server.url}/console/`);
  await page.getByLabel("User name").waitFor();
  const { interactive } = await page.evaluate(() => ({ interactive: performance.now() }));

  let clicks = 0;
  const click = async (role, name) => {
    clicks++;
    await page.getByRole(role, { name, exact: true }).click();
  };
  await page.keyboard.type(server.user);
  await page.keyboard.press("Tab");
  await page.keyboard.type(server.password);
  await click("button", "Sign in");
  await click("link", "Create API key");
  await page.getByLabel("Name", { exact: true }).waitFor();
  await page.keyboard.type("my first key");
  await click("button", "Create API key");
  await page.getByRole("heading", { name: "API key created" }).waitFor();
  const seconds = (Date.now() - began) / 1000;

  const key = await page.locator(".copyable code").first().textContent();
  const { username, api_key: used } = await (await fetch(`${server.url}/_security/_authenticate`, {
    headers: { authorization: `ApiKey ${key}` },
  })).json();
  want(username === server.user && used.name === "my first key", `the key is that of ${username}: ${JSON.stringify(used)}`);
  await click("link", "I have copied it");
  await page.getByRole("link", { name: "my first key" }).waitFor();
  want(!(await page.content()).includes(key), "the key is left on the page");
  want(seconds <= 60, `it took ${seconds} seconds`);
  wantNoComplaints(page);
  return { clicks: clicks - 1, seconds, interactive };
}

/** A wrong password is refused with a request id, and nothing is kept. */
async function wrongPassword(browser) {
  const page = await openTab(browser);
  await page.goto(`${server.url}/console/`);
  await signIn(page, { name: server.user, password: "not the password" });
  const alert = page.getByRole("alert").filter({ hasText: "wrong" });
  await alert.waitFor();
  want(/Request id \S{16}/.test(await alert.textContent()), "the error has no request id");
  want(await page.evaluate(() => sessionStorage.length) === 0, "the tab's storage has something");
  wantNoComplaints(page);
}

/** Signing out removes the token here and ends the session at the server; the back button shows nothing. */
async function signingOut(browser) {
  const page = await openAs(browser, await addUser(), "#/account");
  const token = await page.evaluate(() => sessionStorage.getItem("sallyport.token"));
  want(token, "the tab's storage has no token");
  await page.goto(`${server.url}/console/#/keys`);
  await page.getByRole("heading", { name: "API keys", exact: true }).waitFor();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("heading", { name: "Sign in to Sallyport" }).waitFor();
  const kept = await page.evaluate(() => JSON.stringify([{ ...sessionStorage }, { ...localStorage }, document.cookie]));
  want(kept === '[{},{},""]', `the browser keeps ${kept}`);
  const refused = await api("GET", "/api/v1/user", { token }).then(() => false, (error) => / 401 /.test(error.message));
  want(refused, "the token still works");
  await page.goBack();
  await page.getByRole("heading", { name: "Sign in to Sallyport" }).waitFor();
  wantNoComplaints(page);
}

/** Keys are found by words and states, sorted, paged, and the back button leads through all of that. */
async function searchingKeys(browser) {
  const user = await addUser();
  for (let i = 0; i < 23; i++) {
    await api("POST", "/_security/api_key", {
      body: { name: `job ${String(i).padStart(2, "0")}`, metadata: { team: i < 2 ? "search" : "ops" } },
      user: user.name, password: user.password,
    });
  }
  const page = await openAs(browser, user, "#/keys");
  const rows = page.locator("tbody tr");
  const count = async (n) => {
    await page.waitForFunction((expected) => document.querySelectorAll("tbody tr").length === expected &&
      document.querySelector(".loaded")?.getAttribute("aria-busy") === "false", n);
  };
  await count(20);
  await page.getByText("1–20 of 23").waitFor();
  await page.getByRole("link", { name: "Next" }).click();
  await count(3);
  await page.goBack();
  await count(20);
  await page.getByRole("link", { name: "Name" }).click();
  await page.getByRole("columnheader", { name: "Name" }).and(page.locator("[aria-sort=ascending]")).waitFor();
  await page.getByRole("link", { name: "job 00" }).waitFor();
  want((await rows.first().textContent()).includes("job 00"), "the keys are not sorted by name");

  await page.getByLabel("Search", { exact: true }).fill("JOB 1");
  await page.keyboard.press("Enter");
  await count(12);
  await page.goBack();
  await count(20);
  await page.getByRole("button", { name: "Query" }).click();
  const editor = page.getByLabel("Query", { exact: true });
  await editor.fill('{\n  "term": {\n    "metadata.team" "search"\n  }\n}');
  await page.getByText("Line 3:").waitFor();
  await editor.fill('{"term": {"metadata.team": "search"}}');
  await page.getByRole("button", { name: "Run the query" }).click();
  await count(2);
  await page.getByRole("button", { name: "Back to the simple search" }).click();
  await count(20);
  await page.goBack();
  await count(2);
  await page.getByRole("button", { name: "Back to the simple search" }).click();
  await count(20);
  await page.getByLabel("Search", { exact: true }).fill("no such key");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "No key matches" }).waitFor();
  wantNoComplaints(page);
}

/** Role descriptors are checked while typing, and limited by what the owner can do. */
async function roleDescriptors(browser) {
  const admin = await openAs(browser, await addUser(), "#/keys/_create");
  await admin.getByLabel("Name", { exact: true }).fill("unlimited");
  await admin.getByLabel("Less than yours").check();
  await admin.getByLabel("Role descriptors").fill('{\n  "a": {\n    "cluster": ["monitor", "monitoring"],\n    "indexes": []\n  }\n}');
  await admin.getByText('There is no privilege "monitoring"').waitFor();
  await admin.getByText('There is no "indexes" here').waitFor();
  const problems = await admin.locator(".problems li").allTextContents();
  want(problems[0].startsWith("Line 3:") && problems[1].startsWith("Line 4:"), `the problems are ${problems.join(" · ")}`);
  await admin.getByRole("button", { name: "Create API key" }).click();
  await admin.getByText("Correct the marked lines first.").waitFor();
  wantNoComplaints(admin);

  const user = await addUser(["ece_deployment_viewer"]);
  const page = await openAs(browser, user, "#/keys/_create");
  await page.getByLabel("Name", { exact: true }).fill("limited");
  await page.getByLabel("Less than yours").check();
  await page.getByLabel("Role descriptors").fill('{"a": {"cluster": ["monitor", "manage_security"], "indices": [{"names": ["logs-*"], "privileges": ["read"]}]}}');
  const table = page.getByRole("region", { name: "Effective permissions" });
  await table.getByRole("row", { name: "monitor Cluster Granted" }).waitFor();
  await table.getByRole("row", { name: "manage_security Cluster Not granted" }).waitFor();
  await table.getByRole("row", { name: "read Index logs-* Not granted" }).waitFor();
  await page.getByRole("button", { name: "Create API key" }).click();
  await page.getByRole("heading", { name: "API key created" }).waitFor();
  const { api_keys: [key] } = await api("GET", "/_security/api_key?name=limited&owner=true", {
    user: user.name, password: user.password,
  });
  want(key.role_descriptors.a.cluster.length === 2, "the key has no descriptor");
  wantNoComplaints(page);
}

/** A key is invalidated after a confirmation, which the keyboard can leave. */
async function invalidating(browser) {
  const user = await addUser();
  const body = { name: hostile };
  const { id } = await api("POST", "/_security/api_key", { body, user: user.name, password: user.password });
  const page = await openAs(browser, user, `#/keys/${id}`);
  const button = page.getByRole("button", { name: "Invalidate…" });
  await button.click();
  const dialog = page.getByRole("dialog", { name: "Invalidate this API key?" });
  await dialog.waitFor();
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  want(await button.evaluate((element) => element === document.activeElement), "the focus is not back at the button");
  await button.click();
  await dialog.getByRole("button", { name: "Invalidate key" }).click();
  await page.getByRole("status").filter({ hasText: "The key is invalidated." }).waitFor();
  await page.getByText("Invalidated", { exact: true }).first().waitFor();
  const { api_keys: [key] } = await api("GET", `/_security/api_key?id=${id}`);
  want(key.invalidated, "the key is not invalidated");
  wantNoComplaints(page);
}

/** Sets up a second factor on the page, and returns its secret. */
async function setUp(page) {
  await page.goto(`${server.url}/console/#/second-factor`);
  await page.getByRole("button", { name: "Set up a second factor" }).click();
  await page.getByRole("img", { name: "QR code with the secret" }).waitFor();
  await page.getByText("The app cannot scan?").click();
  const secret = await page.locator("details .copyable code").textContent();
  await page.getByLabel("One-time code").fill(codeOf(secret, await serverTime()));
  await page.getByRole("button", { name: "Confirm" }).click();
  await page.getByRole("heading", { name: "Your recovery codes" }).waitFor();
  want(await page.locator(".codes li").count() === 10, "there are not ten recovery codes");
  return secret;
}

/** A second factor is set up; then a form that needs elevated permissions asks for a code, and is not lost. */
async function elevation(browser) {
  const user = await addUser();
  const page = await openAs(browser, user, "#/second-factor");
  const secret = await setUp(page);
  await page.getByRole("button", { name: "I have kept them" }).click();
  await page.getByText("Recovery codes left").waitFor();

  await page.goto(`${server.url}/console/#/keys/_create`);
  await page.getByLabel("Name", { exact: true }).fill("with elevation");
  await page.getByRole("button", { name: "Create API key" }).click();
  const dialog = page.getByRole("dialog", { name: "Confirm that it is you" });
  await dialog.waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("alert").filter({ hasText: "elevated permissions" }).waitFor();
  want(await page.getByLabel("Name", { exact: true }).inputValue() === "with elevation", "the form is lost");

  await page.getByRole("button", { name: "Create API key" }).click();
  await dialog.waitFor();
  await page.keyboard.type("000000");
  await page.keyboard.press("Enter");
  await dialog.getByRole("alert").filter({ hasText: "Request id" }).waitFor();
  await dialog.getByLabel("One-time code").fill(await nextCode(secret));
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "API key created" }).waitFor();

  await page.goto(`${server.url}/console/#/account`);
  await page.getByRole("button", { name: "Give up elevated permissions" }).click();
  await page.getByRole("status").filter({ hasText: "no longer elevated" }).waitFor();
  wantNoComplaints(page);
}

/** The session expires while a form is open: the user signs in again in a dialog, and the form is sent. */
async function expiry(browser) {
  const user = await addUser();
  const page = await openAs(browser, user, "#/keys/_create");
  await page.getByLabel("Name", { exact: true }).fill("kept over expiry");
  await control("POST", "/clock/_advance", { seconds: 7200 });
  await page.getByRole("button", { name: "Create API key" }).click();
  const dialog = page.getByRole("dialog", { name: "Your session has expired" });
  await dialog.waitFor();
  want(await page.evaluate(() => sessionStorage.getItem("sallyport.token")) === null, "the expired token is kept");
  await dialog.getByLabel("Password").fill(user.password);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "API key created" }).waitFor();
  wantNoComplaints(page);
}

/** Two tabs have sessions of their own; signing out of one leaves the other. */
async function twoTabs(browser) {
  const user = await addUser();
  const first = await openAs(browser, user, "#/account");
  const second = await openTab(browser, {}, first.context());
  await second.goto(`${server.url}/console/`);
  await signIn(second, user);
  await second.getByRole("heading", { name: "API keys", exact: true }).waitFor();
  await second.getByRole("button", { name: "Sign out" }).click();
  await second.getByRole("heading", { name: "Sign in to Sallyport" }).waitFor();
  await first.getByRole("link", { name: "API keys" }).click();
  await first.getByRole("heading", { name: "API keys", exact: true }).waitFor();
  await first.getByRole("heading", { name: "You have no active API keys" }).waitFor();
  await first.reload();
  await first.getByRole("heading", { name: "You have no active API keys" }).waitFor();
  wantNoComplaints(first);
  wantNoComplaints(second);
}

/** A server that does not answer leaves an error and a way to try again. */
async function noAnswer(browser) {
  const user = await addUser();
  const page = await openAs(browser, user, "#/account");
  await page.route("**/_security/_query/api_key", (route) => route.abort());
  await page.getByRole("link", { name: "API keys" }).click();
  await page.getByRole("alert").filter({ hasText: "cannot be reached" }).waitFor();
  await page.unroute("**/_security/_query/api_key");
  await page.getByRole("button", { name: "Try again" }).click();
  await page.getByRole("heading", { name: "You have no active API keys" }).waitFor();
  wantNoComplaints(page);
}

/** The keyboard alone reaches the content, and everything on the way says what it is. */
async function keyboard(browser) {
  const page = await openAs(browser, await addUser(), "#/keys");
  await page.getByRole("heading", { name: "API keys", exact: true }).waitFor();
  await page.reload();
  await page.getByRole("heading", { name: "API keys", exact: true }).waitFor();
  await page.keyboard.press("Tab");
  const skip = await page.evaluate(() => document.activeElement.textContent);
  want(skip === "Skip to the content", `the first stop is ${skip}`);
  await page.keyboard.press("Enter");
  want(await page.evaluate(() => document.activeElement.id) === "main", "the content has not got the focus");
  await page.keyboard.press("Tab");
  want(await page.evaluate(() => document.activeElement.textContent) === "Create API key", "the action is not next");
  wantNoComplaints(page);
}

/** The page's policy stops what is injected into it. */
async function injection(browser) {
  const page = await openTab(browser);
  await page.goto(`${server.url}/console/`);
  await page.getByLabel("User name").waitFor();
  wantNoComplaints(page);
  const ran = await page.evaluate(async () => {
    const script = document.createElement("script");
    try { script.textContent = "window.foreign = true"; } catch { /* Trusted Types */ }
    document.body.append(script);
    let parsed = true;
    try { document.body.insertAdjacentHTML("beforeend", "<b>text</b>"); } catch { parsed = false; }
    return { foreign: window.foreign === true, parsed };
  });
  want(!ran.foreign && !ran.parsed, `the policy allows ${JSON.stringify(ran)}`);
  await page.waitForFunction(() => window.violations > 0);
}

/** Several keys get another expiration and other descriptors, after a preview that changes nothing. */
async function bulkUpdate(browser) {
  const user = await addUser();
  const as = { user: user.name, password: user.password };
  for (const name of ["first", "second"]) await api("POST", "/_security/api_key", { ...as, body: { name } });
  const same = { same: { cluster: ["monitor"] } };
  await api("POST", "/_security/api_key", { ...as, body: { name: "third", role_descriptors: same } });
  const read = async () => Object.fromEntries((await api("GET", "/_security/api_key?owner=true", as)).api_keys.map(
    (key) => [key.name, key.role_descriptors]));
  const page = await openAs(browser, user, "#/keys");
  await page.getByLabel("Select all on this page").check();
  await page.getByRole("button", { name: "Update…" }).click();
  await page.getByRole("heading", { name: "Update 3 API keys" }).waitFor();
  await page.getByLabel("Role descriptors", { exact: true }).check();
  await page.getByLabel("New role descriptors").fill(JSON.stringify(same));
  await page.getByRole("button", { name: "Preview" }).click();
  await page.getByRole("heading", { name: "Preview: nothing is changed yet" }).waitFor();
  want(await page.getByText("Will change", { exact: true }).count() === 2, "not two keys will change");
  want(await page.getByText("Stays as it is", { exact: true }).count() === 1, "not one key stays");
  const added = await page.locator(".diff .plus").allTextContents();
  want(added.some((line) => line.includes('"cluster": ["monitor"]')), `the diff adds ${added.join("")}`);
  want(Object.keys((await read()).first).length === 0, "the preview changed a key");

  await page.getByLabel("Metadata", { exact: true }).check();
  want(await page.getByRole("button", { name: /^Update \d/ }).count() === 0, "an outdated preview can be applied");
  await page.getByLabel("Metadata", { exact: true }).uncheck();
  await page.getByRole("button", { name: "Update 2 keys" }).click();
  await page.getByRole("status").filter({ hasText: "2 changed, 1 were like that already, 0 failed." }).waitFor();
  want(Object.keys((await read()).first).join() === "same", "the key is not changed");
  wantNoComplaints(page);
}

/** An administrator creates a user with roles of both kinds, changes, disables, unlocks and deletes the user. */
async function managingUsers(browser) {
  const name = `managed-${process.pid}`;
  const page = await openAs(browser, await addUser(), "#/users");
  await page.getByRole("link", { name: "Create user" }).click();
  await page.getByLabel("User name").waitFor();
  await page.keyboard.type(name);
  await page.getByRole("button", { name: "Generate" }).click();
  const password = await page.locator(".copyable code").textContent();
  await page.getByLabel("Other roles").fill("log_reader");
  await page.getByRole("button", { name: "Create user" }).click();
  await page.getByRole("heading", { name, exact: true }).waitFor();
  await page.getByText("log_reader", { exact: true }).waitFor();
  const { roles } = await api("GET", "/_security/_authenticate", { user: name, password });
  want(roles.join() === "ece_deployment_viewer,log_reader", `the roles are ${roles}`);

  await page.getByLabel("Full name").fill(hostile);
  await page.getByRole("button", { name: "Save user" }).click();
  await page.getByRole("status").filter({ hasText: "The user is saved." }).waitFor();
  await page.getByRole("definition").filter({ hasText: hostile }).waitFor();
  await page.getByRole("button", { name: "Unlock" }).click();
  await page.getByRole("status").filter({ hasText: "can try to sign in again" }).waitFor();

  await page.getByLabel("Password", { exact: true }).fill("another passphrase");
  await page.getByRole("button", { name: "Reset password" }).click();
  await page.getByRole("status").filter({ hasText: "The password of" }).waitFor();
  await api("GET", "/_security/_authenticate", { user: name, password: "another passphrase" });

  await page.getByRole("button", { name: "Disable…" }).click();
  await page.getByRole("button", { name: "Disable user" }).click();
  await page.getByText("Disabled", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Enable" }).click();
  await page.getByText("Enabled", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Delete…" }).click();
  await page.getByRole("button", { name: "Delete user" }).click();
  await page.getByRole("heading", { name: "Users", exact: true }).waitFor();
  await page.getByLabel("Search", { exact: true }).fill(name);
  await page.getByRole("heading", { name: "No user matches" }).waitFor();
  wantNoComplaints(page);
}

/** An administrator creates, changes and deletes a role and an application privilege. */
async function managingRoles(browser) {
  const page = await openAs(browser, await addUser(), "#/roles");
  await page.getByRole("link", { name: "superuser" }).click();
  await page.getByText("cannot be changed").waitFor();
  await page.goBack();
  await page.getByRole("link", { name: "Create role" }).click();
  await page.getByLabel("Name", { exact: true }).fill("managed");
  await page.getByRole("button", { name: "Save role" }).click();
  await page.getByRole("link", { name: "managed" }).click();
  await page.getByLabel("Role descriptor").fill('{"cluster": ["manage_own_api_key"]}');
  await page.getByRole("button", { name: "Save role" }).click();
  await page.getByRole("heading", { name: "Roles", exact: true }).waitFor();
  const { managed } = await api("GET", "/_security/role/managed");
  want(managed.cluster.join() === "manage_own_api_key", `the role is ${JSON.stringify(managed)}`);
  await page.getByRole("link", { name: "managed" }).click();
  await page.getByRole("button", { name: "Delete…" }).click();
  await page.getByRole("button", { name: "Delete role" }).click();
  await page.getByRole("link", { name: "managed" }).waitFor({ state: "detached" });

  await page.getByRole("link", { name: "Application privileges" }).click();
  await page.getByRole("link", { name: "Create privilege" }).first().click();
  await page.getByLabel("Application", { exact: true }).fill("shop");
  await page.getByLabel("Name", { exact: true }).fill("read");
  await page.getByRole("button", { name: "Save privilege" }).click();
  await page.getByRole("link", { name: "read", exact: true }).click();
  await page.getByRole("button", { name: "Delete…" }).click();
  await page.getByRole("button", { name: "Delete privilege" }).click();
  await page.getByRole("heading", { name: "There are no application privileges" }).waitFor();
  wantNoComplaints(page);
}

/** An administrator filters the audit trail and pages through it, and the back button leads back. */
async function auditTrail(browser) {
  const user = await addUser();
  const as = { user: user.name, password: user.password };
  for (let i = 0; i < 55; i++) await api("POST", "/_security/api_key", { ...as, body: { name: `audited ${i}` } });
  const page = await openAs(browser, user, "#/audit");
  await page.getByRole("cell", { name: "api_key.created" }).first().waitFor();
  await page.getByLabel("By user").fill(user.name);
  await page.getByLabel("Event").fill("api_key.created");
  await page.getByRole("button", { name: "Filter" }).click();
  const rows = (n) => page.waitForFunction((expected) => document.querySelectorAll("tbody tr").length === expected &&
    document.querySelector(".loaded")?.getAttribute("aria-busy") === "false", n);
  await rows(50);
  await page.getByRole("link", { name: "Older entries" }).click();
  await rows(5);
  await page.getByText("These are the oldest.").waitFor();
  await page.goBack();
  await rows(50);
  await page.getByLabel("Event").fill("no.such");
  await page.getByRole("button", { name: "Filter" }).click();
  await page.getByRole("heading", { name: "No entry matches" }).waitFor();
  wantNoComplaints(page);
}

/** A caller without privileges is offered no page that would be refused. */
async function viewer(browser) {
  const page = await openAs(browser, await addUser(["ece_deployment_viewer"]), "#/keys");
  const links = await page.getByRole("navigation").getByRole("link").allTextContents();
  want(links.join() === "API keys,Account,Second factor", `the navigation offers ${links}`);
  await page.goto(`${server.url}/console/#/users`);
  await page.getByRole("alert").filter({ hasText: "Request id" }).waitFor();
  wantNoComplaints(page);
}

module.exports = {
  firstKey, wrongPassword, signingOut, searchingKeys, roleDescriptors, invalidating, elevation, expiry, twoTabs, noAnswer,
  keyboard, injection, bulkUpdate, managingUsers, managingRoles, auditTrail, viewer,
};
