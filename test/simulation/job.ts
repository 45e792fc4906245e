/**
 * A process that lives the worlds whose seeds it is sent (run.ts), one at a time, and sends back what came of each. It ends with its parent.
 */
import { live } from './run.js';

process.on('message', (seed: number) => {
  live(seed).then(
    (lived) => process.send?.(lived),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});
process.on('disconnect', () => process.exit(0));
