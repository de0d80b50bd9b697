// Takes a picture of a report in Chromium.
// Arguments: the directory of the npm packages, the report, the PNG file.
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [packages, report, picture] = process.argv.slice(2);
const { chromium } = createRequire(path.join(packages, "/"))("playwright-core");
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"],
});
const page = await browser.newPage({ viewport: { width: 1100, height: 1200 } });
await page.goto(pathToFileURL(path.resolve(report)).href);
await page.screenshot({ path: picture });
await browser.close();
