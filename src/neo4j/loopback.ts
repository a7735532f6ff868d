/** Whether an address is this machine's own: nobody listens on the way there, and its cores are ours. */
export function isLoopback(uri: string): boolean {
  const host = /^[\w+]+:\/\/(?:[^@/]*@)?(\[[^\]]*\]|[^:/?]*)/.exec(uri)?.[1] ?? '';
  return /^(localhost|127(\.\d+){3}|\[::1\])$/i.test(host);
}
