// Embeds of a message, laid out as by Discord: the thumbnail at the right, the picture below.
import { el, isSandboxFile, link } from "/elements.js";
import { markdown } from "/markdown/markdown.js";
import { dateAndTime } from "/markdown/timestamps.js";
import { image } from "/messages/attachments.js";

export const hexColor = (number) => `#${number.toString(16).padStart(6, "0")}`;

export function embed(data, names) {
  const made = el("div", { class: data.thumbnail?.url ? "embed with-thumbnail" : "embed" });
  if (data.color) made.style.borderLeftColor = hexColor(data.color);
  const fields = (data.fields ?? []).map((each) => field(each, names));
  made.append(el(
    "div", { class: "main" },
    data.provider?.name ? el("small", {}, link(data.provider.url, data.provider.name)) : "",
    data.author?.name ? author(data.author) : "",
    data.title ? el("div", { class: "title" }, link(data.url, markdown(data.title, names))) : "",
    data.description ? markdown(data.description, names) : "",
    fields.length ? el("div", { class: "fields" }, ...fields) : "",
  ));
  if (data.thumbnail?.url) made.append(el("div", { class: "thumbnail" }, picture(data.thumbnail, data.title)));
  if (data.image?.url) made.append(el("div", { class: "picture" }, picture(data.image, data.title)));
  if (data.footer?.text || data.timestamp) made.append(footer(data));
  return made;
}

const icon = (url) => (isSandboxFile(url) ? el("img", { class: "icon", src: url, alt: "" }) : "");

const author = (data) => el("div", { class: "author" }, icon(data.icon_url), link(data.url, data.name));

function footer({ footer: data, timestamp }) {
  const parts = [data?.text, timestamp && dateAndTime(new Date(timestamp))].filter(Boolean);
  return el("div", { class: "footer" }, icon(data?.icon_url), parts.join(" • "));
}

const field = (data, names) => el(
  "div", { class: data.inline ? "inline" : "" }, el("b", {}, markdown(data.name, names)), markdown(data.value, names),
);

// Pictures from other hosts are placeholders: the page loads nothing from anywhere but the sandbox.
export function picture(data, alt) {
  if (isSandboxFile(data.url)) return link(data.url, image(data.url, alt, data));
  return el("div", { class: "elsewhere", title: data.url }, "🖼 ", link(data.url, `Picture at ${hostOf(data.url)}`));
}

function hostOf(url) {
  try {
    return new URL(url).host || "an unknown host";
  } catch {
    return "an invalid address";
  }
}
