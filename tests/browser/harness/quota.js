/** How much an origin may store, as the browser's tools for developers can set it. */

/** Lets the origin of `tab` store `bytes` more than it has; gives what lifts that, once. */
export async function leaveRoom(tab, bytes) {
  const origin = new URL(tab.url()).origin
  // The browser keeps to it as long as the session lasts.
  const session = await tab.context().newCDPSession(tab)
  const { usage } = await session.send('Storage.getUsageAndQuota', { origin })
  await session.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: Math.ceil(usage + bytes) })
  let lifted = false
  return async () => {
    if (lifted) {
      return
    }
    lifted = true
    await session.send('Storage.overrideQuotaForOrigin', { origin })
    await session.detach()
  }
}
