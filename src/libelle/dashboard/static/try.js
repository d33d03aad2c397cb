// Makes trying nicer: a file is dropped anywhere on its zone, and a form that works says so.
"use strict";

const zone = document.getElementById("drop");
const chosen = document.getElementById("file");

for (const name of ["dragover", "dragenter", "dragleave", "drop"]) {
  zone.addEventListener(name, (event) => {
    event.preventDefault();
    zone.classList.toggle("over", name.startsWith("drago") || name === "dragenter");
  });
}

zone.addEventListener("drop", (event) => {
  if (event.dataTransfer.files.length !== 1) return;
  chosen.files = event.dataTransfer.files;
  zone.requestSubmit();
});

chosen.addEventListener("change", () => {
  if (chosen.files.length === 1) zone.requestSubmit();
});

for (const form of document.querySelectorAll("form[data-busy]")) {
  form.addEventListener("submit", () => {
    const button = form.querySelector("button");
    button.textContent = form.dataset.busy;
    button.setAttribute("aria-busy", "true");
  });
}

document.getElementById("typed").addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  event.target.form.requestSubmit();
});
