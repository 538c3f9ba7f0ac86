import type { Dtype } from '../tensor/tensor.ts';

/** PyTorch's storage classes, in the order of its own documentation, and the element type of each. */
const STORAGE_DTYPES: ReadonlyMap<string, Dtype> = new Map([
  ['DoubleStorage', 'float64'],
  ['FloatStorage', 'float32'],
  ['HalfStorage', 'float16'],
  ['BFloat16Storage', 'bfloat16'],
  ['LongStorage', 'int64'],
  ['IntStorage', 'int32'],
  ['ShortStorage', 'int16'],
  ['CharStorage', 'int8'],
  ['ByteStorage', 'uint8'],
  ['BoolStorage', 'bool'],
  ['ComplexFloatStorage', 'complex64'],
  ['ComplexDoubleStorage', 'complex128'],
]);

const CLASS_NAMES: ReadonlyMap<Dtype, string> = new Map(
  [...STORAGE_DTYPES].map(([name, dtype]) => [dtype, name]),
);

const TORCH_DTYPES: ReadonlySet<string> = new Set(STORAGE_DTYPES.values());

const BY_GLOBAL: ReadonlyMap<string, Dtype | 'untyped'> = new Map<string, Dtype | 'untyped'>([
  ...[...STORAGE_DTYPES].flatMap(([name, dtype]): [string, Dtype][] => [
    [`torch.${name}`, dtype],
    [`torch.cuda.${name}`, dtype],
  ]),
  ['torch.storage.UntypedStorage', 'untyped'],
  ['torch.UntypedStorage', 'untyped'],
]);

/** Element type of `torch.FloatStorage` and its like; null when the class is unknown or unsupported (quantised). */
export function dtypeOfStorage(globalName: string): Dtype | 'untyped' | null {
  return BY_GLOBAL.get(globalName) ?? null;
}

/** The class that holds this element type, without its module. */
export function storageClassOf(dtype: Dtype): string {
  const name = CLASS_NAMES.get(dtype);
  if (name === undefined) throw new TypeError(`no storage class for ${dtype}`);
  return name;
}

/** Element type of `torch.float32` and its like; null when it is none of ours. */
export function dtypeOfGlobal(globalName: string): Dtype | null {
  const name = globalName.replace(/^torch\./u, '');
  return TORCH_DTYPES.has(name) ? (name as Dtype) : null;
}
