// The site of docs/: the pages as they are, a list of them beside each, and a search that runs in the browser.
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { defineConfig } from "vitepress";

const root = path.resolve(import.meta.dirname, "../../..");
const docs = path.join(root, "docs");
const repository = "https://github.com/sallyport/sallyport/blob/main/";

const installed = file => path.resolve(import.meta.dirname, "../node_modules", file);

const title = file => readFileSync(file, "utf8").match(/^# (.*)$/m)[1].replaceAll("`", "");

const section = (text, folder) => ({
  text,
  collapsed: folder === "decisions",
  items: readdirSync(path.join(docs, folder))
    .filter(name => name.endsWith(".md") && name !== "README.md" && name !== "template.md")
    .map(name => ({ text: title(path.join(docs, folder, name)), link: `/${folder}/${name.slice(0, -3)}` }))
    .sort((a, b) => a.text.localeCompare(b.text)),
});

// Links to files that are no pages of the site lead to the repository.
function linkRepository(markdown) {
  const render = markdown.renderer.rules.link_open ??
    ((tokens, i, options, _, self) => self.renderToken(tokens, i, options));
  markdown.renderer.rules.link_open = (tokens, i, options, env, self) => {
    const href = tokens[i].attrGet("href");
    if (!/^[a-z]+:|^#|^\//.test(href)) {
      const target = path.relative(root, path.resolve(path.dirname(env.path), href));
      if (!target.startsWith("docs/") || !/\.md(#|$)/.test(target)) tokens[i].attrSet("href", repository + target);
    }
    return render(tokens, i, options, env, self);
  };
}

export default defineConfig({
  title: "Sallyport",
  description: "A self-hosted identity and API-key server",
  srcDir: docs,
  outDir: path.join(root, "dist/docs"),
  cacheDir: path.join(root, "dist/docs-cache"),
  ignoreDeadLinks: [/NNNN-name/], // the name in the template of decisions
  rewrites: { "README.md": "index.md", ":folder/README.md": ":folder/index.md" },
  markdown: { config: linkRepository },
  // The pages are outside of this folder, where the modules are.
  vite: {
    resolve: {
      alias: [
        { find: /^vue$/, replacement: installed("vue/dist/vue.runtime.esm-bundler.js") },
        { find: /^vue\/server-renderer$/, replacement: installed("vue/server-renderer/index.mjs") },
      ],
    },
  },
  themeConfig: {
    search: { provider: "local" },
    outline: "deep",
    sidebar: [
      section("Tutorials", "tutorial"), section("How to", "how-to"), section("Reference", "reference"),
      section("Explanation", "explanation"), section("Decisions", "decisions"),
      { text: "Divergences", link: "/divergences" },
    ],
  },
});
