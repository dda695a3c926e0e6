// Embeds, attachments and pictures of a message.
import { el, isSandboxFile, link } from "/elements.js";
import { markdown } from "/markdown/markdown.js";

export const hexColor = (number) => `#${number.toString(16).padStart(6, "0")}`;

export function embed(data, names) {
  const made = el("div", { class: "embed" });
  if (data.color) made.style.borderLeftColor = hexColor(data.color);
  if (data.author?.name) made.append(el("small", {}, link(data.author.url, data.author.name)));
  if (data.title) made.append(el("div", { class: "title" }, link(data.url, markdown(data.title, names))));
  if (data.description) made.append(markdown(data.description, names));
  const fields = (data.fields ?? []).map((each) => field(each, names));
  if (fields.length) made.append(el("div", { class: "fields" }, ...fields));
  for (const shown of [data.image, data.thumbnail]) if (shown?.url) made.append(image(shown.url, data.title));
  const time = data.timestamp && new Date(data.timestamp).toLocaleString();
  const foot = [data.footer?.text, time].filter(Boolean);
  if (foot.length) made.append(el("small", {}, foot.join(" • ")));
  return made;
}

const field = (data, names) => el(
  "div", { class: data.inline ? "inline" : "" }, el("b", {}, data.name), markdown(data.value, names),
);

// Pictures from other hosts are links: the page loads nothing from anywhere but the sandbox.
export function image(url, alt) {
  if (!isSandboxFile(url)) return el("small", {}, link(url, url));
  return link(url, el("img", { src: url, alt: alt || "picture" }));
}

export function attachment(data) {
  const isImage = data.content_type?.startsWith("image/") && !data.content_type.includes("svg");
  const children = [`${data.filename} (${fileSize(data.size)})`];
  if (isImage && isSandboxFile(data.url)) {
    children.push(el("img", { src: data.url, alt: data.description || data.filename }));
  }
  return link(data.url, ...children);
}

function fileSize(bytes) {
  if (bytes < 1024) return `${bytes} B`;
  return bytes < 1 << 20 ? `${Math.round(bytes / 1024)} kB` : `${(bytes / (1 << 20)).toFixed(1)} MB`;
}
