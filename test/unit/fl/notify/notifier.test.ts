import { describe, expect, it } from 'vitest';
import { describeEvent } from '../../../../src/cli/federation-text.ts';
import { TransientError } from '../../../../src/errors.ts';
import { type NewsDocument, Notifier } from '../../../../src/fl/notify/notifier.ts';
import type { FederationEvent } from '../../../../src/fl/round/event.ts';
import { FakeClock } from '../../sync/box/fake-clock.ts';

const MINUTE_MS = 60_000;
const RUN = '2026-01-31_09-15-00';

const trouble = (message: string): FederationEvent => ({ event: 'trouble', message });
const lost = (participant: string): FederationEvent => ({ event: 'participant-lost', participant, round: 2 });
const ended: FederationEvent = {
  event: 'ended',
  reason: 'finished',
  success: true,
  message: 'done',
  final_model: null,
};

function notifier(answer: (document: NewsDocument, signal: AbortSignal) => Promise<void> = async () => {}) {
  const clock = new FakeClock();
  const told: NewsDocument[] = [];
  const notices: (string | undefined)[] = [];
  const subject = new Notifier({
    deliver: (document, signal) => {
      told.push(document);
      return answer(document, signal);
    },
    describe: (event) => describeEvent(event, clock.now()),
    name: 'server',
    clock,
    notify: (_, text) => void notices.push(text),
  });
  subject.observe({ event: 'run-created', run: RUN, folder: '/shared' });
  return { clock, told, notices, subject };
}

describe('somebody outside', () => {
  it('is told the kind, the time, the run, the name and one sentence', () => {
    const { told, subject } = notifier();
    subject.observe(lost('site_a'));
    expect(told).toEqual([
      {
        kind: 'participant-lost',
        time: '2026-01-01T00:00:00.000Z',
        run: RUN,
        name: 'server',
        text: 'site_a is lost in round 2',
        held_back: 0,
      },
    ]);
  });

  it.each<[FederationEvent, string]>([
    [trouble('the disk is full'), 'trouble'],
    [
      { event: 'waiting', what: 'connection', participants: [], until: null, message: 'Box is away' },
      'trouble',
    ],
    [
      {
        event: 'waiting',
        what: 'aggregate',
        participants: [],
        until: null,
        message: 'waiting for the next aggregate',
        server: { heard_at: '2026-01-01T00:00:00.000Z', due_at: '2026-01-01T00:15:00.000Z', overdue: true },
      },
      'trouble',
    ],
    [{ event: 'training-failed', round: 1, message: 'it ended with 1' }, 'training-failed'],
    [
      { event: 'update-refused', round: 1, participant: 'a', reason: 'shape', message: 'it differs' },
      'update-refused',
    ],
    [lost('a'), 'participant-lost'],
    [ended, 'ended'],
  ])('hears of %j', (event, kind) => {
    const { told, subject } = notifier();
    subject.observe(event);
    expect(told.map((each) => each.kind)).toEqual([kind]);
  });

  it.each<FederationEvent>([
    { event: 'waiting', what: 'updates', participants: ['a'], until: null, message: 'waiting' },
    { event: 'registered', participant: 'a', count: 1, minimum: 1, maximum: 2 },
    { event: 'training', round: 1, fraction: 0.5 },
    { event: 'participant-back', participant: 'a', round: 1 },
  ])('hears nothing of %j', (event) => {
    const { told, subject } = notifier();
    subject.observe(event);
    expect(told).toEqual([]);
  });

  it('hears one of a kind in ten minutes, and with the next one how many were held back', async () => {
    const { clock, told, subject } = notifier();
    for (let minute = 0; minute < 25; minute += 1) {
      subject.observe(trouble(`trouble ${minute}`));
      if (minute === 3) subject.observe(lost('site_a'));
      await clock.advance(MINUTE_MS);
    }
    expect(told.map(({ text, held_back }) => [text, held_back])).toEqual([
      ['trouble: trouble 0', 0],
      ['site_a is lost in round 2', 0],
      ['trouble: trouble 10', 9],
      ['trouble: trouble 20', 9],
    ]);
  });

  it('always hears of the end, and of what was held back until then', () => {
    const { told, subject } = notifier();
    for (const event of [lost('a'), lost('b'), lost('c'), ended, ended]) subject.observe(event);
    expect(told.map(({ kind, untold }) => [kind, untold])).toEqual([
      ['participant-lost', undefined],
      ['ended', { 'participant-lost': 2 }],
      ['ended', {}],
    ]);
  });

  it('hears the first line only, and nothing that a training printed', () => {
    const { told, subject } = notifier();
    const message = `train.py ended with exit code 1; its last words:\npassword swordfish\n${'x'.repeat(999)}`;
    subject.observe({ event: 'training-failed', round: 1, message, output: '/data/log' });
    subject.observe(trouble('y'.repeat(999)));
    expect(told[0]?.text).toBe(
      'training of round 1 failed: train.py ended with exit code 1; all of its output is in /data/log',
    );
    expect(told[1]?.text).toHaveLength(300);
  });
});

describe('who cannot be told', () => {
  it('is one notice, and nothing else', async () => {
    const { notices, subject } = notifier(async () => {
      throw new TransientError({
        code: 'notify-webhook',
        message: 'hooks.example.org answers with status 500',
      });
    });
    subject.observe(trouble('a'));
    await subject.close();
    expect(notices).toEqual([
      'nobody could be told outside: hooks.example.org answers with status 500; going on',
    ]);
  });

  it('is waited for at the end, all of them beside each other, and for ten seconds only', async () => {
    const done: string[] = [];
    const { clock, notices, subject } = notifier(async ({ kind }, signal) => {
      if (kind === 'ended') return void done.push(kind);
      // It hangs until it is told to stop.
      await new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(new Error('stopped')), { once: true });
      });
    });
    subject.observe(trouble('a'));
    subject.observe(ended);
    let isClosed = false;
    const closing = subject.close().then(() => {
      isClosed = true;
    });
    await clock.advance(9_000);
    expect([done, isClosed]).toEqual([['ended'], false]);
    await clock.advance(2_000);
    await closing;
    expect(notices.at(-1)).toContain('stopped');
  });
});
