import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rename, rm, stat, writeFile } from 'node:fs/promises';
import { platform, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { tellsBirth, withoutBirth } from '../../../../src/sync/local/birth-times.ts';
import { systemFiles } from '../../../../src/sync/local/file-system.ts';

describe("the operating system's files", () => {
  let folder: string;
  let writer: ChildProcess | undefined;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mila-system-files-'));
  });
  afterEach(async () => {
    writer?.kill('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  });

  /** Another process opens a file and keeps it open. */
  async function held(path: string, flags: 'r' | 'w' | 'a'): Promise<void> {
    const script = `require('fs').openSync(${JSON.stringify(path)}, '${flags}'); console.log('open'); setInterval(() => {}, 1e6)`;
    writer = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    if (writer.stdout !== null) await once(writer.stdout, 'data');
  }

  it.runIf(platform() === 'linux')(
    'tell who holds a file open for writing, also under another name',
    async () => {
      const path = join(folder, 'model.pt');
      await held(path, 'w');
      expect([...((await systemFiles.writersOf?.([path])) ?? [])]).toEqual([
        [path, expect.stringMatching(/^process \d+ \(.+\)$/)],
      ]);
      const renamed = join(folder, 'renamed.pt');
      await rename(path, renamed);
      expect((await systemFiles.writersOf?.([renamed]))?.size).toBe(1);
      writer?.kill('SIGKILL');
      if (writer !== undefined) await once(writer, 'exit');
      expect((await systemFiles.writersOf?.([renamed]))?.size).toBe(0);
    },
  );

  it.runIf(platform() === 'linux')('do not count who only reads', async () => {
    const path = join(folder, 'model.pt');
    await writeFile(path, 'content');
    await held(path, 'r');
    expect((await systemFiles.writersOf?.([path]))?.size).toBe(0);
  });

  it('give a file the mode of the one that it replaces', async () => {
    const [secret, staged] = [join(folder, 'secret'), join(folder, 'staged')];
    await writeFile(secret, 'old');
    await writeFile(staged, 'new');
    for (const mode of [0o600, 0o640, 0o755, 0o444]) {
      await chmod(secret, mode);
      await systemFiles.takeOverMode(staged, secret);
      expect((await stat(staged)).mode & 0o777).toBe(mode);
    }
  });

  it('recognise an entry after a rename, also where births are the times of the last change', async () => {
    expect(await tellsBirth(systemFiles, folder)).toBe(true);
    const changing: typeof systemFiles = {
      ...systemFiles,
      facts: async (path) => {
        const facts = await systemFiles.facts(path);
        const born = Math.round((facts?.changedAtMs ?? 0) * 1e6);
        return facts && { ...facts, inode: facts.inode.replace(/:\d+$/, `:${born}`) };
      },
    };
    expect(await tellsBirth(changing, folder)).toBe(false);
    const [path, moved] = [join(folder, 'a'), join(folder, 'b')];
    await writeFile(path, 'content');
    const before = await withoutBirth(changing).facts(path);
    await rename(path, moved);
    expect((await withoutBirth(changing).facts(moved))?.inode).toBe(before?.inode);
  });
});
