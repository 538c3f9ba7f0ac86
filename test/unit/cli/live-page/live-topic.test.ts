import { describe, expect, it } from 'vitest';
import { eventId, eventText, positionIn } from '../../../../src/cli/live-page/event-text.ts';
import { LiveTopic, type Rendering } from '../../../../src/cli/live-page/live-topic.ts';
import type { Watcher } from '../../../../src/cli/watch-loop.ts';
import { html } from '../../../../src/fl/report/html.ts';
import { FakeClock } from '../../sync/box/fake-clock.ts';

/** A page of two parts, of which one counts how often it was drawn. */
function pageOf(first: string, second: string, onDraw: () => void = () => {}): Rendering {
  return () => {
    onDraw();
    const part = (id: string, text: string) => ({ id, body: html`<p>${text}</p>` });
    return {
      title: 't',
      contents: part('contents', ''),
      parts: [part('first', first), part('second', second)],
    };
  };
}

/** A reader that keeps what it was sent, and is as slow as it is told to be. */
class MadeReader {
  said = '';
  isSlow = false;
  isEnded = false;
  readonly #listeners = { drain: () => {}, close: () => {} };

  write(text: string): boolean {
    this.said += text;
    return !this.isSlow;
  }
  end(): void {
    this.isEnded = true;
  }
  on(event: 'drain' | 'close', listener: () => void): void {
    this.#listeners[event] = listener;
  }
  tell(event: 'drain' | 'close'): void {
    this.#listeners[event]();
  }
  /** What was said since the last time. */
  taken(): string {
    const { said } = this;
    this.said = '';
    return said;
  }
}

function rig() {
  const clock = new FakeClock();
  const seen: { watcher?: Watcher<Rendering>; idle: number } = { idle: 0 };
  const topic = new LiveTopic({
    clock,
    life: 'one',
    watch: (watcher) => {
      seen.watcher = watcher;
      return new Promise((resolve) => watcher.signal.addEventListener('abort', () => resolve()));
    },
    onIdle: () => {
      seen.idle += 1;
    },
  });
  const look = (rendering: Rendering) => seen.watcher?.onLook(rendering);
  return { clock, topic, seen, look };
}

describe('events', () => {
  it('are one each, whatever stands in them', () => {
    const text = eventText({ id: 'one.3', event: 'parts', data: { text: 'a\n\nevent: x\r\u2028' } });
    expect(text.split('\n')).toEqual([
      'id: one.3',
      'event: parts',
      expect.stringMatching(/^data: \{/),
      '',
      '',
    ]);
  });
  it('are gone on with after the last one of the same life only', () => {
    expect(positionIn('one', eventId('one', 7))).toBe(7);
    for (const id of [undefined, '', 'two.7', 'one.', 'one.x', 'one.-1'])
      expect(positionIn('one', id)).toBe(0);
  });
});

describe('a topic', () => {
  it('sends a reader everything, then what changed', async () => {
    const { topic, look } = rig();
    await look(pageOf('a', 'b'));
    const reader = new MadeReader();
    await topic.join(reader, undefined);
    expect(reader.taken()).toMatch(/^retry: \d+\n\nid: one\.1\nevent: parts\ndata: .*<p>a<.*<p>b</s);
    await look(pageOf('a', 'c'));
    const change = reader.taken();
    expect(change).toMatch(/^id: one\.2\n/);
    expect(change).toContain('<p>c<');
    expect(change).not.toContain('<p>a<');
    await look(pageOf('a', 'c'));
    expect(reader.taken()).toMatch(/^event: looked\n/);
    topic.close();
    expect(reader.isEnded).toBe(true);
  });

  it('sends who comes back only what it lacks', async () => {
    const { topic, look } = rig();
    await look(pageOf('a', 'b'));
    await topic.page();
    await look(pageOf('a', 'c'));
    const reader = new MadeReader();
    await topic.join(reader, 'one.1');
    expect(reader.taken()).toMatch(/^retry: \d+\n\nid: one\.2\n.*<p>c</s);
    const other = new MadeReader();
    await topic.join(other, 'another life.9');
    expect(other.taken()).toContain('<p>a<');
    topic.close();
  });

  it('lets a slow reader have the newest, not a queue', async () => {
    const { topic, look } = rig();
    await look(pageOf('a', 'b'));
    const reader = new MadeReader();
    reader.isSlow = true;
    await topic.join(reader, undefined);
    reader.taken();
    await look(pageOf('a', 'c'));
    await look(pageOf('a', 'd'));
    expect(reader.taken()).toBe('');
    reader.isSlow = false;
    reader.tell('drain');
    const late = reader.taken();
    expect(late).toContain('<p>d<');
    expect(late).not.toContain('<p>c<');
    topic.close();
  });

  it('says that it lives every 15 seconds, and when it was looked at every five', async () => {
    const { topic, look, clock, seen } = rig();
    await look(pageOf('a', 'b'));
    const reader = new MadeReader();
    await topic.join(reader, undefined);
    reader.taken();
    await clock.advance(15_000);
    expect(reader.taken()).toBe(': heartbeat\n\n');
    seen.watcher?.onSame?.();
    await clock.advance(1_000);
    seen.watcher?.onSame?.();
    expect(reader.taken().match(/event: looked/g)).toHaveLength(1);
    topic.close();
  });

  it('draws nothing while nobody reads, and ends after a while', async () => {
    const { topic, look, clock, seen } = rig();
    let draws = 0;
    const page = pageOf('a', 'b', () => {
      draws += 1;
    });
    await look(page);
    await look(page);
    expect(draws).toBe(0);
    const reader = new MadeReader();
    await topic.join(reader, undefined);
    expect(draws).toBe(1);
    await clock.advance(60_000);
    expect(seen.idle).toBe(0);
    reader.tell('close');
    await clock.advance(60_000);
    expect([seen.idle, seen.watcher?.signal.aborted, draws]).toEqual([1, true, 1]);
  });

  it('says what is in the way, and goes on', async () => {
    const { topic, look, seen } = rig();
    seen.watcher?.onTrouble?.(new Error('gone'));
    expect(await topic.page()).toEqual({ trouble: 'gone' });
    await look(() => {
      throw new Error('no ink');
    });
    expect(await topic.page()).toEqual({ trouble: 'the page cannot be drawn: no ink' });
    await look(pageOf('a', 'b'));
    expect(await topic.page()).toMatchObject({ title: 't' });
    seen.watcher?.onTrouble?.(new Error('gone again'));
    expect(JSON.stringify(await topic.page())).toContain('gone again');
    topic.close();
  });
});
