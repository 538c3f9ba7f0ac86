import { expect, it } from 'vitest';
import { createAggregator } from '../../../../src/fl/aggregate/create-aggregator.ts';
import { settingsFor } from '../../../../src/fl/round/settings.ts';
import { silentLogger } from '../../../../src/logger.ts';
import { SETTINGS } from '../../../support/federation.ts';

const weighted = (weights: Readonly<Record<string, number>>, more = {}) =>
  createAggregator('weighted', { weights, ...more }, { logger: silentLogger });

it('lets in whom the weights name, whatever the case of their names, with kMoL’s arithmetic as well', async () => {
  for (const more of [{}, { compat: 'kmol' }]) {
    const { participants } = await weighted({ 'Lab-A': 0.8, 'lab-b': 0.2 }, more);
    expect(settingsFor(SETTINGS, participants).members).toEqual(new Set(['lab-a', 'lab-b']));
  }
});

it('lets anybody in where the rule counts anybody', async () => {
  const { participants } = await createAggregator('plain', {}, { logger: silentLogger });
  expect(settingsFor(SETTINGS, participants).members).toBeNull();
});

it('refuses weights for fewer participants than a run needs', async () => {
  const { participants } = await weighted({ a: 1, A: 1 });
  expect(() => settingsFor(SETTINGS, participants)).toThrow(
    expect.objectContaining({ code: 'too-few-members' }),
  );
});
