"use strict";

// Signs in to a front end of another origin with the code that the documentation shows, and shows the pages for refused
// sign-ins and sign-outs. Prints the user of the token as JSON.
//
//   CONSOLE_BROWSER=PATH CONSOLE_SERVER=JSON node frontend.js RETURN_URL PROVIDER NAME=VALUE...
const { readFileSync } = require("node:fs");
const { createServer } = require("node:http");
const { join } = require("node:path");
const { api, launch, openTab, server, signInAt, want } = require("./harness.js");

const [returnURL, provider, ...fields] = process.argv.slice(2);
const { origin: front, port } = new URL(returnURL);
const guide = readFileSync(join(__dirname, "../../docs/how-to/sign-in-from-a-front-end.md"), "utf8");
const shown = /```js\n(.*?)```/s.exec(guide)[1].replaceAll("https://sallyport.example.com", server.url);
const operations = `${server.url}/api/v1/users/auth/saml/`;

async function main() {
  const files = createServer((_, response) => {
    response.setHeader("Content-Type", "text/html");
    response.end(`<!doctype html><title>Front end</title><link rel="icon" href="data:,">
      <script type="module">${shown}; Object.assign(window, { signIn, finish });</script>`);
  }).listen(Number(port), "127.0.0.1");
  const browser = await launch();
  try {
    const { user, complaints } = await signIn(browser);
    await callFromAnotherOrigin(browser);
    await showRefusals(browser);
    process.stdout.write(JSON.stringify({ user, complaints }));
  } finally {
    await browser.close();
    files.close();
  }
}

/** Signs in until the front end has a code. */
async function getCode(page) {
  await page.goto(`${front}/`);
  await page.evaluate((url) => { void window.signIn(url); }, returnURL);
  await signInAt(page, fields);
  await page.waitForURL((url) => url.href.startsWith(`${returnURL}?code=`));
}

async function signIn(browser) {
  const page = await openTab(browser, { origins: [provider, front] });
  await getCode(page);
  const token = await page.evaluate(() => window.finish());
  want(token, "the front end gets no token");
  want(page.url() === returnURL, `the address is still ${page.url()}`);
  const user = (await api("GET", "/api/v1/user", { token })).user_name;

  // A tab that did not begin the sign-in cannot finish it.
  await getCode(page);
  const other = await openTab(browser, { origins: [front] });
  await other.goto(page.url());
  want(await other.evaluate(() => window.finish()) === null, "another tab exchanges the code");
  want(await page.evaluate(() => window.finish()), "the tab itself cannot exchange it afterwards");
  return { user, complaints: page.complaints.filter((text) => !text.includes(provider)) };
}

async function callFromAnotherOrigin(browser) {
  const origin = `http://localhost:${port}`;
  const page = await openTab(browser, { origins: [origin], expected: [/CORS/] });
  await page.goto(`${origin}/`);
  const outcome = await page.evaluate(async (url) => {
    const headers = { "Content-Type": "application/json" };
    return fetch(url, { method: "POST", headers, body: "{}" }).then((r) => r.status, (error) => error.name);
  }, `${operations}_token`);
  want(outcome === "TypeError", `a page of another origin gets ${outcome}`);
}

async function showRefusals(browser) {
  const page = await openTab(browser);
  await page.goto(`${operations}_init?realm=nothing`);
  await page.getByRole("heading", { name: "You are not signed in" }).waitFor();
  await page.getByRole("link", { name: "Sign in again" }).click();
  await page.getByRole("heading", { name: "Sign in to Sallyport" }).waitFor();
  await page.goto(`${operations}_single_logout`);
  await page.getByRole("heading", { name: "You may still be signed in" }).waitFor();
  want(page.complaints.length === 0, page.complaints.join("\n"));
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exitCode = 1;
});
