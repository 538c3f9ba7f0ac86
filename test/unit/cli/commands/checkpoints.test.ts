import { execFileSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { aggregateCommand } from '../../../../src/cli/commands/aggregate.ts';
import { checkpointCommand } from '../../../../src/cli/commands/checkpoint.ts';
import { exitCodeOf } from '../../../../src/cli/exit-codes.ts';
import { createProgram } from '../../../../src/cli/program.ts';
import { ByteSource } from '../../../../src/fl/torch/byte-source.ts';
import { readStateDict } from '../../../../src/fl/torch/state-dict-file.ts';
import { checkpointFile } from '../../../support/archive-maker.ts';
import { assemble, MODEL, named, rootOf, text } from '../../../support/pickle-assembler.ts';
import { Federation, float32, numbersOf } from '../../fl/aggregate/federation.ts';

const FILES = new URL('../../../../fixtures/checkpoints/files/', import.meta.url).pathname;

let round: Federation;
let printed: string;
beforeEach(async () => {
  round = new Federation();
  await round.joinAll([[1], [4]]);
  printed = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed += String(text);
    return true;
  });
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);
});
afterEach(() => {
  vi.restoreAllMocks();
  round.remove();
});

/** Run a command as the program does; returns what it prints, or the exit code that its error means. */
async function mila(...words: readonly string[]): Promise<string | number> {
  const program = createProgram('mila', 'tools', [aggregateCommand(), checkpointCommand()]);
  printed = '';
  try {
    await program.parseAsync(words, { from: 'user' });
    return printed;
  } catch (error) {
    return exitCodeOf(error);
  }
}

const pathOf = (name: string) => join(round.folder, name);
const result = async () => numbersOf((await readStateDict(round.output)).get('w'));

describe('mila aggregate', () => {
  it('combines the named checkpoints by the flags', async () => {
    const printedText = await mila(
      'aggregate',
      '--weights',
      '0.75,0.25',
      '-o',
      round.output,
      pathOf('a.pt'),
      pathOf('b.pt'),
    );
    expect(printedText).toBe(`${round.output}\n`);
    expect(await result()).toEqual([1.75]);
  });

  it('takes weights in the order of the paths, whatever the names', async () => {
    await mila(
      'aggregate',
      '-t',
      'weighted',
      '-w',
      '1,0',
      '-o',
      round.output,
      pathOf('b.pt'),
      pathOf('a.pt'),
    );
    expect(await result()).toEqual([4]);
  });

  it("runs kMoL's script in JSON, with its spelling of the key and weights as a list", async () => {
    const script = {
      script: {
        type: 'manual_aggregation',
        chekpoint_paths: [pathOf('a.pt'), pathOf('b.pt')],
        aggregator_type: 'mila.aggregators.WeightedTorchAggregator',
        aggregator_options: { weights: [0.25, 0.75] },
        save_path: round.output,
      },
    };
    writeFileSync(pathOf('script.json'), JSON.stringify(script));
    await mila('aggregate', pathOf('script.json'));
    expect(await result()).toEqual([3.25]);
  });

  it('runs it in YAML, with tags, includes and the right spelling', async () => {
    mkdirSync(pathOf('base'));
    writeFileSync(
      pathOf('base/common.yml'),
      `parameters: {dir: &dir "${round.folder}"}\nscript:\n  type: manual_aggregation\n  checkpoint_paths:\n    - !join [*dir, "/a.pt"]\n    - !path_join [*dir, b.pt]\n  save_path: nowhere.pt\n`,
    );
    writeFileSync(
      pathOf('script.yaml'),
      `__load__: [./base/common.yml]\nscript:\n  save_path: ${round.output}\n`,
    );
    expect(await mila('aggregate', pathOf('script.yaml'), '--json')).toContain('"refused":[]');
    expect(await result()).toEqual([2.5]);
  });

  it('writes nothing when a checkpoint is unusable, unless it may be left out', async () => {
    writeFileSync(pathOf('c.pt'), readFileSync(pathOf('a.pt')).subarray(0, 200));
    const words = ['aggregate', '-o', round.output, ...['a', 'b', 'c'].map((name) => pathOf(`${name}.pt`))];
    expect(await mila(...words)).toBe(4);
    expect(existsSync(round.output)).toBe(false);
    expect(readdirSync(round.folder).some((name) => name.endsWith('.mila-tmp'))).toBe(false);
    await mila(...words, '--skip-refused');
    expect(await result()).toEqual([2.5]);
  });

  it('says by its exit code what is wrong with the call or the configuration', async () => {
    expect(await mila('aggregate', pathOf('missing.json'))).toBe(2);
    writeFileSync(pathOf('bad.json'), '{"script": {"type": "manual_aggregation"}}');
    expect(await mila('aggregate', pathOf('bad.json'))).toBe(2);
    expect(await mila('aggregate', '-t', 'nonsense', '-o', round.output, pathOf('a.pt'))).toBe(2);
    expect(await mila('aggregate', '-t', 'krum', '-o', round.output, pathOf('a.pt'))).toBe(6);
  });
});

describe('mila aggregate, when something is in its way', () => {
  it('exits with 4 on a checkpoint that is missing or no file', async () => {
    execFileSync('mkfifo', [pathOf('pipe')]);
    for (const name of ['missing.pt', 'pipe', '.'])
      expect(await mila('aggregate', '-o', round.output, pathOf('a.pt'), pathOf(name)), name).toBe(4);
    expect(await mila('checkpoint', 'verify', pathOf('missing.pt'))).toBe(4);
  });

  it('exits with 2 on an output that cannot be', async () => {
    for (const output of [round.folder, `${pathOf('a.pt')}/inside.pt`])
      expect(await mila('aggregate', '-o', output, pathOf('a.pt')), output).toBe(2);
  });

  it('exits with 4, and writes nothing, when an input is written meanwhile', async () => {
    const write = vi.spyOn(ByteSource.prototype, 'assertUnchanged');
    write.mockImplementationOnce(function (this: ByteSource) {
      appendFileSync(this.path, 'x');
      this.assertUnchanged();
    });
    expect(await mila('aggregate', '-o', round.output, pathOf('a.pt'), pathOf('b.pt'))).toBe(4);
    expect(existsSync(round.output)).toBe(false);
  });

  it('tells whose weight is missing', async () => {
    const options = '{"weights":{"a":1}}';
    const words = ['-t', 'weighted', '--options', options, '-o', round.output];
    expect(await mila('aggregate', ...words, pathOf('a.pt'), pathOf('b.pt'))).toBe(2);
    await mila('aggregate', ...words, pathOf('a.pt'));
    expect(await result()).toEqual([1]);
  });

  it("runs an aggregator of a user's own, named with dots, from the configuration", async () => {
    const cwd = vi.spyOn(process, 'cwd').mockReturnValue(round.folder);
    writeFileSync(
      pathOf('mine.mjs'),
      `import { copyFile } from 'node:fs/promises';
export class Last { async aggregate(inputs, out) { await copyFile(inputs.at(-1).path, out); } }`,
    );
    writeFileSync(
      pathOf('script.json'),
      JSON.stringify({
        chekpoint_paths: [pathOf('a.pt'), pathOf('b.pt')],
        aggregator_type: 'mine.Last',
        save_path: round.output,
      }),
    );
    expect(await mila('aggregate', pathOf('script.json'))).toBe(`${round.output}\n`);
    expect(await result()).toEqual([4]);
    cwd.mockRestore();
  });
});

describe('mila checkpoint', () => {
  it('shows what the documented JSON promises', async () => {
    const text = await mila('checkpoint', 'show', `${FILES}bn_state_dict.pt`, '--json', '--sha256');
    const { files } = JSON.parse(readFileSync(`${FILES}manifest.json`, 'utf8')) as {
      files: { file: string; tensors: object[] }[];
    };
    const [expected] = files.find(({ file }) => file === 'bn_state_dict.pt')?.tensors ?? [];
    const { first: _first, ...promised } = expected as { first: unknown };
    const shown = JSON.parse(String(text)) as { format: string; tensors: object[]; opaque: object[] };
    expect(shown).toMatchObject({ format: 'zip', opaque: [] });
    expect(shown.tensors).toHaveLength(9);
    expect(shown.tensors[0]).toMatchObject(promised);
  });

  it('shows a table with statistics', async () => {
    const text = await mila('checkpoint', 'show', pathOf('b.pt'));
    expect(text).toContain('model.w');
    expect(text).toContain('float32');
  });

  it('tells how two checkpoints differ', async () => {
    await round.join(
      'c',
      new Map([
        ['w', float32(4.5)],
        ['x', float32(1)],
      ]),
    );
    const text = await mila('checkpoint', 'diff', pathOf('b.pt'), pathOf('c.pt'), '--json');
    expect(JSON.parse(String(text))).toMatchObject({
      equal: false,
      differences: [
        { path: ['model', 'w'], kind: 'values', largest: 0.5 },
        { path: ['model', 'x'], kind: 'only-in-second' },
      ],
    });
    expect(await mila('checkpoint', 'diff', pathOf('b.pt'), pathOf('b.pt'), '--json')).toContain(
      '"equal":true',
    );
  });

  it('verifies, and exits with 4 on what is malformed or unsafe', async () => {
    expect(await mila('checkpoint', 'verify', pathOf('a.pt'))).toContain('ok, zip, 1 tensors');
    expect(await mila('checkpoint', 'verify', `${FILES}kmol_real_onecycle.pt`, '--json')).toContain(
      '"opaque":1',
    );
    for (const file of [
      'z_wrong_crc.pt',
      'm_eval.pt',
      'h_offset_oob.pt',
      'm_self_ref_cycle.pt',
      'z_not_a_zip.pt',
    ])
      expect(await mila('checkpoint', 'verify', `${FILES}${file}`), file).toBe(4);
  });

  it('names foreign objects, and exits with 4 for them unless they are allowed', async () => {
    const beside = assemble(text('x'), named('pydoc', 'pipepager'), ')R', text('y'), named('mine', 'Colour'));
    writeFileSync(pathOf('foreign.pt'), checkpointFile(rootOf(MODEL, beside)));
    const words = ['checkpoint', 'verify', pathOf('foreign.pt')];
    expect(await mila(...words)).toBe(4);
    expect(await mila(...words, '--allow-foreign')).toContain('ok, zip, 1 tensors');
    expect(JSON.parse(String(await mila(...words, '--allow-foreign', '--json')))).toMatchObject({
      ok: true,
      foreign: ['pydoc.pipepager', 'mine.Colour'],
      model: null,
    });
    const shown = JSON.parse(String(await mila('checkpoint', 'show', pathOf('foreign.pt'), '--json')));
    expect(shown).toMatchObject({
      foreign: ['pydoc.pipepager', 'mine.Colour'],
      opaque: [
        { path: ['x'], name: 'pydoc.pipepager' },
        { path: ['y'], name: 'mine.Colour' },
      ],
    });
  });
});
