/** One request to a process of the bench's own, and its one answer. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/** @throws what the process says went wrong, or that it ended. */
export async function askChild<Answer extends object>(child: ChildProcess, request: object): Promise<Exclude<Answer, { error: string }>> {
  const ended = new AbortController();
  const answered = once(child, 'message', { signal: ended.signal });
  const gone = once(child, 'exit', { signal: ended.signal }).then(() => {
    throw new Error('the process that makes the load ended');
  });
  try {
    child.send(request);
    const [answer] = (await Promise.race([answered, gone])) as [Answer];
    if ('error' in answer) throw new Error(`the load failed: ${answer.error}`);
    return answer as Exclude<Answer, { error: string }>;
  } finally {
    ended.abort();
    gone.catch(() => {});
    answered.catch(() => {});
  }
}
