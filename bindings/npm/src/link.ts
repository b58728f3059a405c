/** One way to the other side: a port between a page and its worker, or a channel that two tabs share. */

/** Sends messages `Out` and hears messages `In`. */
export interface Link<Out, In> {
  /** Sends `message`; `transfer` are buffers that the sender does not need any more. */
  post(message: Out, transfer?: ArrayBuffer[]): void
  /** Has `listener` called with every message, from here on. */
  listen(listener: (message: In) => void): void
  close(): void
}

/** Makes the channel with this name. */
export type OpenChannel = (name: string) => BroadcastChannel

/** A link over one end of a `MessageChannel`. Buffers are handed over, not copied. */
export function portLink<Out, In>(port: MessagePort): Link<Out, In> {
  return {
    post: (message, transfer = []) => port.postMessage(message, transfer),
    listen: (listener) => {
      port.onmessage = (event: MessageEvent<In>) => listener(event.data)
    },
    close: () => port.close(),
  }
}

/** A link over a `BroadcastChannel`. Buffers are copied. */
export function channelLink<Out, In>(channel: BroadcastChannel): Link<Out, In> {
  return {
    post: (message) => channel.postMessage(message),
    listen: (listener) => {
      channel.onmessage = (event: MessageEvent<In>) => listener(event.data)
    },
    close: () => channel.close(),
  }
}
