// Reviews by keystroke: texts are borrowed ahead, verdicts leave one by one, in order.
"use strict";

const form = document.getElementById("review");
if (form) start();

function start() {
  const part = (name) => document.getElementById(name);
  const words = form.dataset;
  const store = `libelle unsent ${words.coder}`;
  const ENOUGH = 10, LAST = 6, PAUSE = 2000, MOST_ASKED = 150;
  const ready = [], unsent = [], given = [];
  let current = readPage(), isSending = false, isAsking = false, nAsked = 0, timer = 0;

  function readPage() {
    const candidates = [...part("candidates").querySelectorAll("button")].map((one) => ({
      code: one.value,
      title: one.querySelector(".named").textContent,
      share: one.querySelector(".share").textContent,
    }));
    return {
      prediction_id: form.elements.prediction_id.value,
      text: part("text").textContent,
      hidden: !part("hidden-note").hidden,
      again: form.elements.again.value !== "",
      candidates,
    };
  }

  async function post(path, fields) {
    const body = new URLSearchParams({ ...fields, csrf_token: form.elements.csrf_token.value });
    try {
      const answer = await fetch(`${path}?lang=${words.lang}`, { method: "POST", body });
      const told = await answer.json().catch(() => ({}));
      return { status: answer.status, told };
    } catch {
      return { status: 0, told: {} };
    }
  }

  const isGone = (status) => status === 0 || status === 429 || status >= 500;
  const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

  async function borrow() {
    if (isAsking || ready.length > ENOUGH) return;
    isAsking = true;
    const mine = [...ready, ...unsent, ...(current ? [current] : [])];
    const held = [...new Set(mine.map((one) => one.prediction_id))].slice(0, 19).join(" ");
    const { status, told } = await post("review/items", { held });
    isAsking = false;
    if (isGone(status)) {
      trouble(words.sayGone);
      await pause(PAUSE);
      return borrow();
    }
    if (status !== 200) return trouble(words.saySession);
    const answered = new Set([...given, ...ready, ...unsent].map((one) => one.prediction_id));
    ready.push(
      ...told.items.filter(
        (one) => !answered.has(one.prediction_id) && one.prediction_id !== current?.prediction_id,
      ),
    );
    part("progress").textContent = told.progress;
    if (!current) next(true);
  }

  function next(isAsked) {
    current = ready.shift() ?? null;
    if (current) show(current);
    else if (isAsked && unsent.length === 0) end();
    else part("text").textContent = words.sayLoading;
    if (!isAsked) borrow();
  }

  function end() {
    form.hidden = true;
    part("nothing").hidden = false;
  }

  function show(item) {
    form.hidden = false;
    part("nothing").hidden = true;
    part("text").textContent = item.text;
    part("again-note").hidden = !item.again;
    part("hidden-note").hidden = !item.hidden;
    part("none-note").hidden = item.hidden || item.candidates.length > 0;
    part("candidates").replaceChildren(...item.candidates.map((one, n) => choice(one, n + 1)));
    part("found").replaceChildren();
    part("found-note").textContent = "";
    part("q").value = "";
    part("skip").open = false;
    part("text").focus({ preventScroll: true });
  }

  function choice(one, number) {
    const button = document.createElement("button");
    Object.assign(button, { className: "choice", name: "code", value: one.code });
    button.append(...(number ? [element("kbd", number), " "] : []), element("code", one.code), " ");
    button.append(element("span", one.title, "named"));
    if (one.share) button.append(" ", element("span", one.share, "share"));
    const item = document.createElement("li");
    item.append(button);
    return item;
  }

  function element(tag, text, name = "") {
    const made = document.createElement(tag);
    made.textContent = text;
    if (name) made.className = name;
    if (tag === "kbd") made.setAttribute("aria-hidden", "true");
    return made;
  }

  function answer(name, value, said) {
    if (!current) return;
    const verdict = {
      item: current,
      prediction_id: current.prediction_id,
      again: current.again ? "1" : "",
      [name]: value,
      said,
      state: "waiting",
    };
    given.push(verdict);
    unsent.push(verdict);
    next(false);
    tell();
    send();
  }

  async function send() {
    if (isSending) return;
    isSending = true;
    while (unsent.length > 0) {
      const verdict = unsent[0];
      verdict.isLeaving = true;
      const { prediction_id, again, code = "", skip = "" } = verdict;
      const { status, told } = await post("review/verdicts", { prediction_id, again, code, skip });
      if (isGone(status) || status === 401) {
        verdict.isLeaving = false;
        trouble(status === 401 ? words.saySession : words.sayGone);
        await pause(PAUSE);
        continue;
      }
      trouble("");
      unsent.shift();
      verdict.state = status === 200 ? "kept" : "refused";
      verdict.said = told.said ?? `${verdict.said} · ${told.why ?? ""}`;
      if (told.progress) part("progress").textContent = told.progress;
      tell();
    }
    isSending = false;
    if (!current && ready.length === 0) borrow();
  }

  function undo() {
    const last = given.pop();
    if (!last?.item) return trouble(words.sayNothing);
    trouble("");
    if (current) ready.unshift(current);
    const stands = last.state === "kept" || last.isLeaving;
    if (!stands && last.state === "waiting") unsent.splice(unsent.indexOf(last), 1);
    current = { ...last.item, again: last.item.again || (stands && last.skip !== "aside") };
    show(current);
    tell();
  }

  function tell() {
    const list = given.slice(-LAST).reverse();
    const late = unsent.filter((one) => !list.includes(one));
    part("last").hidden = list.length === 0 && late.length === 0;
    part("given").replaceChildren(...[...list, ...late].map(line));
    part("unsent").textContent = unsent.length > 0 ? words.sayUnsent + unsent.length : "";
    const kept = unsent.map(({ prediction_id, again, code, skip, said }) => ({
      prediction_id, again, code, skip, said,
    }));
    if (kept.length > 0) sessionStorage.setItem(store, JSON.stringify(kept));
    else sessionStorage.removeItem(store);
  }

  function line(verdict) {
    const made = element("li", "");
    const state = { waiting: words.sayWaiting, kept: words.sayKept, refused: words.sayRefused };
    made.append(element("span", state[verdict.state], `state ${verdict.state}`), " ");
    made.append(element("b", verdict.said), " ", element("span", verdict.item?.text ?? "…", "soft"));
    return made;
  }

  function trouble(text) {
    part("trouble").textContent = text;
    part("trouble").hidden = text === "";
  }

  async function search() {
    const q = part("q").value.trim();
    const asked = ++nAsked;
    const address = `review/codes?${new URLSearchParams({ q, lang: words.lang })}`;
    const told = await fetch(address).then((one) => one.json()).catch(() => null);
    if (asked !== nAsked || part("q").value.trim() !== q) return;
    part("found").replaceChildren(...(told?.codes ?? []).map((one) => choice(one, 0)));
    part("found-note").textContent = told?.told ?? words.sayGone;
  }

  function onSubmit(event) {
    event.preventDefault();
    const button = event.submitter;
    if (button?.name === "code") choose(button);
    else if (button?.name === "skip") answer("skip", button.value, labelOf(button));
    else search().then(() => part("found").querySelector("button")?.focus());
  }

  const labelOf = (button) =>
    [...button.childNodes]
      .filter((one) => one.nodeName !== "KBD" && one.className !== "share")
      .map((one) => one.textContent)
      .join("")
      .trim();
  const choose = (button) => answer("code", button.value, labelOf(button));

  function onKey(event) {
    const { key, target } = event;
    // A key held down would answer texts that nobody has read.
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (key === "Escape") {
      part("skip").open = false;
      part("text").focus();
    } else if (target === part("q")) {
      if (key === "ArrowDown") part("found").querySelector("button")?.focus();
    } else if (actOn(key)) {
      event.preventDefault();
    }
  }

  function actOn(key) {
    if (/^[1-5]$/.test(key)) {
      const inside = part("skip").open ? "#skip button" : "#candidates button";
      const button = form.querySelectorAll(inside)[Number(key) - 1];
      if (button && current) form.requestSubmit(button);
    } else if (key === "/" || key === "c") {
      part("q").focus();
    } else if (key === "s") {
      part("skip").open = !part("skip").open;
    } else if (key === "u") {
      undo();
    } else if (key === "?") {
      part("help").open = !part("help").open;
    } else {
      return false;
    }
    return true;
  }

  function resume() {
    const kept = JSON.parse(sessionStorage.getItem(store) ?? "[]");
    for (const one of kept) {
      const verdict = { ...one, state: "waiting", item: null };
      given.push(verdict);
      unsent.push(verdict);
    }
    if (kept.length > 0) {
      tell();
      send();
    }
  }

  form.addEventListener("submit", onSubmit);
  document.addEventListener("keydown", onKey);
  part("undo").addEventListener("click", undo);
  part("q").addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(search, MOST_ASKED);
  });
  window.addEventListener("beforeunload", (event) => {
    if (unsent.length > 0) event.preventDefault();
  });
  part("tools").hidden = false;
  resume();
  borrow();
}
