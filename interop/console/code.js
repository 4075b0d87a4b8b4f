"use strict";

// Signs in to the console where a user with a second factor sends a one-time code at sign-in: first without one, then
// with a wrong one, then with the right one. Then a form that needs the second factor needs nothing more.
//
//   CONSOLE_BROWSER=PATH CONSOLE_SERVER=JSON node code.js
const { addUser, api, codeOf, launch, nextCode, openTab, server, serverTime, signIn, want } = require("./harness.js");

const totp = "/api/v1/users/auth/totp";

async function main() {
  const browser = await launch();
  try {
    await signInWithCode(browser);
  } finally {
    await browser.close();
  }
}

async function signInWithCode(browser) {
  const user = await addUser();
  const caller = { user: user.name, password: user.password };
  const { secret } = await api("POST", totp, caller);
  await api("POST", `${totp}/_confirm`, { ...caller, body: { token: codeOf(secret, await serverTime()) } });

  const page = await openTab(browser);
  await page.goto(`${server.url}/console/`);
  await signIn(page, user);
  const code = page.getByLabel("One-time code");
  await code.waitFor();
  want(await page.getByRole("alert").count() === 0, "the first question for a code is an error");
  await code.fill("000000");
  await page.keyboard.press("Enter");
  await page.getByRole("alert").filter({ hasText: "not valid" }).waitFor();
  want(await page.getByLabel("Password", { exact: true }).inputValue() === user.password, "the password is lost");
  await code.fill(await nextCode(secret));
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Sign out" }).waitFor({ state: "attached" });

  await page.goto(`${server.url}/console/#/keys/_create`);
  await page.getByLabel("Name", { exact: true }).fill("without a dialog");
  await page.getByRole("button", { name: "Create API key" }).click();
  await page.getByRole("heading", { name: "API key created" }).waitFor();
  want(page.complaints.length === 0, page.complaints.join("\n"));
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exitCode = 1;
});
