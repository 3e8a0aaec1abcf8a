// The page in a real browser: `node browser.mjs FOLDER SCENARIO`, with what it needs to know as JSON on standard input.
// FOLDER holds node_modules with playwright-core. Ends with 0 where all is as it should be, and prints why not.
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import assert from "node:assert/strict";

const [, , folder, scenario] = process.argv;
const { chromium } = createRequire(`${folder}/node_modules/`)("playwright-core");
const world = JSON.parse(await new Promise((done) => {
  let text = "";
  process.stdin.on("data", (part) => { text += part; }).on("end", () => done(text));
}));

// the monitored world
const run = (...args) => {
  const ran = spawnSync(world.program, args, { cwd: world.folder, env: world.env, encoding: "utf8" });
  return { code: ran.status, out: ran.stdout, err: ran.stderr };
};
const queue = (text) => writeFileSync(`${world.folder}/queue.prom`, text);
const depth = (number) => queue(`queue_depth ${number}\n`);
const pause = (ms) => new Promise((done) => setTimeout(done, ms));
async function check() {
  // each in a tick of its own
  const second = () => Math.floor(Date.now() / 1000);
  const began = second();
  while (second() === began) await pause(20);
  run("check");
}

const browser = await chromium.launch({
  executablePath: world.chromium,
  args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync"],
});
const troubles = [];

// a tab in which nothing may go wrong: no error, no breach of the policy, no word to another host
async function tab(options = {}) {
  const { path = "/", expected = [], ...rest } = options;
  const context = await browser.newContext({ viewport: { width: 1320, height: 900 }, timezoneId: "UTC", ...rest });
  const page = await context.newPage();
  page.expected = expected;
  page.on("console", (message) => {
    const text = message.text();
    if (["error", "warning"].includes(message.type()) && !page.expected.some((words) => text.includes(words))) troubles.push(`${message.type()}: ${text}`);
  });
  page.on("pageerror", (error) => troubles.push(`exception: ${error}`));
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (url.protocol !== "data:" && url.origin !== world.url) troubles.push(`a request to ${url}`);
  });
  page.on("dialog", (dialog) => { troubles.push(`a dialog: ${dialog.message()}`); dialog.dismiss(); });
  await page.goto(world.url + path);
  return page;
}
const text = (page, selector) => page.locator(selector).first().innerText();
const until = async (page, what, isSo, limit = 15000) => {
  const end = Date.now() + limit;
  while (Date.now() < end) {
    if (await isSo()) return;
    await pause(60);
  }
  const shown = await page.locator("body").innerText();
  throw new Error(`waited in vain for ${what}; the page says:\n${shown.slice(0, 3000)}`);
};

const scenarios = {
  // a cycle changes the page, and an alert appears, without anybody loading anything
  async follows() {
    const page = await tab();
    await page.evaluate(() => { window.still = true; document.querySelector("main").dataset.old = "yes"; });
    const first = await page.locator("main").getAttribute("data-finished");
    await page.locator(".ranges a").first().focus();
    await check();
    await until(page, "the new cycle", async () => (await page.locator("main").getAttribute("data-finished")) !== first);
    assert.equal(await page.evaluate(() => document.querySelector("main").dataset.old), undefined, "main is another one");
    assert.equal(await page.evaluate(() => document.activeElement.textContent), "1 h", "the focus stays where it was");
    assert.match(await text(page, "#live"), /live/);
    depth(25);
    await check();
    await until(page, "the alert", async () => (await page.locator('tr[data-standing="firing"]').count()) === 1);
    assert.match(await text(page, 'tr[data-standing="firing"]'), /QUEUE_LONG[\s\S]*25 are waiting[\s\S]*25 > 10/);
    assert.match(await page.title(), /^▲ HIGH \(1\) · /);
    assert.equal(await text(page, "h1"), "1 alert needs attention");
    assert.equal(await page.locator("#announce").textContent(), "1 alert needs attention", "who does not see it hears it");
    assert.match(await page.locator("#icon").getAttribute("href"), /state=high&n=1/);
    depth(1);
    await check();
    await until(page, "its end", async () => (await page.locator('tr[data-standing="resolved"]').count()) === 1);
    assert.ok(await page.evaluate(() => window.still), "the page was never loaded anew");
  },

  // who has the token can acknowledge and silence, who has not cannot
  async acts() {
    depth(25);
    await check();
    const refused = "status of 401";
    const page = await tab({ expected: [refused] });
    const open = async (act) => {
      await page.locator(`[data-act="${act}"]`).first().click();
      await page.locator("dialog").waitFor();
    };
    await open("ack");
    const dialog = page.locator("dialog");
    await dialog.locator('[name="by"]').fill("nina");
    await dialog.locator('[name="message"]').fill("on it <b>now</b>");
    await dialog.locator('[name="token"]').fill("not the token at all");
    await dialog.locator("button.main").click();
    await until(page, "the refusal", async () => /this is not the token/.test(await dialog.innerText()));
    assert.equal(await page.evaluate(() => sessionStorage.getItem("token")), null, "a wrong token is forgotten");
    assert.equal(JSON.parse(run("alert", "list", "--json").out)[0].acknowledgedBy, null);
    await dialog.locator('[name="token"]').fill(world.token);
    await dialog.locator("button.main").click();
    await until(page, "the acknowledgement", async () => (await page.locator('tr[data-standing="acknowledged"]').count()) === 1);
    assert.match(await text(page, 'tr[data-standing="acknowledged"]'), /acknowledged by nina.*on it <b>now<\/b>/s);
    assert.equal(JSON.parse(run("alert", "list", "--json").out)[0].acknowledgedBy, "nina");
    assert.equal(await page.locator('[data-act="ack"]').count(), 0);
    // the token is known now, and so is the name
    await open("silence");
    assert.equal(await dialog.locator('[name="token"]').count(), 0);
    assert.equal(await dialog.locator('[name="by"]').inputValue(), "nina");
    await dialog.locator('[name="for"]').fill("30m");
    await dialog.locator('[name="message"]').fill("known");
    await dialog.locator("button.main").click();
    await until(page, "the end of the dialog", async () => (await dialog.count()) === 0);
    assert.match(run("alert", "silences").out, /known/);
    await check();
    await until(page, "that it is withheld", async () => (await page.locator('tr[data-standing="held"]').count()) === 1);
    // the token is in this tab alone
    const other = await tab();
    assert.equal(await other.evaluate(() => sessionStorage.length + document.cookie.length), 0);
  },

  // cycles stop: the page says so by itself; the server stops: that is another thing to say
  async stale() {
    const page = await tab({ expected: ["ERR_CONNECTION_REFUSED", "Failed to load resource", "ERR_INCOMPLETE_CHUNKED", "ERR_EMPTY_RESPONSE"] });
    await until(page, "the banner", async () => (await page.locator("#stale").count()) === 1, 40000);
    assert.match(await text(page, "#stale"), /^Nothing has been checked for .*The values below are old.*sippar-mon doctor$/s);
    assert.equal(await page.locator("#stale").getAttribute("role"), "alert");
    await until(page, "the state", async () => /UNKNOWN/.test(await text(page, "#state-badge")));
    assert.match(await text(page, "h1"), /^Nothing has been checked for /);
    assert.match(await page.title(), /^\? UNKNOWN/);
    // the headline counts on like the banner
    const [head, seconds] = [await text(page, "h1"), () => page.evaluate(() => Number(document.getElementById("state").textContent.match(/(\d+) s$/)[1]))];
    await until(page, "an older age", async () => (await text(page, "h1")) !== head);
    // loaded again it is no younger than a picture may be old
    const before = await seconds();
    await pause(6500);
    await page.reload();
    assert.ok((await seconds()) > before, "it is told its age anew");
    await check();
    await until(page, "that it lives", async () => (await page.locator("#stale").count()) === 0);
    assert.equal(await page.locator("#lost").count(), 0);
    process.kill(world.server, "SIGTERM");
    await until(page, "that the server is gone", async () => (await page.locator("#lost").count()) === 1, 20000);
    assert.match(await text(page, "#lost"), /^Lost connection to sippar-mon serve, retrying/);
  },

  // everything by keys
  async keys() {
    depth(25);
    await check();
    await check();
    const page = await tab();
    await page.keyboard.press("?");
    await page.locator("dialog").waitFor();
    await page.keyboard.press("Escape");
    await until(page, "the end of the help", async () => (await page.locator("dialog").count()) === 0);
    // one cursor over all charts
    await page.goto(`${world.url}/?from=10m`);
    await page.locator("svg.chart").first().focus();
    await page.keyboard.press("End");
    const on = () => page.locator(".cursor.on").count();
    const charts = await page.locator("svg.chart").count();
    assert.equal(await on(), charts, "every chart has it");
    const readout = () => text(page, ".chart-card .readout");
    const last = await readout();
    await page.keyboard.press("ArrowLeft");
    const before = await readout();
    assert.notEqual(before, last, "it moved");
    await page.keyboard.press("ArrowRight");
    assert.equal(await readout(), last);
    await page.keyboard.press("Home");
    await page.keyboard.press("PageDown");
    assert.equal(await on(), charts);
    await page.keyboard.press("Escape");
    assert.equal(await on(), 0);
    // the bars of a check, one by one
    const checked = page.locator(".check").first();
    const usual = await checked.locator("strong").innerText();
    await checked.locator("svg.bars").focus();
    await page.keyboard.press("ArrowLeft");
    assert.match(await checked.locator("strong").innerText(), /^\w+ \d+ \d\d:\d\d UTC: (passed|failed|missed|unknown)$/);
    const place = () => checked.locator("rect").evaluateAll((all) => all.map((one, at) => one.classList.contains("on") ? at : -1).filter((at) => at >= 0));
    const [end] = await place();
    await page.keyboard.press("ArrowLeft");
    assert.deepEqual(await place(), [end - 1]);
    await page.keyboard.press("Home");
    assert.deepEqual(await place(), [0]);
    await page.keyboard.press("ArrowRight");
    assert.deepEqual(await place(), [1]);
    await page.keyboard.press("Tab");
    assert.deepEqual(await place(), []);
    assert.equal(await checked.locator("strong").innerText(), usual);
    // zone and theme of a link hold for the ranges behind it
    await page.goto(`${world.url}/?range=6h&tz=local&theme=dark`);
    await page.keyboard.press("1");
    await page.waitForURL("**/?range=1h&tz=local&theme=dark");
    await page.goto(`${world.url}/`);
    // times in another zone, and the way back
    const time = () => page.locator("tr.alert time").first().innerText();
    const utc = await time();
    const local = await tab({ timezoneId: "Asia/Kolkata" });
    await local.keyboard.press("u");
    assert.notEqual(await local.locator("tr.alert time").first().innerText(), utc);
    assert.equal(await text(local, "#zone"), "local");
    assert.match(await text(local, ".alerts thead"), /Since \(local\)/);
    await local.keyboard.press("u");
    assert.equal(await local.locator("tr.alert time").first().innerText(), utc);
    // light and dark
    const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = await ground();
    await page.keyboard.press("t");
    assert.notEqual(await ground(), light);
    await page.reload();
    assert.notEqual(await ground(), light, "it is kept");
    await page.keyboard.press("t");
    // alerts
    await page.keyboard.press("j");
    assert.equal(await page.locator("tr.chosen").count(), 1);
    await page.keyboard.press("a");
    await page.locator("dialog").waitFor();
    await page.keyboard.press("t");
    assert.equal(await ground(), light, "a key in a field is a letter");
    await page.keyboard.press("Escape");
    await page.keyboard.press("j");
    await page.keyboard.press("Enter");
    await page.waitForURL("**/alert/1");
    assert.match(await text(page, "h1"), /^Alert 1: QUEUE_LONG/);
    await page.goBack();
    await page.keyboard.press("1");
    await page.waitForURL("**/?range=1h");
    assert.equal(await text(page, ".ranges [aria-current]"), "1 h");
  },

  // whatever strangers write is shown as letters
  async hostile() {
    const evil = "<script>document.title='owned'</script>\\\"><img src=x onerror=alert(1)>\u202e\u001b[31m";
    queue(`queue_depth{who="${evil}"} 99\n`);
    await check();
    run("alert", "ack", "1", "-m", "<img src=x onerror=alert(1)>", "--by", "\u202e<script>alert(2)</script>");
    await check();
    for (const path of ["/", "/alert/1", "/metric?metric=queue_depth", "/metric", "/?range=%3Cscript%3Ealert(1)%3C/script%3E", "/alert/%3Cscript%3E",
      "/runbook/%3Cimg%3E", "/metric?metric=%3Cscript%3Ealert(3)%3C/script%3E&label.%3Cb%3E=%22%3E%3Cimg%20src=x%3E", "/favicon.svg?state=%3Cscript%3E&n=%3C/svg%3E"]) {
      const page = await tab({ path, expected: ["Failed to load resource: the server responded with a status of 404", "Failed to load resource: the server responded with a status of 400"] });
      assert.ok(!(await page.title()).includes("owned"), path);
      assert.equal(await page.locator("img").count(), 0, path);
      const found = await page.evaluate(() => ({
        scripts: Array.from(document.scripts, (script) => script.src || script.type),
        bidi: /[\u202a-\u202e\u2066-\u2069\u001b]/.test(document.title + (document.body ? document.body.innerText : "") + Array.from(document.querySelectorAll("[aria-label]"), (node) => node.getAttribute("aria-label"))),
      }));
      assert.ok(found.scripts.every((script) => script.startsWith(`${world.url}/app.js`) || script === "application/json"), `${path}: ${found.scripts}`);
      assert.equal(found.bidi, false, path);
      await page.context().close();
    }
    const page = await tab();
    assert.match(await text(page, ".alerts"), /<script>document.title='owned'<\/script>/);
  },

  // small, dark, printed, without script: nothing is cut off, everything is there
  async faces() {
    depth(25);
    await check();
    for (const [width, colorScheme] of [[320, "dark"], [360, "light"], [390, "dark"], [768, "light"], [1100, "dark"], [1600, "light"]]) {
      const page = await tab({ viewport: { width, height: 800 }, colorScheme });
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(wide <= width, `at ${width} it is ${wide} wide`);
      // no number and no head is broken in two
      const broken = await page.evaluate(() => Array.from(document.querySelectorAll(".deliveries thead th, .deliveries td:nth-child(2), .deliveries td:nth-child(3)"), (cell) => {
        const range = document.createRange();
        range.selectNodeContents(cell.firstChild);
        return range.getClientRects().length > 1 ? cell.textContent : null;
      }).filter(Boolean));
      assert.deepEqual(broken, [], `broken at ${width}`);
      // state, alerts, charts: in this order at any width
      const tops = await page.evaluate(() => [".hero", ".alerts", ".charts", ".lower"].map((name) => document.querySelector(name).getBoundingClientRect().top));
      assert.deepEqual(tops, [...tops].sort((a, b) => a - b));
      // labels of one axis do not lie on each other
      const clash = await page.evaluate(() => Array.from(document.querySelectorAll("g.times"), (group) => {
        const boxes = Array.from(group.children, (label) => label.getBoundingClientRect()).filter((box) => box.width > 0);
        return boxes.slice(1).some((box, at) => box.left < boxes[at].right);
      }).some(Boolean));
      assert.equal(clash, false, `labels lie on each other at ${width}`);
      await page.context().close();
    }
    await check();
    const plain = await tab({ javaScriptEnabled: false });
    assert.match(await text(plain, "h1"), /1 alert needs attention/);
    assert.equal(await plain.locator("button:visible").count(), 0, "nothing that needs the script");
    const printed = await tab();
    await printed.emulateMedia({ media: "print" });
    assert.equal(await printed.locator(".ranges").isVisible(), false);
    assert.equal(await printed.locator(".acts").first().isVisible(), false);
    // paper is light, whatever the screen is
    const colour = () => printed.evaluate(() => ["--ok-fill", "--ok-text", "--hatch", "--limit-medium"].map((name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim()));
    const light = await colour();
    await printed.emulateMedia({ media: "print", colorScheme: "dark" });
    assert.deepEqual(await colour(), light);
    await printed.evaluate(() => { document.documentElement.dataset.theme = "dark"; });
    assert.deepEqual(await colour(), light);
    // headings, names and the way by the tab key
    const page = await tab();
    assert.equal(await page.locator("h1").count(), 1);
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to the alerts");
    const nameless = await page.evaluate(() => Array.from(document.querySelectorAll('[role="img"], button, a, input'), (node) => [node, node.getAttribute("aria-label") || node.textContent.trim() || (node.labels && node.labels.length > 0)]).filter(([, name]) => !name).map(([node]) => node.outerHTML));
    assert.deepEqual(nameless, []);
  },

  // the pages behind the page
  async deep() {
    for (const value of [3, 25, 30, 2]) {
      depth(value);
      await check();
    }
    const page = await tab({ path: "/alert/1", expected: ["status of 404"] });
    const shown = await text(page, "main");
    for (const words of ["Alert 1: QUEUE_LONG", "resolved", "30 > 10", "fired HIGH", "the value is good again"]) {
      assert.ok(shown.includes(words), `${words} is not in ${shown}`);
    }
    await page.goto(`${world.url}/`);
    await page.locator(".chart-card .more a").first().click();
    await page.waitForURL("**/metric?**");
    assert.ok((await page.locator("table.numbers tbody tr").count()) >= 1);
    await page.goto(`${world.url}/?from=${encodeURIComponent(new Date(Date.now() - 600000).toISOString())}`);
    assert.match(await text(page, "h1"), /1 alert in 10 min/);
    await page.goto(`${world.url}/`);
    await page.locator(".between summary").click();
    await page.locator('.between [name="from"]').fill("20m");
    await page.locator('.between [name="to"]').fill("");
    await page.locator(".between button").click();
    await page.waitForURL("**from=20m**");
    assert.match(await text(page, "h1"), /1 alert in 20 min/);
    await page.goto(`${world.url}/runbook`);
    await page.getByRole("link", { name: "HIGH_DISK_USAGE" }).click();
    await page.waitForURL("**/runbook/HIGH_DISK_USAGE");
    assert.equal(await text(page, "h1"), "HIGH_DISK_USAGE");
    await page.goto(`${world.url}/alert/77`);
    assert.match(await text(page, "h1"), /There is no alert 77/);
    await page.goto(`${world.url}/reserves/proof`);
    assert.match(await text(page, "h1"), /There is no such look/);
  },

  // the script words values as the server does
  async words() {
    const source = await (await fetch(`${world.url}/app.js`)).text();
    const part = source.slice(source.indexOf("  const STEPS = "), source.indexOf("  // ── times in the zone"));
    const { text, lasting } = new Function(`${part}; return { text, lasting };`)();
    for (const [unit, value, wanted] of [["seconds", -201600, "-2 d 8 h"], ["seconds", -60, "-1 min"], ["seconds", 0, "0 s"], ["seconds", -0.5, "-500 ms"],
      ["seconds", 14998, "4 h 10 min"], ["seconds", 86399, "1 d"], ["seconds", 125.9, "2 min 5 s"], ["count", 2e-12, "2e-12"], ["count", -0.00005, "-5e-5"],
      ["count", 1.5e15, "1.5e15"], ["count", 0.00012, "0.0001"], ["count", 26, "26"]]) {
      assert.equal(text({ unit }, value), wanted);
    }
    assert.equal(lasting(-5000), "0 s");
  },

  // no database yet, then one; then it is gone
  async begins() {
    const expected = ["status of 503"];
    const page = await tab({ expected });
    assert.match(await text(page, "main"), /database|Nothing has been checked yet/);
    await check();
    await until(page, "the first cycle", async () => /rules are fine/.test(await text(page, "h1")), 40000);
  },
};

let failed = null;
try {
  await scenarios[scenario]();
  assert.deepEqual(troubles, [], "the browser has nothing to complain of");
} catch (error) {
  failed = error;
} finally {
  await browser.close();
}
if (failed) {
  console.error(failed.stack || failed);
  if (troubles.length > 0) console.error(`the browser said:\n${troubles.join("\n")}`);
  process.exit(1);
}
