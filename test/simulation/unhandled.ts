/**
 * Promises that were rejected and that nobody waited for: in production such a process ends. Here they are heard, and told with the process whose
 * code ran last.
 */
export async function hearUnhandled<T>(heard: (reason: unknown) => void, work: () => Promise<T>): Promise<T> {
  process.on('unhandledRejection', heard);
  try {
    return await work();
  } finally {
    process.off('unhandledRejection', heard);
  }
}
