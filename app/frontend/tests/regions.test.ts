import { describe, expect, it } from "vitest"
import { levelAt, typedBox } from "../src/gestures"
import { Mask, type Point } from "../src/raster"
import { dropSmall, type Field, fill, fillHoles, grow, smooth, threshold, valueAt } from "../src/regions"
import { Sheet } from "../src/sheet"

function drawn(rows: string[]): Mask {
  return new Mask(rows[0].length, rows.length, Uint8Array.from(rows.join(""), (sign) => (sign === "#" ? 1 : 0)))
}

function shown(mask: Mask): string[] {
  return Array.from({ length: mask.height }, (_, y) =>
    Array.from(mask.data.subarray(y * mask.width, (y + 1) * mask.width), (value) => (value ? "#" : ".")).join(""),
  )
}

// Two dips, 4x2 cells on an 8x4 image: each cell is two pixels wide.
const FIELD: Field = { width: 4, height: 2, values: Float32Array.from([-4, 0, 0, -3, 0, 0, 0, 0]) }

describe("a field on an image", () => {
  it("is its cell's value at the cell's centre and linear between", () => {
    const fine = { width: 12, height: 6 } // pixels at 1/3: the middle one of three lies on the cell's centre
    expect(valueAt(FIELD, fine, 1, 1)).toBeCloseTo(-4)
    expect(valueAt(FIELD, fine, 2, 1)).toBeCloseTo(-4 * (2 / 3))
    expect(valueAt(FIELD, fine, 0, 0)).toBeCloseTo(-4) // clamped at the border
    expect(valueAt(FIELD, fine, 1, 2)).toBeCloseTo(-4 * (2 / 3))
  })
})

const below = (level: number) => (mask: Mask, point: Point) => grow(mask, FIELD, point, level)

describe("growing", () => {
  it("takes what hangs together below the level and no other region", () => {
    const mask = new Mask(8, 4)
    const rect = grow(mask, FIELD, [0.5, 0.5], -2.5)
    expect(shown(mask)).toEqual(["##......", "#.......", "........", "........"])
    expect(rect).toEqual({ x: 0, y: 0, width: 2, height: 2 })
  })

  it("marks the more the higher the level", () => {
    const sizes = [-3.5, -2, -0.5].map((level) => {
      const mask = new Mask(40, 20)
      grow(mask, FIELD, [5, 5], level)
      return mask.count()
    })
    expect(sizes[0]).toBeLessThan(sizes[1])
    expect(sizes[1]).toBeLessThan(sizes[2])
  })

  it("finds a region that the click just missed, and none far from every one", () => {
    const mask = new Mask(40, 20)
    grow(mask, FIELD, [14, 3], -3)
    expect(mask.count()).toBeGreaterThan(0)
    const far = new Mask(400, 200)
    expect(grow(far, { ...FIELD, values: Float32Array.from([-4, 0, 0, 0, 0, 0, 0, 0]) }, [390, 190], -3).width).toBe(0)
  })

  it("is what the threshold marks when there is one region", () => {
    const one = { ...FIELD, values: Float32Array.from([-4, 0, 0, 0, 0, 0, 0, 0]) }
    const [grown, all] = [new Mask(40, 20), new Mask(40, 20)]
    grow(grown, one, [2, 2], -1)
    threshold(all, one, -1)
    expect(grown.data).toEqual(all.data)
  })

  it("moves with the level until something else is drawn", () => {
    const sheet = new Sheet(40, 20)
    sheet.grow([2, 2], below(-3))
    const small = sheet.defect.count()
    sheet.regrow(below(-1))
    expect(sheet.defect.count()).toBeGreaterThan(small)
    sheet.regrow(below(-3))
    expect(sheet.defect.count()).toBe(small)
    expect(sheet.history.length).toBe(1) // one gesture, one undo
    sheet.edit((mask) => mask.box([30, 10], [32, 12], 1))
    expect(sheet.regrow(below(-1))).toBeNull()
  })
})

describe("filling", () => {
  it("fills a closed outline from a click inside, and refuses an open one", () => {
    const closed = drawn(["#####", "#...#", "#.#.#", "#####"])
    expect(fill(closed, [1.5, 1.5])).toEqual({ x: 1, y: 1, width: 3, height: 2 })
    expect(shown(closed)).toEqual(["#####", "#####", "#####", "#####"])
    const open = drawn(["#####", "#...#", "#...#", "#.###"])
    expect(fill(open, [2.5, 1.5])).toBeNull()
    expect(shown(open)).toEqual(["#####", "#...#", "#...#", "#.###"])
  })

  it("fills every hole; a corner is no way out", () => {
    const mask = drawn(["......", ".###..", ".#.#..", ".##.#.", "...#.."])
    fillHoles(mask)
    expect(shown(mask)).toEqual(["......", ".###..", ".###..", ".####.", "...#.."])
  })

  it("leaves an empty mask empty", () => {
    const mask = new Mask(9, 7)
    expect(fillHoles(mask)).toEqual({ x: 0, y: 0, width: 0, height: 0 })
    expect(mask.count()).toBe(0)
  })
})

describe("cleaning", () => {
  it("drops regions below the size, corners holding together", () => {
    const mask = drawn(["#..#..", ".#....", "....##", "....##"])
    dropSmall(mask, 3)
    expect(shown(mask)).toEqual(["......", "......", "....##", "....##"])
    dropSmall(mask, 4)
    expect(mask.count()).toBe(4)
  })

  it("smooths to the majority of each neighbourhood", () => {
    const mask = drawn([".....", ".###.", ".#.#.", ".###.", "....#"])
    smooth(mask)
    expect(shown(mask)).toEqual([".....", "..#..", ".###.", "..#..", "....."])
  })
})

describe("two layers of one sheet", () => {
  it("undo in the order of the strokes, each in its layer", () => {
    const sheet = new Sheet(10, 10)
    sheet.edit((mask) => mask.box([0, 0], [2, 2], 1))
    sheet.paint = "ignore"
    sheet.edit((mask) => mask.box([5, 5], [9, 9], 1))
    expect([sheet.defect.count(), sheet.ignore.count()]).toEqual([4, 16])
    sheet.undo()
    expect([sheet.defect.count(), sheet.ignore.count()]).toEqual([4, 0])
    sheet.undo()
    expect(sheet.defect.count()).toBe(0)
    sheet.redo()
    sheet.redo()
    expect([sheet.defect.count(), sheet.ignore.count()]).toEqual([4, 16])
  })
})

describe("what is typed and slid", () => {
  it("reads a box from four numbers and nothing else", () => {
    expect(typedBox("10, 20; 30 40")).toEqual([[10, 20], [40, 60]])
    for (const text of ["", "1 2 3", "1 2 3 x", "1 2 0 4", "1 2 3 4 5"]) expect(typedBox(text)).toBeNull()
  })

  it("has b_n at step 0", () => {
    const scale = { median: -1, b_n: -3, b_a: -5 }
    expect([-1, 0, 1].map((step) => levelAt(scale, step))).toEqual([-2, -3, -5])
  })
})
