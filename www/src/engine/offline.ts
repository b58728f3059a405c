/** The page without a network, once it was loaded: a service worker keeps the files of its build. */

/** Has the browser keep the page. One that refuses, or a page that is being developed, works as it does without. */
export function registerOffline(): void {
  if (!import.meta.env.PROD || !('serviceWorker' in navigator)) {
    return
  }
  const register = async () => {
    try {
      // Beside the page, wherever that is, and for what is below it only.
      await navigator.serviceWorker.register(new URL('service-worker.js', document.baseURI), { updateViaCache: 'none' })
    } catch {
      // No storage, a private window, a page that is not secure: there is a network, since the page is here.
    }
  }
  // What the page needs at first comes first.
  if (document.readyState === 'complete') {
    void register()
  } else {
    addEventListener('load', () => void register(), { once: true })
  }
}
