/** @returns the target of a request, as it came, without the scheme and host that it may begin with: the path, and the query if there is one. */
export function originForm(target: string): string {
  const rest = target.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '');
  return rest.startsWith('/') ? rest : `/${rest}`;
}
