// Asks a server that may just be starting again.

const FIRST_PAUSE = 250 // milliseconds; doubled after each, up to
const LONGEST_PAUSE = 4000

/**
 * What `read` makes of the answer; null when the server refuses, or when nobody wants it any more.
 *
 * No connection, one that is cut within its answer, and a 5xx are a server that will be back: it is asked again.
 */
export async function asked<T>(url: string, read: (answer: Response) => Promise<T>, wanted: () => boolean): Promise<T | null> {
  for (let pause = FIRST_PAUSE; wanted(); pause = Math.min(2 * pause, LONGEST_PAUSE)) {
    try {
      const answer = await fetch(url)
      if (answer.ok) return await read(answer)
      if (answer.status < 500) return null
    } catch {
      // It is asked again below.
    }
    await new Promise((resolve) => setTimeout(resolve, pause))
  }
  return null
}
