// Takes the pictures of the documents: `node pictures.mjs FOLDER all`, with what it needs to know on standard input.
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { deflateSync } from "node:zlib";

const [, , folder] = process.argv;
const { chromium } = createRequire(`${folder}/node_modules/`)("playwright-core");
const world = JSON.parse(await new Promise((done) => {
  let text = "";
  process.stdin.on("data", (part) => { text += part; }).on("end", () => done(text));
}));
const browser = await chromium.launch({
  executablePath: world.chromium,
  args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync"],
});

function crc32(bytes) {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

// A PNG of 256 colours: those that are seen most, and for every other one the nearest of them.
function small(rgba, wide) {
  const high = rgba.length / 4 / wide;
  const count = new Map();
  const of = (at) => (rgba[at] << 16) | (rgba[at + 1] << 8) | rgba[at + 2];
  for (let at = 0; at < rgba.length; at += 4) count.set(of(at), (count.get(of(at)) || 0) + 1);
  const palette = [...count].sort((a, b) => b[1] - a[1]).slice(0, 256).map(([color]) => color);
  const place = new Map(palette.map((color, at) => [color, at]));
  const parts = (color) => [color >> 16, (color >> 8) & 255, color & 255];
  const nearest = (color) => {
    const [r, g, b] = parts(color);
    let [best, least] = [0, Infinity];
    palette.forEach((other, at) => {
      const [x, y, z] = parts(other);
      const far = (r - x) ** 2 + (g - y) ** 2 + (b - z) ** 2;
      if (far < least) [best, least] = [at, far];
    });
    place.set(color, best);
    return best;
  };
  const rows = Buffer.alloc((wide + 1) * high);
  for (let y = 0; y < high; y += 1) {
    for (let x = 0; x < wide; x += 1) {
      const color = of((y * wide + x) * 4);
      rows[y * (wide + 1) + 1 + x] = place.has(color) ? place.get(color) : nearest(color);
    }
  }
  const chunk = (name, data) => {
    const body = Buffer.concat([Buffer.from(name, "latin1"), data]);
    const frame = Buffer.alloc(8);
    frame.writeUInt32BE(data.length, 0);
    frame.writeUInt32BE(crc32(body), 4);
    return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(wide, 0);
  head.writeUInt32BE(high, 4);
  head.set([8, 3, 0, 0, 0], 8);
  const colors = Buffer.from(palette.flatMap(parts));
  return Buffer.concat([Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]), chunk("IHDR", head), chunk("PLTE", colors),
    chunk("IDAT", deflateSync(rows, { level: 9 })), chunk("IEND", Buffer.alloc(0))]);
}

// fakes have the names that a reader would give them
async function renamed(page) {
  await page.evaluate((names) => {
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      for (const [from, to] of Object.entries(names)) walker.currentNode.data = walker.currentNode.data.replaceAll(from, to);
    }
  }, world.more.names);
}
async function picture(name, path, { width, height, colorScheme = "light" }, before) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme, timezoneId: "UTC" });
  const page = await context.newPage();
  await page.goto(world.url + path);
  if (before) await before(page);
  await renamed(page);
  const shot = await page.screenshot();
  const { data, wide } = await page.evaluate(async (base64) => {
    const image = await createImageBitmap(new Blob([Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))]));
    const canvas = new OffscreenCanvas(image.width, image.height);
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0);
    const bytes = context.getImageData(0, 0, image.width, image.height).data;
    let text = "";
    for (let at = 0; at < bytes.length; at += 32768) text += String.fromCharCode(...bytes.subarray(at, at + 32768));
    return { data: btoa(text), wide: image.width };
  }, shot.toString("base64"));
  writeFileSync(`${world.more.to}/${name}.png`, small(Buffer.from(data, "base64"), wide));
  await context.close();
}

await picture("light", "/", { width: 1200, height: 1330 });
await picture("dark", "/", { width: 1200, height: 1330, colorScheme: "dark" }, async (page) => {
  // somebody looks at the afternoon
  const box = await page.locator(".hero svg.chart").boundingBox();
  await page.mouse.move(box.x + box.width * 0.465, box.y + box.height / 2);
});
await picture("phone", "/", { width: 390, height: 1500 });
await picture("alert", "/alert/2", { width: 1000, height: 1180 });
await browser.close();
