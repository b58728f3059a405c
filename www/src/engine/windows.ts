/** The other windows in which the page is open: a store can be deleted or replaced only once they have let go of it. */

const channel = typeof BroadcastChannel === 'undefined' ? undefined : new BroadcastChannel('firndb-playground')

type Message = 'leave' | 'back'

/** Asks the other windows to close the store, until {@link letOthersBack}. */
export function askOthersToLeave(): void {
  channel?.postMessage('leave' satisfies Message)
}

/** Tells the other windows that they may open the store again. */
export function letOthersBack(): void {
  channel?.postMessage('back' satisfies Message)
}

/** Calls `leave` and `back` when another window asks for it, until what is returned is called. */
export function whenAsked(leave: () => void, back: () => void): () => void {
  const listen = ({ data }: MessageEvent<Message>) => (data === 'leave' ? leave() : back())
  channel?.addEventListener('message', listen)
  return () => channel?.removeEventListener('message', listen)
}
