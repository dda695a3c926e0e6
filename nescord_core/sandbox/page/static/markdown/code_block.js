// Code blocks, highlighted by their language once the library has been loaded.
import { el } from "/elements.js";

let library = null;

export function codeBlock({ language, content }) {
  const code = el("code", {}, content);
  if (language) highlight(code, language, content);
  return el("pre", { tabindex: "0" }, code);
}

async function highlight(code, language, content) {
  library ??= import("/vendor/highlight.js");
  const { default: highlighter } = await library;
  if (!highlighter.getLanguage(language)) return;
  const root = highlighter.highlight(content, { language, ignoreIllegals: true })._emitter.root;
  code.replaceChildren(...root.children.map(elementOf));
}

// The library's own output is markup; its tree is made into elements instead.
const elementOf = (node) => (typeof node === "string" ? node : el(
  "span", { class: node.scope ? `hl-${node.scope.split(/[.:]/)[0]}` : "" }, ...node.children.map(elementOf),
));
