import { execFile, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Rig, sha1 } from './rig.ts';
import { startTlsFront, type TlsFront } from './tls-front.ts';

const run = promisify(execFile);
const has = (program: string, argument: string) => spawnSync(program, [argument]).status === 0;
const here = process.env['CI'] !== undefined || (has('rclone', 'version') && has('openssl', 'version'));
const hasCurl = process.env['CI'] !== undefined || has('curl', '--version');

let rig: Rig;
let folder: string;
let token: string;

beforeAll(async () => {
  rig = await Rig.open({ chunkedMinimumBytes: 20_000_000 });
  folder = await mkdtemp(join(tmpdir(), 'emulator-foreign-'));
  token = await rig.service();
});
afterAll(async () => {
  await rig.close();
  await rm(folder, { recursive: true, force: true });
});

describe.skipIf(!here)('rclone (skipped where rclone or openssl is missing)', () => {
  let front: TlsFront;
  beforeAll(async () => {
    front = await startTlsFront(rig.url, folder);
  });
  afterAll(() => front.close());

  const rclone = async (...args: readonly string[]) => {
    const stored = JSON.stringify({
      access_token: token,
      token_type: 'bearer',
      expiry: '2099-01-01T00:00:00Z',
    });
    const { stdout } = await run(
      'rclone',
      ['--config', join(folder, 'rclone.conf'), '--ca-cert', front.certificatePath, ...args],
      {
        env: {
          PATH: process.env['PATH'],
          HOME: folder,
          HTTPS_PROXY: front.proxyUrl,
          NO_PROXY: '127.0.0.1',
          RCLONE_CONFIG_BOX_TYPE: 'box',
          RCLONE_CONFIG_BOX_TOKEN: stored,
        },
      },
    );
    return stdout;
  };

  it('copies a tree there and back, checks it by hash, changes, moves and deletes', {
    timeout: 120_000,
  }, async () => {
    const local = join(folder, 'local');
    await mkdir(join(local, 'sub'), { recursive: true });
    await writeFile(join(local, 'a.txt'), 'alpha');
    await writeFile(join(local, 'sub', 'b.bin'), Buffer.alloc(300_000, 'b'));
    await rclone('copy', local, 'box:work');
    await rclone('check', local, 'box:work');
    const listed = JSON.parse(await rclone('lsjson', '--hash', '-R', 'box:work')) as readonly {
      Path: string;
      Size: number;
      Hashes?: { sha1: string };
    }[];
    expect(listed.map((each) => each.Path).sort()).toEqual(['a.txt', 'sub', 'sub/b.bin']);
    expect(listed.find((each) => each.Path === 'a.txt')?.Hashes?.sha1).toBe(sha1('alpha'));
    await writeFile(join(local, 'a.txt'), 'alpha, again');
    await rclone('sync', local, 'box:work');
    expect(await rclone('cat', 'box:work/a.txt')).toBe('alpha, again');
    await rclone('moveto', 'box:work/a.txt', 'box:work/sub/moved.txt');
    await rclone('copy', 'box:work', join(folder, 'back'));
    expect(await readFile(join(folder, 'back/sub/moved.txt'), 'utf8')).toBe('alpha, again');
    await rclone('purge', 'box:work');
    expect(await rclone('lsf', 'box:')).toBe('');
    const tree = (await rig.control('GET', '/tree')).body.entries as readonly {
      name: string;
      versions?: readonly unknown[];
    }[];
    expect(tree.find((entry) => entry.name === 'moved.txt')?.versions).toHaveLength(2);
  });

  it('sends a large file in parts', { timeout: 120_000 }, async () => {
    const large = join(folder, 'large.bin');
    await writeFile(large, Buffer.alloc(53_000_000, 'large'));
    await rig.settings({ commitProcessingAnswers: 1 });
    await rclone('copyto', large, 'box:large.bin');
    await rig.settings({ commitProcessingAnswers: 0 });
    const listed = JSON.parse(await rclone('lsjson', '--hash', 'box:')) as readonly {
      Size: number;
      Hashes: { sha1: string };
    }[];
    expect(listed).toMatchObject([{ Size: 53_000_000, Hashes: { sha1: sha1(await readFile(large)) } }]);
    const { by_endpoint } = (await rig.control('GET', '/stats')).body.calls;
    expect(by_endpoint['PUT /2.0/files/upload_sessions/:session']).toBe(7);
  });
});

describe.skipIf(!hasCurl)('curl (skipped where curl is missing)', () => {
  it('uploads, follows the redirect and creates', async () => {
    const curl = async (...args: readonly string[]) =>
      (await run('curl', ['-sS', '--noproxy', '*', '-H', `Authorization: Bearer ${token}`, ...args])).stdout;
    await writeFile(join(folder, 'by-curl.txt'), 'hello');
    const made = JSON.parse(
      await curl(
        '-F',
        'attributes={"name":"by-curl.txt","parent":{"id":"0"}}',
        '-F',
        `file=@${join(folder, 'by-curl.txt')}`,
        `${rig.url}/api/2.0/files/content`,
      ),
    ) as { entries: [{ id: string; sha1: string }] };
    expect(made.entries[0].sha1).toBe(sha1('hello'));
    expect(await curl('-L', `${rig.url}/2.0/files/${made.entries[0].id}/content`)).toBe('hello');
    const folderMade = JSON.parse(
      await curl('-d', '{"name":"by-curl","parent":{"id":"0"}}', `${rig.url}/2.0/folders`),
    ) as { name: string };
    expect(folderMade.name).toBe('by-curl');
  });

  it('gets through the example of the documentation as it stands there', async () => {
    const page = await readFile(resolve(import.meta.dirname, '../../../docs/emulator.md'), 'utf8');
    const example = /### From curl\n\n```\n([\s\S]*?)```/.exec(page)?.[1] ?? '';
    const script = example.replace('http://127.0.0.1:8080', rig.url);
    expect(script).toContain(rig.url);
    const here = await mkdtemp(join(folder, 'example-'));
    const { stdout } = await run('bash', ['-eu', '-c', script], {
      cwd: here,
      env: { ...process.env, NO_PROXY: '127.0.0.1', no_proxy: '127.0.0.1' },
    });
    expect(stdout).toContain('"login":"AutomationUser_');
    expect(stdout).toMatch(/"name":"study".*"name":"hello\.txt".*hello\n$/s);
  });
});
