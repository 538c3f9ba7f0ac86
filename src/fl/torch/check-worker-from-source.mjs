// Starts the worker's TypeScript source in a thread of its own; the built program starts check-worker.js itself.
import { register } from 'tsx/esm/api';

register();
await import('./check-worker.ts');
