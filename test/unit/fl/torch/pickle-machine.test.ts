import { expect, it } from 'vitest';
import { DEFAULT_LIMITS } from '../../../../src/fl/torch/limits.ts';
import { PickleMachine } from '../../../../src/fl/torch/pickle-machine.ts';

function run(...parts: readonly (string | number | readonly number[])[]) {
  const bytes = Buffer.concat(
    parts.map((part) =>
      typeof part === 'string' ? Buffer.from(part, 'latin1') : Buffer.from([part].flat()),
    ),
  );
  return new PickleMachine(bytes, 0, DEFAULT_LIMITS).run().value;
}

it('keeps keys that are special in JavaScript apart', () => {
  const value = run(
    '}(',
    'X\u0009\0\0\0__proto__',
    'K\u0001',
    'K\u0001',
    'K\u0002',
    'X\u0001\0\0\u00001',
    'K\u0003',
    'u.',
  );
  expect(value).toMatchObject({
    kind: 'dict',
    entries: new Map<unknown, unknown>([
      ['__proto__', 1],
      [1, 2],
      ['1', 3],
    ]),
  });
});

it('reads integers of any sign up to 128 bits, and keeps longer ones inert', () => {
  expect(run(0x8a, 1, 0xff, '.')).toBe(-1);
  expect(run(0x8a, 8, [0, 0, 0, 0, 0, 0, 0, 0x80], '.')).toBe(-(2n ** 63n));
  expect(run(0x8a, 17, new Array<number>(17).fill(1), '.')).toMatchObject({ kind: 'opaque' });
});

it('takes any memo slot without making room for those below it', () => {
  expect(run('K\u0007', 'r', [0xf0, 0xff, 0xff, 0xff], '0', 'j', [0xf0, 0xff, 0xff, 0xff], '.')).toBe(7);
});

it('never runs what a name stands for, and refuses names that can only run code', () => {
  expect(run('cnumpy.core.multiarray\nscalar\n', ')R.')).toEqual({
    kind: 'opaque',
    name: 'numpy.core.multiarray.scalar',
  });
  for (const name of [
    'os\nsystem',
    'posix\nsystem',
    'subprocess\nPopen',
    'builtins\neval',
    '__builtin__\nexec',
    'builtins\n__import__',
    'torch.storage\n_load_from_bytes',
    'functools\npartial',
    'operator\nattrgetter',
    'importlib\nimport_module',
    'os.path\njoin',
  ])
    expect(() => run(`c${name}\n`, '.'), name).toThrow(expect.objectContaining({ code: 'unsafe' }));
});

it('allows getattr on a scheduler of PyTorch, and on nothing else', () => {
  const scheduler = 'ctorch.optim.lr_scheduler\nOneCycleLR\n)\u0081';
  const call = (target: string) => ['cbuiltins\ngetattr\n', target, 'X\u0001\0\0\0f', 0x86, 'R.'] as const;
  expect(run(...call(scheduler))).toEqual({ kind: 'opaque', name: 'torch.optim.lr_scheduler.OneCycleLR.f' });
  expect(() => run(...call('cnumpy\nndarray\n'))).toThrow(expect.objectContaining({ code: 'unsafe' }));
  expect(() => run(...call('}'))).toThrow(expect.objectContaining({ code: 'unsafe' }));
});

it('uses a list up when an ordered dict is made of it, so that recalling it costs nothing', () => {
  const pair = '](X\u0001\0\0\0aK\u0001e';
  const stream = [`]q\u0000(${pair}e0`, '(', 'ccollections\nOrderedDict\nh\u0000\u0085R'.repeat(2), 't.'];
  const value = run(...stream) as { items: { entries: Map<unknown, unknown> }[] };
  expect(value.items.map(({ entries }) => entries.size)).toEqual([1, 0]);
});

it('bounds the number of instructions', () => {
  const bytes = Buffer.concat([Buffer.alloc(100, 'N'), Buffer.from('.')]);
  const limits = { ...DEFAULT_LIMITS, opcodesMax: 50 };
  expect(() => new PickleMachine(bytes, 0, limits).run()).toThrow(
    expect.objectContaining({ code: 'too-large' }),
  );
});

it('refuses values left over, unknown protocols and instructions of text pickles', () => {
  expect(() => run('NN.')).toThrow(expect.objectContaining({ code: 'bad-stack' }));
  expect(() => run(0x80, 9, 'N.')).toThrow(expect.objectContaining({ code: 'bad-opcode' }));
  for (const opcode of ['I1\n.', "S'a'\n.", 'Pid\n.', '(ios\nsystem\n.', '(o.', '\u0082\u0001.'])
    expect(() => run(opcode), opcode).toThrow(expect.objectContaining({ code: 'bad-opcode' }));
});
