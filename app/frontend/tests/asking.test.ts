import { afterEach, beforeEach, describe, expect, it, vi } from "vitest"
import { asked } from "../src/asking"

const text = (answer: Response): Promise<string> => answer.text()
const always = (): boolean => true

describe("asking a server", () => {
  const answers: (() => Promise<Response>)[] = []
  const fetching = vi.fn(() => (answers.shift() ?? (() => Promise.reject(new TypeError("no connection"))))())

  beforeEach(() => {
    vi.useFakeTimers()
    vi.stubGlobal("fetch", fetching)
    answers.length = 0
    fetching.mockClear()
  })
  afterEach(() => {
    vi.useRealTimers()
    vi.unstubAllGlobals()
  })

  it("asks again when there is no connection, when the answer is cut off, and on 503", async () => {
    const cut = new ReadableStream({ pull: (end) => end.error(new TypeError("network error")) })
    answers.push(
      () => Promise.reject(new TypeError("refused")),
      () => Promise.resolve(new Response(cut)),
      () => Promise.resolve(new Response("away", { status: 503 })),
      () => Promise.resolve(new Response("here")),
    )
    const answer = asked("/image/1", text, always)
    await vi.advanceTimersByTimeAsync(10_000)
    expect(await answer).toBe("here")
    expect(fetching).toHaveBeenCalledTimes(4)
  })

  it("takes a refusal for an answer", async () => {
    answers.push(() => Promise.resolve(new Response("not yours", { status: 404 })))
    expect(await asked("/image/1", text, always)).toBe(null)
    expect(fetching).toHaveBeenCalledTimes(1)
  })

  it("stops when nobody wants it any more, and asks at most every four seconds until then", async () => {
    let wanted = true
    const answer = asked("/image/1", text, () => wanted)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(fetching.mock.calls.length).toBeGreaterThan(14)
    expect(fetching.mock.calls.length).toBeLessThan(22)
    wanted = false
    await vi.advanceTimersByTimeAsync(4_000)
    expect(await answer).toBe(null)
  })
})
