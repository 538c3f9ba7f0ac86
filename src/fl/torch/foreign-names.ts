import { malformed, quoted } from './malformed.ts';

/** Modules that no checkpoint has a reason to name, anywhere in it: their mention is evidence of tampering. */
const DENIED_MODULES: ReadonlySet<string> = new Set([
  'os',
  'posix',
  'nt',
  'posixpath',
  'ntpath',
  'subprocess',
  'sys',
  'shutil',
  'socket',
  'runpy',
  'pty',
  'importlib',
  'imp',
  'ctypes',
  '_ctypes',
  'code',
  'codeop',
  'commands',
  'pickle',
  '_pickle',
  'cPickle',
  'cloudpickle',
  'dill',
  'joblib',
  'marshal',
  'webbrowser',
  'multiprocessing',
  'asyncio',
  'threading',
  'signal',
  'bdb',
  'pdb',
  'timeit',
  'cProfile',
  'profile',
  'trace',
  'pip',
  'ensurepip',
  'venv',
  'site',
  'builtins',
  'urllib',
  'http',
  'ftplib',
  'smtplib',
  'requests',
  'tempfile',
  'zipimport',
  'pkgutil',
  'platform',
  'operator',
  '_operator',
  'functools',
  'types',
  'inspect',
  'linecache',
  'io',
  '_io',
]);

/** Names inside denied modules that are harmless, because they build plain data or are checked where they are called. */
const HARMLESS_NAMES: ReadonlySet<string> = new Set([
  ...[
    'dict',
    'list',
    'set',
    'frozenset',
    'tuple',
    'object',
    'int',
    'float',
    'bool',
    'str',
    'bytes',
    'bytearray',
    'complex',
    'slice',
    'range',
    'type',
    'print',
    'getattr',
    'long',
    'unicode',
    'xrange',
    'max',
    'min',
    'sum',
    'len',
    'abs',
    'sorted',
    'reversed',
    'enumerate',
    'zip',
    'NoneType',
    'Ellipsis',
    'NotImplemented',
  ].map((name) => `builtins.${name}`),
  'types.SimpleNamespace',
  'io.BytesIO',
  '_io.BytesIO',
]);

/** Single names in otherwise harmless packages that load or run something. */
const DENIED_NAMES: ReadonlySet<string> = new Set([
  'torch.load',
  'torch.jit.load',
  'torch.hub.load',
  'torch.serialization.load',
  'torch.storage._load_from_bytes',
  'torch.utils.cpp_extension.load',
  'torch.utils.cpp_extension.load_inline',
  'torch._inductor.codecache.compile_file',
  'numpy.load',
  'numpy.fromfile',
  'numpy.memmap',
  'numpy.loadtxt',
  'numpy.genfromtxt',
  'numpy.testing._private.utils.runstring',
  'numpy.testing._private.utils.measure',
  'pandas.read_pickle',
  'pandas.eval',
]);

/**
 * The one spelling under which a global is known: Python 2's module of built-ins has Python 3's name.
 */
export function globalName(module: string, name: string): string {
  const modern = module === '__builtin__' || module === '__builtins__' ? 'builtins' : module;
  return `${modern}.${name}`;
}

/**
 * Refuse the whole file when it names something that can only serve to run code.
 *
 * Errors: CorruptError 'unsafe'.
 */
export function assertNotDenied(name: string): void {
  const root = name.slice(0, name.indexOf('.'));
  const denied = DENIED_NAMES.has(name) || (DENIED_MODULES.has(root) && !HARMLESS_NAMES.has(name));
  if (denied) throw malformed('unsafe', `the checkpoint names ${quoted(name)}, which can run code`, { name });
}

/**
 * Whether calling `builtins.getattr` on an object of this name is what PyTorch's own schedulers do.
 *
 * A OneCycleLR of PyTorch 1.x keeps its bound method; every other use is an attempt to reach something.
 */
export function mayTakeAttributeOf(name: string): boolean {
  return name.startsWith('torch.optim.lr_scheduler.');
}
