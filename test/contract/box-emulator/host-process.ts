import { startEmulator } from '../../../src/sync/box-emulator/emulator.ts';

// A program for tests that kill it: prints its address and its process id when it is ready.
const running = await startEmulator({
  dataDir: process.argv[2] ?? '',
  rateLimitPerMinute: 0,
  uploadRateLimitPerMinute: 0,
});
process.stdout.write(`${running.url} ${process.pid}\n`);
