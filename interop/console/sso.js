"use strict";

// Signs in to the console at an identity provider, and prints as JSON the user that the console then shows, and what an
// address with a token does in a tab that began no sign-in.
//
//   CONSOLE_BROWSER=PATH CONSOLE_SERVER=JSON node sso.js REALM PROVIDER NAME=VALUE...
const { launch, openTab, server, signInAt, want } = require("./harness.js");

const [realm, provider, ...fields] = process.argv.slice(2);

async function main() {
  const browser = await launch();
  try {
    process.stdout.write(JSON.stringify(await signIn(browser)));
  } finally {
    await browser.close();
  }
}

async function signIn(browser) {
  const page = await openTab(browser, { origins: [provider] });
  await page.goto(`${server.url}/console/`);
  await page.getByRole("button", { name: `Continue with Realm ${realm}` }).click();
  await signInAt(page, fields);
  await page.waitForURL(`${server.url}/console/#/keys`);
  await page.getByRole("heading", { name: "API keys", exact: true }).waitFor();
  const token = await page.evaluate(() => sessionStorage.getItem("sallyport.token"));
  const devtools = await page.context().newCDPSession(page);
  const { entries } = await devtools.send("Page.getNavigationHistory");
  want(!JSON.stringify(entries).includes(token.split(".")[2]), "the history has the token");
  await page.goto(`${server.url}/console/#/account`);
  const user = await page.getByRole("definition").first().textContent();
  const complaints = page.complaints.filter((text) => !text.includes(provider));

  // Another user's token, in an address that a page of an attacker leads to.
  const victim = await openTab(browser);
  await victim.goto(`${server.url}/sso/token#${token}?state=${encodeURIComponent("/console/?sign-in=guessed")}`);
  await victim.locator("#title", { hasText: /igned in/ }).waitFor();
  const kept = await victim.evaluate(() => sessionStorage.length);
  await victim.goto(`${server.url}/console/`);
  await victim.getByRole("heading", { name: "Sign in to Sallyport" }).waitFor();
  return { user, complaints, kept };
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exitCode = 1;
});
