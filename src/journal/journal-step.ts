/**
 * The steps between which a test may hold a claimant or a writer up: the protocol has to be right whatever happens meanwhile.
 *
 * In a folder. A claim: `proved` (a write succeeds), `taken` (a number), `fenced` (every earlier epoch), `read` (the log), `copied` (the suffix),
 * `slotted`; then, as for every append: `durable` (the batch is, the fence has not been looked at). To retain: `known` (the mark with it is durable,
 * the fence has not been looked at), `collecting` (before each deletion).
 *
 * On an object store. A claim: `read` (the log, to its end; nothing has been sent), `durable` (the claim stands, the boundary has not been read
 * again). An append: `sealed` (nothing has been sent), `durable` (the batch stands). To retain: `known` (the boundary stands), `collecting`.
 */
export type JournalStep = 'proved' | 'taken' | 'fenced' | 'read' | 'copied' | 'slotted' | 'sealed' | 'durable' | 'known' | 'collecting';

/** Awaited where it returns a promise; what it throws is as if the process had failed there. `epoch` is 0 before one is taken. */
export type StepHook = (step: JournalStep, epoch: number) => Promise<void> | undefined;
