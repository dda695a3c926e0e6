// Discord's markdown, as elements.
import { customEmoji, el, link } from "/elements.js";

// Inline rules. The leftmost match wins, the first rule among several, and its inside is parsed again.
const INLINE = [
  [/`([^`\n]+)`/, (m) => el("code", {}, m[1])],
  [/\*\*([^]+?)\*\*(?!\*)/, (m, inner) => el("b", {}, inner(m[1]))],
  [/__([^]+?)__(?!_)/, (m, inner) => el("u", {}, inner(m[1]))],
  [/~~([^]+?)~~/, (m, inner) => el("s", {}, inner(m[1]))],
  [/\|\|([^]+?)\|\|/, (m, inner) => spoiler(inner(m[1]))],
  [/\*([^\s*][^*]*?)\*/, (m, inner) => el("i", {}, inner(m[1]))],
  [/(?<![A-Za-z0-9])_([^\s_][^_]*?)_(?![A-Za-z0-9])/, (m, inner) => el("i", {}, inner(m[1]))],
  [/\[([^\]\n]+)\]\(<?(https?:\/\/[^\s)>]+)>?\)/, (m, inner) => link(m[2], inner(m[1]))],
  [/<(https?:\/\/[^\s>]+)>/, (m) => link(m[1], m[1])],
  [/https?:\/\/[^\s<>]+[^\s<>.,:;"')\]]/, (m) => link(m[0], m[0])],
  [/<@!?(\d+)>/, (m, _, names) => mention(`@${names.user(m[1])}`)],
  [/<#(\d+)>/, (m, _, names) => mention(`#${names.channel(m[1])}`)],
  [/<@&(\d+)>/, (m, _, names) => mention(`@${names.role(m[1])}`)],
  [/@(?:everyone|here)\b/, (m) => mention(m[0])],
  [/<a?:(\w+):(\d+)>/, (m) => customEmoji(m[1], m[2])],
  [/<\/([^:>]+):\d+>/, (m) => mention(`/${m[1]}`)],
  [/<t:(-?\d{1,13})(?::[tTdDfFR])?>/, (m) => el("time", {}, new Date(Number(m[1]) * 1000).toLocaleString())],
];

const mention = (text) => el("span", { class: "mention" }, text);

function spoiler(content) {
  const made = el("span", {
    class: "spoiler", tabindex: "0", role: "button", "aria-expanded": "false", title: "Show spoiler",
  }, el("span", {}, content));
  const show = () => { made.classList.add("shown"); made.setAttribute("aria-expanded", "true"); };
  made.addEventListener("click", show);
  made.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === " ") { event.preventDefault(); show(); }
  });
  return made;
}

function inline(text, names, depth = 0) {
  const out = document.createDocumentFragment();
  let rest = text;
  while (rest) {
    let best = null;
    for (const [pattern, make] of depth < 8 ? INLINE : []) {
      const match = pattern.exec(rest);
      if (match && (!best || match.index < best.match.index)) best = { match, make };
    }
    if (!best) break;
    out.append(rest.slice(0, best.match.index));
    out.append(best.make(best.match, (inner) => inline(inner, names, depth + 1), names));
    rest = rest.slice(best.match.index + best.match[0].length);
  }
  out.append(rest);
  return out;
}

export function markdown(text, names) {
  const out = el("div", { class: "text" });
  text.split(/```(?:[a-z0-9+#-]+\n)?([^]*?)```/i).forEach((part, at) => {
    if (at % 2) out.append(el("pre", {}, el("code", {}, part.replace(/^\n|\n$/g, ""))));
    else if (part) blocks(part, names, out);
  });
  return out;
}

// Headings, quotes and list items, which are whole lines.
function blocks(part, names, out) {
  let plain = [];
  const flush = () => {
    if (plain.length) out.append(inline(plain.join("\n"), names));
    plain = [];
  };
  for (const line of part.split("\n")) {
    const head = /^(#{1,3}) (.+)$/.exec(line);
    const quote = /^> ?(.*)$/.exec(line);
    const item = /^[-*] (.+)$/.exec(line);
    if (!head && !quote && !item) { plain.push(line); continue; }
    flush();
    if (head) out.append(el("h3", { class: `h${head[1].length}` }, inline(head[2], names)));
    else if (quote) out.append(el("blockquote", {}, inline(quote[1], names)));
    else out.append(el("ul", {}, el("li", {}, inline(item[1], names))));
  }
  flush();
}
