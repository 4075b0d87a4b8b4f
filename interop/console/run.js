"use strict";

// Runs all flows with a browser against a server, and prints the result of each as a line of JSON.
//
//   CONSOLE_BROWSER=PATH CONSOLE_SERVER=JSON node run.js [FLOW...]
const { launch } = require("./harness.js");

const flows = { ...require("./flows.js"), ...require("./survey.js") };

async function main() {
  const wanted = process.argv.slice(2);
  const browser = await launch();
  try {
    for (const [name, flow] of Object.entries(flows)) {
      if (wanted.length > 0 && !wanted.includes(name)) continue;
      const began = Date.now();
      let error = "", notes;
      try {
        notes = await flow(browser);
      } catch (failure) {
        error = failure.stack;
      }
      for (const context of browser.contexts()) await context.close();
      process.stdout.write(`${JSON.stringify({ flow: name, error, notes, seconds: (Date.now() - began) / 1000 })}\n`);
    }
  } finally {
    await browser.close();
  }
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exitCode = 1;
});
