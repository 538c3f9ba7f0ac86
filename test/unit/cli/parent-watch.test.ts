import { PassThrough } from 'node:stream';
import { expect, it, vi } from 'vitest';
import { EXIT_WITH_PARENT, stopWithParent } from '../../../src/cli/parent-watch.ts';

it('stops when the parent lets go of the pipe', async () => {
  const controller = new AbortController();
  const input = new PassThrough();
  stopWithParent(controller, { environment: { [EXIT_WITH_PARENT]: '1' }, input });
  expect(controller.signal.aborted).toBe(false);
  input.end();
  await vi.waitFor(() => expect(controller.signal.aborted).toBe(true));
});

it('stops on a broken pipe, asked by the flag', async () => {
  const controller = new AbortController();
  const input = new PassThrough();
  stopWithParent(controller, { flag: true, environment: {}, input });
  input.destroy(new Error('EIO'));
  await vi.waitFor(() => expect(controller.signal.aborted).toBe(true));
});

it('lets last words to a broken pipe pass', async () => {
  const controller = new AbortController();
  const output = new PassThrough();
  stopWithParent(controller, { flag: true, input: new PassThrough(), outputs: [output] });
  output.destroy(new Error('EPIPE'));
  await vi.waitFor(() => expect(controller.signal.aborted).toBe(true));
});

it('does not care for standard input unless asked to, nor after it was disposed of', async () => {
  const controller = new AbortController();
  const unasked = new PassThrough();
  stopWithParent(controller, { environment: {}, input: unasked });
  unasked.resume().end();
  const disposed = new PassThrough();
  stopWithParent(controller, { flag: true, environment: {}, input: disposed }).dispose();
  disposed.resume().end();
  await new Promise((resolve) => setImmediate(resolve));
  expect(controller.signal.aborted).toBe(false);
});
