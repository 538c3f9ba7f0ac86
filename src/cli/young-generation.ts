import { setFlagsFromString } from 'node:v8';

/**
 * Keep V8's young generation from growing, for a program that answers thousands of small requests.
 *
 * Such garbage lives for a moment; a young generation that may grow holds tens of megabytes of it for nothing, at the
 * same speed. Source: measured on the emulator with 100,000 files.
 */
export function keepYoungGenerationSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
}
