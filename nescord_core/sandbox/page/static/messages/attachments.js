// Attachments: pictures, players for sound and video, the start of text files, and tiles for everything else.
import { el, isSandboxFile, link } from "/elements.js";
import { spoiler } from "/markdown/markdown.js";

const SPOILER_FLAG = 8;
const SPOILER_NAME = "SPOILER_";
const MAX_WIDTH = 400;
const MAX_HEIGHT = 300;
const PREVIEW_BYTES = 50_000;
const PREVIEW_LINES = 8;
const TEXT_NAME = /\.(txt|md|py|js|ts|json|toml|ya?ml|csv|log|ini|cfg|html|css|sh|sql|rs|go|java|c|h|cpp|diff|xml)$/i;

const isSpoiler = (data) => Boolean((data.flags ?? 0) & SPOILER_FLAG) || data.filename?.startsWith(SPOILER_NAME);

// Without those that an embed or a component already shows.
export function attachmentsOf(message) {
  const shown = JSON.stringify([message.embeds ?? [], message.components ?? []]);
  const isShown = (each) => shown.includes(each.url.split("?")[0]) || shown.includes(`"attachment://${each.filename}"`);
  return (message.attachments ?? []).filter((each) => !isShown(each));
}

// Pictures side by side, as Discord's gallery; everything else below one another.
export function attachments(list) {
  const pictures = list.filter(isPicture);
  const others = list.filter((each) => !isPicture(each)).map(attachment);
  return [pictures.length ? gallery(pictures.map(picture)) : "", ...others];
}

const kindOf = (data) => data.content_type?.split("/")[0];
const isPicture = (data) => kindOf(data) === "image" && !data.content_type.includes("svg") && isSandboxFile(data.url);

export const gallery = (items) => el("div", { class: "gallery", data: { count: Math.min(items.length, 4) } }, ...items);

const covered = (data, element) => (isSpoiler(data) ? spoiler([element], "div") : element);

function picture(data) {
  return covered(data, link(data.url, image(data.url, data.description || data.filename, data)));
}

// An image that takes its place before it is loaded, so that nothing below it moves.
export function image(url, alt, { width, height } = {}) {
  const made = el("img", { src: url, alt: alt || "picture" });
  if (!width || !height) return made;
  const scale = Math.min(1, MAX_WIDTH / width, MAX_HEIGHT / height);
  made.width = Math.max(1, Math.round(width * scale));
  made.height = Math.max(1, Math.round(height * scale));
  return made;
}

function attachment(data) {
  const kind = kindOf(data);
  const playable = isSandboxFile(data.url) && (kind === "audio" || kind === "video");
  const player = playable && el(kind, { src: data.url, controls: true, preload: "metadata", "aria-label": data.filename });
  const isText = isSandboxFile(data.url) && (kind === "text" || TEXT_NAME.test(data.filename));
  return covered(data, el("div", { class: "file" }, tile(data), player || "", isText ? preview(data) : ""));
}

export function tile({ url, filename, size }) {
  const name = filename?.replace(SPOILER_NAME, "") ?? url.split("?")[0].split("/").pop();
  return el("div", { class: "tile" }, link(url, name), size === undefined ? "" : el("small", {}, fileSize(size)));
}

function preview(data) {
  const code = el("code");
  const box = el("pre", { class: "preview", tabindex: "0", "aria-label": `Start of ${data.filename}` }, code);
  const expand = el("button", { type: "button", class: "plain" }, "Show more");
  fetch(data.url).then((response) => response.text()).then((text) => {
    const lines = text.slice(0, PREVIEW_BYTES).split("\n");
    const isLong = lines.length > PREVIEW_LINES;
    code.textContent = lines.slice(0, PREVIEW_LINES).join("\n");
    expand.hidden = !isLong;
    expand.addEventListener("click", () => { code.textContent = lines.join("\n"); expand.hidden = true; });
  }).catch(() => box.remove());
  expand.hidden = true;
  return el("div", {}, box, expand);
}

function fileSize(bytes) {
  if (bytes < 1024) return `${bytes} B`;
  return bytes < 1 << 20 ? `${Math.round(bytes / 1024)} kB` : `${(bytes / (1 << 20)).toFixed(1)} MB`;
}
