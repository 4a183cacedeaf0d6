const person = 'user:';

/** What stands for a session where a request names no session, only the person that it is for. */
export function sessionOfPerson(id: string | undefined): string | undefined {
  return id === undefined ? undefined : person + id;
}

/** The session where it is one conversation or one run; undefined where it is all that one person does. */
export function oneRun(session: string | undefined): string | undefined {
  return session?.startsWith(person) === true ? undefined : session;
}
