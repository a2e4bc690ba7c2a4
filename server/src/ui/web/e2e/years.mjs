// In a real browser: the years of a layer, two of them beside each other, what a click tells, and the grid of dalles with its downloads.
// Usage: node e2e/years.mjs BASE_URL LAYER FOLDER_FOR_SCREENSHOTS; the layer is that of tests/oracle/years.py.
import { chromium } from "playwright-core";

const [base, layer, folder] = process.argv.slice(2);
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
const problems = [];
const asked = [];

function check(condition, message) {
  if (!condition) problems.push(message);
}

async function open(options, hash) {
  const page = await browser.newPage(options);
  page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("request", (request) => {
    asked.push(request.url());
    if (!request.url().startsWith(base) && !/^(data|blob):/.test(request.url())) problems.push(`asks ${request.url()}`);
  });
  await page.goto(`${base}/#layer=${layer}${hash}`);
  await page.waitForSelector("#years input", { state: "attached", timeout: 15_000 });
  await drawn(page);
  return page;
}

/** Waits until the map has drawn all that it asked for. */
async function drawn(page) {
  await page.waitForTimeout(500);
  await page.evaluate(() => new Promise((done) => {
    const { map } = window.pavage;
    const timer = setTimeout(done, 8000);
    map.once("rendercomplete", () => { clearTimeout(timer); done(); });
    map.render();
  }));
}

/** The mean colour of a square of the map, red green blue. */
const colourAt = (page, x, y) => page.evaluate(([x, y]) => {
  const sum = [0, 0, 0, 0];
  for (const canvas of document.querySelectorAll("#map canvas")) {
    const scale = canvas.width / canvas.clientWidth || 1;
    const data = canvas.getContext("2d").getImageData(x * scale - 6, y * scale - 6, 12, 12).data;
    for (let i = 0; i < data.length; i += 4) if (data[i + 3] > 200) for (let c = 0; c < 4; c++) sum[c] += c < 3 ? data[i + c] : 1;
  }
  return sum.slice(0, 3).map((value) => value / Math.max(1, sum[3]));
}, [x, y]);

const tiles = () => asked.filter((url) => /GetTile/i.test(url));
const timesOf = (urls) => new Set(urls.map((url) => new URL(url).searchParams.get("Time")));
const isGrey = ([red, green, blue]) => red > green && green > blue && red - blue < 40;

const desktop = await open({ viewport: { width: 1360, height: 860 } }, "");
const hash = () => new URLSearchParams(new URL(desktop.url()).hash.slice(1));
const chips = await desktop.$$eval("#years input", (inputs) => inputs.map((input) => [input.value, input.checked]));
check(JSON.stringify(chips) === '[["2018",false],["2021",false],["2024",true]]', `the years are ${JSON.stringify(chips)}`);
check(timesOf(tiles()).size === 1 && timesOf(tiles()).has(null), "the newest year is asked for by its name");
await desktop.screenshot({ path: `${folder}/years-newest.png` });

asked.length = 0;
await desktop.locator("#years label", { hasText: "2018" }).click();
await drawn(desktop);
check(tiles().length > 0 && [...timesOf(tiles())].join() === "2018", `2018: tiles of ${[...timesOf(tiles())]}`);
check(hash().get("year") === "2018" && hash().get("compare") === null, `2018: the address is ${desktop.url()}`);
await desktop.screenshot({ path: `${folder}/years-2018.png` });

await desktop.keyboard.press("ArrowRight");
await desktop.keyboard.press("ArrowLeft");
check((await desktop.evaluate(() => document.activeElement?.value)) === "2018", "the keyboard loses its place among the years");

await desktop.locator("#compare").check({ force: true });
await drawn(desktop);
check(hash().get("year") === "2018" && hash().get("compare") === "2024", `compared: the address is ${desktop.url()}`);
const divider = desktop.locator("#swipe");
check((await divider.getAttribute("aria-valuetext"))?.startsWith("2018 on 50 %"), "the divider does not say its years");
const [left, right] = [await colourAt(desktop, 664, 300), await colourAt(desktop, 720, 300)];
check(isGrey(left), `left of the divider is no 2018: ${left}`);
check(!isGrey(right), `right of the divider is no 2024: ${right}`);
await divider.focus();
await desktop.keyboard.press("PageUp");
check((await divider.getAttribute("aria-valuenow")) === "60", "keys do not move the divider");
const box = await divider.boundingBox();
await desktop.mouse.move(box.x + box.width / 2, 430);
await desktop.mouse.down();
await desktop.mouse.move(900, 430, { steps: 8 });
await desktop.mouse.up();
await drawn(desktop);
check(Math.abs((await divider.boundingBox()).x + 14 - 900) < 2, "the divider is not dragged");
check(isGrey(await colourAt(desktop, 860, 300)), "what the divider passed is not of the other year");
await desktop.screenshot({ path: `${folder}/years-compared.png` });

/** Clicks the map and waits for what is told. */
async function click(page, x, y) {
  await page.mouse.click(x, y);
  await page.waitForSelector(".popup .reading", { timeout: 8000 });
  return page.locator(".popup-body").innerText();
}
const onLeft = await click(desktop, 760, 330);
check(/2018 · .*m · EPSG:2154/.test(onLeft) && !/2024/.test(onLeft), `left of the divider is told: ${onLeft}`);
await desktop.keyboard.press("Escape");
const onRight = await click(desktop, 960, 330);
check(/2024 · .*m · EPSG:2154/.test(onRight) && /2021 .*beneath/.test(onRight), `right of the divider is told: ${onRight}`);
await desktop.waitForSelector(".popup .download", { timeout: 8000 }).catch(() => check(false, "no download is offered"));
const link = desktop.locator(".popup .download").first();
const file = await fetch(await link.getAttribute("href"), { method: "HEAD" });
check(file.ok && /tiff/.test(file.headers.get("content-type")), `the download answers ${file.status}`);
check(asked.filter((url) => url.endsWith("index.geojson")).length === 1, "the coverage is asked for more than once");
await desktop.locator("#grid").check({ force: true });
await drawn(desktop);
await desktop.screenshot({ path: `${folder}/years-grid.png` });
await desktop.keyboard.press("Escape");

const address = desktop.url();
await desktop.reload();
await desktop.waitForSelector("#years input", { state: "attached" });
await drawn(desktop);
check(new URL(desktop.url()).hash === new URL(address).hash, `${address} becomes ${desktop.url()}`);
check(await desktop.locator("#swipe").isVisible(), "the comparison is lost when the page is loaded again");
await desktop.locator("#compare").uncheck({ force: true });
await drawn(desktop);
check(hash().get("year") === null && hash().get("compare") === null, `no longer compared: the address is ${desktop.url()}`);
check(await desktop.locator("#swipe").isHidden(), "the divider stays");

const dark = await open({ viewport: { width: 1360, height: 860 }, colorScheme: "dark" }, "&year=2021&compare=2024");
await click(dark, 760, 330);
await dark.waitForTimeout(800);
await dark.screenshot({ path: `${folder}/years-dark.png` });

const phone = await open({ viewport: { width: 390, height: 780 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true }, "&year=2018&compare=2024");
const touch = await phone.context().newCDPSession(phone);
const finger = (type, ...points) => touch.send("Input.dispatchTouchEvent", { type, touchPoints: points.map(([x, y]) => ({ x, y })) });
await finger("touchStart", [195, 390]);
for (const x of [210, 230, 250]) await finger("touchMove", [x, 390]);
await finger("touchEnd");
check((await phone.locator("#swipe").getAttribute("aria-valuenow")) === "64", "a finger does not move the divider");
await drawn(phone);
await phone.screenshot({ path: `${folder}/years-phone.png` });
await phone.locator("#collapse").tap();
await phone.screenshot({ path: `${folder}/years-phone-panel.png` });
await phone.locator("#collapse").tap();
await phone.touchscreen.tap(290, 330);
await phone.waitForSelector(".popup .reading", { timeout: 8000 });
await phone.waitForTimeout(800);
const bubble = await phone.locator(".popup").boundingBox();
check(bubble.x >= 0 && bubble.x + bubble.width <= 390, `the bubble is not within the phone: ${JSON.stringify(bubble)}`);
await phone.screenshot({ path: `${folder}/years-phone-popup.png` });

console.log(`years: ${chips.map(([year]) => year)}, divider by keys and pointer, ${asked.length} requests since 2018`);
await browser.close();
if (problems.length > 0) {
  console.error(problems.join("\n"));
  process.exit(1);
}
