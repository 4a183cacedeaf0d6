import type { AnswerFacts, Dialect } from '../dialect.ts';

const nothing: AnswerFacts = {
  model: undefined,
  usage: undefined,
  serviceTier: undefined,
  unfit: 'unfamiliar',
  outputText: '',
};

/** The stream part of dialects that have none: what claims to be one is passed on and never kept. */
export const unstreamed: Pick<Dialect, 'assembler' | 'streamEvents' | 'isUsageOnly'> = {
  assembler: () => ({ push: () => {}, finish: () => ({ facts: nothing, final: undefined }) }),
  streamEvents: () => [],
  isUsageOnly: () => false,
};
