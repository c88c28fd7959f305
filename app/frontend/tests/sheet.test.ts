import { expect, test } from "vitest"
import type { Mask, Point } from "../src/raster"
import { OWN, Sheet } from "../src/sheet"
import { colourOf, tint } from "../src/tint"

const square = (size: number) => (mask: Mask, [x, y]: Point) => mask.box([x, y], [x + size, y + size], 1)

test("a region grows anew as long as it is the last edit", () => {
  const sheet = new Sheet(20, 20)
  sheet.grow([2, 2], square(3))
  sheet.regrow(square(5))
  expect(sheet.defect.count()).toBe(25)
  sheet.undo()
  expect(sheet.defect.count()).toBe(0)
})

test("another edit in the place of an undone region is not taken for it", () => {
  const sheet = new Sheet(20, 20)
  sheet.grow([2, 2], square(3))
  sheet.undo()
  sheet.edit((mask) => mask.box([10, 10], [14, 14], 1))
  expect(sheet.regrow(square(5))).toBeNull()
  expect(sheet.defect.count()).toBe(16)
})

test("what is marked is said in words", () => {
  const sheet = new Sheet(40, 40)
  expect(sheet.summary()).toBe("")
  sheet.edit((mask) => mask.fill(1))
  sheet.paint = "ignore"
  sheet.edit((mask) => mask.box([0, 0], [2, 2], 1))
  expect(sheet.summary()).toBe("1,600 px marked · 4 px don't care")
})

test("what is drawn next is of the chosen type, and what stood there becomes it", () => {
  const sheet = new Sheet(20, 20, ["scratch", "dent"])
  sheet.edit((mask) => mask.box([0, 0], [10, 10], 1))
  sheet.pen = sheet.numberOf("dent")
  sheet.edit((mask) => mask.box([5, 0], [10, 10], 1))
  expect([...sheet.defect.counts()]).toEqual([
    [OWN, 50],
    [3, 50],
  ])
  expect(sheet.summary()).toBe("100 px marked, of it 50 dent")
  sheet.undo()
  expect([...sheet.defect.counts()]).toEqual([[OWN, 100]])
  sheet.redo()
  sheet.stroke([7, 5], [7, 5], 2, 0)
  expect(sheet.defect.count()).toBeLessThan(100)
})

test("a new type gets the next number, and one that no type has is no pen", () => {
  const sheet = new Sheet(4, 4, ["scratch"])
  expect(sheet.numberOf("stain")).toBe(3)
  expect(sheet.types).toEqual(["scratch", "stain"])
  sheet.pen = 3
  sheet.pen = 9
  expect(sheet.pen).toBe(3)
})

test("clean-ups keep the types of what stays, and don't care has none", () => {
  const sheet = new Sheet(12, 12, ["scratch"])
  sheet.pen = 2
  sheet.edit((mask) => mask.box([1, 1], [8, 8], 1))
  sheet.edit((mask) => mask.box([3, 3], [5, 5], 0))
  sheet.pen = OWN
  sheet.clean("holes", 1)
  expect([...sheet.defect.counts()]).toEqual([
    [OWN, 4],
    [2, 45],
  ])
  sheet.clean("smooth", 1)
  expect(sheet.defect.data[6 * 12 + 6]).toBe(2)
  sheet.pen = 2
  sheet.paint = "ignore"
  sheet.edit((mask) => mask.box([9, 9], [12, 12], 1))
  expect([...sheet.ignore.counts()]).toEqual([[1, 9]])
})

test("a copy takes the types over by their names, whatever numbers they have here", () => {
  const from = new Sheet(6, 6, ["scratch", "dent"])
  from.pen = 3
  from.edit((mask) => mask.box([0, 0], [2, 2], 1))
  const to = new Sheet(6, 6, ["stain", "dent"])
  to.add(from)
  expect([...to.defect.counts()]).toEqual([[to.numberOf("dent"), 4]])
  expect(to.types).toEqual(["stain", "dent", "scratch"])
})

test("types are told apart without their colour", () => {
  const patterns = [2, 3, 4, 5].map((number) => {
    const sheet = new Sheet(12, 12, ["a", "b", "c", "d"])
    sheet.pen = number
    sheet.edit((mask) => mask.fill(1))
    const alphas = new Uint8Array(tint(sheet.defect, sheet.ignore, sheet.whole).buffer).filter((_, i) => i % 4 === 3)
    return alphas.join()
  })
  expect(new Set(patterns).size).toBe(4)
  expect(new Set([1, 2, 3, 4, 5].map(colourOf)).size).toBe(5)
})

test("a sheet becomes another one, types by their names and don't care with it, and can be undone", () => {
  const mine = new Sheet(20, 20, ["dent"])
  mine.pen = mine.numberOf("dent")
  mine.edit((mask) => mask.box([0, 0], [4, 4], 1))
  mine.paint = "ignore"
  mine.edit((mask) => mask.box([10, 10], [12, 12], 1))
  const sheet = new Sheet(20, 20, ["scratch", "dent"])
  sheet.edit((mask) => mask.box([5, 5], [9, 9], 1))
  sheet.become(mine)
  expect([...sheet.defect.counts()]).toEqual([[sheet.numberOf("dent"), 16]])
  expect(sheet.ignore.count()).toBe(4)
  sheet.undo()
  expect([...sheet.defect.counts()]).toEqual([[OWN, 16]])
})
