import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CorruptError } from '../../../../src/errors.ts';
import { Checkpoint } from '../../../../src/fl/torch/checkpoint-reader.ts';
import { inspectCheckpoint } from '../../../../src/fl/torch/inspect-checkpoint.ts';
import { checkpointFile } from '../../../support/archive-maker.ts';
import type { BombLook } from '../../../support/bomb-watch.ts';
import { BOMBS, type Bomb, HEAVY, UNSPEAKABLE } from '../../../support/checkpoint-bombs.ts';
import { assemble, ORDERED_DICT, rootOf, tensor, text } from '../../../support/pickle-assembler.ts';

const folder = mkdtempSync(join(tmpdir(), 'mila-bombs-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Several times what was measured. Units: seconds of processor, which a busy machine does not make more of. */
const SECONDS_MAX = 3;
const MEGABYTES_MAX = 500;

function written(bytes: Uint8Array): string {
  const path = join(folder, 'bomb.pt');
  writeFileSync(path, bytes);
  return path;
}

/** What a process of its own made of each bomb, by its name. */
const looks = new Map<string, BombLook>();

beforeAll(async () => {
  const program = join(import.meta.dirname, '../../../support/bomb-watch.ts');
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', '--import', 'tsx', program]);
  for (const line of stdout.trim().split('\n')) {
    const look = JSON.parse(line) as BombLook;
    looks.set(look.name, look);
  }
}, 120_000);

/** The outcome of one look, whose time and memory are held to their limits. */
function outcomeOf({ name }: Bomb): string | undefined {
  const look = looks.get(name);
  expect(look?.seconds).toBeLessThan(SECONDS_MAX);
  expect(look?.megabytes).toBeLessThan(MEGABYTES_MAX);
  return look?.outcome;
}

describe('a small file that means much work is refused soon, in little memory', () => {
  for (const bomb of BOMBS)
    it(bomb.name, () => {
      expect(['over-budget', 'bad-storage', 'too-long', 'not-a-tensor']).toContain(outcomeOf(bomb));
    });
});

describe('a small file that recalls long values costs no more than it is long', () => {
  for (const bomb of HEAVY)
    it(bomb.name, () => {
      expect(outcomeOf(bomb)).toMatch(/^(read|over-budget)$/u);
    });
});

describe('what is refused is named in a few words, however long it is', () => {
  for (const bomb of UNSPEAKABLE)
    it(bomb.name, async () => {
      const error = await inspectCheckpoint(written(bomb.make())).catch((cause: unknown) => cause);
      expect(error).toBeInstanceOf(CorruptError);
      expect(String(error).length).toBeLessThan(400);
    });
});

it('names what was too much', async () => {
  const [bomb] = BOMBS.filter(({ name }) => name.startsWith('codecs, of'));
  await expect(inspectCheckpoint(written(bomb?.make() ?? Buffer.of()))).rejects.toMatchObject({
    code: 'over-budget',
    message: expect.stringContaining('byte strings'),
  });
});

it('charges the walk through everything in a checkpoint, too', async () => {
  for (const { name, make } of BOMBS.filter((each) => each.name.startsWith('deeplist, of'))) {
    const checkpoint = await Checkpoint.open(written(make()));
    expect(checkpoint.tree().tensors, name).toEqual([]);
    expect(() => checkpoint.model()).toThrow(expect.objectContaining({ code: 'not-a-tensor' }));
    checkpoint.close();
  }
});

/** One storage of a single float, unfolded to `elements` floats. */
function unfolded(size: readonly number[], stride: readonly number[], numel = 1): Buffer {
  const storages = [{ name: 'data/0', bytes: new Uint8Array(4 * numel) }];
  const model = assemble(ORDERED_DICT, '(', text('w0'), tensor({ numel, size, stride }), 'u');
  return checkpointFile(rootOf(model), { storages });
}

it('refuses a model whose tensors repeat their elements, by name, and shows it where it fits', async () => {
  for (const bytes of [unfolded([5, 7], [0, 0]), unfolded([3, 2], [1, 1], 4), unfolded([2, 3], [0, 1], 3)]) {
    const path = written(bytes);
    await expect(inspectCheckpoint(path)).rejects.toMatchObject({
      code: 'expanded',
      message: expect.stringContaining('"model.w0" repeats its elements'),
    });
    const checkpoint = await Checkpoint.open(path);
    const [leaf] = checkpoint.tree().tensors;
    expect(leaf?.layout.count).toBeGreaterThan(3);
    checkpoint.close();
  }
});

it('takes a stride of 0 in a dimension of one element, as expand(1, -1) leaves it', async () => {
  expect((await inspectCheckpoint(written(unfolded([1, 4], [0, 1], 4)))).tensors.size).toBe(1);
});

it('refuses what comes to many times the file, also beside the model', async () => {
  const checkpoint = await Checkpoint.open(written(unfolded([2 ** 26], [0])));
  expect(() => checkpoint.tree()).toThrow(expect.objectContaining({ code: 'over-budget' }));
  checkpoint.close();
  const whole = Array.from({ length: 6 }, (_, index) =>
    assemble(text(`w${index}`), tensor({ numel: 2 ** 22, size: [2 ** 22], stride: [1] })),
  );
  const bytes = checkpointFile(rootOf(assemble(ORDERED_DICT, '(', ...whole, 'u')), {
    storages: [{ name: 'data/0', bytes: Buffer.alloc(2 ** 24), deflated: true }],
  });
  await expect(inspectCheckpoint(written(bytes))).rejects.toMatchObject({ code: 'over-budget' });
});

it('refuses names above a kilobyte, wherever they stand', async () => {
  const long = 'n'.repeat(1025);
  for (const piece of [
    assemble(`c${long}\nname\n`),
    assemble(`cmodule\n${long}\n`),
    assemble(text(long), text('name'), 0x93),
    assemble(text('module'), text(long), 0x93),
  ]) {
    const bytes = checkpointFile(rootOf(assemble(ORDERED_DICT), text('x'), piece));
    await expect(inspectCheckpoint(written(bytes))).rejects.toMatchObject({ code: 'too-long' });
  }
  const named = checkpointFile(rootOf(assemble(ORDERED_DICT, '(', text(long), tensor(), 'u')));
  await expect(inspectCheckpoint(written(named))).rejects.toMatchObject({ code: 'too-long' });
});

it('quotes names of the file in what it says of it, so that they cannot speak to a terminal', async () => {
  const sly = assemble('cmine\n\u001b[31mred\n');
  for (const piece of [
    assemble(sly, '}b'),
    assemble(sly, 'Na'),
    assemble(sly, 'NNs'),
    assemble('ccollections\nOrderedDict\n', sly, 0x85, 'R'),
    assemble('ccollections\nOrderedDict\n', sly, 'R'),
  ]) {
    const bytes = checkpointFile(rootOf(assemble(ORDERED_DICT), text('x'), piece));
    const error = await inspectCheckpoint(written(bytes)).catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(CorruptError);
    expect(String(error)).toContain('\\u001b[31mred');
    expect(String(error)).not.toContain('\u001b');
  }
});
