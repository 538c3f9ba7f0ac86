import { KERNEL_BASE64 } from './kernel-bytes.ts';

/** The functions of kernel.wat; addresses and lengths are in bytes of the kernel's memory. */
export interface VectorKernel {
  mean(table: number, count: number, output: number, bytes: number, divisor: number): number;
  weighted(table: number, weights: number, count: number, output: number, bytes: number): number;
  fold(table: number, count: number, output: number, bytes: number): void;
  nonfinite(input: number, bytes: number): number;
  sort(table: number, pairs: number, pairCount: number, bytes: number): void;
  distance(left: number, right: number, bytes: number): number;
}

/** Lengths that the kernel is given are multiples of this. */
export const KERNEL_STEP_BYTES = 64;
/** A page of WebAssembly memory. */
const PAGE_BYTES = 65_536;

/** Memory that a kernel can work in, with the kernel if this machine has vector instructions. */
export interface KernelMemory {
  readonly buffer: ArrayBuffer;
  readonly kernel: VectorKernel | null;
}

/** The part of WebAssembly that is used; the name is global in every JavaScript engine, but not in Node's types. */
interface WebAssemblyApi {
  readonly Memory: new (size: { initial: number; maximum: number }) => { readonly buffer: ArrayBuffer };
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: object };
}

/** Make memory of at least `sizeBytes`; falls back to plain memory where WebAssembly has no vectors. */
export function newKernelMemory(sizeBytes: number): KernelMemory {
  try {
    const { WebAssembly: api } = globalThis as unknown as { WebAssembly: WebAssemblyApi };
    const pages = Math.ceil(sizeBytes / PAGE_BYTES);
    const memory = new api.Memory({ initial: pages, maximum: pages });
    const binary = atob(KERNEL_BASE64);
    const bytes = Uint8Array.from({ length: binary.length }, (_, index) => binary.charCodeAt(index));
    const instance = new api.Instance(new api.Module(bytes), { host: { memory } });
    return { buffer: memory.buffer, kernel: instance.exports as VectorKernel };
  } catch {
    return { buffer: new ArrayBuffer(sizeBytes), kernel: null };
  }
}
