import { expect, it } from 'vitest';
import { type DemoResult, demoDocument, demoText } from '../../../../src/cli/demo/demo-result.ts';

const result: DemoResult = {
  rounds: [
    { round: 1, aggregate: 0.8703, clients: { tester1: 0.6562, tester2: 0.7457 } },
    { round: 2, aggregate: 0.9238, clients: { tester1: 0.827 } },
  ],
  runFolder: '/demo/run',
  finalModel: '/demo/run/rounds/round_3/server.agg',
  report: '/demo/report.html',
  apiCalls: {
    total: 325,
    byUser: { tester1: 99, tester2: 226 },
    byEndpoint: { 'GET /2.0/events': 325 },
  },
  seconds: 28.344,
};

it('is one document with the promised keys', () => {
  expect(JSON.parse(JSON.stringify(demoDocument(result)))).toEqual({
    rounds: result.rounds,
    run_folder: '/demo/run',
    final_model: '/demo/run/rounds/round_3/server.agg',
    report: '/demo/report.html',
    api_calls: {
      total: 325,
      by_user: { tester1: 99, tester2: 226 },
      by_endpoint: { 'GET /2.0/events': 325 },
    },
    seconds: 28.3,
  });
});

it('is a table for people, without colour codes where none are wanted', () => {
  const text = demoText(result, false);
  expect(text).toMatch(/│\s+1 │\s+65\.62 % │\s+74\.57 % │\s+87\.03 % │/);
  expect(text).toMatch(/│\s+2 │\s+82\.70 % │\s+– │\s+92\.38 % │/);
  expect(text).toContain('325 (tester1 99, tester2 226)');
  expect(text.includes('\u001b')).toBe(false);
});
