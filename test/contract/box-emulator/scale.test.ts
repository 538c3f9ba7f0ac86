import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const MEBIBYTE = 1024 * 1024;
const tsx = createRequire(import.meta.url).resolve('tsx/cli');
const HOST = resolve(import.meta.dirname, 'host-process.ts');
let folder: string;
let child: ChildProcess;
let base: string;
let pid: string;
let token: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'emulator-scale-'));
  child = spawn(process.execPath, [tsx, HOST, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  [base = '', pid = ''] = await new Promise<string[]>((done) =>
    child.stdout?.once('data', (chunk: Buffer) => done(chunk.toString().trim().split(' '))),
  );
  const app = (await (await fetch(`${base}/_emulator/app`)).json()) as { service_account_id: string };
  const issued = await fetch(`${base}/_emulator/users/${app.service_account_id}/token`, { method: 'POST' });
  token = ((await issued.json()) as { access_token: string }).access_token;
}, 60_000);
afterAll(async () => {
  const gone = new Promise((done) => child.once('exit', done));
  process.kill(Number(pid), 'SIGKILL');
  await gone;
  await rm(folder, { recursive: true, force: true });
});

/** The most memory that the emulator's process ever held. Units: bytes. */
async function peakMemory(): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024;
}

/** Upload `pieces` mebibytes without ever holding them. */
function uploadLarge(pieces: number): Promise<{ readonly id: string; readonly sha1: string }> {
  const piece = Buffer.alloc(MEBIBYTE, 'large');
  const head = `--B\r\nContent-Disposition: form-data; name="attributes"\r\n\r\n{"name":"large","parent":{"id":"0"}}\r\n--B\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n`;
  const tail = '\r\n--B--\r\n';
  return new Promise((done, fail) => {
    const upload = request(`${base}/api/2.0/files/content`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'multipart/form-data; boundary=B',
        'content-length': head.length + pieces * MEBIBYTE + tail.length,
      },
    });
    upload.on('error', fail);
    upload.on('response', async (answer) => {
      let text = '';
      for await (const chunk of answer) text += String(chunk);
      done((JSON.parse(text) as { entries: [{ id: string; sha1: string }] }).entries[0]);
    });
    const write = async () => {
      upload.write(head);
      for (let sent = 0; sent < pieces; sent += 1)
        if (!upload.write(piece)) await new Promise((drained) => upload.once('drain', drained));
      upload.end(tail);
    };
    write().catch(fail);
  });
}

describe('large content', () => {
  it.skipIf(process.platform !== 'linux')(
    'goes through the disk, in both directions, in little memory',
    { timeout: 180_000 },
    async () => {
      const pieces = 300;
      const file = await uploadLarge(pieces);
      const answer = await fetch(`${base}/2.0/files/${file.id}/content`, {
        headers: { authorization: `Bearer ${token}` },
      });
      const hash = createHash('sha1');
      let size = 0;
      for await (const chunk of answer.body ?? []) {
        hash.update(chunk as Uint8Array);
        size += (chunk as Uint8Array).byteLength;
      }
      expect([size, hash.digest('hex')]).toEqual([pieces * MEBIBYTE, file.sha1]);
      // The program that compiles the emulator on the fly is counted, too; built, it stays below 130 MiB.
      expect(await peakMemory()).toBeLessThan(280 * MEBIBYTE);
    },
  );

  it('a thousand entries of a folder come in one page, and all of them in pages', {
    timeout: 180_000,
  }, async () => {
    const call = async (method: string, path: string, body?: unknown) => {
      const answer = await fetch(`${base}${path}`, {
        method,
        headers: { authorization: `Bearer ${token}` },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return (await answer.json()) as { id: string; entries: { id: string }[]; next_marker: string | null };
    };
    const top = (await call('POST', '/2.0/folders', { name: 'many', parent: { id: '0' } })).id;
    const names = Array.from({ length: 2500 }, (_, index) => `folder-${index}`);
    for (let start = 0; start < names.length; start += 50)
      await Promise.all(
        names
          .slice(start, start + 50)
          .map((name) => call('POST', '/2.0/folders', { name, parent: { id: top } })),
      );
    const seen = new Set<string>();
    let marker: string | null = '';
    for (let page = 0; page < 10 && marker !== null; page += 1) {
      const listed: { entries: { id: string }[]; next_marker: string | null } = await call(
        'GET',
        `/2.0/folders/${top}/items?usemarker=true&limit=1000&marker=${marker}`,
      );
      for (const entry of listed.entries) seen.add(entry.id);
      marker = listed.next_marker;
    }
    expect(seen.size).toBe(2500);
  });
});
