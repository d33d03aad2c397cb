// Moves along the exploration curve of the guarantee page; without it, the table says the same.
"use strict";

const form = document.getElementById("slider");
const wanted = document.getElementById("wanted");
const points = [...form.querySelectorAll("li")].map((item) => ({
  threshold: Number(item.dataset.threshold),
  coverage: Number(item.dataset.coverage),
  error: Number(item.dataset.error),
}));
const lang = document.documentElement.lang;
const share = new Intl.NumberFormat(lang, { style: "percent", maximumFractionDigits: 1 });
const number = new Intl.NumberFormat(lang, { maximumFractionDigits: 4 });
const slots = Object.fromEntries(
  [...form.querySelectorAll("[data-slot]")].map((slot) => [slot.dataset.slot, slot]),
);

function show() {
  const point = points[Number(wanted.value)];
  slots.threshold.textContent = number.format(point.threshold);
  slots.coverage.textContent = share.format(point.coverage);
  slots.error.textContent = share.format(point.error);
  wanted.setAttribute("aria-valuetext", share.format(point.coverage));
}

form.addEventListener("submit", (event) => event.preventDefault());
wanted.addEventListener("input", show);
form.hidden = false;
show();
