import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { configurationPage } from '../../../../src/fl/config/page.ts';

it('docs/configuration.md is what the descriptions of the keys make; if not, type: npm run docs', () => {
  const committed = readFileSync(new URL('../../../../docs/configuration.md', import.meta.url), 'utf8');
  expect(committed, 'docs/configuration.md is out of date; type: npm run docs').toBe(configurationPage());
});
