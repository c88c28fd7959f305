import { expect, test } from "vitest"
import type { Mask, Point } from "../src/raster"
import { Sheet } from "../src/sheet"

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
