// `npm run bench`: what a pointer's move costs in our own code on an image of 4 megapixels. A frame is 16.7 ms.
import { test } from "vitest"
import { Sheet } from "../src/sheet"
import { tint } from "../src/tint"

const SIDE = 2048

test("one move of 40 px on 2048 x 2048", async ({ bench }) => {
  const sheet = new Sheet(SIDE, SIDE)
  sheet.edit((mask) => mask.box([300, 300], [1500, 1400], 1))
  const move = (radius: number) => () => {
    const rect = sheet.stroke([1000, 1000], [1032, 1024], radius, 1)
    tint(sheet.defect, sheet.ignore, rect)
  }
  await bench.compare(
    ...[8, 26, 128].map((radius) => bench(`a stroke of radius ${radius} and its colours`, move(radius))),
    bench("its first move, which keeps the mask for undo", () => {
      sheet.begin()
      move(26)()
    }),
    bench("the whole mask, as when an image is opened", () => {
      tint(sheet.defect, sheet.ignore, sheet.whole)
    }),
  )
})
