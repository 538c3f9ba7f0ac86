import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Finding, STEP_IDS } from '../../../src/sync/admin/finding.ts';
import { AdminWorld } from '../../support/admin-world.ts';
import { BROKEN_APP_STEPS } from './broken-app-steps.ts';
import { BROKEN_SHARED_STEPS } from './broken-shared-steps.ts';

/** Every step of a server's set-up, broken alone. */
const BROKEN_STEPS = [...BROKEN_APP_STEPS, ...BROKEN_SHARED_STEPS];

let world: AdminWorld;

beforeAll(async () => {
  world = await AdminWorld.open();
  await world.followGuide(['site_a', 'site_b']);
});
afterAll(() => world.close());

const withStatus = (findings: readonly Finding[], status: Finding['status']) =>
  findings.filter((finding) => finding.status === status).map(({ step }) => step);

/** Nothing is wrong, and only Box's administrators can see how many calls are left. */
async function expectAllOk(): Promise<void> {
  const findings = await world.doctor();
  const told = findings.filter(({ step }) => step !== 'api-calls');
  expect(told.map(({ step, status, text }) => [step, status === 'ok' ? 'ok' : `${status}: ${text}`])).toEqual(
    STEP_IDS.filter((step) => step !== 'api-calls').map((step) => [step, 'ok']),
  );
  expect(withStatus(findings, 'cannot-tell')).toEqual(['api-calls']);
}

/** Words that only a programmer of this project would know. */
const JARGON =
  /undefined|null|\betag\b|adapter|endpoint|\bport\b|session|transport|probe|RemoteStore|\[object/i;

describe('a set-up that follows the guide', () => {
  it('is in order at every step', expectAllOk);

  it.each(BROKEN_STEPS)('is told to be wrong exactly where $name', async (row) => {
    const mend = await row.spoil(world);
    try {
      const findings = await world.doctor(row.wanted, row.api === undefined ? {} : { api: row.api });
      const failed = findings.filter(({ status }) => status === 'failed');
      expect(failed.map(({ step, text }) => `${step}: ${text}`)).toEqual([
        expect.stringMatching(new RegExp(`^${row.step}: `)),
      ]);
      const [finding] = failed;
      expect(finding?.text).toMatch(row.means);
      expect(finding?.blocks).toBe(row.blocks ?? true);
      if (row.answer !== undefined) {
        expect([finding?.answer?.status, finding?.answer?.code]).toEqual(row.answer);
        expect(finding?.answer?.requestId).toMatch(/^[a-z0-9]{8,}$/);
      } else expect(finding?.answer).toBeNull();
      for (const { status, because } of findings) {
        if (status === 'skipped') expect(because).toBe(row.step);
      }
      expect(withStatus(findings, 'cannot-tell')).toEqual([...(row.untold ?? []), 'api-calls']);
      expect(JSON.stringify(findings)).not.toMatch(/BEGIN|passphrase":|access_token/);
      expect(finding?.text).not.toMatch(JARGON);
    } finally {
      await mend();
    }
  });

  // Each row would also fail if the one before were not wholly mended.
  it('is in order again when everything is mended', expectAllOk);

  it('has every step but the one that Box tells nobody about broken in this table', () => {
    const broken = new Set(BROKEN_STEPS.map(({ step }) => step));
    expect(STEP_IDS.filter((step) => !broken.has(step))).toEqual(['api-calls', 'key-reach']);
  });
});
