/** As `engines` of the package says. */
const oldestMajor = 24;

/** Why Economizer cannot run on this version of Node, with what to do; undefined if it can. */
export function nodeProblem(version: string): string | undefined {
  if (Number.parseInt(version, 10) >= oldestMajor) return undefined;
  return `Install Node ${oldestMajor} or later, or run \`npx -p node@${oldestMajor} -p economizer economizer\`; Economizer cannot run on Node ${version}.`;
}
