import { afterAll } from 'vitest';
import { Rig } from './rig.ts';

/** Who calls, and with which headers of its own. */
interface Call {
  readonly by?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An emulator whose uploads may be small, called by its service account, for the tests of one file. */
export async function openSmallRig() {
  const rig = await Rig.open({ chunkedMinimumBytes: 1000, partSizeBytes: 1024 });
  afterAll(() => rig.close());
  const token = await rig.service();
  let count = 0;
  return {
    rig,
    token,
    /** A folder to work in. */
    top: await rig.folder(token, '0', 'top'),
    /** A name that nothing has. */
    fresh: () => `item-${++count}`,
    send: (method: string, path: string, json?: unknown, { by = token, headers = {} }: Call = {}) =>
      rig.call(method, path, { token: by, headers, ...(json === undefined ? {} : { json }) }),
  };
}
