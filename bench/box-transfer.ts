// One large file up and down by the adapter, in a process of its own: its memory, and a proxy's certificate, are its own.
import { createReadStream, createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { remoteId } from '../src/ids.ts';
import { BOX_BASE_URLS } from '../src/sync/box/box-configuration.ts';
import { openBoxStore } from '../src/sync/box/box-store.ts';
import type { UploadSource } from '../src/sync/remote/remote-store.ts';
import { storeOptions } from './box-options.ts';

const MIB = 1024 * 1024;
const READ_BYTES = 256 * 1024;

/** What is asked of this process. */
export interface TransferRequest {
  readonly keyPath: string;
  readonly path: string;
  readonly name: string;
  readonly facts: Pick<UploadSource, 'sizeBytes' | 'sha1' | 'modifiedAtMs'>;
  /** Through the proxy that stands in for Box's own hosts, instead of straight to the emulator. */
  readonly throughFront: boolean;
}

/** What one direction cost. Units: seconds, MiB over what the process held before. */
export interface TransferCost {
  readonly seconds: number;
  readonly growthMib: number;
}

/** Keep an eye on this process's memory while something runs. */
async function watched<T>(work: () => Promise<T>): Promise<TransferCost & { readonly result: T }> {
  const before = process.memoryUsage().rss;
  let peak = before;
  const timer = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage().rss);
  }, 20);
  const startedMs = performance.now();
  try {
    const result = await work();
    return { result, seconds: (performance.now() - startedMs) / 1000, growthMib: (peak - before) / MIB };
  } finally {
    clearInterval(timer);
  }
}

async function main({ keyPath, path, name, facts, throughFront }: TransferRequest): Promise<void> {
  const store = await openBoxStore({
    ...(await storeOptions(keyPath)),
    ...(throughFront ? { baseUrls: BOX_BASE_URLS, environment: process.env } : {}),
  });
  const source: UploadSource = {
    ...facts,
    open: ({ offset, end = facts.sizeBytes } = { offset: 0 }) =>
      createReadStream(path, { start: offset, end: Math.max(offset, end) - 1, highWaterMark: READ_BYTES }),
  };
  const up = await watched(() => store.upload({ parentId: remoteId('0'), name, source }));
  const target = `${path}.down`;
  const down = await watched(async () => {
    const stream = await store.download({ ...up.result, expected: up.result.content });
    await pipeline(stream, createWriteStream(target, { highWaterMark: MIB }));
  });
  await store.remove(up.result);
  await store.close();
  await rm(target);
  const costOf = ({ seconds, growthMib }: TransferCost) => ({ seconds, growthMib });
  process.send?.({ up: costOf(up), down: costOf(down) });
  process.disconnect?.();
}

const [, , request] = process.argv;
if (request !== undefined) await main(JSON.parse(request) as TransferRequest);
