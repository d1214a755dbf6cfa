import { Registry } from "@pharos/kit";
import { expect, test } from "vitest";
import { type Notification, Notifications } from "./notifications.ts";

test("what holds is listed, and subscribers are told of changes as long as there are places", () => {
  const notifications = new Notifications(1, new Registry());
  notifications.add("a");
  notifications.add("a");
  expect(notifications.current).toMatchObject([{ text: "a", active: true }]);
  const seen: Notification[] = [];
  const leave = notifications.subscribe((notification) => seen.push({ ...notification }));
  expect(notifications.subscribe(() => {})).toBeUndefined();
  notifications.add("b");
  notifications.remove("a");
  notifications.remove("nothing");
  expect(seen.map(({ text, active }) => [text, active])).toEqual([
    ["a", true],
    ["b", true],
    ["a", false],
  ]);
  leave?.();
  notifications.add("c");
  expect(seen.length).toBe(3);
  expect(notifications.subscribe(() => {})).toBeDefined();
});
