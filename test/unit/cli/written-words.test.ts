import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { beginAnswer, failWith, processOutput, relay } from '../../../src/cli/output.ts';
import { TimeStamps, timeHere } from '../../../src/cli/time-stamps.ts';
import { wrapWords } from '../../../src/cli/word-wrap.ts';
import { ConfigError } from '../../../src/errors.ts';

const at = (day: number, ...time: [number, number, number]) => new Date(2026, 10, day, ...time).getTime();

describe('a time', () => {
  it('is told on 24 hours, with its date where that is another', () => {
    const now = at(28, 9, 0, 0);
    expect(timeHere(at(28, 13, 5, 9), now)).toBe('13:05:09');
    expect(timeHere(at(29, 0, 0, 1), now)).toBe('2026-11-29 00:00:01');
  });

  it('comes with the date and the zone when they change, not else', () => {
    const stamps = new TimeStamps();
    expect(stamps.lead(at(28, 23, 59, 58)).date).toMatch(/^2026-11-28 UTC[+-]\d\d:\d\d$/);
    expect(stamps.lead(at(28, 23, 59, 59))).toEqual({ date: undefined, time: '23:59:59' });
    expect(stamps.lead(at(29, 0, 0, 0)).date).toMatch(/^2026-11-29 /);
  });
});

describe('a line on a terminal', () => {
  it('breaks at spaces, and goes on below its own words', () => {
    expect(wrapWords('round 2: 1 of 3 delivered; waiting for site_b and for site_c', 40, '  ')).toBe(
      'round 2: 1 of 3 delivered; waiting for\n  site_b and for site_c',
    );
  });

  it('keeps a path whole, and what fits as it is, however it is spaced', () => {
    const path = `/srv/${'federation/'.repeat(8)}model.pt`;
    expect(wrapWords(`the model is in ${path} now`, 40, '  ')).toBe(`the model is in\n  ${path}\n  now`);
    expect(wrapWords('a   b  c', 40, '  ')).toBe('a   b  c');
  });

  it('does not count colours', () => {
    const green = `\u001b[32m${'x'.repeat(38)}\u001b[39m`;
    expect(wrapWords(green, 40, '  ')).toBe(green);
  });
});

describe('the words of a program that runs long', () => {
  let told = '';
  const terminal = { isTTY: process.stderr.isTTY, columns: process.stderr.columns };
  beforeEach(() => {
    beginAnswer();
    told = '';
    vi.useFakeTimers({ now: at(28, 13, 5, 9) });
    for (const stream of [process.stdout, process.stderr])
      vi.spyOn(stream, 'write').mockImplementation((text) => {
        told += String(text);
        return true;
      });
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.restoreAllMocks();
    Object.assign(process.stderr, terminal);
    process.exitCode = 0;
  });
  const lines = () => told.trimEnd().split('\n');

  it('begin with a time each, the last one too', () => {
    const output = processOutput({ timed: true });
    output.note('round 1 begins');
    output.note('round 1 ends');
    failWith(new ConfigError({ code: 'bad', message: 'no such key', hint: 'Mend it.' }));
    expect(lines().slice(1)).toEqual([
      '13:05:09 round 1 begins',
      '13:05:09 round 1 ends',
      '13:05:09 error: no such key',
      '           Mend it.',
    ]);
  });

  it('wrap where somebody watches; a foreign line stays marked, and a table stays one', () => {
    Object.assign(process.stderr, { isTTY: true, columns: 40 });
    const output = processOutput({ timed: true });
    output.note('waiting for participants: 1 of 3 registered');
    output.note('a name\nerror: of several lines, which is longer than the terminal');
    output.note(['a row that is longer than the terminal is wide', 'another']);
    expect(lines().slice(1)).toEqual([
      '13:05:09 waiting for participants: 1 of',
      '           3 registered',
      '13:05:09 a name',
      '           | error: of several lines,',
      '           | which is longer than the',
      '           | terminal',
      '13:05:09 a row that is longer than the terminal is wide',
      '         another',
    ]);
  });

  it('take a passing line back before anything else stands on the terminal', () => {
    Object.assign(process.stderr, { isTTY: true, columns: 80 });
    const output = processOutput({ timed: true });
    for (const say of [
      () => output.result('ready'),
      () => output.document({}),
      () => output.note('done'),
      () => relay('err', 'said by another program'),
      () => failWith(new ConfigError({ code: 'bad', message: 'no such key' })),
    ]) {
      output.passing?.('in sync');
      told = '';
      say();
      expect(told.startsWith('\r\u001b[2K')).toBe(true);
    }
  });

  it('are events with a time for programs; documents have none', () => {
    const output = processOutput({ json: true });
    output.document({ event: 'ready', url: 'here' });
    output.document({ event: 'ended', time: '2026-01-01T00:00:00.000Z' });
    output.document({ problems: [] });
    expect(lines().map((line) => JSON.parse(line))).toEqual([
      { event: 'ready', time: new Date().toISOString(), url: 'here' },
      { event: 'ended', time: '2026-01-01T00:00:00.000Z' },
      { problems: [] },
    ]);
  });

  it('have no time where nothing was said before: a configuration that is wrong is one line', () => {
    processOutput({ timed: true });
    failWith(new ConfigError({ code: 'bad', message: 'no such key' }));
    expect(told).toBe('error: no such key\n');
  });
});
