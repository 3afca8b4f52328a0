"""Speed and memory, measured side by side with the least program that does the same job."""
