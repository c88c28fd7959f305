import { describe, expect, it } from "vitest"
import { Mask, type Point } from "../src/raster"
import { type Guide, growAround, guidedFilter, type Reach, windowOf } from "../src/reach"
import type { Field } from "../src/regions"

const REACH: Reach = { radius: 12, median: 0, b_n: -1 }

/** Deviating everywhere: only distance and edges can end a region. */
function flat(value: number): Field {
  return { width: 12, height: 12, values: new Float32Array(144).fill(value) }
}

function guideOf(mask: Mask, point: Point, bright: (x: number, y: number) => number): Guide {
  const rect = windowOf(mask, point, REACH.radius)
  const at = (i: number): number => bright(rect.x + (i % rect.width), rect.y + Math.floor(i / rect.width))
  return { rect, values: Float32Array.from({ length: rect.width * rect.height }, (_, i) => at(i)) }
}

function grown(value: number, step: number, bright: (x: number, y: number) => number = () => 0.5, point: Point = [48, 48]): Mask {
  const mask = new Mask(96, 96)
  growAround(mask, flat(value), guideOf(mask, point, bright), point, REACH, step)
  return mask
}

describe("one click", () => {
  it("takes about a typical defect where everything deviates as much as the boundary", () => {
    const radius = Math.sqrt(grown(-1, 0).count() / Math.PI)
    expect(radius).toBeGreaterThan(0.7 * REACH.radius)
    expect(radius).toBeLessThan(1.2 * REACH.radius)
  })

  it("takes more where the part deviates more, less at a stricter level, and nothing of a normal place", () => {
    expect(grown(-3, 0).count()).toBeGreaterThan(grown(-1, 0).count())
    expect(grown(-1, 1).count()).toBeLessThan(grown(-1, 0).count())
    expect(grown(0.5, 0).count()).toBe(0)
  })

  it("stops at an edge of the image that crosses its way", () => {
    const wall = grown(-1, 0, (x) => (x < 54 ? 0.2 : 0.9))
    const [left, right] = [0, 0].map((_, side) => {
      let count = 0
      for (let i = 0; i < wall.data.length; i++) if (wall.data[i] && i % 96 < 54 === (side === 0)) count++
      return count
    })
    const plain = grown(-1, 0)
    let beyond = 0
    for (let i = 0; i < plain.data.length; i++) if (plain.data[i] && i % 96 >= 54) beyond++
    expect(right).toBeLessThan(beyond)
    expect(left).toBeGreaterThan(0)
  })

  it("stays on the image at its border", () => {
    const mask = grown(-1, 0, () => 0.5, [1, 95])
    expect(mask.count()).toBeGreaterThan(0)
  })
})

describe("the guided filter", () => {
  it("keeps what has no edge smooth and follows a step of the guide", () => {
    const size = { width: 32, height: 8 }
    const guide = Float32Array.from({ length: 256 }, (_, i) => (i % 32 < 16 ? 0 : 1))
    const input = Float32Array.from({ length: 256 }, (_, i) => (i % 32 < 14 ? 0 : 1)) // the step is two pixels off
    const out = guidedFilter(guide, input, size, 4, 1e-4)
    expect(out[4 * 32 + 15] - out[4 * 32 + 14]).toBeLessThan(0.2)
    expect(out[4 * 32 + 16] - out[4 * 32 + 15]).toBeGreaterThan(0.4)
    expect(out[4 * 32 + 2]).toBeCloseTo(0, 3)
    expect(out[4 * 32 + 29]).toBeCloseTo(1, 3)
  })
})
