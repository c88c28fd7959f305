// The mask as colours over the photograph.
import type { Mask, Rect } from "./raster"

const [INK, PALE] = [
  [229, 57, 53, 130],
  [66, 165, 245, 130],
].map((colour) => new Uint32Array(new Uint8Array(colour).buffer)[0])

/** The pixels of a rectangle as RGBA words: what is abnormal filled, what nobody judges hatched. */
export function tint(defect: Mask, ignore: Mask, rect: Rect): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array(rect.width * rect.height)
  for (let row = 0; row < rect.height; row++) {
    const start = (rect.y + row) * defect.width + rect.x
    for (let column = 0; column < rect.width; column++) {
      if (defect.data[start + column]) words[row * rect.width + column] = INK
      else if (ignore.data[start + column] && (row + column + rect.x + rect.y) % 4 < 2) {
        words[row * rect.width + column] = PALE // hatched: told apart without its colour
      }
    }
  }
  return words
}
