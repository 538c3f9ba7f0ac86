import { dtypeOfGlobal, dtypeOfStorage } from './storage-classes.ts';

const inModule = (module: string, names: string): string[] =>
  names.split(' ').map((name) => `${module}.${name}`);

/**
 * The names that a checkpoint may hold without being called foreign: they build plain data, tensors, numpy's arrays and
 * the state of PyTorch's own optimisers and schedulers. PyTorch too runs nothing else when it reads them.
 *
 * None calls what it is given: such a one (`functools.partial`, `torch._utils._rebuild_from_type_v2`) would hide the rest.
 */
const KNOWN_NAMES: ReadonlySet<string> = new Set([
  ...inModule(
    'builtins',
    'dict list set frozenset tuple object int float bool str bytes bytearray complex slice range xrange long unicode',
  ),
  // Judged where it is called.
  'builtins.getattr',
  ...inModule('collections', 'OrderedDict defaultdict Counter deque'),
  ...inModule('datetime', 'datetime date time timedelta timezone'),
  ...['pathlib', 'pathlib._local'].flatMap((module) =>
    inModule(module, 'Path PosixPath WindowsPath PurePath PurePosixPath PureWindowsPath'),
  ),
  'argparse.Namespace',
  'types.SimpleNamespace',
  'uuid.UUID',
  'decimal.Decimal',
  'fractions.Fraction',
  '_codecs.encode',
  'copyreg._reconstructor',
  'copy_reg._reconstructor',
  ...inModule(
    'torch._utils',
    '_rebuild_tensor _rebuild_tensor_v2 _rebuild_tensor_v3 _rebuild_parameter _rebuild_parameter_with_state',
  ),
  ...inModule('torch._utils', '_rebuild_sparse_tensor _rebuild_sparse_csr_tensor _rebuild_qtensor'),
  ...inModule('torch', 'Size device Tensor UntypedStorage dtype'),
  ...inModule(
    'torch',
    'uint16 uint32 uint64 float8_e4m3fn float8_e5m2 float8_e4m3fnuz float8_e5m2fnuz complex32',
  ),
  ...inModule(
    'torch',
    'qint8 quint8 qint32 quint4x2 QInt8Storage QUInt8Storage QInt32Storage QUInt4x2Storage',
  ),
  ...inModule(
    'torch',
    'strided sparse_coo sparse_csr per_tensor_affine per_channel_affine contiguous_format',
  ),
  ...inModule('torch', 'channels_last channels_last_3d preserve_format'),
  'torch.serialization._get_layout',
  'torch.storage.TypedStorage',
  'torch.nn.parameter.Parameter',
  'torch.torch_version.TorchVersion',
  ...optimisers(),
  ...schedulers(),
  ...numpyNames(),
]);

function optimisers(): string[] {
  return [
    'adadelta.Adadelta adagrad.Adagrad adam.Adam adamw.AdamW adamax.Adamax asgd.ASGD lbfgs.LBFGS nadam.NAdam',
    'radam.RAdam rmsprop.RMSprop rprop.Rprop sgd.SGD sparse_adam.SparseAdam',
  ].flatMap((names) => inModule('torch.optim', names));
}

function schedulers(): string[] {
  return [
    'LRScheduler _LRScheduler LambdaLR MultiplicativeLR StepLR MultiStepLR ConstantLR LinearLR ExponentialLR',
    'SequentialLR PolynomialLR CosineAnnealingLR ChainedScheduler ReduceLROnPlateau CyclicLR OneCycleLR',
    'CosineAnnealingWarmRestarts',
  ].flatMap((names) => inModule('torch.optim.lr_scheduler', names));
}

function numpyNames(): string[] {
  const scalars =
    'bool_ bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64 complex64 complex128';
  return [
    ...inModule('numpy', `ndarray dtype str_ bytes_ ${scalars}`),
    ...['numpy.core', 'numpy._core'].flatMap((root) => [
      ...inModule(`${root}.multiarray`, '_reconstruct scalar'),
      `${root}.numeric._frombuffer`,
    ]),
  ];
}

/** True for the names on the list, and for PyTorch's storages and element types. */
export function isKnownName(name: string): boolean {
  return KNOWN_NAMES.has(name) || dtypeOfStorage(name) !== null || isDtype(name);
}

function isDtype(name: string): boolean {
  return name.startsWith('torch.') && dtypeOfGlobal(name) !== null;
}

/** The bound methods that PyTorch 1.x's schedulers keep in their state. */
const SCHEDULER_METHODS: ReadonlySet<string> = new Set([
  ...inModule('torch.optim.lr_scheduler.OneCycleLR', '_annealing_cos _annealing_linear'),
  ...inModule(
    'torch.optim.lr_scheduler.CyclicLR',
    '_triangular_scale_fn _triangular2_scale_fn _exp_range_scale_fn',
  ),
]);

/** Whether an attribute of an object, both by name, is what PyTorch's own schedulers take of themselves. */
export function isKnownAttribute(name: string): boolean {
  return SCHEDULER_METHODS.has(name);
}
