/** Environment variables by name. Everything else in the house gets them as an argument. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The process's own environment. This is the only place that reads it; a house test sees to that. */
export function processEnvironment(): Environment {
  return { ...process.env };
}

/** The value of a variable; one that is set to nothing counts as not set, as the providers' SDKs have it. */
export function variable(environment: Environment, name: string): string | undefined {
  const value = environment[name]?.trim();
  return value === '' ? undefined : value;
}
