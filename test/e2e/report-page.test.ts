import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lookIntoCheckpoints } from '../../src/fl/inspection/checkpoint-findings.ts';
import { inspectRun } from '../../src/fl/inspection/inspect-run.ts';
import type { IndexFacts } from '../../src/fl/inspection/observed-run.ts';
import { scanRun } from '../../src/fl/inspection/scan-run.ts';
import { renderRunPage } from '../../src/fl/report/run-page.ts';
import { axeViolations, hasBrowser, openBrowser } from '../support/browser.ts';
import { MADE_AT_MS, MadeRun, makeGoodRun, makeSteadyRun } from '../support/made-run.ts';

const HOSTILE = [
  '<script>window.pwned = 1<',
  '<img src=x onerror="window.pwned = 2">',
  '"onmouseover="window.pwned = 3" x="',
  "'><svg onload=window.pwned=4>",
  '\u202Egnp.exe',
];

const FACTS: IndexFacts = {
  files: new Map(),
  transfers: [
    { atMs: MADE_AT_MS, op: '<b>upload</b>', path: 'x', sizeBytes: 9, durationMs: 5, outcome: 'done' },
  ],
  calls: [0, 1, 2].map((hour) => ({
    hourAtMs: MADE_AT_MS + hour * 3_600_000,
    endpoint: 'GET /2.0/<script>window.pwned = 5</script>',
    calls: 100 * (hour + 1),
  })),
  conflicts: [],
};

describe.skipIf(!hasBrowser)('the page about a run, in a browser', () => {
  let folder = '';
  let browser: Browser;
  let url = '';

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'report-page-'));
    const run = new MadeRun(join(folder, '2023-01-16_19-11'));
    await makeGoodRun(run, ['tester1', 'Lab B', 'tester3'], 6);
    await run.text('tester3.lost_connection', 300, 'lost connection on round 5');
    await rm(join(run.folder, 'rounds/round_2/lab b.meta.json'));
    await run.text('rounds/round_6/tester1.pt', 380, 'no checkpoint');
    await run.answer('late', 100, 'Error - <script>window.pwned = 6</script>');
    for (const name of HOSTILE) {
      await run.answer(name, 10);
      await run.meta(3, name, 170, { metrics: { [`<b>${name}`]: 0.5 } });
      await run.update(3, name, 172);
      await run.text(`rounds/${name}`, 170, '');
    }
    await run.text('server_ended.txt', 390, 'boom\n<script>window.pwned = 7</script>');
    await run.text('cfg.json', 0, '{"a": "</pre><script>window.pwned = 8</script>"}');
    const observed = await scanRun(run.folder);
    const findings = await lookIntoCheckpoints(observed, { deep: false });
    const inspection = inspectRun({ run: observed, facts: FACTS, findings, nowMs: MADE_AT_MS + 500_000 });
    const file = join(folder, 'report.html');
    await writeFile(
      file,
      renderRunPage({ inspection, finalModel: null, accuracy: null, facts: [['<i>', '</dd><script>']] }),
    );
    url = pathToFileURL(file).href;
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await rm(folder, { recursive: true, force: true });
  });

  it.each(['light', 'dark'] as const)(
    'runs nothing, loads nothing and offends nobody in %s',
    async (colorScheme) => {
      const page = await browser.newPage({ colorScheme });
      const trouble: string[] = [];
      const requests: string[] = [];
      page.on('console', (message) => trouble.push(message.text()));
      page.on('pageerror', (error) => trouble.push(String(error)));
      page.on('dialog', (dialog) => trouble.push(dialog.message()));
      page.on('request', (request) => requests.push(request.url()));
      await page.goto(url);
      expect(await page.locator('svg').count()).toBeGreaterThanOrEqual(4);
      expect(await page.evaluate(() => 'pwned' in globalThis)).toBe(false);
      expect(await page.locator('script, img, iframe, link, object').count()).toBe(0);
      expect(requests).toEqual([url]);
      expect(await axeViolations(page)).toEqual([]);
      expect(trouble).toEqual([]);
      await page.close();
    },
  );

  it('shows every column of every table in a window of 1200 pixels', async () => {
    const page = await browser.newPage({ viewport: { width: 1200, height: 900 } });
    await page.goto(url);
    const cut = await page
      .locator('.scroll')
      .evaluateAll((all) =>
        all
          .filter((each) => each.scrollWidth > each.clientWidth)
          .map((each) => each.getAttribute('aria-label')),
      );
    expect(cut).toEqual([]);
    await page.close();
  });

  it.each([
    ['30 seconds', 10, 3],
    ['40 minutes', 240, 10],
    ['3 days', 8640, 30],
    ['2 months', 51_840, 100],
  ])('has no two labels on each other in plots of %s', async (_words, roundSeconds, rounds) => {
    const run = new MadeRun(join(folder, `2023-01-16_10-11-${rounds}`));
    await makeSteadyRun(run, ['a', 'participant number one', 'participant number two'], {
      rounds,
      roundSeconds,
    });
    const observed = await scanRun(run.folder);
    const inspection = inspectRun({ run: observed, facts: FACTS, findings: new Map(), nowMs: MADE_AT_MS });
    const page = await browser.newPage({ viewport: { width: 1200, height: 900 } });
    await page.setContent(renderRunPage({ inspection, finalModel: null, accuracy: null, facts: [] }));
    const plots = await page.locator('svg').evaluateAll((all) =>
      all.map((plot) =>
        [...plot.querySelectorAll('text')].map((text) => {
          const { left, right, top, bottom } = text.getBoundingClientRect();
          return { text: text.textContent, left, right, top, bottom };
        }),
      ),
    );
    expect(plots.length).toBeGreaterThanOrEqual(3);
    for (const labels of plots) {
      expect(labels.length).toBeGreaterThan(5);
      for (const [index, one] of labels.entries())
        for (const other of labels.slice(index + 1)) {
          const apart = one.right <= other.left || other.right <= one.left;
          const isClear = apart || one.bottom <= other.top || other.bottom <= one.top;
          expect(isClear, `"${one.text}" and "${other.text}"`).toBe(true);
        }
    }
    await page.close();
  });

  it('is judged by a judge that does find faults', async () => {
    const page = await browser.newPage();
    await page.goto(url);
    await page.evaluate('document.querySelector("svg").removeAttribute("aria-label")');
    expect((await axeViolations(page)).join()).toContain('svg-img-alt');
    await page.close();
  });

  it('is reached by keyboard: first the way past the contents, then every wide table', async () => {
    const page = await browser.newPage({ viewport: { width: 500, height: 700 } });
    await page.goto(url);
    await page.keyboard.press('Tab');
    const focused = () => page.evaluate<string>('document.activeElement.textContent');
    expect(await focused()).toBe('Skip to the content');
    const regions = await page.locator('.scroll').count();
    const reached = new Set<string>();
    for (let press = 0; press < regions + 20; press += 1) {
      await page.keyboard.press('Tab');
      const label = await page.evaluate<string>('document.activeElement.getAttribute("aria-label") ?? ""');
      if (label !== '') reached.add(label);
    }
    const labels = await page
      .locator('.scroll')
      .evaluateAll((all) => all.map((each) => each.getAttribute('aria-label') ?? ''));
    for (const label of labels) expect(reached).toContain(label);
    // The page itself never scrolls sideways; its tables do.
    expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
    await page.close();
  });

  it('prints on white paper without its navigation', async () => {
    const page = await browser.newPage({ colorScheme: 'dark' });
    await page.goto(url);
    await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
    expect(await page.locator('nav').isVisible()).toBe(false);
    const colours = await page.evaluate(
      '[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]',
    );
    expect(colours).toEqual(['rgb(255, 255, 255)', 'rgb(0, 0, 0)']);
    expect((await page.pdf()).subarray(0, 5).toString()).toBe('%PDF-');
    await page.close();
  });
});
