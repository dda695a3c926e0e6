// Timestamps in Discord's styles, <t:1700000000:R>, in the language and the clock of the browser.
import { el } from "/elements.js";

const STYLES = {
  t: { timeStyle: "short" },
  T: { timeStyle: "medium" },
  d: { dateStyle: "short" },
  D: { dateStyle: "long" },
  f: { dateStyle: "long", timeStyle: "short" },
  F: { dateStyle: "full", timeStyle: "short" },
  s: { dateStyle: "short", timeStyle: "short" },
  S: { dateStyle: "short", timeStyle: "medium" },
};
const UNITS = [
  ["year", 31_536_000], ["month", 2_592_000], ["day", 86_400], ["hour", 3600], ["minute", 60], ["second", 1],
];
const REFRESH_MS = 10_000;

const formatted = (date, style) => new Intl.DateTimeFormat(undefined, STYLES[style]).format(date);

export function relative(seconds, now = Date.now() / 1000) {
  const away = seconds - now;
  const [unit, length] = UNITS.find(([, each]) => Math.abs(away) >= each) ?? UNITS.at(-1);
  return new Intl.RelativeTimeFormat(undefined, { numeric: "auto" }).format(Math.round(away / length), unit);
}

export function timestamp({ seconds, style }) {
  const date = new Date(seconds * 1000);
  if (Number.isNaN(date.getTime())) return `<t:${seconds}:${style}>`;
  const made = el("time", { class: "timestamp", datetime: date.toISOString(), title: formatted(date, "F") });
  made.textContent = style === "R" ? relative(seconds) : formatted(date, style);
  if (style === "R") made.dataset.relative = String(seconds);
  return made;
}

export const timeOfDay = (date) => formatted(date, "t");
export const dayOf = (date) => formatted(date, "D");
export const dateAndTime = (date) => formatted(date, "s");
export const inFull = (date) => formatted(date, "F");

setInterval(() => {
  for (const each of document.querySelectorAll("time[data-relative]")) {
    each.textContent = relative(Number(each.dataset.relative));
  }
}, REFRESH_MS);
