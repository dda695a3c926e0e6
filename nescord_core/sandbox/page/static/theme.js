// The light and dark themes; the choice is stored in the browser.
import { $ } from "/elements.js";

const root = document.documentElement;

export function setUpTheme() {
  root.dataset.theme = storedTheme() ?? (matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark");
  $("theme").addEventListener("click", () => setTheme(root.dataset.theme === "light" ? "dark" : "light"));
}

function setTheme(name) {
  root.dataset.theme = name;
  try { localStorage.setItem("theme", name); } catch { /* private windows may have no storage */ }
}

function storedTheme() {
  try { return localStorage.getItem("theme"); } catch { return null; }
}
