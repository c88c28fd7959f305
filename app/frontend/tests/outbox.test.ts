import { beforeEach, describe, expect, it, vi } from "vitest"
import { Outbox, type Stored } from "../src/outbox"

class Memory {
  readonly values = new Map<string, string>()
  getItem = (name: string) => this.values.get(name) ?? null
  setItem = (name: string, value: string) => void this.values.set(name, value)
  removeItem = (name: string) => void this.values.delete(name)
}

describe("the outbox", () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })

  it("sends a commit again until its number comes back", () => {
    const sent: Stored[] = []
    const box = new Outbox("a", (entry) => sent.push(entry), new Memory(), 100)
    box.commit({ png: "A" })
    vi.advanceTimersByTime(250)
    expect(sent.map((entry) => entry.rev)).toEqual([1, 1, 1])
    box.ack(1)
    vi.advanceTimersByTime(1000)
    expect(sent.length).toBe(3)
    expect(box.pending).toBe(false)
  })

  it("sends only the latest of two commits again", () => {
    const sent: Stored[] = []
    const box = new Outbox("b", (entry) => sent.push(entry), new Memory(), 100)
    box.commit({ png: "A" })
    box.commit({ png: "B" })
    vi.advanceTimersByTime(150)
    expect(sent.map((entry) => entry.png)).toEqual(["A", "B", "B"])
  })

  it("gives the next outbox of this page what was drawn, whatever the tab's storage says", () => {
    const full = new Memory()
    full.setItem = () => {
      throw new Error("full")
    }
    new Outbox("x", () => {}, full, 100).commit({ png: "A" })
    expect(new Outbox("x", () => {}, full, 100).stored()).toEqual({ rev: 1, png: "A" })
  })

  it("gives a later page of the tab what was drawn, and numbers on from what was seen", async () => {
    const memory = new Memory()
    new Outbox("c", () => {}, memory, 100).commit({ png: "A" })
    vi.resetModules() // a reload: nothing but the tab's storage is left
    const { Outbox: Reloaded } = await import("../src/outbox")
    const next = new Reloaded("c", () => {}, memory, 100)
    expect(next.stored()).toEqual({ rev: 1, png: "A" })
    next.ack(7)
    next.commit({ png: "B" })
    expect(next.stored()).toEqual({ rev: 8, png: "B" })
  })

  it("sends the last commit again to a server that was started again", () => {
    const sent: Stored[] = []
    const box = new Outbox("d", (entry) => sent.push(entry), new Memory(), 100)
    box.commit({ png: "A" })
    box.commit({ png: "B" })
    box.ack(2)
    vi.advanceTimersByTime(1000)
    expect(sent.length).toBe(2)
    box.ack(0)
    expect(box.pending).toBe(true)
    vi.advanceTimersByTime(150)
    expect(sent.slice(2).map((entry) => entry.png)).toEqual(["B", "B"])
    box.ack(2)
    vi.advanceTimersByTime(1000)
    expect(sent.length).toBe(4)
    expect(box.pending).toBe(false)
  })

  it("takes damaged storage for none", () => {
    const memory = new Memory()
    memory.setItem("e", "{")
    expect(new Outbox("e", () => {}, memory).stored()).toBeNull()
  })
})
