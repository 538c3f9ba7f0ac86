import { expect, it } from 'vitest';
import { DEFAULT_LIMITS } from '../../../../src/fl/torch/limits.ts';
import { PickleMachine } from '../../../../src/fl/torch/pickle-machine.ts';

type Part = string | number | readonly number[];

function resultOf(parts: readonly Part[]) {
  const bytes = Buffer.concat(
    parts.map((part) =>
      typeof part === 'string' ? Buffer.from(part, 'latin1') : Buffer.from([part].flat()),
    ),
  );
  return new PickleMachine(bytes, 0, DEFAULT_LIMITS).run();
}

const run = (...parts: readonly Part[]) => resultOf(parts).value;
const foreign = (...parts: readonly Part[]) => [...resultOf(parts).foreign];

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

it('never runs what a name stands for, and tells every name that is not known to be harmless', () => {
  expect(run('cnumpy.core.multiarray\nscalar\n', ')R.')).toEqual({
    kind: 'opaque',
    name: 'numpy.core.multiarray.scalar',
  });
  for (const name of [
    'os\nsystem',
    'posix\nsystem',
    'builtins\neval',
    '__builtin__\nexec',
    'torch.storage\n_load_from_bytes',
    'torch._utils\n_rebuild_from_type_v2',
    'functools\npartial',
    'pydoc\npipepager',
    'mypackage.config\nSettings',
  ]) {
    const full = name.replace('\n', '.').replace('__builtin__', 'builtins');
    expect(run(`c${name}\n`, ')R.')).toEqual({ kind: 'opaque', name: full });
    // Also of what the stream throws away: Python would have run it.
    expect(foreign(`c${name}\n`, ')R0N.'), name).toEqual([full]);
  }
});

it("knows the names of plain data, of tensors, numpy, and of PyTorch's own optimisers and schedulers", () => {
  for (const name of [
    'collections\ndefaultdict',
    'torch\nFloatStorage',
    'torch\nfloat8_e4m3fn',
    'torch\nbfloat16',
    'torch.optim.adamw\nAdamW',
    'torch.optim.lr_scheduler\nOneCycleLR',
    'numpy.core.multiarray\n_reconstruct',
    'numpy\ndtype',
    'pathlib\nPosixPath',
    'argparse\nNamespace',
    '__builtin__\nset',
  ])
    expect(foreign(`c${name}\n`, '.'), name).toEqual([]);
});

it('lets getattr be what schedulers of PyTorch do, and calls it foreign elsewhere', () => {
  const scheduler = 'ctorch.optim.lr_scheduler\nOneCycleLR\n)\u0081';
  const call = (target: string, attribute = '_annealing_cos') => [
    'cbuiltins\ngetattr\n',
    `${target}X${String.fromCharCode(attribute.length)}\0\0\0${attribute}`,
    0x86,
    'R',
  ];
  const bound = { kind: 'opaque', name: 'torch.optim.lr_scheduler.OneCycleLR._annealing_cos' };
  expect(run(...call(scheduler), '.')).toEqual(bound);
  expect(foreign(...call(scheduler), '.')).toEqual([]);
  expect(foreign(...call(scheduler), ')R.')).toEqual([bound.name]);
  for (const target of ['ctorch.optim.lr_scheduler\nOneCycleLR\n', 'cnumpy\nndarray\n', '}', ']', 'N'])
    expect(foreign(...call(target), '.'), target).toEqual(['builtins.getattr']);
  expect(foreign(...call(scheduler, '__init__'), '.')).toEqual(['builtins.getattr']);
  expect(foreign(...call('cmine\nColour\n', 'RED'), '.')).toEqual(['mine.Colour', 'builtins.getattr']);
});

it('swallows what is done to a foreign object', () => {
  const made = 'cmine\nThing\n)R';
  for (const act of [
    '}b',
    '](K\u0001eb',
    'K\u0001K\u0002s',
    '(K\u0001K\u0002u',
    'K\u0001a',
    '(K\u0001e',
    ')R',
  ])
    expect(run(made, act, '.'), act).toEqual({ kind: 'opaque', name: 'mine.Thing' });
  expect(run('cmine\nThing\n)}', 0x92, '.')).toEqual({ kind: 'opaque', name: 'mine.Thing' });
});

const PAIR_LIST = '](](X\u0001\0\0\0aK\u0001ee';

it('refuses a list that two containers are made of, as Python would fill both', () => {
  const made = `${PAIR_LIST}q\u00000(ccollections\nOrderedDict\nh\u0000\u0085R`;
  expect(run(made, 't.')).toMatchObject({ items: [{ entries: new Map([['a', 1]]) }] });
  expect(() => run(made, 'ccollections\nOrderedDict\nh\u0000\u0085Rt.')).toThrow(
    expect.objectContaining({ code: 'bad-call' }),
  );
  // What is made of it keeps what it had, and the list stays what it is.
  expect(run(made, 'h\u0000t.')).toMatchObject({
    items: [{ entries: new Map([['a', 1]]) }, { kind: 'list', items: [{ kind: 'list', items: ['a', 1] }] }],
  });
});

it('refuses NEWOBJ with arguments that Python would never look at', () => {
  for (const pieces of [
    `ccollections\nOrderedDict\n${PAIR_LIST}\u0085\u0081.`,
    `cbuiltins\nset\n](K\u0001e\u0085\u0081.`,
    `ccollections\nOrderedDict\n)}\u0092.`,
    `c_codecs\nencode\nX\u0001\0\0\0aX\u0006\0\0\0latin1\u0086\u0081.`,
  ])
    expect(() => run(pieces), pieces).toThrow(expect.objectContaining({ code: 'bad-call' }));
  expect(run('ccollections\nOrderedDict\n)\u0081.')).toMatchObject({ kind: 'dict', ordered: true });
});

it('counts slots as Python does, also when they were taken out of order', () => {
  // Slot 1 first, then 0 and 1 in order: two slots are in use, so the next is 2.
  const out = ['K\u0007r\u0001\0\0\0', '0K\u0008q\u0000', '0K\u0009q\u0001', '0K\u000a', 0x94];
  expect(run(...out, 'h\u0002\u0086.')).toMatchObject({ items: [10, 10] });
  expect(run('K\u0007q\u00050K\u0008', 0x94, 'h\u0001h\u0005\u0087.')).toMatchObject({ items: [8, 8, 7] });
});

it('adds to the attributes of a dict, copying them as Python does', () => {
  const value = run(
    'ccollections\nOrderedDict\n)R',
    '}q\u0001X\u0001\0\0\0aK\u0001sb',
    '}X\u0001\0\0\0bK\u0002sb',
    'h\u0001X\u0001\0\0\0aK\u0005s0.',
  ) as { attributes: { entries: Map<string, number> } };
  expect(value.attributes.entries).toEqual(
    new Map([
      ['a', 1],
      ['b', 2],
    ]),
  );
});

it('keeps floats apart from integers, which alone are sizes', () => {
  expect(run('G?\u00f0\0\0\0\0\0\0.')).toEqual({ kind: 'float', value: 1 });
});

it('reads byte strings as the text that PyTorch takes them for', () => {
  expect(run('U\u0002\u00c3\u00a9.')).toBe('é');
  expect(() => run('U\u0001\u00e9.')).toThrow(expect.objectContaining({ code: 'bad-text' }));
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
