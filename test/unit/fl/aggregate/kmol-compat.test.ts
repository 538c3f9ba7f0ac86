import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { RoundError } from '../../../../src/errors.ts';
import { createAggregator } from '../../../../src/fl/aggregate/create-aggregator.ts';
import { readStateDict } from '../../../../src/fl/torch/state-dict-file.ts';
import { silentLogger } from '../../../../src/logger.ts';
import { type AggregateCase, type AggregateRun, CASES, configurationOf, inputsOf } from './cases.ts';

const folder = mkdtempSync(join(tmpdir(), 'mila-compat-'));
const output = join(folder, 'server.agg');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function aggregate(each: AggregateCase, run: AggregateRun, compat: boolean) {
  const { type, options, evaluate } = configurationOf(run);
  const full = compat ? { ...options, compat: 'kmol' } : options;
  const aggregator = await createAggregator(type, full, { logger: silentLogger, evaluate });
  const report = await aggregator.aggregate(inputsOf(each), output);
  const tensors = [...(await readStateDict(output))].map(([key, { dtype, shape, bytes }]) => ({
    key,
    dtype,
    shape,
    sha256: createHash('sha256').update(bytes).digest('hex'),
  }));
  return { report, tensors };
}

function expectedOf(run: AggregateRun) {
  return (run.tensors ?? []).map(({ key, dtype, shape, sha256 }) => ({ key, dtype, shape, sha256 }));
}

describe('compat: kmol gives the bytes of the reference', () => {
  for (const each of CASES)
    for (const run of each.runs)
      it(`${each.case}, ${run.run}: ${run.error ?? each.note}`, async () => {
        const outcome = aggregate(each, run, true);
        if (run.error !== undefined) await expect(outcome).rejects.toBeInstanceOf(RoundError);
        else expect((await outcome).tensors).toEqual(expectedOf(run));
      });
});

/**
 * What the strict default does with the same inputs: 'equal' to the reference, or else what is refused and why.
 * Everything that is not equal is an input that the reference accepts and should not.
 */
const STRICT: Readonly<Record<string, string>> = {
  'set2 plain': 'no-updates',
  'set2 weighted': 'no-updates',
  'set2 benchmarked': 'no-updates',
  'set2 benchmarked_minimized': 'no-updates',
  'n1 plain': 'no-updates',
  'n1 weighted': 'no-updates',
  'n1 benchmarked': 'no-updates',
  'n1 benchmarked_minimized': 'no-updates',
  // The reference adds to a shared storage once for each of its names.
  'tied plain': 'differs',
  'tied weighted': 'equal',
  'missing_later plain': 'form-undecided',
  'missing_later weighted': 'form-undecided',
  'extra_later plain': 'form-undecided',
  'extra_later weighted': 'form-undecided',
  'key_order plain': 'equal',
  'key_order weighted': 'equal',
  'shape_mismatch plain': 'form-undecided',
  'shape_mismatch weighted': 'form-undecided',
  'dtype_f16_f32 plain': 'form-undecided',
  'dtype_f16_f32 weighted': 'form-undecided',
  'neg_floor plain': 'equal',
  // Complex numbers have a mean; only PyTorch's floor division does not know them.
  'complex plain': 'differs',
  'complex weighted': 'equal',
  'many plain': 'equal',
  // Counters stay integers here; there they become float32.
  'many weighted': 'differs',
};

describe('strict mode on the same inputs', () => {
  for (const each of CASES)
    for (const run of each.runs)
      it(`${each.case}, ${run.run}: ${STRICT[`${each.case} ${run.run}`]}`, async () => {
        const outcome = await aggregate(each, run, false).catch((error: unknown) => error);
        expect(describeOutcome(outcome, run)).toBe(STRICT[`${each.case} ${run.run}`]);
      });
});

function describeOutcome(outcome: unknown, run: AggregateRun): string {
  // Two updates of two forms: nobody can tell which is the model's.
  if (outcome instanceof RoundError)
    return outcome.message.includes('no form of the model') ? 'form-undecided' : outcome.code;
  const { report, tensors } = outcome as Awaited<ReturnType<typeof aggregate>>;
  const [refused] = report.refused;
  if (refused !== undefined) return `${refused.participant} ${refused.reason} ${refused.tensor}`;
  return JSON.stringify(tensors) === JSON.stringify(expectedOf(run)) ? 'equal' : 'differs';
}

it('refuses compat for rules that kMoL does not have', async () => {
  await expect(
    createAggregator('median', { compat: 'kmol' }, { logger: silentLogger }),
  ).rejects.toMatchObject({ code: 'bad-options' });
});
