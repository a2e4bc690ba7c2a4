// In a real browser: the viewer shows a layer in both projections and in all its styles, the dashboard moves under load, and
// neither writes an error to the console nor asks another server. Usage: node e2e/viewer.mjs BASE_URL LAYER FOLDER_FOR_SCREENSHOTS
import { chromium } from "playwright-core";

const [base, layer, folder] = process.argv.slice(2);
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
const page = await browser.newPage({ viewport: { width: 1360, height: 860 } });
const problems = [];
const tiles = [];
page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
page.on("pageerror", (error) => problems.push(String(error)));
page.on("request", (request) => {
  const url = request.url();
  if (!url.startsWith(base) && !/^(data|blob):/.test(url)) problems.push(`asks ${url}`);
});
page.on("response", (response) => /GetTile/i.test(response.url()) && tiles.push(response));

function check(condition, message) {
  if (!condition) problems.push(message);
}

/** Waits until the map has drawn all that it asked for, and tells how much of it is not one flat colour. */
async function drawn() {
  await page.waitForFunction(() => window.pavage?.map, undefined, { timeout: 15_000 });
  await page.evaluate(() => new Promise((done) => {
    const { map } = window.pavage;
    const timer = setTimeout(done, 8000);
    map.once("rendercomplete", () => { clearTimeout(timer); done(); });
    map.render();
  }));
  return page.evaluate(() => {
    const canvases = [...document.querySelectorAll("#map canvas")];
    const colours = new Set();
    for (const canvas of canvases) {
      const { width, height } = canvas;
      if (!width) continue;
      const data = canvas.getContext("2d").getImageData(0, 0, width, height).data;
      for (let i = 0; i < data.length; i += 4 * 997) if (data[i + 3] > 0) colours.add(`${data[i]},${data[i + 1]},${data[i + 2]}`);
    }
    return colours.size;
  });
}

/** Chooses in the panel, and looks at the tiles that come of it. */
async function choose(select, value, leastColours) {
  tiles.length = 0;
  await page.selectOption(select, value);
  await page.waitForTimeout(1500);
  const colours = await drawn();
  check(colours > leastColours, `${value}: ${colours} colours on the map`);
  check(tiles.length > 0 && tiles.every((tile) => tile.ok()), `${value}: ${tiles.length} tiles, ${tiles.filter((t) => !t.ok()).length} failed`);
  console.log(`${value}: ${tiles.length} tiles, ${colours} colours`);
}

await page.goto(`${base}/#layer=${layer}`);
await page.waitForSelector("#set option", { state: "attached", timeout: 15_000 });
const sets = await page.$$eval("#set option", (options) => options.map((option) => option.value));
check(sets.includes("WebMercatorQuad") && sets.length >= 2, `only these sets: ${sets}`);
// The page opens in Web Mercator: choosing it again would ask for nothing.
const chosenSets = [sets.find((name) => !/WebMercator|CRS84/.test(name)), "WebMercatorQuad"];
for (const set of chosenSets) {
  await choose("#set", set, 100);
  await page.screenshot({ path: `${folder}/viewer-${set}.png` });
}

const hash = () => new URLSearchParams(new URL(page.url()).hash.slice(1));
const styles = await page.$$eval("#style option", (options) => options.map((option) => option.value));
check((await page.locator("#style-field").isVisible()) === styles.length > 1, `${styles.length} styles, and the choice does not fit`);
const first = await page.locator("#style").inputValue();
const isOf = (style) => (tile) => new RegExp(`[?&]style=${encodeURIComponent(style)}(&|$)`, "i").test(tile.url());
for (const style of styles.filter((name) => name !== first)) {
  const place = hash().get("map");
  await choose("#style", style, 1);
  check(tiles.every(isOf(style)), `${style}: tiles of another style`);
  check(hash().get("style") === style && hash().get("map") === place, `${style}: the address is ${page.url()}`);
  if (await page.locator("#legend").isVisible()) {
    const picture = page.locator("#legend-picture");
    check(await picture.evaluate((image) => image.complete && image.naturalWidth > 0), `${style}: no picture of the legend`);
    check((await picture.getAttribute("alt"))?.startsWith("Legend of"), `${style}: no words for the legend`);
    await page.locator("#legend-hide").click();
    check(await page.locator("#legend").isHidden(), `${style}: the legend stays`);
    await page.locator("#legend-shown").check({ force: true });
  }
  await page.screenshot({ path: `${folder}/viewer-style-${style}.png` });
}
if (styles.length > 1) {
  const last = await page.locator("#style").inputValue();
  await choose("#set", chosenSets[0], 1);
  check(tiles.every(isOf(last)), `${chosenSets[0]}: tiles of another style`);
  await page.reload();
  await page.waitForSelector("#style option", { state: "attached" });
  check((await page.locator("#style").inputValue()) === last, "the style is lost when the page is loaded again");
  await drawn();
}

await page.locator("#borders").check({ force: true });
await page.waitForTimeout(700);
await page.screenshot({ path: `${folder}/viewer-borders.png` });

await page.goto(`${base}/dashboard`);
const card = page.locator('[data-card="Requests/s"] strong');
const loading = (async () => {
  for (let i = 0; i < 600; i++) await fetch(`${base}/xyz/${layer}/12/2073/1499.jpg?n=${i}`).catch(() => {});
})();
let moved = false;
for (let i = 0; i < 30 && !moved; i++) {
  await page.waitForTimeout(500);
  moved = Number.parseFloat((await card.textContent({ timeout: 5000 }).catch(() => "0")) ?? "0") > 0;
}
check(moved, "the dashboard does not move under load");
console.log(`dashboard: ${await card.textContent()} requests/s`);
await page.waitForTimeout(2500);
await page.screenshot({ path: `${folder}/dashboard.png` });
await loading;
await browser.close();
if (problems.length > 0) {
  console.error(problems.join("\n"));
  process.exit(1);
}
