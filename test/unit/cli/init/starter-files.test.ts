import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  assertTogether,
  type FederationChoice,
  TRAINERS,
  TRANSPORTS,
} from '../../../../src/cli/init/federation-choice.ts';
import { writeStarterFiles } from '../../../../src/cli/init/starter-files.ts';
import { MILA_COMMANDS } from '../../../../src/cli/mila-commands.ts';
import { MILA_SYNC_COMMANDS } from '../../../../src/cli/mila-sync-commands.ts';
import { readLocalFederation } from '../../../../src/cli/rehearsal/local-federation.ts';
import { ConfigError, StateError } from '../../../../src/errors.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mila-init-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const CHOICE: FederationChoice = {
  transport: 'box',
  participants: ['basel', 'tokyo'],
  trainer: 'pytorch',
  emulator: true,
  python: 'python3',
};

const combinations = TRANSPORTS.flatMap((transport) =>
  TRAINERS.flatMap((trainer) =>
    (transport === 'box' ? [true, false] : [false]).map((emulator) => ({ transport, trainer, emulator })),
  ),
);

describe('the files of a new federation', () => {
  for (const { transport, trainer, emulator } of combinations)
    it(`are ones that the programs read without a word: ${transport}, ${trainer}${emulator ? ', emulator' : ''}`, async () => {
      await writeStarterFiles(folder, { ...CHOICE, transport, trainer, emulator });
      const federation = await readLocalFederation(folder);
      expect(federation).toMatchObject({ transport, emulator, rounds: 3, warnings: [] });
      expect(federation.clients.map(({ name }) => name)).toEqual(['basel', 'tokyo']);
      expect((await readdir(folder)).includes('train.py')).toBe(trainer === 'pytorch');
    });

  for (const { transport, trainer, emulator } of combinations)
    it(`have a README whose commands there are: ${transport}, ${trainer}${emulator ? ', emulator' : ''}`, async () => {
      await writeStarterFiles(folder, { ...CHOICE, transport, trainer, emulator });
      const text = await readFile(join(folder, 'README.md'), 'utf8');
      const known = new Map([
        ['mila', MILA_COMMANDS.flatMap(({ names }) => names)],
        ['mila-sync', MILA_SYNC_COMMANDS.flatMap(({ names }) => names)],
      ]);
      const typed = [...text.matchAll(/^(mila|mila-sync) (\S+)/gm)];
      expect(typed.length).toBeGreaterThanOrEqual(5);
      for (const [, program = '', command] of typed) expect(known.get(program)).toContain(command);
      expect(text.split('\n').every((line) => line.length <= 200)).toBe(true);
      // No sentence is torn into two paragraphs.
      expect(text.split('\n\n').filter((paragraph) => /^[a-z]/.test(paragraph))).toEqual([]);
      for (const line of text.split('\n').filter((each) => each.startsWith('mila certificates')))
        expect(line).toContain('--client basel --client tokyo');
    });

  it('touch nothing where one of them is there already, and write none of the others', async () => {
    await writeFile(join(folder, 'task.json'), 'mine');
    const writing = writeStarterFiles(folder, CHOICE);
    await expect(writing).rejects.toThrow(StateError);
    await expect(writing).rejects.toThrow(/holds task\.json already; nothing was written/);
    expect(await readdir(folder)).toEqual(['task.json']);
    expect(await readFile(join(folder, 'task.json'), 'utf8')).toBe('mine');
  });

  it('may be written beside files of other names, into a directory that is not there yet as well', async () => {
    await writeFile(join(folder, 'notes.txt'), 'mine');
    await writeStarterFiles(folder, CHOICE);
    await writeStarterFiles(join(folder, 'a', 'b'), CHOICE);
    expect((await readdir(join(folder, 'a', 'b'))).sort()).toEqual([
      'README.md',
      'basel.json',
      'server.json',
      'task.json',
      'tokyo.json',
      'train.py',
    ]);
  });

  it('cannot be written below a file', async () => {
    await writeFile(join(folder, 'notes.txt'), 'mine');
    await expect(writeStarterFiles(join(folder, 'notes.txt'), CHOICE)).rejects.toMatchObject({
      code: 'directory-unusable',
    });
  });
});

describe('who takes part', () => {
  for (const [participants, words] of [
    [[], /at least one/],
    [['a', 'A'], /named twice/],
    [['server'], /server/],
    [['task'], /a file of another meaning/],
    [['../x'], /without dots or slashes/],
    [['emulator-key'], /a file of another meaning/],
    [Array.from({ length: 101 }, (_, index) => `site_${index}`), /at most 100/],
  ] as const)
    it(`cannot be ${JSON.stringify(participants).slice(0, 40)}`, () => {
      const choosing = () => assertTogether({ ...CHOICE, participants });
      expect(choosing).toThrow(ConfigError);
      expect(choosing).toThrow(words);
    });

  it('is not asked of an emulator where no Box is', () => {
    expect(() => assertTogether({ ...CHOICE, transport: 'grpc' })).toThrow(/--transport is grpc/);
  });
});
