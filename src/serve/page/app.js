// The page works without this. With it: it follows the monitor by itself, charts share a cursor, keys work, times can be
// local, and an operator can acknowledge and silence.
"use strict";
(() => {
  const root = document.documentElement;
  const asked = new URLSearchParams(location.search);
  const kept = (key) => { try { return localStorage.getItem(key); } catch { return null; } };
  const keep = (key, value) => { try { localStorage.setItem(key, value); } catch { /* private windows */ } };
  const theme = asked.get("theme") || kept("theme");
  if (theme === "light" || theme === "dark") root.dataset.theme = theme;
  let zone = (asked.get("tz") || kept("tz")) === "local" ? "local" : "utc";

  const $ = (id) => document.getElementById(id);
  const main = () => $("main");
  const number = (name) => Number(main().dataset[name]);
  // the server's clock, never this one's alone
  let skew = 0;
  const now = () => Date.now() + skew;
  let charts = new Map();
  let cursor = null;
  let waiting = false;
  let lost = false;
  let tag = null;
  let sentence = "";
  const OLD = "Nothing has been checked for";

  // ── words ──
  const two = (n) => String(n).padStart(2, "0");
  const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
  function when(ms, form) {
    const d = new Date(ms - (zone === "local" ? new Date(ms).getTimezoneOffset() * 60000 : 0));
    const day = `${MONTHS[d.getUTCMonth()]} ${two(d.getUTCDate())}`;
    const hm = `${two(d.getUTCHours())}:${two(d.getUTCMinutes())}`;
    const hms = `${hm}:${two(d.getUTCSeconds())}`;
    switch (form) {
      case "hm": return hm;
      case "hms": return hms;
      case "d": return zone === "local" && hm !== "00:00" ? hm : day;
      case "dhms": return `${day} ${hms}`;
      case "full": return `${d.getUTCFullYear()}-${two(d.getUTCMonth() + 1)}-${two(d.getUTCDate())} ${hm}`;
      default: return `${day} ${hm}`;
    }
  }
  // as the server words them
  const STEPS = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];
  function lasting(ms) {
    let s = Math.max(0, Math.floor(ms / 1000));
    if (s === 0) return "0 s";
    const largest = () => STEPS.findIndex(([, length]) => s >= length);
    const finest = (STEPS[largest() + 1] || STEPS[3])[1];
    s = Math.floor((s + Math.floor(finest / 2)) / finest) * finest;
    const at = largest();
    const [name, length] = STEPS[at];
    const next = STEPS[at + 1];
    const rest = next ? Math.floor((s % length) / next[1]) : 0;
    return `${Math.floor(s / length)} ${name}` + (rest > 0 ? ` ${rest} ${next[0]}` : "");
  }
  const trim = (value, decimals) => String(Number(value.toFixed(decimals)));
  function plain(v) {
    const size = Math.abs(v);
    if (size >= 1e15 || (size > 0 && size < 1e-4)) return v.toExponential().replace("+", "");
    return trim(v, size >= 100 ? 1 : size >= 1 ? 2 : 4);
  }
  function text(chart, v) {
    if (chart.unit === "ratio") {
      if (!chart.down) return `${trim(v * 100, 2)} %`;
      let cut = Math.floor(v * 10000 + 1e-7);
      if (v < 1) cut = Math.min(cut, 9999);
      return `${(cut / 100).toFixed(2)} %`;
    }
    if (chart.unit === "seconds") {
      const size = Math.abs(v);
      const words = size === 0 ? "0 s" : size < 1 ? `${trim(size * 1000, 2)} ms` : size < 60 ? `${plain(size)} s` : lasting(size * 1000);
      return v < 0 ? `-${words}` : words;
    }
    if (chart.unit === "bytes") {
      const units = ["B", "KiB", "MiB", "GiB", "TiB"];
      let at = 0;
      while (Math.abs(v) >= 1024 && at < 4) { v /= 1024; at += 1; }
      return `${trim(v, 1)} ${units[at]}`;
    }
    if (chart.unit === "timestamp") return when(v * 1000, "full");
    if (chart.unit === "bool") return v === 0 ? "no" : "yes";
    if (chart.unit === "algo") return `${v.toLocaleString("en-US", { maximumFractionDigits: 6 })} ALGO`;
    return plain(v);
  }

  // ── times in the zone that is asked for ──
  function zoned() {
    const local = zone === "local";
    const name = local ? Intl.DateTimeFormat().resolvedOptions().timeZone || "local" : "UTC";
    if ($("zone")) $("zone").textContent = local ? "local" : "UTC";
    if ($("zone")) $("zone").title = `Times in ${name}; press u for the other zone`;
    for (const node of document.querySelectorAll("[data-t]")) {
      node.textContent = when(Number(node.dataset.t), node.dataset.f);
      // what stands behind a time says its zone
      const next = node.nextSibling;
      if (next && next.nodeType === 3) next.data = next.data.replace(/^ (UTC|local)/, local ? " local" : " UTC");
    }
    for (const node of document.querySelectorAll("th")) {
      if (/\((UTC|local)\)/.test(node.textContent)) node.textContent = node.textContent.replace(/\((UTC|local)\)/, local ? "(local)" : "(UTC)");
    }
    // the same head, where a phone shows it beside each value
    for (const node of document.querySelectorAll("[data-head]")) {
      node.dataset.head = node.dataset.head.replace(/\((UTC|local)\)/, local ? "(local)" : "(UTC)");
    }
  }

  // ── the cursor that all charts share ──
  function read() {
    charts = new Map();
    const data = $("numbers");
    if (!data) return;
    for (const chart of JSON.parse(data.textContent)) {
      let at = chart.from;
      chart.times = chart.steps.map((step) => (at += step * 1000));
      chart.svg = $(chart.id);
      const box = chart.svg && chart.svg.closest("figure");
      chart.readout = box && box.querySelector(".readout");
      chart.usual = chart.readout && Array.from(chart.readout.childNodes).map((node) => node.cloneNode(true));
      if (chart.svg) charts.set(chart.id, chart);
    }
  }
  function nearest(times, ms) {
    let low = 0;
    let high = times.length - 1;
    while (low < high) {
      const mid = (low + high) >> 1;
      if (times[mid] < ms) low = mid + 1; else high = mid;
    }
    return low > 0 && ms - times[low - 1] < times[low] - ms ? low - 1 : low;
  }
  function say(chart, strong, rest) {
    const [a, b] = [document.createElement("strong"), document.createElement("span")];
    a.textContent = strong;
    b.textContent = ` ${rest}`;
    chart.readout.replaceChildren(a, b);
  }
  function point(ms) {
    cursor = ms;
    for (const chart of charts.values()) {
      const mark = chart.svg.querySelector(".cursor");
      if (ms === null || ms < chart.from || ms > chart.to) {
        mark.classList.remove("on");
        if (chart.usual) chart.readout.replaceChildren(...chart.usual.map((node) => node.cloneNode(true)));
        continue;
      }
      const at = nearest(chart.times, ms);
      const near = chart.times.length > 0 && Math.abs(chart.times[at] - ms) <= chart.each * 0.75 + 1000;
      const x = `${((near ? chart.times[at] : ms) - chart.from) / (chart.to - chart.from) * 100}%`;
      const [line, dot] = mark.children;
      line.setAttribute("x1", x);
      line.setAttribute("x2", x);
      mark.classList.add("on");
      const shown = when(near ? chart.times[at] : ms, chart.to - chart.from > 86400000 ? "dhm" : chart.each < 60000 ? "hms" : "hm");
      if (near) {
        const [low, high] = chart.scale;
        dot.setAttribute("cx", x);
        dot.setAttribute("cy", `${(1 - (chart.values[at] - low) / (high - low)) * 100}%`);
        dot.setAttribute("visibility", "inherit");
        if (chart.readout) say(chart, text(chart, chart.values[at]), chart.of ? `${chart.of}, ${shown}` : shown);
      } else {
        dot.setAttribute("visibility", "hidden");
        if (chart.readout) say(chart, "—", `no data, ${shown}`);
      }
    }
  }
  const of = (target) => target instanceof Element && target.closest("svg.chart");
  function pointed(event) {
    const svg = of(event.target);
    const chart = svg && charts.get(svg.id);
    if (!chart) return;
    const box = svg.getBoundingClientRect();
    const part = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
    point(chart.from + part * (chart.to - chart.from));
  }
  function moved(key, chart) {
    const times = chart.times;
    if (times.length === 0) return;
    if (key === "Home") return point(times[0]);
    if (key === "End") return point(times[times.length - 1]);
    let at = nearest(times, cursor === null ? chart.to : cursor);
    const hour = Math.max(1, Math.round(3600000 / chart.each));
    const by = { ArrowLeft: cursor === null ? 0 : -1, ArrowRight: 1, PageUp: -hour, PageDown: hour }[key];
    at = Math.min(times.length - 1, Math.max(0, at + by));
    point(times[at]);
  }

  // ── the bars of a health check, one by one ──
  function bar(svg, key) {
    const bars = Array.from(svg.querySelectorAll("rect"));
    const words = svg.parentElement.querySelector("strong");
    const [at, last] = [bars.findIndex((one) => one.classList.contains("on")), bars.length - 1];
    const by = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -last }[key] || last;
    const next = key === null ? -1 : at < 0 && key !== "Home" ? last : Math.min(last, Math.max(0, at + by));
    words.dataset.usual = words.dataset.usual || words.textContent;
    bars.forEach((one, place) => one.classList.toggle("on", place === next));
    words.textContent = next < 0 ? words.dataset.usual : bars[next].textContent;
    if (next >= 0) $("announce").textContent = words.textContent;
  }

  // ── following the monitor ──
  function banner(id, words, role) {
    const old = $(id);
    if (!words) { if (old) old.remove(); return; }
    if (old && old.textContent === words) return;
    const node = old || document.createElement("p");
    node.id = id;
    node.className = id === "lost" ? "banner lost" : "banner";
    node.setAttribute("role", role);
    node.textContent = words;
    if (!old) $("banners").append(node);
  }
  function tick() {
    const finished = number("finished");
    const interval = number("interval");
    const line = $("live");
    if (line && finished && interval) {
      const age = now() - finished;
      // the clock went back: nobody knows how long ago that was
      const ahead = age < -15000;
      const stale = ahead || age > interval * 2.5 + 15000;
      const future = `the last check is ${lasting(-age)} in the future: the clock went back`;
      line.className = stale ? "live stale" : age > interval * 1.5 ? "live late" : "live";
      line.querySelector("strong").textContent = stale ? "stale" : lost ? "lost" : "live";
      if ($("ago")) $("ago").textContent = ahead ? future : `checked ${lasting(age)} ago`;
      if ($("next")) $("next").textContent = stale || age > interval ? "" : ` · next in ${lasting(interval - age)}`;
      const live = main().dataset.live !== "false";
      const words = ahead ? future.replace("the", "The") : `${OLD} ${lasting(age)}`;
      banner("stale", stale && live ? `${words}. The values below are old. Is cron running? Try: sippar-mon doctor` : "", "alert");
      if (stale && !ahead && live && $("state") && $("state").textContent.startsWith(OLD)) $("state").textContent = words;
      // the server says so with the next page; nobody waits for it
      if (stale && live && main().dataset.stale !== "true") {
        main().dataset.stale = "true";
        refresh();
      }
    }
    banner("lost", lost ? "Lost connection to sippar-mon serve, retrying. What is shown is the last that was received." : "", "status");
  }
  let asking = false;
  async function refresh() {
    if (asking) { waiting = true; return; }
    asking = true;
    try {
      const headers = tag ? { "If-None-Match": tag } : {};
      const answer = await fetch(location.href.split("#")[0], { headers, cache: "no-store" });
      lost = false;
      if (answer.status !== 304) {
        tag = answer.headers.get("etag");
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        if (page.getElementById("main")) swap(page);
      }
    } catch {
      lost = true;
    } finally {
      asking = false;
    }
    tick();
    if (waiting && !held()) { waiting = false; refresh(); }
  }
  const held = () => document.querySelector("svg.chart:hover, .between[open]") !== null;
  function swap(page) {
    // from or to a page that says why there is nothing: its head is another one
    if (!$("live") !== !page.getElementById("live")) { location.reload(); return; }
    const focus = document.activeElement;
    const key = focus && focus !== document.body && (focus.id || focus.getAttribute("href"));
    const chosen = document.querySelector("tr.chosen");
    const open = Array.from(document.querySelectorAll("#main details[open]"), (node) => node.id).filter(Boolean);
    const firing = new Set(Array.from(document.querySelectorAll('tr[data-standing="firing"]'), (row) => row.id));
    const fresh = document.importNode(page.getElementById("main"), true);
    main().replaceWith(fresh);
    for (const id of ["live", "icon"]) {
      const [old, next] = [$(id), page.getElementById(id)];
      if (old && next) old.replaceWith(document.importNode(next, true));
    }
    document.title = page.title;
    skew = number("now") - Date.now();
    for (const row of document.querySelectorAll('tr[data-standing="firing"]')) {
      if (!firing.has(row.id)) row.querySelector(".badge").classList.add("fresh");
    }
    for (const id of open) if ($(id)) $(id).open = true;
    if (chosen && $(chosen.id)) $(chosen.id).classList.add("chosen");
    if (key && main().contains($(key))) $(key).focus({ preventScroll: true });
    else if (key) {
      const link = Array.from(main().querySelectorAll("a[href]")).find((node) => node.getAttribute("href") === key);
      if (link) link.focus({ preventScroll: true });
    }
    ready();
    if (cursor !== null) point(cursor);
  }
  function ready() {
    zoned();
    read();
    for (const node of document.querySelectorAll(".act")) node.hidden = false;
    const words = $("state") ? $("state").textContent : "";
    // only a change is announced, not every minute, and not that an age grew
    if (sentence && !(words.startsWith(OLD) && sentence.startsWith(OLD)) && words !== sentence && $("announce")) $("announce").textContent = words;
    sentence = words;
  }
  let stream = null;
  function follow() {
    if (main().dataset.live === "false" || document.hidden || stream) return;
    if (!("EventSource" in window)) return;
    stream = new EventSource("/events");
    const news = (event) => {
      const beat = JSON.parse(event.data);
      // the word of welcome tells what the page shows already
      const same = beat.finished && Date.parse(beat.finished) === Math.floor(number("finished") / 1000) * 1000;
      if (event.type === "cycle" && same && !beat.error && String(beat.stale) === main().dataset.stale) return;
      // a pointer that rests on a chart holds back one cycle, not all of them
      if (held() && !waiting) waiting = true; else refresh();
    };
    stream.addEventListener("cycle", news);
    stream.addEventListener("change", news);
    stream.onopen = () => { if (lost) refresh(); };
    stream.onerror = () => {
      // whether the server is gone or only its stream, a request tells
      refresh();
      if (stream.readyState === EventSource.CLOSED) { stream.close(); stream = null; setTimeout(follow, 5000); }
    };
  }
  function unfollow() {
    if (stream) stream.close();
    stream = null;
  }

  // ── what an operator does ──
  const token = { get: () => { try { return sessionStorage.getItem("token"); } catch { return null; } },
    set: (value) => { try { if (value) sessionStorage.setItem("token", value); else sessionStorage.removeItem("token"); } catch { /* none */ } } };
  function element(name, attributes, ...children) {
    const node = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    node.append(...children);
    return node;
  }
  function dialog(title, ...parts) {
    const box = element("dialog", { "aria-labelledby": "dialog-head" }, element("h2", { id: "dialog-head" }, title), ...parts);
    box.addEventListener("close", () => box.remove());
    document.body.append(box);
    box.showModal();
    return box;
  }
  const field = (label, attributes) => element("label", {}, label, element("input", attributes));
  function act(kind, number, name) {
    const silence = kind === "silence";
    const fields = [field("Your name", { name: "by", required: "", maxlength: "60", value: kept("by") || "" })];
    if (silence) fields.push(field("For how long, as 30m, 8h, 1d", { name: "for", required: "", value: "2h", pattern: "([0-9]+(ms|s|m|h|d|w))+" }));
    fields.push(field(silence ? "Why nobody needs to be told" : "What you are doing about it", { name: "message", required: "", maxlength: "300" }));
    if (!token.get()) fields.push(field("Operator token (kept until this tab is closed)", { name: "token", type: "password", required: "", autocomplete: "off" }));
    const refused = element("p", { class: "refused", role: "alert" });
    const form = element("form", { method: "dialog" }, ...fields, refused,
      element("div", { class: "row" }, element("button", { type: "button", value: "cancel" }, "Cancel"),
        element("button", { type: "submit", class: "main" }, silence ? "Silence" : "Acknowledge")));
    const box = dialog(`${silence ? "Silence" : "Acknowledge"} alert ${number}: ${name}`, form);
    form.querySelector('[value="cancel"]').addEventListener("click", () => box.close());
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const values = Object.fromEntries(new FormData(form));
      if (values.token) token.set(values.token);
      keep("by", values.by);
      const body = { by: values.by, message: values.message };
      if (silence) Object.assign(body, { what: String(number), for: values.for });
      const path = silence ? "/monitoring/silences" : `/monitoring/alerts/${number}/ack`;
      refused.textContent = "";
      const button = form.querySelector("[type=submit]");
      button.disabled = true;
      try {
        const answer = await fetch(path, {
          method: "POST",
          headers: { "Content-Type": "application/json", Authorization: `Bearer ${token.get() || ""}` },
          body: JSON.stringify(body),
        });
        const said = await answer.json().catch(() => ({}));
        if (answer.ok) { box.close(); tag = null; refresh(); return; }
        if (answer.status === 401 || answer.status === 403) {
          token.set(null);
          if (!form.elements.token) refused.before(field("Operator token", { name: "token", type: "password", required: "", autocomplete: "off" }));
        }
        refused.textContent = said.error ? `${said.error}${typeof said.details === "string" ? `: ${said.details}` : ""}` : `Refused (${answer.status})`;
      } catch {
        refused.textContent = "No answer from sippar-mon serve. Whether it was done is not known: look again.";
      } finally {
        button.disabled = false;
      }
    });
    form.elements[fields[0].querySelector("input").value ? "message" : "by"].focus();
  }

  // ── keys ──
  const KEYS = [["1 … 5", "time range"], ["← →", "one value back, on"], ["PgUp PgDn", "an hour back, on"], ["Home End", "first, last value"],
    ["j k", "next, previous alert"], ["Enter", "open it"], ["a", "acknowledge it"], ["s", "silence it"], ["u", "UTC or local time"],
    ["t", "light or dark"], ["r", "look again"], ["?", "these keys"], ["Esc", "away with it"]];
  function help() {
    const list = element("dl", {});
    for (const [key, words] of KEYS) list.append(element("dt", {}, element("kbd", {}, key)), element("dd", {}, words));
    const close = element("button", { type: "button" }, "Close");
    const box = dialog("Keys", list, element("div", { class: "row" }, close));
    close.addEventListener("click", () => box.close());
  }
  function choose(by) {
    const rows = Array.from(document.querySelectorAll("tr.alert"));
    if (rows.length === 0) return;
    const at = rows.findIndex((row) => row.classList.contains("chosen"));
    const next = rows[Math.min(rows.length - 1, Math.max(0, at < 0 ? 0 : at + by))];
    rows.forEach((row) => row.classList.toggle("chosen", row === next));
    const link = next.querySelector("a[href]");
    if (link) link.focus();
    next.scrollIntoView({ block: "nearest" });
  }
  function turn() {
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    keep("theme", root.dataset.theme);
  }
  function other() {
    zone = zone === "local" ? "utc" : "local";
    keep("tz", zone);
    zoned();
    if (cursor !== null) point(cursor);
  }
  function press(selector) {
    const chosen = document.querySelector("tr.chosen") || document.querySelector('tr[data-standing="firing"]') || document.querySelector("[data-number]");
    const button = chosen && chosen.querySelector(selector);
    if (button && !button.hidden) button.click();
  }
  function keyed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target instanceof Element && event.target.closest("input, textarea, select, dialog")) return;
    const ranges = document.querySelectorAll(".ranges > a");
    const chart = charts.get(document.activeElement && document.activeElement.id) || (cursor !== null && charts.values().next().value);
    const key = event.key;
    if (["ArrowLeft", "ArrowRight", "PageUp", "PageDown", "Home", "End"].includes(key)) {
      const bars = document.activeElement?.closest("svg.bars");
      if (bars) bar(bars, key);
      else if (chart) moved(key, chart);
      else return;
    } else if (key >= "1" && key <= "5" && ranges[key - 1]) ranges[key - 1].click();
    else if (key === "j") choose(1);
    else if (key === "k") choose(-1);
    else if (key === "Enter" && document.activeElement === document.body) {
      const link = document.querySelector("tr.chosen a[href]");
      if (!link) return;
      link.click();
    } else if (key === "a") press('[data-act="ack"]');
    else if (key === "s") press('[data-act="silence"]');
    else if (key === "t") turn();
    else if (key === "u") other();
    else if (key === "r") { tag = null; refresh(); }
    else if (key === "?") help();
    else if (key === "Escape") {
      point(null);
      for (const node of document.querySelectorAll("tr.chosen")) node.classList.remove("chosen");
      for (const node of document.querySelectorAll("details[open]")) node.open = false;
    } else return;
    event.preventDefault();
  }

  document.addEventListener("DOMContentLoaded", () => {
    if (!main()) return;
    if ($("buttons")) $("buttons").hidden = false;
    // what a link says of zone and theme holds for the ranges behind it
    for (const name of ["tz", "theme"].filter((name) => asked.has(name))) {
      const value = asked.get(name);
      for (const link of document.querySelectorAll(".ranges > a")) link.search += `&${name}=${encodeURIComponent(value)}`;
      for (const form of document.querySelectorAll(".between form")) form.append(element("input", { type: "hidden", name, value }));
    }
    skew = number("now") - Date.now();
    ready();
    tick();
    setInterval(tick, 1000);
    // also beside the events: a proxy may hold them back, and a page without a database waits for one
    setInterval(() => { if (!document.hidden && (!stream || stream.readyState !== 1) && main().dataset.live !== "false") refresh(); }, 30000);
    follow();
    document.addEventListener("keydown", keyed);
    document.addEventListener("pointermove", pointed);
    document.addEventListener("pointerdown", pointed);
    document.addEventListener("pointerout", (event) => {
      if (!of(event.target) || of(event.relatedTarget) === of(event.target)) return;
      point(null);
      if (waiting) { waiting = false; refresh(); }
    });
    document.addEventListener("focusout", (event) => {
      if (event.target.matches("svg.bars")) bar(event.target, null);
    });
    document.addEventListener("focusin", (event) => {
      const svg = of(event.target);
      if (svg && svg.matches(":focus-visible") && charts.get(svg.id) && cursor === null) point(charts.get(svg.id).to);
    });
    document.addEventListener("click", (event) => {
      const button = event.target instanceof Element && event.target.closest("button");
      if (!button) return;
      if (button.id === "theme") turn();
      else if (button.id === "zone") other();
      else if (button.id === "help") help();
      else if (button.dataset.act) act(button.dataset.act, button.dataset.number, button.dataset.name);
    });
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) unfollow();
      else { refresh(); follow(); }
    });
  });
})();
