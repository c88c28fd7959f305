import { expect, test } from "vitest"
import { Pinch } from "../src/pinch"

/** A view that keeps the place of one image point on the screen, as the scene does. */
function stage() {
  const view = { scale: 1, x: 0, y: 0 }
  const pinch = new Pinch({
    pan: (dx, dy) => {
      view.x += dx
      view.y += dy
    },
    zoom: (factor, at) => {
      view.x = at.clientX - (at.clientX - view.x) * factor
      view.y = at.clientY - (at.clientY - view.y) * factor
      view.scale *= factor
    },
  })
  return { view, pinch }
}

const finger = (pointerId: number, clientX: number, clientY: number) => ({ pointerId, clientX, clientY })

test("what lies under the two fingers stays under them", () => {
  const { view, pinch } = stage()
  expect(pinch.down(finger(1, 60, 90))).toBe("one")
  expect(pinch.move(finger(1, 100, 100))).toBe(false) // it draws, and is here when the second one comes
  expect(pinch.down(finger(2, 200, 100))).toBe("two")
  expect(pinch.move(finger(1, 50, 160))).toBe(true)
  expect(pinch.move(finger(2, 250, 160))).toBe(true)
  expect(view.scale).toBeCloseTo(2, 10)
  const shown = (x: number, y: number) => [x * view.scale + view.x, y * view.scale + view.y]
  expect(shown(100, 100)[0]).toBeCloseTo(50, 8)
  expect(shown(200, 100)[0]).toBeCloseTo(250, 8)
  expect(shown(150, 100)[1]).toBeCloseTo(160, 8)
})

test("no finger draws before all of them are off again", () => {
  const { view, pinch } = stage()
  pinch.down(finger(1, 0, 0))
  pinch.down(finger(2, 10, 0))
  pinch.up(finger(1, 0, 0))
  const before = { ...view }
  expect(pinch.move(finger(2, 90, 40))).toBe(true)
  expect(view).toEqual(before)
  expect(pinch.down(finger(3, 5, 5))).toBe("more")
  pinch.up(finger(2, 0, 0))
  pinch.up(finger(3, 0, 0))
  expect(pinch.down(finger(4, 5, 5))).toBe("one")
})

test("two fingers on one place do not zoom to infinity", () => {
  const { view, pinch } = stage()
  pinch.down(finger(1, 10, 10))
  pinch.down(finger(2, 10, 10))
  pinch.move(finger(2, 14, 10))
  expect(view.scale).toBe(4)
})
