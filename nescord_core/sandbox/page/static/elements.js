// Builds elements. Text becomes text nodes only, never markup, so nothing that a bot or a user writes can run
// here. Links lead to http and https only, and pictures come from the sandbox itself.

export const $ = (id) => document.getElementById(id);

export function el(tag, props = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name === "class") made.className = value;
    else if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name === "data") Object.assign(made.dataset, value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value != null) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child != null && child !== ""));
  return made;
}

export const classes = (...names) => names.filter(Boolean).join(" ");

// Orders ids by the time of their creation.
export const byId = (a, b) => a.length - b.length || (a < b ? -1 : a > b ? 1 : 0);

export const plural = (count, noun) => (count === 1 ? noun : `${noun}s`);

export const nameOf = (user) => user?.global_name || user?.username || "someone";

function colorOf(id) {
  // Neighbouring ids differ little; the golden angle makes their colours differ much.
  const hue = Number((BigInt(id) % 3600n) * 137n % 360n);
  return `hsl(${hue} 55% 68%)`;
}

function safeLink(url) {
  try {
    const parsed = new URL(url);
    return parsed.protocol === "http:" || parsed.protocol === "https:" ? parsed.href : null;
  } catch {
    return null;
  }
}

export function link(url, ...children) {
  const href = safeLink(url);
  if (!href) return el("span", {}, ...children);
  return el("a", { href, target: "_blank", rel: "noopener noreferrer" }, ...children);
}

// The sandbox finds images by their hash; the rest of the path is for clients.
export const imagePath = (kind, id, hash) => `/cdn/${kind}/${id}/${encodeURIComponent(hash)}.png`;
export const isSandboxFile = (url) => Boolean(url?.startsWith(`${location.origin}/cdn/`));

export function avatar(user, props = {}) {
  const button = Boolean(props.onclick);
  const made = el(button ? "button" : "span", {
    class: "avatar",
    type: button && "button",
    "aria-label": button && nameOf(user),
    "aria-hidden": button ? null : "true",
    ...props,
  });
  made.style.background = colorOf(user.id);
  made.append(
    user.avatar
      ? el("img", { src: imagePath("avatars", user.id, user.avatar), alt: "" })
      : nameOf(user).slice(0, 1).toUpperCase(),
  );
  return made;
}

export function customEmoji(name, id) {
  const shown = el("img", { class: "emoji", src: `/cdn/emojis/${id}.png`, alt: `:${name}:`, title: `:${name}:` });
  shown.addEventListener("error", () => shown.replaceWith(`:${name}:`));
  return shown;
}

// Returns the emoji of a reaction, a button or a poll's answer.
export function emojiOf(data) {
  if (!data) return null;
  return data.id ? customEmoji(data.name, data.id) : data.name;
}
