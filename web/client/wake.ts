/** Tells when a device may have slept or changed its network: a connection is then looked at anew. */

/** Calls `woken` at each such moment, until what is returned is called. */
export function onWake(woken: () => void): () => void {
  if (typeof window === "undefined") return () => {};
  const visible = () => document.visibilityState === "visible" && woken();
  const network = (navigator as { connection?: EventTarget }).connection;
  const heard: [EventTarget, string, () => void][] = [
    [window, "online", woken],
    [window, "focus", woken],
    [window, "pageshow", woken],
    [document, "visibilitychange", visible],
  ];
  if (network) heard.push([network, "change", woken]);
  for (const [target, name, listener] of heard) target.addEventListener(name, listener);
  return () => {
    for (const [target, name, listener] of heard) target.removeEventListener(name, listener);
  };
}
