/// <reference lib="dom" />
/** The dashboard in a real browser: `npm run test:browser`. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JobView } from '../../src/core/job.js';
import { apiOver, listening } from '../helpers/api-over.js';
import { startEngine } from '../helpers/engine.js';
import { findBrowser } from '../helpers/find-browser.js';
import type { Engine } from '../helpers/engine.js';

const ON = process.env.BROWSER_TESTS !== undefined;

describe.runIf(ON)('the dashboard', () => {
  let engine: Engine;
  let url: string;
  let close: () => void;
  let browser: Browser;
  let axe: string;
  beforeAll(async () => {
    engine = await startEngine('browser');
    ({ url, close } = await listening(await apiOver(engine)));
    browser = await chromium.launch({ executablePath: findBrowser(), args: ['--no-sandbox'] });
    axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
  });
  afterAll(async () => {
    await browser.close();
    close();
    await engine.stop();
  });

  /** A page on which every complaint of the browser is kept. */
  async function open(path: string, options: BrowserContextOptions = {}): Promise<{ page: Page; faults: string[] }> {
    const context = await browser.newContext(options);
    const page = await context.newPage();
    const faults: string[] = [];
    page.on('pageerror', (error) => faults.push(error.message));
    page.on('console', (message) => message.type() === 'error' && faults.push(message.text()));
    page.on('dialog', (dialog) => {
      if (dialog.type() === 'alert') faults.push(`a dialog: ${dialog.message()}`);
      void dialog.accept();
    });
    await page.goto(url + path);
    return { page, faults };
  }

  async function submit(spec: unknown, wait = ''): Promise<JobView> {
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(`${url}/v1/jobs${wait}`, { method: 'POST', headers, body: JSON.stringify(spec) });
    return (await answer.json()) as JobView;
  }

  const slow = (count: number, ms: number) => ({
    name: 'slow',
    source: { items: Array.from({ length: count }, (_, n) => ({ n })) },
    process: { use: 'slow', with: { ms } },
    options: { chunk: { rows: 1 }, concurrency: 2 },
  });

  it('follows a job to its end without being touched', async () => {
    const { id } = await submit(slow(60, 100));
    const { page, faults } = await open(`/jobs/${id}`);
    await page
      .getByText(/\d+ at work/)
      .first()
      .waitFor();
    const done = async () => page.locator('rect.cell-done').count();
    const before = await done();
    await expect.poll(done).toBeGreaterThan(before);
    await page.locator('.state-completed').waitFor();
    await expect.poll(done).toBe(60);
    await page.getByRole('region', { name: 'Rows' }).waitFor();
    expect(faults).toEqual([]);
    await page.context().close();
  });

  it('is steered by the keyboard alone', async () => {
    const { id } = await submit(slow(400, 100));
    const { page, faults } = await open(`/jobs/${id}`);
    const press = async (name: string) => {
      for (let tabs = 0; tabs < 40; tabs++) {
        await page.keyboard.press('Tab');
        const focused = page.locator('button:focus');
        if ((await focused.count()) === 1 && (await focused.textContent()) === name) break;
      }
      await page.keyboard.press('Enter');
    };
    await press('Pause');
    await page.getByRole('button', { name: 'Resume' }).waitFor();
    expect(await page.locator('.state-paused').count()).toBe(1);
    await press('Cancel');
    await page.locator('.state-cancelled').waitFor();
    expect(faults).toEqual([]);
    await page.context().close();
  });

  it('changes how a job works by its slider', async () => {
    const { id } = await submit(slow(400, 100));
    const { page, faults } = await open(`/jobs/${id}`);
    await page.getByText('Change how it works').click();
    await page.getByRole('slider').fill('9');
    expect(await page.locator('output').textContent()).toBe('9');
    await page.getByRole('button', { name: 'Change' }).click();
    await page.getByText('It works like this from now on.').waitFor();
    const job = (await (await fetch(`${url}/v1/jobs/${id}`)).json()) as JobView;
    expect(job.settings).toMatchObject({ concurrency: 9, rate: null });
    expect(faults).toEqual([]);
    await fetch(`${url}/v1/jobs/${id}/cancel`, { method: 'POST' });
    await page.context().close();
  });

  it('starts a job from its form, without a script too', async () => {
    const { page } = await open('/submit', { javaScriptEnabled: false });
    await page.getByRole('button', { name: 'Plan' }).click();
    await page.getByRole('heading', { name: 'Plan' }).waitFor();
    await page.getByRole('button', { name: 'Start' }).click();
    await page.waitForURL('**/jobs/j-*');
    await expect
      .poll(async () => {
        await page.reload();
        return page.locator('.state-completed').count();
      })
      .toBe(1);
    expect(await page.getByRole('cell', { name: 'LAX' }).count()).toBe(1);
    await page.context().close();
  });

  it('says so when the service is away, and goes on when it is back', async () => {
    const { page } = await open('/');
    await page.route('**/*', (route) => route.abort());
    await page.getByText('The service does not answer').waitFor();
    await page.unroute('**/*');
    await page.getByText('The service does not answer').waitFor({ state: 'detached' });
    await page.context().close();
  });

  it.each([
    ['light', 1280],
    ['dark', 390],
  ] as const)('is readable for everybody and fits: %s, %i px', async (colorScheme, width) => {
    const source = await engine.write('hostile.csv', 'a,b\n1,<script>alert(1)</script>\n2,x,y\n');
    const { id } = await submit(
      {
        name: '<script>alert(1)</script>',
        source: { uri: source },
        process: { use: 'pass' },
        options: { rejects: { action: 'quarantine', tolerate: 5 } },
      },
      '?wait=30s',
    );
    const headers = { 'content-type': 'application/json' };
    const schedule = {
      spec: { source: { items: [{ a: 1 }] }, process: { use: 'sql', with: { map: 'from chunk' } } },
      when: { cron: '0 3 * * *' },
    };
    const put = { method: 'PUT', headers, body: JSON.stringify(schedule) };
    await fetch(`${url}/v1/schedules/browser-${width}`, put);
    for (const path of [
      '/',
      `/jobs/${id}`,
      '/schedules',
      '/docs',
      `/schedules/browser-${width}`,
      '/workers',
      '/submit',
      '/jobs/nobody',
    ]) {
      const { page, faults } = await open(path, { colorScheme, viewport: { width, height: 800 } });
      await page.evaluate(axe);
      const found = await page.evaluate(async () => {
        const { axe } = window as unknown as {
          axe: {
            run(): Promise<{ violations: Array<{ id: string; impact: string; nodes: Array<{ html: string }> }> }>;
          };
        };
        return (await axe.run()).violations.map(({ id, impact, nodes }) => `${impact} ${id}: ${nodes[0]!.html}`);
      });
      expect([path, found]).toEqual([path, []]);
      const wide = await page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      expect([path, wide]).toEqual([path, 0]);
      expect(faults.filter((fault) => !fault.includes('404'))).toEqual([]);
      await page.context().close();
    }
    await fetch(`${url}/v1/schedules/browser-${width}`, { method: 'DELETE' });
  });
});
