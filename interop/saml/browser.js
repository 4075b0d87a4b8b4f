"use strict";

// Signs in with a browser, and prints what the browser then shows and remembers, in JSON.
//
//   node browser.js BROWSER ADDRESS LANDING NAME=VALUE...
//
// It goes to the address, fills in the form that it is led to, sends it, and looks around where it lands.
const { chromium } = require("playwright-core");

const patience = 60_000; // milliseconds, because machines are busy

const [executablePath, address, landing, ...fields] = process.argv.slice(2);

async function main() {
  const browser = await chromium.launch({
    executablePath,
    timeout: patience,
    args: [
      "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
      "--disable-background-networking", "--disable-component-update", "--disable-sync",
    ],
  });
  try {
    const context = await browser.newContext({ locale: "en-US", timezoneId: "UTC" });
    context.setDefaultTimeout(patience);
    process.stdout.write(JSON.stringify(await signIn(await context.newPage())));
  } finally {
    await browser.close();
  }
}

async function signIn(page) {
  const complaints = watch(page);
  const redirects = [];
  page.on("response", async (response) => {
    if (response.status() === 302) redirects.push(response.headers().location ?? "");
  });
  await page.goto(address);
  for (const field of fields) {
    const [name, value] = field.split(/=(.*)/s);
    await page.locator(`[name="${name}"]`).first().evaluate((input, text) => { input.value = text; }, value);
  }
  await page.locator("#btn-sign-in").click();
  await page.waitForURL((url) => url.origin + url.pathname === landing);
  await page.locator("#title", { hasText: /igned in/ }).waitFor();
  const landed = await look(page);
  const seen = { ...landed, redirects, history: await history(page), complaints: [...complaints] };
  return { ...seen, again: await comeBack(page), foreign: await runForeign(page, complaints) };
}

// watch collects what the browser has to say against pages of ours: errors, warnings, and breaches of their policy.
function watch(page) {
  const complaints = [];
  const ours = (url) => url === "" || url.startsWith(new URL(landing).origin);
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type()) && ours(message.location().url)) complaints.push(message.text());
  });
  page.on("pageerror", (error) => { if (ours(page.url())) complaints.push(String(error)); });
  return complaints;
}

// look tells what is to be seen on the page, and what a script that runs there later could find.
function look(page) {
  return page.evaluate(() => ({
    address: location.href,
    title: document.title,
    heading: document.querySelector("h1").textContent,
    text: document.querySelector("#text").textContent,
    next: document.querySelector("#next").hidden ? "" : document.querySelector("#next").href,
    referrer: document.referrer,
    kept: JSON.stringify([document.cookie, { ...localStorage }, { ...sessionStorage }, history.state, window.name]),
    entries: navigation.entries().map((entry) => entry.url),
  }));
}

// history returns the whole history of the tab from the browser, including entries that pages of other sites cannot read.
async function history(page) {
  const devtools = await page.context().newCDPSession(page);
  const { entries } = await devtools.send("Page.getNavigationHistory");
  await devtools.detach();
  return entries.flatMap((entry) => [entry.url, entry.userTypedURL, entry.title]);
}

// comeBack leaves the page for another, and comes back with the browser's button.
async function comeBack(page) {
  await page.goto("about:blank");
  await page.goBack();
  await page.locator("#title", { hasText: /igned in/ }).waitFor();
  return { address: page.url(), heading: await page.locator("h1").textContent() };
}

// runForeign injects a script into the page, and reports whether it ran, and the messages of the browser.
async function runForeign(page, complaints) {
  const before = complaints.length;
  const complained = page.waitForEvent("console", (message) => message.type() === "error");
  const ran = await page.evaluate(() => {
    const script = document.createElement("script");
    script.textContent = "window.foreign = true";
    document.body.append(script);
    return window.foreign === true;
  });
  await complained;
  return { ran, complaints: complaints.slice(before) };
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exitCode = 1;
});
