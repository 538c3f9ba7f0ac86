/**
 * Loaded first into every program that `traffic` measures (`NODE_OPTIONS=--import`).
 *
 * MILA_BENCH_SPEED: its clocks and timers run so many times faster, all from MILA_BENCH_EPOCH on, so that an hour of
 * programs that mostly wait passes in minutes, and the clocks of all of them agree.
 * MILA_BENCH_CALLS: a file, to which each request is added as one line of JSON: which one, when, and its bytes.
 */
import { subscribe } from 'node:diagnostics_channel';
import { appendFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import timers from 'node:timers';
import promises from 'node:timers/promises';

const speed = Number(process.env.MILA_BENCH_SPEED ?? 1);
const epochMs = Number(process.env.MILA_BENCH_EPOCH ?? 0);
const callsPath = process.env.MILA_BENCH_CALLS;
const trueNow = Date.now;

function hurry() {
  const TrueDate = Date;
  const now = () => Math.floor(epochMs + (trueNow() - epochMs) * speed);
  globalThis.Date = class extends TrueDate {
    constructor(...given) {
      if (given.length === 0) super(now());
      else super(...given);
    }
    static now = now;
  };
  const { setTimeout: later, setInterval: every } = timers;
  const { setTimeout: pause } = promises;
  const trueMonotonic = performance.now.bind(performance);
  performance.now = () => trueMonotonic() * speed;
  timers.setTimeout = (callback, ms, ...rest) => later(callback, (ms ?? 0) / speed, ...rest);
  timers.setInterval = (callback, ms, ...rest) => every(callback, (ms ?? 0) / speed, ...rest);
  promises.setTimeout = (ms, ...rest) => pause((ms ?? 0) / speed, ...rest);
  globalThis.setTimeout = timers.setTimeout;
  globalThis.setInterval = timers.setInterval;
  syncBuiltinESMExports();
}

const lengthIn = (headers) => {
  const texts = headers.map(String);
  for (let at = 0; at + 1 < texts.length; at += 2)
    if (texts[at].toLowerCase() === 'content-length') return Number(texts[at + 1]);
  return 0;
};

function tap() {
  subscribe('undici:request:headers', ({ request, response }) => {
    const { method, path } = request;
    const up = Number(request.contentLength ?? 0);
    const down = lengthIn(response.headers);
    const line = { atMs: trueNow(), method, path, status: response.statusCode, up, down };
    appendFileSync(callsPath, `${JSON.stringify(line)}\n`);
  });
}

if (speed !== 1) hurry();
if (callsPath !== undefined) tap();
