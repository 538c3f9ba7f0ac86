// The training thread from its TypeScript source: Node 20 loads none by itself, and a thread has its own loaders.
import { register } from 'tsx/esm/api';

register();
await import('../../src/fl/executor/mnist/training-thread.ts');
