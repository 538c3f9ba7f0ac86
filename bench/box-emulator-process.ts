/** The emulator in a process of its own, so that its memory and its time are not the adapter's. */
import { writeFile } from 'node:fs/promises';
import { startEmulator } from '../src/sync/box-emulator/emulator.ts';

const [, , keyPath = ''] = process.argv;
const emulator = await startEmulator({ rateLimitPerMinute: 0, uploadRateLimitPerMinute: 0 });
await writeFile(keyPath, JSON.stringify(emulator.configuration), { mode: 0o600 });
process.send?.(emulator.url);
process.once('SIGTERM', () => void emulator.close().then(() => process.exit(0)));
