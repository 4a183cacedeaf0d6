import type { Random } from '../kernel/random.ts';
import type { DemoLane } from './demo-call.ts';
import { evaluationLane, faqLane, fanOutLane } from './repeating-agents.ts';
import { researchLane, supportLane } from './tool-agents.ts';

/**
 * A sample of what agents send, made up by us and the same for the same seed: tool-using agents in both dialects whose
 * requests grow from turn to turn, customers who ask the same, an evaluation that runs twice, and agents that read one page at the same moment.
 */
export function demoWorkload(random: Random): readonly DemoLane[] {
  const lanes: DemoLane[] = [];
  for (let number = 1; number <= 6; number++) lanes.push(supportLane(number, random));
  for (let number = 1; number <= 3; number++) lanes.push(researchLane(number));
  lanes.push(faqLane(40, random), evaluationLane(10));
  for (let page = 1; page <= 3; page++) lanes.push(fanOutLane(page));
  return lanes;
}
