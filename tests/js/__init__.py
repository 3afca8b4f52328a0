"""The phone's side: pure parts in Node, behaviour in a real browser before a stub that speaks the inbox."""
