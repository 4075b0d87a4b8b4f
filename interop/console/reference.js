"use strict";

// Opens the API reference in a browser, tries an operation out, and prints what is shown, in JSON.
//
//   CONSOLE_BROWSER=PATH node reference.js ADDRESS USER PASSWORD PICTURE
//
// It begins at the address of the server, opens the reference, and writes a picture of it.
const { launch, patience } = require("./harness.js");

const [address, user, password, picture] = process.argv.slice(2);

async function main() {
  const browser = await launch();
  try {
    const page = await browser.newPage({ locale: "en-US", viewport: { width: 1280, height: 900 } });
    page.setDefaultTimeout(patience);
    process.stdout.write(JSON.stringify(await visit(page)));
  } finally {
    await browser.close();
  }
}

async function visit(page) {
  const complaints = [];
  const foreign = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("request", (request) => {
    if (!request.url().startsWith(`${address}/`) && !request.url().startsWith("data:")) foreign.push(request.url());
  });
  await page.addInitScript(() => {
    window.violations = [];
    document.addEventListener("securitypolicyviolation", (event) => {
      window.violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}`);
    });
  });

  const missing = await page.goto(`${address}/nothing/here`);
  const lost = { status: missing.status(), heading: await page.locator("h1").textContent() };
  const expected = complaints.splice(0); // the browser reports the status 404

  await page.goto(`${address}/`);
  const home = page.url();
  await page.goto(`${address}/docs/`);
  const operations = page.locator(".opblock");
  await operations.first().waitFor();
  const title = await page.title();
  await page.screenshot({ path: picture });
  // The page renders what fits into the window only.
  await page.setViewportSize({ width: 1280, height: 20000 });
  await page.waitForFunction(async () => {
    const { paths } = await (await fetch("/openapi.json")).json();
    const declared = Object.values(paths).flatMap((path) => Object.values(path)).filter((item) => item.operationId);
    return document.querySelectorAll(".opblock").length >= declared.length;
  });
  const count = await operations.count();

  // Each operation is rendered with its parameters, bodies and answers.
  const arrows = page.locator(".opblock-control-arrow");
  for (let i = 0; i < count; i++) {
    await arrows.nth(i).evaluate((arrow) => arrow.click());
    await operations.nth(i).locator(".responses-wrapper").waitFor({ state: "attached" });
    await arrows.nth(i).evaluate((arrow) => arrow.click());
  }
  const unrendered = await page.locator(".errors-wrapper").count();
  if (unrendered > 0) complaints.push("the page shows errors of the contract");

  const tried = { unauthenticated: await tryOut(page) };
  await page.locator(".auth-wrapper .authorize").first().click();
  await page.locator("#auth-basic-username, [aria-label=auth-basic-username]").first().fill(user);
  await page.locator("#auth-basic-password, [aria-label=auth-basic-password]").first().fill(password);
  await page.locator(".auth-btn-wrapper .authorize").first().click();
  await page.locator(".modal-ux .close-modal").click();
  tried.authenticated = await tryOut(page);
  return { home, lost, expected, title, count, tried, foreign, complaints, violations: await page.evaluate(() => window.violations) };
}

// tryOut calls the operation that describes the caller, and returns the status that is shown.
async function tryOut(page) {
  const operation = page.locator('.opblock[id$="-get-current-user"]');
  const open = await operation.locator(".opblock-body").count() > 0;
  if (!open) await operation.locator(".opblock-control-arrow").click();
  if (!open) await operation.locator(".try-out__btn").click();
  const answered = page.waitForResponse((response) => response.url().endsWith("/api/v1/user"));
  await operation.locator(".execute").click();
  await answered;
  const status = operation.locator(".live-responses-table .response-col_status");
  await status.nth(1).waitFor();
  return (await status.nth(1).textContent()).trim().slice(0, 3);
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exitCode = 1;
});
