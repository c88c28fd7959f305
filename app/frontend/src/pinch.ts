// Two fingers on the stage: they carry the image along and zoom it, as on a telephone. Until all fingers are off again
// none of them draws.
import type { Place } from "./scene"

export interface Zoomed {
  pan: (dx: number, dy: number) => void
  zoom: (factor: number, at: Place) => void
}

interface Finger extends Place {
  pointerId: number
}

export class Pinch {
  private readonly fingers = new Map<number, Place>()
  private pinching = false

  constructor(private readonly scene: Zoomed) {}

  /** "one" may draw; "two" has just become a pinch; "more" comes while a pinch lasts. */
  down({ pointerId, clientX, clientY }: Finger): "one" | "two" | "more" {
    this.fingers.set(pointerId, { clientX, clientY })
    if (this.pinching) return "more"
    this.pinching = this.fingers.size === 2
    return this.pinching ? "two" : "one"
  }

  /** True when the move belonged to a pinch. */
  move({ pointerId, clientX, clientY }: Finger): boolean {
    if (!this.fingers.has(pointerId)) return false
    const before = this.span()
    this.fingers.set(pointerId, { clientX, clientY })
    if (!this.pinching) return false
    const after = this.span()
    if (before && after) {
      this.scene.pan(after.clientX - before.clientX, after.clientY - before.clientY)
      this.scene.zoom(after.distance / before.distance, after)
    }
    return true
  }

  up({ pointerId }: { pointerId: number }): void {
    this.fingers.delete(pointerId)
    if (this.fingers.size === 0) this.pinching = false
  }

  /** The middle of the first two fingers and how far they are apart, at least a pixel. */
  private span(): (Place & { distance: number }) | null {
    const [a, b] = this.fingers.values()
    if (!b) return null
    const distance = Math.max(1, Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY))
    return { clientX: (a.clientX + b.clientX) / 2, clientY: (a.clientY + b.clientY) / 2, distance }
  }
}
