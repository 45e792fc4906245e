/** @returns what may be told of `message` over HTTP: not where the master's files lie, which its log has, and who asks by RPC. */
export function outwardMessage(message: string): string {
  return message.replace(/ (?:file|folder)=(?:(?! \w+=).)*/gs, '').replace(/:$/, '');
}
