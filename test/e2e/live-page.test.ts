import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { get, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type LiveServer, serveLivePage } from '../../src/cli/live-page/live-server.ts';
import { systemClock } from '../../src/clock.ts';
import { axeViolations, hasBrowser, openBrowser } from '../support/browser.ts';
import { eventually } from '../support/eventually.ts';
import { MadeRun, makeGoodRun } from '../support/made-run.ts';

/** Bytes that are the same in each life of a server, so that its address is. */
const sameBytes = (count: number) => Buffer.alloc(count, 7);

describe.skipIf(!hasBrowser)('a served page, in a browser', () => {
  let parent = '';
  let browser: Browser;
  let server: LiveServer | undefined;
  let lives = 0;
  const trouble: string[] = [];

  beforeAll(async () => {
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser.close();
  });
  beforeEach(async () => {
    parent = await mkdtemp(join(tmpdir(), 'live-page-'));
    trouble.length = 0;
  });
  afterEach(async () => {
    await server?.close();
    server = undefined;
    await rm(parent, { recursive: true, force: true });
  });

  async function serve(folder: string, kind: 'run' | 'runs', port = 0): Promise<LiveServer> {
    server = await serveLivePage({
      folder,
      kind,
      checkpoints: 'index',
      port,
      clock: systemClock(),
      randomBytes: sameBytes,
      newLife: () => `life${++lives}`,
      onFailure: (error) => trouble.push(String(error)),
    });
    return server;
  }

  async function open(url: string, options: Parameters<Browser['newPage']>[0] = {}): Promise<Page> {
    const page = await browser.newPage(options);
    page.on('console', (message) => trouble.push(message.text()));
    page.on('pageerror', (error) => trouble.push(String(error)));
    await page.goto(url);
    return page;
  }

  const text = (page: Page, selector: string) => page.locator(selector).innerText();
  const begun = async (name = '2023-01-16_19-11') => {
    const run = new MadeRun(join(parent, name));
    await run.task();
    await run.answer('site_a', 2);
    await run.answer('site_b', 3);
    await run.text('rounds/round_1/no_starting_model.info', 30, '');
    return run;
  };

  it('shows what comes within two seconds, and leaves the reader where he was', async () => {
    const run = await begun();
    const { url } = await serve(run.folder, 'run');
    const page = await open(url, { viewport: { width: 700, height: 500 } });
    expect(await text(page, '.headline')).toContain('round 1, waiting for site_a, site_b');
    const place = page.locator('[aria-label^="Participants"]');
    await place.focus();
    await page.evaluate('scrollTo(0, 300)');
    await page.evaluate(
      'void (({ firstChild }) => getSelection().setBaseAndExtent(firstChild, 1, firstChild, 8))(document.querySelector("pre"))',
    );
    const tookMs: number[] = [];
    for (const name of ['site_c', 'site_d', 'site_e']) {
      await run.answer(name, 60);
      const beganMs = Date.now();
      await eventually(async () =>
        expect(await text(page, '[data-part="part-participants"]')).toContain(name),
      );
      tookMs.push(Date.now() - beganMs);
    }
    // The middle one of three: other programs run on this machine as well.
    expect(tookMs.sort((left, right) => left - right)[1]).toBeLessThan(2_000);
    await run.meta(1, 'site_a', 70);
    await run.update(1, 'site_a', 72);
    await eventually(async () => expect(await text(page, '.headline')).toContain('waiting for site_b'));
    expect(await page.evaluate('scrollY')).toBe(300);
    expect(await page.evaluate('document.activeElement.getAttribute("aria-label")')).toContain(
      'Participants',
    );
    expect(await page.evaluate('String(getSelection())')).toBe('"model"');
    expect(trouble).toEqual([]);
    await page.close();
  });

  it('goes on after the end of the run, offends nobody and says nothing to the console', async () => {
    const run = await begun();
    const { url } = await serve(run.folder, 'run');
    const page = await open(url, { viewport: { width: 390, height: 700 }, colorScheme: 'dark' });
    await makeGoodRun(run, ['site_a', 'site_b'], 3);
    await eventually(async () =>
      expect(await text(page, '.headline')).toMatch(/^Finished in 3 min: 3 rounds, 2 sites/),
    );
    expect(await text(page, '#live-state')).toBe('Live');
    expect(await page.locator('svg').count()).toBeGreaterThanOrEqual(2);
    expect(await page.locator('nav a').allInnerTexts()).toContain('Metrics by round');
    expect(await axeViolations(page)).toEqual([]);
    for (const width of [390, 1200]) {
      await page.setViewportSize({ width, height: 700 });
      expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
    }
    expect(trouble).toEqual([]);
    await page.close();
  });

  it('says since when it has been cut off, and is live again once a server is back', async () => {
    const run = await begun();
    const first = await serve(run.folder, 'run');
    const page = await open(first.url);
    await eventually(async () => expect(await text(page, '#live-state')).toBe('Live'));
    await first.close();
    await eventually(async () =>
      expect(await text(page, '#live-state')).toMatch(
        /^Disconnected since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$/,
      ),
    );
    await run.answer('site_c', 40);
    await serve(run.folder, 'run', Number(new URL(first.url).port));
    await eventually(async () => expect(await text(page, '#live-state')).toBe('Live'));
    await eventually(async () => expect(await text(page, '.headline')).toContain('site_c'));
    await page.close();
  });

  it('says that the folder is gone, and shows it again when it is back', async () => {
    const run = await begun();
    const { url } = await serve(run.folder, 'run');
    const page = await open(url);
    await rename(run.folder, `${run.folder}.away`);
    await eventually(async () =>
      expect(await text(page, '[data-part="part-trouble"]')).toContain('cannot be looked at'),
    );
    await rename(`${run.folder}.away`, run.folder);
    await eventually(async () => expect(await text(page, '[data-part="part-trouble"]')).toBe(''));
    expect(trouble).toEqual([]);
    await page.close();
  });

  it('lists several runs, newest first, each with a page of its own', async () => {
    await makeGoodRun(new MadeRun(join(parent, '2023-01-16_10-00-00')), ['a', 'b', 'c'], 2);
    await begun('2023-01-17_10-00-00');
    const { url } = await serve(parent, 'runs');
    const page = await open(url);
    expect(await page.locator('tbody tr').allInnerTexts()).toEqual([
      expect.stringMatching(/^2023-01-17_10-00-00\s+running\s+0\s+2\s/s),
      expect.stringMatching(/^2023-01-16_10-00-00\s+finished\s+2 of 2\s+3\s.*Finished in/s),
    ]);
    await mkdir(join(parent, '2023-01-18_10-00-00/rounds'), { recursive: true });
    await eventually(async () => expect(await page.locator('tbody tr').count()).toBe(3));
    expect(await axeViolations(page)).toEqual([]);
    await page.getByText('2023-01-16_10-00-00').click();
    expect(await text(page, '.headline')).toContain('Finished in');
    await page.getByText('All runs').click();
    expect(await text(page, 'h1')).toBe('Federated runs');
    expect(trouble).toEqual([]);
    await page.close();
  });

  it('is refused without its token, and by a name that was made to mean this machine', async () => {
    const run = await begun();
    const { url } = await serve(run.folder, 'run');
    const { port, pathname, origin } = new URL(url);
    const asked = async (path: string, headers: Record<string, string> = {}) => {
      const response = await new Promise<IncomingMessage>((resolve) => {
        get({ host: '127.0.0.1', port, path, headers }, resolve);
      });
      response.destroy();
      return response;
    };
    expect((await asked(pathname)).statusCode).toBe(200);
    expect((await asked(pathname, { host: `localhost:${port}` })).statusCode).toBe(200);
    expect((await asked(pathname, { host: `rebound.example:${port}` })).statusCode).toBe(403);
    for (const path of ['/', '/events', '/favicon.ico', `${pathname.slice(0, -2)}x/`, '//', '/%2e%2e/'])
      expect((await asked(path)).statusCode).toBe(404);
    for (const path of ['cfg.json', '../', 'runs/2023-01-16_19-11/', 'runs/..%2f..%2fetc/events'])
      expect((await asked(pathname + path)).statusCode).toBe(404);
    const { headers } = await asked(`${pathname}events`);
    expect(headers).toMatchObject({
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
    });
    expect(headers).not.toHaveProperty('access-control-allow-origin');
    expect(headers['content-security-policy']).not.toContain('unsafe');
    expect((await fetch(`${origin}${pathname}`, { method: 'POST' })).status).toBe(405);
    expect((await fetch(`${origin}${pathname.slice(0, -1)}`)).url).toBe(url);
  });
});
