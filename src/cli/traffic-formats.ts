/** What traffic files hold, for the help of the commands that read them. */
export const trafficFormats = `
Each line is a conversation: {"model", "messages": [...], "tools"?, "session"?, "agent"?, "tenant"?}
  (each assistant message is one call; "at_ms" on it says when it was made)
or a call: {"at_ms", "request", "response", "session"?, "agent"?, "tenant"?}`;
