// Files to send: chosen by button, pasted, or dropped on the page.
import { $, el } from "/elements.js";

let waiting = [];

export const hasUploads = () => waiting.length > 0;
export const uploadNames = () => waiting.map((each) => each.name);

// Returns the files as [name, base64], and empties the list.
export async function takeUploads() {
  const files = await Promise.all(waiting.filter((each) => each.size).map(encode));
  waiting = [];
  draw();
  return files;
}

// Returns a File as [name, base64].
export const encode = (file) => new Promise((done, failed) => {
  const reader = new FileReader();
  reader.onload = () => done([file.name, reader.result.slice(reader.result.indexOf(",") + 1)]);
  reader.onerror = () => failed(new Error(`${file.name} cannot be read.`));
  reader.readAsDataURL(file);
});

function draw() {
  $("uploads").hidden = !waiting.length;
  $("uploads").replaceChildren(...waiting.map((each) => {
    const remove = () => { waiting = waiting.filter((other) => other !== each); draw(); };
    return el("li", {}, each.name, el(
      "button", { type: "button", "aria-label": `Remove ${each.name}`, onclick: remove }, "×",
    ));
  }));
}

function add(files) {
  waiting.push(...files);
  draw();
  $("content").dispatchEvent(new Event("input"));  // a command may wait for a file
}

export function setUpUploads() {
  $("attach").addEventListener("click", () => $("files").click());
  $("files").addEventListener("change", () => { add($("files").files); $("files").value = ""; });
  $("content").addEventListener("paste", (event) => {
    if (!event.clipboardData.files.length) return;
    event.preventDefault();
    add(event.clipboardData.files);
  });
  for (const name of ["dragover", "dragleave", "drop"]) document.addEventListener(name, onDrag);
}

function onDrag(event) {
  if (!event.dataTransfer?.types.includes("Files")) return;
  event.preventDefault();
  $("composer").classList.toggle("drop", event.type === "dragover");
  if (event.type === "drop") add(event.dataTransfer.files);
}
