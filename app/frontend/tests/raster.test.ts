import { describe, expect, it } from "vitest"
import { History } from "../src/history"
import { inside, Mask, type Point } from "../src/raster"

// Independent and naive: every pixel of the image is asked, by other formulas than the raster's.
function each(width: number, height: number, test: (x: number, y: number) => boolean): Uint8Array {
  const out = new Uint8Array(width * height)
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) if (test(x + 0.5, y + 0.5)) out[y * width + x] = 1
  return out
}

function near(x: number, y: number, a: Point, b: Point, radius: number): boolean {
  const toA = Math.hypot(x - a[0], y - a[1])
  const toB = Math.hypot(x - b[0], y - b[1])
  const length = Math.hypot(b[0] - a[0], b[1] - a[1])
  if (toA <= radius || toB <= radius) return true
  if (length === 0) return false
  const along = ((x - a[0]) * (b[0] - a[0]) + (y - a[1]) * (b[1] - a[1])) / length
  const off = Math.abs((x - a[0]) * (b[1] - a[1]) - (y - a[1]) * (b[0] - a[0])) / length
  return along >= 0 && along <= length && off <= radius
}

function winding(x: number, y: number, points: readonly Point[]): boolean {
  let odd = false
  for (let i = 0, j = points.length - 1; i < points.length; j = i++) {
    const [xi, yi] = points[i]
    const [xj, yj] = points[j]
    if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) odd = !odd
  }
  return odd
}

let seed = 1
function random(): number {
  seed = (seed * 48271) % 2147483647
  return seed / 2147483647
}
const somewhere = (): Point => [random() * 70 - 5, random() * 50 - 5]

describe("a mask", () => {
  it("takes a brush stroke as every pixel near the segment, also beyond the border", () => {
    for (let n = 0; n < 60; n++) {
      const [a, b, radius] = [somewhere(), somewhere(), 0.4 + random() * 9]
      const mask = new Mask(60, 40)
      mask.stroke(a, b, radius, 1)
      expect(mask.data).toEqual(each(60, 40, (x, y) => near(x, y, a, b, radius)))
    }
  })

  it("erases what a stroke covers and nothing else", () => {
    const mask = new Mask(60, 40)
    mask.fill(1)
    mask.stroke([10, 10], [40.3, 22.7], 5, 0)
    expect(mask.data).toEqual(each(60, 40, (x, y) => !near(x, y, [10, 10], [40.3, 22.7], 5)))
  })

  it("fills a polygon by the even-odd rule, crossing itself or not", () => {
    for (let n = 0; n < 60; n++) {
      const points = Array.from({ length: 3 + Math.floor(random() * 6) }, somewhere)
      const mask = new Mask(60, 40)
      mask.polygon(points, 1)
      expect(mask.data).toEqual(each(60, 40, (x, y) => winding(x, y, points)))
    }
  })

  it("fills a box from either corner", () => {
    const mask = new Mask(60, 40)
    mask.box([30.2, 25.9], [10.6, 5.5], 1)
    expect(mask.data).toEqual(each(60, 40, (x, y) => x >= 10.6 && x < 30.2 && y >= 5.5 && y < 25.9))
  })

  it("says which pixels may have changed, and no other one has", () => {
    const mask = new Mask(60, 40)
    const rect = mask.stroke([20, 20], [30, 25], 3, 1)
    for (let y = 0; y < 40; y++) {
      for (let x = 0; x < 60; x++) {
        const within = x >= rect.x && x < rect.x + rect.width && y >= rect.y && y < rect.y + rect.height
        if (!within) expect(mask.data[y * 60 + x]).toBe(0)
      }
    }
    expect(rect.width * rect.height).toBeLessThan(60 * 40)
  })

  it("knows a point inside a ring from one outside", () => {
    const ring: Point[] = [
      [10, 10],
      [20, 10],
      [20, 20],
      [10, 20],
    ]
    expect(inside(ring, [15, 15])).toBe(true)
    expect(inside(ring, [25, 15])).toBe(false)
  })
})

describe("history", () => {
  it("undoes and redoes any number of edits exactly", () => {
    const mask = new Mask(60, 40)
    const history = new History()
    const states = [mask.data.slice()]
    for (let n = 0; n < 8; n++) {
      history.begin(mask)
      history.touched(mask.stroke(somewhere(), somewhere(), 4, n % 3 === 2 ? 0 : 1))
      if (history.end()) states.push(mask.data.slice())
    }
    for (let n = states.length - 2; n >= 0; n--) {
      expect(history.undo()).not.toBeNull()
      expect(mask.data).toEqual(states[n])
    }
    expect(history.undo()).toBeNull()
    for (let n = 1; n < states.length; n++) {
      history.redo()
      expect(mask.data).toEqual(states[n])
    }
  })

  it("undoes a stroke that is still being drawn", () => {
    const mask = new Mask(60, 40)
    const history = new History()
    history.begin(mask)
    history.touched(mask.stroke([10, 10], [20, 10], 3, 1))
    history.undo()
    expect(mask.count()).toBe(0)
  })

  it("forgets what was undone when something else is drawn", () => {
    const mask = new Mask(60, 40)
    const history = new History()
    for (const x of [10, 40]) {
      history.begin(mask)
      history.touched(mask.stroke([x, 10], [x, 20], 3, 1))
      history.end()
    }
    history.undo()
    history.begin(mask)
    history.touched(mask.box([0, 0], [5, 5], 1))
    history.end()
    expect(history.canRedo).toBe(false)
  })

  it("counts an edit that changes nothing as none", () => {
    const mask = new Mask(60, 40)
    const history = new History()
    history.begin(mask)
    history.touched(mask.stroke([10, 10], [20, 10], 3, 0))
    expect(history.end()).toBe(false)
    expect(history.canUndo).toBe(false)
  })
})
